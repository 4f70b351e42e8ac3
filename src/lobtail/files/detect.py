"""Tell by which log driver a file was written: by what stands at its beginning."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import PurePath
from typing import Final

from lobtail.errors import LogFileError
from lobtail.files.formats import Format
from lobtail.files.part import Part

__all__ = ["DRIVERS", "detect", "make_format"]

# Where the format of each driver is; only one of them is needed as a rule, and each takes 2 ms.
_HOMES: Final = {
    "json-file": ("lobtail.files.jsonfile", "JsonFile"),
    "local": ("lobtail.files.local", "Local"),
    "k8s-file": ("lobtail.files.k8sfile", "K8sFile"),
    "stream": ("lobtail.files.capture", "Capture"),
}
DRIVERS: Final = tuple(_HOMES)


def make_format(driver: str) -> Format:
    """Return the format of one of the ``DRIVERS``."""
    module, name = _HOMES[driver]
    form: Format = getattr(import_module(module), name)()
    return form


# Anywhere at the beginning: a file may begin with damage.
_SIGNS: Final = (
    ("json-file", re.compile(rb'(?:\A|[\n\x00])\{"(?:log|stream|time)":"')),
    ("local", re.compile(rb"\x00[\x00-\x0f][\x00-\xff]{2}\x0a\x06std(?:out|err)")),
    (
        "k8s-file",
        re.compile(rb"(?:\A|\n)[0-9]{4}-[0-9]{2}-[0-9]{2}T[^ \n]{8,30} std(?:out|err) [FP] "),
    ),
    ("stream", re.compile(rb"\A[\x00-\x03]\x00{3}[\x00-\xff]{4}")),
)
_NAMES: Final = (("-json.log", "json-file"), ("container.log", "local"), ("ctr.log", "k8s-file"))


def detect(parts: list[Part]) -> Format:
    """Return the format of a log. LogFileError if none is recognised."""
    for part in reversed(parts):
        head = next(part.blocks(), b"")
        if not head.strip(b"\x00"):
            continue  # a crash leaves such files, and what was to be in them does not show
        for driver, sign in _SIGNS:
            if sign.search(head[: 1 << 16]):
                return make_format(driver)
        break
    path = parts[-1].path
    name = PurePath(path).name
    if not any(part.size for part in parts):
        for ending, driver in _NAMES:
            if name.endswith(ending):
                return make_format(driver)
        raise LogFileError(f"{path} is empty, and its name does not tell the log driver: name it")
    raise LogFileError(
        f"{path} is no log that lobtail knows: neither of json-file nor local nor k8s-file, "
        "nor a captured stream of frames"
    )

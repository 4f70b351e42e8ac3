"""Tell by which log driver a file was written: by the records in it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import PurePath
from typing import Final

from lobtail.errors import LogFileError
from lobtail.files.formats import Format
from lobtail.files.log_file import LogFile, Window
from lobtail.files.records import MAX_RECORD

__all__ = ["DRIVERS", "detect", "make_format"]

# Where the format of each driver is; only one of them is needed as a rule, and each takes 2 ms.
_HOMES: Final = {
    "json-file": ("lobtail.files.jsonfile", "JsonFile"),
    "local": ("lobtail.files.local", "Local"),
    "k8s-file": ("lobtail.files.k8sfile", "K8sFile"),
    "stream": ("lobtail.files.capture", "Capture"),
    "journald": ("lobtail.files.journal", "JournalJson"),
    "journald-export": ("lobtail.files.journal", "JournalExport"),
    "lobtail": ("lobtail.files.saved", "Saved"),
}
DRIVERS: Final = tuple(_HOMES)


def make_format(driver: str) -> Format:
    """Return the format of one of the ``DRIVERS``."""
    module, name = _HOMES[driver]
    form: Format = getattr(import_module(module), name)()
    return form


_FIRST: Final = 1 << 12
_SAMPLE: Final = 1 << 16
_SAMPLES: Final = 16

_NAMES: Final = (
    ("-json.log", "json-file"),
    ("container.log", "local"),
    ("ctr.log", "k8s-file"),
    (".json", "lobtail"),
    (".ndjson", "lobtail"),
)


def detect(parts: list[LogFile]) -> Format:
    """Return the format of a log. LogFileError if none is recognised."""
    path = parts[-1].path
    # The likely ones first: each takes a moment to load.
    likely = [driver for ending, driver in _NAMES if ending in PurePath(path).name]
    forms: dict[str, Format] = {}
    blank = True
    for part in reversed(parts):
        for sample, ends in _samples(part):
            blank = False
            for driver in (*likely, *DRIVERS):
                form = forms.get(driver) or forms.setdefault(driver, make_format(driver))
                if form.recognises(sample, ends=ends):
                    return form
    if blank and likely:
        return make_format(likely[0])
    if blank:
        raise LogFileError(f"{path} is empty, and its name does not tell the log driver")
    raise LogFileError(
        f"{path}: unrecognised format (expected json-file, local, k8s-file, a captured frame "
        "stream, lobtail tail -o json, or journalctl -o json or -o export)"
    )


def _samples(part: LogFile) -> Iterator[tuple[bytes, bool]]:
    """Yield bytes of a file to tell its format by, and whether it ends with them.

    Its first ones, more and more of them as long as a record may be; then some from anywhere, for
    a file may begin with damage. Runs of NUL bytes, which a crash leaves, are passed over.
    """
    window = Window(part, size=_FIRST)
    while window.more() and not window.last:
        if window.take_nuls(0) is None:
            sample = bytes(window.data[: window.length])
            yield sample, not part.compressed and window.offset + len(sample) >= part.size
            if len(sample) > MAX_RECORD:
                break
    if window.last or part.compressed:
        return
    for offset in range(0, part.size, max(part.size // _SAMPLES, _SAMPLE)):
        start = part.behind_hole(offset)
        sample = part.read_at(start, _SAMPLE)
        if sample.strip(b"\0"):
            yield sample, start + len(sample) >= part.size

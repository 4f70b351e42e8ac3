r"""JSON in which nothing acts on a terminal or hides from a reader.

Controls, C1 too, and what reorders or hides text are written as ``\uXXXX``, which changes no value.
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

from lobtail.model.sanitize import INVISIBLE

__all__ = ["encode_json", "escaped", "valid"]

# msgspec escapes the C0 controls.
_HIDDEN: Final = re.compile(INVISIBLE)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def encode_json(value: object) -> bytes:
    """Return a value as JSON in one line, escaped; bytes that are no text are U+FFFD."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a path or an argument: surrogates stand for such bytes
        data = valid(json.dumps(msgspec.to_builtins(value), ensure_ascii=False)).encode()
    return escaped(data)


def valid(text: str) -> str:
    """Return a text as JSON can have it: names of files may have bytes that are not UTF-8."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def escaped(data: bytes) -> bytes:
    """Escape in JSON what could act or hide. One scan for plain text."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _HIDDEN.sub(_escape, data.decode()).encode()


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))

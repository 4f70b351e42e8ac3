r"""What the texts that a wanted line contains look like in a file.

Each text is cut down to its longest part that any writer writes in one way; what contains the text
contains that part. In JSON any character can be an escape. Moby (``jsonlogbytes.go``) escapes
``<``, ``>``, ``&``, U+2028, U+2029 and controls; other writers all but ASCII, or ``/``, ``'``,
``+`` and ``"`` (Python, PHP, .NET). Letters, digits and most signs nobody escapes.

U+FFFD is never looked for: in a line's text it may stand for any bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

from lobtail.files.values import Literals

__all__ = ["Needles", "json_needles", "raw_needles"]

Needles = tuple[tuple[bytes, ...], ...]
"""Of every group at least one must be in a record's bytes."""

_JSON_CHOICE: Final = re.compile(r"[^-0-9A-Za-z !#$%()*,.:;=?@\[\]^_{|}~]+")
_RAW_CHOICE: Final = re.compile("[\ufffd\ud800-\udfff]+")
_SHORT: Final = {
    "\b": b"\\b",
    "\t": b"\\t",
    "\n": b"\\n",
    "\f": b"\\f",
    "\r": b"\\r",
    '"': b'\\"',
    "\\": b"\\\\",
}


def json_needles(wanted: Literals) -> Needles:
    """Return what a json-file record holds of the texts."""
    return _needles(wanted, json=True)


def raw_needles(wanted: Literals) -> Needles:
    """Return what a record that keeps bytes as they are holds of the texts."""
    return _needles(wanted, json=False)


def _needles(wanted: Literals, *, json: bool) -> Needles:
    groups: list[tuple[bytes, ...]] = []
    for texts in wanted.groups:
        group: list[bytes] = []
        for text in texts:
            found = _forms(text, json=json)
            if not found:  # anything may be a line that contains it
                break
            group += found
        else:
            groups.append(tuple(dict.fromkeys(group)))
    # The most telling one first: it is searched for, the others only where that one is.
    groups.sort(key=lambda group: min(map(len, group), default=0) - len(group), reverse=True)
    return tuple(groups)


def _forms(text: str, *, json: bool) -> list[bytes]:
    """Return the ways in which a file may have a part of ``text``; none if that cannot be said."""
    part = max((_JSON_CHOICE if json else _RAW_CHOICE).split(text), key=len)
    if part:
        return [part.encode()]
    if not text or not json:
        return []
    character = text[0]
    if "\ud800" <= character <= "\udfff" or character == "\ufffd":
        return []
    forms = _escapes(character)
    if character in _SHORT:
        forms.append(_SHORT[character])
    elif character >= " ":
        forms.append(character.encode())
    return forms


def _escapes(character: str) -> list[bytes]:
    """Return what the escape of a character begins with, its digits in lower or upper case."""
    code = character.encode("utf-16-be").hex()[:4]
    common = code.rstrip("abcdef")
    codes = [common] if len(common) > 2 else [code, code.upper()]
    return [f"\\u{digits}".encode() for digits in codes]

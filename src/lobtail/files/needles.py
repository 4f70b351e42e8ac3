r"""What the texts that a wanted line contains look like in a file.

Each text is cut down to its longest part of which a writer has no choice how to write it; what
contains the text contains that part. The JSON of moby (``jsonlogbytes.go``) writes ``<``, ``>``,
``&``, U+2028, U+2029 and controls as ``\u003c`` and so on, others may write them as they are, or
``\t`` for a tab. A quote and a backslash have a backslash in front in any JSON.

U+FFFD is never looked for: in a line's text it may stand for any bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

from lobtail.files.values import Literals

__all__ = ["Needles", "json_needles", "raw_needles"]

Needles = tuple[tuple[bytes, ...], ...]
"""Of every group at least one must be in a record's bytes."""

_JSON_CHOICE: Final = re.compile("[\x00-\x1f<>&\u2028\u2029\ufffd\ud800-\udfff]+")
_RAW_CHOICE: Final = re.compile("[\ufffd\ud800-\udfff]+")
_SHORT: Final = {"\b": b"\\b", "\t": b"\\t", "\n": b"\\n", "\f": b"\\f", "\r": b"\\r"}


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
        if json:
            part = part.replace("\\", "\\\\").replace('"', '\\"')
        return [part.encode()]
    if not text or not json:
        return []
    character = text[0]
    if "\ud800" <= character <= "\udfff" or character == "\ufffd":
        return []
    code = f"{ord(character):04x}"
    # Upper and lower case have this much in common; for an escape character \u001.
    forms = [f"\\u{code.rstrip('abcdef')}".encode()]
    if character in _SHORT:
        forms.append(_SHORT[character])
    elif character >= " ":
        forms.append(character.encode())
    return forms

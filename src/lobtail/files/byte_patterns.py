r"""What the texts that a wanted line contains look like in a file.

Each text is cut down to its longest part without what anybody writes as he likes; what contains the
text contains that part. Moby's JSON (``jsonlogbytes.go``) escapes ``<``, ``>``, ``&``, U+2028,
U+2029 and controls. Others escape all but ASCII (Python), ``/`` (PHP), or quotes and ``+`` (.NET),
each of them always: the part is looked for in all these spellings.

U+FFFD is never looked for: in a line's text it may stand for any bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from math import prod
from typing import Final

from lobtail.query.literals import Literals

__all__ = ["Needles", "json_needles", "raw_needles"]

Needles = tuple[tuple[bytes, ...], ...]
"""Of every group at least one must be in a record's bytes."""

_JSON_CHOICE: Final = re.compile("[\x00-\x1f\x7f<>&\u2028\u2029\ufffd\ud800-\udfff]+")
_STRICT: Final = re.compile(r"[^-0-9A-Za-z !#$%()*,.:;=?@\[\]^_{|}~]+")
# More spellings than these are not looked for.
_MOST: Final = 4
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
    if part and not json:
        return [part.encode()]
    if part and (spellings := _spellings(part)):
        return spellings
    if part := max(_STRICT.split(text), key=len):
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


def _spellings(part: str) -> list[bytes]:
    """Return how writers of JSON spell a text; nothing if there are many ways."""
    ways = [spell for signs, spell in _WAYS if signs.search(part)]
    if prod(map(len, ways)) > _MOST:
        return []
    spelled: list[bytes] = []
    for choice in product(*ways):
        text = part.replace("\\", "\\\\")
        for signs, replace in choice:
            text = signs.sub(replace, text)
        spelled.append(text.encode())
    return spelled


def _as_it_is(match: re.Match[str]) -> str:
    return match[0]


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}"


def _lower(match: re.Match[str]) -> str:
    digits = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{digits[i : i + 4]}" for i in range(0, len(digits), 4))


def _upper(match: re.Match[str]) -> str:
    return _lower(match).upper().replace("U", "u")


_Way = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _ways(signs: str, *spell: Callable[[re.Match[str]], str]) -> tuple[re.Pattern[str], list[_Way]]:
    pattern = re.compile(signs)
    return pattern, [(pattern, one) for one in spell]


_WAYS: Final = (
    _ways('"', _escaped, _lower),
    _ways("/", _as_it_is, _escaped),
    _ways("['+`]", _as_it_is, _upper),
    _ways("[^\x00-\x7f]", _as_it_is, _lower, _upper),
)

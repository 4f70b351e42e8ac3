"""The fields that a line carries: those of a JSON object, or ``key=value`` pairs (logfmt).

A line that begins with ``{`` is a JSON object or plain text, never logfmt. In any other line the
``key=value`` pairs are its fields, wherever they stand: ``12:00 started user=5 in 3ms`` has the
field ``user``. So a bare word is text, not a flag as in strict logfmt. A line of an access log has
the fields of its request as well (``model.access``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from itertools import islice
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

import msgspec

from lobtail.model.access import access_fields

__all__ = [
    "MISSING",
    "Missing",
    "json_object",
    "lookup",
    "parse_fields",
    "value_text",
    "without_odd_numbers",
]

MAX_BYTES: Final = 256 * 1024  # longer lines are plain text; Google's LogEntry ends here as well
MAX_DEPTH: Final = 64  # deeper JSON is plain text; the default of .NET's System.Text.Json
MAX_PAIRS: Final = 256  # of logfmt; the pairs behind them are not read

_MAX_INDEX_DIGITS: Final = 6  # no list within MAX_BYTES has more elements


class _Absence(Enum):
    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


Missing: TypeAlias = Literal[_Absence.MISSING]
"""The type of ``MISSING``."""
MISSING: Final = _Absence.MISSING
"""What ``lookup`` returns where there is no such field; JSON's null is a value (None)."""

_EQUALS: Final = ord("=")  # searching for a number is faster than for a string
_OBJECT_BEGINS: Final = frozenset(b"{ \t\r\n\xef")
_OBJECT: Final = re.compile(rb"[ \t\r\n]*+(?:\xef\xbb\xbf)?+[ \t\r\n]*+(?=\{)")
# The closing quote may be missing, or each quote of such a text were tried anew: quadratic time.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_QUOTE: Final = ord('"')
# What Python and others write for floats that JSON has no form for; and what no float holds.
# A number is tried where it begins only, or a run of digits were read from each of them again.
_ODD: Final = (
    rb"NaN|-?Infinity|(?<![0-9.-])-?(?:[0-9]{350,}+[0-9.eE+-]*+|[0-9.]++[eE]\+?[0-9]{3,}+)"
)
_ODD_NUMBER: Final = re.compile(_ODD)
_STRING_OR_ODD: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|' + _ODD, re.DOTALL)
_MAX_DIGITS: Final = 400
_TO_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_DEEP: Final = b"[" * (MAX_DEPTH + 1)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

# go-logfmt (decode.go) takes any byte but controls, blank, "=" and '"' for a key. Here brackets,
# "?", "&" and punctuation end it too, or the texts "GET /find?q=1" and "Point(x=1)" had fields.
# A comma behind a bare value is left out: "a=1, b=2" is common in prose, and writers of logfmt
# quote values with a comma. It begins with the blank, where the scan can stop, and nowhere has a
# choice to go back to: linear time.
_PAIR: Final = re.compile(
    r"""[\x00-\x20]"""
    r"""([^\x00-\x20\x7f="'?&(){}<>\[\],;:|\\`*+/~!%#.-][^\x00-\x20\x7f="'?&(){}<>,;:|\\`]*+)"""
    r"""=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|"""
    r"""([^\x00-\x20",;]*+(?:[,;]++[^\x00-\x20",;]++)*+))""",
    re.DOTALL,
)
_SGR: Final = re.compile(r"\x1b\[[\d;]*m")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse_fields(raw: bytes) -> dict[str, Any]:
    """Return the fields of a line that is a JSON object or has logfmt pairs; else nothing.

    JSON has its own types; the values of logfmt are strings. Of equal keys the last wins. A JSON
    line that is invalid, longer than ``MAX_BYTES`` or deeper than ``MAX_DEPTH`` has no fields.
    Never raises.
    """
    if len(raw) > MAX_BYTES:
        return {}
    if not raw or raw[0] not in _OBJECT_BEGINS or _OBJECT.match(raw) is None:
        pairs = _parse_pairs(raw) if _EQUALS in raw else {}
        request = access_fields(raw)
        return {**request, **pairs} if request else pairs
    text = json_object(raw)
    if text is None:
        return {}
    try:
        fields: dict[str, Any] = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError):  # invalid UTF-8 is a ValueError
        return _decode_odd(text) if _ODD_NUMBER.search(text) else {}
    return fields


def _decode_odd(text: bytes) -> dict[str, Any]:
    """Decode JSON with numbers that JSON has not, or that are out of range: 1e400 is infinite."""
    import json

    try:
        fields: dict[str, Any] = json.loads(text.decode(), parse_int=_integer)
        msgspec.json.encode(fields)  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return {}
    return fields


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def without_odd_numbers(text: bytes) -> bytes | None:
    """Return JSON with null for each number that JSON has not; None if there is none."""
    if not _ODD_NUMBER.search(text):
        return None
    return _STRING_OR_ODD.sub(lambda match: match[0] if match[0][0] == _QUOTE else b"null", text)


def value_text(value: object) -> str:
    """Return a field's value as text: a string as it is, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return msgspec.json.encode(value).decode()


def json_object(raw: bytes) -> bytes | None:
    """Return the JSON text of a line that begins as an object within the bounds; None for others.

    A byte order mark is left out. Whether the text is valid is not known yet.
    """
    if len(raw) > MAX_BYTES:
        return None
    if not raw.startswith(b"{"):
        begin = _OBJECT.match(raw)
        if begin is None:
            return None
        raw = raw[begin.end() :]
    # Few lines have so many brackets at all, and only those are worth the exact count.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _is_deep(raw):
        return None
    return raw


def _is_deep(raw: bytes) -> bool:
    """Say whether brackets are left once the innermost are taken away ``MAX_DEPTH`` times.

    Some are left of unbalanced ones too, and those are no JSON either.
    """
    brackets = _STRING.sub(b"", raw).translate(_TO_SQUARE, _NO_BRACKETS)
    if _DEEP in brackets:  # the usual attack, seen at once
        return True
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _parse_pairs(raw: bytes) -> dict[str, Any]:
    # The pattern wants a blank in front of each key, the first one too.
    text = " " + raw.decode("utf-8", "replace")
    if "\x1b" in text:  # logrus colours the keys: "\x1b[36muser\x1b[0m=5"
        text = _SGR.sub("", text)
    if text.count("=") <= MAX_PAIRS:
        found = _PAIR.findall(text)
    else:
        found = [match.groups("") for match in islice(_PAIR.finditer(text), MAX_PAIRS)]
    if "\\" not in text:
        return {key: quoted or bare for key, quoted, bare in found}
    return {
        key: _unescape(quoted) if "\\" in quoted else quoted or bare for key, quoted, bare in found
    }


def _unescape(quoted: str) -> str:
    r"""Resolve the escapes of JSON, or of Go's ``%q`` (``\x1b``, ``\a``), which logrus uses."""
    try:
        return msgspec.json.decode(f'"{quoted}"', type=str)
    except (msgspec.DecodeError, ValueError):
        return _ESCAPE.sub(_resolve, quoted)


def _resolve(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPES.get(match[2], match[2])


def lookup(fields: Mapping[str, Any], path: str) -> Any | Missing:
    """Return the field at a dotted path, or ``MISSING``.

    ``{"http.status": 500}`` and ``{"http": {"status": 500}}`` both answer ``http.status``; where
    both are there, the longer key wins. A number is an index where the path meets a list:
    ``errors.0.code``.
    """
    return _descend(fields, path)


def _descend(value: object, path: str) -> Any | Missing:
    # Each step goes one level down in the value, so the depth of the value bounds the recursion,
    # and as no two steps meet in one place, its size bounds the time.
    if isinstance(value, Mapping):
        if path in value:
            return value[path]
        dot = path.rfind(".")
        while dot >= 0:
            key = path[:dot]
            if key in value:
                found = _descend(value[key], path[dot + 1 :])
                if found is not MISSING:
                    return found
            dot = path.rfind(".", 0, dot)
    elif isinstance(value, list):
        head, dotted, rest = path.partition(".")
        if head.isascii() and head.isdigit() and len(head) <= _MAX_INDEX_DIGITS:
            index = int(head)
            if index < len(value):
                return _descend(value[index], rest) if dotted else value[index]
    return MISSING

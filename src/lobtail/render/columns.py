"""Measure, cut and pad text by the columns that it takes on a terminal.

SGR sequences take none and are never cut. Neither are characters that are drawn as one: a letter
with its accents, the parts of an emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from lobtail.model.sgr import RESET, SGR

__all__ = ["cut", "fit", "pad", "width"]

_TOKEN: Final = re.compile(rf"{SGR.pattern}|.", re.DOTALL)
_TAB_STOP: Final = 8

_JOINER: Final = "\u200d"
_AS_EMOJI: Final = "\ufe0f"
_SKIN: Final = ("\U0001f3fb", "\U0001f3ff")
# Vowels and final consonants, which a terminal draws into the syllable before them.
_JAMO: Final = (("\u1160", "\u11ff"), ("\ud7b0", "\ud7ff"))


def width(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal; a tab counts as one."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    return sum(columns for columns, _, _ in _clusters(text))


def cut(text: str, columns: int) -> str:
    """Return the beginning of ``text`` that fits into so many columns.

    Tabs are blanks up to the next of the stops, which are counted from the beginning of ``text``.
    Where a text is cut, its colours end.
    """
    if "\t" in text:
        text = _expanded(text)
    if text.isascii() and "\x1b" not in text:
        return text[:columns]
    end = 0
    for taken, start, stop in _clusters(text):
        columns -= taken
        if columns < 0:
            return text[:end] + RESET if "\x1b" in text[:end] else text[:end]
        # Colours that nothing follows are left out.
        end = end if text[start] == "\x1b" else stop
    return text


def pad(text: str, columns: int, align: str = "<", fill: str = " ") -> str:
    """Return ``text`` padded to so many columns: at its end, beginning (``>``) or both (``^``)."""
    if "\t" in text:
        text = _expanded(text)
    missing = columns - _width_up_to(text, columns)
    if missing <= 0:
        return text
    left = {"<": 0, ">": missing, "^": missing // 2}[align]
    return _filled(fill, left) + text + _filled(fill, missing - left)


def fit(text: str, columns: int) -> str:
    """Return ``text`` in at most ``columns``, with ``…`` for its middle if need be.

    The end of a name tells replicas apart, and its beginning projects.
    """
    if width(text) <= columns:
        return text
    left, tail = (columns - 1) // 2, len(text)
    for taken, start, _ in reversed(list(_clusters(text))):
        left -= taken
        if left < 0:
            break
        tail = start
    return cut(text, columns - 1 - width(text[tail:])) + "…" + text[tail:]


def _width_up_to(text: str, limit: int) -> int:
    """Return the width of ``text``, or some number from ``limit`` on: lines may be long."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    total = 0
    for columns, _, _ in _clusters(text):
        total += columns
        if total >= limit:
            break
    return total


def _clusters(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the parts of ``text`` that cannot be cut: their columns, and where they are."""
    columns = start = 0
    before = ""  # the character before, if what comes now can be joined to it
    for match in _TOKEN.finditer(text):
        token, at = match[0], match.start()
        sequence = len(token) > 1
        own = 0 if sequence else _columns(token)
        if before and not sequence:
            if token == _AS_EMOJI and columns == 1 and _may_be_emoji(before):
                columns, before = 2, token
                continue
            # The parts of an emoji share the columns of the first.
            joined = before == _JOINER and unicodedata.category(token)[0] == "S"
            if not own or joined or (columns == 2 and _SKIN[0] <= token <= _SKIN[1]):
                columns, before = 2 if joined else columns, token
                continue
        if at > start:
            yield columns, start, at
        columns, start, before = own, at, "" if sequence else token
    if start < len(text):
        yield columns, start, len(text)


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    # By category: combining() is 0 for some marks that take no column, such as Thai vowels.
    if unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf"):
        return 0
    if any(first <= character <= last for first, last in _JAMO):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _may_be_emoji(character: str) -> bool:
    return character in "0123456789#*" or unicodedata.category(character[0]) == "So"


def _expanded(text: str) -> str:
    parts: list[str] = []
    column = 0
    *fields, rest = text.split("\t")
    for field in fields:
        column += width(field)
        blanks = _TAB_STOP - column % _TAB_STOP
        parts += field, " " * blanks
        column += blanks
    return "".join(parts) + rest


def _filled(fill: str, columns: int) -> str:
    size = width(fill)
    if size == 1 or not columns:
        return fill * columns
    return fill * (columns // size) + " " * (columns % size) if size else " " * columns

"""A plain table: columns as wide as their widest cell, two spaces apart, nothing cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from lobtail.core.sanitize import sanitize

__all__ = ["table", "width"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the rows under their heads, each line ended; cells are made safe for a terminal."""
    lines = [tuple(head), *(tuple(map(sanitize, row)) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            cell + " " * (columns - width(cell)) for cell, columns in zip(line, widths, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def width(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    # By category: combining() is 0 for some marks that take no column, such as Thai vowels.
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

"""A plain table: columns as wide as their widest cell, two spaces apart, nothing cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lobtail.model.sanitize import sanitize
from lobtail.render.columns import pad, width

__all__ = ["table", "width"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the rows under their heads, each line ended; cells are made safe for a terminal."""
    lines = [tuple(head), *(tuple(map(sanitize, row)) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(pad(cell, columns) for cell, columns in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )

"""Count lines by time and level, for a picture of when what was written."""

from __future__ import annotations

from itertools import pairwise
from math import log1p
from typing import Final, NamedTuple

from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import LOSS, MARK, Store

__all__ = ["Bar", "Histogram"]

_ERRORS: Final = (5, 6)
_WARNINGS: Final = (4,)
# How many times the usual bar the highest may be: then the usual one is still seen to differ.
_RATIO: Final = 24


class Bar(NamedTuple):
    """How many lines were written in a span of time, by how grave they are."""

    errors: int = 0
    warnings: int = 0
    others: int = 0
    marks: int = 0

    @property
    def lines(self) -> int:
        """All lines."""
        return self.errors + self.warnings + self.others


class Histogram(NamedTuple):
    """The rate of lines over a span of time, as bars of equal width."""

    start_ns: int
    end_ns: int
    bars: tuple[Bar, ...]

    @classmethod
    def of(cls, store: Store, rows: Rows, columns: int) -> Histogram | None:
        """Return the histogram of ``rows``; None where there are no times to speak of.

        Costs a search by bisection for each bar, and a count of bytes: the lines themselves are
        not looked at.
        """
        count = len(rows)
        if not count or columns < 1:
            return None
        start, end = store.time(rows.number(0)), store.time(rows.number(count - 1))
        if start is None or end is None or end < start:
            return None
        end = start + max(end - start + 1, columns)  # no bar is of no time
        edges = [start + (end - start) * i // columns for i in range(columns + 1)]
        cuts = [rows.index(store.number_at(edge)) for edge in edges[:-1]]
        cuts = [0, *cuts[1:], count]
        levels = rows.levels
        bars = []
        for low, high in pairwise(cuts):
            part = levels[low : max(low, high)]
            errors = sum(map(part.count, _ERRORS))
            warnings = sum(map(part.count, _WARNINGS))
            marks = part.count(MARK) + part.count(LOSS)
            bars.append(Bar(errors, warnings, len(part) - errors - warnings - marks, marks))
        return cls(start, end, tuple(bars))

    @property
    def most(self) -> int:
        """The lines of the highest bar."""
        return max((bar.lines for bar in self.bars), default=0)

    @property
    def logarithmic(self) -> bool:
        """Whether one burst would make all else look like nothing, if heights were lines."""
        counts = sorted(bar.lines for bar in self.bars if bar.lines)
        return bool(counts) and counts[len(counts) // 2] * _RATIO < counts[-1]

    def height(self, lines: int, most: int, logarithmic: bool) -> float:
        """Return how high a bar of so many lines is, where the highest bar is ``most`` high."""
        if logarithmic:
            return most * log1p(lines) / log1p(self.most)
        return most * lines / max(self.most, 1)

    def time_of(self, column: int) -> int:
        """Return when the bar at ``column`` begins."""
        return self.start_ns + (self.end_ns - self.start_ns) * column // len(self.bars)

    def column_of(self, time_ns: int) -> int:
        """Return the bar that holds a time; the nearest one for times outside."""
        span = self.end_ns - self.start_ns
        column = (time_ns - self.start_ns) * len(self.bars) // span
        column = min(max(column, 0), len(self.bars) - 1)
        # The edges of bars are whole nanoseconds.
        if column + 1 < len(self.bars) and self.time_of(column + 1) <= time_ns:
            column += 1
        return column

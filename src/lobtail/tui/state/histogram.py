"""Count lines by time and level, for a picture of when what was written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count, pairwise
from math import log1p
from typing import Final, NamedTuple

from lobtail.render.stamps import Zone, utc
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import LOSS, MARK, Store

__all__ = ["Bar", "Histogram", "duration_words"]

_SECOND: Final = 1_000_000_000
_STEPS: Final = (
    100_000_000,
    *(n * _SECOND for n in (1, 5, 10, 60, 300, 600, 1800, 3600, 10_800, 43_200, 86_400)),
)
_MONDAY: Final = 4 * 86_400 * _SECOND  # 1970 began on a Thursday

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
    """The rate of lines over a span of time, as bars of equal width that begin on the clock."""

    start_ns: int
    step_ns: int
    bars: tuple[Bar, ...]
    wide: int = 1
    """Columns that a bar takes."""

    @classmethod
    def of(
        cls,
        store: Store,
        rows: Rows,
        columns: int,
        zone: Zone = utc,
        before: Histogram | None = None,
    ) -> Histogram | None:
        """Return the histogram of ``rows``; None where there are no times to speak of.

        With ``before``, the last one of the same log, bars keep their widths as long as they can.
        Costs a search by bisection for each bar, and a count of bytes: the lines themselves are
        not looked at.
        """
        size = len(rows)
        if not size or columns < 1:
            return None
        start, end = store.time(rows.number(0)), store.time(rows.number(size - 1))
        if start is None or end is None or end < start:
            return None
        # Hours and days begin where those of the zone do, and weeks on Monday.
        shift = _MONDAY - zone(end // _SECOND) * _SECOND
        finer = before is not None
        for step, wide in _layouts():
            finer = finer and (step, wide) != (before and before.step_ns, before and before.wide)
            first = (start - shift) // step * step + shift
            needed = (end - first) // step + 1
            # Not back at once: a window that loses lines at its beginning and gets others at its
            # end would be drawn now this way and now that.
            if needed * wide <= (columns * 3 // 4 if finer else columns):
                break
        cuts = [rows.index(store.number_at(first + step * i)) for i in range(1, needed)]
        levels = rows.levels
        bars = []
        for low, high in pairwise((0, *cuts, size)):
            part = levels[low : max(low, high)]
            errors = sum(map(part.count, _ERRORS))
            warnings = sum(map(part.count, _WARNINGS))
            marks = part.count(MARK) + part.count(LOSS)
            bars.append(Bar(errors, warnings, len(part) - errors - warnings - marks, marks))
        return cls(first, step, tuple(bars), wide)

    @property
    def end_ns(self) -> int:
        """When the last bar ends."""
        return self.time_of(len(self.bars))

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

    def time_of(self, bar: int) -> int:
        """Return when a bar begins."""
        return self.start_ns + self.step_ns * bar

    def bar_at(self, time_ns: int) -> int:
        """Return the bar that holds a time; the nearest one for times outside."""
        return min(max((time_ns - self.start_ns) // self.step_ns, 0), len(self.bars) - 1)


def duration_words(ns: int) -> str:
    """Return how long a bar is, in the largest unit that it is a whole number of."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if not ns % (size * _SECOND):
            return f"{ns // size // _SECOND:,} {unit}"
    return f"{ns // 1_000_000:,} ms"


def _layouts() -> Iterator[tuple[int, int]]:
    """Yield the lengths of bars and the columns that they take, from the finest on."""
    weeks = (7 * 86_400 * _SECOND << i for i in count())
    for step in chain(_STEPS, weeks):
        for wide in (8, 4, 2, 1):
            yield step, wide

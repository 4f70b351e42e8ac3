"""The map beside a log: where in it the screen is, and where errors, marks and hits are."""

from __future__ import annotations

from math import sqrt
from typing import Final

from rich.style import Style

from lobtail.tui.state.log import Log
from lobtail.tui.state.store import LOSS, MARK
from lobtail.tui.widgets.palette import LogColors
from lobtail.tui.widgets.segments import PLAIN

__all__ = ["RULER", "Ruler"]

RULER: Final = 2
"""Columns that it takes: a rule, and the map."""

# A bar across the cell, as long as errors are frequent: a picture of a part of the log, which
# nobody takes for a mark of the line beside it.
_SHARES: Final = "▏▎▍▌▋▊▉█"


class Ruler:
    """Shares the rows of a log out among the rows of the screen."""

    def __init__(self) -> None:
        self._log: Log | None = None
        self._height = 1
        self._thumb = range(0)
        self._signs: dict[int, tuple[str, Style]] = {}

    def measure(self, log: Log, span: tuple[int, int] | None, height: int) -> None:
        """Take note of what is on the screen; what the signs are is found when they are drawn."""
        self._log, self._height = log, max(1, height)
        self._signs.clear()
        count = len(log.rows)
        self._thumb = range(0)
        if span is not None and count:
            first, last = (log.rows.index(number) for number in span)
            if last - first + 1 < count:
                low = first * self._height // count
                high = max(low + 1, -(-(last + 1) * self._height // count))
                self._thumb = range(low, high)

    def in_thumb(self, y: int) -> bool:
        """Tell whether a row of the ruler stands for what is on the screen."""
        return y in self._thumb

    def row_at(self, y: int) -> int:
        """Return the row of the log that a row of the ruler begins with."""
        assert self._log is not None
        count = len(self._log.rows)
        return min(max(y * count // self._height, 0), count - 1)

    def sign(self, y: int, colors: LogColors) -> tuple[str, Style]:
        """Return what is to be seen at a row of the ruler."""
        if y not in self._signs:
            self._signs[y] = self._find(y, colors)
        return self._signs[y]

    def picture(self, colors: LogColors) -> tuple[object, ...]:
        """Return all that is to be seen of it."""
        return self._thumb, [self.sign(y, colors) for y in range(self._height)]

    def _find(self, y: int, colors: LogColors) -> tuple[str, Style]:
        log = self._log
        if log is None or not log.rows:
            return " ", PLAIN
        count = len(log.rows)
        if not self._thumb:  # all of it is on the screen: each line shows what it is
            return " ", PLAIN
        low, high = y * count // self._height, -(-(y + 1) * count // self._height)
        high = min(high, count)
        if high <= low:
            return " ", PLAIN
        if log.hits is not None:
            hits = log.hits
            stop = log.rows.number(high - 1) + 1
            if hits.index(stop) > hits.index(log.rows.number(low)):
                return "◆", colors.loss
        levels = log.rows.levels
        if errors := levels.count(5, low, high) + levels.count(6, low, high):
            # The root: one error of a thousand lines is seen, and half of them differ from all.
            share = sqrt(errors / (high - low))
            return _SHARES[min(int(share * len(_SHARES)), len(_SHARES) - 1)], colors.error
        if levels.find(LOSS, low, high) >= 0:
            return "▲", colors.loss
        if levels.find(MARK, low, high) >= 0:
            return "·", colors.dim
        return " ", PLAIN

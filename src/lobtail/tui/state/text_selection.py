"""What is selected in a log: characters from one point to another, or whole lines."""

from __future__ import annotations

from typing import NamedTuple, Self

__all__ = ["Point", "TextSelection"]


class Point(NamedTuple):
    """A place between two characters of an item."""

    number: int
    offset: int


class TextSelection(NamedTuple):
    """What lies between two points, in whichever order they were set."""

    anchor: Point
    head: Point
    whole: bool = False
    """Whether whole lines are selected."""

    @classmethod
    def at(cls, point: Point, *, whole: bool = False) -> Self:
        """Begin a selection."""
        return cls(point, point, whole)

    def to(self, point: Point) -> Self:
        """Return it with another end."""
        return self._replace(head=point)

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it."""
        return self.anchor == self.head and not self.whole

    def ordered(self) -> tuple[Point, Point]:
        """Return the earlier and the later point."""
        return min(self.anchor, self.head), max(self.anchor, self.head)

    def span_in(self, number: int, start: int, length: int) -> tuple[int, int] | None:
        """Return which characters of a row are selected: ``length`` ones of an item from ``start``.

        An empty row of a selected line is selected as well: ``(0, 0)``.
        """
        first, last = self.ordered()
        if not first.number <= number <= last.number:
            return None
        if self.whole:
            return 0, length
        low = max(first.offset - start, 0) if number == first.number else 0
        high = min(last.offset - start, length) if number == last.number else length
        return (low, high) if low < high or (low == high == length == 0) else None

"""Which part of the rows is on the screen, in rows of the screen; rows may take several of those.

The position is the item at the top, by its number, not by its place: so it stays where it is when
older items are put in front, when the oldest are dropped, or when the filter changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from lobtail.tui.state.rows import Rows

__all__ = ["ABOVE", "BELOW", "HeightOf", "ScreenRow", "Viewport"]


class ScreenRow(NamedTuple):
    """What a row of the screen shows: an item, and which of the rows that it takes."""

    number: int
    part: int = 0


# What stands above the oldest item, and below the newest one of a window that was cut off there.
ABOVE: Final = ScreenRow(-(1 << 62))
BELOW: Final = ScreenRow(1 << 62)

HeightOf: TypeAlias = Callable[[int], int]
"""How many rows of the screen the item with a number takes."""


class Viewport:
    """The part of ``rows`` that is looked at, ``height`` rows high."""

    def __init__(self) -> None:
        self.height = 1
        self.following = True
        """Whether the newest row is kept at the bottom."""
        self.cursor: int | None = None
        """The number of the item that is pointed at; None while following."""
        self.seen: int | None = None
        """The number behind the newest item when following was left."""
        self.below = False
        """Whether something stands behind the newest row: ``BELOW``."""
        self.sealed = False
        """Whether that stands there also while the newest row is followed."""
        self._top = ABOVE
        self._oldest: int | None = None  # the oldest row, when it was last laid out

    def layout(self, rows: Rows, height_of: HeightOf) -> list[ScreenRow]:
        """Return what each row of the screen shows; fewer where there is no more."""
        before, self._oldest = self._oldest, rows.number(0) if rows else None
        if self._top == ABOVE and before is not None and rows and rows.number(0) < before:
            self._top = ScreenRow(before)  # older ones have come: it stays where it is
        if not self.following:
            places, ended = self._from_top(rows, height_of)
            if not ended or len(places) >= self.height:
                return places
        places = self._from_bottom(rows, height_of, len(rows))
        if places:
            self._top = places[0]
        return places

    def scroll(self, lines: int, rows: Rows, height_of: HeightOf) -> None:
        """Move by so many rows of the screen; following ends."""
        places = self.layout(rows, height_of)
        if self.following and lines < 0:
            self.pause(rows)
            if places and self.cursor is None:
                self.cursor = places[-1].number
        if not places or self.following:
            return
        self._top = self._moved(self._top, lines, rows, height_of)
        self._keep_cursor(rows, height_of)

    def at_end(self, rows: Rows, height_of: HeightOf) -> bool:
        """Tell whether the newest row is on the screen."""
        places = self.layout(rows, height_of)
        return not rows or (bool(places) and places[-1] >= ScreenRow(rows.number(len(rows) - 1)))

    def pause(self, rows: Rows) -> None:
        """Stay where it is while more comes."""
        if self.following:
            self.following = False
            self.seen = rows.number(len(rows) - 1) + 1 if rows else 0

    def follow(self) -> None:
        """Keep the newest row at the bottom."""
        self.following = True
        self.cursor = self.seen = None

    def unseen(self, rows: Rows) -> int:
        """Return how many rows have come since following was left."""
        return 0 if self.seen is None else len(rows) - rows.index(self.seen)

    def go_to_top(self, rows: Rows) -> None:
        """Show the oldest rows."""
        self.pause(rows)
        self._top = ABOVE
        self.cursor = rows.number(0) if rows else None

    def move_cursor(self, lines: int, rows: Rows, height_of: HeightOf) -> None:
        """Point at the item so many rows further on, and bring it on the screen."""
        if not rows:
            self.pause(rows)
            return
        if self.cursor is None:
            places = [p for p in self.layout(rows, height_of) if p not in (ABOVE, BELOW)]
            self.pause(rows)
            at = rows.index(places[-1].number if places else rows.number(len(rows) - 1))
        else:
            at = rows.index(self.cursor)
        self.point_at(min(max(at + lines, 0), len(rows) - 1), rows, height_of)
        if at + lines < 0 and self.height > 1:
            self._top = ABOVE

    def point_at(
        self, index: int, rows: Rows, height_of: HeightOf, *, middle: bool = False
    ) -> None:
        """Point at a row and bring it on the screen; into its middle if asked or far away."""
        self.pause(rows)
        self.cursor = number = rows.number(index)
        places = self.layout(rows, height_of)
        shown = [place.number for place in places]
        whole = shown.count(number) >= min(height_of(number), self.height)
        if whole and not middle:
            return
        here = ScreenRow(number)
        first = next((p for p in places if p not in (ABOVE, BELOW)), here)
        distance = index - rows.index(first.number)
        if middle or not -self.height < distance < 2 * self.height:
            self._top = self._moved(here, -(self.height // 2), rows, height_of)
        elif distance <= 0:
            self._top = here
        else:
            rest = self.height - min(height_of(number), self.height)
            self._top = self._moved(here, -rest, rows, height_of)

    def show(self, place: ScreenRow, rows: Rows, height_of: HeightOf) -> None:
        """Bring a place on the screen, into its middle if it is not there."""
        if place not in self.layout(rows, height_of):
            self._top = self._moved(place, -(self.height // 2), rows, height_of)

    def keep_in_sight(self, rows: Rows, height_of: HeightOf) -> None:
        """Bring what is pointed at back on a screen that has another size, or other lines."""
        if self.cursor is not None and not self.following and rows:
            self.point_at(min(rows.index(self.cursor), len(rows) - 1), rows, height_of)

    # --- its own ----------------------------------------------------------------------------

    def _from_top(self, rows: Rows, height_of: HeightOf) -> tuple[list[ScreenRow], bool]:
        """Return the places from the top on, and whether the end was reached."""
        places = [ABOVE] if self._top == ABOVE else []
        index = rows.index(self._top.number)
        part = self._top.part
        if index < len(rows) and rows.number(index) != self._top.number:
            part = 0  # that item is gone
        while index < len(rows) and len(places) < self.height:
            number = rows.number(index)
            places += [
                ScreenRow(number, p)
                for p in range(min(part, height_of(number) - 1), height_of(number))
            ]
            part = 0
            index += 1
        ended = index >= len(rows) and len(places) <= self.height
        if ended and self.below and len(places) < self.height:
            places.append(BELOW)
        return places[: self.height], ended

    def _from_bottom(self, rows: Rows, height_of: HeightOf, index: int) -> list[ScreenRow]:
        """Return the places that end with the row before ``index``."""
        backwards = [BELOW] if self.below and (self.sealed or not self.following) else []
        while index and len(backwards) < self.height:
            index -= 1
            number = rows.number(index)
            backwards += [ScreenRow(number, part) for part in range(height_of(number) - 1, -1, -1)]
        if not index and len(backwards) < self.height:
            backwards.append(ABOVE)
        return backwards[: self.height][::-1]

    def _moved(self, place: ScreenRow, lines: int, rows: Rows, height_of: HeightOf) -> ScreenRow:
        """Return the place so many rows of the screen further on, between the ends."""
        if place == ABOVE:
            if lines <= 0 or not rows:
                return ABOVE
            place, lines = ScreenRow(rows.number(0)), lines - 1
        index = rows.index(place.number)
        part = place.part + lines
        if index >= len(rows):
            if not rows:
                return ABOVE
            index, part = len(rows) - 1, min(lines, 0)
        while part < 0:
            if not index:
                return ABOVE
            index -= 1
            part += height_of(rows.number(index))
        while part >= (height := height_of(rows.number(index))):
            if index + 1 >= len(rows):
                part = height - 1
                break
            part -= height
            index += 1
        return ScreenRow(rows.number(index), part)

    def _keep_cursor(self, rows: Rows, height_of: HeightOf) -> None:
        """Keep the cursor on the screen: it goes along at the edge."""
        shown = [p.number for p in self.layout(rows, height_of) if p not in (ABOVE, BELOW)]
        if shown and self.cursor is not None:
            self.cursor = min(max(self.cursor, shown[0]), shown[-1])

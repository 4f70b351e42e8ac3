"""A log to move in: with the cursor, the wheel, a selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual import events
from textual.message import Message

from lobtail.model.items import Item, Line
from lobtail.tui.state.log import is_error, is_mark
from lobtail.tui.state.text_selection import Point, TextSelection
from lobtail.tui.state.viewport import ABOVE, BELOW, ScreenRow
from lobtail.tui.widgets.log_canvas import LogCanvas
from lobtail.tui.widgets.segments import segments_of, text_of, width_of

__all__ = ["LogView"]

# Rows of the screen that a turn of the wheel moves.
_WHEEL: Final = 3
_SHIFT: Final = 8


class LogView(LogCanvas, can_focus=True):
    """A window of a log, with a cursor and a selection."""

    wrapped = False
    """Whether the last step to a hit went on from the other end."""

    class Opened(Message):
        """A line is to be looked at closely."""

    # --- moving ----------------------------------------------------------------------------

    def move(self, lines: int) -> None:
        """Move the cursor by so many lines."""
        self.view.move_cursor(lines, self.log_.rows, self._height_of)
        if self.selection is not None and self.selection.whole and self.view.cursor is not None:
            self.selection = self.selection.to(Point(self.view.cursor, 0))
        self._moved()

    def scroll_rows(self, lines: int) -> None:
        """Scroll by rows of the screen; at the end, following goes on."""
        self.view.scroll(lines, self.log_.rows, self._height_of)
        may_follow = lines > 0 and not self.log_.detached and self.selection is None
        if may_follow and self.view.at_end(self.log_.rows, self._height_of):
            self.view.follow()
        self._moved()

    def page(self, pages: float) -> None:
        """Scroll by pages."""
        step = max(1, round(abs(pages) * (self.size.height - 1)))
        self.scroll_rows(step if pages > 0 else -step)

    def go_to_top(self) -> None:
        """Show the oldest line that is held."""
        self.view.go_to_top(self.log_.rows)
        self._moved()

    def follow(self, following: bool) -> None:
        """Keep the newest line on the screen, or stay here."""
        if following:
            self.selection = None
            self.view.follow()
        else:
            self.view.pause(self.log_.rows)
            self.view.move_cursor(0, self.log_.rows, self._height_of)
        self._moved()

    def go_to(self, number: int, *, middle: bool = True) -> None:
        """Point at an item, or at the next one behind it that is shown."""
        rows = self.log_.rows
        if rows:
            index = min(rows.index(number), len(rows) - 1)
            self.view.point_at(index, rows, self._height_of, middle=middle)
            self._moved()

    def go_to_time(self, time_ns: int) -> None:
        """Point at the first line at or behind a time."""
        self.go_to(self.log_.store.number_at(time_ns))

    def next_error(self, step: int) -> bool:
        """Point at the next line of level error or graver; tell whether there is one."""
        return self._next(step, is_error)

    def next_mark(self, step: int) -> bool:
        """Point at the next mark; tell whether there is one."""
        return self._next(step, is_mark)

    def next_hit(self, step: int) -> bool:
        """Point at the next line that the search finds, from one end on to the other."""
        hits = self.log_.hits
        if hits is None or not hits:
            return False
        at = self._number_here()
        index = hits.index(at)
        if step > 0 and index < len(hits) and hits.number(index) == at:
            index += 1
        index = index if step > 0 else index - 1
        self.wrapped = not 0 <= index < len(hits)
        self._go_to_hit(hits.number(index % len(hits)))
        return True

    def older_hit(self) -> bool:
        """Point at the nearest hit before this line; tell whether there is one."""
        hits = self.log_.hits
        index = hits.index(self._number_here()) if hits is not None else 0
        if hits is None or not index:
            return False
        self._go_to_hit(hits.number(index - 1))
        return True

    def first_hit(self, origin: int) -> None:
        """Point at the hit nearest to ``origin``, where the search was begun: before it first."""
        hits = self.log_.hits
        if hits is not None and hits:
            index = hits.index(origin + 1)
            self._go_to_hit(hits.number(max(index - 1, 0)))

    def fold(self) -> bool:
        """Unfold the entry that is pointed at, or fold it; tell whether it is one."""
        self.move(0)
        number = self.view.cursor
        if number is None or self.drawn(number).fold is None:
            return False
        self._fold(number)
        return True

    def fold_all(self) -> None:
        """Unfold all entries, or fold all."""
        self.selection = None
        self.folding.toggle_all()
        self.view.keep_in_sight(self.log_.rows, self._height_of)
        self._moved()

    def _fold(self, number: int) -> None:
        self.selection = None
        self.folding.toggle(number)
        self.view.keep_in_sight(self.log_.rows, self._height_of)
        self._moved()

    def _go_to_hit(self, number: int) -> None:
        """Point at an item in which the search finds something, and bring that on the screen."""
        self.go_to(number, middle=False)
        item, pattern = self.log_.store.item(number), self.log_.pattern
        if pattern is None or not isinstance(item, Line):
            return
        texts = [text_of(segments_of(text)) for text in self.drawer.texts(item)]
        hit = next((i for i, text in enumerate(texts) if pattern.search(text)), 0)
        if not hit:
            return
        if not self.folding.is_open(number):
            self.folding.toggle(number)
            self.view.keep_in_sight(self.log_.rows, self._height_of)
        place = ScreenRow(number, self.drawn(number).starts[hit])
        self.view.show(place, self.log_.rows, self._height_of)
        self._moved()

    def shift(self, columns: int) -> None:
        """Scroll to the side, where lines are not wrapped."""
        if self.look.wrap:
            return
        widest = max((self._text_width(place) for place in self._places), default=0)
        self.left = max(0, min(self.left + columns * _SHIFT, widest - _SHIFT))
        self.refresh()

    def shift_half(self, step: int) -> None:
        """Scroll to the side by half of what is seen of the text."""
        self.shift(step * max(1, self._text_room() // 2 // _SHIFT))

    def shift_to_start(self) -> None:
        """Show the beginning of lines again."""
        self.left = 0
        self.refresh()

    def shift_to_end(self) -> None:
        """Show the end of the line that is pointed at, or of the longest on the screen."""
        if self.look.wrap:
            return
        places = [place for place in self._places if place.number == self.view.cursor]
        widest = max(map(self._text_width, places or self._places), default=0)
        self.left = max(0, widest - self._text_room())
        self.refresh()

    def _text_room(self) -> int:
        """Return how many columns of text there are."""
        shown = [place for place in self._places if place not in (ABOVE, BELOW)]
        head = width_of(self.drawn(shown[0].number).head) if shown else 0
        return max(1, self.text_columns - head)

    def _next(self, step: int, wanted: Callable[[int], bool]) -> bool:
        row = self.log_.next_row(self.log_.rows.index(self._number_here()), step, wanted)
        if row is None:
            return False
        self.go_to(self.log_.rows.number(row))
        return True

    def _number_here(self) -> int:
        if self.view.cursor is not None:
            return self.view.cursor
        span = self.span
        return span[1] if span else self.log_.store.first

    # --- selecting -------------------------------------------------------------------------

    def select_lines(self) -> None:
        """Begin a selection of whole lines at the cursor, or end it."""
        if self.selection is not None:
            self.selection = None
        else:
            self.move(0)
            if self.view.cursor is not None:
                self.selection = TextSelection.at(Point(self.view.cursor, 0), whole=True)
        self._moved()

    def clear_selection(self) -> bool:
        """Let go of the selection; tell whether there was one."""
        had, self.selection = self.selection is not None, None
        self.refresh()
        return had

    def selected_items(self) -> list[Item]:
        """Return the items that are selected: without a selection the one pointed at."""
        if self.selection is None:
            item = self.cursor_item
            return [item] if item is not None else []
        rows, (first, last) = self.log_.rows, self.selection.ordered()
        stop = rows.index(last.number + 1)
        return [self.log_.store.item(rows.number(i)) for i in range(rows.index(first.number), stop)]

    def selected_part(self) -> tuple[int, int | None] | None:
        """Return which characters of the first and up to which of the last line are selected."""
        if self.selection is None or self.selection.whole:
            return None
        first, last = self.selection.ordered()
        return first.offset, last.offset

    # --- the mouse ---------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll on; to the side with shift."""
        event.stop()
        self.shift(1) if event.shift else self.scroll_rows(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back; to the side with shift."""
        event.stop()
        self.shift(-1) if event.shift else self.scroll_rows(-_WHEEL)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Grab the ruler, or point at a line and begin a selection."""
        if event.button != 1:
            return
        self.capture_mouse()
        if event.x >= self.text_columns:
            self._grab = "ruler"
            self._drag_ruler(event.y)
            return
        if (number := self.fold_at(event.x, event.y)) is not None:
            self.view.pause(self.log_.rows)
            self.view.cursor = number
            self._fold(number)
            return
        point = self._point(event.x, event.y)
        if point is None:
            return
        self._grab = "text"
        self.view.pause(self.log_.rows)
        self.view.cursor = point.number
        if event.shift and self.selection is not None:
            self.selection = self.selection.to(point)
        else:
            self.selection = TextSelection.at(point)
        self._moved()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw the selection, or move along the ruler."""
        if self._grab == "ruler":
            self._drag_ruler(event.y)
        elif self._grab == "text":
            if event.y < 0:
                self.view.scroll(-1, self.log_.rows, self._height_of)
            elif event.y >= self.size.height:
                self.view.scroll(1, self.log_.rows, self._height_of)
            self._lay_out()
            point = self._point(event.x, min(max(event.y, 0), len(self._places) - 1))
            if point is not None and self.selection is not None:
                self.selection = self.selection.to(point)
            self.refresh()

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """End the selection; one of nothing was a click."""
        self.release_mouse()
        self._grab = ""
        if self.selection is not None and self.selection.empty:
            self.clear_selection()

    def on_click(self, event: events.Click) -> None:
        """Look at a line closely that is clicked twice."""
        folds = self.fold_at(event.x, event.y) is not None
        if event.chain == 2 and isinstance(self.cursor_item, Line) and not folds:
            self.post_message(self.Opened())

    def _drag_ruler(self, y: int) -> None:
        rows = self.log_.rows
        if rows:
            index = self._ruler.row_at(y)
            self.view.point_at(index, rows, self._height_of, middle=True)
            self._moved()

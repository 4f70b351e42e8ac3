"""Draw a log: only what is on the screen, whatever the log holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lobtail.core.model import Item
from lobtail.tui.state.log import Log
from lobtail.tui.state.look import Look
from lobtail.tui.state.selection import Point, Selection
from lobtail.tui.state.viewport import ABOVE, BELOW, Place, Viewport
from lobtail.tui.widgets.drawing import Drawer, Rows
from lobtail.tui.widgets.palette import LogColors
from lobtail.tui.widgets.ruler import Ruler
from lobtail.tui.widgets.segments import PLAIN, mark_spans, text_of, width_of

__all__ = ["LogCanvas"]

# Rows of the screen that a turn of the wheel moves.
_WHEEL: Final = 3
_SHIFT: Final = 8


class LogCanvas(Widget, can_focus=True):
    """The rows of a log that are on the screen, and a ruler that shows where what stands."""

    ALLOW_SELECT = False  # Textual's own way to select knows only what is on the screen
    DEFAULT_CSS = """
    LogCanvas { height: 1fr; background: $background; color: $foreground; }
    """

    class Moved(Message):
        """What is on the screen, or what is pointed at, has changed."""

    def __init__(self, log: Log, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.log_ = log
        self.view = Viewport()
        self.look = Look()
        self.drawer = Drawer()
        self.selection: Selection | None = None
        self.left = 0
        """Columns of text that are scrolled out to the left."""
        self.edge: Callable[[Place], str] = lambda _: ""
        """Words for what stands above the oldest line and below the newest."""
        self.clock: Callable[[], int] = time.time_ns
        self._ruler = Ruler()
        self._base = PLAIN
        self._places: list[Place] = []
        self._grab: str = ""
        self._generation = log.generation

    # --- what is shown ---------------------------------------------------------------------

    def changed(self) -> None:
        """Draw anew: the log has changed."""
        if self._generation != self.log_.generation:
            self._generation = self.log_.generation
            self.selection = None
            self.drawer.forget()
        self._lay_out()
        self.refresh()

    def set_look(self, **changes: object) -> None:
        """Change how lines look."""
        self.look = msgspec.structs.replace(self.look, **changes)
        if self.look.wrap:
            self.left = 0
        self.changed()
        self.post_message(self.Moved())

    def set_colors(self, colors: LogColors) -> None:
        """Draw in other colours."""
        self.drawer.colors = colors
        self.drawer.forget()
        self.changed()

    @property
    def cursor_item(self) -> Item | None:
        """The item that is pointed at; the newest one while following."""
        rows, number = self.log_.rows, self.view.cursor
        if number is None or not rows.holds(number):
            if not rows:
                return None
            number = rows.number(
                min(rows.index(number), len(rows) - 1) if number else len(rows) - 1
            )
        return self.log_.store.item(number)

    @property
    def here_ns(self) -> int | None:
        """The time of what is pointed at, or of the last row of the screen."""
        shown = [place.number for place in self._places if place not in (ABOVE, BELOW)]
        number = self.view.cursor if self.view.cursor is not None else max(shown, default=None)
        return None if number is None else self.log_.store.time(number)

    @property
    def span(self) -> tuple[int, int] | None:
        """The numbers of the first and the last item on the screen."""
        shown = [place.number for place in self._places if place not in (ABOVE, BELOW)]
        return (shown[0], shown[-1]) if shown else None

    @property
    def at_top(self) -> bool:
        """Whether what stands above the oldest line is on the screen."""
        return bool(self._places) and self._places[0] == ABOVE

    @property
    def rows_below(self) -> int:
        """How many rows there are behind the last one on the screen."""
        span = self.span
        return len(self.log_.rows) - self.log_.rows.index(span[1]) - 1 if span else 0

    # --- drawing ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a row of the screen."""
        width = self.size.width - 1
        base = self._base
        if y >= len(self._places):
            strip = Strip([]).extend_cell_length(width, base)
        elif self._places[y] in (ABOVE, BELOW):
            strip = self._edge_strip(self._places[y], width, base)
        else:
            strip = self._line_strip(self._places[y], width, base)
        return Strip([*strip, self._ruler_cell(y)], self.size.width)

    def _edge_strip(self, place: Place, width: int, base: Style) -> Strip:
        words = f" {self.edge(place)} " if self.edge(place) else ""
        style = base + self.drawer.colors.edge
        return Strip([Segment(words.center(width, "─")[:width], style)]).adjust_cell_length(
            width, base
        )

    def _line_strip(self, place: Place, width: int, base: Style) -> Strip:
        number, part = place
        drawn = self.drawn(number)
        row = drawn.rows[part] if part < len(drawn.rows) else []
        if self.selection is not None:
            offset = sum(len(text_of(row)) for row in drawn.rows[:part])
            if span := self.selection.span_in(number, offset, len(text_of(row))):
                style = self.drawer.colors.selected
                row = mark_spans(row, [span], style, under=True) if row else [Segment(" ", style)]
        head = drawn.head if not part else self._blank_head(drawn.head)
        room = max(0, width - width_of(head))
        if not self.look.wrap and (self.left or width_of(row) > room):
            row = self._window(row, room)
        style = base
        if number == self.view.cursor and not self.view.following:
            colors = self.drawer.colors
            style = base + (colors.cursor if self.has_focus else colors.cursor_idle)
        strip = Strip([*head, *row]).adjust_cell_length(width, PLAIN)
        return strip.apply_style(style)

    def _window(self, row: list[Segment], room: int) -> list[Segment]:
        """Return the columns of a row that are on the screen, with a sign where more is."""
        whole = width_of(row)
        shown = list(Strip(row).crop(self.left, self.left + room))
        if self.left and whole:
            shown = [Segment("‹", self.drawer.colors.dim), *Strip(shown).crop(1)]
        if whole > self.left + room > 0:
            shown = [*Strip(shown).crop(0, room - 1), Segment("›", self.drawer.colors.dim)]
        return shown

    def _blank_head(self, head: list[Segment]) -> list[Segment]:
        columns = width_of(head)
        return [Segment(" " * max(columns - 2, 0)), Segment("┆ "[:columns], self.drawer.colors.dim)]

    def _ruler_cell(self, y: int) -> Segment:
        colors = self.drawer.colors
        base = self._base + (colors.thumb if self._ruler.in_thumb(y) else colors.track)
        sign, color = self._ruler.sign(y, colors)
        return Segment(sign, base + color)

    # --- its own ----------------------------------------------------------------------------

    def drawn(self, number: int) -> Rows:
        """Return an item as it is drawn; nothing of one that has just been dropped."""
        store = self.log_.store
        if not store.first <= number < store.end:
            return Rows([], [[]])
        return self.drawer.draw(number, store.item(number), self.clock())

    def _height_of(self, number: int) -> int:
        if not self.look.wrap:
            return 1
        return len(self.drawn(number).rows)

    def _lay_out(self) -> None:
        # Worked out from all style sheets: once a frame is often enough.
        self._base = self.rich_style
        self.view.height = max(1, self.size.height)
        self.view.below = self.log_.detached
        self.drawer.set(self.look, self.log_.pattern, max(10, self.size.width - 1))
        self._places = self.view.layout(self.log_.rows, self._height_of)
        self._ruler.measure(self.log_, self.span, self.view.height)

    def _moved(self) -> None:
        self._lay_out()
        self.refresh()
        self.post_message(self.Moved())

    def _text_width(self, place: Place) -> int:
        if place in (ABOVE, BELOW):
            return 0
        drawn = self.drawn(place.number)
        return width_of(drawn.rows[0])

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out for the new size."""
        self.changed()
        self.post_message(self.Moved())

    def _point(self, x: int, y: int) -> Point | None:
        """Return which character of which item is at a place of the screen."""
        if not 0 <= y < len(self._places) or self._places[y] in (ABOVE, BELOW):
            return None
        number, part = self._places[y]
        drawn = self.drawn(number)
        column = x - width_of(drawn.head) + (0 if self.look.wrap else self.left)
        before = sum(len(text_of(row)) for row in drawn.rows[:part])
        text = text_of(Strip(drawn.rows[part]).crop(0, max(column, 0))) if column > 0 else ""
        return Point(number, before + len(text))

"""Draw a log: only what is on the screen, whatever the log holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

import msgspec
from rich.segment import Segment
from textual import events
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lobtail.model.items import Item
from lobtail.tui.state.folding import Folding
from lobtail.tui.state.log import Log
from lobtail.tui.state.text_selection import Point, TextSelection
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.state.viewport import ABOVE, BELOW, ScreenRow, Viewport
from lobtail.tui.widgets.drawing import Drawer, DrawnRows
from lobtail.tui.widgets.palette import LogColors
from lobtail.tui.widgets.ruler import RULER, Ruler
from lobtail.tui.widgets.segments import PLAIN, mark_spans, text_of, width_of, window

__all__ = ["LogCanvas"]


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
        self.look = ViewOptions()
        self.drawer = Drawer()
        self.folding = Folding()
        self.selection: TextSelection | None = None
        self.left = 0
        """Columns of text that are scrolled out to the left."""
        self.names: tuple[str, ...] = ()
        """The names of the containers whose lines may come."""
        self.edges: dict[ScreenRow, str] = {ABOVE: "", BELOW: ""}
        """The words above the oldest line and below the newest."""
        self.ended = False
        """Whether words stand below the newest line also while it is followed."""
        self.clock: Callable[[], int] = time.time_ns
        self._ruler = Ruler()
        self._base = PLAIN
        self._background = Color(0, 0, 0)
        self._places: list[ScreenRow] = []
        self._seen: tuple[object, ...] = ()
        self._shape: tuple[object, ...] = ()  # what decides which rows there is room for
        self._strips: dict[int, Strip] = {}  # the rows as they were drawn
        self._grab: str = ""
        self._generation = log.generation

    # --- what is shown ---------------------------------------------------------------------

    def changed(self) -> None:
        """Draw anew: the log has changed."""
        if self._generation != self.log_.generation:
            self._generation = self.log_.generation
            self.selection = None
            self.drawer.forget()
            self.folding.forget()
        self._lay_out()
        self._seen = self._visible()
        self.refresh()

    def came(self) -> None:
        """Draw anew if that can be seen: something has come into the log."""
        if self._generation != self.log_.generation:
            self.changed()
            return
        if not self.size.height:
            return
        self._lay_out()
        visible = self._visible()
        if visible != self._seen:
            self._seen = visible
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
    def text_columns(self) -> int:
        """The columns beside the map of the log."""
        return max(0, self.size.width - RULER)

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
    def rows_above(self) -> int:
        """How many rows there are before the first one on the screen."""
        span = self.span
        return self.log_.rows.index(span[0]) if span else 0

    @property
    def rows_below(self) -> int:
        """How many rows there are behind the last one on the screen."""
        span = self.span
        return len(self.log_.rows) - self.log_.rows.index(span[1]) - 1 if span else 0

    # --- drawing ---------------------------------------------------------------------------

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draw all rows anew."""
        self._strips.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return some rows of the screen.

        Textual would give each a border, padding and a background that this widget has not. It
        asks for all of them also where another widget is to be drawn.
        """
        if self.view.height != self.size.height:
            self._lay_out()  # it was hidden, and is not told of its size before it is drawn
        missing = [y for y in crop.line_range if y not in self._strips]
        if missing:
            filters = self.get_line_filters()
            for y in missing:
                strip = self.render_line(y)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, self._background)
                self._strips[y] = strip
        strips = [self._strips[y] for y in crop.line_range]
        first, last = crop.column_span
        if (first, last) != (0, self.size.width):
            strips = [strip.crop(first, last) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Return a row of the screen."""
        width = self.text_columns
        segments: list[Segment]
        if y >= len(self._places):
            segments = [Segment(" " * width, self._base)]
        elif self._places[y] in (ABOVE, BELOW):
            segments = [self._edge(self._places[y], width)]
        else:
            segments = self._line(self._places[y], width)
        return Strip([*segments, *self._ruler_cells(y)], self.size.width)

    def _edge(self, place: ScreenRow, width: int) -> Segment:
        words = f" {self.edges[place]} " if self.edges[place] else ""
        # Names of containers and engines are not among the words: all are one column wide.
        return Segment(words.center(width, "─")[:width], self._base + self.drawer.colors.edge)

    def _line(self, place: ScreenRow, width: int) -> list[Segment]:
        number, part = place
        drawn = self.drawn(number)
        row = drawn.rows[part] if part < len(drawn.rows) else []
        if self.selection is not None:
            offset = sum(len(text_of(row)) for row in drawn.rows[:part])
            if span := self.selection.span_in(number, offset, len(text_of(row))):
                style = self.drawer.colors.selected
                row = mark_spans(row, [span], style, under=True) if row else [Segment(" ", style)]
        head = drawn.head if not part else self._blank_head(drawn.head)
        if indent := drawn.indent(part):
            head = [*head, Segment(" " * indent)]
        fold = drawn.fold_in(part)
        room = self._room(drawn, part)
        whole = width_of(row)
        if self.left or whole > room:
            row = self._window(row, whole, room)
            whole = width_of(row)
        if fold is not None:
            row = [*row, fold]
        style = self._base
        if number == self.view.cursor and not self.view.following:
            colors = self.drawer.colors
            style += colors.cursor if self.has_focus else colors.cursor_idle
        segments = [
            Segment(text, style if own is None else style + own)
            for text, own, _ in (*head, *row, Segment(" " * (room - whole)))
            if text
        ]
        return segments if width >= width_of(head) else window(segments, 0, width)

    def _window(self, row: list[Segment], whole: int, room: int) -> list[Segment]:
        """Return the columns of a row that are on the screen, with a sign where more is."""
        before = 1 if self.left and whole else 0
        behind = 1 if whole > self.left + room > 0 else 0
        shown = window(row, self.left + before, room - before - behind)
        dim = self.drawer.colors.dim
        if before:
            shown.insert(0, Segment("‹", dim))
        if behind:
            gap = room - 1 - width_of(shown)  # half a wide character
            shown += [Segment(" " * gap + "›", dim)]
        return shown

    def _blank_head(self, head: list[Segment]) -> list[Segment]:
        columns = width_of(head)
        return [Segment(" " * max(columns - 2, 0)), Segment("┆ "[:columns], self.drawer.colors.dim)]

    def _ruler_cells(self, y: int) -> list[Segment]:
        colors = self.drawer.colors
        base = self._base + (colors.thumb if self._ruler.in_thumb(y) else colors.track)
        sign, color = self._ruler.sign(y, colors)
        # Its own rule: what stands in the map belongs to a part of the log, not to the line beside.
        return [Segment("▕", self._base + colors.edge), Segment(sign, base + color)]

    # --- its own ----------------------------------------------------------------------------

    def drawn(self, number: int) -> DrawnRows:
        """Return an item as it is drawn; nothing of one that has just been dropped."""
        store = self.log_.store
        if not store.first <= number < store.end:
            return DrawnRows([], [[]])
        unfolded = self.folding.is_open(number)
        return self.drawer.draw(number, store.item(number), self.clock(), unfolded=unfolded)

    def _height_of(self, number: int) -> int:
        return len(self.drawn(number).rows) if self.look.wrap or self.folding.is_open(number) else 1

    def _room(self, drawn: DrawnRows, part: int) -> int:
        """Return how many columns of the screen there are for the text of a row."""
        fold = drawn.fold_in(part)
        taken = width_of(drawn.head) + drawn.indent(part) + (fold.cell_length if fold else 0)
        return max(0, self.text_columns - taken)

    def fold_at(self, x: int, y: int) -> int | None:
        """Return the number of the entry that a place of the screen folds or unfolds."""
        if not 0 <= y < len(self._places) or self._places[y] in (ABOVE, BELOW):
            return None
        number, part = self._places[y]
        drawn = self.drawn(number)
        fold = drawn.fold_in(part)
        if fold is None:
            return None
        shown = width_of(drawn.rows[part]) - (0 if self.look.wrap else self.left)
        start = width_of(drawn.head) + min(max(shown, 0), self._room(drawn, part))
        return number if start <= x < start + fold.cell_length else None

    def _lay_out(self) -> None:
        # Worked out from all style sheets: once a frame is often enough.
        self._base = self.rich_style
        self._background = self.background_colors[1]
        self.view.height = max(1, self.size.height)
        self.view.below = self.log_.detached or self.ended
        self.view.sealed = self.ended and not self.log_.detached
        columns, log = max(10, self.text_columns), self.log_
        self.folding.fit(log.store.first, log.store.end)
        self.drawer.set(self.look, log.pattern, columns, log.both, self.names)
        rows, shape = self.log_.rows, (self.size, self.look)
        if shape != self._shape:
            self._shape = shape
            if self.view.cursor in {place.number for place in self._places}:
                self.view.keep_in_sight(rows, self._height_of)
        self._places = self.view.layout(rows, self._height_of)
        self._ruler.measure(self.log_, self.span, self.view.height)

    def _visible(self) -> tuple[object, ...]:
        """Return what the picture depends on, beside what a key or the mouse has changed."""
        edges = [self.edges[place] for place in self._places if place in (ABOVE, BELOW)]
        ruler = self._ruler.picture(self.drawer.colors)
        return self._places, edges, ruler, self.look, self.log_.pattern, self.size, self._base

    def _moved(self) -> None:
        self._lay_out()
        self.refresh()
        self.post_message(self.Moved())

    def _text_width(self, place: ScreenRow) -> int:
        if place in (ABOVE, BELOW):
            return 0
        drawn = self.drawn(place.number)
        return drawn.indent(place.part) + width_of(drawn.rows[place.part])

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
        left = 0 if self.look.wrap else self.left
        column = x - width_of(drawn.head) - drawn.indent(part) + left
        before = sum(len(text_of(row)) for row in drawn.rows[:part])
        text = text_of(Strip(drawn.rows[part]).crop(0, max(column, 0))) if column > 0 else ""
        return Point(number, before + len(text))

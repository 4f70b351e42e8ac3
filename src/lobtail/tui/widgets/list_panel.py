"""A list of objects: with a cursor, marks, a filter; one of those at the left of the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lobtail.render.prefix import fit
from lobtail.render.table import width
from lobtail.tui.state.inventory import Kind, Row
from lobtail.tui.state.names import tell_apart
from lobtail.tui.state.usage import sparkline
from lobtail.tui.widgets.bindings import bindings_of
from lobtail.tui.widgets.palette import DARK, LogColors

__all__ = ["ListPanel"]

_WHEEL: Final = 3
# What notes may take even of a long name: "exit 137", "unhealthy".
_NOTE: Final = 9
# The least that an engine is shown by in front of a name.
_ENGINE: Final = 4


class ListPanel(Widget, can_focus=True):
    """Rows of one kind, below a title."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("list")]
    DEFAULT_CSS = """
    ListPanel { height: 1; background: $background; }
    """

    class Chosen(Message):
        """The cursor is on another row, or other rows are marked."""

        def __init__(self, panel: ListPanel) -> None:
            super().__init__()
            self.panel = panel

    class Widened(Message):
        """All rows are shown again, not only those of something."""

    def __init__(
        self,
        kind: Kind,
        title: str,
        *,
        opened: Callable[[ListPanel], None],
        asked: Callable[[ListPanel, str], None],
    ) -> None:
        """Make a list; ``opened`` is called to look at a row, ``asked`` to do something with it.

        They are called at once, not by messages: the next key may be for what they show.
        """
        super().__init__(id=f"panel-{kind}")
        self._opened = opened
        self._asked = asked
        self.kind: Kind = kind
        self.title = title
        self.palette: LogColors = DARK
        self.filter = ""
        self.order = ""
        """What the rows are sorted by, if that is to be said."""
        self.of = ""
        """What the rows belong to, where they are only those of something."""
        self._within: frozenset[tuple[str, str]] | None = None
        self.marked: set[tuple[str, str]] = set()
        self._short: dict[int, dict[str, str]] = {}  # names in so many columns
        self._rows: list[Row] = []
        self._all: list[Row] = []
        self._cursor = 0
        self._origin: tuple[str, str] | None = None  # where the cursor was before a filter
        self._top = 0

    # --- what it holds ----------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The row that is pointed at."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def objects(self) -> int:
        """How many objects are shown: services stand below their projects, and all is none."""
        return sum(1 for row in self._rows if row.key and (self.filter or not row.indent))

    @property
    def chosen(self) -> list[Row]:
        """The rows that are marked; without marks the one that is pointed at."""
        marked = [row for row in self._all if row.place in self.marked]
        return marked or ([self.row] if self.row is not None else [])

    def show(self, rows: list[Row]) -> None:
        """Show other rows; the cursor stays on its object, the marks on theirs."""
        before = self.row.place if self.row is not None else None
        place = before if self._origin is None else self._origin
        marked = len(self.marked)
        self._all = rows
        self._short.clear()
        self.marked &= {row.place for row in rows}
        wanted, within = self.filter.lower(), self._within
        if within is not None:
            rows = [row for row in rows if row.place in within or not row.key]
        self._rows = [row for row in rows if wanted in row.full_name.lower()] if wanted else rows
        places = [row.place for row in self._rows]
        if place is not None and place in places:
            self._cursor = places.index(place)
        elif before is not None and before in places:
            self._cursor = places.index(before)
        else:
            self._cursor = min(self._cursor, max(len(places) - 1, 0))
        if before != (self.row.place if self.row is not None else None):
            self.post_message(self.Chosen(self))
        if len(self.marked) != marked:
            self.post_message(self.Chosen(self))
        self._scroll()

    def set_filter(self, text: str, *, done: bool = False) -> None:
        """Show only rows with a text in their name.

        The cursor returns to its row when that is shown again, unless somebody has chosen another
        one: by moving, or by being ``done`` with the filter.
        """
        if text and not self.filter and self.row is not None:
            self._origin = self.row.place
        self.filter = text
        self.show(self._all)
        if not text or (done and self.row is not None):
            self._origin = None

    def point_at_place(self, place: tuple[str, str]) -> None:
        """Point at an object of one of several engines, if it is shown."""
        places = [row.place for row in self._rows]
        if place in places:
            self._go_to(places.index(place))

    def narrow(self, places: frozenset[tuple[str, str]] | None, of: str) -> None:
        """Show only rows at some places, which are those ``of`` something; None for all rows."""
        self.of = of
        if places != self._within:
            self._within = places
            self.show(self._all)

    def unmark(self, rows: list[Row]) -> None:
        """Let go of the marks of some rows, if they have any."""
        gone = self.marked & {row.place for row in rows}
        if gone:
            self.marked -= gone
            self.post_message(self.Chosen(self))
            self.refresh()

    def point_at(self, key: str) -> bool:
        """Point at an object; tell whether there is one."""
        keys = [row.key for row in self._rows]
        if key in keys:
            self._go_to(keys.index(key))
        return key in keys

    # --- drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return the title, or a row."""
        columns, base = self.size.width, self.rich_style
        if y == 0:
            return self._title(columns, base)
        at = self._top + y - 1
        if at >= len(self._rows):
            return Strip.blank(columns, base)
        return self._row_strip(at, columns, base)

    def _title(self, columns: int, base: Style) -> Strip:
        colors = self.palette
        count = f" {self.objects} "
        nothing = "no match " if self.filter and not self._rows else ""
        # Of the title, the filter's text and these words, these words are to be read.
        room = columns - len(count) - len(nothing) - len(" / /… ─") if nothing else columns
        name = f" {fit(self.title, max(room, 1))} "
        if self.of:
            room = columns - width(name) - len(count) - 5
            name += f"of {fit(self.of, max(room, 1))} "
        if self.order:
            name += f"by {self.order} "
        if self.filter:
            room = columns - width(name) - len(count) - 3 - len(nothing)
            name += f"/{fit(self.filter, max(room, 1))} {nothing}"
        if any(not row.live for row in self._rows):
            name += "(stale) "
        if self.marked:
            count = f" {len(self.marked)}✓{count}"
        style = base + (colors.title if self.has_focus else colors.title_idle)
        rule = max(columns - width(name) - len(count) - 1, 0)
        edge = base + (colors.accent if self.has_focus else colors.edge)
        segments = [Segment(fit(name, columns), style), Segment("─" * rule, edge)]
        segments += [Segment(count, base + colors.dim), Segment("─", edge)]
        return Strip(segments).adjust_cell_length(columns, base)

    def _row_strip(self, at: int, columns: int, base: Style) -> Strip:
        row, colors = self._rows[at], self.palette
        if at == self._cursor:
            base += colors.cursor if self.has_focus else colors.cursor_idle
        mark = "✓" if row.place in self.marked else " "
        head = [
            Segment(mark, base + colors.loss),
            Segment("  " * row.indent, base),
            Segment(f"{row.sign} ", base + colors.of_state(row.state if row.live else "")),
        ]
        room = columns - 3 - 2 * row.indent
        # Names have what notes leave, and notes what short names do.
        note = fit(row.note, max(room // 3, _NOTE, room - width(row.full_name) - 2))
        chart = ""
        if row.usage is not None and room >= 28:
            chart = sparkline(row.usage.cpu, 8, most=100.0) + " "
        left = max(room - width(note) - len(chart) - 2, 1)
        name = self._fit_name(row, left)
        idle = row.state in ("exited", "created") or not row.live
        fore = base + colors.dim if idle else base
        gap = " " * max(left - width(name) + 1, 0)
        segments = [
            *head,
            Segment(name, fore),
            Segment(gap, base),
            Segment(chart, base + colors.chart),
            Segment(note, base + colors.dim),
        ]
        return Strip(segments).adjust_cell_length(columns, base)

    def _fit_name(self, row: Row, columns: int) -> str:
        """Return the name in so many columns: the engine's is shortened first."""
        if row.kind == "project" and (not row.engine or row.indent):
            return fit(row.name, columns)
        if not row.engine:
            if columns not in self._short:
                names = [each.name for each in self._rows if each.key]
                self._short[columns] = tell_apart(names, columns)
            return self._short[columns].get(row.name) or fit(row.name, columns)
        room = max(columns - width(row.name) - 1, min(_ENGINE, width(row.engine)))
        engine = fit(row.engine, room)
        return f"{engine}/{fit(row.name, max(columns - width(engine) - 1, 1))}"

    # --- moving -----------------------------------------------------------------------------

    def _go_to(self, at: int) -> None:
        at = min(max(at, 0), max(len(self._rows) - 1, 0))
        if at != self._cursor:
            self._cursor, self._origin = at, None
            self.post_message(self.Chosen(self))
        self._scroll()

    def _scroll(self) -> None:
        shown = max(self.size.height - 1, 1)
        self._top = min(self._top, self._cursor, max(len(self._rows) - shown, 0))
        self._top = max(self._top, self._cursor - shown + 1, 0)
        self.refresh()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._scroll()

    def on_focus(self, _event: events.Focus) -> None:
        """Show what is pointed at."""
        self.post_message(self.Chosen(self))
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move on."""
        event.stop()
        self._go_to(self._cursor + _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move back."""
        event.stop()
        self._go_to(self._cursor - _WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Point at a row; open one that is clicked twice."""
        if event.y > 0:
            self._go_to(self._top + event.y - 1)
            if event.chain == 2:
                self._opened(self)

    def action_list_down(self) -> None:
        """Go one row down."""
        self._go_to(self._cursor + 1)

    def action_list_up(self) -> None:
        """Go one row up."""
        self._go_to(self._cursor - 1)

    def action_list_page_down(self) -> None:
        """Go a page down."""
        self._go_to(self._cursor + max(self.size.height - 2, 1))

    def action_list_page_up(self) -> None:
        """Go a page up."""
        self._go_to(self._cursor - max(self.size.height - 2, 1))

    def action_list_top(self) -> None:
        """Go to the first row."""
        self._go_to(0)

    def action_list_end(self) -> None:
        """Go to the last row."""
        self._go_to(len(self._rows) - 1)

    def action_open(self) -> None:
        """Go to what is shown of the row."""
        self._opened(self)

    def action_mark(self) -> None:
        """Mark the row, or no longer, and go to the next one."""
        if self.row is None or not self.row.key:
            return
        self.marked ^= {self.row.place}
        self._cursor = min(self._cursor + 1, len(self._rows) - 1)
        self._scroll()
        self.post_message(self.Chosen(self))

    def action_list_back(self) -> None:
        """Let go of the filter, or of the marks."""
        if self.filter:
            self.set_filter("")
        elif self.marked:
            self.marked.clear()
            self.post_message(self.Chosen(self))
            self.refresh()
        elif self._within is not None:
            self.narrow(None, "")
            self.post_message(self.Widened())

    def action_ask(self, name: str) -> None:
        """Ask for something to be done with what is chosen."""
        self._asked(self, name)

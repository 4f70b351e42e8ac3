"""The main screen: lists at the left, what is chosen beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.screens.contents import Contents
from lobtail.tui.screens.list_actions import ListActions
from lobtail.tui.state.inventory import KINDS, Row
from lobtail.tui.state.room import share
from lobtail.tui.state.target import Target
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.widgets.header import HeaderLine
from lobtail.tui.widgets.key_line import KeyLine
from lobtail.tui.widgets.list_panel import ListPanel
from lobtail.tui.widgets.log_pane import LogPane
from lobtail.tui.widgets.palette import COLORLESS, DARK, LIGHT
from lobtail.tui.widgets.prompt import Prompt

__all__ = ["MainScreen"]

_TITLES: Final = ("1 Projects", "2 Containers", "3 Images", "4 Volumes", "5 Networks")
# Seconds for which the cursor must rest before another log is read.
_REST: Final = 0.12
# Times a second that lists are drawn anew at most.
_FRAMES: Final = 4
# Rows of the screen below which lists without the focus are but their titles.
_LOW: Final = 30
# Columns below which a log has the screen to itself until one goes to a list, and below which so
# has a list.
_NARROW: Final = 100
_SLIM: Final = 70


class MainScreen(Screen[None]):
    """Lists, and what they choose."""

    DEFAULT_CSS = """
    MainScreen { layers: base over; }
    MainScreen #lists { width: 30%; min-width: 26; max-width: 44; border-right: tall $surface; }
    MainScreen.zoomed #lists { display: none; }
    MainScreen.listed #lists { width: 100%; max-width: 100%; border-right: none; }
    MainScreen.listed Contents { display: none; }
    """

    def __init__(
        self,
        fleet: EngineGroup,
        target: Target,
        look: ViewOptions,
        *,
        histogram: bool,
        read_only: bool,
        keymap: Mapping[str, str],
        lend: Callable[[Callable[[], Coroutine[None, None, str]]], Awaitable[str]],
    ) -> None:
        super().__init__()
        self._target = target
        self.lend = lend
        """Gives the terminal to somebody else for a while."""
        self.read_only = read_only
        self.keymap = keymap
        """Other keys, by the names of what they do."""
        self.fleet = fleet
        self.header = HeaderLine()
        self.prompt = Prompt()
        self.steering = ListActions(self)
        self.panels = [
            ListPanel(kind, title, opened=self._open, asked=self.steering.ask)
            for kind, title in zip(KINDS, _TITLES, strict=True)
        ]
        self.keys = KeyLine(self._may)
        self.contents = Contents(fleet, look, histogram=histogram)
        self._projects: list[Row] = []
        """The projects and services whose containers are listed; none for all containers."""
        self._zoom: bool | None = None
        """Whether the log is to have the whole screen; None where that depends on its width."""
        self._dirty: set[str] = set()
        self._resting: Timer | None = None
        self._last = self.panels[1]
        self._unmet = target != Target()
        """Whether what was named has not been found in the lists yet."""
        self._had_rows = False
        self._deaf = False
        """Whether the button that is down, or was last, has closed the prompt."""

    @property
    def pane(self) -> LogPane:
        """The log."""
        return self.contents.log_pane

    @property
    def part(self) -> str:
        """The part of the screen with the focus, as ``state.keys`` calls it."""
        focused = self.focused
        if isinstance(focused, ListPanel):
            return "list"
        if focused is self.pane.bar:
            return "bars"
        if focused is self.pane.detail.fields:
            return "fields"
        return "log" if focused is self.pane.view else "app"

    def compose(self) -> ComposeResult:
        """Put the parts together."""
        yield self.header
        with Horizontal():
            with Vertical(id="lists"):
                yield from self.panels
            yield self.contents
        yield self.prompt
        yield self.keys

    def on_mount(self) -> None:
        """Begin."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._set_colors())
        self._set_colors()
        self.set_interval(1 / _FRAMES, self._tick)
        self.set_interval(3, self.contents.update_top)
        for watch in self.fleet.watches.values():
            watch.start(self._changed)
        self.contents.show_target(self._target)
        named = self._target != Target()
        first = self.pane.view if named or self.app.size.width < _NARROW else self.panels[1]
        self._go_to(first)
        self._share_room()

    async def on_unmount(self) -> None:
        """End what goes on behind the screen."""
        for watch in self.fleet.watches.values():
            await watch.aclose()

    def _forward_event(self, event: events.Event) -> None:
        """Close the prompt for a click elsewhere.

        Such a click does nothing else: what is below it may have moved when the prompt is gone.
        """
        if isinstance(event, events.MouseDown):
            self._deaf = self.prompt.open and not self.prompt.region.contains(event.x, event.y)
            if self._deaf:
                self.prompt.desert()
        if not (self._deaf and isinstance(event, events.MouseDown | events.MouseUp | events.Click)):
            super()._forward_event(event)

    # --- drawing ----------------------------------------------------------------------------

    def _set_colors(self) -> None:
        colors = DARK if self.app.current_theme.dark else LIGHT
        if self.app.no_color:
            colors = COLORLESS
        self.contents.set_colors(colors)
        self.keys.palette = colors
        self.keys.refresh()
        for panel in self.panels:
            panel.palette = colors
            panel.refresh()

    def _changed(self, what: str) -> None:
        self._dirty.add(what)

    def _tick(self) -> None:
        dirty, self._dirty = self._dirty, set()
        if dirty & {"lists", "usage"}:
            self.show_lists()
        if "usage" in dirty:
            self.contents.update_usage()
        if "events" in dirty:
            self.contents.update_events()
        self.header.show(self.fleet.watches, read_only=self.read_only)
        self.contents.update_bar()

    def show_lists(self) -> None:
        """Show what the engine has."""
        # Who comes to an empty list has not chosen anything yet.
        self._had_rows = any(panel.objects for panel in self.panels)
        self._narrow()
        for panel in self.panels:
            rows = self.fleet.rows(panel.kind)
            panel.show(rows)
            self.contents.keep_up(panel.kind, rows)
        order = self.fleet.inventories[0].sort
        self.panels[1].order = order if order != "name" else ""
        if self._unmet:
            self._point_at_named()
        self._share_room()
        self.keys.renew()

    def _may(self, name: str) -> bool:
        """Tell whether what a key is called for can be done where the focus is."""
        if isinstance(self.focused, Input):
            return name not in ("help", "leave", "zoom")  # letters are typed there
        if name == "panel-2":
            return self.has_class("zoomed")  # else it is there to be seen
        panel = self.focused
        return not isinstance(panel, ListPanel) or self.steering.may(panel, name)

    def _point_at_named(self) -> None:
        """Have the cursor stand on what was named, unless somebody chooses something else."""
        if isinstance(self.focused, ListPanel) and self._had_rows:
            self._unmet = False
            return
        for panel in self.panels[:2]:
            named = [row for row in self.fleet.rows(panel.kind) if row.is_named_by(self._target)]
            if len(named) == 1 and panel.point_at(named[0].key):
                self._unmet = False
                self._last = panel
                if named[0].target == self._target:
                    self.contents.show_rows(named)

    def _share_room(self) -> None:
        """Give the list with the focus, or else the containers, what it needs first."""
        focused = (i for i, panel in enumerate(self.panels) if panel.has_focus)
        needs = [panel.count for panel in self.panels]
        # Beside the titles of the lists, the line at the top and that of the keys.
        room = self.size.height - 2 - len(self.panels)
        low = self.size.height < _LOW
        given = share(room, needs, next(focused, 1), low=low)
        for panel, rows in zip(self.panels, given, strict=True):
            panel.styles.height = 1 + rows

    def on_resize(self, _event: events.Resize) -> None:
        """Share the room anew."""
        self._arrange(self.focused)
        self._share_room()

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Give room to what has the focus."""
        if isinstance(self.focused, ListPanel):
            self._last = self.focused
        self._arrange(self.focused)
        self._share_room()
        self.contents.update_bar()

    # --- choosing ---------------------------------------------------------------------------

    def on_list_panel_chosen(self, event: ListPanel.Chosen) -> None:
        """Show what is chosen, once the cursor rests."""
        self.keys.renew()
        if self._resting is not None:
            self._resting.stop()
        if not event.panel.has_focus:
            return
        self._resting = self.set_timer(_REST, lambda: self._show_chosen(event.panel))

    def _show_chosen(self, panel: ListPanel) -> None:
        if panel.has_focus:
            self.contents.show_rows(panel.chosen)
            if panel.kind == "project":
                self._projects = panel.chosen
                self._narrow()
                self._share_room()

    def _narrow(self) -> None:
        """List only the containers of the projects and services that are chosen."""
        known = {row.place for row in self.fleet.rows("project")}
        chosen = [row for row in self._projects if row.place in known]
        places = frozenset(row.place for row in self.fleet.members(chosen))
        words = ", ".join(row.full_name for row in chosen)
        self.panels[1].narrow(places if chosen else None, words)

    def on_list_panel_widened(self) -> None:
        """List all containers again."""
        self._projects = []
        self._share_room()

    def _open(self, panel: ListPanel) -> None:
        """Go to what is shown of a row."""
        self._show_chosen(panel)
        self._go_to(self.contents.pane)

    def action_leave_log(self) -> None:
        """Go back to the list that chose."""
        if not self.has_class("zoomed"):
            self.set_focus(self._last)

    def leave(self) -> bool:
        """Go back to the lists from what is shown beside them; tell whether one was there."""
        if isinstance(self.focused, ListPanel):
            return False
        self._zoom = None
        self._go_to(self._last)
        return True

    def awaits_keys(self, panel: ListPanel) -> bool:
        """Tell whether what is typed next is for a list, and for nothing else."""
        return self.app.screen is self and panel.has_focus and not self.prompt.open

    # --- keys -------------------------------------------------------------------------------

    def go_to_panel(self, number: int) -> None:
        """Give a list the focus."""
        if self._zoom:
            self._zoom = None
        self._go_to(self.panels[number])

    def go_to_main(self) -> None:
        """Give what is shown the focus."""
        self._go_to(self.contents.pane)

    def turn_panel(self, step: int) -> None:
        """Give the next part of the screen the focus."""
        parts = [*([] if self._zoom else self.panels), self.contents.pane]
        if self.contents.tab == "logs" and self.pane.bar.display:
            parts.insert(-1, self.pane.bar)
        if self.pane.detail.has_class("open"):
            parts.append(self.pane.detail.fields)
        at = parts.index(self.focused) if self.focused in parts else -1
        self._go_to(parts[(at + step) % len(parts)])

    def zoom(self) -> None:
        """Show what is chosen over the whole screen, or the lists again."""
        self._zoom = not self.has_class("zoomed")
        if self._zoom:
            self._go_to(self.contents.pane)
        elif self.app.size.width < _SLIM:
            self._go_to(self._last)  # there is no room for both
        else:
            self._arrange(self.focused)

    def _go_to(self, part: Widget) -> None:
        """Give a part of the screen the focus, and the room that it needs."""
        self._arrange(part)
        self.set_focus(part)

    def _arrange(self, focused: Widget | None) -> None:
        """Show the lists, or what they choose, or both, as there is room."""
        in_lists = isinstance(focused, ListPanel)
        if not in_lists and (focused is None or self.contents not in focused.ancestors):
            return  # a question is asked: all stays as it is
        columns = self.app.size.width
        alone = columns < _NARROW if self._zoom is None else self._zoom
        self.set_class((alone or columns < _SLIM) and not in_lists, "zoomed")
        self.set_class(in_lists and columns < _SLIM, "listed")

"""What is shown of the object that is chosen: its log, and in other tabs all else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from lobtail.errors import LobtailError
from lobtail.model.sanitize import sanitize
from lobtail.render.stamps import Stamper, Zone
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.state.inventory import Kind, Row, size_words
from lobtail.tui.state.target import Target, joined
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.widgets.log_pane import LogPane
from lobtail.tui.widgets.palette import LogColors
from lobtail.tui.widgets.panes import StatsPane, TextPane, TreePane
from lobtail.tui.widgets.tab_bar import TabBar

__all__ = ["Contents"]

_TABS: Final[dict[str, tuple[str, ...]]] = {
    "container": ("logs", "stats", "env", "config", "top", "events"),
    "project": ("logs", "stats", "events"),
    "image": ("config", "history"),
    "volume": ("config",),
    "network": ("config",),
}

# Seconds after which an answer of the engine is late.
_SLOW: Final = 0.4


class Contents(Vertical):
    """A bar of tabs, and what the chosen one holds."""

    DEFAULT_CSS = """
    Contents { width: 1fr; height: 1fr; }
    """

    def __init__(self, fleet: EngineGroup, look: ViewOptions, *, histogram: bool) -> None:
        super().__init__()
        self._fleet = fleet
        self._zone: Zone = look.zone
        self.bar = TabBar()
        self.log_pane = LogPane(look, zone=look.zone, histogram=histogram)
        self._text = TextPane()
        self._tree = TreePane()
        self._stats = StatsPane()
        self._kind: Kind = "container"
        self._rows: list[Row] = []
        self._target = Target()
        self._tab: dict[Kind, str] = {}

    def compose(self) -> ComposeResult:
        """Put the parts together."""
        yield self.bar
        yield self.log_pane
        for pane in (self._text, self._tree, self._stats):
            pane.display = False
            yield pane

    # --- what is shown ---------------------------------------------------------------------

    @property
    def tabs(self) -> tuple[str, ...]:
        """The tabs of what is shown."""
        tabs = _TABS[self._kind]
        # Of several, or of all, there is no one configuration.
        several = len(self._rows) != 1 or not self._rows[0].key
        return ("logs", "stats", "events") if self._kind == "container" and several else tabs

    @property
    def tab(self) -> str:
        """The tab that is open."""
        tab = self._tab.get(self._kind, self.tabs[0])
        return tab if tab in self.tabs else self.tabs[0]

    @property
    def pane(self) -> Widget:
        """What the open tab holds, to be given the focus."""
        tab = self.tab
        if tab == "logs":
            return self.log_pane.view
        return {"stats": self._stats, "config": self._tree}.get(tab, self._text)

    def show_target(self, target: Target) -> None:
        """Show the log of containers that no list has chosen."""
        self._rows = []
        self._kind = "container"
        self._target = target
        self.log_pane.open(self._fleet, target)
        self._show()

    def show_rows(self, rows: list[Row]) -> None:
        """Show what is chosen in a list; of a list in which nothing is left, nothing."""
        if not rows:
            if self._kind not in ("container", "project"):
                self._rows = []
                self._tree.show_json({})
                self._text.show("")
                self.update_bar()
            return
        before = [(row.kind, row.place) for row in self._rows]
        self._rows, self._kind = rows, rows[0].kind
        self._aim()
        if [(row.kind, row.place) for row in rows] != before:
            self._show()

    def keep_up(self, kind: Kind, rows: list[Row]) -> None:
        """Go on with the rows of a list that are shown as they are now: they may be renamed."""
        if kind != self._kind or not self._rows:
            return
        now = {row.place: row for row in rows}
        before = self._target
        self._rows = [now.get(row.place, row) for row in self._rows]
        self._aim()
        if self._target != before and self.tab == "logs":
            self.log_pane.open(self._fleet, self._target)

    def _aim(self) -> None:
        """Take the log of the rows that are shown."""
        targets = [row.target for row in self._rows if row.target is not None]
        if targets:
            self._target = joined(targets)

    def open_tab(self, tab: str) -> None:
        """Open a tab, if there is one of that name."""
        if tab in self.tabs:
            had = self._has_focus
            self._tab[self._kind] = tab
            self._show()
            if had:
                self.screen.set_focus(self.pane)

    def turn_tab(self, step: int) -> None:
        """Open the next tab, or the previous one."""
        tabs = self.tabs
        self.open_tab(tabs[(tabs.index(self.tab) + step) % len(tabs)])

    def update_usage(self) -> None:
        """Draw what containers use anew, if that is shown."""
        if self.tab == "stats":
            self._show_stats()

    def update_events(self) -> None:
        """Write the events anew, if they are shown."""
        if self.tab == "events":
            self._show_events()

    def update_top(self) -> None:
        """Ask for the processes anew, if they are shown."""
        if self.tab == "top" and self._rows:
            self.run_worker(self._load("top", self._rows[0]), exclusive=True, exit_on_error=False)

    def update_bar(self) -> None:
        """Show the tabs as they are now."""
        title = ", ".join(row.full_name for row in self._rows)
        if not title and self._kind == "container":
            title = sanitize(self._target.title)
        self.bar.show(self.tabs, self.tab, title, focused=self._has_focus)

    def set_colors(self, colors: LogColors) -> None:
        """Draw in other colours."""
        self.bar.palette = colors
        self.bar.refresh()
        self.log_pane.set_colors(colors)

    # --- its own ----------------------------------------------------------------------------

    @property
    def _has_focus(self) -> bool:
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors

    def _show(self) -> None:
        tab = self.tab
        shown = {"logs": self.log_pane, "stats": self._stats, "config": self._tree}
        for pane in (self.log_pane, self._text, self._tree, self._stats):
            pane.display = pane is shown.get(tab, self._text)
        self.update_bar()
        if tab == "logs":
            self.log_pane.open(self._fleet, self._target)
        elif tab == "stats":
            self._show_stats()
        elif tab == "events":
            self._show_events()
        elif self._rows:
            self.run_worker(self._load(tab, self._rows[0]), exclusive=True, exit_on_error=False)

    async def _load(self, tab: str, row: Row) -> None:
        loaders: dict[str, Any] = {
            "config": self._config,
            "env": self._env,
            "top": self._top,
            "history": self._history,
        }
        asked: Coroutine[Any, Any, None] = loaders[tab](row)
        # Of an engine that takes long nothing of another object is to be seen meanwhile.
        slow = self.set_timer(_SLOW, self._say_loading)
        try:
            await asked
        except LobtailError as exc:
            if tab == "config":
                self._tree.show_json({"": str(exc)})
            else:
                self._text.say(str(exc))
        finally:
            slow.stop()

    def _say_loading(self) -> None:
        self._tree.show_json({})
        self._text.say("loading …")

    async def _config(self, row: Row) -> None:
        engine = self._fleet.engine(row.host)
        ask: dict[str, Callable[[str], Awaitable[dict[str, Any]]]] = {
            "container": engine.containers.inspect_raw,
            "image": engine.images.inspect_raw,
            "volume": engine.volumes.inspect_raw,
            "network": engine.networks.inspect_raw,
        }
        self._tree.show_json(await ask[row.kind](row.key))

    async def _env(self, row: Row) -> None:
        config = (await self._fleet.engine(row.host).containers.inspect(row.key)).config
        pairs = (entry.partition("=") for entry in config.env or ())
        rows = [(name, value) for name, _, value in pairs]
        if not rows:
            self._text.say("No environment variables.")
            return
        self._text.show_table(("VARIABLE", "VALUE"), rows)

    async def _top(self, row: Row) -> None:
        if row.state not in ("running", "paused"):
            self._text.say("Not running, so there are no processes.")
            return
        top = await self._fleet.engine(row.host).containers.top(row.key)
        self._text.show_table(top.titles or ("",), top.processes or [])

    async def _history(self, row: Row) -> None:
        layers = await self._fleet.engine(row.host).images.history(row.key)
        rows = [
            (
                Stamper().show(layer.created * 1_000_000_000, 0)[:10],
                size_words(layer.size),
                layer.created_by or layer.comment or "-",
            )
            for layer in layers
        ]
        self._text.show_table(("CREATED", "SIZE", "BY"), rows)

    @property
    def _groups(self) -> set[tuple[str, str]]:
        """The projects and services that are shown."""
        targets = [row.target for row in self._rows if row.kind == "project" and row.target]
        return {(each.projects[0], "".join(each.services)) for each in targets}

    def _show_stats(self) -> None:
        usage = {
            identifier: use
            for watch in self._fleet.watches.values()
            for identifier, use in watch.inventory.usage.items()
            if not watch.away
        }
        rows = [row for row in self._rows if row.kind == "container" and row.key]
        if rows:
            self._stats.show([(row.full_name, usage.get(row.key)) for row in rows])
            return
        members = [
            container
            for inventory in self._fleet.inventories
            for container in inventory.containers
            if container.running and _is_of(container.labels or {}, self._groups)
        ]
        several = [
            (sanitize(c.name), usage.get(c.id)) for c in sorted(members, key=lambda c: c.name)
        ]
        # One line even for one: it is a list of what there is.
        self._stats.show([*several, *([("", None)] if len(several) == 1 else [])] or [("", None)])

    def _show_events(self) -> None:
        keys = {row.key for row in self._rows if row.kind == "container" and row.key}
        groups = self._groups
        rows = []
        events = [event for watch in self._fleet.watches.values() for event in watch.events]
        stamper = Stamper("rfc3339", self._zone)
        for event in sorted(events, key=lambda event: -event.time_ns):
            if (keys and event.id not in keys) or not _is_of(event.attributes, groups):
                continue
            stamp = stamper.show(event.time_ns, 0)[:19]
            # Podman says 0 of all else that happens to a container, too.
            ended = event.action in ("die", "died") and event.exit_code is not None
            code = f"exit code {event.exit_code}" if ended else ""
            rows.append(
                (
                    stamp.replace("T", " "),
                    event.type,
                    event.action,
                    event.name or event.id[:12],
                    code,
                )
            )
        if rows:
            self._text.show_table(("TIME", "TYPE", "EVENT", "OF", ""), rows)
        else:
            self._text.say("No events in the last hour. New ones appear here.")

    def on_tab_bar_clicked(self, event: TabBar.Clicked) -> None:
        """Open a tab."""
        self.open_tab(event.tab)


def _is_of(labels: dict[str, str], wanted: set[tuple[str, str]]) -> bool:
    """Tell whether a container belongs to one of some projects or services; to all without."""
    if not wanted:
        return True
    project = labels.get("com.docker.compose.project", "")
    service = labels.get("com.docker.compose.service", "")
    return bool({(project, ""), (project, service)} & wanted) and bool(project)

"""Do what is asked of a list: questions first where something is lost, notices afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lobtail.errors import ConfigError, EngineError, EngineStreamError, LobtailError
from lobtail.model.sanitize import sanitize
from lobtail.render.prefix import fit
from lobtail.tui.actions import PRUNE_QUESTIONS, Action, actions_for, perform, prune
from lobtail.tui.screens.questions import ConfirmScreen, MenuScreen
from lobtail.tui.shell import attach, shell
from lobtail.tui.state.inventory import SORTS, Kind, Row
from lobtail.tui.state.keys import keys_of, shown_keys
from lobtail.tui.state.pulling import Pulling
from lobtail.tui.widgets.list_panel import ListPanel
from lobtail.tui.widgets.prompt import Ask, Prompt

if TYPE_CHECKING:
    from lobtail.tui.screens.main import MainScreen

__all__ = ["ListActions"]

# What only looks, and may be done read-only.
_HARMLESS = frozenset(("list-filter", "sort", "hide-stopped", "menu"))
# What is done most comes first.
_MENU: Final = (
    "start",
    "stop",
    "restart",
    "shell",
    "remove",
    "remove-volumes",
    "pause-container",
    "attach",
    "rename",
    "kill",
    "pull",
    "prune",
    "list-filter",
    "sort",
    "hide-stopped",
)
_OF_CONTAINERS = frozenset(("rename", "shell", "attach"))


class ListActions:
    """What is done from lists, with the engine of a screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen

    def ask(self, panel: ListPanel, name: str, *, menu: bool = False) -> None:
        """Do what a key asks for, or what was chosen from the menu.

        A key that acts on an object is confirmed, as it may have been meant for the log.
        """
        if self._screen.read_only and name not in _HARMLESS:
            self._say("read-only: nothing is changed", severity="warning")
            return
        match name:
            case "list-filter":
                self._filter(panel)
            case "sort":
                self._sort()
            case "hide-stopped":
                self._hide()
            case "menu":
                self._menu(panel)
            case "rename":
                self._rename(panel)
            case "shell" | "attach":
                self._talk(panel, name, menu=menu)
            case "pull":
                self._pull(panel)
            case "prune":
                self._prune(panel)
            case _:
                self._act(panel, name, menu=menu)

    # --- lists ------------------------------------------------------------------------------

    def _filter(self, panel: ListPanel) -> None:
        before, row = panel.filter, panel.row

        def typed(text: str) -> str:
            panel.set_filter(text)
            return ""

        def left() -> None:
            panel.set_filter(before)
            if row is not None:
                panel.point_at_place(row.place)

        self._prompt(
            Ask(
                title=f"filter {panel.kind}s:",
                text=before,
                typed=typed,
                live=True,
                done=lambda text: panel.set_filter(text, done=True),
                left=left,
            )
        )

    def _sort(self) -> None:
        inventories = self._screen.fleet.inventories
        wanted = SORTS[(SORTS.index(inventories[0].sort) + 1) % len(SORTS)]
        for inventory in inventories:
            inventory.sort = wanted
        self._screen.show_lists()
        self._say(f"containers by {wanted}")

    def _hide(self) -> None:
        inventories = self._screen.fleet.inventories
        hide = not inventories[0].hide_stopped
        for inventory in inventories:
            inventory.hide_stopped = hide
        self._screen.show_lists()

    def _menu(self, panel: ListPanel) -> None:
        rows = panel.chosen
        keys = {key.name: key.keys for key in keys_of("list")} | dict(self._screen.keymap)
        options = [
            (name, shown_keys(keys[name]), self._words(panel, name))
            for name in _MENU
            if self.may(panel, name)
        ]

        def chosen(name: str | None) -> None:
            if name:
                self.ask(panel, name, menu=True)

        self._screen.app.push_screen(MenuScreen(_names(rows) or panel.title, options), chosen)

    def _words(self, panel: ListPanel, name: str) -> str:
        """Say what would be done, and with what."""
        kind, names = panel.kind, fit(_names(panel.chosen), 44)
        action, rows = actions_for(name, self._screen.fleet.members(panel.chosen))
        if action is not None:
            return action.words_for(fit(_called(rows, panel.chosen), 40))
        hidden = self._screen.fleet.inventories[0].hide_stopped
        return {
            "shell": f"open a shell in {names} (exit to return)",
            "attach": f"attach to {names} (detach with Ctrl-P Ctrl-Q)",
            "rename": f"rename {names}",
            "pull": "pull an image",
            "prune": PRUNE_QUESTIONS.get(kind, "").partition("?")[0].replace("R", "r", 1),
            "list-filter": "filter by name",
            "sort": "sort by the next of name, state, CPU, memory, age",
            "hide-stopped": f"{'show' if hidden else 'hide'} stopped containers",
        }[name]

    def may(self, panel: ListPanel, name: str) -> bool:
        """Tell whether what a key is for can be done with what is chosen in a list."""
        if name in ("mark", "open"):
            return panel.row is not None and (name == "open" or bool(panel.row.key))
        if not any(key.name == name and key.action.startswith("ask(") for key in keys_of("list")):
            return True
        if self._screen.read_only and name not in _HARMLESS:
            return False
        return self._can(name, panel.kind, panel.chosen)

    def _can(self, name: str, kind: Kind, rows: list[Row]) -> bool:
        """Tell whether something can be done with what is chosen."""
        if name in ("list-filter", "menu"):
            return True
        if name in ("sort", "hide-stopped"):
            return kind == "container"
        if name == "pull":
            return kind == "image"
        if name == "prune":
            return kind in PRUNE_QUESTIONS
        if name in _OF_CONTAINERS:
            running = bool(rows) and rows[0].state == "running"
            one = kind == "container" and len(rows) == 1 and bool(rows[0].key)
            return one and (running or name == "rename")
        return bool(actions_for(name, self._screen.fleet.members(rows))[1])

    # --- actions ----------------------------------------------------------------------------

    def _act(self, panel: ListPanel, name: str, *, menu: bool) -> None:
        action, rows = actions_for(name, self._screen.fleet.members(panel.chosen))
        if action is None or not rows:
            self._say("not available for this item", severity="warning")
        elif not (menu and action.undoable):
            called = _called(rows, panel.chosen)
            self._confirm(
                action.question.format(called), lambda: self._perform(action, rows, panel)
            )
        else:
            self._perform(action, rows, panel)

    def _perform(self, action: Action, rows: list[Row], panel: ListPanel) -> None:
        chosen = panel.chosen

        async def work() -> None:
            self._say(f"{action.words_for(_names(rows))} …")
            done, faults, refused = await perform(self._screen.fleet.engine, action, rows)
            for fault in faults[:3]:
                self._say(fault, severity="error")
            if len(faults) > 3:
                self._say(f"and {len(faults) - 3} more that failed", severity="error")
            if done:
                self._say(f"{action.done}: {_few(done)}")
            panel.unmark(chosen)
            self._refresh()
            if refused and not self._screen.awaits_keys(panel):
                # A question now would take a key that is meant for something else.
                self._say(refused[0][1], severity="error")
            elif refused and action.by_force is not None:
                forced = action._replace(do=action.by_force, by_force=None)
                names = _names([row for row, _ in refused])
                question = f"{refused[0][1].rstrip('.')}. Remove {names} by force?"
                if await self._screen.fleet.engine(refused[0][0].host).is_podman():
                    question += " The containers that use it go with it."
                again = [row for row, _ in refused]
                self._confirm(question, lambda: self._perform(forced, again, panel))

        self._screen.run_worker(work(), exit_on_error=False)

    def _prune(self, panel: ListPanel) -> None:
        kind, host = panel.kind, self._host_of(panel)
        question = PRUNE_QUESTIONS.get(kind)
        if question is None:
            self._say("projects cannot be pruned", severity="warning")
            return

        async def work() -> None:
            try:
                self._say(await prune(self._screen.fleet.engine(host), kind))
            except LobtailError as exc:
                self._say(_refusal(exc), severity="error")
            self._refresh()

        question += f" On {host}." if host else ""
        self._confirm(question, lambda: self._screen.run_worker(work(), exit_on_error=False))

    def _rename(self, panel: ListPanel) -> None:
        row = self._one_container(panel)
        if row is None:
            return
        # Without the engine that stands in front of it in the list.
        before = "".join(row.target.names) if row.target is not None else ""

        async def work(name: str) -> None:
            try:
                await self._screen.fleet.engine(row.host).containers.rename(row.key, name)
            except LobtailError as exc:
                self._say(f"{row.full_name}: {_refusal(exc)}", severity="error")
            else:
                self._say(f"{row.full_name} is now {name}")

        def done(text: str) -> None:
            if text.strip() and text.strip() != before:
                self._screen.run_worker(work(text.strip()), exit_on_error=False)

        self._prompt(Ask(title=f"rename {row.full_name} to", text=before, done=done))

    def _pull(self, panel: ListPanel) -> None:
        host = self._host_of(panel)
        engine = self._screen.fleet.engine(host)
        title = f"pull on {sanitize(host)}" if host else "pull"

        async def work(reference: str) -> None:
            progress, shown = Pulling(), self._screen.header.pulls
            shown[host, reference] = ""
            try:
                async with engine.images.pull(reference) as pull:
                    async for step in pull:
                        progress.take(step)
                        shown[host, reference] = progress.words
            except LobtailError as exc:
                self._say(f"{reference}: {_refusal(exc)}", severity="error")
            else:
                self._say(f"pulled {reference}")
            finally:
                shown.pop((host, reference), None)
            self._refresh("image")

        def done(text: str) -> None:
            if text.strip():
                self._screen.run_worker(work(text.strip()), exit_on_error=False)

        def typed(text: str) -> str:
            if not text.strip():
                return ""
            try:
                engine.images.pull(text.strip())
            except ConfigError as exc:
                return str(exc)
            return ""

        self._prompt(Ask(title=title, hint="name:tag", typed=typed, done=done))

    def _talk(self, panel: ListPanel, name: str, *, menu: bool) -> None:
        row = self._one_container(panel)
        if row is None:
            return
        talk = shell if name == "shell" else attach
        engine = self._screen.fleet.engine(row.host)

        async def work() -> None:
            fault = await self._screen.lend(lambda: talk(engine, row.key, row.full_name))
            if fault:
                self._say(fault, severity="error")

        def begin() -> None:
            self._screen.run_worker(work(), exit_on_error=False)

        if menu:
            begin()
        else:
            question = "Open a shell in {}?" if name == "shell" else "Attach to {}?"
            self._confirm(question.format(row.full_name), begin)

    def _one_container(self, panel: ListPanel) -> Row | None:
        row = panel.row
        if panel.kind != "container" or row is None or not row.key:
            self._say("select a single container", severity="warning")
            return None
        return row

    # --- its own ----------------------------------------------------------------------------

    def _refresh(self, *kinds: str) -> None:
        for watch in self._screen.fleet.watches.values():
            watch.refresh(*kinds)

    def _host_of(self, panel: ListPanel) -> str:
        """Return the engine that the cursor is on, else the first."""
        first = next(iter(self._screen.fleet.engines))
        return panel.row.host or first if panel.row is not None else first

    def _confirm(self, question: str, then: object) -> None:
        def answered(yes: bool | None) -> None:
            if yes and callable(then):
                then()

        self._screen.app.push_screen(ConfirmScreen(question), answered)

    def _prompt(self, ask: Ask) -> None:
        self._screen.query_one(Prompt).ask(ask)

    def _say(self, words: str, severity: str = "information") -> None:
        assert severity in ("information", "warning", "error")
        self._screen.notify(
            sanitize(words),  # an engine's, a registry's or a container's words may be in it
            severity=severity,  # type: ignore[arg-type]
            timeout=8 if severity == "error" else 3,
            markup=False,
        )


def _names(rows: list[Row]) -> str:
    return _few([row.full_name for row in rows if row.key])


def _called(rows: list[Row], chosen: list[Row]) -> str:
    """Return what containers are called: those of projects are counted."""
    if chosen and chosen[0].kind == "project":
        plural = "" if len(rows) == 1 else "s"
        return f"{len(rows)} container{plural} of {_names(chosen)}"
    return _names(rows)


def _few(names: list[str]) -> str:
    """Return names for people, the first two of many."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"


def _refusal(error: LobtailError) -> str:
    """Return what went wrong, in the engine's own words where it has some."""
    return error.message if isinstance(error, EngineError | EngineStreamError) else str(error)

"""The terminal client as a Textual application: what holds on every screen."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, ClassVar, Final

import msgspec
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.filter import LineFilter, Monochrome
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from lobtail.render.stamps import find_zone
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.kept_state import keep_visits, kept_visits, state_path
from lobtail.tui.screens.main import MainScreen
from lobtail.tui.screens.questions import HelpScreen
from lobtail.tui.state.keys import keys_of, shown_keys
from lobtail.tui.state.target import Target
from lobtail.tui.state.view_options import Fields, Stamp, ViewOptions
from lobtail.tui.state.visits import Visits
from lobtail.tui.widgets.bindings import bindings_of, press
from lobtail.tui.widgets.colorless import Colorless
from lobtail.tui.widgets.list_panel import ListPanel
from lobtail.tui.widgets.themes import DARK_THEME, LIGHT_THEME

__all__ = ["ClientSettings", "LobtailApp"]


# Notices that are shown at once.
_NOTICES: Final = 3


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the client begins: from the command line and the config file."""

    theme: str = "dark"
    timezone: str = "local"
    timestamps: Stamp = "short"
    wrap: bool = False
    fields: Fields = "compact"
    histogram: bool = True
    read_only: bool = False
    keys: Mapping[str, str] = {}

    def check(self) -> None:
        """See whether they can be used.

        Raises:
            ConfigError: they cannot.
        """
        find_zone(self.timezone)


class LobtailApp(App[int]):
    """Shows containers and their logs; exits with a code."""

    TITLE = "lobtail"
    CSS = """
    /* Above the line that says what is searched and filtered. */
    ToastRack { margin-bottom: 2; }
    * {
        scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-2; scrollbar-color-hover: $primary;
        scrollbar-background: $surface; scrollbar-background-hover: $surface;
    }
    OptionList:nocolor > .option-list--option-highlighted { text-style: reverse; }
    Prompt:nocolor .title { text-style: bold reverse; }
    ToastRack { dock: top; align: right top; margin: 2 1 0 0; overflow: hidden; }
    Toast { margin: 0 0 1 0; padding: 0 1; max-height: 4; }
    """
    ENABLE_COMMAND_PALETTE = True
    # On few rows boxes do without blank ones, so that their answers are to be seen.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012 - Textual's way
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("app")]

    def __init__(self, fleet: EngineGroup, target: Target, settings: ClientSettings) -> None:
        super().__init__()
        # As no-color.org has it, and `lobtail tail`: an empty value is none.
        self.no_color = bool(os.environ.get("NO_COLOR"))
        self._colorless = Colorless()
        self.settings = settings
        self.look = ViewOptions(
            stamp=settings.timestamps,
            zone=find_zone(settings.timezone),
            wrap=settings.wrap,
            fields=settings.fields,
        )

        self._main = MainScreen(
            fleet,
            target,
            self.look,
            histogram=settings.histogram,
            read_only=settings.read_only,
            keymap=settings.keys,
            lend=self.lend_terminal,
        )
        self._palette_for: Widget | None = None
        self.fault = ""
        """What ended it, where that was a fault of ours."""

    def _handle_exception(self, error: Exception) -> None:
        """End with one line rather than with pages: those are for whoever asks for them."""
        if self.is_headless or "LOBTAIL_DEBUG" in os.environ:
            super()._handle_exception(error)
            return
        self.fault = f"the terminal UI failed: {type(error).__name__}: {error} (see LOBTAIL_DEBUG)"
        self._return_code = 1
        self._close_messages_no_wait()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something for a while; no more than the newest few are shown."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
        self.call_later(self._drop_old_notices)

    def _drop_old_notices(self) -> None:
        for notice in list(self._notifications)[:-_NOTICES]:
            self._unnotify(notice)

    def _dismiss_notices(self) -> bool:
        """Take notices away; tell whether there was one for which a key is pressed."""
        grave = any(notice.severity != "information" for notice in self._notifications)
        if self._notifications:
            self.clear_notifications()
        return grave

    async def on_event(self, event: events.Event) -> None:
        """Do what a key means before the next one is looked at.

        Textual sends a key to what has the focus, and does what it is bound to when it has come
        back from there. What is typed meanwhile would go to where the focus was.
        """
        typed = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if typed and self.screen is self.main and self.main.prompt.open:
            self.app_focus = True  # who types is here, whatever the terminal has said
            if isinstance(event, events.Key):
                await self.main.prompt.take_key(event)
            elif isinstance(event, events.Paste):
                self.main.prompt.take_paste(event.text)
            return
        fresh = isinstance(event, events.Key) and not event.is_forwarded
        if fresh and not isinstance(self.focused, Input):
            assert isinstance(event, events.Key)
            # What only tells of success goes beside what the key does.
            if event.key == "escape" and self.screen is self.main and self._dismiss_notices():
                return
            if await press(self, event.key):
                return
        await super().on_event(event)

    def on_mount(self) -> None:
        """Show the main screen."""
        for theme in (DARK_THEME, LIGHT_THEME):
            self.register_theme(theme)
        self.theme = (LIGHT_THEME if self.settings.theme == "light" else DARK_THEME).name
        self.set_keymap(self.settings.keys)
        self.push_screen(self.main)
        self.set_timer(1, self._spare_the_collector)

    @staticmethod
    def _spare_the_collector() -> None:
        """Have Python's garbage collector leave alone what lives as long as the client.

        It would look at all modules and style sheets again and again, and keys would wait for it.
        """
        gc.collect()
        gc.freeze()

    @property
    def main(self) -> MainScreen:
        """The screen that holds all but questions."""
        return self._main

    # --- the terminal -----------------------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what all that is drawn goes through."""
        if self.no_color:
            # Not Textual's, which also turn what is dim into a colour.
            return [self._colorless]
        return [each for each in super().get_line_filters() if not isinstance(each, Monochrome)]

    async def lend_terminal(self, use: Callable[[], Coroutine[None, None, str]]) -> str:
        """Give the terminal to somebody else for a while; return what they return.

        Ctrl-C, where they leave it a signal, takes it back.
        """
        if self.is_headless:
            return "there is no terminal to lend"
        loop = asyncio.get_running_loop()
        with self.suspend(), self.batch_update():  # which draws nothing
            lent = asyncio.create_task(use())
            loop.add_signal_handler(signal.SIGINT, lent.cancel)
            try:
                await asyncio.wait((lent,))
                return "" if lent.cancelled() else lent.result()
            finally:
                lent.cancel()
                await asyncio.gather(lent, return_exceptions=True)
                self.end_on(signal.SIGINT)
                self.screen.refresh(layout=True)

    def end_on(self, number: signal.Signals) -> None:
        """Leave when a signal comes, with the exit code that shells know."""
        asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)

    # --- keys -------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Give the palette all that keys do, in the part that has the focus and everywhere."""
        before = self._palette_for
        focused = "list" if isinstance(before, ListPanel) else "log"
        for part in (focused, "app") if isinstance(screen, MainScreen) else ("app",):
            for key in keys_of(part):
                fits = not isinstance(before, ListPanel) or self.main.steering.may(before, key.name)
                if key.name != "palette" and fits:
                    keys = self.settings.keys.get(key.name, key.keys)
                    pressed = keys.split(",")[0]
                    words = key.words[:1].upper() + key.words[1:]
                    press = partial(self.call_later, self.simulate_key, pressed)
                    yield SystemCommand(words, f"{shown_keys(keys)}  ({key.name})", press)

    def action_command_palette(self) -> None:
        """Show the palette, for what has the focus now."""
        self._palette_for = self.focused
        super().action_command_palette()

    def action_help(self) -> None:
        """Show all keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(dict(self.settings.keys), self.main.part))

    def action_zoom(self) -> None:
        """Show the log over the whole screen, or the lists again."""
        self.main.zoom()

    def action_panel(self, number: int) -> None:
        """Go to a list."""
        self.main.go_to_panel(number)

    def action_main_panel(self) -> None:
        """Go to what is shown."""
        self.main.go_to_main()

    def action_next_panel(self) -> None:
        """Go to the next part of the screen."""
        self.main.turn_panel(1)

    def action_previous_panel(self) -> None:
        """Go to the previous part of the screen."""
        self.main.turn_panel(-1)

    def action_tab(self, step: int) -> None:
        """Open the next tab, or the previous one."""
        self.main.contents.turn_tab(step)

    def action_leave(self) -> None:
        """Go back to the lists; quit if one is there already."""
        if not self.main.leave():
            self.exit(0)

    def action_theme(self) -> None:
        """Change between light and dark."""
        self.theme = (DARK_THEME if self.theme == LIGHT_THEME.name else LIGHT_THEME).name


async def run_app(fleet: EngineGroup, target: Target, settings: ClientSettings) -> tuple[int, str]:
    """Run the client; return the exit code, and what went wrong.

    The terminal is as it was afterwards, whatever ends it: a key, a signal, a fault of ours.
    """
    app = LobtailApp(fleet, target, settings)
    path, engines = state_path(), [each.endpoint.url for each in fleet.engines.values()]
    app.main.pane.visits = Visits(kept_visits(path, engines))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        app.end_on(number)
    async with aclosing(fleet):
        result = await app.run_async()
    app.main.pane.leave(for_good=True)
    keep_visits(path, engines, app.main.pane.visits.all)
    return result if result is not None else app.return_code or 0, app.fault

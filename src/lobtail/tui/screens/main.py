"""The main screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from lobtail.api import Engine
from lobtail.tui.state.look import Look
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.log_pane import LogPane
from lobtail.tui.widgets.palette import DARK, LIGHT
from lobtail.tui.widgets.prompt import Prompt

__all__ = ["MainScreen"]


class MainScreen(Screen[None]):
    """The log."""

    def __init__(self, engine: Engine, target: Target, look: Look, histogram: bool) -> None:
        super().__init__()
        self._engine = engine
        self._target = target
        self.pane = LogPane(look, zone=look.zone, histogram=histogram)

    def compose(self) -> ComposeResult:
        """Put the parts together."""
        yield self.pane
        yield Prompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the log that was asked for."""
        self.pane.open(self._engine, self._target)
        self.pane.view.focus()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._set_colors())
        self._set_colors()

    def _set_colors(self) -> None:
        self.pane.set_colors(DARK if self.app.current_theme.dark else LIGHT)

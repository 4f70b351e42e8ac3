"""The most important keys of what has the focus, at the bottom of the screen.

Textual's own footer makes a widget for each key whenever the focus moves, which takes longer than
all else that a key does.
"""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from lobtail.tui.widgets.palette import DARK, LogColors

__all__ = ["KeyLine"]


class KeyLine(Widget):
    """Shows keys with a word each; a click does what the key does."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.palette: LogColors = DARK
        self._shown: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)
        self._update(self.screen)

    def _update(self, _screen: Screen[object]) -> None:
        active = self.screen.active_bindings.values()
        shown = [
            (
                found.binding.key_display or found.binding.key,
                found.binding.description,
                found.binding.key,
            )
            for found in active
            if found.binding.show and found.enabled
        ]
        # An action that several keys do is shown once.
        once = {words: (key, words, name) for key, words, name in reversed(shown)}
        unique = [entry for entry in shown if once.get(entry[1]) == entry]
        # A key means what it means to what has the focus, whose bindings come first.
        first = {key: (key, words, name) for key, words, name in reversed(unique)}
        unique = [entry for entry in unique if first[entry[0]] == entry]
        if unique != self._shown:
            self._shown = unique
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is but one
        """Return the line."""
        base = self.rich_style
        segments: list[Segment] = []
        for key, words, _ in self._shown:
            segments.append(Segment(f" {key}", base + self.palette.title))
            segments.append(Segment(f" {words} ", base))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does that is clicked."""
        at = 0
        for key, words, name in self._shown:
            at += len(key) + len(words) + 3
            if event.x < at:
                self.app.simulate_key(name)
                return

"""The most important keys of what has the focus, at the bottom of the screen.

Textual's own footer makes a widget for each key whenever the focus moves, which takes longer than
all else that a key does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from lobtail.render.table import width
from lobtail.tui.state.keys import FOOTER, shown_keys
from lobtail.tui.widgets.palette import DARK, LogColors

__all__ = ["KeyLine"]


_PINNED: Final = ("help", "leave")


class _Entry(NamedTuple):
    """A key, and a word for it."""

    key: str
    words: str
    pressed: str
    name: str

    @property
    def width(self) -> int:
        return width(self.key) + width(self.words) + 3

    @property
    def rank(self) -> int:
        # What is in no table belongs to a small part of the screen, and to no other.
        return FOOTER.index(self.name) if self.name in FOOTER else -1


class KeyLine(Widget):
    """Shows keys with a word each; a click does what the key does."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; background: $panel; }
    """

    def __init__(self, may: Callable[[str], bool]) -> None:
        """``may`` tells whether what a key is called for can be done now."""
        super().__init__()
        self.palette: LogColors = DARK
        self._may = may
        self._shown: list[_Entry] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.renew())
        self.renew()

    def renew(self) -> None:
        """Show the keys of what has the focus, and of what is chosen there."""
        shown = [
            _Entry(
                found.binding.key_display or shown_keys(found.binding.key),
                found.binding.description,
                found.binding.key,
                found.binding.id or "",
            )
            for found in self.screen.active_bindings.values()
            if found.binding.show and found.enabled and self._may(found.binding.id or "")
        ]
        # An action that several keys do is shown once.
        once = {entry.words: entry for entry in reversed(shown)}
        unique = [entry for entry in shown if once.get(entry.words) == entry]
        # A key means what it means to what has the focus, whose bindings come first.
        first = {entry.key: entry for entry in reversed(unique)}
        unique = [entry for entry in unique if first[entry.key] == entry]
        if unique != self._shown:
            self._shown = unique
            self.refresh()

    def _places(self) -> list[tuple[int, _Entry]]:
        """Return what there is room for, and where: help and quit at the right, whatever goes."""
        pinned = [entry for entry in self._shown if entry.name in _PINNED]
        pinned.sort(key=lambda entry: entry.rank)
        room = self.size.width - sum(entry.width for entry in pinned)
        right = max(room, 0)
        kept = set()
        for entry in sorted(self._shown, key=lambda entry: entry.rank):
            if entry in pinned:
                continue
            room -= entry.width
            if room < 0:
                break
            kept.add(entry)
        places, at = [], 0
        for entry in self._shown:
            if entry in kept:
                places.append((at, entry))
                at += entry.width
        for entry in pinned:
            places.append((right, entry))
            right += entry.width
        return places

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is but one
        """Return the line."""
        base = self.rich_style
        segments: list[Segment] = []
        at = 0
        for start, entry in self._places():
            segments.append(Segment(" " * (start - at), base))
            segments.append(Segment(f" {entry.key}", base + self.palette.title))
            segments.append(Segment(f" {entry.words} ", base))
            at = start + entry.width
        return Strip(segments).adjust_cell_length(self.size.width, base)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does that is clicked."""
        for start, entry in self._places():
            if start <= event.x < start + entry.width:
                self.app.simulate_key(entry.pressed)
                return

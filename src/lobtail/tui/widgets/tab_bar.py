"""The names of what can be shown of an object, above it."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lobtail.render.prefix import fit
from lobtail.render.table import width
from lobtail.tui.widgets.palette import DARK, LogColors

__all__ = ["TabBar"]


class TabBar(Widget):
    """Shows tabs and whose they are; one can be clicked."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TabBar { height: 1; background: $surface; }
    """

    class Clicked(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__()
        self.palette: LogColors = DARK
        self.tabs: tuple[str, ...] = ("logs",)
        self.tab = "logs"
        self.title = ""
        self.focused = False

    def show(self, tabs: tuple[str, ...], tab: str, title: str, *, focused: bool) -> None:
        """Show other tabs, or another one of them."""
        if (tabs, tab, title, focused) != (self.tabs, self.tab, self.title, self.focused):
            self.tabs, self.tab, self.title, self.focused = tabs, tab, title, focused
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is but one
        """Return the line."""
        base, colors = self.rich_style, self.palette
        segments = []
        for tab in self.tabs:
            own = colors.title if self.focused else colors.title_idle
            style = base + (own + colors.cursor if tab == self.tab else colors.dim)
            segments.append(Segment(f" {tab.capitalize()} ", style))
        used = sum(segment.cell_length for segment in segments)
        room = max(self.size.width - used - 2, 0)
        title = fit(self.title, room) if room > 2 else ""
        segments += [
            Segment(" " * (room - width(title) + 1), base),
            Segment(title, base + colors.accent),
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        """Choose a tab."""
        at = 0
        for tab in self.tabs:
            at += len(tab) + 2
            if event.x < at:
                self.post_message(self.Clicked(tab))
                return

"""What is shown of an object beside its log: texts, trees, plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lobtail.core.sanitize import sanitize
from lobtail.render.table import width
from lobtail.tui.state.inventory import size_words
from lobtail.tui.state.record import nodes_of
from lobtail.tui.state.usage import Usage
from lobtail.tui.widgets.record_tree import RecordTree

__all__ = ["StatsPane", "TextPane", "TreePane"]

_BARS: Final = " ▁▂▃▄▅▆▇█"


class TextPane(VerticalScroll, can_focus=True):
    """Some text, or a table; scrolled with the usual keys."""

    DEFAULT_CSS = """
    TextPane { height: 1fr; padding: 0 1; background: $background; }
    TextPane Static { width: auto; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        ("j", "scroll_down", ""),
        ("k", "scroll_up", ""),
        ("g", "scroll_home", ""),
        ("G", "scroll_end", ""),
        ("ctrl+d", "page_down", ""),
        ("ctrl+u", "page_up", ""),
    ]

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static(markup=False)

    def show(self, text: str | Text) -> None:
        """Show a text, made safe unless it is a ``Text``."""
        if isinstance(text, str):
            text = Text("\n".join(map(sanitize, text.split("\n"))))
        self.query_one(Static).update(Content.from_rich_text(text))

    def show_table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show a table."""
        lines = [tuple(map(sanitize, row)) for row in (head, *rows)]
        widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
        text = Text()
        for i, line in enumerate(lines):
            cells = (
                cell + " " * (columns - width(cell))
                for cell, columns in zip(line, widths, strict=True)
            )
            text.append("  ".join(cells).rstrip() + "\n", "bold" if i == 0 else "")
        self.show(text)


class TreePane(RecordTree):
    """All that the engine says of an object, as a tree."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        ("j", "cursor_down", ""),
        ("k", "cursor_up", ""),
        ("g,home", "first", ""),
        ("G,end", "last", ""),
        ("l,right", "open", ""),
        ("h,left", "close", ""),
    ]

    def show_json(self, value: dict[str, Any]) -> None:
        """Show an answer of the engine."""
        opened = {"Config", "State", "HostConfig", "NetworkSettings", "Mounts", "IPAM", "RootFS"}
        self.show(nodes_of(value), lambda node: node.name in opened)


class StatsPane(VerticalScroll, can_focus=True):
    """Plots of what a container uses."""

    DEFAULT_CSS = """
    StatsPane { height: 1fr; padding: 0 1; background: $background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[tuple[str, Usage | None]] = ()

    def compose(self) -> ComposeResult:
        """Make the place for the plots."""
        yield Static(markup=False)

    def on_resize(self) -> None:
        """Plot for the new size."""
        self.show(self._shown)

    def show(self, usages: Sequence[tuple[str, Usage | None]]) -> None:
        """Plot one container's use, or list what several use."""
        self._shown = usages
        if not usages:
            return
        text = self._one(usages[0][1]) if len(usages) == 1 else self._several(usages)
        self.query_one(Static).update(Content.from_rich_text(text))

    def _one(self, usage: Usage | None) -> Text:
        last = usage.last if usage is not None else None
        if usage is None or last is None:
            return Text("It does not run, or has not been measured yet.", "dim")
        columns = max(self.size.width - 4, 20)
        rows = min(max((self.size.height - 10) // 4, 2), 8)
        text = Text()
        limit = last.memory_limit
        for title, series, words, most in (
            ("CPU", usage.cpu, f"{_last(usage.cpu):.1f}% of {last.cpus * 100}%", 5.0),
            (
                "Memory",
                usage.memory,
                f"{size_words(last.memory_used)} of {size_words(limit)}",
                1024.0**2,
            ),
            (
                "Network",
                [a + b for a, b in zip(usage.received, usage.sent, strict=False)],
                f"▼ {size_words(_last(usage.received))}/s  ▲ {size_words(_last(usage.sent))}/s",
                1024.0,
            ),
            (
                "Disk",
                [a + b for a, b in zip(usage.read, usage.written, strict=False)],
                f"{size_words(_last(usage.read))}/s in, {size_words(_last(usage.written))}/s out",
                1024.0,
            ),
        ):
            text.append(f"{title}  ", "bold")
            text.append(words + "\n", "dim")
            for line in plot(list(series), columns, rows, most):
                text.append(line + "\n", "cyan")
            text.append("\n")
        text.append(f"{last.pids} processes", "dim")
        return text

    @staticmethod
    def _several(usages: Sequence[tuple[str, Usage | None]]) -> Text:
        text = Text()
        longest = max((width(name) for name, _ in usages), default=4)
        text.append(f"{'NAME'.ljust(longest)}     CPU   MEMORY\n", "bold")
        for called, usage in usages:
            name = called + " " * (longest - width(called))
            if usage is None or usage.last is None:
                text.append(f"{name}       -        -\n", "dim")
                continue
            memory = size_words(usage.last.memory_used)
            text.append(f"{name}  {_last(usage.cpu):5.1f}%  {memory:>7}\n")
        return text


def plot(values: Sequence[float], columns: int, rows: int, most: float) -> list[str]:
    """Return the newest values as bars of several rows, one a column, highest row first."""
    shown = list(values)[-columns:]
    top = max([most, *shown])
    eighths = [round(value / top * rows * 8) for value in shown]
    return [
        "".join(_BARS[min(max(height - level * 8, 0), 8)] for height in eighths).rjust(columns)
        for level in range(rows - 1, -1, -1)
    ]


def _last(series: Sequence[float]) -> float:
    return series[-1] if series else 0.0

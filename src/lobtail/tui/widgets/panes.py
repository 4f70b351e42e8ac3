"""What is shown of an object beside its log: texts, trees, plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lobtail.engine.objects.stats import Stats
from lobtail.model.sanitize import sanitize
from lobtail.render.table import width
from lobtail.tui.state.inventory import size_words
from lobtail.tui.state.record import nodes_of
from lobtail.tui.state.usage import Usage, plot, top_of
from lobtail.tui.widgets.record_tree import RecordTree

__all__ = ["StatsPane", "TextPane", "TreePane"]

# Columns of the scale beside a plot.
_AXIS: Final = 8


class TextPane(VerticalScroll, can_focus=True):
    """Some text, or a table; scrolled with the usual keys."""

    DEFAULT_CSS = """
    TextPane { height: 1fr; padding: 0 1; background: $background; }
    TextPane Static { width: auto; }
    TextPane.prose Static { width: 100%; }
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
        self.remove_class("prose")
        if isinstance(text, str):
            text = Text("\n".join(map(sanitize, text.split("\n"))))
        self.query_one(Static).update(Content.from_rich_text(text))

    def say(self, sentence: str) -> None:
        """Show a sentence, wrapped: there is nothing else to show."""
        self.show(Text(sanitize(sentence), "dim"))
        self.add_class("prose")

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
            return Text("Not running, or no sample yet.", "dim")
        columns = max(self.size.width - 4 - _AXIS, 10)
        # Each has a title and a row for the times.
        rows = min(max((self.size.height - 1) // 4 - 2, 2), 8)
        text = Text()
        for chart in _charts(usage, last):
            text.append(f"{chart.title}  ", "bold")
            text.append(chart.words + "\n", "dim")
            top = top_of(list(chart.series)[-columns:], chart.least, chart.most)
            lines = plot(chart.series, columns, rows, top)
            labels = [chart.label(top), *[""] * (rows - 2), "0"]
            for label, line in zip(labels, lines, strict=True):
                text.append(f"{label:>{_AXIS - 2}} {'┤' if label else '│'}", "dim")
                text.append(line + "\n", "cyan")
            text.append(_times(list(usage.times)[-columns:], columns) + "\n", "dim")
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


class _Chart(NamedTuple):
    """One series, and how it is measured."""

    title: str
    words: str
    series: Sequence[float]
    least: float
    """What the scale reaches at least."""
    most: float
    """What values cannot exceed; 0 where nothing is known of that."""
    label: Callable[[float], str]


def _charts(usage: Usage, last: Stats) -> tuple[_Chart, ...]:
    used, limit = last.memory_used, last.memory_limit
    share = f" ({_percent(used * 100 / limit)})" if limit else ""
    cpus = last.cpus * 100.0
    return (
        _Chart("CPU", f"{_last(usage.cpu):.1f}% of {cpus:.0f}%", usage.cpu, 100, cpus, _percents),
        _Chart(
            "Memory",
            f"{size_words(used)} of {size_words(limit)}{share}",
            usage.memory,
            64 << 20,
            limit,
            size_words,
        ),
        _Chart(
            "Network",
            f"▼ {size_words(_last(usage.received))}/s  ▲ {size_words(_last(usage.sent))}/s",
            [a + b for a, b in zip(usage.received, usage.sent, strict=False)],
            64 << 10,
            0,
            _rate,
        ),
        _Chart(
            "Disk",
            f"{size_words(_last(usage.read))}/s in, {size_words(_last(usage.written))}/s out",
            [a + b for a, b in zip(usage.read, usage.written, strict=False)],
            64 << 10,
            0,
            _rate,
        ),
    )


def _times(times: Sequence[int], columns: int) -> str:
    """Return the row below a plot: how long ago its first value was measured."""
    axis = " " * (_AXIS - 1) + "└"
    if len(times) < 2:
        return axis + "now".rjust(columns)
    ago = f"{(times[-1] - times[0]) // 1_000_000_000} s ago"
    blank = max(columns - len(times), 0)
    room = columns - blank - len("now")
    return axis + " " * blank + (ago.ljust(room) if len(ago) < room else " " * room) + "now"


def _percent(value: float) -> str:
    return "<0.1%" if 0 < value < 0.05 else f"{value:.1f}%"


def _percents(value: float) -> str:
    return f"{value:.0f}%"


def _rate(value: float) -> str:
    return f"{size_words(value)}/s"


def _last(series: Sequence[float]) -> float:
    return series[-1] if series else 0.0

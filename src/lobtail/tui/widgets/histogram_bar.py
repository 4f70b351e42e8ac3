"""The rate of lines over time, as stacked bars; click it, or move along it, to jump."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lobtail.render.stamps import Stamper, Zone, local
from lobtail.tui.state.histogram import Bar, Histogram
from lobtail.tui.state.log import Log
from lobtail.tui.widgets.bindings import bindings_of
from lobtail.tui.widgets.palette import DARK, LogColors

__all__ = ["HistogramBar"]

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_SECOND: Final = 1_000_000_000


class HistogramBar(Widget, can_focus=True):
    """Bars for what the log holds: errors at the bottom, warnings, and all other lines."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("bars")]
    DEFAULT_CSS = """
    HistogramBar { height: 4; background: $surface; }
    """

    class Chosen(Message):
        """A time was chosen."""

        def __init__(self, time_ns: int) -> None:
            super().__init__()
            self.time_ns = time_ns

    def __init__(self, log: Log, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._log_shown = log
        self.zone: Zone = local
        self.palette: LogColors = DARK
        self.histogram: Histogram | None = None
        self._here = range(0)
        self._grabbed = False

    def changed(self, span: tuple[int, int] | None) -> None:
        """Draw anew; ``span`` are the numbers of the items that are on the screen."""
        log = self._log_shown
        self.histogram = Histogram.of(log.store, log.rows, self.size.width)
        self._here = range(0)
        if self.histogram is not None and span is not None:
            times = [log.store.time(number) for number in span]
            low, high = (self.histogram.column_of(time) if time else 0 for time in times)
            self._here = range(low, high + 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a row: bars, and below them the times."""
        width, base = self.size.width, self.rich_style
        histogram = self.histogram
        if histogram is None:
            return Strip.blank(width, base)
        if y == self.size.height - 1:
            return self._axis(histogram, width, base)
        here = base + self.palette.here
        bars = self.size.height - 1
        logarithmic = histogram.logarithmic
        heights = [histogram.height(bar.lines, bars * 8, logarithmic) for bar in histogram.bars]
        segments = [
            self._cell(bar, height, bars - 1 - y, here if column in self._here else base)
            for column, (bar, height) in enumerate(zip(histogram.bars, heights, strict=True))
        ]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _cell(self, bar: Bar, height: float, level: int, base: Style) -> Segment:
        """Return one cell of a bar of a height in eighths, ``level`` cells above its foot."""
        scale = height / max(bar.lines, 1)
        # Whatever is there is seen, be it little.
        errors = max(round(bar.errors * scale), 1) if bar.errors else 0
        warnings = errors + (max(round(bar.warnings * scale), 1) if bar.warnings else 0)
        whole = max(round(bar.lines * scale), warnings, 1 if bar.others else 0)
        low = level * 8
        tops = {  # without colours they are one
            self.palette.bar_errors: errors,
            self.palette.bar_warnings: warnings,
            self.palette.bar_others: whole,
        }
        parts = [(min(max(top - low, 0), 8), color) for color, top in tops.items()]
        # A cell has two colours: what fills it from below, and what is above that.
        (first, color) = next((part for part in parts if part[0]), (0, self.palette.bar_others))
        above = next((c for top, c in parts if top > first), None)
        style = base + Style(color=color)
        if above is not None:
            style += Style(bgcolor=above)
        elif not first and level == 0 and bar.marks:
            return Segment("·", base + Style(color=self.palette.bar_others))
        return Segment(_EIGHTHS[first], style)

    def _axis(self, histogram: Histogram, width: int, base: Style) -> Strip:
        style = base + self.palette.dim
        span = histogram.end_ns - histogram.start_ns
        # A day or more needs the date; less than ten seconds, the fraction.
        show = Stamper("rfc3339", self.zone).show
        long, fine = span >= 86_400 * _SECOND, span < 10 * _SECOND
        cut = slice(5, 16) if long else slice(11, 23 if fine else 19)
        left, right = (
            show(t, 0)[cut].replace("T", " ") for t in (histogram.start_ns, histogram.end_ns)
        )
        lines = f"{histogram.most:,} line{'' if histogram.most == 1 else 's'}"
        words = f"{lines} / {_duration(span // len(histogram.bars))}"
        if histogram.logarithmic:
            words += ", log scale"
        if len(left) + len(words) + len(right) + 4 > width:
            words = ""
        return Strip(
            [Segment(left + words.center(max(0, width - len(left) - len(right))) + right, style)]
        ).adjust_cell_length(width, style)

    # --- choosing ---------------------------------------------------------------------------

    def _choose(self, column: int) -> None:
        if self.histogram is not None:
            column = min(max(column, 0), len(self.histogram.bars) - 1)
            self.post_message(self.Chosen(self.histogram.time_of(column)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Jump to the time that is clicked."""
        self._grabbed = True
        self.capture_mouse()
        self._choose(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go along with the mouse."""
        if self._grabbed:
            self._choose(event.x)

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """Let go."""
        self._grabbed = False
        self.release_mouse()

    def action_move(self, step: int) -> None:
        """Move along with the arrows."""
        if self._here:
            self._choose(self._here.start - 1 if step < 0 else self._here.stop)


def _duration(ns: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        if ns >= 2 * size * _SECOND:
            return f"{ns / size / _SECOND:.0f}{unit}"
    return f"{ns / 1e6:.0f}ms" if ns >= 1_000_000 else f"{ns}ns"

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
from lobtail.tui.state.histogram import Bar, Histogram, duration_words
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
        self._here = range(0)  # the bars of what is on the screen
        self._generation = log.generation
        self._grabbed = False

    def changed(self, span: tuple[int, int] | None) -> None:
        """Draw anew; ``span`` are the numbers of the items that are on the screen."""
        log = self._log_shown
        if self._generation != log.generation:
            self._generation, self.histogram = log.generation, None
        before = self.histogram
        self.histogram = Histogram.of(log.store, log.rows, self.size.width, self.zone, before)
        self._here = range(0)
        if self.histogram is not None and span is not None:
            times = [log.store.time(number) for number in span]
            low, high = (self.histogram.bar_at(time) if time else 0 for time in times)
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
        bars, level = self.size.height - 1, self.size.height - 2 - y
        if self._colorless:
            if not level:
                return self._letters(histogram, width, base)
            bars, level = bars - 1, level - 1
        logarithmic = histogram.logarithmic
        heights = [histogram.height(bar.lines, bars * 8, logarithmic) for bar in histogram.bars]
        segments = [
            self._cell(bar, height, level, here if i in self._here else base, histogram.wide)
            for i, (bar, height) in enumerate(zip(histogram.bars, heights, strict=True))
        ]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    @property
    def _colorless(self) -> bool:
        return self.palette.bar_errors == self.palette.bar_others

    def _letters(self, histogram: Histogram, width: int, base: Style) -> Strip:
        """Return the row that says by letters what colours say."""
        text = "".join(
            ("E" if bar.errors else "W" if bar.warnings else " ").ljust(histogram.wide)
            for bar in histogram.bars
        )
        return Strip([Segment(text, base)]).adjust_cell_length(width, base)

    def _cell(self, bar: Bar, height: float, level: int, base: Style, wide: int) -> Segment:
        """Return one row of a bar of a height in eighths, ``level`` rows above its foot."""
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
            return Segment("·".ljust(wide), base + Style(color=self.palette.bar_others))
        gap = wide // 4  # so that neighbours of one height are two
        return Segment(_EIGHTHS[first] * (wide - gap) + " " * gap, style)

    def _axis(self, histogram: Histogram, width: int, base: Style) -> Strip:
        style = base + self.palette.dim
        show = Stamper("rfc3339", self.zone).show
        step, span = histogram.step_ns, histogram.end_ns - histogram.start_ns
        # A day or more needs the date; parts of a second, the fraction.
        day = 86_400 * _SECOND
        cut = slice(0, 10) if step >= day else slice(5, 16) if span >= day else slice(11, 19)
        if step < _SECOND:
            cut = slice(11, 21)
        left, right = (
            show(t, 0)[cut].replace("T", " ") for t in (histogram.start_ns, histogram.end_ns)
        )
        words = f"max {histogram.most:,} per {duration_words(step)}"
        if histogram.logarithmic:
            words += ", log scale"
        if self._colorless:
            words += ", E error, W warning"
        used = min(len(histogram.bars) * histogram.wide, width)
        if len(left) + len(right) + 2 > used:
            right = ""
        between = used - len(left) - len(right)
        if width - used >= len(words) + 2:  # beside the bars
            text = left + " " * between + right + words.rjust(width - max(used, len(left)))
        elif between >= len(words) + 2:
            text = left + words.center(between) + right
        elif len(left) + len(words) + 2 <= width:
            text = left + words.rjust(width - len(left))
        else:
            text = words if len(words) <= width else left
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    # --- choosing ---------------------------------------------------------------------------

    def _choose(self, bar: int) -> None:
        if self.histogram is not None:
            bar = min(max(bar, 0), len(self.histogram.bars) - 1)
            self.post_message(self.Chosen(self.histogram.time_of(bar)))

    def _choose_at(self, column: int) -> None:
        if self.histogram is not None:
            self._choose(column // self.histogram.wide)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Jump to the time that is clicked."""
        self._grabbed = True
        self.capture_mouse()
        self._choose_at(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go along with the mouse."""
        if self._grabbed:
            self._choose_at(event.x)

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """Let go."""
        self._grabbed = False
        self.release_mouse()

    def action_move(self, step: int) -> None:
        """Move along with the arrows."""
        if self._here:
            self._choose(self._here.start - 1 if step < 0 else self._here.stop)

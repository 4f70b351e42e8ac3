"""Draw single items of a log as rows of segments: time, container, rule, text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    Gap,
    Item,
    Line,
    Mark,
    Started,
    Stopped,
    forget_parsed,
    level_of,
)
from lobtail.model.sanitize import safe_lines
from lobtail.query.patterns import Pattern
from lobtail.render.colors import Colors
from lobtail.render.fields import FieldsFormat
from lobtail.render.prefix import shown_name
from lobtail.render.table import width
from lobtail.render.words import flag_words, mark_words
from lobtail.tui.state.names import tell_apart
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.widgets.palette import DARK, LogColors
from lobtail.tui.widgets.segments import PLAIN, cut, mark_spans, segments_of, text_of, width_of

__all__ = ["HANGING", "LONGEST", "Drawer", "DrawnRows", "beginning", "safe_text"]

# Characters of a line that are drawn: more is seen by nobody; copies and files have all of it.
LONGEST: Final = 20_000
# Columns by which the lines of an unfolded entry hang behind the first.
HANGING: Final = 2
# Lines whose drawing is kept: some screenfuls.
_KEPT: Final = 2000
# Columns below which names lose what all begin with, and times their milliseconds.
_NARROW: Final = 80
# Columns below which times lose their seconds, too.
_SLIM: Final = 50
# Names that are shortened so that each differs from all others; of more, by those drawn last.
_NAMES: Final = 4096


class DrawnRows(NamedTuple):
    """An item as drawn: what stands before it, and its rows of text."""

    head: list[Segment]
    """Time and container, in front of the first row."""
    rows: list[list[Segment]]
    """One row, or without room for it several; those of all lines of an unfolded entry."""
    starts: Sequence[int] = (0,)
    """In which row each line begins; those behind the first hang by ``HANGING``."""
    fold: Segment | None = None
    """Stands behind the first line of an entry, to fold or unfold it by."""

    def indent(self, part: int) -> int:
        """Return the columns in front of a row's text."""
        return HANGING if part >= self._first else 0

    def fold_in(self, part: int) -> Segment | None:
        """Return what stands behind a row, if that is where it stands."""
        return self.fold if part == self._first - 1 else None

    @property
    def _first(self) -> int:
        """How many rows the first line takes."""
        return self.starts[1] if len(self.starts) > 1 else len(self.rows)


def safe_text(line: Line) -> str:
    """Return the text of a line in which nothing but SGR acts, on one line."""
    raw = line.raw.removesuffix(b"\r")
    if b"\n" in raw:
        raw = raw.replace(b"\n", "␊".encode())
    return safe_lines(raw).decode()


def beginning(text: str, most: int) -> str:
    """Return at most so many characters of a safe text, without a part of an SGR at the end."""
    begun = text[:most]
    escape = begun.rfind("\x1b")
    return begun[:escape] if escape >= 0 and "m" not in begun[escape:] else begun


class Drawer:
    """Draws items, and remembers the drawings of those that were asked for last."""

    def __init__(self) -> None:
        self.colors: LogColors = DARK
        self._look = ViewOptions()
        self._pattern: Pattern | None = None
        self._width = 80
        self._both: frozenset[str] = frozenset()
        self._stamper = self._look.stamper()
        self._containers = Colors()
        self._fields = FieldsFormat()
        self._names: tuple[str, ...] = ()
        self._shown: dict[str, str] = {}  # how they are shown
        self._column = 4
        self._drawn: OrderedDict[int, tuple[Item, bool, DrawnRows]] = OrderedDict()

    def set(
        self,
        look: ViewOptions,
        pattern: Pattern | None,
        width: int,
        both: frozenset[str] = frozenset(),
        names: tuple[str, ...] = (),
    ) -> None:
        """Say how to draw from now on: the look, what is searched, how wide the screen is.

        ``both`` are the IDs of the containers that write to both streams, and ``names`` those of
        all containers whose lines may come.
        """
        own = (self._look, self._pattern, self._width, self._both, self._names)
        if (look, pattern, width, both, names) == own:
            return
        self._both = both
        if look != self._look:
            self._stamper = look.stamper()
        self._look, self._pattern, self._width = look, pattern, width
        self._names = names
        self._shorten(names)
        self._drawn.clear()

    def forget(self) -> None:
        """Let go of all drawings: the items are others."""
        self._drawn.clear()

    def color_of(self, container: ContainerRef) -> Style:
        """Return the colour of a container."""
        return Style(color=Color.from_ansi(self._containers.of(shown_name(container))))

    def draw(self, number: int, item: Item, now_ns: int, *, unfolded: bool = False) -> DrawnRows:
        """Return an item as it is shown; ``number`` is what it is remembered by."""
        held, was_unfolded, drawn = self._drawn.get(number, (None, False, None))
        if drawn is None or held is not item or was_unfolded is not unfolded:
            drawn = self._draw(item, now_ns, unfolded)
            self._drawn[number] = item, unfolded, drawn
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        elif self._look.stamp == "relative":
            return drawn._replace(head=self._head(item, now_ns))
        return drawn

    def _draw(self, item: Item, now_ns: int, unfolded: bool) -> DrawnRows:
        head = self._head(item, now_ns)
        room = max(8, self._width - width_of(head)) if self._look.wrap else None
        if isinstance(item, Mark):
            return DrawnRows(head, _rows([self._mark(item)], room))
        base = self.colors.of_level(level_of(item))
        first, *others = self.texts(item)
        flags = flag_words(item.head)
        if not others:
            return DrawnRows(head, _rows(self._text(first, base, flags), room))
        fold = Segment(f" {'▾' if unfolded else '▸'} +{len(others):,}", self.colors.dim)
        rows = _rows(self._text(first, base, flags), room and max(8, room - fold.cell_length))
        starts = [0]
        for text in others if unfolded else ():
            starts.append(len(rows))
            rows += _rows(self._text(text, base), room and max(8, room - HANGING))
        return DrawnRows(head, rows, starts, fold)

    def texts(self, line: Line) -> list[str]:
        """Return the lines that show an entry; nothing but SGR acts in them."""
        if self._look.fields == "compact":
            shown = self._fields.texts(line)
            forget_parsed(line)
            if shown is not None:
                return [shown[0], *(text.removeprefix("    ") for text in shown[1:])]
        return [safe_text(each) for each in line.lines]

    def _head(self, item: Item, now_ns: int) -> list[Segment]:
        head: list[Segment] = []
        if self._stamper is not None:
            stamp = self._stamper.pad(item.time_ns, now_ns)
            if self._look.stamp == "short" and self._width < _NARROW:
                stamp = stamp[: 5 if self._width < _SLIM else 8]  # up to the minute or second
            head.append(Segment(stamp + " ", self.colors.dim))
        line = item if isinstance(item, Line) else None
        # Where all goes to stderr, as with many programs, to say so of each line says nothing.
        error = (
            line is not None and line.stream == Stream.STDERR and line.container.id in self._both
        )
        if self._look.names:
            head.append(Segment(self._name(item.container), self.color_of(item.container)))
        if self._look.names and self._width >= _SLIM:
            head.append(Segment(" "))
        head.append(Segment("e" if error else " ", self.colors.dim))
        rule = self.color_of(item.container) if self._look.names else self.colors.dim
        head.append(Segment("│ " if line is not None else "─ ", rule))
        return head

    def _text(self, text: str, color: Style, flags: str = "") -> list[Segment]:
        begun = beginning(text, LONGEST)
        rest, text = len(text) - len(begun), begun
        base = PLAIN if "\x1b" in text else color
        segments = segments_of(text, base)
        for pattern, style in (
            (self._look.highlight, self.colors.lit),
            (self._pattern, self.colors.found),
        ):
            if pattern is not None:
                found = [
                    m.span() for m in pattern.finditer(text_of(segments)) if m.end() > m.start()
                ]
                segments = mark_spans(segments, found, style)
        if rest > 0:
            segments.append(Segment(f" … {rest} more characters", self.colors.dim))
        if flags:
            segments.append(Segment(flags, self.colors.dim))
        return segments

    def _name(self, container: ContainerRef) -> str:
        name = shown_name(container)
        if name not in self._shown:
            # Others may have to be shown in another way now, and the column may grow.
            self._shorten([*list(self._shown)[-_NAMES:], name])
            self._drawn.clear()
        shown = self._shown[name]
        return shown + " " * (self._column - width(shown))

    def _shorten(self, names: Sequence[str]) -> None:
        narrow = self._width < _NARROW
        most = max(6, min(28, self._width // (5 if narrow else 4)))
        self._shown = tell_apart(names[-_NAMES:], most, strip=narrow)
        widest = max(map(width, self._shown.values()), default=4)
        step = 1 if narrow else 4  # so that the column seldom grows
        self._column = min(most, -(-widest // step) * step)

    def _mark(self, mark: Mark) -> Segment:
        words = mark_words(mark)
        if isinstance(mark, Gap | Dropped):
            return Segment(f"▲ {words}", self.colors.loss)
        if isinstance(mark, Stopped):
            bad = mark.oom or mark.exit_code not in (0, None)
            return Segment(f"■ {words}", self.colors.error if bad else self.colors.dim)
        return Segment(f"▶ {words}" if isinstance(mark, Started) else f"· {words}", self.colors.dim)


def _rows(segments: list[Segment], room: int | None) -> list[list[Segment]]:
    """Return segments as one row, or as rows for which there is room."""
    return [segments] if room is None else cut(segments, room)

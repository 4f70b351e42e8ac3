"""Group lines that belong together into entries: a machine without I/O or clock.

A line continues the one before it, of the same container and stream, when it comes within 100 ms
of it by their stamps and

- is blank or indented,
- is one that a rule takes (``entries.rules``, and those of the user), or
- has neither a time nor a level at its beginning, while that entry has one, and so has as a rule
  what this container writes.

An entry that may go on is held back: until the next one of its container and stream begins, for
100 ms by the caller's clock, or until stamps have come that are younger by as much. What comes
after it waits with it, so that the order is that of the heads.

Nearly all lines continue nothing, and their first bytes tell: a batch of such lines passes without
a look at each of them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import Final, Protocol, cast

from lobtail.entries.rules import RULES, Rule
from lobtail.entries.shapes import (
    PREFIX,
    Shape,
    begins_itself,
    has_time,
    is_closed,
    is_fault,
    is_qualified_fault,
    shape_of,
)
from lobtail.model.entries import make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line, Removed
from lobtail.model.levels import Level

__all__ = ["MAX_LINES", "MAX_SIZE", "WAIT_NS", "Grouper", "UserRule"]

WAIT_NS: Final = 100_000_000
"""How far apart, in nanoseconds, the lines of an entry may be, and how long it waits for more."""
MAX_LINES: Final = 1000
MAX_SIZE: Final = 1 << 20
"""In bytes."""
# Items that wait at most behind an entry: stamps of whole seconds tell little.
_MAX_WAITING: Final = 10_000
_NEVER: Final = -1
# Containers that are remembered, and beginnings of lines.
_MAX_TRACKS: Final = 8192
_MAX_PREFIXES: Final = 4096

# How sure it is that the lines of a container have a time or a level: each that has one counts for
# it, each that has none so many times against it.
_MOST: Final = 64
_LIKELY: Final = 4
_CERTAIN: Final = 12
_AGAINST: Final = 8

_POSTGRES: Final = re.compile(rb".{10,120}?\b(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  ")
_ALARM: Final = re.compile(rb"(?i)error|exception|fail|fatal|crit|panic|unhandled|warn")
_BLANKS: Final = b" \t"
# A symbol behind a single blank begins a line, as in " ✓ Ready".
_FIRST_SYMBOL: Final = 0x80
_MAX_SYMBOL_INDENT: Final = 4
_REPEATED: Final = 32
_TAB: Final = 9
# In these states all that is indented belongs to the entry.
_INSIDE: Final = ("json", "python", "chained", "group", "go", "trace")

_container = attrgetter("container")
_raw = attrgetter("raw")
_stream = attrgetter("stream")


def _compiled(*kinds: str) -> list[tuple[re.Pattern[bytes], Rule]]:
    return [(rule.pattern(), rule) for rule in RULES if rule.kind in kinds]


def _one_of(rules: Iterable[Rule]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"(?:%b)" % rule.pattern().pattern for rule in rules))


def _by_state() -> dict[str, list[tuple[re.Pattern[bytes], Rule]]]:
    """Return for each state the rules by which an entry in it goes on."""
    found: dict[str, list[tuple[re.Pattern[bytes], Rule]]] = {}
    for pattern, rule in _compiled("continues"):
        for state in rule.after:
            found.setdefault(state, []).append((pattern, rule))
    return found


_OPENS: Final = _compiled("opens", "begins")
_BEGINS: Final = _one_of(rule for rule in RULES if rule.kind == "begins")
_BEGINS_INDENTED: Final = _one_of(
    rule for rule in RULES if rule.kind == "begins" and rule.line.startswith(" ")
)
_IN_STATE: Final = _by_state()
_ANYWHERE: Final = [(pattern, rule) for pattern, rule in _compiled("continues") if not rule.after]
_TEXTS_ANYWHERE: Final = tuple(text.encode() for _, rule in _ANYWHERE for text in rule.texts)


def _made(lines: list[Line]) -> list[Line]:
    """Return the entry of lines; each for itself where all behind the head are blank."""
    if any(line.raw.strip() for line in lines[1:]):
        return [make_entry(lines)]
    return lines


class UserRule(Protocol):
    """A regex of the user: a line in which it is found continues the one before it."""

    def is_in(self, data: bytes) -> bool:
        """Tell whether it is found."""


class _Open:
    """An entry that waits, and may go on unless it is closed."""

    # There is one for nearly every line that is looked at: what seldom differs stands here.
    busy = False
    """Whether the next line must be looked at, whatever its shape."""
    closed = False
    size = 0
    """In bytes; of all lines but a single one."""
    # Of the head, if it was looked at:
    state: str | None = None
    stamped = False
    finished = False
    indent = 0

    def __init__(self, line: Line, due: int) -> None:
        self.lines = [line]
        self.last = line
        self.due = due

    def look(self) -> None:
        """Find out what the head tells."""
        raw = self.lines[0].raw.removesuffix(b"\r")
        self.state = next((rule.into for pattern, rule in _OPENS if pattern.match(raw)), "")
        self.stamped = has_time(raw)
        self.finished = is_closed(raw)
        self.indent = _indent(raw)

    def go_on(self, other: _Open) -> None:
        """Begin where another one was full."""
        self.state, self.stamped = other.state, other.stamped
        self.finished, self.indent = other.finished, other.indent

    def take_rule(
        self, rules: list[tuple[re.Pattern[bytes], Rule]], raw: bytes, *, itself: bool
    ) -> bool:
        """Go on by the first rule that holds for a line; tell whether there is one."""
        for pattern, rule in rules:
            if rule.loose and itself:
                continue
            if pattern.match(raw) and (not rule.alarmed or self.is_alarming()):
                self.state = rule.into or self.state
                return True
        return False

    def add(self, line: Line, due: int) -> None:
        """Take a line more."""
        self.size = (self.size or len(self.last.raw)) + len(line.raw) + 1
        self.lines.append(line)
        self.last = line
        self.due = due

    def is_open_for(self, line: Line) -> bool:
        """Tell whether a line comes soon enough to belong to it."""
        before, after = self.last.time_ns, line.time_ns
        if self.closed or self.last.partial or type(line) is not Line:
            return False
        return (
            line.continues
            or before is None
            or after is None
            or -WAIT_NS <= after - before <= WAIT_NS
        )

    def has_room(self, line: Line) -> bool:
        """Tell whether it may become so large."""
        return len(self.lines) < MAX_LINES and self.size + len(line.raw) < MAX_SIZE

    def is_alarming(self) -> bool:
        """Tell whether its head speaks of an error or the like."""
        return self.lines[0].level >= Level.ERROR or any(
            _ALARM.search(line.raw, 0, 500) for line in (self.lines[0], self.last)
        )


class _Track:
    """One stream of a container: its entry that may go on, and what its lines usually are."""

    __slots__ = ("container", "opened", "score")

    def __init__(self, container: ContainerRef) -> None:
        self.container = container  # kept, as it is known by its id()
        self.opened: _Open | None = None
        self.score = _LIKELY

    def learn(self, stamped: bool) -> None:
        """Remember that an entry begins with a time or a level, or that it does not."""
        self.score = min(_MOST, self.score + 1) if stamped else max(0, self.score - _AGAINST)


class Grouper:
    """Makes entries of the lines of any number of containers.

    ``rules`` are the user's own. ``wait_ns`` is for how long the last line may be held back: a
    caller that has held lines for a while already needs less. The caller passes the time, by a
    clock that is never set.
    """

    def __init__(self, rules: Sequence[UserRule] = (), *, wait_ns: int = WAIT_NS) -> None:
        self._rules = tuple(rules)
        self._wait_ns = wait_ns
        self._waiting: deque[Item | _Open] = deque()
        self._tracks: dict[tuple[int, Stream], _Track] = {}
        self._shapes: dict[bytes, Shape] = {}
        self._busy = 0  # how many of those that wait are busy
        self._newest: dict[str, int] = {}  # the youngest stamp that came from each host

    def feed(self, items: list[Item], now_ns: int, *, held: bool = False) -> list[Item]:
        """Take items, in order; return those that are complete, as far as nothing is before them.

        With no items, those that have waited long enough; none has while they are ``held``, since
        what continues them is on its way, however slowly it comes.
        """
        drained_ns = _NEVER if held else now_ns
        ready: list[Item] = []
        if items:
            youngest = items[-1]
            if youngest.time_ns is not None:
                self._newest[youngest.container.host] = youngest.time_ns
            due = now_ns + self._wait_ns
            last = None if self._rules or self._busy else self._passing(items)
            if last is None:
                self._group(items, due)
            else:
                ready = self._pass(items, last, due, drained_ns)
        ready += self._drain(drained_ns)
        return ready + self.flush() if len(self._waiting) >= _MAX_WAITING else ready

    def due_ns(self) -> int | None:
        """Return when the first of what waits goes out at the latest; None if nothing waits."""
        first = self._waiting[0] if self._waiting else None
        return first.due if isinstance(first, _Open) else None

    def flush(self) -> list[Item]:
        """Return all that waits, for nothing more comes."""
        for item in self._waiting:
            if isinstance(item, _Open):
                self._complete(item)
        return self._drain(_NEVER)

    def waiting(self) -> list[Item]:
        """Return the lines and marks that were taken and have not been returned."""
        found: list[Item] = []
        for item in self._waiting:
            found += item.lines if isinstance(item, _Open) else [item]
        return found

    # --- batches in which nothing is continued --------------------------------------------------

    def _passing(self, items: list[Item]) -> dict[_Track, int] | None:
        """Return where the last line of each track is, if no item continues another.

        What is done for each item is done by loops in C.
        """
        if list(map(type, items)).count(Line) < len(items):  # marks, or entries
            return None
        raws: list[bytes] = list(map(_raw, items))
        first, last_raw = min(raws)[:PREFIX], max(raws)[:PREFIX]
        if first == last_raw:  # and so do all begin
            shapes = {self._shape(first)}
        else:
            shapes = set(map(self._shape, {raw[:PREFIX] for raw in raws}))
        # PostgreSQL continues lines by others that have times, too. All of its lines have this.
        if Shape.ODD in shapes or b":  " in raws[0] or b":  " in raws[-1]:
            return None
        containers: list[ContainerRef] = list(map(_container, items))
        streams: list[Stream] = list(map(_stream, items))
        alone = streams.count(streams[-1]) == len(items)
        if alone and containers.count(containers[-1]) == len(items):
            last = {self._track(containers[-1], streams[-1]): len(items) - 1}
        else:
            by_id = dict(zip(zip(map(id, containers), streams, strict=True), count()))
            last = {self._track(containers[i], streams[i]): i for i in by_id.values()}
        if Shape.PLAIN in shapes:
            if any(track.score >= _LIKELY for track in last):
                return None
            for track, i in last.items():
                track.learn(begins_itself(raws[i]))  # one for all
        else:
            for track in last:
                track.score = min(_MOST, track.score + len(items) // len(last))
        return last

    def _pass(
        self, items: list[Item], last: dict[_Track, int], due: int, now_ns: int
    ) -> list[Item]:
        """Take items of which all are complete but the ``last`` of each track."""
        for track in last:
            self._close(track)
        ready = self._drain(now_ns)
        openings: dict[int, _Open] = {}
        for track, i in last.items():
            line = cast("Line", items[i])
            if not self._is_past(line):
                openings[i] = track.opened = _Open(line, due)
        first = 0 if self._waiting else min(openings, default=len(items))
        ready += items[:first]
        self._waiting.extend(openings.get(i) or items[i] for i in range(first, len(items)))
        return ready

    # --- line by line ---------------------------------------------------------------------------

    def _group(self, items: list[Item], due: int) -> None:
        for item in items:
            if not isinstance(item, Line):
                self._end(item)
                continue
            track = self._tracks.get((id(item.container), item.stream))
            if track is None:
                track = self._track(item.container, item.stream)
            shape = self._shapes.get(item.raw[:PREFIX])
            if shape is None:
                shape = self._shape(item.raw[:PREFIX])
            opened = track.opened
            if (
                opened is not None
                and opened.is_open_for(item)
                and (self._continues(track, opened, item.raw, shape))
            ):
                self._add(track, opened, item, due)
                continue
            self._close(track)
            if type(item) is Line:
                self._begin(track, item, shape, due)
            else:
                self._waiting.append(item)  # an entry

    def _add(self, track: _Track, opened: _Open, line: Line, due: int) -> None:
        if not opened.has_room(line):
            self._close(track)
            following = track.opened = _Open(line, due)
            following.go_on(opened)
            self._waiting.append(following)
            opened = following
        else:
            opened.add(line, due)
        if not opened.busy:
            opened.busy = True
            self._busy += 1

    def _begin(self, track: _Track, line: Line, shape: Shape, due: int) -> None:
        opening = track.opened = _Open(line, due)
        self._waiting.append(opening)
        if shape is Shape.STAMPED:
            track.learn(True)
            return
        if shape is Shape.ODD:
            opening.busy = True
            self._busy += 1
        if line.raw and not _indent(line.raw):
            track.learn(begins_itself(line.raw))

    def _end(self, mark: Item) -> None:
        """Take a mark: what its container wrote before does not go on behind it."""
        for stream in Stream:
            key = id(mark.container), stream
            if (track := self._tracks.get(key)) is not None:
                self._close(track)
                if isinstance(mark, Removed):
                    del self._tracks[key]
        self._waiting.append(mark)

    def _continues(self, track: _Track, opened: _Open, raw: bytes, shape: Shape) -> bool:
        """Tell whether a line belongs to an entry."""
        raw = raw.removesuffix(b"\r")
        if self._rules and any(rule.is_in(raw) for rule in self._rules):
            return True
        if shape is Shape.STAMPED:
            return b":  " in raw and _POSTGRES.match(raw) is not None
        if opened.state is None:
            opened.look()
        if not raw or raw[0] in _BLANKS:
            return _goes_on_indented(opened, raw)
        if raw.startswith(_TEXTS_ANYWHERE) and opened.take_rule(_ANYWHERE, raw, itself=False):
            return True
        itself = begins_itself(raw) or _BEGINS.match(raw) is not None
        rules = _IN_STATE.get(opened.state or "")
        if rules is not None and opened.take_rule(rules, raw, itself=itself):
            return True
        if itself or opened.finished:
            return False
        return _goes_on_plain(track, opened, raw)

    # --- what waits -----------------------------------------------------------------------------

    def _close(self, track: _Track) -> None:
        if track.opened is not None:
            self._complete(track.opened)
            track.opened = None

    def _complete(self, opened: _Open) -> None:
        if not opened.closed:
            opened.closed = True
            self._busy -= opened.busy

    def _drain(self, now_ns: int) -> list[Item]:
        """Return what stands before the first entry that may go on."""
        ready: list[Item] = []
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if isinstance(first, _Open):
                if not first.closed and first.due > now_ns and not self._is_past(first.last):
                    break
                self._complete(first)
                ready += _made(first.lines)
            else:
                ready.append(first)
            waiting.popleft()
        return ready

    def _is_past(self, line: Line) -> bool:
        """Tell whether stamps are so young that nothing can continue a line."""
        newest = self._newest.get(line.container.host)
        return newest is not None and line.time_ns is not None and newest - line.time_ns > WAIT_NS

    def _track(self, container: ContainerRef, stream: Stream) -> _Track:
        key = id(container), stream
        track = self._tracks.get(key)
        if track is None:
            if len(self._tracks) >= _MAX_TRACKS:
                self._tracks = {
                    key: track
                    for key, track in self._tracks.items()
                    if track.opened is not None and not track.opened.closed
                }
            track = self._tracks[key] = _Track(container)
        return track

    def _shape(self, prefix: bytes) -> Shape:
        shape = self._shapes.get(prefix)
        if shape is None:
            if len(self._shapes) >= _MAX_PREFIXES:
                self._shapes.clear()
            shape = self._shapes[prefix] = shape_of(prefix)
        return shape


def _indent(raw: bytes) -> int:
    return len(raw) - len(raw.lstrip(_BLANKS))


def _goes_on_plain(track: _Track, opened: _Open, raw: bytes) -> bool:
    """Tell whether a line without a time and a level belongs to an entry."""
    if opened.stamped and is_qualified_fault(raw):
        return True
    if is_fault(raw) and opened.is_alarming():
        return opened.stamped or track.score >= _LIKELY
    if not opened.stamped:
        return False
    if opened.lines[0].level >= Level.ERROR:
        return track.score > 0
    if len(opened.lines) > 1 or opened.lines[0].raw.rstrip().endswith(b":"):
        return track.score >= _LIKELY
    return track.score >= _CERTAIN


def _goes_on_indented(opened: _Open, raw: bytes) -> bool:
    text = raw.lstrip(_BLANKS)
    indent = len(raw) - len(text)
    if not text or opened.state in _INSIDE:
        return True
    if opened.state == "thrown":
        opened.state = "trace"  # what was thrown has been said
    if _BEGINS_INDENTED.match(raw):
        return False
    if text[0] >= _FIRST_SYMBOL and indent <= _MAX_SYMBOL_INDENT:
        return False
    if opened.indent:
        return indent > opened.indent
    if has_time(text):
        # Fluentd repeats the head's time and level.
        return opened.lines[0].raw.startswith(text[:_REPEATED])
    return indent > 1 or raw[0] == _TAB or opened.stamped or len(opened.lines) > 1

"""What is received of one log: remembered, made into lines, with the marks of its runs between."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from lobtail.files.records import Damage, MissingRecords
from lobtail.follow.runs import Runs
from lobtail.follow.steps import Deliver, News, Pause, Read, Steps, Wait
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line, Resumed, Skipped
from lobtail.model.lines import LineAssembler
from lobtail.model.records import Record, wire_size
from lobtail.model.resume import Deduplicator, ResumeState, RotationReplayFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from lobtail.follow.gaps import GapDetector, GapReport
    from lobtail.follow.position import KnownLines
    from lobtail.sources.base import RecordStream

__all__ = ["ROTATED", "UNMET", "Clock", "Intake", "hear", "news_since", "younger"]

# An unterminated line is shown after so long a silence of a live log, in seconds.
SILENCE: Final = 0.3
# The longest wait for an event that is owed; Podman's come a tenth of a second late.
HEARING: Final = 1.0

ROTATED: Final = "the log was rotated faster than the engine sent it"
UNMET: Final = "the last known line is not there"


class Clock:
    """The time as of the last step. Whoever runs a routine sets it; nobody else reads a clock."""

    def __init__(self, engine_ns: int = 0, seconds: float = 0.0) -> None:
        self.engine_ns = engine_ns
        """The engine's time of day, in nanoseconds since the epoch."""
        self.seconds = seconds
        """The time by a clock that is never set."""
        self.news = 0
        """How often there was news of the container."""

    def monotonic(self) -> float:
        """Return ``seconds``."""
        return self.seconds


class Intake:
    """Makes lines of the messages of one container.

    ``restamped`` says that the log driver stamps each piece of a long line anew; such stamps are
    too inexact to tell the lines of one run from those of the next. ``replays`` says that a follow
    stream may send again what it has sent.
    """

    def __init__(
        self,
        ref: ContainerRef,
        clock: Clock,
        *,
        streams: frozenset[Stream] = frozenset((Stream.STDOUT, Stream.STDERR)),
        restamped: bool = False,
        replays: bool = False,
        runs: bool = True,
        known: KnownLines | None = None,
    ) -> None:
        self.memory = ResumeState()
        self.runs = Runs()
        """To be told of each start and end that there is an event of."""
        self.exact = runs and not restamped
        """Whether the lines of one run are told from those of the next by their stamps."""
        self.is_busy = False
        """Whether there is something at hand that has not been handed on, nor remembered."""
        self._is_awaited = False  # the end of that
        self._clock = clock
        self._restamped = restamped
        self._assembler = LineAssembler(ref, restamped=restamped)
        self._replay = RotationReplayFilter() if replays else None
        self._streams = streams
        self._known = known  # lines that were taken by an earlier reader
        self._silent_at: float | None = None  # when an unterminated line is shown
        self._handing_on = 0

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._assembler.container

    @ref.setter
    def ref(self, ref: ContainerRef) -> None:
        self._assembler.container = ref

    @property
    def is_handing_on(self) -> bool:
        """Whether items wait for room where they go."""
        return self._handing_on > 0

    def new(
        self, messages: list[Record], overlap: Deduplicator | None, *, live: bool
    ) -> list[Record]:
        """Return what of a stream's messages was not received before."""
        if overlap is not None:
            messages = overlap.filter(messages)
        if self._replay is not None:
            if live:
                return self._replay.filter(messages)
            self._replay.note(messages)
        return messages

    def leave_out(self, messages: list[Record]) -> None:
        """Remember messages that are not to be handed on."""
        if messages:
            self.memory.whole_seconds = not messages[-1].exact
            self.memory.add(messages, messages[-1].time_ns)

    def set_busy(self, busy: bool) -> Steps[None]:
        """Say whether there is something at hand."""
        self.is_busy = busy
        if self._is_awaited and not busy:
            self._is_awaited = False
            yield News()

    def take(self, stream: RecordStream, *, live: bool = False) -> Steps[None]:
        """Hand on all that comes of files."""
        while (batch := (yield Read(stream))) is not None:
            yield from self.set_busy(True)
            if isinstance(batch, list):
                yield from self.receive(batch)
                if live:
                    yield from self.expect_silence()
            elif isinstance(batch, Damage):
                yield from self.gap(batch.words)
            elif isinstance(batch, MissingRecords):
                yield from self.gap(batch.reason)
            elif batch.count is not None:
                yield from self.skipped(batch.count)
            yield from self.set_busy(stream.has_more)

    def receive(self, messages: list[Record]) -> Steps[None]:
        """Remember messages, and hand on the lines that they complete."""
        while (count := (yield from self.ready(messages))) < len(messages):
            yield from self._receive(messages[:count])
            messages = messages[count:]
        yield from self._receive(messages)

    def ready(self, messages: list[Record]) -> Steps[int]:
        """Tell of runs that were over before messages; return how many of these are of one run.

        Docker publishes the end of a run behind the last line of it, and a restart policy starts
        the next while a stream is opened or the container is looked at.
        """
        runs = self.runs
        while self.exact and messages and (ended := runs.boundary) is not None:
            stamps = [message.time_ns or 0 for message in messages]
            count = next((i for i, stamp in enumerate(stamps) if stamp > ended), len(stamps))
            if count:
                return count
            # The first lines of a run may come before the event of its start.
            yield from hear(self._clock, partial(runs.started_since, ended))
            yield from self.finish(*runs.reach(self.ref, stamps[0]))
        return len(messages)

    def _receive(self, messages: list[Record]) -> Steps[None]:
        if not messages:
            return
        lines = self._assembler.receive(messages)
        self.memory.whole_seconds = self._assembler.whole_seconds
        self.memory.add(messages, self._assembler.newest_ns)
        self._silent_at = None
        if lines:
            if self._known is not None:
                lines = yield from self._unknown(self._known, lines)
            yield from self._deliver(self._wanted(lines), wire_size(messages))

    def _unknown(self, known: KnownLines, lines: list[Line]) -> Steps[list[Line]]:
        """Return the lines that an earlier reader did not take."""
        fresh = known.filter(lines)
        if known.gap:
            yield from self.gap(UNMET)
        if known.gap or known.is_behind(lines):
            self._known = None
        return fresh

    def end_known(self) -> Steps[None]:
        """Say that the history has been read: what is known has come, if it is still there."""
        if self._known is not None and (held := self._known.finish()):
            if self._known.gap:
                yield from self.gap(UNMET)
            yield from self._deliver(self._wanted(held))

    def expect_silence(self) -> Steps[None]:
        """Have an unterminated line shown, if there is one, when nothing comes for a while."""
        if not self._assembler.pending:
            self._silent_at = None
            return
        waiting, self._silent_at = self._silent_at, self._clock.seconds + SILENCE
        if waiting is None:
            yield News()

    def heed_silence(self) -> Steps[None]:
        """Show unterminated lines for ever, each after a silence."""
        while True:
            if self._silent_at is None:
                yield Wait()
            elif (left := self._silent_at - self._clock.seconds) > 0:
                yield Pause(left)
            else:
                self._silent_at = None
                yield from self._deliver(self._wanted(self._flush()))

    def _flush(self) -> list[Line]:
        """Return lines that are not ended yet."""
        lines = self._assembler.flush()
        return self._known.filter(lines) if self._known is not None else lines

    def finish(self, *marks: Item) -> Steps[None]:
        """Hand on a line that will not be ended any more, then ``marks``."""
        items = self._wanted(self._flush()) + list(marks)
        if items:
            yield from self._deliver(items)

    def gap(self, reason: str) -> Steps[None]:
        """Say that lines may be missing here."""
        yield from self._deliver([Gap(self.ref, None, reason)])

    def resumed(self, reason: str) -> Steps[None]:
        """Say that the log goes on here after a cut."""
        yield from self._deliver([Resumed(self.ref, None, reason)])

    def skipped(self, count: int) -> Steps[None]:
        """Say that lines were left out here that nobody wants."""
        yield from self._deliver([Skipped(self.ref, self._assembler.newest_ns, count)])

    def found(self, audit: GapDetector) -> Steps[GapReport]:
        """Hand on what a follow stream left out, and say what it may have."""
        while self.is_busy:
            self._is_awaited = True
            yield Wait()
        verdict = audit.finish()
        missed = verdict.missed
        self.memory.add(missed, self.memory.newest_ns)
        if self._replay is not None:
            self._replay.note(missed)
        if verdict.hole:
            yield from self.gap(ROTATED)
        elif missed:
            left = f"{len(missed)} {'message' if len(missed) == 1 else 'messages'}"
            yield from self.gap(f"the engine left out {left}; they come here")
        if missed:
            # By themselves: the stream may be in the middle of a line.
            lines = LineAssembler(self.ref, restamped=self._restamped)
            yield from self._deliver(self._wanted(lines.receive(missed) + lines.flush()))
        return verdict

    def _deliver(self, items: list[Item], size: int = 0) -> Steps[None]:
        self._handing_on += 1
        yield Deliver(items, size)
        self._handing_on -= 1

    def _wanted(self, lines: list[Line]) -> list[Item]:
        if len(self._streams) == 2:
            return [*lines]
        return [line for line in lines if line.stream in self._streams]


def hear(clock: Clock, known: Callable[[], bool], seconds: float | None = None) -> Steps[bool]:
    """Wait until news have told what is owed; return False if that took too long."""
    deadline = clock.seconds + (HEARING if seconds is None else seconds)
    while not known():
        left = deadline - clock.seconds
        if left <= 0:
            return False
        yield Wait(left)
    return True


def news_since(clock: Clock, seen: int, seconds: float | None = None) -> Steps[bool]:
    """Wait for news that have come since ``clock.news`` was ``seen``; False if none came."""
    if clock.news != seen:
        return True
    came: bool = yield Wait(seconds)
    return came


def younger(messages: list[Record], floor: int | None) -> list[Record]:
    """Leave out what is older than ``floor``."""
    if floor is None:
        return messages
    return [m for m in messages if (stamp := m.time_ns) is None or stamp >= floor]

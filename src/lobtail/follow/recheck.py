"""Look at a log a second time, now and then, while it is followed (``follow.gaps``).

Follow streams leave lines out: Docker's where a log is rotated faster than it is read, Podman's
where a line is read that is only half written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from lobtail.errors import EngineError
from lobtail.follow.gaps import GapDetector
from lobtail.follow.steps import BackOff, News, Read, Steps, Wait
from lobtail.model.resume import LIMIT, WHOLE_SECONDS_WINDOW_NS, WINDOW_NS
from lobtail.retry import CUTS
from lobtail.sources.base import LogRequest

if TYPE_CHECKING:
    from lobtail.follow.intake import Clock, Intake
    from lobtail.follow.opening import LogStreams
    from lobtail.follow.options import FollowOptions
    from lobtail.sources.base import RecordStream, Traits

__all__ = ["HalfLineRecheck", "Recheck", "RotationRecheck", "recheck_of"]

# A log whose files are at most so large can rotate twice between two reads of a busy engine at any
# time, and is small enough to be read again whenever it falls silent.
SMALL: Final = 1 << 20
# After so long a silence, in seconds.
IDLE: Final = 0.3
# A log with larger files is looked at when it is busy; else what came is taken for whole.
CALM: Final = 2.0
# Least time between the beginnings of two looks.
PAUSE: Final = 0.05

# Podman: how soon what came is looked at, and how long after the last look, in seconds.
SOON: Final = 1.0
PERIOD: Final = 10.0
# How much longer than it took the next look is put off that reads a log from its beginning.
SHARE: Final = 20
# Messages that are read beside those which came: more than are ever left out at once.
MARGIN: Final = 1000


class Recheck(ABC):
    """Looks, and has the intake hand on what was left out; when is for the classes below to say."""

    def __init__(
        self, intake: Intake, streams: LogStreams, options: FollowOptions, clock: Clock
    ) -> None:
        self._intake = intake
        self._streams = streams
        self._memory = intake.memory
        self._options = options
        self._clock = clock
        self._proven: int | None = None
        self._bytes = 0  # received since the last look
        self._last = float("-inf")  # when that was
        self._due: float | None = None  # when the next one is
        self._looking = False
        self.begun = False

    def begin(self, proven_ns: int | None) -> None:
        """Say up to where the log was read without follow."""
        self.begun = True
        self._set_proven(proven_ns)

    @abstractmethod
    def received(self, size: int) -> Steps[None]:
        """Say that so many bytes came in a follow stream."""

    def watch(self) -> Steps[None]:
        """Look whenever it is due, for ever."""
        while True:
            if self._due is None:
                yield Wait()
            elif (left := self._due - self._clock.seconds) > 0:
                yield Wait(left)
            else:
                yield from self._look()

    def look(self) -> Steps[None]:
        """Look now, and wait until what was found has been told."""
        while self._looking:
            yield Wait()
        if self._bytes:
            yield from self._look()

    # --- for the classes below ------------------------------------------------------------

    @abstractmethod
    def _open(self) -> Steps[tuple[GapDetector, RecordStream]]:
        """Begin to compare."""

    @abstractmethod
    def _looked(self) -> None:
        """Decide when to look again."""

    def _set_proven(self, proven_ns: int | None) -> None:
        self._bytes = 0
        if proven_ns is not None:
            self._proven = self._memory.keep_ns = proven_ns

    def _snapshot(self, since: int | None, count: int | None = None) -> Steps[RecordStream]:
        """Open the log without follow: from a moment on, or its last messages."""
        options = self._options
        floor, tail = options.since, "all" if count is None else str(count)
        if since is None and (count is not None or options.tail == "all"):
            since = floor
        elif since is not None and floor is not None:
            since = max(since, floor)
        request = LogRequest(tail=tail, since=since, until=options.until)
        return (yield from self._streams.open(request))

    def _look(self) -> Steps[None]:
        self._due, self._looking = None, True
        self._last = self._clock.seconds
        failures = 0
        try:
            while True:
                try:
                    audit = yield from self._compare()
                except CUTS:
                    failures += 1
                else:
                    break
                yield BackOff(failures)
            verdict = yield from self._intake.found(audit)
        except EngineError:
            return  # it is gone, and whoever follows it will say so
        finally:
            self._looking = False
        if verdict.proven_ns is not None:
            self._proven = self._memory.keep_ns = verdict.proven_ns
        self._looked()
        yield News()

    def _compare(self) -> Steps[GapDetector]:
        self._bytes = 0
        audit, stream = yield from self._open()
        return (yield from self._read(audit, stream))

    def _read(self, audit: GapDetector, stream: RecordStream) -> Steps[GapDetector]:
        try:
            while (messages := (yield Read(stream))) is not None:
                audit.receive(messages)
                if audit.full:
                    break
        finally:
            stream.close()
        return audit


class RotationRecheck(Recheck):
    """Looks at a log that is rotated at ``max_size`` bytes, on Docker.

    Nothing is left out of a log of which less than a file was written since the last look, so that
    much must have come before the next one.
    """

    def __init__(
        self,
        intake: Intake,
        streams: LogStreams,
        options: FollowOptions,
        clock: Clock,
        max_size: int,
    ) -> None:
        super().__init__(intake, streams, options, clock)
        self._small = max_size <= SMALL
        self._busy = max_size // (2 if self._small else 4)
        self._since = 0.0  # when what was received began to count

    def received(self, size: int) -> Steps[None]:
        """Say that so many bytes came in a follow stream."""
        now = self._clock.seconds
        if not self._bytes:
            self._since = now
        self._bytes += size
        waited = self._due
        if self._bytes >= self._busy:
            self._due = max(now, self._last + PAUSE)
        elif self._small:
            self._due = now + IDLE
        elif now - self._since > CALM:
            self._set_proven(self._memory.newest_ns)
        if self._due is not None and (waited is None or self._due < waited):
            yield News()

    def _open(self) -> Steps[tuple[GapDetector, RecordStream]]:
        since = None
        if not self._small and self._proven is not None:
            since = self._proven - WINDOW_NS
        audit = GapDetector(self._memory, self._proven)
        return audit, (yield from self._snapshot(since))

    def _looked(self) -> None:
        if self._bytes >= self._busy or (self._bytes and self._small):
            self._due = self._clock.seconds + IDLE


class HalfLineRecheck(Recheck):
    """Looks at a log of Podman's, soon after something has come, but not often.

    Podman reads a log from its beginning to find a moment, and from its end to find the last lines:
    so as many are asked for as are remembered. But the pieces of long lines come out wrong there;
    where something seems to be missing, all is read from a moment on, and that is what counts.
    """

    def __init__(
        self, intake: Intake, streams: LogStreams, options: FollowOptions, clock: Clock
    ) -> None:
        super().__init__(intake, streams, options, clock)
        self._floor: int | None = None
        self._period = PERIOD

    def begin(self, proven_ns: int | None) -> None:
        """Say up to where the log was read without follow."""
        super().begin(proven_ns)
        if proven_ns is not None:
            self._floor = proven_ns - WHOLE_SECONDS_WINDOW_NS

    def received(self, size: int) -> Steps[None]:
        """Say that so many bytes came in a follow stream."""
        self._bytes += size
        if self._due is None:
            self._looked()
            yield News()

    def _open(self) -> Steps[tuple[GapDetector, RecordStream]]:
        count = min(len(self._memory) + MARGIN, LIMIT)
        audit = self._audit()
        return audit, (yield from self._snapshot(None, count))

    def _audit(self) -> GapDetector:
        return GapDetector(self._memory, self._proven, floor_ns=self._floor, rotates=False)

    def _compare(self) -> Steps[GapDetector]:
        self._period = PERIOD
        try:
            audit = yield from super()._compare()
        except EngineError as exc:
            # It does not show the end of a log whose last line is half written.
            if exc.status < 500:
                raise
        else:
            if not audit.suspicious:
                return audit
        began = self._clock.seconds
        since = None if self._proven is None else self._proven - WHOLE_SECONDS_WINDOW_NS
        audit, stream = self._audit(), (yield from self._snapshot(since))
        yield from self._read(audit, stream)
        self._period = max(PERIOD, SHARE * (self._clock.seconds - began))
        return audit

    def _looked(self) -> None:
        if self._bytes:
            now = self._clock.seconds
            self._due = max(now + SOON, self._last + self._period)


def recheck_of(
    traits: Traits, intake: Intake, streams: LogStreams, options: FollowOptions, clock: Clock
) -> Recheck | None:
    """Return what looks at a log a second time; None where that is not needed."""
    if traits.half_lines:
        return HalfLineRecheck(intake, streams, options, clock)
    if traits.rotates and traits.max_size is not None:
        return RotationRecheck(intake, streams, options, clock, traits.max_size)
    return None

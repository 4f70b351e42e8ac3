"""The log of one container, from its first line to its removal: without I/O, without a clock.

It goes through these states:

1. *history*: what the log holds, read to its clean end;
2. *live*: a follow stream, joined to what was read by the overlap rule (``model.resume``);
3. *stopped*: the run has ended; the rest of its log is read once more without follow (engines
   before 23 lose an unterminated last line in a follow stream), then the next start is awaited.

Any cut leads back into 2, from a little before the last message on. What could not be read again
is said by a ``Gap``.

``LogMachine.run`` is a routine (``follow.steps``): it yields what is to be done next. Events of the
container are told to the machine at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lobtail.errors import ConnectionLostError, EngineError
from lobtail.follow.intake import Clock, Intake, hear, news_since
from lobtail.follow.patience import read_history
from lobtail.follow.position import KnownLines, Reached
from lobtail.follow.reader import LogReader
from lobtail.follow.steps import BackOff, Live, Steps
from lobtail.follow.watching import RunWatch, look_at, run_of
from lobtail.model.items import ContainerRef, Gap, Item, Removed, Started
from lobtail.model.timestamps import parse_go_time
from lobtail.retry import Failures

if TYPE_CHECKING:
    from lobtail.engine.objects.container import Container
    from lobtail.engine.objects.event import Event
    from lobtail.follow.options import FollowOptions
    from lobtail.follow.position import LogPosition
    from lobtail.sources.base import Traits

__all__ = ["REMOVED", "LogMachine"]

# How much later than its end the last lines of a run may be stamped; none begins again so soon.
AFTER_END_NS: Final = 50_000_000
# First and longest pause between two looks at a log that cannot be followed, in seconds.
POLL: Final = (0.05, 1.0)

REMOVED: Final = "the container was removed before its log was read to the end"


class LogMachine:
    """The log of one container.

    ``position`` is how far an earlier reader has got: it is gone on from there, and what has
    happened meanwhile is told. ``joined_ns`` is the time of the event of the start with which it
    joins others that are followed already. ``clock`` is to be set before each step, to the
    engine's time.
    """

    def __init__(
        self,
        container: Container,
        ref: ContainerRef,
        options: FollowOptions,
        traits: Traits,
        clock: Clock,
        *,
        joined_ns: int | None = None,
        position: LogPosition | None = None,
    ) -> None:
        known = None if position is None else KnownLines(position)
        if known is not None:
            options = known.narrow(options)
        self._position = position
        self._options = options
        self._clock = clock
        self._joined_ns = joined_ns
        self._intake = Intake(
            ref,
            clock,
            streams=options.streams,
            restamped=traits.restamped,
            replays=traits.replays and options.follow,
            known=known,
        )
        self._runs = self._intake.runs
        self._watch = RunWatch(container, self._intake, clock, podman=traits.podman)
        self._reader = LogReader(self._intake, options, traits, clock, self._watch)
        self._first = look_at(container)
        self.is_finished = False
        """Whether the container has ended and will not be started again by the engine."""

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._intake.ref

    def rename(self, ref: ContainerRef) -> None:
        """Name the container otherwise from the next line on."""
        self._intake.ref = ref

    def event(self, event: Event) -> None:
        """Take an event of the container; the routines that wait are to be woken then."""
        match event.action:
            case "oom":
                self._runs.killed(event.time_ns)
            case "kill" if event.attributes.get("signal") == "9":
                self._runs.signalled(event.time_ns)
            case "die":
                self._runs.ended(event.time_ns, event.exit_code)
            case "start":
                self._runs.started(event.time_ns)
            case "destroy" | "remove":
                self._runs.removed_ns = event.time_ns

    def reached(self, waiting_ns: int | None) -> Reached:
        """Return how far the log is read, whether or not anything of it was taken.

        ``waiting_ns`` is the time of the first item that has not been, if there is one.
        """
        since = self._reader.begins_ns(waiting_ns)
        return Reached(self.ref, since, self._first.started_ns, not self._first.running)

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def run(self, *, joined: bool = False) -> Steps[None]:
        """Read until the container is gone, or its log's end if it is not followed.

        ``joined`` says that it started while others were already followed.
        """
        finish = self._intake.finish
        try:
            look, position = self._first, self._position
            if position is not None and position.run_ns is not None:
                self._runs.resume(look, position.run_ns, over=position.is_over)
            else:
                self._runs.begin(look, joined=joined)
            if joined:
                started = look.started_ns
                if self._joined_ns is not None and (started or 0) > self._joined_ns:
                    # It has been started again before it was looked at.
                    started = self._joined_ns
                    self._runs.join(started)
                yield from finish(Started(self.ref, started))
            if (yield from self._read_history()) and self._options.follow:
                yield from self._follow()
        except EngineError as exc:
            if exc.status in (404, 409):
                marks = yield from self._last_marks()
                yield from finish(*marks)
            else:  # for instance a log driver that cannot be read
                yield from finish(Gap(self.ref, None, exc.message))

    def _last_marks(self) -> Steps[list[Item]]:
        """Say that the container is gone, and what may be missing."""
        marks: list[Item] = []
        runs = self._runs
        if self._options.follow:
            yield from hear(self._clock, lambda: runs.removed_ns is not None)
        if not self._read_to_end():
            marks.append(Gap(self.ref, None, REMOVED))
        if self._options.follow and runs.in_run:
            marks.append(runs.last_end(self.ref))
        marks.append(Removed(self.ref, runs.removed_ns))
        return marks

    def _read_to_end(self) -> bool:
        """Tell whether all of the log was read, now that it is gone."""
        reader, runs = self._reader, self._runs
        whole, read, ended = reader.whole_ns, reader.read_ns, runs.newest_end_ns
        if whole is None and read is not None and ended is not None and ended <= read:
            whole = read
        return whole is not None and not runs.started_since(whole)

    # --- the states -----------------------------------------------------------------------

    def _read_history(self) -> Steps[bool]:
        """Read what the log holds; return whether it can be followed."""
        in_run = self._watch.in_run
        yield from read_history(self._reader, self._clock)
        yield from self._intake.end_known()
        if not in_run:
            self._reader.whole_ns = self._reader.read_ns
        if not self._options.follow:
            yield from self._intake.finish()
            return False
        if not in_run or self._position is not None:
            # A run that was over before it could be followed is told of all the same.
            yield from self._watch.tell()
        yield Live()
        return True

    def _follow(self) -> Steps[None]:
        """Follow through all runs of the container until it is removed."""
        watch, reader, memory = self._watch, self._reader, self._intake.memory
        gave_up: ConnectionLostError | None = None
        failures = Failures(self._clock.monotonic)
        received = 0
        while True:
            if not watch.in_run:
                if not (yield from self._next_run()):
                    return
                continue
            opened = run_of(watch.container)
            failures.answered()
            if reader.must_poll:
                yield from self._poll()
            else:
                yield from reader.live(gave_up)
            if self._is_over():
                yield from self._intake.finish()
                return
            before = watch.container
            yield from watch.settle()
            found = watch.container
            if not found.state.in_run or run_of(before) != run_of(found):
                gave_up = None
                yield from self._end_of_run(before)
                continue
            # The engine gave up in mid-run: it could not decode a record, or lost a file.
            if opened != run_of(found):
                # It was the stream of a run that has ended, which has been told.
                gave_up, reader.whole_ns = None, None
                continue
            if gave_up is not None and memory.received == received:
                yield from reader.get_past_damage(stuck=True)
            gave_up = ConnectionLostError("the engine ended the stream in mid-run")
            came = memory.received != received
            received = memory.received
            reader.whole_ns = None
            yield BackOff(failures.failed(succeeded=came))

    def _next_run(self) -> Steps[bool]:
        """Wait for the next run and tell of it; return whether there was one."""
        watch, before = self._watch, self._watch.container
        if not (yield from self._await_start()):
            return False
        if watch.in_run:
            now = watch.container
            yield from watch.hear_of(now)
            if self._runs.ended_before(run_of(now) or 0) is not None:
                # There was a run that no look has shown.
                yield from self._reader.catch_up(self._between(before, now))
            yield from watch.tell()
        else:  # a run as short as those of a program that cannot start
            yield from self._end_of_run(before)
        return True

    def _poll(self) -> Steps[None]:
        """Read what the log has got, again and again, until the run has ended."""
        watch, pause = self._watch, POLL[0]
        while not self._is_over():
            seen = self._clock.news  # what comes from here on is seen by the wait below
            now = yield from watch.inspect()
            if not now.state.in_run or run_of(now) != run_of(watch.container):
                return
            while True:
                found = yield from self._reader.poll()
                pause = POLL[0] if found else min(2 * pause, POLL[1])
                if (yield from news_since(self._clock, seen, pause)) or self._is_over():
                    break

    def _is_over(self) -> bool:
        """Tell whether ``until`` has come."""
        until = self._options.until
        return until is not None and self._clock.engine_ns > until

    def _end_of_run(self, before: Container) -> Steps[None]:
        """Read once more what a follow stream may have missed, and say how the run ended."""
        watch, exact = self._watch, self._intake.exact
        now = watch.container
        ended = parse_go_time(now.state.finished_at) or 0
        # What is younger than that look belongs to a run that has begun since. But a look may take
        # a while, and show a run that began and ended meanwhile.
        looked_ns = None if exact else max(watch.looked_ns, ended + AFTER_END_NS)
        if run_of(before) != run_of(now):  # another run has begun already
            yield from watch.hear_of(now)
            yield from self._reader.catch_up(self._between(before, now))
            yield from watch.tell(begun=True)
            if now.state.in_run:
                return
        if exact:
            # By its event the last lines of the run are told from those of the next.
            yield from hear(self._clock, lambda: self._runs.heard_ns >= ended)
        yield from self._reader.catch_up(looked_ns)
        yield from watch.tell()

    def _between(self, before: Container, now: Container) -> int | None:
        """Return a moment between the end of the last run and the beginning of the one that is now.

        Neither is exact: the last text of a run is stamped a little after its end, and the first of
        the next a little before its start is noted.
        """
        started = run_of(now)
        ended = None if started is None else self._runs.ended_before(started)
        if ended is None:
            # A look shows the last end that there was: of the run before, unless that of this one.
            ended = parse_go_time((now if now.state.in_run else before).state.finished_at)
        if ended is None or started is None or not ended < started:
            return started
        return (ended + started) // 2

    def _await_start(self) -> Steps[bool]:
        """Wait for the next run, which may be over by then; return whether ``until`` allows it."""
        watch, until = self._watch, self._options.until
        before = run_of(watch.container)
        while True:
            seen = self._clock.news
            watch.container = yield from watch.inspect()
            if watch.in_run or run_of(watch.container) != before:
                self.is_finished = False
                return True
            if watch.container.state.ended and (yield from watch.stays_ended(seen)):
                self.is_finished = True
                yield Live()  # which wakes whoever waits for the end
            left = None if until is None else max(until - self._clock.engine_ns, 0) / 1e9
            if not (yield from news_since(self._clock, seen, left)):
                return False

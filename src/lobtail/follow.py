"""Follow one container: every message once, through cuts, restarts and the engine's own ends.

A follower goes through these states:

1. *history*: what the log holds, read to its clean end;
2. *live*: a follow stream, joined to what was read by the overlap rule (``core.resume``);
3. *stopped*: the run has ended; the rest of its log is read once more without follow (engines
   before 23 lose an unterminated last line in a follow stream), then the next start is awaited.

Any cut leads back into 2, from a little before the last message on. What could not be read again
is said by a ``Gap``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from lobtail.core.frames import Frame
from lobtail.core.model import ContainerRef, Gap, Item, Removed, Started
from lobtail.core.resume import stamp_of
from lobtail.core.runs import Look, Runs
from lobtail.core.timestamps import parse_go_time
from lobtail.errors import ConnectionLostError, EngineError, ProtocolError
from lobtail.reading.intake import FollowOptions, Intake, Sink
from lobtail.reading.patience import read_history
from lobtail.reading.reader import LogReader
from lobtail.reading.source import Tell
from lobtail.reading.turn import Turn
from lobtail.retry import GIVE_UP, Failures, back_off, retrying

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.models import Container

__all__ = ["REMOVED", "FollowOptions", "Follower"]

# The logger is closed before the container's state changes; `die` comes some 30 ms later.
SETTLE: Final = 0.1
STATES: Final = 50
"""How often the state is looked at after `die`, a fifth of SETTLE apart."""
# After how many looks, SETTLE apart, a stream that goes on behind the end of its run is stuck.
STUCK: Final = 10
# How much later than its end the last lines of a run may be stamped; none begins again so soon.
AFTER_END_NS: Final = 50_000_000
# The longest wait for an event that is owed; Podman's come a tenth of a second late.
HEARING: Final = 1.0
# First and longest pause between two looks at a log that cannot be followed, in seconds.
POLL: Final = (0.05, 1.0)
# Podman starts a container again after a tenth of a second, and does not show that it will.
PODMANS_RESTART: Final = 2.0

REMOVED: Final = "the container was removed before its log was read to the end"


class Follower:
    """Follows one container and hands its items on to ``sink``, which may make it wait.

    ``turn`` bounds how many followers open a stream at once; ``set_live`` is told when the history
    has been handed on. ``now`` is the engine's clock, in nanoseconds since the epoch.
    ``changed`` is to be set whenever an event names the container. ``joined_ns`` is the time of the
    event of the start with which it joins others that are followed already.
    """

    def __init__(
        self,
        engine: EngineClient,
        container: Container,
        ref: ContainerRef,
        options: FollowOptions,
        sink: Sink,
        *,
        set_live: Callable[[bool], None],
        turn: Turn,
        now: Callable[[], int],
        joined_ns: int | None = None,
        podman: bool = False,
        tell: Tell | None = None,
    ) -> None:
        self.container = container
        self.changed = asyncio.Event()
        self._engine = engine
        self._options = options
        self._set_live = set_live
        self._now = now
        self._reader = LogReader(
            engine,
            container,
            ref,
            options,
            sink,
            turn=turn,
            now=now,
            before_live=self._check_run,
            split=self._tell_ends,
            podman=podman,
            tell=tell,
        )
        self._intake: Intake = self._reader.intake
        self._joined_ns = joined_ns
        self._looked_ns = 0  # when the container was last inspected
        self.runs = Runs()
        """To be told of each start and end that there is an event of."""
        self.ended = False
        """Whether the container has ended and will not be started again by the engine."""
        self._podman = podman
        self._checking = asyncio.Lock()
        self._checked = 0.0  # when a new run was last looked for, by the loop's clock

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._intake.ref

    def rename(self, ref: ContainerRef) -> None:
        """Name the container otherwise from the next line on."""
        self._intake.ref = ref

    async def run(self, *, joined: bool = False) -> None:
        """Read until the container is gone, or its log's end if it is not followed.

        ``joined`` says that it started while others were already followed.
        """
        finish = self._intake.finish
        try:
            look = _look(self.container)
            self.runs.begin(look, joined=joined)
            if joined:
                started = look.started_ns
                if self._joined_ns is not None and (started or 0) > self._joined_ns:
                    # It has been started again before it was looked at.
                    started = self._joined_ns
                    self.runs.join(started)
                await finish(Started(self.ref, started))
            if await self._read_history() and self._options.follow:
                await self._follow()
        except EngineError as exc:
            if exc.status in (404, 409):
                await finish(*await self._last_marks())
            else:  # for instance a log driver that cannot be read
                await finish(Gap(self.ref, None, exc.message))
        finally:
            self._reader.close()

    async def _last_marks(self) -> list[Item]:
        """Say that the container is gone, and what may be missing."""
        marks: list[Item] = []
        if self._options.follow:
            await self._hear(lambda: self.runs.removed_ns is not None)
        if not self._read_to_end():
            marks.append(Gap(self.ref, None, REMOVED))
        if self._options.follow and self.runs.in_run:
            marks.append(self.runs.last_end(self.ref))
        marks.append(Removed(self.ref, self.runs.removed_ns))
        return marks

    def _read_to_end(self) -> bool:
        """Tell whether all of the log was read, now that it is gone."""
        reader, runs = self._reader, self.runs
        whole, read, ended = reader.whole_ns, reader.read_ns, runs.newest_end_ns
        if whole is None and read is not None and ended is not None and ended <= read:
            whole = read
        return whole is not None and not runs.started_since(whole)

    # --- the states -----------------------------------------------------------------------

    async def _read_history(self) -> bool:
        """Read what the log holds; return whether it can be followed."""
        await read_history(self._reader, self._set_live)
        if not self.container.state.in_run:
            self._reader.whole_ns = self._reader.read_ns
        if not self._options.follow:
            await self._intake.finish()
            return False
        if not self.container.state.in_run:
            # A run that was over before it could be followed is told of all the same.
            await self._tell_runs()
        self._set_live(True)
        return True

    async def _follow(self) -> None:
        """Follow through all runs of the container until it is removed."""
        gave_up: ConnectionLostError | None = None
        failures = Failures()
        received = 0
        while True:
            if self.container.state.in_run:
                opened = _run(self.container)
                failures.answered()
                if await self._reader.must_poll():
                    await self._poll()
                else:
                    await self._live(gave_up)
                if self._over():
                    await self._intake.finish()
                    return
                before, self.container = self.container, await self._settled()
                if self.container.state.in_run and _run(before) == _run(self.container):
                    # The engine gave up in mid-run: it could not decode a record, or lost a file.
                    if opened != _run(self.container):
                        # It was the stream of a run that has ended, which has been told.
                        gave_up, self._reader.whole_ns = None, None
                        continue
                    if gave_up is not None and self._intake.memory.received == received:
                        await self._reader.get_past_damage(stuck=True)
                    gave_up = ConnectionLostError("the engine ended the stream in mid-run")
                    found = self._intake.memory.received != received
                    received = self._intake.memory.received
                    self._reader.whole_ns = None
                    await back_off(failures.failed(succeeded=found))
                    continue
                gave_up = None
                await self._end_of_run(before)
            elif not await self._next_run():
                return

    async def _next_run(self) -> bool:
        """Wait for the next run and tell of it; return whether there was one."""
        before = self.container
        if not await self._await_start():
            return False
        if self.container.state.in_run:
            await self._hear_of(self.container)
            await self._tell_runs()
        else:  # a run as short as those of a program that cannot start
            await self._end_of_run(before)
        return True

    async def _live(self, cut: ConnectionLostError | None) -> None:
        """Follow one stream to its end, and tell of new runs that it goes on with."""
        watch = asyncio.create_task(self._watch_runs())
        try:
            await self._reader.live(cut)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _watch_runs(self) -> None:
        """Look for a new run when an event comes behind the first lines of it."""
        while True:
            self.changed.clear()
            await self.changed.wait()
            for i in range(STATES):
                if not self.runs.pending:
                    break
                await asyncio.sleep(SETTLE)
                # A stream that ends with the run gets the time to do so.
                if i > STUCK or not self._intake.exact:
                    await self._check_run()

    async def _poll(self) -> None:
        """Read what the log has got, again and again, until the run has ended."""
        pause = POLL[0]
        while not self._over():
            # An event that comes from here on is seen by the wait below.
            self.changed.clear()
            now = await self._inspect()
            if not now.state.in_run or _run(now) != _run(self.container):
                return
            while True:
                pause = POLL[0] if await self._reader.poll() else min(2 * pause, POLL[1])
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self.changed.wait()
                if self.changed.is_set() or self._over():
                    break

    def _over(self) -> bool:
        """Tell whether ``until`` has come."""
        until = self._options.until
        return until is not None and self._now() > until

    async def _end_of_run(self, before: Container) -> None:
        """Read once more what a follow stream may have missed, and say how the run ended."""
        now, exact = self.container, self._intake.exact
        ended = parse_go_time(now.state.finished_at) or 0
        # What is younger than that look belongs to a run that has begun since. But a look may take
        # a while, and show a run that began and ended meanwhile.
        looked_ns = None if exact else max(self._looked_ns, ended + AFTER_END_NS)
        if _run(before) != _run(now):  # another run has begun already
            await self._hear_of(now)
            await self._reader.catch_up(self._between(before, now))
            await self._tell_runs(begun=True)
            if now.state.in_run:
                return
        if exact:
            # By its event the last lines of the run are told from those of the next.
            await self._hear(lambda: self.runs.heard_ns >= ended)
        await self._reader.catch_up(looked_ns)
        await self._tell_runs()

    async def _tell_ends(self, messages: list[Frame]) -> int:
        """Tell of runs that were over before messages; return how many of these are of one run.

        Docker publishes the end of a run behind the last line of it, and a restart policy starts
        the next while a stream is opened or the container is looked at.
        """
        runs = self.runs
        while messages and (ended := runs.boundary) is not None:
            stamps = [stamp_of(message) or 0 for message in messages]
            count = next((i for i, stamp in enumerate(stamps) if stamp > ended), len(stamps))
            if count:
                return count
            # The first lines of a run may come before the event of its start.
            await self._hear(partial(runs.started_since, ended))
            await self._intake.finish(*runs.reach(self.ref, stamps[0]))
        return len(messages)

    async def _check_run(self, newest_ns: int | None = None) -> None:
        """Tell of a new run whose log this very stream goes on with.

        ``newest_ns`` is the last stamp of what is about to be handed on; None if it is nothing.
        """
        ended = self.runs.pending_ns
        if ended is None:
            return
        if self._reader.busy if newest_ns is None else newest_ns <= ended:
            return  # what comes first belongs to the run that has ended
        async with self._checking:
            time = asyncio.get_running_loop().time()
            if time < self._checked + SETTLE:
                return
            self._checked = time
            try:
                now = await self._inspect()
            except EngineError:
                return  # it is gone; what is left of its log is read first, then that is told
            if now.state.in_run and _run(self.container) != _run(now):
                await self._hear_of(now)
                self.container = now
                await self._tell_runs()

    async def _hear_of(self, container: Container) -> None:
        """Wait for the event of the run that a look shows: events of others come before it."""
        started = _run(container) or 0
        await self._hear(lambda: self.runs.heard_ns >= started)

    async def _hear(self, known: Callable[[], bool]) -> None:
        """Wait until events have told what is owed, or too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARING):
                while not known():
                    self.changed.clear()
                    await self.changed.wait()

    async def _tell_runs(self, *, begun: bool = False) -> None:
        """Tell what the last look at the container shows of its runs; if ``begun``, not the end."""
        look = _look(self.container)
        if begun and not look.running:
            look = Look(True, look.started_ns)
        if not self._podman:  # which shows it, and has no event of it
            await self._hear(lambda: not self.runs.owes_reason(look))
        await self._intake.finish(*self.runs.advance(self.ref, look))

    def _between(self, before: Container, now: Container) -> int | None:
        """Return a moment between the end of the last run and the beginning of the one that is now.

        Neither is exact: the last text of a run is stamped a little after its end, and the first of
        the next a little before its start is noted.
        """
        started = _run(now)
        ended = None if started is None else self.runs.ended_before(started)
        if ended is None:
            # A look shows the last end that there was: of the run before, unless that of this one.
            ended = parse_go_time((now if now.state.in_run else before).state.finished_at)
        if ended is None or started is None or not ended < started:
            return started
        return (ended + started) // 2

    async def _await_start(self) -> bool:
        """Wait for the next run, which may be over by then; return whether ``until`` allows it."""
        until = self._options.until
        before = _run(self.container)
        with suppress(TimeoutError):
            async with asyncio.timeout(
                None if until is None else max(until - self._now(), 0) / 1e9
            ):
                while True:
                    self.changed.clear()
                    self.container = await self._inspect()
                    if self.container.state.in_run or _run(self.container) != before:
                        self.ended = False
                        return True
                    if self.container.state.ended and await self._stays_ended():
                        self.ended = True
                        self._set_live(True)  # which wakes whoever waits for the end
                    await self.changed.wait()
        return False

    async def _stays_ended(self) -> bool:
        """Tell whether the engine does not start the container again, as far as it shows that."""
        if self._podman and self.container.host_config.restart_policy.name not in ("", "no"):
            with suppress(TimeoutError):
                async with asyncio.timeout(PODMANS_RESTART):
                    await self.changed.wait()
        return not self.changed.is_set()

    async def _settled(self) -> Container:
        """Inspect the container once its state shows what ended the stream."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                while not self.runs.pending:
                    self.changed.clear()
                    await self.changed.wait()
        container = await self._inspect()
        if self.runs.pending:
            # The event comes before the state that inspect shows.
            for _ in range(STATES):
                if not container.state.in_run or _run(container) != _run(self.container):
                    break
                await asyncio.sleep(SETTLE / 5)
                container = await self._inspect()
        return container

    async def _inspect(self) -> Container:
        """Inspect the container, however long the engine is away."""

        async def look() -> Container:
            self._looked_ns = self._now()
            return await self._engine.inspect(self.container.id)

        try:
            return await retrying(look, broken=GIVE_UP)
        except ProtocolError as exc:
            await self._intake.gap(f"still trying: {exc}")
            return await retrying(look)


def _run(container: Container) -> int | None:
    """Return what tells one run of a container from the next: when it started."""
    return parse_go_time(container.state.started_at)


def _look(container: Container) -> Look:
    state = container.state
    return Look(
        state.in_run,
        _run(container),
        parse_go_time(state.finished_at),
        state.exit_code,
        state.oom_killed,
    )

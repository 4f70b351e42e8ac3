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
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.core.frames import Frame, Stream
from lobtail.core.lines import LineAssembler, split_tty
from lobtail.core.model import ContainerRef, Gap, Item, Line, Removed, Resumed, Started, Stopped
from lobtail.core.resume import Memory, Overlap, ReplayFilter
from lobtail.core.timestamps import parse_rfc3339
from lobtail.engine.pace import Pace
from lobtail.errors import ConnectionLostError, EngineError, ProtocolError
from lobtail.retry import CUTS, GIVE_UP, RETRY, back_off, retrying

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import LogStream
    from lobtail.engine.models import Container

__all__ = ["FollowOptions", "Follower", "moment"]

# An unterminated line is shown after so long a silence of a live log, in seconds.
SILENCE: Final = 0.3
# The logger is closed before the container's state changes; `die` comes some 30 ms later.
SETTLE: Final = 0.1
STATES: Final = 50
"""How often the state is looked at after `die`, a fifth of SETTLE apart."""
# Drivers whose pieces of one line have different stamps.
RESTAMPING: Final = ("journald", "k8s-file")
# Engines before 23.0 show messages again when they rotate a file that is followed.
REPLAYING_API: Final = (1, 42)


class FollowOptions(msgspec.Struct, frozen=True):
    """What to read of each container; times are nanoseconds since the epoch."""

    follow: bool = True
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    stdout: bool = True
    stderr: bool = True
    details: bool = False


class Follower:
    """Reads one container and hands its items on with ``deliver``, which may make it wait.

    ``opening`` bounds how many followers open a history at once; ``set_live`` is told when the
    history has been handed on. ``now`` is the engine's clock, in nanoseconds since the epoch.
    ``changed`` is to be set whenever an event names the container.
    """

    def __init__(
        self,
        engine: EngineClient,
        container: Container,
        ref: ContainerRef,
        options: FollowOptions,
        *,
        deliver: Callable[[list[Item]], Awaitable[None]],
        push: Callable[[list[Item]], None],
        set_live: Callable[[bool], None],
        opening: asyncio.Semaphore,
        now: Callable[[], int],
        podman: bool = False,
    ) -> None:
        self.container = container
        self.changed = asyncio.Event()
        self._engine = engine
        self._options = options
        self._deliver = deliver
        self._push = push
        self._set_live = set_live
        self._opening = opening
        self._now = now
        self._looked_ns = 0  # when the container was last inspected
        self._assembler = LineAssembler(
            ref,
            restamped=podman or container.log_driver in RESTAMPING,
            details=options.details,
        )
        self._memory = Memory()
        self._replay: ReplayFilter | None = None
        self._opened_ns: int | None = None  # when a stream was first opened, by our clock
        self.deaths = 0
        """How many ``die`` events there were."""
        self.exit_code: int | None = None
        """What the last of them said; it outlives the container."""
        self._deaths_told = 0
        self._checked = 0.0  # when a new run was last looked for, by the loop's clock
        self._in_run = False  # a run was seen, and its end was not told
        self._timer: asyncio.TimerHandle | None = None
        self._streams = {
            stream
            for stream, wanted in ((Stream.STDOUT, options.stdout), (Stream.STDERR, options.stderr))
            if wanted
        }

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._assembler.container

    def rename(self, ref: ContainerRef) -> None:
        """Name the container otherwise from the next line on."""
        self._assembler.container = ref

    async def run(self, *, joined: bool = False) -> None:
        """Read until the container is gone, or its log's end if it is not followed.

        ``joined`` says that it started while others were already followed.
        """
        try:
            if joined:
                await self._deliver([Started(self.ref, _run(self.container))])
            if await self._read_history() and self._options.follow:
                await self._follow()
        except EngineError as exc:
            if exc.status in (404, 409):
                marks: list[Item] = []
                if self._options.follow:
                    if self._in_run:
                        marks.append(Stopped(self.ref, None, self.exit_code))
                    marks.append(Removed(self.ref, None))
                await self._finish(marks)
            else:  # for instance a log driver that cannot be read
                await self._finish([Gap(self.ref, None, exc.message)])
        finally:
            if self._timer is not None:
                self._timer.cancel()

    # --- the states -----------------------------------------------------------------------

    async def _read_history(self) -> bool:
        """Read what the log holds; return whether it can be followed."""
        if self._options.tail != "0":
            await self._attempt(follow=False)
            if not self._options.follow:
                await self._finish([])
                return False
        if not self.container.state.running:
            await self._finish([])
        self._set_live(True)
        return True

    async def _follow(self) -> None:
        """Follow through all runs of the container until it is removed."""
        gave_up: ConnectionLostError | None = None
        while True:
            if self.container.state.running:
                self._in_run = True
                await self._attempt(follow=True, cut=gave_up)
                if self._options.until is not None:
                    await self._finish([])
                    return
                before, self.container = self.container, await self._settled()
                if self.container.state.running and _run(before) == _run(self.container):
                    # The engine gave up in mid-run: it could not decode a record, or lost a file.
                    gave_up = ConnectionLostError("the engine ended the stream in mid-run")
                    await asyncio.sleep(RETRY[0])
                    continue
                gave_up = None
                await self._end_of_run(before)
            if not self.container.state.running:
                await self._await_start()
            await self._deliver([Started(self.ref, moment(self.container.state.started_at))])

    async def _end_of_run(self, before: Container) -> None:
        """Read once more what a follow stream may have missed, and say how the run ended."""
        state = self.container.state
        if _run(before) != _run(self.container):  # another run has begun already
            await self._attempt(follow=False, until=_between(self.container))
            stopped = Stopped(self.ref, moment(state.finished_at), self.exit_code)
        else:
            # What is younger than that look belongs to a run that has begun since.
            await self._attempt(follow=False, until=self._looked_ns)
            finished = moment(state.finished_at)
            stopped = Stopped(self.ref, finished, state.exit_code, state.oom_killed)
        await self._finish([stopped])
        self._in_run = False
        self._deaths_told = self.deaths

    async def _check_run(self) -> None:
        """Tell of a new run whose log this very stream goes on with."""
        time = asyncio.get_running_loop().time()
        if time < self._checked + SETTLE:
            return
        self._checked = time
        now = await self._inspect()
        before, self.container = self.container, now
        if now.state.running and _run(before) != _run(now):
            self._deaths_told = self.deaths
            stopped = Stopped(self.ref, moment(now.state.finished_at), self.exit_code)
            await self._finish([stopped, Started(self.ref, _run(now))])

    async def _await_start(self) -> None:
        while not self.container.state.running:
            self.changed.clear()
            self.container = await self._inspect()
            if self.container.state.running:
                return
            await self.changed.wait()

    async def _settled(self) -> Container:
        """Inspect the container once its state shows what ended the stream."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                while self.deaths == self._deaths_told:
                    self.changed.clear()
                    await self.changed.wait()
        container = await self._inspect()
        if self.deaths != self._deaths_told:
            # The event comes before the state that inspect shows.
            for _ in range(STATES):
                if not container.state.running or _run(container) != _run(self.container):
                    break
                await asyncio.sleep(SETTLE / 5)
                container = await self._inspect()
        return container

    # --- reading --------------------------------------------------------------------------

    async def _attempt(
        self, *, follow: bool, cut: Exception | None = None, until: int | None = None
    ) -> None:
        """Read a stream to its clean end, however often it is cut.

        ``cut`` is why an earlier one ended, if this one goes on with it.
        """
        failures = 0
        while True:
            received = self._memory.received
            try:
                await self._read(follow=follow, cut=cut, until=until)
            except CUTS as exc:
                cut = exc
            else:
                return
            failures = 1 if self._memory.received != received else failures + 1
            if failures >= GIVE_UP and not self._options.follow:
                raise cut
            if failures == GIVE_UP:
                await self._deliver([Gap(self.ref, None, f"still trying: {cut}")])
            await back_off(failures)

    async def _read(self, *, follow: bool, cut: Exception | None, until: int | None) -> None:
        memory, options = self._memory, self._options
        since, tail = memory.since_ns, "all"
        if since is None:
            # Nothing was received yet. What was asked to be left out at first stays left out.
            since, tail = options.since, options.tail if self._opened_ns is None else "all"
            if options.tail == "0" and self._opened_ns is not None:
                since = self._opened_ns
        stream = self._engine.logs(
            self.container.id,
            follow=follow,
            tail=tail,
            since=since,
            until=options.until if until is None else until,
            timestamps=True,
            details=options.details,
        )
        now = self._now()
        async with self._opening:
            await stream.__aenter__()
        if self._opened_ns is None:
            self._opened_ns = now
        try:
            if follow and await self._engine.api_version() < REPLAYING_API:
                self._replay = self._replay or ReplayFilter()
            await self._pump(stream, memory.overlap(), cut, live=follow)
        finally:
            stream.close()

    async def _pump(
        self, stream: LogStream, overlap: Overlap | None, cut: Exception | None, *, live: bool
    ) -> None:
        pace = Pace()
        async for frames in stream:
            messages = frames
            if not stream.multiplexed:
                messages = [m for frame in frames for m in split_tty(frame.payload)]
            if not (messages := self._new(messages, overlap)):
                continue
            if overlap is not None and overlap.gap:
                await self._deliver([Gap(self.ref, None, "the last known line is not there")])
                overlap = None
            if live and self.deaths != self._deaths_told:
                await self._check_run()
            if cut is not None:
                await self._deliver([Resumed(self.ref, None, str(cut))])
                cut = None
            await self._receive(messages)
            if not live:
                pace.rest(sum(len(message.payload) for message in frames))
            elif self._assembler.pending:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(SILENCE, self._flush)
        if overlap is not None and (held := overlap.finish()):
            await self._deliver([Gap(self.ref, None, "the last known line is not there")])
            await self._receive(held)

    async def _receive(self, messages: list[Frame]) -> None:
        """Remember messages, and hand on the lines that they complete."""
        lines = self._assembler.receive(messages)
        self._memory.whole_seconds = self._assembler.whole_seconds
        self._memory.add(messages, self._assembler.newest_ns)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if lines:
            await self._deliver(self._wanted(lines))

    def _new(self, messages: list[Frame], overlap: Overlap | None) -> list[Frame]:
        if overlap is not None:
            messages = overlap.filter(messages)
        if self._replay is not None:
            messages = self._replay.filter(messages)
        return messages

    def _wanted(self, lines: list[Line]) -> list[Item]:
        if len(self._streams) == 2:
            return [*lines]
        return [line for line in lines if line.stream in self._streams]

    def _flush(self) -> None:
        self._push(self._wanted(self._assembler.flush()))

    async def _finish(self, marks: list[Item]) -> None:
        """Hand on a line that will not be ended any more, then ``marks``."""
        await self._deliver(self._wanted(self._assembler.flush()) + marks)

    async def _inspect(self) -> Container:
        """Inspect the container, however long the engine is away."""

        async def look() -> Container:
            self._looked_ns = self._now()
            return await self._engine.inspect(self.container.id)

        return await retrying(look)


def _run(container: Container) -> int | None:
    """Return what tells one run of a container from the next: when it started."""
    return moment(container.state.started_at)


def _between(container: Container) -> int | None:
    """Return a moment between the end of the last run and the beginning of this one.

    Neither is exact: the last text of a run is stamped a little after its end, and the first of
    the next a little before its start is noted.
    """
    ended, started = moment(container.state.finished_at), _run(container)
    if ended is None or started is None or not ended < started:
        return started
    return (ended + started) // 2


def moment(stamp: str) -> int | None:
    """Return a time of ``inspect`` in nanoseconds; None for year 1, Go's zero time."""
    if not stamp or stamp.startswith("0001-"):
        return None
    try:
        return parse_rfc3339(stamp)
    except ProtocolError:
        return None

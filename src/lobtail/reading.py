"""Read one container's log into lines: every message once, however often a connection breaks.

``LogReader`` opens streams and hands lines on. What a container does meanwhile, and when which
stream is to be opened, is ``lobtail.follow``'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.core.audit import Verdict
from lobtail.core.frames import Frame, Stream
from lobtail.core.lines import LineAssembler, split_tty
from lobtail.core.model import ContainerRef, Gap, Item, Line, Resumed
from lobtail.core.resume import LIMIT, Memory, Overlap, ReplayFilter, stamp_of
from lobtail.engine.pace import Pace
from lobtail.recheck import Recheck
from lobtail.retry import CUTS, GIVE_UP, back_off

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import LogStream
    from lobtail.engine.models import Container

__all__ = ["FollowOptions", "LogReader"]

# An unterminated line is shown after so long a silence of a live log, in seconds.
SILENCE: Final = 0.3
# Drivers whose pieces of one line have different stamps.
RESTAMPING: Final = ("journald", "k8s-file")
# Engines before 23.0 lose most of a log whose rotated files are compressed, in a follow stream and
# behind `since` (docs/decisions/020-old-compressed-logs.md).
WHOLE_API: Final = (1, 42)
# Messages that a first look at the end of such a log asks for.
POLLED: Final = 64

# What json-file writes around each text beyond our stamp, and how much of what is kept may be
# taken for less because of escapes.
_OVERHEAD: Final = 45
_NEARLY: Final = 0.6

ROTATED: Final = "the log was rotated faster than the engine sent it"
_UNKNOWN_END: Final = "the last known line is not there"


class FollowOptions(msgspec.Struct, frozen=True):
    """What to read of each container; times are nanoseconds since the epoch."""

    follow: bool = True
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    stdout: bool = True
    stderr: bool = True
    details: bool = False


class LogReader:
    """Reads the log of one container and hands its items on with ``deliver``, which may wait.

    ``push`` hands on without waiting, for timers. ``opening`` bounds how many readers open a
    stream at once. ``now`` is the engine's clock, in nanoseconds since the epoch. ``before_live``
    is awaited before anything is handed on that came live.
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
        opening: asyncio.Semaphore,
        now: Callable[[], int],
        before_live: Callable[[], Awaitable[None]],
        podman: bool = False,
    ) -> None:
        self._engine = engine
        self._id = container.id
        self._options = options
        self._deliver = deliver
        self._push = push
        self._opening = opening
        self._now = now
        self._before_live = before_live
        self._kept = container.log_kept
        self._compressed = container.log_compressed and not podman
        self._details = options.details
        self._restamped = podman or container.log_driver in RESTAMPING
        self._assembler = LineAssembler(ref, restamped=self._restamped, details=options.details)
        self._memory = Memory()
        self._told_unmet = False
        self._opened_ns: int | None = None  # when a stream was first opened, by the engine's clock
        self._timer: asyncio.TimerHandle | None = None
        self._streams = {
            stream
            for stream, wanted in ((Stream.STDOUT, options.stdout), (Stream.STDERR, options.stderr))
            if wanted
        }
        rotates = container.log_max_size is not None and not podman
        self._replay = ReplayFilter() if rotates else None
        self._recheck = (
            Recheck(self._snapshot, self._found, self._memory, container.log_max_size)
            if rotates and container.log_max_size is not None
            else None
        )

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._assembler.container

    @ref.setter
    def ref(self, ref: ContainerRef) -> None:
        self._assembler.container = ref

    def close(self) -> None:
        """Stop what runs by itself: the timer of an unterminated line, a second look."""
        if self._timer is not None:
            self._timer.cancel()
        if self._recheck is not None:
            self._recheck.close()

    async def finish(self, marks: list[Item]) -> None:
        """Hand on a line that will not be ended any more, then ``marks``."""
        await self._deliver(self._wanted(self._assembler.flush()) + marks)

    # --- three ways to read -------------------------------------------------------------------

    async def history(self) -> None:
        """Read what the log holds."""
        await self._attempt(follow=False)

    async def live(self, cut: Exception | None = None) -> None:
        """Follow the log until the engine ends the stream, cleanly.

        ``cut`` is why an earlier stream ended, if this one goes on with it.
        """
        if self._recheck is not None and not self._recheck.begun:
            await self._begin_rechecks(self._recheck)
        await self._attempt(follow=True, cut=cut)

    async def catch_up(self, until: int | None) -> None:
        """Read once more, without follow, what a follow stream may have missed."""
        if await self.must_poll():
            await self.poll(until)
            return
        if self._recheck is not None and self._recheck.begun:
            await self._recheck.look()
        await self._attempt(follow=False, until=until)

    async def must_poll(self) -> bool:
        """Whether the engine can only be asked again and again: its follow streams lose lines."""
        return self._compressed and await self._engine.api_version() < WHOLE_API

    async def poll(self, until: int | None = None) -> bool:
        """Read what the end of the log has got since the last time; return whether it had.

        As many messages are asked for from the end as it takes to meet a known one.
        """
        received = self._memory.received
        failures = 0
        count = POLLED
        while True:
            try:
                if await self._read_end(count, until):
                    return self._memory.received != received
            except CUTS as exc:
                failures += 1
                if failures == GIVE_UP:
                    await self._deliver([Gap(self.ref, None, f"still trying: {exc}")])
                await back_off(failures)
            else:
                count *= 4

    async def _attempt(
        self, *, follow: bool, cut: Exception | None = None, until: int | None = None
    ) -> None:
        """Read a stream to its clean end, however often it is cut."""
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

    # --- one stream ---------------------------------------------------------------------------

    async def _read(self, *, follow: bool, cut: Exception | None, until: int | None) -> None:
        memory, options = self._memory, self._options
        since, tail = memory.since_ns, "all"
        if since is None:
            # Nothing was received yet. What was asked to be left out at first stays left out.
            since, tail = options.since, options.tail if self._opened_ns is None else "all"
            if options.tail == "0" and self._opened_ns is not None:
                since = self._opened_ns
        floor = None
        if since is not None and await self.must_poll():
            since, floor = None, since
        stream = await self._open(follow=follow, tail=tail, since=since, until=until)
        try:
            await self._pump(stream, memory.overlap(), cut, live=follow, floor=floor)
        finally:
            stream.close()

    async def _open(
        self, *, follow: bool, tail: str, since: int | None, until: int | None
    ) -> LogStream:
        options = self._options
        stream = self._engine.logs(
            self._id,
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
        return stream

    async def _pump(
        self,
        stream: LogStream,
        overlap: Overlap | None,
        cut: Exception | None,
        *,
        live: bool,
        floor: int | None,
    ) -> None:
        pace = Pace()
        async for frames in stream:
            messages = _younger(_messages(stream, frames), floor)
            if not (messages := self._new(messages, overlap)):
                continue
            if overlap is not None and overlap.gap:
                await self._deliver([Gap(self.ref, None, _UNKNOWN_END)])
                overlap = None
            if live:
                await self._before_live()
            if cut is not None:
                await self._deliver([Resumed(self.ref, None, str(cut))])
                cut = None
            await self._receive(messages)
            if not live:
                pace.rest(sum(len(message.payload) for message in frames))
                continue
            if self._recheck is not None:
                self._recheck.received(sum(len(message.payload) for message in messages))
            if self._assembler.pending:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(SILENCE, self._flush)
        if overlap is not None and (held := overlap.finish()):
            await self._deliver([Gap(self.ref, None, _UNKNOWN_END)])
            await self._receive(held)

    async def _read_end(self, count: int, until: int | None) -> bool:
        """Read the last ``count`` messages; return whether the log was met, or all of it read."""
        overlap = self._memory.overlap()
        whole = count >= LIMIT
        stream = await self._open(
            follow=False, tail="all" if whole else str(count), since=None, until=until
        )
        floor = self._opened_ns if self._options.tail == "0" else self._options.since
        held: list[Frame] = []  # until it is known that these are all
        total = 0
        try:
            async for frames in stream:
                messages = _messages(stream, frames)
                total += len(messages)
                fresh = messages if overlap is None else overlap.filter(messages)
                if overlap is not None and overlap.matched:
                    await self._take_polled(fresh)
                    continue
                held += fresh
                if whole:
                    await self._take_unmet(held, overlap, floor)
                    held = []
        finally:
            stream.close()
        if overlap is not None:
            if overlap.matched:
                return True
            held += overlap.finish()
        if total >= count and not whole:
            return False
        await self._take_unmet(held, overlap, floor)
        return True

    async def _take_unmet(
        self, messages: list[Frame], overlap: Overlap | None, floor: int | None
    ) -> None:
        """Hand on messages that no known one stood before."""
        if overlap is None:
            # The log was empty. If it has been filled since, its beginning may be gone already.
            size = sum(len(message.payload) + _OVERHEAD for message in messages)
            if size > _NEARLY * self._kept:
                await self._deliver([Gap(self.ref, None, ROTATED)])
        elif messages and not self._told_unmet:
            await self._deliver([Gap(self.ref, None, _UNKNOWN_END)])
        self._told_unmet = overlap is not None and bool(messages)
        await self._take_polled(_younger(messages, floor))

    async def _take_polled(self, messages: list[Frame]) -> None:
        if messages:
            await self._before_live()
            await self._receive(messages)

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

    # --- second looks ---------------------------------------------------------------------------

    async def _begin_rechecks(self, recheck: Recheck) -> None:
        """Say from where on the log will be looked at again: what was there before."""
        proven = self._memory.newest_ns
        if self._options.tail == "0":
            stream = await self._open(follow=False, tail="1", since=None, until=None)
            try:
                async for frames in stream:
                    for message in _messages(stream, frames):
                        proven = stamp_of(message) or proven
            finally:
                stream.close()
        recheck.begin(proven)

    async def _snapshot(self, since: int | None) -> LogStream:
        if since is None and self._options.tail == "all":
            since = self._options.since
        return await self._open(follow=False, tail="all", since=since, until=None)

    async def _found(self, verdict: Verdict) -> None:
        """Hand on what a follow stream left out, and say what it may have."""
        missed = verdict.missed
        marks: list[Item] = []
        if verdict.hole:
            marks.append(Gap(self.ref, None, ROTATED))
        elif missed:
            left = f"{len(missed)} {'message' if len(missed) == 1 else 'messages'}"
            marks.append(
                Gap(self.ref, None, f"the engine left out {left} at a rotation; they come here")
            )
        if not marks:
            return
        # By themselves: the stream may be in the middle of a line.
        assembler = LineAssembler(self.ref, restamped=self._restamped, details=self._details)
        lines = assembler.receive(missed) + assembler.flush()
        self._memory.add(missed, self._memory.newest_ns)
        await self._deliver(marks + self._wanted(lines))


def _messages(stream: LogStream, frames: list[Frame]) -> list[Frame]:
    """Return the messages of a batch; with a TTY nothing but their form tells them apart."""
    if stream.multiplexed:
        return frames
    return [message for frame in frames for message in split_tty(frame.payload)]


def _younger(messages: list[Frame], floor: int | None) -> list[Frame]:
    """Leave out what is older than ``floor``."""
    if floor is None:
        return messages
    return [m for m in messages if (stamp := stamp_of(m)) is None or stamp >= floor]

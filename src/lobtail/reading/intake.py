"""What is received of one container: remembered, made into lines, and handed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from lobtail.core.audit import Audit, Verdict
from lobtail.core.frames import Frame, Stream
from lobtail.core.lines import LineAssembler, TtySplitter
from lobtail.core.model import ContainerRef, Gap, Item, Line, Resumed, Skipped
from lobtail.core.resume import Memory, Overlap, ReplayFilter, stamp_of
from lobtail.files import Literals
from lobtail.reading.source import Source

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream
    from lobtail.engine.models import Container

__all__ = [
    "ROTATED",
    "UNMET",
    "FollowOptions",
    "Intake",
    "Search",
    "Sink",
    "Split",
    "messages_in",
    "younger",
]

# An unterminated line is shown after so long a silence of a live log, in seconds.
SILENCE: Final = 0.3
# Drivers whose pieces of one line have different stamps.
RESTAMPING: Final = ("journald", "k8s-file")

ROTATED: Final = "the log was rotated faster than the engine sent it"
UNMET: Final = "the last known line is not there"


class Search(msgspec.Struct, frozen=True):
    """What files may be searched for, rather than read: lines without it may come, or not."""

    texts: Literals
    """What a wanted line contains."""
    context: tuple[int, int] | None = None
    """How many lines before and behind each wanted one must come too. What is left out is counted
    then, and a ``Skipped`` mark stands in its place."""


class FollowOptions(msgspec.Struct, frozen=True):
    """What to read of each container; times are nanoseconds since the epoch."""

    follow: bool = True
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    stdout: bool = True
    stderr: bool = True
    details: bool = False
    source: Source = "auto"
    search: Search | None = None


Split: TypeAlias = Callable[[list[Frame]], Awaitable[int]]
"""Is asked before messages are handed on how many of them may be, before it is asked again."""


class Sink(Protocol):
    """Where items go. ``size`` is about how many bytes of log they hold."""

    async def deliver(self, items: list[Item], size: int = 0) -> None:
        """Take items; wait while there is no room for more."""

    def push(self, items: list[Item]) -> None:
        """Take items at once: for timers."""


class Intake:
    """Makes lines of the messages of one container, and hands them on to ``sink``.

    ``split`` may have marks handed on between them. It is not asked where stamps are too inexact to
    tell the lines of one run from those of the next.
    """

    def __init__(
        self,
        container: Container,
        ref: ContainerRef,
        options: FollowOptions,
        sink: Sink,
        *,
        podman: bool,
        replays: bool = False,
        split: Split | None = None,
    ) -> None:
        self.memory = Memory()
        self.taking = asyncio.Lock()
        """To be held from what is new in a stream to its being remembered, when a second look may
        find the same meanwhile."""
        self._sink = sink
        self._handing_on = 0
        self._details = options.details
        self._restamped = podman or container.log_driver in RESTAMPING
        self._split = None if self._restamped else split
        self._assembler = LineAssembler(ref, restamped=self._restamped, details=options.details)
        replays = replays or (container.log_max_size is not None and not podman)
        self._replay = ReplayFilter() if replays and options.follow else None
        self._timer: asyncio.TimerHandle | None = None
        chosen = ((Stream.STDOUT, options.stdout), (Stream.STDERR, options.stderr))
        self._streams = {stream for stream, wanted in chosen if wanted}

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

    def close(self) -> None:
        """Forget the timer of an unterminated line."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def new(self, messages: list[Frame], overlap: Overlap | None, *, live: bool) -> list[Frame]:
        """Return what of a stream's messages was not received before."""
        if overlap is not None:
            messages = overlap.filter(messages)
        if self._replay is not None:
            if live:
                return self._replay.filter(messages)
            self._replay.note(messages)
        return messages

    def leave_out(self, messages: list[Frame]) -> None:
        """Remember messages that are not to be handed on."""
        if messages:
            self.memory.whole_seconds = b"." not in messages[-1].payload.partition(b" ")[0]
            self.memory.add(messages, stamp_of(messages[-1]))

    async def receive(self, messages: list[Frame]) -> None:
        """Remember messages, and hand on the lines that they complete."""
        while (count := await self.ready(messages)) < len(messages):
            await self._receive(messages[:count])
            messages = messages[count:]
        await self._receive(messages)

    async def ready(self, messages: list[Frame]) -> int:
        """Hand on what is to be told before messages; return how many of them may follow it."""
        return await self._split(messages) if self._split and messages else len(messages)

    @property
    def exact(self) -> bool:
        """Whether it asks how messages are to be split."""
        return self._split is not None

    async def _receive(self, messages: list[Frame]) -> None:
        if not messages:
            return
        lines = self._assembler.receive(messages)
        self.memory.whole_seconds = self._assembler.whole_seconds
        self.memory.add(messages, self._assembler.newest_ns)
        self.close()
        if lines:
            await self._deliver(self._wanted(lines), size_of(messages))

    def expect_silence(self) -> None:
        """Show an unterminated line, if there is one, when nothing comes for a while."""
        self.close()
        if self._assembler.pending:
            self._timer = asyncio.get_running_loop().call_later(SILENCE, self._flush)

    async def finish(self, *marks: Item) -> None:
        """Hand on a line that will not be ended any more, then ``marks``."""
        await self._deliver(self._wanted(self._assembler.flush()) + list(marks))

    async def gap(self, reason: str) -> None:
        """Say that lines may be missing here."""
        await self._deliver([Gap(self.ref, None, reason)])

    async def resumed(self, reason: str) -> None:
        """Say that the log goes on here after a cut."""
        await self._deliver([Resumed(self.ref, None, reason)])

    async def skipped(self, count: int) -> None:
        """Say that lines were left out here that nobody wants."""
        await self._deliver([Skipped(self.ref, self._assembler.newest_ns, count)])

    async def found(self, audit: Audit) -> Verdict:
        """Hand on what a follow stream left out, and say what it may have."""
        async with self.taking:
            verdict = audit.finish()
            missed = verdict.missed
            self.memory.add(missed, self.memory.newest_ns)
            if self._replay is not None:
                self._replay.note(missed)
            await self._tell(verdict)
        return verdict

    async def _tell(self, verdict: Verdict) -> None:
        missed = verdict.missed
        if verdict.hole:
            await self.gap(ROTATED)
        elif missed:
            left = f"{len(missed)} {'message' if len(missed) == 1 else 'messages'}"
            await self.gap(f"the engine left out {left}; they come here")
        if missed:
            # By themselves: the stream may be in the middle of a line.
            lines = LineAssembler(self.ref, restamped=self._restamped, details=self._details)
            await self._deliver(self._wanted(lines.receive(missed) + lines.flush()))

    async def _deliver(self, items: list[Item], size: int = 0) -> None:
        self._handing_on += 1
        try:
            await self._sink.deliver(items, size)
        finally:
            self._handing_on -= 1

    def _wanted(self, lines: list[Line]) -> list[Item]:
        if len(self._streams) == 2:
            return [*lines]
        return [line for line in lines if line.stream in self._streams]

    def _flush(self) -> None:
        self._sink.push(self._wanted(self._assembler.flush()))


async def messages_in(stream: FrameStream) -> AsyncIterator[list[Frame]]:
    """Iterate over the messages of a log, batch by batch; never an empty batch.

    Of a log with a TTY, what came of a message when the connection broke is dropped: it will be
    read again.
    """
    splitter: TtySplitter | None = None
    async for frames in stream:
        if stream.multiplexed:
            yield frames
            continue
        splitter = splitter or TtySplitter(details=stream.details)
        messages = [message for frame in frames for message in splitter.feed(frame.payload)]
        if messages:
            yield messages
    if splitter is not None and (rest := splitter.flush()):
        yield rest


def younger(messages: list[Frame], floor: int | None) -> list[Frame]:
    """Leave out what is older than ``floor``."""
    if floor is None:
        return messages
    return [m for m in messages if (stamp := stamp_of(m)) is None or stamp >= floor]


def size_of(messages: list[Frame]) -> int:
    """Return how many bytes messages hold."""
    return sum(len(message.payload) for message in messages)

"""Look at a log a second time, now and then, while it is followed (``core.audit``).

Follow streams leave lines out: Docker's where a log is rotated faster than it is read, Podman's
where a line is read that is only half written.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from lobtail.core.audit import Audit, Verdict
from lobtail.core.resume import LIMIT, WHOLE_SECONDS_WINDOW_NS, WINDOW_NS, Memory
from lobtail.errors import EngineError
from lobtail.reading.intake import messages_in
from lobtail.retry import CUTS, back_off

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream
    from lobtail.engine.models import Container

__all__ = ["HalfLineRecheck", "Recheck", "RotationRecheck", "recheck_of"]

Snapshot: TypeAlias = Callable[[int | None, int | None], Awaitable["FrameStream"]]
"""Opens a log without follow: from a moment on, or its last messages."""
Found: TypeAlias = Callable[[Audit], Awaitable[Verdict]]

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
    """Looks, and hands what was read to ``found``; when is for the classes below to say."""

    def __init__(self, snapshot: Snapshot, found: Found, memory: Memory) -> None:
        self._snapshot = snapshot
        self._found = found
        self._memory = memory
        self._proven: int | None = None
        self._bytes = 0  # received since the last look
        self._last = float("-inf")  # when that was
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.begun = False

    def begin(self, proven_ns: int | None) -> None:
        """Say up to where the log was read without follow."""
        self.begun = True
        self._set_proven(proven_ns)

    @abstractmethod
    def received(self, size: int) -> None:
        """Say that so many bytes came in a follow stream."""

    async def look(self) -> None:
        """Look now, and wait until what was found has been told."""
        self._cancel_timer()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._bytes:
            await self._look()

    def close(self) -> None:
        """Look no more."""
        self._cancel_timer()
        if self._task is not None:
            self._task.cancel()

    # --- for the classes below ------------------------------------------------------------

    @abstractmethod
    async def _open(self) -> tuple[Audit, FrameStream]:
        """Begin to compare."""

    @abstractmethod
    def _looked(self) -> None:
        """Decide when to look again."""

    def _set_proven(self, proven_ns: int | None) -> None:
        self._bytes = 0
        if proven_ns is not None:
            self._proven = self._memory.keep_ns = proven_ns

    def _look_at(self, when: float) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        if when <= loop.time():
            self._begin_look()
        else:
            self._timer = loop.call_at(when, self._begin_look)

    def _begin_look(self) -> None:
        if self._task is None or self._task.done():
            self._cancel_timer()
            self._last = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._look())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _look(self) -> None:
        failures = 0
        while True:
            try:
                audit = await self._compare()
            except CUTS:
                failures += 1
                await back_off(failures)
            except EngineError:
                return  # it is gone, and whoever follows it will say so
            else:
                break
        verdict = await self._found(audit)
        if verdict.proven_ns is not None:
            self._proven = self._memory.keep_ns = verdict.proven_ns
        self._looked()

    async def _compare(self) -> Audit:
        self._bytes = 0
        return await self._read(*await self._open())

    async def _read(self, audit: Audit, stream: FrameStream) -> Audit:
        try:
            async for messages in messages_in(stream):
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

    def __init__(self, snapshot: Snapshot, found: Found, memory: Memory, max_size: int) -> None:
        super().__init__(snapshot, found, memory)
        self._small = max_size <= SMALL
        self._busy = max_size // (2 if self._small else 4)
        self._since = 0.0  # when what was received began to count

    def received(self, size: int) -> None:
        """Say that so many bytes came in a follow stream."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._bytes:
            self._since = now
        self._bytes += size
        if self._bytes < self._busy:
            if self._small:
                self._look_at(now + IDLE)
            elif now - self._since > CALM:
                self._set_proven(self._memory.newest_ns)
            return
        self._look_at(max(now, self._last + PAUSE))

    async def _open(self) -> tuple[Audit, FrameStream]:
        since = None
        if not self._small and self._proven is not None:
            since = self._proven - WINDOW_NS
        return Audit(self._memory, self._proven), await self._snapshot(since, None)

    def _looked(self) -> None:
        if self._bytes >= self._busy or (self._bytes and self._small):
            self._look_at(asyncio.get_running_loop().time() + IDLE)


class HalfLineRecheck(Recheck):
    """Looks at a log of Podman's, soon after something has come, but not often.

    Podman reads a log from its beginning to find a moment, and from its end to find the last lines:
    so as many are asked for as are remembered. But the pieces of long lines come out wrong there;
    where something seems to be missing, all is read from a moment on, and that is what counts.
    """

    def __init__(self, snapshot: Snapshot, found: Found, memory: Memory) -> None:
        super().__init__(snapshot, found, memory)
        self._floor: int | None = None
        self._period = PERIOD

    def begin(self, proven_ns: int | None) -> None:
        """Say up to where the log was read without follow."""
        super().begin(proven_ns)
        if proven_ns is not None:
            self._floor = proven_ns - WHOLE_SECONDS_WINDOW_NS

    def received(self, size: int) -> None:
        """Say that so many bytes came in a follow stream."""
        self._bytes += size
        if self._timer is None:
            self._look_soon()

    def _look_soon(self) -> None:
        now = asyncio.get_running_loop().time()
        self._look_at(max(now + SOON, self._last + self._period))

    async def _open(self) -> tuple[Audit, FrameStream]:
        return self._audit(), await self._snapshot(None, min(len(self._memory) + MARGIN, LIMIT))

    def _audit(self) -> Audit:
        return Audit(self._memory, self._proven, floor_ns=self._floor, rotates=False)

    async def _compare(self) -> Audit:
        self._period = PERIOD
        try:
            audit = await super()._compare()
        except EngineError as exc:
            # It does not show the end of a log whose last line is half written.
            if exc.status < 500:
                raise
        else:
            if not audit.suspicious:
                return audit
        clock = asyncio.get_running_loop().time
        began = clock()
        since = None if self._proven is None else self._proven - WHOLE_SECONDS_WINDOW_NS
        audit = await self._read(self._audit(), await self._snapshot(since, None))
        self._period = max(PERIOD, SHARE * (clock() - began))
        return audit

    def _looked(self) -> None:
        if self._bytes:
            self._look_soon()


def recheck_of(
    container: Container, snapshot: Snapshot, found: Found, memory: Memory, *, podman: bool
) -> Recheck | None:
    """Return what looks at a container's log a second time; None where that is not needed."""
    if podman:
        in_file = container.log_in_podmans_file
        return HalfLineRecheck(snapshot, found, memory) if in_file else None
    max_size = container.log_max_size
    if not container.log_rotates or max_size is None:
        return None
    return RotationRecheck(snapshot, found, memory, max_size)

"""Look at a rotated log a second time, now and then, while it is followed (``core.audit``)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from lobtail.core.audit import Audit, Verdict
from lobtail.core.resume import WINDOW_NS, Memory
from lobtail.errors import EngineError
from lobtail.reading.intake import messages_in
from lobtail.retry import CUTS, back_off

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream

__all__ = ["Recheck"]

# A log whose files are at most so large can rotate twice between two reads of a busy engine at any
# time, and is small enough to be read again whenever it falls silent.
SMALL: Final = 1 << 20
# After so long a silence, in seconds.
IDLE: Final = 0.3
# A log with larger files is looked at when it is busy; else what came is taken for whole.
CALM: Final = 2.0
# Least time between the beginnings of two looks.
PAUSE: Final = 0.05


class Recheck:
    """Decides when to look, looks, and hands what was read to ``found``.

    ``snapshot`` opens the log without follow, from a moment on. ``max_size`` is the size in bytes
    at which the log's files are rotated. Nothing is left out of a log of which less than a file
    was written since the last look, so that much must have come before the next one.
    """

    def __init__(
        self,
        snapshot: Callable[[int | None], Awaitable[FrameStream]],
        found: Callable[[Audit], Awaitable[Verdict]],
        memory: Memory,
        max_size: int,
    ) -> None:
        self._snapshot = snapshot
        self._found = found
        self._memory = memory
        self._small = max_size <= SMALL
        self._busy = max_size // (2 if self._small else 4)
        self._proven: int | None = None
        self._bytes = 0
        self._since = 0.0  # when what was received began to count
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.begun = False

    def begin(self, proven_ns: int | None) -> None:
        """Say up to where the log was read without follow."""
        self.begun = True
        self._set_proven(proven_ns)

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
        if self._bytes >= self._busy or (self._bytes and self._small):
            self._look_at(asyncio.get_running_loop().time() + IDLE)

    async def _compare(self) -> Audit:
        self._bytes = 0
        since = None
        if not self._small and self._proven is not None:
            since = self._proven - WINDOW_NS
        audit = Audit(self._memory, self._proven)
        stream = await self._snapshot(since)
        try:
            async for messages in messages_in(stream):
                audit.receive(messages)
                if audit.full:
                    break
        finally:
            stream.close()
        return audit

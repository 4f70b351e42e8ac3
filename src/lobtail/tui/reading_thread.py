"""Read logs in a thread of their own, so that no key waits for them.

What an event loop has to do is done in turn, and what a key does takes several turns until it is on
the screen. With the logs of twenty busy containers in the same loop each turn is long. So they are
read in another loop, with engines of its own; what has come waits until somebody takes it, and
while it is not taken the reading waits, and so does the engine.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from types import TracebackType
from typing import Final, Self

from lobtail.api import Engine
from lobtail.model.items import ContainerRef, Item
from lobtail.portal import BlockingPortal
from lobtail.session.tail import Tail

__all__ = ["ReadingThread", "ThreadedTail"]

# Items that wait to be taken before the reading waits.
MOST: Final = 5000
# Seconds after which Python lets another thread go on; its own 5 ms are felt in each key.
_SWITCH: Final = 0.0005


class ReadingThread:
    """A thread with engines of its own, by the names that the others have; ``make`` makes them."""

    def __init__(self, make: Mapping[str, Callable[[], Engine]]) -> None:
        self._make = make
        self._engines: dict[str, Engine] | None = None
        self._portal = BlockingPortal(self._farewell)
        sys.setswitchinterval(_SWITCH)

    def tail(self, make: Callable[[Mapping[str, Engine]], Tail]) -> ThreadedTail:
        """Return a tail of what ``make`` gives, which is called in the thread."""
        return ThreadedTail(self._portal, lambda: make(self._opened()))

    def close(self) -> None:
        """End all that is read, and the thread."""
        self._portal.close()

    def _opened(self) -> dict[str, Engine]:
        if self._engines is None:
            self._engines = {name: make() for name, make in self._make.items()}
        return self._engines

    async def _farewell(self) -> None:
        for engine in (self._engines or {}).values():
            await engine.aclose()


class ThreadedTail:
    """A tail that is read in a thread: enter it, and iterate over it for batches.

    Raises what the tail raises, where it would. A batch is all that has come since the last one.
    """

    def __init__(self, portal: BlockingPortal, make: Callable[[], Tail]) -> None:
        self.found: list[ContainerRef] = []
        """The containers that were chosen at the start."""
        self._portal = portal
        self._make = make
        # Of both threads, under the lock.
        self._lock = threading.Lock()
        self._waiting: list[Item] = []
        self._ended = False
        self._failure: BaseException | None = None
        # Of whoever takes.
        self._there = asyncio.Event()
        # Of the thread.
        self._room: asyncio.Event
        self._tail: Tail | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether the reading waits until something is taken."""
        return len(self._waiting) >= MOST

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        try:
            self.found = await asyncio.wrap_future(self._portal.submit(self._open))
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # It ends also where nobody waits for that any more.
        await asyncio.shield(asyncio.wrap_future(self._portal.submit(self._close)))

    async def batches(self) -> AsyncGenerator[list[Item], None]:
        """Iterate over lists of what has come since the one before."""
        while True:
            self._there.clear()
            with self._lock:
                was_full = self._full
                items, self._waiting = self._waiting, []
                ended = self._ended
            if was_full:
                self._portal.later(self._room.set)
            if items:
                yield items
                continue
            if ended:
                if self._failure is not None:
                    raise self._failure
                return
            await self._there.wait()

    @property
    def _full(self) -> bool:
        return len(self._waiting) >= MOST

    # --- in the thread ----------------------------------------------------------------------

    async def _open(self) -> list[ContainerRef]:
        self._room = asyncio.Event()
        self._tail = self._make()
        await self._tail.__aenter__()
        self._task = asyncio.create_task(self._read(self._tail))
        return self._tail.found

    async def _read(self, tail: Tail) -> None:
        try:
            async for batch in tail.batches():
                with self._lock:
                    self._waiting += batch
                    if self._full:
                        self._room.clear()
                self._tell()
                if self._full:
                    await self._room.wait()
        except Exception as exc:
            self._failure = exc
        finally:
            with self._lock:
                self._ended = True
            self._tell()

    def _tell(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._there.set)

    async def _close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._tail is not None:
            await self._tail.aclose()

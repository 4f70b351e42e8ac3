"""Merge what many readers hand on into one stream of batches, none of them running ahead."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Hashable
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from lobtail.core.filter import LineFilter
from lobtail.core.merge import Merge
from lobtail.core.model import ContainerRef, Dropped, Item, Line
from lobtail.reading.turn import Turn

__all__ = ["CONNECTIONS", "Channel", "Merged", "Overflow"]

# Containers whose history is opened at the same time; the rest wait for their turn.
CONNECTIONS: Final = 16
# Items, and bytes, of one container that wait for the merge before its reader pauses.
QUEUE: Final = 2000
QUEUE_SIZE: Final = 4 << 20

Overflow: TypeAlias = Literal["wait", "drop"]


class Channel:
    """What one follower hands on, on its way into the merge."""

    def __init__(
        self, merge: Merge, key: Hashable, turn: Turn, ready: asyncio.Event, *, drop: bool
    ) -> None:
        self._merge = merge
        self._key = key
        self._turn = turn
        self._ready = ready
        self._drop = drop
        self._dropped = 0
        self._space = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether what it has handed on must go out before there may be more."""
        merge, key = self._merge, self._key
        return merge.waiting(key) >= QUEUE or merge.waiting_size(key) >= QUEUE_SIZE

    def make_room(self) -> None:
        """Say that something has gone out."""
        if not self._space.is_set() and not self.full:
            self._space.set()

    def push(self, items: list[Item], size: int = 0) -> None:
        """Take items at once."""
        if items:
            self._merge.push(self._key, items, size)
            self._ready.set()

    async def deliver(self, items: list[Item], size: int = 0) -> None:
        """Take items; wait until there is room for more, unless what is too much is dropped."""
        if self._drop:
            self._push_or_drop(items, size)
            # The reader is not waited for, but it must get its turn.
            await asyncio.sleep(0)
            return
        self.push(items, size)
        while self.full:
            self._turn.leave()
            self._space.clear()
            await self._space.wait()

    def _push_or_drop(self, items: list[Item], size: int) -> None:
        if not self.full:
            if items:
                self.tell_dropped(items[0].container)
            self.push(items, size)
            return
        marks: list[Item] = [item for item in items if not isinstance(item, Line)]
        self._dropped += len(items) - len(marks)
        self.push(marks)

    def tell_dropped(self, container: ContainerRef) -> None:
        """Say how many lines were dropped, where the next ones go on."""
        if self._dropped:
            self.push([Dropped(container, None, self._dropped)])
            self._dropped = 0


class Merged(ABC):
    """Readers that are merged by time: iterate over it for batches, over ``lines`` for items."""

    def __init__(
        self, *, window_ns: int, wanted: LineFilter | None = None, overflow: Overflow = "wait"
    ) -> None:
        self._merge = Merge(window_ns)
        self._wanted = wanted
        self._drop = overflow == "drop"
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._channels: dict[str, Channel] = {}
        self._opening = asyncio.Semaphore(CONNECTIONS)
        self._failure: BaseException | None = None
        self._skew_ns = 0
        self._name: Hashable = None  # of these readers, where others share the merge
        self._excused = False  # whether the others wait for the histories of these
        self._begun = False
        self._entered = False
        self._found: list[tuple[ContainerRef, bool]] = []

    async def __aenter__(self) -> Self:
        self._entered = True
        try:
            await self._begin_once()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all that is being read."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def found(self) -> list[ContainerRef]:
        """The containers that were chosen at the start, also where their log has ended since."""
        return [ref for ref, _ in self._found]

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that did not run then."""
        return [ref for ref, running in self._found if not running]

    def __aiter__(self) -> AsyncIterator[list[Item]]:
        return self._batches()

    async def _batches(self) -> AsyncGenerator[list[Item], None]:
        try:
            await self._begin_once()
            while True:
                self._ready.clear()
                items = self._merge.pop(time.time_ns())
                if items:
                    self._make_room()
                    if self._wanted is not None:
                        items = self._wanted.apply(items)
                    if items:
                        yield items
                    continue
                if (failure := self._broken()) is not None:
                    raise failure
                if not self._reading():
                    return
                due = self._merge.due_ns()
                wait = None if due is None else max(due - time.time_ns(), 0) / 1e9
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._ready.wait()
        finally:
            # Whoever has not entered it has no other way to end it than to leave the loop.
            if not self._entered:
                await self.aclose()

    async def lines(self) -> AsyncIterator[Item]:
        """Iterate over single items."""
        async with aclosing(self._batches()) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    @abstractmethod
    async def _begin(self) -> None:
        """Find what is to be read, and open it."""

    async def _begin_once(self) -> None:
        if not self._begun:
            self._begun = True
            await self._begin()

    def _make_room(self) -> None:
        for channel in self._channels.values():
            channel.make_room()

    def _broken(self) -> BaseException | None:
        """Return why there will be no more."""
        return self._failure

    def _reading(self) -> bool:
        """Tell whether there may be more."""
        return bool(self._tasks)

    def _now(self) -> int:
        """Return the time by the engine's clock."""
        return time.time_ns() + self._skew_ns

    def _open_channel(self, key: str) -> tuple[Channel, Turn]:
        turn = Turn(self._opening)
        shared = self._name, key
        channel = Channel(self._merge, shared, turn, self._ready, drop=self._drop)
        self._merge.open(shared, self._skew_ns)
        self._merge.set_live(shared, self._excused)
        self._channels[key] = channel
        return channel, turn

    def _set_live(self, key: str, live: bool) -> None:
        self._merge.set_live((self._name, key), live)
        self._ready.set()  # others may have waited for it

    def _excuse(self) -> None:
        """Let the others go on, whatever histories of these are still to come."""
        self._excused = True
        for key in self._channels:
            self._set_live(key, True)

    def _close_channel(self, key: str) -> None:
        self._channels.pop(key, None)
        self._merge.close((self._name, key))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
        self._ready.set()

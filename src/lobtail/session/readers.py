"""Read many logs at a time into one merge, none of them running ahead."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Hashable, Mapping
from typing import Any, Final, Literal, TypeAlias

from lobtail.errors import LobtailError
from lobtail.follow.position import Positions, Reached
from lobtail.follow.slots import Slot
from lobtail.model.items import ContainerRef, Dropped, Item, Line
from lobtail.session.merge import Merge

__all__ = ["CONNECTIONS", "Overflow", "Readers", "SourceQueue", "SteadyClock"]

# Containers whose history is opened at the same time; the rest wait for their turn.
CONNECTIONS: Final = 16
# Items, and bytes, of one container that wait for the merge before its reader pauses.
QUEUE: Final = 2000
QUEUE_SIZE: Final = 4 << 20

Overflow: TypeAlias = Literal["wait", "drop"]


class SteadyClock:
    """The time of day as of its making, gone on from there: steps of the clock do not show."""

    def __init__(self) -> None:
        self._began_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        return self._began_ns + time.monotonic_ns()


class SourceQueue:
    """What one follower hands on, on its way into the merge."""

    def __init__(
        self,
        merge: Merge,
        clock: SteadyClock,
        key: Hashable,
        slot: Slot,
        ready: asyncio.Event,
        *,
        drop: bool,
    ) -> None:
        self._merge = merge
        self._clock = clock
        self._key = key
        self._slot = slot
        self._ready = ready
        self._drop = drop
        self._dropped = 0
        self._space = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether what it has handed on must go out before there may be more."""
        merge, key = self._merge, self._key
        return merge.waiting(key) >= QUEUE or merge.waiting_size(key) >= QUEUE_SIZE

    def set_live(self, live: bool = True) -> None:
        """Say whether the history has been handed on: others are not held up by it then."""
        self._merge.set_live(self._key, live)
        self._ready.set()  # others may have waited for it

    def make_room(self) -> None:
        """Say that something has gone out."""
        if not self._space.is_set() and not self.full:
            self._space.set()

    def push(self, items: list[Item], size: int = 0) -> None:
        """Take items at once."""
        if items:
            self._merge.push(self._key, items, size, now_ns=self._clock.now_ns())
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
            self._merge.hurry(self._key, self._clock.now_ns())
            self._ready.set()
            self._slot.leave()
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

    @property
    def first_waiting_ns(self) -> int | None:
        """The time of the first item that has not gone out; None without one."""
        return self._merge.first_waiting_ns(self._key)

    def tell_dropped(self, container: ContainerRef) -> None:
        """Say how many lines were dropped, where the next ones go on."""
        if self._dropped:
            self.push([Dropped(container, None, self._dropped)])
            self._dropped = 0


class Readers(ABC):
    """The readers of some logs, with the merge that they read into; ``Merged`` is what is read.

    Several of them can have one merge: ``several`` is made of such.
    """

    def __init__(self, merge: Merge, *, overflow: Overflow = "wait") -> None:
        self.merge = merge
        self.clock = SteadyClock()
        """By which the merge waits."""
        self.ready = asyncio.Event()
        """Set when something has come, or nothing more will."""
        self.until_stopped = False
        """Whether there is no more once all that was chosen is ``at_rest``."""
        self.found: list[tuple[ContainerRef, bool]] = []
        """The containers that were chosen at the start, and whether they ran then."""
        self._drop = overflow == "drop"
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels: dict[str, SourceQueue] = {}
        self._opening = asyncio.Semaphore(CONNECTIONS)
        self._failure: BaseException | None = None
        self._broken: LobtailError | None = None  # of a single log
        self._skew_ns = 0
        self._name: Hashable = None  # of these readers, where others share the merge
        self.positions: Positions | None = None
        """Where an earlier reader had got to, and how far items have been taken since."""
        self._excused = False  # whether the others wait for the histories of these

    @abstractmethod
    async def begin(self) -> None:
        """Find what is to be read, and open it."""

    async def aclose(self) -> None:
        """End all that is being read."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def failure(self) -> BaseException | None:
        """Why there will be no more; None where nothing failed.

        One log that cannot be read to its end is no reason before the others have been.
        """
        return self._failure or (None if self.reading else self._broken)

    @property
    def reading(self) -> bool:
        """Whether there may be more."""
        return bool(self._tasks)

    @property
    def at_rest(self) -> bool:
        """Whether all that was chosen so far has ended, if anything was, and stays so."""
        return False

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:  # noqa: ARG002
        """Return how far each log is read, whether or not anything of it was taken.

        ``handed_out`` has the time of the first item that was handed out and not taken, by the ID.
        """
        return []

    def make_room(self) -> None:
        """Say that something has gone out."""
        for channel in self._channels.values():
            channel.make_room()

    def excuse(self, excused: bool) -> None:
        """Let others in the merge go on, whatever histories of these are still to come; or not."""
        self._excused = excused
        if excused:
            for channel in self._channels.values():
                channel.set_live()

    # --- for those who derive from it -------------------------------------------------------

    def _now(self) -> int:
        """Return the time by the engine's clock."""
        return time.time_ns() + self._skew_ns

    def _open_channel(self, key: str) -> tuple[SourceQueue, Slot]:
        slot = Slot(self._opening)
        shared = self._name, key
        channel = SourceQueue(self.merge, self.clock, shared, slot, self.ready, drop=self._drop)
        self.merge.open(shared, self._skew_ns)
        self.merge.set_live(shared, self._excused)
        self._channels[key] = channel
        return channel, slot

    def _close_channel(self, key: str) -> None:
        self._channels.pop(key, None)
        self.merge.close((self._name, key))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
        self.ready.set()

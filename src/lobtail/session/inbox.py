"""What has been read of the logs of a stream and not been taken yet, none of it running ahead."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from lobtail.follow.slots import Slot
from lobtail.model.entries import expand
from lobtail.model.items import ContainerRef, Dropped, Item, Line
from lobtail.session.merge import Merge

if TYPE_CHECKING:
    from lobtail.entries.grouper import Grouper

__all__ = ["CONNECTIONS", "Inbox", "Overflow", "SourceQueue", "SteadyClock"]

# Logs of one session whose history is opened at the same time; the rest wait for their turn.
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


class Inbox:
    """Where all that is read for one stream arrives, and is merged by time.

    ``window_ns`` is how long a live line may wait for older ones. With ``overflow`` "drop", a queue
    that is full leaves lines out rather than to make its reader wait. With a ``grouper``, lines
    that belong together are taken as one.
    """

    def __init__(
        self,
        window_ns: int,
        *,
        overflow: Overflow = "wait",
        grouper: Grouper | None = None,
        clock: SteadyClock | None = None,
    ) -> None:
        self.arrived = asyncio.Event()
        """Set when something has come, or something else that the stream waits for has happened."""
        self.clock = SteadyClock() if clock is None else clock
        self.merge = Merge(window_ns)
        self.grouper = grouper
        self.drops = overflow == "drop"
        self.queues: set[SourceQueue] = set()
        """Those that are open."""

    def open(self, slot: Slot, *, skew_ns: int = 0, live: bool = False) -> SourceQueue:
        """Open a queue for a log, whose reader holds ``slot`` while it reads history.

        ``skew_ns`` is how far the clock of its engine is ahead of ours. Unless it is ``live``, all
        others wait for its history.
        """
        queue = SourceQueue(self, slot)
        self.merge.open(queue, skew_ns)
        self.merge.set_live(queue, live)
        self.queues.add(queue)
        return queue

    def take(self, *, last: bool = False) -> list[Item]:
        """Return the items whose turn it is; nothing if none is due.

        ``last`` says that nothing more arrives, so that no line waits for others to continue it.
        """
        self.arrived.clear()
        now_ns = self.clock.now_ns()
        items = self.merge.pop(now_ns)
        if items:
            for queue in self.queues:
                queue.make_room()
        if self.grouper is None:
            return expand(items)
        items = self.grouper.feed(items, now_ns, held=self.merge.reads_history)
        return items + self.grouper.flush() if last and not self.merge.pending else items

    @property
    def pending(self) -> bool:
        """Whether any item has not been taken."""
        return self.merge.pending or (
            self.grouper is not None and self.grouper.due_ns() is not None
        )

    @property
    def merged(self) -> list[Item]:
        """The lines and marks that have had their turn, but wait for others to continue them."""
        return [] if self.grouper is None else self.grouper.waiting()

    @property
    def due_in(self) -> float | None:
        """Seconds until something is due; None if that depends on what arrives."""
        dues = [self.merge.due_ns()]
        if self.grouper is not None and not self.merge.reads_history:
            dues.append(self.grouper.due_ns())
        due = min((each for each in dues if each is not None), default=None)
        return None if due is None else max(due - self.clock.now_ns(), 0) / 1e9


class SourceQueue:
    """What one log hands on, on its way into the merge."""

    def __init__(self, inbox: Inbox, slot: Slot) -> None:
        self._inbox = inbox
        self._merge = inbox.merge
        self._slot = slot
        self._dropped = 0
        self._space = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether what it has handed on must go out before there may be more."""
        merge = self._merge
        return merge.waiting(self) >= QUEUE or merge.waiting_size(self) >= QUEUE_SIZE

    @property
    def first_waiting_ns(self) -> int | None:
        """The time of the first item that has not gone out; None without one."""
        return self._merge.first_waiting_ns(self)

    def set_live(self, live: bool = True) -> None:
        """Say whether the history has been handed on: others are not held up by it then."""
        self._merge.set_live(self, live)
        self._inbox.arrived.set()  # others may have waited for it

    def make_room(self) -> None:
        """Say that something has gone out."""
        if not self._space.is_set() and not self.full:
            self._space.set()

    def push(self, items: list[Item], size: int = 0) -> None:
        """Take items at once."""
        if items:
            self._merge.push(self, items, size, now_ns=self._inbox.clock.now_ns())
            self._inbox.arrived.set()

    async def deliver(self, items: list[Item], size: int = 0) -> None:
        """Take items; wait until there is room for more, unless what is too much is dropped."""
        if self._inbox.drops:
            self._push_or_drop(items, size)
            # The reader is not waited for, but it must get its turn.
            await asyncio.sleep(0)
            return
        self.push(items, size)
        while self.full:
            self._merge.hurry(self, self._inbox.clock.now_ns())
            self._inbox.arrived.set()
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

    def tell_dropped(self, container: ContainerRef) -> None:
        """Say how many lines were dropped, where the next ones go on."""
        if self._dropped:
            self.push([Dropped(container, None, self._dropped)])
            self._dropped = 0

    def close(self) -> None:
        """Say that there is no more; what was handed on still goes out in its turn."""
        self._inbox.queues.discard(self)
        self._merge.close(self)
        self._inbox.arrived.set()

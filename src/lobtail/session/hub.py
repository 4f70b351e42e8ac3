"""One reading, many subscribers: each with its own selection, filter, pace and position.

The hub reads a tail and keeps the newest items in a ring that is bounded in bytes. Subscribers take
from the ring, each where it stands. Who is so slow that items fall out of the ring before they are
taken gets ``Dropped`` marks in their place, which count the lines exactly; marks are not dropped.
Nobody waits for a slow subscriber, but where all are slow the reading waits for the first of them,
and so does the engine: then nothing is dropped at all.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from lobtail.errors import ConfigError
from lobtail.model.items import ContainerRef, Dropped, Gap, Item, Line, Mark, Removed

if TYPE_CHECKING:
    from lobtail.query.filter import LineFilter
    from lobtail.query.selection import ContainerSelection

__all__ = ["SIZE", "Hub", "Readable", "Subscription"]

SIZE: Final = 64 << 20
"""Bytes that a hub keeps, unless it is told otherwise."""

# What an item costs beside its bytes: the struct, the header of the bytes, its place in the list.
OVERHEAD: Final = 180
# The ring is dropped from in so many pieces.
PIECES: Final = 16
# Marks that are kept for a subscriber which they fell out of the ring for.
MOST_MARKS: Final = 1000

MARKS_LOST: Final = "the reader was too slow, and marks were left out"
POSITION_LOST: Final = "lines since that position are held no more"

_Key: TypeAlias = tuple[str, str]


class Readable(Protocol):
    """What a hub reads: a ``Tail``."""

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""

    async def __aenter__(self) -> object:
        """Begin to read."""

    def batches(self) -> AsyncGenerator[list[Item], None]:
        """Iterate over lists of items."""

    async def aclose(self) -> None:
        """End all that is being read."""


class _Piece:
    """A piece of the ring; the newest one still grows."""

    __slots__ = ("first", "items", "offset", "size")

    def __init__(self, first: int, offset: int) -> None:
        self.first = first
        """The number of its first item, counted since the hub began."""
        self.offset = offset
        """The bytes of all items before it."""
        self.items: list[Item] = []
        self.size = 0


class Hub:
    """Reads ``tail`` for many, and keeps its newest ``size`` bytes of items.

    ::

        async with Hub(engine.tail()) as hub:
            async with hub.subscribe(newest=100) as subscription:
                async for item in subscription:
                    print(item)
    """

    def __init__(self, tail: Readable, *, size: int = SIZE) -> None:
        self._tail = tail
        self._size = size
        self._pieces = deque((_Piece(0, 0),))
        self._first = 0  # the number of the oldest piece
        self._subscriptions: set[Subscription] = set()
        self._fallen: dict[_Key, tuple[ContainerRef, int]] = {}
        """The number of the last line of each container that fell out of the ring."""
        self._room = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.failure: Exception | None = None
        """Why the tail ended, if it failed."""
        self.is_over = False
        """Whether the tail has ended."""

    async def __aenter__(self) -> Self:
        await self._tail.__aenter__()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the reading, and with it all subscriptions."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._tail.aclose()

    def subscribe(
        self,
        selection: ContainerSelection | None = None,
        wanted: LineFilter | None = None,
        *,
        newest: int | None = 0,
        since: int | None = None,
    ) -> Subscription:
        """Return a new subscription to the containers that ``selection`` chooses; None for all.

        ``wanted`` must be its own: filters with context remember lines. It begins with the
        ``newest`` lines that are held and wanted, or with None with all that is held; or where a
        subscription stood whose ``position`` was ``since``.

        Raises:
            ConfigError: nothing has come yet of what is before that position.
        """
        if selection is not None:
            selection = selection.settle(self._tail.containers)
        subscription = Subscription(self, selection, wanted)
        subscription.begin(self._pieces, self._first, newest=newest, since=since)
        if since is not None:
            fallen = (ref for ref, last in self._fallen.values() if last >= since)
            subscription.miss_from(fallen)
        self._subscriptions.add(subscription)
        self.make_room()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give a subscription nothing more."""
        self._subscriptions.discard(subscription)
        self.make_room()

    # --- the ring ---------------------------------------------------------------------------

    def piece(self, number: int) -> _Piece:
        """Return a piece that is held."""
        return self._pieces[number - self._first]

    def has_piece(self, number: int) -> bool:
        """Tell whether there is such a piece already."""
        return number < self._first + len(self._pieces)

    def make_room(self) -> None:
        """Say that a subscription has taken something, has come, or has gone."""
        self._room.set()

    @property
    def _end(self) -> int:
        """The bytes of all items since the hub began."""
        newest = self._pieces[-1]
        return newest.offset + newest.size

    async def _read(self) -> None:
        try:
            async with aclosing(self._tail.batches()) as batches:
                async for batch in batches:
                    for _ in self._add(batch):
                        self._tell()
                        # Subscribers have their turn also where there is always more to read.
                        await asyncio.sleep(0)
                        while self._all_are_slow:
                            self._room.clear()
                            await self._room.wait()
        except Exception as exc:
            self.failure = exc
        finally:
            self.is_over = True
            self._tell()

    @property
    def _all_are_slow(self) -> bool:
        half = self._end - self._size // 2
        return bool(self._subscriptions) and all(s.offset < half for s in self._subscriptions)

    def _tell(self) -> None:
        for subscription in self._subscriptions:
            subscription.news.set()

    def _add(self, batch: list[Item]) -> Iterator[None]:
        """Add items; stop behind each piece, for a batch may be larger than the ring."""
        piece, most = self._pieces[-1], self._size // PIECES
        for item in batch:
            if piece.size >= most:
                yield
                self._pieces.append(_Piece(piece.first + len(piece.items), self._end))
                piece = self._pieces[-1]
                self._drop()
            piece.items.append(item)
            piece.size += OVERHEAD + (len(item.raw) if isinstance(item, Line) else 0)
        self._drop()
        yield

    def _drop(self) -> None:
        while self._end - self._pieces[0].offset > self._size and len(self._pieces) > 1:
            for subscription in self._subscriptions:
                subscription.skip(self._first)
            for number, item in enumerate(self._pieces[0].items, self._pieces[0].first):
                if isinstance(item, Line):
                    self._fallen[_key(item)] = item.container, number
                elif isinstance(item, Removed):
                    self._fallen.pop(_key(item), None)
            self._pieces.popleft()
            self._first += 1


class Subscription:
    """What one subscriber is given; ``Hub.subscribe`` makes it.

    Iterate over it for items, over ``batches()`` for lists. It ends, or fails, as the tail does.
    """

    def __init__(
        self, hub: Hub, selection: ContainerSelection | None, wanted: LineFilter | None
    ) -> None:
        self.news = asyncio.Event()
        """Set when there is more to take, or no more will come."""
        self._hub = hub
        self._selection = selection
        self._wanted = wanted
        self._chosen: dict[int, tuple[ContainerRef, bool]] = {}  # by id(), of objects it keeps
        self._piece = 0  # where it stands
        self._place = 0
        self._missed: list[Item] = []
        """What stands for items that fell out of the ring before they were taken."""
        self._last_missed: dict[_Key, int] = {}  # where the last of each container is in it
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End it: an iteration ends with what it has been given."""
        self._is_closed = True
        self._hub.unsubscribe(self)
        self.news.set()

    @property
    def position(self) -> int:
        """Where it stands, for ``since``: the last batch, or that of the last item, is taken."""
        return self._hub.piece(self._piece).first + self._place

    @property
    def offset(self) -> int:
        """The bytes of the items before the piece where it stands; all if it has taken all."""
        piece = self._hub.piece(self._piece)
        return piece.offset + (piece.size if self._place == len(piece.items) else 0)

    async def __aiter__(self) -> AsyncIterator[Item]:
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    async def batches(self) -> AsyncGenerator[list[Item], None]:
        """Iterate over lists of items, never empty."""
        hub = self._hub
        while not self._is_closed:
            self.news.clear()
            if (taken := self._take()) is not None:
                hub.make_room()
                if taken:
                    yield taken
            elif not hub.is_over:
                await self.news.wait()
            elif hub.failure is not None:
                raise hub.failure
            else:
                return

    def _take(self) -> list[Item] | None:
        """Return what is wanted of the next items; None if there are none."""
        if self._missed:
            missed, self._missed = self._missed, []
            self._last_missed.clear()
            return missed
        hub, piece = self._hub, self._hub.piece(self._piece)
        if self._place == len(piece.items):
            if not hub.has_piece(self._piece + 1):
                return None
            self._piece, self._place = self._piece + 1, 0
            return []
        items = piece.items[self._place :]
        self._place = len(piece.items)
        if self._selection is not None:
            items = [item for item in items if self._chooses(item.container)]
        if self._wanted is not None:
            wanted = self._wanted.apply(items)
            for item in items:
                if isinstance(item, Removed):
                    self._wanted.forget(item.container)
            items = wanted
        return items

    def _chooses(self, container: ContainerRef) -> bool:
        if self._selection is None or not container.id:  # what is said of an engine is for all
            return True
        known = self._chosen.get(id(container))
        if known is None:
            if len(self._chosen) > MOST_MARKS:
                self._chosen.clear()
            known = self._chosen[id(container)] = container, self._selection.matches(container)
        return known[1]

    # --- for the hub ------------------------------------------------------------------------

    def begin(
        self, pieces: deque[_Piece], first: int, *, newest: int | None, since: int | None
    ) -> None:
        """Stand where it is to begin."""
        self._piece, self._place = first, 0
        if since is not None:
            self._begin_at(pieces, first, since)
        elif newest is not None:
            self._begin_before_end(pieces, first, newest)

    def _begin_at(self, pieces: deque[_Piece], first: int, since: int) -> None:
        newest = pieces[-1]
        if since > newest.first + len(newest.items):
            raise ConfigError(f"{since} is no position of this hub")
        for number, piece in enumerate(pieces, first):
            if piece.first <= since:
                self._piece, self._place = number, since - piece.first

    def _begin_before_end(self, pieces: deque[_Piece], first: int, count: int) -> None:
        number = first + len(pieces)
        for piece in reversed(pieces):
            number -= 1
            if piece is pieces[-1]:
                self._piece, self._place = number, len(piece.items)
            for place in reversed(range(len(piece.items))):
                if not count:
                    return
                item = piece.items[place]
                self._piece, self._place = number, place
                if isinstance(item, Line) and self._chooses(item.container):
                    count -= self._wanted is None or self._wanted.matches(item)

    def skip(self, number: int) -> None:
        """Give up what was not taken of a piece, which is about to be dropped."""
        if self._piece == number:
            items = self._hub.piece(number).items[self._place :]
            self._piece, self._place = number + 1, 0
            self.miss(item for item in items if self._chooses(item.container))

    def miss(self, items: Iterable[Item]) -> None:
        """Count lines that cannot be given, and hold marks."""
        for item in items:
            key = _key(item)
            last = self._last_missed.get(key)
            if isinstance(item, Line):
                if last is None and self._wanted is not None:
                    self._wanted.forget(item.container)  # its context is gone
                before = None if last is None else self._missed[last]
                if last is not None and isinstance(before, Dropped):
                    self._missed[last] = Dropped(item.container, None, before.count + 1)
                    continue
                self._hold(key, Dropped(item.container, None, 1))
            else:
                self._hold(key, item)
        if len(self._missed) > MOST_MARKS + 2 * len(self._last_missed):
            self._squash()

    def miss_from(self, containers: Iterable[ContainerRef]) -> None:
        """Say that lines of containers are held no more."""
        self.miss(Gap(ref, None, POSITION_LOST) for ref in containers if self._chooses(ref))

    def _hold(self, key: _Key, item: Item) -> None:
        self._last_missed[key] = len(self._missed)
        self._missed.append(item)

    def _squash(self) -> None:
        """Keep of each container only how many lines are missing, and whether marks are."""
        missed, self._missed = self._missed, []
        self._last_missed.clear()
        counts: Counter[_Key] = Counter()
        refs: dict[_Key, ContainerRef] = {}
        marked: set[_Key] = set()
        for item in missed:
            refs[_key(item)] = item.container
            if isinstance(item, Dropped):
                counts[_key(item)] += item.count
            else:
                marked.add(_key(item))
        for key, ref in refs.items():
            if key in marked:
                self._hold(key, Gap(ref, None, MARKS_LOST))
            if counts[key]:
                self._hold(key, Dropped(ref, None, counts[key]))


def _key(item: Line | Mark) -> _Key:
    return item.container.host, item.container.id

"""Hold a window of a log: all items between two moments, bounded in number and in bytes.

Items have numbers that rise by one from the oldest to the newest and never change, also when older
ones are put in front (those get smaller numbers, below 0 as well) or others are dropped. So
whoever remembers a number still means the same item, or finds that it is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lobtail.model.entries import Entry
from lobtail.model.items import Dropped, Gap, Item, Line, level_of
from lobtail.model.levels import Level

__all__ = ["LOSS", "MARK", "MAX_BYTES", "MAX_ITEMS", "RANK", "Store"]

MAX_ITEMS: Final = 200_000
MAX_BYTES: Final = 128 << 20

# What an item costs beside its bytes: the struct, the header of the bytes, its place in the list.
OVERHEAD: Final = 180

# A batch more must not push out what somebody reads.
_FULL: Final = 0.95

# The bytes of ``levels``: a tenth of ``Level``, and above all levels the marks.
MARK: Final = 7
LOSS: Final = 8  # a mark that says that lines are missing

RANK: Final = {level: level // 10 for level in Level}


class Store:
    """The items of a window of a log, and how grave each is."""

    def __init__(self, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.items: list[Item] = []
        self.levels = bytearray()
        self.first = 0
        """The number of the oldest item."""
        self.size = 0
        """About how many bytes of memory they take."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def end(self) -> int:
        """The number behind that of the newest item."""
        return self.first + len(self.items)

    @property
    def full(self) -> bool:
        """Whether there is room for little more."""
        return len(self.items) >= self.max_items * _FULL or self.size >= self.max_bytes * _FULL

    def item(self, number: int) -> Item:
        """Return the item with this number; IndexError if it is not held."""
        if number < self.first:
            raise IndexError(number)
        return self.items[number - self.first]

    def level(self, number: int) -> int:
        """Return how grave the item with this number is: a tenth of its level, MARK or LOSS."""
        return self.levels[number - self.first]

    def append(self, items: Sequence[Item]) -> None:
        """Add newer items. The caller drops what is too much."""
        self.items += items
        self.levels += bytes(map(_rank, items))
        self.size += _size(items)

    def prepend(self, items: Sequence[Item]) -> None:
        """Add older items in front. The caller drops what is too much."""
        self.items[:0] = items
        self.levels[:0] = bytes(map(_rank, items))
        self.first -= len(items)
        self.size += _size(items)

    def replace(self, held: Item, item: Item) -> int:
        """Put an item in the place of one that is held, near the oldest; return its number."""
        index = next(i for i, each in enumerate(self.items) if each is held)
        self.size += _size([item]) - _size([held])
        self.items[index] = item
        self.levels[index] = _rank(item)
        return self.first + index

    def excess(self, *, newest: bool = False) -> int:
        """Return how many items are to be dropped, from the newest or the oldest on.

        Some more than need be, so that the next few items cost nothing.
        """
        if len(self.items) <= self.max_items and self.size <= self.max_bytes:
            return 0
        count = max(0, len(self.items) - self.max_items + self.max_items // 50)
        over = self.size - self.max_bytes + self.max_bytes // 50
        if self.size <= self.max_bytes:
            return count
        order = reversed(self.items) if newest else iter(self.items)
        for dropped, item in enumerate(order):
            if over <= 0:
                return max(count, dropped)
            over -= _size([item])
        return len(self.items)

    def drop_oldest(self, count: int) -> None:
        """Forget so many of the oldest items."""
        self.size -= _size(self.items[:count])
        del self.items[:count]
        del self.levels[:count]
        self.first += count

    def drop_newest(self, count: int) -> None:
        """Forget so many of the newest items."""
        if count:
            self.size -= _size(self.items[-count:])
            del self.items[-count:]
            del self.levels[-count:]

    def time(self, number: int) -> int | None:
        """Return the time of an item, or of the nearest one before it that has one."""
        for at in range(min(number, self.end - 1) - self.first, -1, -1):
            found = self.items[at].time_ns
            if found is not None:
                return found
        return None

    def number_at(self, time_ns: int) -> int:
        """Return the number of the first item at or behind a time; ``end`` if all are before it.

        Times of a log rise but for small inversions, within which any answer is good.
        """
        low, high = self.first, self.end
        while low < high:
            middle = (low + high) // 2
            found = self.time(middle)  # of the one before, where it has none
            if found is None or found < time_ns:
                low = middle + 1
            else:
                high = middle
        return low


def _rank(item: Item) -> int:
    if isinstance(item, Line):
        return level_of(item) // 10
    return LOSS if isinstance(item, Gap | Dropped) else MARK


def _size(items: Sequence[Item]) -> int:
    size = sum([len(item.raw) if isinstance(item, Line) else 0 for item in items])
    # Of an entry its lines are kept, too.
    lines = [line for item in items if type(item) is Entry for line in item.lines]
    return size + sum([len(line.raw) for line in lines]) + OVERHEAD * (len(items) + len(lines))

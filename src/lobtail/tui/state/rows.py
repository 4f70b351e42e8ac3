"""Keep up which items of a store are wanted, without ever looking at all of them at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import compress
from typing import TypeAlias

from lobtail.model.items import Item
from lobtail.tui.state.store import Store

__all__ = ["Rows", "Test"]

Test: TypeAlias = Callable[[Item, int], bool]
"""Tell whether an item is wanted, given how grave it is (``Store.levels``)."""


class Rows:
    """The numbers of the items that pass a test, in order; of all items without one.

    The test is made in slices, newest items first: ``scan`` until it returns False. Until then the
    rows end where it has got to.
    """

    def __init__(self, store: Store, test: Test | None) -> None:
        self._store = store
        self._test = test
        self._numbers: list[int] = []
        self._levels = bytearray()
        # What has been looked at, as numbers of the store.
        self._from = self._to = store.end

    def __len__(self) -> int:
        return len(self._numbers) if self._test else len(self._store)

    @property
    def levels(self) -> bytearray:
        """How grave each row is."""
        return self._levels if self._test else self._store.levels

    @property
    def complete(self) -> bool:
        """Whether all that the store holds has been looked at."""
        store = self._store
        return self._test is None or (self._from <= store.first and self._to >= store.end)

    def has_reached(self, number: int) -> bool:
        """Tell whether an item, and all behind it, have been looked at."""
        return self._test is None or self._from <= number or self.complete

    def number(self, index: int) -> int:
        """Return the number of the item in this row."""
        return self._numbers[index] if self._test else self._store.first + index

    def index(self, number: int) -> int:
        """Return the row of an item, or of the next one behind it that is wanted."""
        if self._test:
            return bisect_left(self._numbers, number)
        return min(max(number - self._store.first, 0), len(self._store))

    def holds(self, number: int) -> bool:
        """Tell whether an item has a row."""
        index = self.index(number)
        return index < len(self) and self.number(index) == number

    def scan(self, most: int) -> bool:
        """Look at up to so many items; tell whether there are more."""
        if self._test is None:
            return False
        store = self._store
        stop = min(store.end, self._to + most)
        if stop > self._to:  # newer ones first: they are what is shown
            numbers, levels = self._passing(self._to, stop)
            self._numbers += numbers
            self._levels += levels
            most -= stop - self._to
            self._to = stop
        start = max(store.first, self._from - most)
        if start < self._from:
            numbers, levels = self._passing(start, self._from)
            self._numbers[:0] = numbers
            self._levels[:0] = levels
            self._from = start
        return not self.complete

    def look_again(self, number: int) -> None:
        """See whether an item is wanted that was put in the place of another."""
        if self._test is None or not self._from <= number < self._to:
            return
        index, level = bisect_left(self._numbers, number), self._store.level(number)
        if self.holds(number):
            del self._numbers[index]
            del self._levels[index]
        if self._test(self._store.item(number), level):
            self._numbers.insert(index, number)
            self._levels.insert(index, level)

    def fit(self) -> None:
        """Forget the rows of items that the store has dropped."""
        store = self._store
        if self._from < store.first:
            gone = bisect_left(self._numbers, store.first)
            del self._numbers[:gone]
            del self._levels[:gone]
            self._from = store.first
            self._to = max(self._to, store.first)
        if self._to > store.end:
            kept = bisect_left(self._numbers, store.end)
            del self._numbers[kept:]
            del self._levels[kept:]
            self._to = store.end
            self._from = min(self._from, store.end)

    def _passing(self, start: int, stop: int) -> tuple[list[int], bytes]:
        store, test = self._store, self._test
        assert test is not None
        low, high = start - store.first, stop - store.first
        levels = bytes(store.levels[low:high])
        passed = list(map(test, store.items[low:high], levels))
        return list(compress(range(start, stop), passed)), bytes(compress(levels, passed))

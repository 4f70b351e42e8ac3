"""The log that is looked at: its window of items, the filter, the search, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from lobtail.entries.grouper import MAX_LINES, WAIT_NS
from lobtail.follow.position import Positions
from lobtail.model.entries import Entry, cut_out, expand
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from lobtail.model.timestamps import Zone
from lobtail.query.patterns import Pattern
from lobtail.query.query import Query
from lobtail.query.terms import patterns_of
from lobtail.session.pages import Beginning, Page, overlap_ns, whole_seconds_in
from lobtail.tui.state.filters import Filter, find_test
from lobtail.tui.state.rows import Rows, Test
from lobtail.tui.state.store import MARK, Store

__all__ = ["ALL", "Ending", "Log", "is_error", "is_mark"]

# How many items one look of the filter or the search takes: about 5 ms.
SLICE: Final = 2000
# How long after its head the last line of an entry may have been written.
_LONGEST_NS: Final = MAX_LINES * WAIT_NS
# A number that no item has.
ALL: Final = 1 << 62


class Ending(NamedTuple):
    """Where the window ends, as ``Engine.tail`` takes it to go on behind it."""

    position: bytes
    since: int


class Log:
    """A window of the log of some containers, and which of its lines are shown.

    Within the window nothing is missing: every line of the containers since ``since_ns`` that the
    engine has told of. The page before its ``beginning`` can be put in front (``add_older``).
    Behind its ``ending`` comes what is read now (``add``), unless the newest lines were dropped
    to make room (``detached``).
    """

    def __init__(self, store: Store | None = None) -> None:
        self.store = Store() if store is None else store
        self.filter = Filter()
        self.pattern: Pattern | None = None
        """What is searched."""
        self.query: Query | None = None
        """The filter's query, which an engine or files can be searched for as well."""
        self.whole_from: int | None = None
        """The number of the first item behind which all lines are held; before it only those that
        pass the filter. None where all are held, ``ALL`` where no more than those are."""
        self._whole_since_ns: int | None = None
        self._test: Test | None = None
        self.rows = Rows(self.store, None)
        """What is shown."""
        self.hits: Rows | None = None
        """The rows in which the search finds something; None without one."""
        self.since_ns: int | None = None
        """From when on the window is whole; None where it begins with the first line there is."""
        self.detached = False
        """Whether lines behind the window have been dropped, so that others cannot follow it."""
        self.dropped = 0
        """How many older lines were let go of to make room for newer ones."""
        self.live_ns = 0
        """From when on a line was not yet written when reading began."""
        self.received = 0
        """How many lines have come that were written since ``live_ns``."""
        self._whole_seconds = False  # whether a stamp of a line has had no fraction
        self._out: set[str] = set()
        self._err: set[str] = set()
        self.both: frozenset[str] = frozenset()
        """The IDs of the containers that have written to both streams."""
        self.generation = 0
        """Rises when the window is emptied: what belonged to an earlier one is void."""

    # --- what comes in --------------------------------------------------------------------

    def clear(self) -> None:
        """Forget all items; filter and search stay."""
        self.store.drop_oldest(len(self.store))
        self._fit()
        self.since_ns = None
        self.detached = False
        self.dropped = 0
        self.whole_from = None
        self._whole_seconds = False
        self._out, self._err, self.both = set(), set(), frozenset()
        self.generation += 1

    def begin_filtered(self) -> None:
        """Say that only lines that pass the filter are going to come; it must be empty."""
        self.whole_from = ALL

    def add(self, items: Sequence[Item]) -> None:
        """Take what was written behind the window, dropping the oldest if need be."""
        self.store.append(items)
        self._note(items)
        self.received += self._live(items)
        excess = self.store.excess()
        if excess:
            gone = self._drop_oldest(excess)
            self.dropped += excess
            if self.whole_from is not None and self.store.first >= self.whole_from:
                self.whole_from = None
            self._begin_at_first()
            self._keep_rest(gone)

    def add_older(self, page: Page) -> None:
        """Take what was written before the window.

        With a filter those are to be the lines that pass it.
        """
        if self.filter and self.whole_from is None:
            self.whole_from, self._whole_since_ns = self.store.first, self.since_ns
        for held, entry in page.grown:
            number = self.store.replace(held, entry)
            self.rows.look_again(number)
            if self.hits is not None:
                self.hits.look_again(number)
        self.store.prepend(page.items)
        self._note(page.items)
        self.since_ns = page.since_ns
        self.dropped = max(0, self.dropped - len(page.items))
        excess = self.store.excess(newest=True)
        if excess:
            self.store.drop_newest(excess)
            self.detached = True
            if self.whole_from is not None and self.whole_from != ALL:
                self.whole_from = min(self.whole_from, self.store.end)
            self._fit()

    def begin_at(self, since_ns: int) -> int:
        """Say that lines before this time may be missing: drop those; return how many."""
        count = self.store.number_at(since_ns) - self.store.first
        gone = self._drop_oldest(count)
        self.since_ns = since_ns
        self._keep_rest(gone)
        return count

    def beginning(self) -> Beginning | None:
        """Return where the window begins; None where nothing is older."""
        store, since, whole_seconds = self.store, self.since_ns, self._whole_seconds
        if since is None:
            return None
        reach = Beginning.reach_ns(since, whole_seconds=whole_seconds)
        first = store.items[: store.number_at(reach + 1) - store.first]
        return Beginning(since, first, whole_seconds=whole_seconds)

    def ending(self, now_ns: int) -> Ending | None:
        """Return where the window ends; None where it is empty."""
        store, overlap = self.store, overlap_ns(whole_seconds=self._whole_seconds)
        end = store.time(store.end - 1) if store.items else None
        if end is None:
            return None
        # From before what is read: lines may stand out of order.
        reach = end - 2 * overlap
        last = store.number_at(reach) - store.first
        before = store.items[store.number_at(reach - _LONGEST_NS) - store.first : last]
        long = [item for item in before if _goes_on(item, reach)]
        positions = Positions()
        positions.note(expand(long + store.items[last:]))
        return Ending(positions.save((), now_ns), end - overlap)

    # --- what is shown --------------------------------------------------------------------

    def set_filter(self, wanted: Filter, now_ns: int, local_offset: int | Zone) -> None:
        """Show other lines; those of which only what passed the last filter is held are dropped.

        Raises:
            QueryError: the query cannot be read; nothing is changed.
        """
        query = wanted.as_query(now_ns, local_offset)
        if wanted != self.filter:
            self._forget_filtered()
        self._test, self.query, self.filter = wanted.test(query), query, wanted
        self.rows = Rows(self.store, self._test)
        self._search_again()

    def set_search(self, pattern: Pattern | None) -> None:
        """Search for something else, or for nothing."""
        self.pattern = pattern
        self._search_again()

    def work(self) -> bool:
        """Filter and search a little more; tell whether there is more to do."""
        more = self.rows.scan(SLICE)
        if not more and self.hits is not None:
            more = self.hits.scan(SLICE)
        return more

    @property
    def complete(self) -> bool:
        """Whether all rows and hits are found."""
        return self.rows.complete and (self.hits is None or self.hits.complete)

    @property
    def reach(self) -> int:
        """How many bytes of long lines filter and search have looked at; 0 where they saw all."""
        patterns = patterns_of([self.query.term]) if self.query else []
        if self.pattern:
            patterns.append(self.pattern)
        return min((pattern.reach for pattern in patterns if pattern.unsearched), default=0)

    def next_row(self, start: int, step: int, wanted: Callable[[int], bool]) -> int | None:
        """Return the nearest row before or behind ``start`` whose level is wanted."""
        levels = self.rows.levels
        rows = range(start + step, len(self.rows) if step > 0 else -1, step)
        return next((row for row in rows if wanted(levels[row])), None)

    # --- its own ----------------------------------------------------------------------------

    def _forget_filtered(self) -> None:
        if self.whole_from is None:
            return
        self.store.drop_oldest(min(self.whole_from, self.store.end) - self.store.first)
        self.since_ns = None if self.whole_from == ALL else self._whole_since_ns
        self.whole_from = None
        self.dropped = 0

    def _note(self, items: Sequence[Item]) -> None:
        self._whole_seconds = self._whole_seconds or whole_seconds_in(items)
        lines = [item for item in items if isinstance(item, Line)]
        self._out |= {line.container.id for line in lines if line.stream is not Stream.STDERR}
        self._err |= {line.container.id for line in lines if line.stream is Stream.STDERR}
        if len(both := self._out & self._err) > len(self.both):
            self.both = frozenset(both)

    def _live(self, items: Sequence[Item]) -> int:
        """Return how many of the items are no history."""
        if not items or (items[-1].time_ns or 0) < self.live_ns:
            return 0  # nearly all of them: history comes in order
        return sum((item.time_ns or 0) >= self.live_ns for item in items)

    def _drop_oldest(self, count: int) -> list[Item]:
        gone = self.store.items[:count]
        self.store.drop_oldest(count)
        self._fit()
        return gone

    def _keep_rest(self, gone: list[Item]) -> None:
        """Keep the lines of dropped entries that were written since the window begins."""
        since = self.since_ns or 0
        self.store.prepend(
            [
                cut_out([line for line in item.lines if (line.time_ns or 0) >= since])
                for item in gone
                if isinstance(item, Entry) and _goes_on(item, since)
            ]
        )

    def _begin_at_first(self) -> None:
        times = (item.time_ns for item in self.store.items)
        self.since_ns = next((time for time in times if time is not None), self.since_ns)

    def _search_again(self) -> None:
        found = self.pattern and find_test(self.pattern, self._test)
        self.hits = Rows(self.store, found) if found else None

    def _fit(self) -> None:
        self.rows.fit()
        if self.hits is not None:
            self.hits.fit()


def _goes_on(item: Item, time_ns: int) -> bool:
    """Tell whether an item is an entry of which a line was written at a time or later."""
    return type(item) is Entry and (item.lines[-1].time_ns or 0) >= time_ns


def is_error(level: int) -> bool:
    """Tell whether a row is a line of level error or graver."""
    return 5 <= level < MARK


def is_mark(level: int) -> bool:
    """Tell whether a row is a mark."""
    return level >= MARK

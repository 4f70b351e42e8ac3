"""Read logs backwards, a page of older items at a time, each line once.

Engines can be asked for a span of time, not for the N lines before a line. So a page is searched
for: a span before the beginning of what is held, as long as that many lines should take, then a
longer or a shorter one. A span overlaps what is held a little, because neither stamps nor the
moments that engines compare them with are exact; what is held is left out by ``Deduplicator``, the
same rule as after a cut connection, from the end to the beginning.

Nothing here waits or reads: ``PageSearch`` says what to read next, and is given what came of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from itertools import chain, takewhile
from typing import Final, NamedTuple

from lobtail.model.entries import Entry, cut_out, expand
from lobtail.model.items import Item, Line, Mark
from lobtail.model.records import Record
from lobtail.model.resume import Deduplicator, key_of

__all__ = ["Beginning", "History", "Page", "PageSearch", "Span", "overlap_ns", "whole_seconds_in"]

# For so long around its ends a span is read twice.
_OVERLAP_NS: Final = 50_000_000
# The same with Podman's stamps: whole seconds, though it finds lines by their true time.
_WHOLE_SECONDS_OVERLAP_NS: Final = 1_050_000_000
_SECOND: Final = 1_000_000_000
# More lines than so many times those of a page are too many: a shorter span is read instead.
_MUCH: Final = 8
# Unless it cannot be shorter. So many lines of it are kept then.
_MOST: Final = 200_000
# How long the first page of a history is supposed to take.
_FIRST_NS: Final = 60 * _SECOND
# So many items of it are searched for at least: a request costs more than some lines.
_LEAST: Final = 500
# How much longer the next span is where one holds nothing.
_LONGER: Final = 8


class Span(NamedTuple):
    """A span of time to be read, in nanoseconds since the epoch, both ends included."""

    since_ns: int
    until_ns: int


class Page(NamedTuple):
    """Older items, in the order of time."""

    items: list[Item]
    since_ns: int | None
    """From when on nothing is missing any more; None if there is nothing older."""
    grown: Sequence[tuple[Line, Line]] = ()
    """Held entries that begin in this page: each, and what it is with the lines before it."""


class Beginning:
    """Where what is held of some logs begins.

    ``items`` are the first that are held, at least those up to ``reach_ns``. Of any older than
    ``since_ns`` the same holds as of the others: they have been read. ``whole_seconds`` says that
    some stamp has no fraction, whichever log has it.
    """

    def __init__(self, since_ns: int, items: Iterable[Item] = (), *, whole_seconds: bool) -> None:
        self.since_ns = since_ns
        """From when on all is held."""
        self._overlap_ns = overlap_ns(whole_seconds=whole_seconds)
        self._lines: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._marks: Counter[tuple[str, str, int | None]] = Counter()
        self._entries: dict[tuple[str, int], Line] = {}  # those that are held, by their heads
        self._oldest_ns = since_ns
        """What is older than this is not held, whatever it is."""
        for item in items:
            if item.time_ns is not None:
                self._oldest_ns = min(self._oldest_ns, item.time_ns)
            if isinstance(item, Line):
                container = item.container.id
                keys = [key_of(line) for line in item.lines]
                self._lines[container].update(keys)
                self._entries[container, keys[0]] = item
            else:
                self._marks[_mark_key(item)] += 1

    @staticmethod
    def reach_ns(since_ns: int, *, whole_seconds: bool) -> int:
        """Return up to when the items are needed that are held.

        That is farther than is read: lines may stand out of order.
        """
        return since_ns + 2 * overlap_ns(whole_seconds=whole_seconds)

    @property
    def is_bare(self) -> bool:
        """Whether nothing is held near it."""
        return not self._lines and not self._marks

    @property
    def until_ns(self) -> int:
        """Up to when older items are to be read."""
        return self.since_ns if self.is_bare else self.since_ns + self._overlap_ns

    @property
    def shortest_ns(self) -> int:
        """The length of a span that is not worth being divided."""
        return self._overlap_ns

    def divide(self, items: list[Item]) -> tuple[list[Item], list[tuple[Line, Line]]]:
        """Return what of entries is older, and the held entries that began in them.

        Every line is looked at by itself: an entry may have been cut by the edge of a page.
        """
        lines = expand(items)
        older = self.older(lines)
        if lines is items:
            return older, []
        fresh = {id(item) for item in older}
        whole: list[Item] = []
        grown: list[tuple[Line, Line]] = []
        for item in items:
            if type(item) is not Entry:
                if id(item) in fresh:
                    whole.append(item)
                continue
            new = [line for line in item.lines if id(line) in fresh]
            if not new:
                continue
            rest = next((line for line in item.lines if id(line) not in fresh), None)
            key = None if rest is None else (rest.container.id, key_of(rest))
            if rest is None:
                whole.append(item)
            elif key is not None and (held := self._entries.pop(key, None)) is not None:
                grown.append((held, cut_out([*new, *held.lines])))
            else:
                whole.append(cut_out(new))
        return whole, grown

    def older(self, items: Sequence[Item]) -> list[Item]:
        """Return those of ``items`` that stand before the ones that are held.

        Of equal ones the last are held: where stamps are whole seconds, blank lines are equal.
        """
        oldest = self._oldest_ns
        near = [item for item in items if item.time_ns is None or item.time_ns >= oldest]
        kept = self._older(near)
        left_out = {id(item) for item in near} - {id(item) for item in kept}
        return [item for item in items if id(item) not in left_out]

    def _older(self, near: Sequence[Item]) -> list[Item]:
        """Return which items are not held, in any order."""
        kept: list[Item] = []
        logs: defaultdict[str, list[Line]] = defaultdict(list)
        marks = self._marks.copy()
        for item in reversed(near):
            if isinstance(item, Line):
                logs[item.container.id].append(item)
            elif marks[key := _mark_key(item)]:
                marks[key] -= 1
            else:
                kept.append(item)
        for container, lines in logs.items():
            known = _Backwards(self._lines.get(container, Counter()).copy(), self.since_ns)
            kept += known.filter(lines)
            kept += known.finish()
        return kept


class _Backwards(Deduplicator):
    """Leaves out what is known and what stands behind it, from the end of a log on.

    What is not older than the beginning is held until it is known whether it stands behind.
    """

    def _old(self, message: Record | Line) -> bool:
        stamp = message.time_ns
        return stamp is None or stamp >= self._newest


class PageSearch:
    """Searches for about ``count`` items before a beginning.

    ``first_ns`` is older than anything; ``guess_ns`` is how long ``count`` items should take.
    Read ``span``, give what comes to ``take``, as long as that wants more, then say ``end``; until
    ``span`` is None. Then ``page`` is what was found.
    """

    def __init__(self, beginning: Beginning, *, count: int, first_ns: int, guess_ns: int) -> None:
        self._beginning = beginning
        self._much = _MUCH * count
        self._first_ns = first_ns
        self._length = max(guess_ns, 1)
        self._nothing = 0  # the length of the longest span in which there was nothing
        self._too_much = 0  # and of the shortest in which there was too much; 0 for none
        self._came: deque[Item] = deque()
        self._count = 0
        self.page = Page([], beginning.since_ns)
        """What was found so far."""
        self.span: Span | None = None
        """What is to be read next; None when the page is found."""
        self._shortest = False  # it cannot be read in parts
        self._next()

    def _next(self) -> None:
        edge = self._beginning.since_ns
        since = max(edge - self._length, self._first_ns)
        length, least = edge - since, self._beginning.shortest_ns
        # Between a span that holds nothing and one that holds too much there is no more to guess.
        self._shortest = length <= least or 0 < self._too_much <= self._nothing + least
        self._came = deque(maxlen=_MOST if self._shortest else None)
        self._count = 0
        self.span = Span(since, self._beginning.until_ns)

    def take(self, items: Sequence[Item]) -> bool:
        """Take items of the span; return whether more are wanted."""
        self._came += items
        edge = self._beginning.since_ns  # what is not older is held
        self._count += sum([item.time_ns is None or item.time_ns < edge for item in items])
        return self._shortest or self._count <= self._much

    def end(self) -> None:
        """Say that the span has been read, as far as it was wanted."""
        assert self.span is not None
        since, edge = self.span.since_ns, self._beginning.since_ns
        if not self._shortest and self._count > self._much:
            self._too_much = edge - since
            tried = (self._nothing + self._too_much) // 2
            self._length = max(tried if self._nothing else self._too_much // _MUCH, 1)
            self._next()
            return
        came = list(self._came)
        if cut := len(came) == self._came.maxlen:
            since = next((item.time_ns for item in came if item.time_ns is not None), since)
        older, grown = self._beginning.divide(came)
        if older or grown or cut or since <= self._first_ns:
            since_ns = None if since <= self._first_ns and not cut else since
            self.page = Page(older, since_ns, grown)
            self.span = None
            return
        self._nothing = self._length
        if self._shortest:
            # All of it is held, for stamps of whole seconds say no more than that it may be older.
            self._much += self._count
            self._too_much = 0
        if self._too_much:
            self._length = (self._nothing + self._too_much + 1) // 2
        else:
            self._length *= _LONGER
        self._next()


class History:
    """Goes from ``until_ns`` back to the beginning of logs, in pages of ``size`` items.

    Do each ``search``, and ``take`` what it has found, until ``search`` is None; then comes a
    ``page``, and so on until one is empty.
    """

    def __init__(self, until_ns: int, *, size: int, first_ns: int) -> None:
        self._size = size
        self._count = max(size, _LEAST)
        self._first_ns = first_ns
        self._since_ns: int | None = until_ns
        self._found: list[Item] = []  # what has not been given yet
        self._first: list[Item] = []  # the first items that were found
        self._whole_seconds = False
        self._guess_ns = _FIRST_NS

    def search(self) -> PageSearch | None:
        """Return the search for older items; None if there are none, or enough for a page."""
        if self._since_ns is None or len(self._found) >= self._size:
            return None
        beginning = Beginning(self._since_ns, self._first, whole_seconds=self._whole_seconds)
        return PageSearch(
            beginning, count=self._count, first_ns=self._first_ns, guess_ns=self._guess_ns
        )

    def take(self, found: Page) -> None:
        """Take what a search has found."""
        items, since, grown = found
        for held, entry in grown:
            at = next((i for i, item in enumerate(self._found) if item is held), None)
            if at is None:  # it has been given: what it began with comes by itself
                items.append(cut_out(entry.lines[: -len(held.lines)]))
            else:
                self._found[at] = entry
                self._first = [entry if item is held else item for item in self._first]
        self._since_ns = since
        self._found[:0] = items
        self._whole_seconds = self._whole_seconds or whole_seconds_in(items)
        reach = Beginning.reach_ns(since or 0, whole_seconds=self._whole_seconds)
        near = takewhile(
            lambda item: item.time_ns is None or item.time_ns <= reach, chain(items, self._first)
        )
        self._first = list(near)
        times = [item.time_ns for item in items if item.time_ns is not None]
        if times and times[-1] > times[0]:
            self._guess_ns = (times[-1] - times[0]) * self._count // len(times)

    def page(self) -> list[Item]:
        """Return the next page."""
        begin = max(len(self._found) - self._size, 0)
        page = self._found[begin:]
        del self._found[begin:]
        return page


def overlap_ns(*, whole_seconds: bool) -> int:
    """Return for how long lines are read twice around a time, so that none is missed."""
    return _WHOLE_SECONDS_OVERLAP_NS if whole_seconds else _OVERLAP_NS


def whole_seconds_in(items: Iterable[Item]) -> bool:
    """Tell whether a line has a stamp without a fraction: no other engine than Podman does."""
    return any(
        isinstance(item, Line) and item.time_ns is not None and not item.time_ns % _SECOND
        for item in items
    )


def _mark_key(item: Mark) -> tuple[str, str, int | None]:
    return item.container.id, item.kind, item.time_ns

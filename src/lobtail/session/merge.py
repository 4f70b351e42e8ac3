"""Merge the items of many containers into one stream, in time order, with bounded delay.

Each source has a *watermark*, the newest stamp that it has delivered. What lies below the least of
all watermarks goes out, sorted by time. A source that is live may be silent, and must not hold up
the others: so a live item waits for older ones of others for the *window* at most, from its
arrival. A source whose history is still being read is waited for. What comes later, after younger
items have gone out, goes out at once and is marked late: order is given up, never a line.

Waits are measured by the caller's clock, which must be one that is never set; stamps only order.
So a clock that steps, an engine's or our own, holds nothing up. What is known to be older than the
window does not wait where much of it comes: while a history is read, or a reader is behind.

The order within a source is never changed, not even where its stamps step back: for sorting, an
item is as young as the youngest before it. When a live source goes on after a step back, its clock
was set, and what comes then is compared by the new time.

The caller passes the time, and keeps sources from running ahead by looking at ``waiting``. A source
whose clock differs from the caller's says by how much.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable
from itertools import accumulate, chain
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from lobtail.model.items import Item, Line

__all__ = ["WINDOW_NS", "Merge"]

WINDOW_NS: Final = 50_000_000
# A stamp that is so much older than one before it shows that the clock was set: two goroutines that
# stamp and write are out of order by microseconds.
STEP_NS: Final = 2 * 10**9

# The years 0 and 9999 need more than 64 bits of nanoseconds.
_NEVER: Final = -(1 << 80)
_FOREVER: Final = 1 << 80
_time = attrgetter("time_ns")


class _Source:
    """Items that wait, and for each the key that it is sorted by: the youngest time so far."""

    __slots__ = ("ahead", "due", "items", "keys", "live", "newest", "size")

    def __init__(self, ahead_ns: int) -> None:
        self.ahead = ahead_ns
        self.items: list[Item] = []
        self.keys: list[int] = []
        self.due: deque[tuple[int, int]] = deque()
        """When what was pushed at a time has waited long enough, and the last key of it."""
        self.newest = _NEVER
        self.live = False
        self.size = 0

    def push(self, items: list[Item], size: int, due_ns: int) -> int | None:
        """Add items; return the first time behind a step back, if the clock was set."""
        ahead = self.ahead
        times = [_NEVER if time is None else time - ahead for time in map(_time, items)]
        stepped = self._stepped_to(times) if self.live and not self.items else None
        keys = accumulate(chain((_NEVER if stepped else self.newest,), times), max)
        next(keys)
        self.items += items
        self.keys += keys
        self.newest = self.keys[-1]
        self.due.append((due_ns, self.newest))
        self.size += size
        return stepped

    def _stepped_to(self, times: list[int]) -> int | None:
        first = next((time for time in times if time != _NEVER), None)
        return None if first is None or first >= self.newest - STEP_NS else first

    def release(self, before: int) -> None:
        """Let what is not younger than ``before`` wait no longer."""
        if stop := bisect_right(self.keys, before):
            key = self.keys[stop - 1]
            self._forget_due(key)
            self.due.appendleft((_NEVER, key))

    def due_key(self, now_ns: int) -> int:
        """Return the key up to which all has waited long enough."""
        key = _NEVER
        for due, last in self.due:
            if due > now_ns:
                break
            key = last
        return key

    def take(self, mark: int) -> tuple[list[Item], list[int]]:
        """Remove and return what is not younger than ``mark``, and its keys."""
        stop = len(self.keys) if mark == _FOREVER else bisect_right(self.keys, mark)
        taken = self.items[:stop], self.keys[:stop]
        # As if all items were of one size: what counts is that none are left in the end.
        self.size = self.size * (len(self.items) - stop) // len(self.items)
        del self.items[:stop], self.keys[:stop]
        self._forget_due(mark)
        return taken

    def _forget_due(self, key: int) -> None:
        while self.due and self.due[0][1] <= key:
            self.due.popleft()


class Merge:
    """Merges sources that are each in the order in which they shall be shown.

    ``window_ns`` is how long a live item may be held back. With 0 items of live sources go out in
    the order of their arrival. ``now_ns`` is always the time by a clock that is never set, and that
    showed the time of day when it was started.
    """

    def __init__(self, window_ns: int = WINDOW_NS) -> None:
        self._window = self._wanted = window_ns
        self._sources: dict[Hashable, _Source] = {}
        self._closed: list[_Source] = []
        self._shown = _NEVER  # the key of the youngest item that has gone out

    def widen(self, more_ns: int) -> None:
        """Hold live items back for so much longer, unless the order is that of arrival.

        Of several wishes the longest counts.
        """
        if self._wanted:
            self._window = max(self._window, self._wanted + more_ns)

    def open(self, key: Hashable, ahead_ns: int = 0) -> None:
        """Add a source whose history is about to come: nothing passes it until it delivers.

        ``ahead_ns`` is how far its clock is ahead of the one by which ``pop`` is told the time.
        """
        self._sources[key] = _Source(ahead_ns)

    def push(self, key: Hashable, items: list[Item], size: int = 0, *, now_ns: int) -> None:
        """Add what a source delivered, of about ``size`` bytes.

        An item without a time stays behind the one before it.
        """
        if not items:
            return
        source = self._sources[key]
        stepped = source.push(items, size, now_ns + self._window)
        if stepped is not None:
            self._shown = min(self._shown, stepped - 1)
        if not source.live:
            source.release(now_ns - self._window)

    def hurry(self, key: Hashable, now_ns: int) -> None:
        """Say that a source can take no more: what is older than the window waits no longer."""
        self._sources[key].release(now_ns - self._window)

    def set_live(self, key: Hashable, live: bool = True) -> None:
        """Say whether all the history of a source has been pushed."""
        self._sources[key].live = live

    def close(self, key: Hashable) -> None:
        """Say that a source has ended; what it pushed still goes out in its turn."""
        source = self._sources.pop(key)
        if source.items:
            self._closed.append(source)

    def waiting(self, key: Hashable) -> int:
        """Return how many items of a source have not gone out."""
        source = self._sources.get(key)
        return len(source.items) if source else 0

    def waiting_size(self, key: Hashable) -> int:
        """Return about how many bytes of a source have not gone out."""
        source = self._sources.get(key)
        return source.size if source else 0

    def first_waiting_ns(self, key: Hashable) -> int | None:
        """Return the time of the first item of a source that has not gone out, if it has one."""
        source = self._sources.get(key)
        times = () if source is None else (item.time_ns for item in source.items)
        return next((time for time in times if time is not None), None)

    @property
    def pending(self) -> bool:
        """Whether any item has not gone out."""
        return any(source.items for source in self._all())

    @property
    def reads_history(self) -> bool:
        """Whether the history of a source has not come yet, as far as it is wanted."""
        return not all(source.live for source in self._sources.values())

    def due_ns(self) -> int | None:
        """Return when the item that has waited longest goes out at the latest.

        None if nothing waits, or if a history must be read before anything can go out.
        """
        if self.reads_history:
            return None
        return min((source.due[0][0] for source in self._all() if source.due), default=None)

    def pop(self, now_ns: int) -> list[Item]:
        """Return the items whose turn it is, in order."""
        mark = self._watermark(now_ns)
        runs = []
        for source in self._all():
            if source.items:
                run = source.take(_FOREVER if source.live and not self._window else mark)
                if run[0]:
                    runs.append(run)
        self._closed = [source for source in self._closed if source.items]
        if not runs:
            return []
        if len(runs) == 1:
            items, keys = runs[0]
        else:
            unsorted = list(chain.from_iterable(items for items, _ in runs))
            unsorted_keys = list(chain.from_iterable(keys for _, keys in runs))
            # Stable, and each run is in order already: runs are merged, not shuffled.
            order = sorted(range(len(unsorted)), key=unsorted_keys.__getitem__)
            items = [unsorted[i] for i in order]
            keys = [unsorted_keys[i] for i in order]
        late = bisect_right(keys, self._shown - 1)
        if late and self._window:
            items[:late] = [
                replace(i, late=True) if isinstance(i, Line) else i for i in items[:late]
            ]
        self._shown = max(self._shown, keys[-1])
        return items

    def _all(self) -> chain[_Source]:
        return chain(self._closed, self._sources.values())

    def _watermark(self, now_ns: int) -> int:
        """Return the moment up to which items go out."""
        sources = self._sources.values()
        delivered = min((s.newest for s in sources if s.live), default=_FOREVER)
        waited = max((s.due_key(now_ns) for s in self._all()), default=_NEVER)
        histories = min((s.newest for s in sources if not s.live), default=_FOREVER)
        return min(max(delivered, waited), histories)

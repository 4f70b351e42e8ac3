"""Merge the items of many containers into one stream, in time order, with bounded delay.

Each source has a *watermark*: the moment up to which all of it has surely come. While its history
is read, that is the newest stamp it has delivered; once it is live, at least ``now - window``, for
a silent container must not hold up the others. What lies below the least of all watermarks goes
out, sorted by time. What comes later than that, after younger items have gone out, goes out at
once and is marked late: order is given up, never a line.

The order within a source is never changed, not even where its stamps step back: for sorting, an
item is as young as the youngest before it.

The caller passes the time, and keeps sources from running ahead by looking at ``waiting``. A source
whose clock differs from the caller's says by how much.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from itertools import accumulate, chain
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from lobtail.core.model import Item, Line

__all__ = ["WINDOW_NS", "Merge"]

WINDOW_NS: Final = 50_000_000

# The years 0 and 9999 need more than 64 bits of nanoseconds.
_NEVER: Final = -(1 << 80)
_FOREVER: Final = 1 << 80
_time = attrgetter("time_ns")


class _Source:
    """Items that wait, and for each the key that it is sorted by: the youngest time so far."""

    __slots__ = ("ahead", "items", "keys", "live", "newest", "size")

    def __init__(self, ahead_ns: int) -> None:
        self.ahead = ahead_ns
        self.items: list[Item] = []
        self.keys: list[int] = []
        self.newest = _NEVER
        self.live = False
        self.size = 0

    def push(self, items: list[Item], size: int) -> None:
        ahead = self.ahead
        times = [_NEVER if time is None else time - ahead for time in map(_time, items)]
        keys = accumulate(chain((self.newest,), times), max)
        next(keys)
        self.items += items
        self.keys += keys
        self.newest = self.keys[-1]
        self.size += size

    def take(self, mark: int) -> tuple[list[Item], list[int]]:
        """Remove and return what is not younger than ``mark``, and its keys."""
        stop = bisect_right(self.keys, mark)
        taken = self.items[:stop], self.keys[:stop]
        # As if all items were of one size: what counts is that none are left in the end.
        self.size = self.size * (len(self.items) - stop) // len(self.items)
        del self.items[:stop], self.keys[:stop]
        return taken


class Merge:
    """Merges sources that are each in the order in which they shall be shown.

    ``window_ns`` is how long a live item may be held back. With 0 items of live sources go out in
    the order of their arrival.
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

    def push(self, key: Hashable, items: list[Item], size: int = 0) -> None:
        """Add what a source delivered, of about ``size`` bytes.

        An item without a time stays behind the one before it.
        """
        if items:
            self._sources[key].push(items, size)

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

    @property
    def pending(self) -> bool:
        """Whether any item has not gone out."""
        return bool(self._closed) or any(s.items for s in self._sources.values())

    def due_ns(self) -> int | None:
        """Return when the oldest item that waits goes out at the latest.

        None if nothing waits, or if a history must be read before anything can go out.
        """
        if not all(source.live for source in self._sources.values()):
            return None
        waiting = [s.keys[0] for s in chain(self._closed, self._sources.values()) if s.items]
        return min(waiting) + self._window if waiting else None

    def pop(self, now_ns: int) -> list[Item]:
        """Return the items whose turn it is, in order."""
        mark = self._watermark(now_ns)
        runs = []
        for source in chain(self._closed, self._sources.values()):
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

    def _watermark(self, now_ns: int) -> int:
        """Return the moment up to which every source has delivered."""
        live = now_ns - self._window
        return min(
            (max(s.newest, live) if s.live else s.newest for s in self._sources.values()),
            default=_FOREVER,
        )

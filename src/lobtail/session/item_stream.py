"""What many readers read, as one stream of batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from copy import copy
from re import Pattern
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from lobtail.errors import ConfigError, LogsEndedError, NotFoundError
from lobtail.model.items import ContainerRef, Item, Line, Removed, Stopped

if TYPE_CHECKING:
    from lobtail.query.filter import LineFilter
    from lobtail.query.selection import ContainerSelection
    from lobtail.session.readers import Readers

__all__ = ["ItemStream"]


# Ends of containers that an error names.
_MOST_NAMED: Final = 3


class ItemStream:
    """Readers that are merged by time: iterate over it for batches, over ``lines`` for items."""

    def __init__(
        self,
        readers: Readers,
        wanted: LineFilter | None = None,
        required: ContainerSelection | None = None,
    ) -> None:
        self.readers = readers
        self.wanted = wanted
        self.required = required
        self._left: Iterator[Item] = iter(())  # of the batch that was read last
        self._taken: list[Item] = []  # what the position does not know of yet
        self._begun = False
        self._entered = False

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
        await self.readers.aclose()

    @property
    def found(self) -> list[ContainerRef]:
        """The containers that were chosen at the start, also where their log has ended since.

        Empty before the stream is entered or iterated over, and where nothing matched.
        """
        return [ref for ref, _ in self.readers.found]

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that were not running then."""
        return [ref for ref, running in self.readers.found if not running]

    def save_position(self) -> bytes:
        """Return how far items have been taken: the ``position`` for a later ``Engine.tail``.

        Of an iteration over batches the last batch counts as taken. Save it together with what you
        have made of the items: a program that goes on from there, after whatever end, gets each
        line once that the engine still has, and a ``Gap`` where it has not.

        Raises:
            ConfigError: the stream was not opened with ``position``.
        """
        positions = self.readers.positions
        if positions is None:
            raise ConfigError('open the stream with `position` (b"" to begin with) to save it')
        left = next(copy(self._left), None)
        for i, item in enumerate(self._taken):
            if item is left:
                self._taken, rest = self._taken[:i], self._taken[i:]
                break
        else:
            rest = []
        positions.note(self._taken)
        self._taken = rest
        handed_out: dict[str, int] = {}
        for item in rest:
            if item.time_ns is not None:
                handed_out.setdefault(item.container.id, item.time_ns)
        return positions.save(self.readers.reached(handed_out), time.time_ns())

    def __aiter__(self) -> AsyncIterator[list[Item]]:
        return self._batches()

    async def _batches(self, timeout: float | None = None) -> AsyncGenerator[list[Item], None]:
        readers = self.readers
        merge, ready, clock = readers.merge, readers.ready, readers.clock
        now = asyncio.get_running_loop().time
        deadline = None if timeout is None else now() + timeout
        try:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._begin_once()
            except TimeoutError:  # said below, if it is ours
                if deadline is None or now() < deadline:
                    raise
            if left := list(self._left):
                yield left
            while True:
                if deadline is not None and now() >= deadline:
                    raise TimeoutError(f"timed out after {timeout:g} s")
                ready.clear()
                if popped := merge.pop(clock.now_ns()):
                    if items := self._take(popped):
                        yield items
                    continue
                if (failure := readers.failure) is not None:
                    raise failure
                if not readers.reading and not merge.pending:
                    return
                due = merge.due_ns()
                wait = None if due is None else now() + max(due - clock.now_ns(), 0) / 1e9
                wait = min((at for at in (wait, deadline) if at is not None), default=None)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(wait):
                        await ready.wait()
        finally:
            # Whoever has not entered it has no other way to end it than to leave the loop.
            if not self._entered:
                await self.aclose()

    def _take(self, items: list[Item]) -> list[Item]:
        """Return what is wanted of items that have come out of the merge."""
        self.readers.make_room()
        if self.readers.positions is not None:
            self.readers.positions.note(self._taken)
            self._taken = items
        return items if self.wanted is None else self.wanted.apply(items)

    async def _parts(self, timeout: float | None) -> AsyncGenerator[Iterator[Item], None]:
        """Iterate over batches of which it is known how far they have been read."""
        async with aclosing(self._batches(timeout)) as batches:
            async for batch in batches:
                self._left = iter(batch)
                yield self._left

    async def lines(self, *, timeout: float | None = None) -> AsyncIterator[Item]:
        """Iterate over single items, for at most ``timeout`` seconds.

        Inside ``async with``, an iteration that was left is resumed by the next with the next item.

        Raises:
            TimeoutError: the time is over, counted from the first item that was asked for.
        """
        async with aclosing(self._parts(timeout)) as parts:
            async for part in parts:
                for item in part:
                    yield item

    async def wait_for(self, regex: str | Pattern[str], *, timeout: float | None = None) -> Line:
        """Read up to the first line in which ``regex`` is found, and return it.

        It is searched for in the text as a reader sees it, of the lines that ``tail``, ``since``
        and the filters of this stream let through. Inside ``async with`` what follows the line can
        be read next; otherwise the stream is closed.

        Raises:
            TimeoutError: no such line came within ``timeout`` seconds.
            LogsEndedError: no such line can come any more: the history is read, or every container
                has stopped for good or was removed.
            QueryError: ``regex`` is not a regex of RE2, on which one of ``re`` runs as well.
        """
        # Only those who wait need it.
        from lobtail.query.patterns import as_pattern
        from lobtail.query.terms import Matches, Subject

        pattern = as_pattern(regex, "regex")
        found = Matches(Subject("text"), pattern).predicate()
        ends: dict[str, str] = {}
        before, self.readers.until_stopped = self.readers.until_stopped, True
        try:
            async with aclosing(self._parts(timeout)) as parts:
                async for part in parts:
                    for item in part:
                        if isinstance(item, Line):
                            if found(item):
                                return item
                        elif isinstance(item, Stopped):
                            ends[item.container.id] = str(item)
                        elif isinstance(item, Removed):
                            ends.setdefault(item.container.id, str(item))
        except TimeoutError:
            if timeout is None:
                raise
            words = f"no line matched {pattern.pattern!r} within {timeout:g} s"
            raise TimeoutError(words) from None
        finally:
            self.readers.until_stopped = before
        why = "; ".join([*ends.values()][-_MOST_NAMED:]) or "the logs ended"
        raise LogsEndedError(f"no line matched {pattern.pattern!r}: {why}")

    async def _begin_once(self) -> None:
        if not self._begun:
            self._begun = True
            await self.readers.begin()
            if self.required is not None:
                _require(self.required, self.found)


def _require(selection: ContainerSelection, found: list[ContainerRef]) -> None:
    missing = selection.missing(found)
    if missing or not found:
        what = f" {', '.join(missing)}" if missing else ""
        raise NotFoundError(f"no container matches{what}", missing)

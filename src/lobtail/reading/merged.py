"""What many readers read, as one stream of batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from lobtail.core.filter import LineFilter
    from lobtail.core.model import ContainerRef, Item
    from lobtail.reading.readers import Readers

__all__ = ["Merged"]


class Merged:
    """Readers that are merged by time: iterate over it for batches, over ``lines`` for items."""

    def __init__(self, readers: Readers, wanted: LineFilter | None = None) -> None:
        self.readers = readers
        self.wanted = wanted
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
        """The containers that were chosen at the start, also where their log has ended since."""
        return [ref for ref, _ in self.readers.found]

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that did not run then."""
        return [ref for ref, running in self.readers.found if not running]

    def __aiter__(self) -> AsyncIterator[list[Item]]:
        return self._batches()

    async def _batches(self) -> AsyncGenerator[list[Item], None]:
        readers = self.readers
        merge, ready, clock = readers.merge, readers.ready, readers.clock
        try:
            await self._begin_once()
            while True:
                ready.clear()
                items = merge.pop(clock.now_ns())
                if items:
                    readers.make_room()
                    if self.wanted is not None:
                        items = self.wanted.apply(items)
                    if items:
                        yield items
                    continue
                if (failure := readers.failure) is not None:
                    raise failure
                if not readers.reading and not merge.pending:
                    return
                due = merge.due_ns()
                wait = None if due is None else max(due - clock.now_ns(), 0) / 1e9
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await ready.wait()
        finally:
            # Whoever has not entered it has no other way to end it than to leave the loop.
            if not self._entered:
                await self.aclose()

    async def lines(self) -> AsyncIterator[Item]:
        """Iterate over single items."""
        async with aclosing(self._batches()) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    async def _begin_once(self) -> None:
        if not self._begun:
            self._begun = True
            await self.readers.begin()

"""Read what ``lobtail tail -o json`` has saved: lines and marks of all containers."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from lobtail.engine.streams.logs import tail_count
from lobtail.files import Damage, LogFiles
from lobtail.model.entries import rejoin
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line
from lobtail.query.selection import ContainerSelection

if TYPE_CHECKING:
    from lobtail.follow.driver import Sink
    from lobtail.follow.options import FollowOptions

__all__ = ["SAVED", "SavedHistory", "containers_in"]

SAVED: Final = "lobtail"
"""The driver of such a file."""


def containers_in(files: LogFiles, *, all: bool) -> list[ContainerRef]:
    """Return the containers of a file; unless ``all`` are asked for, those of its first lines.

    A look at these is short, however long the file is. One that was renamed comes twice.
    """
    found: dict[int, ContainerRef] = {}  # by id(), for there is an object for each
    for batch in files.items():
        if isinstance(batch, list):
            found |= {id(item.container): item.container for item in batch}
            if not all:
                break
    return [*found.values()]


class SavedHistory:
    """Hands on what of saved items is asked for, in the order in which they were saved.

    That was the order in time, but for lines that came late. Damage is a gap of the file itself, of
    which ``ref`` is the name: it may have been any container's.
    """

    def __init__(
        self,
        files: LogFiles,
        ref: ContainerRef,
        selection: ContainerSelection,
        options: FollowOptions,
        sink: Sink,
    ) -> None:
        self._files = files
        self._selection = selection
        self._chosen: tuple[ContainerRef, bool] | None = None
        """The container that was looked at last, and whether it is chosen."""
        self._ref = ref
        self._sink = sink
        self._since = options.since
        self._until = options.until
        self._tail = tail_count(options.tail)
        chosen = ((Stream.STDOUT, options.stdout), (Stream.STDERR, options.stderr))
        self._left_out = {stream for stream, wanted in chosen if not wanted}
        self._skip: Counter[str] = Counter()
        """How many lines of each container stand before those that ``tail`` asks for."""
        self._inside = options.since is None
        """Whether what has no time is in the span, as what stands before it."""
        self._begun = self._tail is None and options.since is None
        self._open: list[Item] = []
        """The last item, with the lines that continue it."""
        self._whole = (
            self._begun
            and options.until is None
            and not self._left_out
            and selection == ContainerSelection()
        )

    async def read(self) -> None:
        """Hand on what was asked for.

        Raises LogFileError or OSError: the file cannot be read on; what was handed on stands.
        """
        if self._tail == 0:
            return
        if self._tail is not None:
            await self._count(self._tail)
        for batch in self._files.items():
            if isinstance(batch, Damage):
                items: list[Item] = [Gap(self._ref, None, batch.words)] if self._begun else []
            else:
                items = batch if self._whole else self._wanted(batch)
            if items := self._joined(items):
                await self._sink.deliver(items, _size_of(items))
            # Others want to read, too.
            await asyncio.sleep(0)
        if items := rejoin(self._open):
            await self._sink.deliver(items, _size_of(items))

    def _joined(self, items: list[Item]) -> list[Item]:
        """Return the entries that lines were; the last may go on in the next batch."""
        self._begun = self._begun or bool(items)
        items = [*self._open, *items]
        end = len(items)
        while end and (end == len(items) or _continues(items[end])):
            end -= 1
        items, self._open = items[:end], items[end:]
        return rejoin(items) if any(map(_continues, items)) else items

    async def _count(self, tail: int) -> None:
        """Count the lines of each container: ``tail`` of each are asked for."""
        for batch in self._files.items():
            if isinstance(batch, list):
                self._skip.update(item.container.id for item in batch if isinstance(item, Line))
            await asyncio.sleep(0)
        for key in self._skip:
            self._skip[key] -= tail

    def _wanted(self, batch: list[Item]) -> list[Item]:
        return [item for item in batch if self._is_wanted(item)]

    def _is_wanted(self, item: Item) -> bool:
        if self._chosen is None or self._chosen[0] is not item.container:
            self._chosen = item.container, self._selection.matches(item.container)
        if not self._chosen[1]:
            return False
        is_line = isinstance(item, Line)
        if self._skip[item.container.id] > 0:
            self._skip[item.container.id] -= is_line
            return False
        time_ns = item.time_ns
        if time_ns is not None:
            late = self._until is not None and time_ns > self._until
            self._inside = not late and (self._since is None or time_ns >= self._since)
        return self._inside and not (isinstance(item, Line) and item.stream in self._left_out)


def _continues(item: Item) -> bool:
    return isinstance(item, Line) and item.continues


def _size_of(items: list[Item]) -> int:
    return sum(len(item.raw) for item in items if isinstance(item, Line))

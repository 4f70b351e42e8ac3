"""Read a container's history from the engine's files into an ``Intake``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from lobtail.core.resume import WINDOW_NS, Memory, stamp_of
from lobtail.engine.logs import tail_count
from lobtail.files import Damage, LogFiles, Passed

if TYPE_CHECKING:
    from lobtail.core.frames import Frame
    from lobtail.reading.intake import FollowOptions, Intake

__all__ = ["FileHistory", "new_in_files", "remember"]

_TURN: Final = 0.005  # seconds of reading, before others may


class FileHistory:
    """Reads what files held when they were opened, so that a live stream can be joined to it."""

    def __init__(
        self,
        files: LogFiles,
        intake: Intake,
        options: FollowOptions,
        hold: Callable[[], object] | None = None,
    ) -> None:
        """Take what to read; ``hold`` is called in between, to hold what is rotated meanwhile."""
        self._hold = hold
        self._files = files
        self._intake = intake
        self._options = options

    async def read(self) -> None:
        """Hand on what was asked for.

        Raises LogFileError or OSError: the files cannot be read on; what was handed on stands.
        """
        options, intake, search = self._options, self._intake, self._options.search
        now = asyncio.get_running_loop().time
        turn = now() + _TURN
        for item in self._files.messages(
            since=options.since,
            until=options.until,
            tail=tail_count(options.tail),
            details=options.details,
            # A live stream is joined by messages of both streams.
            stdout=options.stdout or search is None,
            stderr=options.stderr or search is None,
            wanted=search.texts if search else None,
            context=search.context if search else None,
        ):
            if isinstance(item, Damage):
                await intake.gap(item.words)
            elif isinstance(item, Passed):
                if item.count is not None:
                    await intake.skipped(item.count)
            else:
                await intake.receive(item)
            if now() >= turn:
                if self._hold is not None:
                    self._hold()
                # Others want to read, too. Not after every item: a damaged log has very many.
                await asyncio.sleep(0)
                turn = now() + _TURN
        if self._hold is not None:
            self._hold()
        if options.follow and search is not None:
            # A search has left out most.
            intake.memory.restart()
            remember(self._files, intake.memory, details=options.details)


def new_in_files(
    files: LogFiles, memory: Memory, since: int | None, *, details: bool
) -> Iterator[list[Frame] | Damage]:
    """Yield what files hold that is not in ``memory``; ``since`` is for one that holds nothing."""
    overlap, newest = memory.overlap(), memory.newest_ns
    since = since if newest is None else newest - 2 * WINDOW_NS
    for item in files.messages(since=since, details=details):
        if isinstance(item, Damage):
            yield item
        elif isinstance(item, list):
            yield item if overlap is None else overlap.filter(item)
    if overlap is not None:
        yield overlap.finish()


def remember(files: LogFiles, memory: Memory, *, details: bool) -> None:
    """Remember the end of a log, so that a live stream can be joined to it."""
    newest = max(
        (
            stamp
            for item in files.messages(tail=1)
            if isinstance(item, list)
            for message in item
            if (stamp := stamp_of(message)) is not None
        ),
        default=None,
    )
    if newest is None:
        return
    for item in files.messages(since=newest - 2 * WINDOW_NS, details=details):
        if isinstance(item, list):
            memory.add(item, newest)

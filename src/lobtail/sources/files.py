"""The log of a container as its engine's files hold it, and as they grow.

An engine's follow stream loses what is rotated faster than it is sent; the files have it as long as
they are kept. So the files of a log that rotates are followed themselves. A follow stream of the
API is open beside: each message in it is a doorbell, and its clean end is the end of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from lobtail.engine.streams.logs import tail_count
from lobtail.files import FileWatch, LogFiles, LogTail, SkippedRecords
from lobtail.retry import CUTS, Failures, back_off
from lobtail.sources.base import Batch, LogRequest

if TYPE_CHECKING:
    from lobtail.model.records import Record
    from lobtail.sources.api import ContainerSource

__all__ = ["FileSource"]

# The doorbell of an engine before 23.0 may stick at a rotation: seconds until it is looked anyway.
PAUSE: Final = 0.25
# Seconds of reading what files hold, before others may.
TURN: Final = 0.005
_UNTOLD: Final = SkippedRecords(None)


class FileSource:
    """The files of one log."""

    def __init__(
        self, files: LogFiles, *, details: bool = False, bell: ContainerSource | None = None
    ) -> None:
        self.path = files.paths[-1]
        self._files = files
        self._details = details
        self._bell = bell
        self._tail = None if bell is None else files.tail(details=details)

    def check(self) -> FileWatch | None:
        """Begin to watch the file that is written, if there is one."""
        return self._files.watch()

    def held(self, request: LogRequest) -> HeldStream:
        """Return what the files held when they were opened."""
        search = request.search
        items = self._files.messages(
            since=request.since,
            until=request.until,
            tail=tail_count(request.tail),
            details=self._details,
            stdout=request.stdout,
            stderr=request.stderr,
            wanted=search.texts if search else None,
            context=search.context if search else None,
        )
        if search is not None and search.silent:
            items = (_UNTOLD if isinstance(each, SkippedRecords) else each for each in items)
        return HeldStream(items, self._tail)

    def live(self, request: LogRequest) -> LiveStream:
        """Return what is written to them from then on, to the end of the run."""
        assert self._tail is not None
        assert self._bell is not None
        return LiveStream(self._tail, request, self._bell)

    def rest(self, request: LogRequest) -> LiveStream:
        """Return what has been written by now that ``live`` has not given."""
        assert self._tail is not None
        return LiveStream(self._tail, request, None)

    def hold(self) -> None:
        """Hold what has been rotated since, for ``live``. LogFileError: it cannot be."""
        if self._tail is not None:
            self._tail.hold()

    def close_held(self) -> None:
        """Close what the files held."""
        self._files.close()

    def close(self) -> None:
        """Close the files."""
        self._files.close()
        if self._tail is not None:
            self._tail.close()


class HeldStream:
    """What files held, batch by batch; what is rotated meanwhile is held for ``tail``."""

    received = 0
    is_waiting = False
    has_more = False

    def __init__(self, items: Iterator[Batch], tail: LogTail | None) -> None:
        self._items = items
        self._tail = tail
        self._turn = 0.0  # when others may read

    async def read(self) -> Batch | None:
        """Return the next batch, or None at the end. LogFileError, OSError: it cannot be read."""
        batch = next(self._items, None)
        now = asyncio.get_running_loop().time()
        # Not after every batch: a damaged log has very many.
        if now >= self._turn or batch is None:
            if self._tail is not None:
                self._tail.hold()
            await asyncio.sleep(0)
            self._turn = now + TURN
        return batch

    def close(self) -> None:
        """Read no more."""
        self._items = iter(())


class LiveStream:
    """What is written to files; nothing older than ``since`` or younger than ``until``.

    Without a ``bell`` it ends with what is there.
    """

    is_waiting = False

    def __init__(self, tail: LogTail, request: LogRequest, bell: ContainerSource | None) -> None:
        self._tail = tail
        self._items: Iterator[Batch] | None = None
        self._request = request
        self._bell = bell
        self._rung = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._closed = False
        self.received = 0

    @property
    def has_more(self) -> bool:
        """Whether there may be more that was written already."""
        return self._items is not None

    async def read(self) -> Batch | None:
        """Return the next batch; None when the engine says that the run has ended.

        Raises:
            LogFileError, OSError: the files cannot be read on.
            EngineError: the engine says that the container is gone; all that was held has come.
        """
        if self._bell is not None and self._listening is None:
            self._listening = asyncio.create_task(self._listen(self._bell))
        while not self._closed:
            # What was written before the end of the run was seen is there to be read.
            ended = self._listening is None or self._listening.done()
            self._rung.clear()
            if (batch := await self._next()) is not None:
                return batch
            if ended:
                self.close()
                if self._listening is not None:
                    self._listening.result()
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._rung.wait()
        return None

    def close(self) -> None:
        """Read no more."""
        self._closed = True
        if self._listening is not None and not self._listening.done():
            self._listening.cancel()

    async def _next(self) -> Batch | None:
        """Return what is there; None when that has all been read."""
        if self._items is None:
            self._items = self._tail.read()
        await asyncio.sleep(0)  # others want to read, too
        for batch in self._items:
            wanted = self._in_time(batch) if isinstance(batch, list) else batch
            if wanted:
                self.received += 1
                return wanted
        self._items = None
        return None

    def _in_time(self, records: list[Record]) -> list[Record]:
        since, until = self._request.since or 0, self._request.until
        if until is None and not since:
            return records
        return [
            record
            for record in records
            if (time := record.time_ns) is None
            or (time >= since and (until is None or time <= until))
        ]

    async def _listen(self, bell: ContainerSource) -> None:
        """Ring at each message, to the clean end of the stream."""
        failures = Failures(asyncio.get_running_loop().time)
        request = LogRequest(follow=True, tail="0", until=self._request.until)
        while True:
            try:
                stream = await bell.open(request)
                failures.answered()
                try:
                    while await stream.read() is not None:
                        self._rung.set()
                        # Whoever takes the lines may be slow; what is held is not lost meanwhile.
                        self._tail.hold()
                finally:
                    stream.close()
            except CUTS:
                await back_off(failures.failed())
            else:
                break
        self._rung.set()

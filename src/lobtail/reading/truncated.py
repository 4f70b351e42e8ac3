"""Notice that a follow stream has gone deaf because its log was truncated.

After ``truncate -s 0``, or logrotate's ``copytruncate``, an engine goes on counting from where the
file was (moby#45728; 20.10 begins again by itself). A reader that follows waits behind the end of
the file, for ever, and ``tail=N`` finds nothing there, or never answers; only a read of the whole
file comes to what was written since. So this log must be read in its file, or polled with
``since``, until the container is started again.

The connection of the stream is well, so only a look at the log tells: at its file, where that can
be read, else by a request without follow, which a silent stream is worth now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from lobtail.core.frames import Frame
from lobtail.core.resume import Memory
from lobtail.errors import EngineStreamError, LobtailError
from lobtail.files import FileWatch
from lobtail.reading.intake import messages_in

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import FrameStream
    from lobtail.engine.models import Container

__all__ = ["LAST_LINE", "SILENT", "TRUNCATED", "TruncationWatch", "pause_after"]

TRUNCATED: Final = "the log file was truncated"
SILENT: Final = "the engine's stream went silent"

# Seconds between two looks: the first, doubled while the stream is silent, and the longest.
LOOK: Final = 2.0
LONGEST_IN_FILE: Final = 4.0
LONGEST_BY_API: Final = 60.0
# Least time between two looks by API, and how long the stream has to bring what one found.
PERIOD: Final = 10.0
GRACE: Final = 2.0


# How long an engine may take to find the last line of a log.
LAST_LINE: Final = 5.0
# How often a log is polled that cannot be followed, and how much longer than a poll takes it rests.
POLL: Final = 1.0
SHARE: Final = 3
LONGEST_POLL: Final = 6.0


def pause_after(took: float) -> float:
    """Return how many seconds to rest after a poll that took so many: it reads the whole log."""
    return min(max(POLL, SHARE * took), LONGEST_POLL)


class TruncationWatch:
    """Watches the follow streams of one container, each with ``over``.

    ``memory`` is what was received of the log. ``file`` is where the engine writes it, if that can
    be read.
    """

    def __init__(
        self,
        engine: EngineClient,
        container: Container,
        memory: Memory,
        *,
        details: bool,
        file: FileWatch | None = None,
    ) -> None:
        self._engine = engine
        self._container = container
        self._memory = memory
        self._details = details
        self._file = file
        self._last: Frame | None = None  # the last message that a look by API found
        self._looked = float("-inf")  # when that was
        self._finds_end = True
        self._answered = False

    @asynccontextmanager
    async def over(self, stream: FrameStream) -> AsyncGenerator[list[str], None]:
        """Close ``stream`` when it is deaf; then the list that this gives says why."""
        found: list[str] = []
        watch = asyncio.create_task(self._watch(stream, found))
        try:
            yield found
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if self._file is not None and not found:  # it may have been truncated since the last look
            found += [TRUNCATED] * self._file.look()

    async def _watch(self, stream: FrameStream, found: list[str]) -> None:
        pause, received = LOOK, -1
        while not found:
            await asyncio.sleep(pause)
            silent = stream.is_waiting and stream.received == received
            received = stream.received
            longest = LONGEST_BY_API if self._file is None else LONGEST_IN_FILE
            pause = min(2 * pause, longest) if silent else LOOK
            if self._file is not None:
                size = self._file.size
                if self._file.look():
                    found.append(TRUNCATED)
                elif not silent or self._file.size == size:
                    continue
            elif not silent or not await self._misses_a_line():
                continue
            # What was written a moment ago may be on its way.
            if not found and await self._stays_silent(stream, received):
                found.append(SILENT)
        stream.close()

    async def _stays_silent(self, stream: FrameStream, received: int) -> bool:
        await asyncio.sleep(GRACE)
        return stream.is_waiting and stream.received == received

    async def _misses_a_line(self) -> bool:
        """Tell whether the log has another end than what was received."""
        now = asyncio.get_running_loop().time()
        if now < self._looked + PERIOD:
            return False
        self._looked = now
        # The engine finds the last line quickly, but not that of a file that was truncated.
        last = await self._last_message(tail=1) if self._finds_end else None
        since = self._memory.since_ns
        # But not all of a log that an engine is slow to read.
        if last is None and (self._finds_end or since is not None):
            last = await self._last_message(since=since)
            if last is None and self._answered and since is not None:
                return True  # what was received is not there any more
        if last is None or last == self._last or self._memory.holds(last):
            return False
        first, self._last = self._last is None, last
        # What is there when nothing was received was not asked for.
        return not first or self._memory.received > 0

    async def _last_message(
        self, *, tail: int | str = "all", since: int | None = None
    ) -> Frame | None:
        """Return the last message of the log; None if the engine does not say."""
        last = None
        self._answered = False
        stream = self._engine.logs(
            self._container, tail=tail, since=since, timestamps=True, details=self._details
        )
        try:
            async with asyncio.timeout(min(self._engine.timeout, LAST_LINE) if tail else None):
                async with stream:
                    async for messages in messages_in(stream):
                        last = messages[-1]
        except TimeoutError:
            self._finds_end = False  # and is not asked again
            return None
        except EngineStreamError:
            pass  # it cannot read on behind what came, for instance where a record was cut
        except LobtailError:
            return None
        self._answered = True
        return last

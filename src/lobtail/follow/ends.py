"""Read the last messages of a log, however often the connection breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lobtail.follow.again import retrying
from lobtail.follow.skip_damage import EndOfLog, end_of_log
from lobtail.follow.steps import Steps, Within
from lobtail.retry import GIVE_UP
from lobtail.sources.base import LogRequest, Traits

if TYPE_CHECKING:
    from lobtail.follow.opening import LogStreams
    from lobtail.follow.options import FollowOptions
    from lobtail.model.resume import ResumeState

__all__ = ["LAST_LINE", "LogEnds"]

# How many seconds an engine may take to find the last line of a log.
LAST_LINE: Final = 5.0


class LogEnds:
    """Reads ends of one log, and knows what of it is in ``memory``."""

    def __init__(
        self, memory: ResumeState, streams: LogStreams, options: FollowOptions, traits: Traits
    ) -> None:
        self._memory = memory
        self._streams = streams
        self._options = options
        self._timeout = min(traits.timeout, LAST_LINE)

    def read(
        self, tail: str, since: int | None = None, floor: int | None = None
    ) -> Steps[EndOfLog]:
        """Read a stream without follow to its end; nothing older than ``floor`` counts."""

        def read() -> Steps[EndOfLog]:
            request = LogRequest(tail=tail, since=since, until=self._options.until)
            stream = yield from self._streams.open(request)
            return (yield from end_of_log(stream, floor, self._memory.counts()))

        return (yield from retrying(read, most=None if self._options.follow else GIVE_UP))

    def last(self, count: int) -> Steps[EndOfLog]:
        """Read the last ``count`` messages; TimeoutError if not even one comes.

        Docker from 23.0 on may never answer for a log that was emptied.
        """
        seconds = self._timeout if count == 1 else None
        reading = self.read(str(count), floor=self._options.since)
        end: EndOfLog = yield Within(seconds, reading)
        return end

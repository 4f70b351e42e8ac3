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

from typing import TYPE_CHECKING, Final

from lobtail.errors import EngineStreamError, LobtailError
from lobtail.follow.ends import LAST_LINE
from lobtail.follow.steps import CheckFile, First, Open, Pause, Read, Steps, Wait, Within
from lobtail.model.records import Record
from lobtail.model.resume import ResumeState
from lobtail.sources.base import LogRequest

if TYPE_CHECKING:
    from lobtail.follow.intake import Clock
    from lobtail.sources.base import FileCheck, RecordStream, Traits

__all__ = ["SILENT", "TRUNCATED", "TruncationWatch", "pause_after"]

TRUNCATED: Final = "the log file was truncated"
SILENT: Final = "the engine's stream went silent"

# Seconds between two looks: the first, doubled while the stream is silent, and the longest.
LOOK: Final = 2.0
LONGEST_IN_FILE: Final = 4.0
LONGEST_BY_API: Final = 60.0
# Least time between two looks by API, and how long the stream has to bring what one found.
PERIOD: Final = 10.0
GRACE: Final = 2.0
# How often a log is polled that cannot be followed, and how much longer than a poll takes it rests.
POLL: Final = 1.0
SHARE: Final = 3
LONGEST_POLL: Final = 6.0


def pause_after(took: float) -> float:
    """Return how many seconds to rest after a poll that took so many: it reads the whole log."""
    return min(max(POLL, SHARE * took), LONGEST_POLL)


class TruncationWatch:
    """Watches the follow streams of one container.

    ``memory`` is what was received of the log. ``file`` is where the engine writes it, if that can
    be read.
    """

    def __init__(
        self, memory: ResumeState, clock: Clock, traits: Traits, file: FileCheck | None = None
    ) -> None:
        self._memory = memory
        self._clock = clock
        self._timeout = min(traits.timeout, LAST_LINE)
        self._file = file
        self._last: Record | None = None  # the last message that a look by API found
        self._has_looked = False  # and whether one was ever answered
        self._looked = float("-inf")  # when that was
        self._finds_end = True
        self._answered = False

    def over(self, stream: RecordStream, reading: Steps[None]) -> Steps[str]:
        """Read a stream, and close it when it is deaf; return why it was, nothing if it was not."""
        found: list[str] = []
        yield First((reading, self._watch(stream, found)))
        if not found and self._file is not None and (yield CheckFile(self._file)):
            found.append(TRUNCATED)  # since the last look
        return "".join(found)

    def _watch(self, stream: RecordStream, found: list[str]) -> Steps[None]:
        found.append((yield from self._deafness(stream)))
        stream.close()  # which ends the reading, once it has handed on what came
        while True:
            yield Wait()

    def _deafness(self, stream: RecordStream) -> Steps[str]:
        """Return why a stream is deaf, when it is."""
        pause, received = LOOK, -1
        while True:
            yield Pause(pause)
            silent = stream.is_waiting and stream.received == received
            received = stream.received
            longest = LONGEST_BY_API if self._file is None else LONGEST_IN_FILE
            pause = min(2 * pause, longest) if silent else LOOK
            if self._file is not None:
                size = self._file.size
                if (yield CheckFile(self._file)):
                    return TRUNCATED
                if not silent or self._file.size == size:
                    continue
            elif not silent or not (yield from self._misses_a_line()):
                continue
            # What was written a moment ago may be on its way.
            yield Pause(GRACE)
            if stream.is_waiting and stream.received == received:
                return SILENT

    def _misses_a_line(self) -> Steps[bool]:
        """Tell whether the log has another end than what was received."""
        now = self._clock.seconds
        if now < self._looked + PERIOD:
            return False
        self._looked = now
        # The engine finds the last line quickly, but not that of a file that was truncated.
        last = (yield from self._last_message(LogRequest(tail="1"))) if self._finds_end else None
        since = self._memory.since_ns
        # But not all of a log that an engine is slow to read.
        if last is None and (self._finds_end or since is not None):
            last = yield from self._last_message(LogRequest(since=since))
            if last is None and self._answered and since is not None:
                return True  # what was received is not there any more
        first, self._has_looked = not self._has_looked, self._has_looked or self._answered
        if last is None or last == self._last or self._memory.holds(last):
            return False
        self._last = last
        # What is there when nothing was received was not asked for.
        return not first or self._memory.received > 0

    def _last_message(self, request: LogRequest) -> Steps[Record | None]:
        """Return the last message of the log; None if the engine does not say."""
        self._answered = False
        try:
            last: Record | None = yield Within(self._timeout, _last_of(request))
        except TimeoutError:
            self._finds_end = False  # and is not asked again
            return None
        except LobtailError:
            return None
        self._answered = True
        return last


def _last_of(request: LogRequest) -> Steps[Record | None]:
    last = None
    stream = yield Open(request)
    try:
        while (messages := (yield Read(stream))) is not None:
            last = messages[-1]
    except EngineStreamError:
        pass  # it cannot read on behind what came, for instance where a record was cut
    finally:
        stream.close()
    return last

"""Open the streams of one log, and remember when the first was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.follow.steps import Open, Steps

if TYPE_CHECKING:
    from lobtail.follow.intake import Clock
    from lobtail.sources.base import LogRequest, RecordStream

__all__ = ["LogStreams"]


class LogStreams:
    """The streams of one log that the engine was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: RecordStream | None = None
        self.begun = False
        """Whether the log was read, by the API or to the end of its files."""
        self.first_ns: int | None = None
        """When it was first asked for, by the engine's clock."""
        self._first_seconds = 0.0

    def open(self, request: LogRequest) -> Steps[RecordStream]:
        """Ask the engine for the log."""
        now = self._clock.engine_ns
        stream: RecordStream = yield Open(request)
        self._last, self.begun = stream, True
        self.note_first(now)
        return stream

    def note_first(self, now_ns: int) -> None:
        """Take the time at which the log was asked for, if it is the first."""
        if self.first_ns is None:
            self.first_ns, self._first_seconds = now_ns, self._clock.seconds

    @property
    def first_now_ns(self) -> int:
        """When it was first asked for, by the engine's clock as it is set now."""
        return self._clock.engine_ns - round((self._clock.seconds - self._first_seconds) * 1e9)

    @property
    def received(self) -> int:
        """How many batches with any text came of the stream that was opened last."""
        return 0 if self._last is None else self._last.received

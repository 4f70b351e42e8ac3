"""Rest between reads while an engine is busy sending history."""

from __future__ import annotations

import time
from typing import Final

__all__ = ["ReadCoalescer"]

# Batches closer than BUSY seconds mean that the engine has more; REST seconds are then slept.
BUSY: Final = 0.001
REST: Final = 0.0001
# A read of so many bytes comes of long messages, which fill the socket without our resting.
FULL: Final = 40_000


class ReadCoalescer:
    """Lets a busy engine fill the socket before it is read again.

    The engine writes each message by itself. A client that reads as fast as it can gets a few
    messages a read, and each of the engine's writes has to wake it: both pay. Left alone for
    100 µs the engine fills the socket's buffer (some 160 messages), and 1M lines take about 0.8 x
    the wall time and 0.6 x our CPU (docs/decisions/004-rest-between-reads.md).

    It blocks, for the timers of an event loop are not finer than a millisecond; handling what a
    rest gathers takes longer than the rest. A line that comes alone is never delayed.
    """

    def __init__(self) -> None:
        self._last = 0.0

    def rest(self, size: int) -> None:
        """Call this after each batch of ``size`` bytes.

        It sleeps if the batch came close behind the one before it and left room in the socket.
        """
        now = time.monotonic()
        if size < FULL and now - self._last < BUSY:
            time.sleep(REST)
            now = time.monotonic()
        self._last = now

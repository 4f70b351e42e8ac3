"""Find out whether a follow stream left something out of the log.

A log driver that rotates its files loses readers that are too slow: an engine whose reader is two
files behind goes on in the newest one, without a sign to the client (moby,
``daemon/logger/loggerutils/follow.go``; in 20.10 ``followLogs`` of ``logfile.go``). Only a second
look tells: a read without follow gives the log as it is, without holes. So from time to time the
recent log is read once more and compared with what the stream has brought:

- a message that was not received, though one behind it was: the stream left it out;
- nothing there that is as old as what was looked at last time: what lay between has been rotated
  away, and nobody can tell any more whether it was received whole.

Messages behind the last one that was received are on their way, and say nothing.

Podman leaves messages out, too: its reader takes what is written of a line for the whole line if
it comes to the end of the file in that moment, and goes on behind all that is written by then
(nxadm/tail, ``tail.go``, ``seekEnd``). Its stamps may be whole seconds, so that equal lines are
equal messages.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from lobtail.model.records import Record
from lobtail.model.resume import ResumeState, cost_of, key_of

__all__ = ["GapDetector", "GapReport"]

# Bytes of messages that are kept until it is known whether they were left out.
MAX_KEPT: Final = 8 << 20


class GapReport(msgspec.Struct, frozen=True):
    """What a second look found."""

    missed: list[Record]
    """Messages that the stream left out, in the order of the log."""
    hole: bool
    """Whether messages may have been rotated away before anybody saw them."""
    proven_ns: int | None
    """Up to where the log is known now: the stamp of the last message that was looked at."""


class GapDetector:
    """Compares the log, as a read without follow gives it, with what was received.

    ``proven_ns`` is up to where it was compared before, or was read without follow; None if
    nothing was there yet. The log must be given from a window before that on; one that ``rotates``
    may have lost that by now.

    ``floor_ns`` is from when on all messages that there were are remembered, where equal lines may
    be equal messages: older ones say nothing.
    """

    def __init__(
        self,
        memory: ResumeState,
        proven_ns: int | None,
        *,
        floor_ns: int | None = None,
        rotates: bool = True,
    ) -> None:
        self._memory = memory
        self._proven = proven_ns
        self._floor = floor_ns
        self._rotates = rotates
        self._counts = memory.counts()
        self._matched: Counter[int] = Counter()
        self._kept: list[tuple[int, int, Record]] = []  # place in the log, key, message
        self._kept_size = 0
        self._place = 0
        self._first: int | None = None  # place of the first message that was received
        self._last = -1  # and of the last one
        self._joined = False
        self._newest = proven_ns

    @property
    def full(self) -> bool:
        """Whether enough was read: more that is unknown would not be kept."""
        return self._kept_size > MAX_KEPT

    def receive(self, messages: list[Record]) -> None:
        """Take a part of the log."""
        for message in messages:
            key = key_of(message)
            stamp = message.time_ns
            if not self._joined:
                self._joined = (
                    stamp is not None and self._proven is not None and stamp <= self._proven
                ) or (self._place == 0 and self._proven is None and key == self._memory.first)
            if self._matched[key] < self._counts.get(key, 0):
                self._match(self._place, key, stamp)
            elif self._relevant(stamp) and not self.full:
                self._kept.append((self._place, key, message))
                self._kept_size += cost_of(message)
            self._place += 1

    @property
    def suspicious(self) -> bool:
        """Whether something seems to be missing so far; what is asked does not change it."""
        return any(self._left_out(place, message) for place, _, message in self._kept)

    def finish(self) -> GapReport:
        """Say what is missing."""
        # What was on its way when the look began may have come meanwhile.
        counts = self._memory.counts()
        unknown: list[tuple[int, Record]] = []
        for place, key, message in self._kept:
            if self._matched[key] < counts.get(key, 0):
                self._match(place, key, message.time_ns)
            else:
                unknown.append((place, message))
        missed = [message for place, message in unknown if self._left_out(place, message)]
        return GapReport(missed, self._rotates and not self._joined, self._newest)

    def _match(self, place: int, key: int, stamp: int | None) -> None:
        self._matched[key] += 1
        self._first = place if self._first is None else min(self._first, place)
        self._last = max(self._last, place)
        if stamp is not None:
            self._newest = max(self._newest or 0, stamp)

    def _relevant(self, stamp: int | None) -> bool:
        """Tell whether a message that was received would be remembered, and ought to have come."""
        if self._floor is not None and (stamp is None or stamp < self._floor):
            return False
        forgotten = self._memory.forgotten_ns
        return stamp is None or forgotten is None or stamp > forgotten

    def _left_out(self, place: int, message: Record) -> bool:
        if place > self._last or self._first is None:
            return False
        stamp = message.time_ns
        # What stands before the first one may have been left out on purpose (``tail``).
        return place > self._first or stamp is None or stamp > (self._proven or 0)

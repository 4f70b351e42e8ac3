"""Read the end of a log again and again, where a follow stream would lose lines.

As many messages are asked for from the end as it takes to meet a known one.
"""

from __future__ import annotations

from typing import Final

from lobtail.follow.intake import ROTATED, UNMET, Intake, younger
from lobtail.follow.opening import LogStreams
from lobtail.follow.steps import BackOff, Read, Steps
from lobtail.model.records import Record, wire_size
from lobtail.model.resume import HELD_SIZE, LIMIT, Deduplicator, cost_of
from lobtail.retry import CUTS, GIVE_UP
from lobtail.sources.base import LogRequest

__all__ = ["POLLED", "Poller"]

POLLED: Final = 64
"""Messages that a first look asks for."""

# What json-file writes around each text beyond our stamp, and how much of what is kept may be
# taken for less because of escapes.
OVERHEAD: Final = 45
NEARLY: Final = 0.6


class Poller:
    """Reads what a log has got since the last time.

    ``kept`` is how many bytes a rotated log keeps at least.
    """

    def __init__(self, intake: Intake, streams: LogStreams, *, kept: int) -> None:
        self._intake = intake
        self._streams = streams
        self._kept = kept
        self._told_unmet = False

    def poll(self, until: int | None, floor: int | None) -> Steps[bool]:
        """Read what is new up to ``until``; return whether there was something.

        ``floor`` is the moment before which messages are not wanted.
        """
        memory = self._intake.memory
        received = memory.received
        failures = 0
        count = POLLED
        while True:
            try:
                if (yield from self._read_end(count, until, floor)):
                    return memory.received != received
            except CUTS as exc:
                failures += 1
                if failures == GIVE_UP:
                    yield from self._intake.gap(f"still trying: {exc}")
                yield BackOff(failures)
            else:
                count *= 4

    def _read_end(self, count: int, until: int | None, floor: int | None) -> Steps[bool]:
        """Read the last ``count`` messages; return whether the log was met, or all of it read."""
        overlap = self._intake.memory.overlap()
        whole = count >= LIMIT
        tail = "all" if whole else str(count)
        stream = yield from self._streams.open(LogRequest(tail=tail, until=until))
        held: list[Record] = []  # until it is known that these are all
        total = size = 0
        try:
            while (messages := (yield Read(stream))) is not None:
                total += len(messages)
                fresh = messages if overlap is None else overlap.filter(messages)
                if overlap is not None and overlap.matched:
                    yield from self._intake.receive(fresh)
                    continue
                held += fresh
                size += sum(map(cost_of, fresh))
                if whole:
                    yield from self._take_unmet(held, overlap, floor)
                    held = []
                elif size > HELD_SIZE:
                    return False  # it takes all of the log, which need not be held
        finally:
            stream.close()
        if overlap is not None:
            if overlap.matched:
                return True
            held += overlap.finish()
        if total >= count and not whole:
            return False
        yield from self._take_unmet(held, overlap, floor)
        return True

    def _take_unmet(
        self, messages: list[Record], overlap: Deduplicator | None, floor: int | None
    ) -> Steps[None]:
        """Hand on messages that no known one stood before."""
        if overlap is None:
            # The log was empty. If it has been filled since, its beginning may be gone already.
            if wire_size(messages) + OVERHEAD * len(messages) > NEARLY * self._kept:
                yield from self._intake.gap(ROTATED)
        elif messages and not self._told_unmet:
            yield from self._intake.gap(UNMET)
        self._told_unmet = overlap is not None and bool(messages)
        yield from self._intake.receive(younger(messages, floor))

"""Get past a place in a log that the engine cannot read.

A record that was half written, or a run of NUL bytes after a crash, ends every read that comes to
it: without a word before 23.0, with an error of the stream later. But ``tail=N`` begins behind
it, if N is small enough (moby#29511). So the largest such N is looked for.

What stands there may be gigabytes: only the beginning of what was read is kept, and the rest is
read once more when it is to be handed on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.errors import EngineStreamError
from lobtail.follow.intake import younger
from lobtail.follow.steps import Read, Steps
from lobtail.model.records import Record
from lobtail.model.resume import ResumeState, cost_of, key_of

if TYPE_CHECKING:
    from lobtail.follow.ends import LogEnds
    from lobtail.sources.base import RecordStream

__all__ = ["Behind", "EndOfLog", "end_of_log", "read_behind_damage", "take_unknown"]

# Messages behind the damage that are looked for at most.
MOST: Final = 1 << 17
# Records at the very end of a log that may be unreadable, too, before what stands there is left.
MOST_AT_END: Final = 4
# Bytes of messages that are kept of one look at the end of a log.
KEPT: Final = 8 << 20


class EndOfLog(msgspec.Struct, frozen=True):
    """The last messages of a log."""

    messages: list[Record]
    """The first of them, KEPT bytes."""
    clean: bool
    """Whether the engine came to the end of the log, rather than to an error."""
    more: int = 0
    """How many others there were."""
    lines: int = 0
    """How many lines these ended or, at the very end, began."""
    newest: Record | None = None
    """The last of these."""
    met: bool = False
    """Whether one of these is known."""

    @property
    def count(self) -> int:
        """How many messages there were."""
        return len(self.messages) + self.more

    @property
    def last(self) -> Record | None:
        """The last message."""
        return self.newest or (self.messages[-1] if self.messages else None)

    @property
    def newest_ns(self) -> int:
        """The stamp of the last message; 0 without one."""
        return (self.last.time_ns if self.last else None) or 0


class Behind(msgspec.Struct, frozen=True):
    """What stands behind a damaged place."""

    messages: list[Record]
    """The messages that are new among the first of it."""
    rest: int = 0
    """How many messages of the end of the log are to be read once more for the others, if any."""
    at_end: bool = False
    """Whether the very end of the log cannot be read either."""


def end_of_log(
    stream: RecordStream, since: int | None, known: Mapping[int, int] | None = None
) -> Steps[EndOfLog]:
    """Read a stream of the end of a log, and close it; nothing older than ``since`` counts.

    ``known`` has the keys of messages that are known.
    """
    held: list[Record] = []
    size = more = lines = 0
    newest: Record | None = None
    met = False
    clean = True
    try:
        while (batch := (yield Read(stream))) is not None:
            for message in younger(batch, since):
                if size < KEPT:
                    held.append(message)
                    size += cost_of(message)
                    continue
                more += 1
                lines += not message.partial
                newest = message
                met = met or (known is not None and key_of(message) in known)
    except EngineStreamError:
        clean = False
    finally:
        stream.close()
    if newest is not None and newest.partial:
        lines += 1
    return EndOfLog(held, clean, more, lines, newest, met)


def read_behind_damage(
    ends: LogEnds,
    memory: ResumeState,
    before_ns: int,
    *,
    stuck: bool = False,
) -> Steps[Behind | None]:
    """Return what stands behind the last place that cannot be read, or None if there is none.

    A log has no such place behind what is in
    ``memory`` if its end, however far it goes back, meets a message that is known there, or if
    nothing is known and all is younger than ``before_ns``. But with ``stuck``, when streams have
    ended at the place before they came to anything new, the end of the log is new all the same.
    """
    last = yield from ends.last(1)
    at_end = 0  # records at the very end that cannot be read
    while not last.count:
        if at_end == MOST_AT_END or (last.clean and not memory.received):
            return None if last.clean else Behind([], at_end=True)
        at_end += 1
        last = yield from ends.last(1 + at_end)
    newest = last.newest_ns
    if not memory.received and newest > before_ns:
        return None  # the log was empty when it was read
    known = memory.counts()
    best = last
    good, bad, count = 1, 0, 1
    ended = at_end > 0
    while True:
        met = best.met or any(key_of(message) in known for message in best.messages)
        if met and not bad:
            # A stream that is stuck does not come so far: what is new must be taken from here.
            return _unknown(best, known, ended, needed=True) if stuck or ended else None
        # All of the log, or as much as can be had; now and then an engine reads across the damage.
        if met or (count and best.count < count):
            return _unknown(best, known, ended)
        count = (good + bad) // 2 if bad else 2 * good
        if count == good or count > MOST:
            return _unknown(best, known, ended)
        end = yield from ends.last(count + at_end)
        if end.count and end.newest_ns >= newest:
            if not end.clean and not ended:  # an error, but behind all that there is
                return _unknown(end, known)
            good, best = count, end
        else:
            bad, count = count, 0


def _unknown(
    end: EndOfLog, known: Counter[int], at_end: bool = False, *, needed: bool = False
) -> Behind | None:
    """Return what is new of the end of a log; None where that is nothing but was ``needed``."""
    fresh = take_unknown(end.messages, known)
    if needed and not fresh and not end.more and not (at_end and not end.clean):
        return None
    return Behind(fresh, end.count if end.more else 0, at_end)


def take_unknown(messages: list[Record], known: Counter[int]) -> list[Record]:
    """Return the messages that are not known, and count those that are as met."""
    fresh = []
    for message in messages:
        key = key_of(message)
        if known[key] > 0:
            known[key] -= 1
        else:
            fresh.append(message)
    return fresh

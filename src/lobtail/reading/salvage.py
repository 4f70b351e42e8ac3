"""Get past a place in a log that the engine cannot read.

A record that was half written, or a run of NUL bytes after a crash, ends every read that comes to
it: without a word before 23.0, with an error of the stream later. But ``tail=N`` begins behind
it, if N is small enough (moby#29511). So the largest such N is looked for.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.core.frames import Frame
from lobtail.core.resume import LIMIT, Memory, hash_message, stamp_of
from lobtail.errors import EngineStreamError
from lobtail.reading.intake import messages_in, younger

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream

__all__ = ["EndOfLog", "end_of_log", "read_behind_damage"]

# Messages behind the damage that are read at most: they are held until the largest N is known.
MOST: Final = 1 << 16


class EndOfLog(msgspec.Struct, frozen=True):
    """The last messages of a log."""

    messages: list[Frame]
    clean: bool
    """Whether the engine came to the end of the log, rather than to an error."""


async def end_of_log(stream: FrameStream, since: int | None) -> EndOfLog:
    """Read a stream of the end of a log, and close it.

    Nothing older than ``since`` is kept, and no more than the last LIMIT messages.
    """
    messages: deque[Frame] = deque(maxlen=LIMIT)
    clean = True
    try:
        async for batch in messages_in(stream):
            messages += younger(batch, since)
    except EngineStreamError:
        clean = False
    finally:
        stream.close()
    return EndOfLog(list(messages), clean)


async def read_behind_damage(
    read: Callable[[int], Awaitable[EndOfLog]],
    memory: Memory,
    before_ns: int,
    *,
    stuck: bool = False,
) -> list[Frame] | None:
    """Return the messages behind the last place that cannot be read, or None if there is none.

    ``read`` gives the last N messages of the log. A log has no such place behind what is in
    ``memory`` if its end, however far it goes back, meets a message that is known there, or if
    nothing is known and all is younger than ``before_ns``. But with ``stuck``, when streams have
    ended at the place before they came to anything new, the end of the log is new all the same.
    """
    last = await read(1)
    if not last.messages:
        return None if last.clean else []  # the damage is at the very end
    newest = stamp_of(last.messages[-1]) or 0
    if not memory.received and newest > before_ns:
        return None  # the log was empty when it was read
    known = memory.counts()
    best = last.messages
    good, bad, count = 1, 0, 1
    while True:
        met = any(hash_message(message) in known for message in best)
        if met and not bad:
            # A stream that is stuck does not come so far: what is new must be taken from here.
            return (_unknown(best, known) or None) if stuck else None
        # All of the log, or as much as can be had; now and then an engine reads across the damage.
        if met or (count and len(best) < count):
            return _unknown(best, known)
        count = (good + bad) // 2 if bad else 2 * good
        if count == good or count > MOST:
            return _unknown(best, known)
        end = await read(count)
        whole = end.clean and bool(end.messages)
        if whole and (stamp_of(end.messages[-1]) or 0) >= newest:
            good, best = count, end.messages
        else:
            bad, count = count, 0


def _unknown(messages: list[Frame], known: Counter[int]) -> list[Frame]:
    fresh = []
    for message in messages:
        key = hash_message(message)
        if known[key] > 0:
            known[key] -= 1
        else:
            fresh.append(message)
    return fresh

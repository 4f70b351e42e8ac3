"""Begin at the end of a log whose stamps are whole seconds (Podman 4), and follow it from there.

All lines of a second have one stamp there, so equal lines are equal messages: among those that are
read once more when a live stream is joined, nobody could tell a blank line that was shown from an
older one that was not asked for. So all messages from a window before the end on are read, and
remembered also where they are not shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from lobtail.core.frames import Frame
from lobtail.core.resume import WHOLE_SECONDS_WINDOW_NS, stamp_of
from lobtail.reading.salvage import EndOfLog

__all__ = ["Beginning", "read_beginning"]


class Beginning(NamedTuple):
    """What a log that is followed begins with."""

    left_out: list[Frame]
    """What is older, as far back as a live stream will go."""
    shown: list[Frame]


async def read_beginning(
    count: int,
    floor: int | None,
    read: Callable[[str, int | None], Awaitable[EndOfLog]],
) -> Beginning:
    """Return the last ``count`` messages of a log, and what a live stream will bring before them.

    ``read`` gives so many of the last messages, ``"all"`` for all, that are not older than a time.
    Nothing older than ``floor`` is asked for, ever.
    """
    last = (await read(str(max(count, 1)), floor)).messages
    newest = stamp_of(last[-1]) if last else None
    if newest is None or len(last) < count or newest % 1_000_000_000:
        return Beginning([], last if count else [])
    since = newest - WHOLE_SECONDS_WINDOW_NS
    older: list[Frame] = []
    if floor is not None and floor >= since:
        recent = (await read("all", floor)).messages
    else:
        # Podman leaves out what was written in that very nanosecond.
        recent = (await read("all", since - 1)).messages
        older = [message for message in last if (stamp_of(message) or 0) < since]
    # If some are older, all the recent ones are behind them.
    first = 0 if older and count else max(len(recent) - count, 0)
    return Beginning(recent[:first], older + recent[first:])

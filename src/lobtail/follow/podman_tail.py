"""Read the end of a log of Podman's, so that it can be followed from there.

Podman's ``tail`` does not do for that. Up to 4.6 it puts the pieces of a line behind the line
before it (podman#19545), and up to 5.x stamps are whole seconds, so equal lines are equal
messages: among those that are read once more when a live stream is joined, nobody could tell a
blank line that was shown from an older one that was not asked for. So it only tells the time from
when on all is read; what is older than what was asked for is remembered without being shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import EngineError
from lobtail.follow.steps import Steps
from lobtail.model.records import Record
from lobtail.model.resume import WHOLE_SECONDS_WINDOW_NS

if TYPE_CHECKING:
    from lobtail.follow.ends import LogEnds

__all__ = ["Beginning", "Rest", "read_beginning"]

_SECOND: Final = 10**9


class Beginning(NamedTuple):
    """What is read of a log at first."""

    left_out: list[Record]
    """What is older, as far back as a live stream will go."""
    shown: list[Record]
    rest: Rest | None = None
    """Where it is to be read from instead: it is too much to be kept."""


class Rest(NamedTuple):
    """What is read of a log message by message."""

    since: int | None
    left_out: int
    """How many lines of it are older than what was asked for."""


def read_beginning(
    count: int,
    floor: int | None,
    ends: LogEnds,
    *,
    ended: bool = False,
) -> Steps[Beginning]:
    """Return the last ``count`` lines of a log, and what a live stream will bring before them.

    Nothing older than ``floor`` is asked for, ever. ``ended`` says that ``ends`` gives nothing
    younger than some time: the last lines are counted before that, as by an engine.
    """
    try:
        last = yield from ends.read(str(max(count, 1)), floor)
    except EngineError as exc:
        if exc.status < 500:
            raise
        # It shows no end of a log whose last line is half written; all of it, it does.
        since = floor
    else:
        stamps = [stamp for message in last.messages if (stamp := message.time_ns) is not None]
        if not stamps:
            return Beginning([], [])
        newest = max(stamps[-1], last.newest_ns)
        since = min(stamps[0], newest - WHOLE_SECONDS_WINDOW_NS)
        # Podman leaves out what was written in that very nanosecond.
        since = since // _SECOND * _SECOND - 1
        since = since if floor is None else max(since, floor)
        if ended:
            count = min(count, last.count)
    whole = yield from ends.read("all", since)
    messages = whole.messages
    if whole.more:
        lines = whole.lines + sum(not message.partial for message in messages)
        return Beginning([], [], Rest(since, max(lines - count, 0)))
    first = _last_lines(messages, count)
    return Beginning(messages[:first], messages[first:])


def behind_lines(messages: list[Record], lines: int) -> int:
    """Return where what follows so many lines begins; at the end if there are fewer."""
    for i, message in enumerate(messages):
        if not lines:
            return i
        lines -= not message.partial
    return len(messages)


def _last_lines(messages: list[Record], count: int) -> int:
    """Return where the last ``count`` lines begin; a piece at the very end is one, too."""
    for i in range(len(messages) - 1, -1, -1):
        if i == len(messages) - 1 or not messages[i].partial:
            if not count:
                return i + 1
            count -= 1
    return 0

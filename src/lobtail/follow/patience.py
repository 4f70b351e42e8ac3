"""Read a history without letting it hold up others: an engine may never send it.

Docker 28 does not answer for a log that was emptied (portainer#12984), a proxy may stall, a daemon
may search its files for minutes. Histories are merged by time, so the others wait for this one, but
only for a few seconds: then it leaves the merge, a ``Gap`` says so, and its lines come late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lobtail.follow.steps import First, IsQueued, LeaveSlot, Live, Pause, Steps

if TYPE_CHECKING:
    from lobtail.follow.intake import Clock
    from lobtail.follow.reader import LogReader

__all__ = ["PATIENCE", "late_reason", "read_history"]

# So many seconds others wait for an engine that sends nothing of a history.
PATIENCE: Final = 3.0
LOOK: Final = 0.5


def late_reason(silent: float) -> str:
    """Say why the lines of a container come late."""
    return f"no answer from the engine for {silent:.0f} s; its lines will come late"


def read_history(reader: LogReader, clock: Clock) -> Steps[None]:
    """Read a history to its end; let others go on where nothing comes of it for a few seconds.

    One that is not followed is given up in the end: there is a ``Gap`` then, and it is over.
    """
    yield First((reader.history(), _watch(reader, clock)))


def _watch(reader: LogReader, clock: Clock) -> Steps[None]:
    """Return when a history is to be given up."""
    progress, looked, silent = reader.progress, clock.seconds, 0.0
    late = False
    while True:
        yield Pause(LOOK)
        # A look that comes late says that it is we who are busy, not the engine.
        passed, looked = min(clock.seconds - looked, 2 * LOOK), clock.seconds
        busy = reader.is_busy_here or (yield IsQueued())
        if busy or reader.progress != progress:
            progress, silent = reader.progress, 0.0
            continue
        silent += passed
        if silent < PATIENCE:
            continue
        yield LeaveSlot()
        if not late:
            late = True
            yield from reader.intake.gap(late_reason(silent))
            yield Live()
        limit = reader.silence_limit
        if limit is not None and silent >= limit:
            yield from reader.intake.gap(f"the engine sent nothing for {silent:.0f} s; gave up")
            return

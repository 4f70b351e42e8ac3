"""What the machine of a log may wait for: each routine is a generator that yields one of these.

A routine does nothing itself. It yields what is to be done, and is sent what came of it, or has the
error thrown into it. ``follow.driver`` does it with an engine and a clock, tests with neither.
Between two yields nothing else happens to the log, so what a routine has seen still holds.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from lobtail.sources.base import FileCheck, LogRequest, RecordStream

__all__ = [
    "FOREVER",
    "BackOff",
    "CheckFile",
    "Deliver",
    "First",
    "InSlot",
    "Inspect",
    "IsQueued",
    "LeaveSlot",
    "Live",
    "News",
    "Open",
    "OpenFiles",
    "Pause",
    "Read",
    "Step",
    "Steps",
    "Tell",
    "Wait",
    "Within",
]

T = TypeVar("T")

FOREVER: Final = None


class Step(msgspec.Struct, frozen=True):
    """Something that takes its time."""


Steps: TypeAlias = Generator[Step, Any, T]
"""A routine that returns a ``T`` in the end."""


class Open(Step, frozen=True):
    """Ask the engine for the log; gives a ``RecordStream``."""

    request: LogRequest


class Read(Step, frozen=True):
    """Wait for the next batch of a stream; gives it, or None at the clean end."""

    stream: RecordStream


class Deliver(Step, frozen=True):
    """Hand on items, or records, of about ``size`` bytes; wait while there is no room for more."""

    items: list[Any]
    size: int = 0


class Inspect(Step, frozen=True):
    """Ask the engine about the container; gives a ``Container``."""


class OpenFiles(Step, frozen=True):
    """Open the files of the log; gives a ``FileLog``. LogFileError says why that cannot be."""

    follow: bool
    """Whether to hold what is written from now on."""


class CheckFile(Step, frozen=True):
    """Look at the file that is written; gives whether it was truncated."""

    file: FileCheck


class Pause(Step, frozen=True):
    """Sleep."""

    seconds: float


class BackOff(Step, frozen=True):
    """Pause before the next attempt: longer each time, and by chance.

    ``took`` is how many seconds the last attempt took in vain: the pause is as long at least.
    """

    failures: int
    took: float = 0


class Wait(Step, frozen=True):
    """Wait for news of the container; gives False if none came within ``seconds``."""

    seconds: float | None = FOREVER


class News(Step, frozen=True):
    """Wake the routines of this log that wait."""


class Live(Step, frozen=True):
    """Say whether the history has been handed on, so that others need not wait for this log."""

    live: bool = True


class Tell(Step, frozen=True):
    """Say what is done on the library's own account."""

    message: str


class First(Step, frozen=True):
    """Run routines side by side until one of them ends, and stop the others.

    Gives the place of that one, and what it returned; its error is raised.
    """

    routines: tuple[Steps[Any], ...]


class Within(Step, frozen=True):
    """Run a routine for at most so long; gives what it returned. TimeoutError is raised."""

    seconds: float | None
    routine: Steps[Any]


class InSlot(Step, frozen=True):
    """Run a routine while holding a slot: only so many logs are read from their beginning at once.

    May be nested. Gives what the routine returned.
    """

    routine: Steps[Any]


class IsQueued(Step, frozen=True):
    """Tell whether a routine of this log waits for a slot."""


class LeaveSlot(Step, frozen=True):
    """Leave the slot that another routine of this log holds: it waits for something else."""

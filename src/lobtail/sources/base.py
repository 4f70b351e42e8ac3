"""What every source of a log has in common: how it is asked, and what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from lobtail.files.records import Damage, MissingRecords, SkippedRecords
    from lobtail.model.records import Record
    from lobtail.query.literals import Literals

__all__ = ["Batch", "FileCheck", "FileLog", "LogRequest", "RecordStream", "Search", "Traits"]

Batch: TypeAlias = "list[Record] | Damage | MissingRecords | SkippedRecords"
"""Records as they were stored; from files also what stands between them."""


class Search(msgspec.Struct, frozen=True):
    """What files may be searched for, rather than read: lines without it may come, or not."""

    texts: Literals
    """What a wanted line contains."""
    context: tuple[int, int] | None = None
    """How many lines before and behind each wanted one must come too. What is left out is counted
    then, and a ``Skipped`` mark stands in its place."""
    silent: bool = False
    """Leave those marks out: the context is not for people."""


class LogRequest(msgspec.Struct, frozen=True):
    """What is asked of a log; times are nanoseconds since the epoch."""

    follow: bool = False
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    stdout: bool = True
    stderr: bool = True
    search: Search | None = None


class RecordStream(Protocol):
    """A log as a source gives it, batch by batch."""

    @property
    def received(self) -> int:
        """How many batches with any text have come of the connection."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the engine, rather than for whoever takes what has come."""

    @property
    def has_more(self) -> bool:
        """Whether there may be more at hand, which comes without waiting."""

    async def read(self) -> Batch | None:
        """Return the next batch, never an empty one; None at the clean end, or when closed.

        Raises:
            EngineError: the engine refuses.
            EngineStreamError: the engine says in mid-log that it cannot read on.
            ConnectionLostError: the connection broke.
            LogFileError, OSError: a file cannot be read on.
        """

    def close(self) -> None:
        """End it at once, also for another task that reads it."""


class FileCheck(Protocol):
    """The file that an engine writes."""

    @property
    def size(self) -> int:
        """How long it was at the last look, in bytes."""

    def look(self) -> bool:
        """Look at it; return whether it was truncated since the last look."""


class FileLog(Protocol):
    """The files of a log, open: what they hold, and if it is followed, what is written to them."""

    path: str

    def check(self) -> FileCheck | None:
        """Begin to watch the file that is written, if there is one."""

    def held(self, request: LogRequest) -> RecordStream:
        """Return what the files held when they were opened."""

    def live(self, request: LogRequest) -> RecordStream:
        """Return what is written to them from then on, to the end of the run."""

    def rest(self, request: LogRequest) -> RecordStream:
        """Return what has been written by now that ``live`` has not given."""

    def close_held(self) -> None:
        """Close what the files held: it has been read."""

    def close(self) -> None:
        """Close the files."""


class Traits(msgspec.Struct, frozen=True):
    """What is peculiar to a log: its engine's, and its driver's, ways."""

    podman: bool = False
    our_clock: bool = True
    """The engine is on this machine, and so has our clock."""
    timeout: float = 15.0
    """How many seconds of silence of the engine are borne."""
    on_files: bool = False
    """An engine of Docker's keeps it in files."""
    latched: bool = False
    """From Docker 24.0 on all that stands behind the first record that ``since`` admits is sent."""
    restamped: bool = False
    """The driver stamps each piece of a long line anew."""
    replays: bool = False
    """A follow stream may send again what it has sent."""
    must_poll: bool = False
    """Before Docker 23.0 most of a log whose rotated files are compressed is lost in a follow
    stream and behind ``since`` (docs/decisions/020-old-compressed-logs.md)."""
    half_lines: bool = False
    """Podman's reader takes what is written of a line for all of it."""
    rotates: bool = False
    """Its files are rotated in a way that can be followed in them."""
    max_size: int | None = None
    """The size in bytes at which they are; None if they are not."""
    kept: int = 0
    """How many bytes of a rotated log are kept at least."""

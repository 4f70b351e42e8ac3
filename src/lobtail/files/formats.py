"""What the log drivers' formats have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import ProtocolError
from lobtail.files.records import (
    MAX_RECORD,
    NO_RECORD,
    NULS,
    Buffer,
    Corruption,
    Decoded,
)
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record, StampText
from lobtail.model.timestamps import parse_rfc3339

if TYPE_CHECKING:
    from lobtail.files.select import RecordFilter
    from lobtail.query.literals import Literals

__all__ = ["STREAMS", "Format", "Records", "Show", "time_of"]

STREAMS: Final = {
    "stdout": Stream.STDOUT,
    "stderr": Stream.STDERR,
    b"stdout": Stream.STDOUT,
    b"stderr": Stream.STDERR,
}
_stream: Final = attrgetter("stream")


class Show(NamedTuple):
    """What ``runs`` is to show."""

    timestamps: bool = False
    details: bool = False
    stdout: bool = True
    stderr: bool = True


class Format(ABC):
    """Decodes one driver's records. Holds no state: blocks may be decoded in any order."""

    driver = ""
    stamped = True
    """Whether messages have times."""
    seekable = True
    """Whether the beginning of a record can be found from the midst of a file."""
    ordered = True
    """Whether nothing older stands behind what is younger than the range that is asked for."""
    legacy = False
    """Whether records are to be as engines before 23.0 send them."""
    probe = 1 << 14
    """Bytes to read for finding a record: longer than most of them."""
    longest = MAX_RECORD
    """Bytes that a record may have."""
    nuls = 0
    """With how many NUL bytes a record may begin."""

    @abstractmethod
    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode the whole records in ``data``, which begins where one begins, or is damaged.

        ``base`` is where ``data`` stands in the file. What is left over is an unfinished record.
        """

    def whole(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode like ``messages`` where ``data`` ends with what is written by now.

        ``messages`` may leave a whole record over for what stands behind it.
        """
        return self.messages(data, base, details=details)

    def runs(self, data: Buffer, length: int, base: int, show: Show) -> Decoded[Frame]:
        """Decode ``data[:length]`` like ``messages``; neighbours of one stream are one frame."""
        block = bytes(memoryview(data)[:length])
        decoded = self.messages(block, base, details=show.details)
        return joined(decoded, show)

    def remainder(
        self,
        data: bytes,
        base: int,
        *,
        live: bool,
        details: bool,  # noqa: ARG002 - for formats whose last record may be whole
    ) -> Decoded[Record]:
        """Decode what is left at a file's end. ``live``: somebody is still writing it.

        Then a half-written record is left over; else all is used.
        """
        if live and self.unfinished(data):
            return Decoded([], [], 0)
        records = Records()
        records.lost(data, base)
        if records.holes[0].reason == NO_RECORD:
            records.holes[0] = records.holes[0]._replace(reason="the record is cut off")
        return records.decoded(len(data))

    def selector(
        self, wanted: Literals, context: tuple[int, int] | None, streams: frozenset[Stream]
    ) -> RecordFilter | None:
        """Return what finds the records of wanted lines; None if all have to be looked at."""
        del wanted, context, streams
        return None

    @abstractmethod
    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say whether a file is of this format whose first bytes, NULs aside, are ``data``.

        ``ends`` says that the file ends with it.
        """

    @abstractmethod
    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a record."""

    @abstractmethod
    def align(self, data: bytes, *, ends: bool) -> int:
        """Return where in ``data`` the first record begins, or -1.

        ``data`` begins anywhere; ``ends`` says that the file ends with it.
        """


def joined(decoded: Decoded[Record], show: Show) -> Decoded[Frame]:
    """Write records as ``show`` says, neighbours of one stream as one frame.

    What stands before a hole is not joined with what stands behind it.
    """
    text = StampText(timestamps=show.timestamps, details=show.details)
    frames: list[Frame] = []
    holes: list[Corruption] = []
    start = 0
    for found in decoded.holes:
        frames += _runs(decoded.records[start : found.before], show, text)
        start = found.before
        holes.append(found._replace(before=len(frames)))
    frames += _runs(decoded.records[start:] if start else decoded.records, show, text)
    return Decoded(frames, holes, decoded.used)


def _runs(records: list[Record], show: Show, text: StampText) -> Iterator[Frame]:
    if not (show.stdout and show.stderr):
        hidden = Stream.STDERR if show.stdout else Stream.STDOUT
        records = [record for record in records if record.stream is not hidden]
    for stream, run in groupby(records, _stream):
        yield Frame(stream, text.show(list(run)))


class Records:
    """What a decoder makes of a block, as it goes; neighbouring damage is one hole.

    Damage may be lines of a byte each: what is kept of it does not grow with them.
    """

    __slots__ = ("holes", "records")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.holes: list[Corruption] = []

    def lost(self, data: bytes, offset: int, reason: str = NO_RECORD) -> None:
        """Take bytes that hold no record."""
        if reason == NO_RECORD and not data.strip(b"\0\n") and b"\0" in data:
            # A crash of the machine leaves these: the size of a file was written, not its content.
            reason = NULS
        if self.holes and self.holes[-1].before == len(self.records):
            grown = self.holes[-1].grown(offset, len(data), reason)
            if grown is not None:
                self.holes[-1] = grown
                return
        self.holes.append(Corruption(len(self.records), offset, len(data), reason))

    def blank(self, offset: int, size: int) -> None:
        """Take bytes that hold nothing: no damage, unless they follow some."""
        if self.holes and self.holes[-1].before == len(self.records):
            self.holes[-1] = self.holes[-1].grown(offset, size, NO_RECORD) or self.holes[-1]

    def decoded(self, used: int) -> Decoded[Record]:
        """Return all of it, of a block of which ``used`` bytes are done with."""
        return Decoded(self.records, self.holes, used)


def time_of(stamp: bytes | str) -> int | None:
    """Return an RFC 3339 time in nanoseconds since the epoch; None if it is none."""
    try:
        return parse_rfc3339(stamp)
    except ProtocolError:
        return None

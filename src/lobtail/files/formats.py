"""What the log drivers' formats have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import ConfigError, ProtocolError
from lobtail.files.records import (
    MAX_RECORD,
    NO_RECORD,
    NULS,
    STAMP,
    Buffer,
    Corruption,
    Decoded,
)
from lobtail.model.frames import Frame, Stream
from lobtail.model.timestamps import format_rfc3339, parse_rfc3339

if TYPE_CHECKING:
    from lobtail.files.select import RecordFilter
    from lobtail.query.literals import Literals

__all__ = ["STREAMS", "Format", "Records", "Show", "full_stamp"]

STREAMS: Final = {
    "stdout": Stream.STDOUT,
    "stderr": Stream.STDERR,
    b"stdout": Stream.STDOUT,
    b"stderr": Stream.STDERR,
}

_UTC: Final = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z"
)


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
    cut = STAMP + 1
    """Bytes of a message before what is shown without timestamps."""
    legacy = False
    """Whether messages are to be as engines before 23.0 send them."""
    probe = 1 << 14
    """Bytes to read for finding a record: longer than most of them."""
    longest = MAX_RECORD
    """Bytes that a record may have."""
    nuls = 0
    """With how many NUL bytes a record may begin."""

    @abstractmethod
    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded:
        """Decode the whole records in ``data``, which begins where one begins, or is damaged.

        ``base`` is where ``data`` stands in the file. What is left over is an unfinished record.
        """

    def whole(self, data: bytes, base: int, *, details: bool) -> Decoded:
        """Decode like ``messages`` where ``data`` ends with what is written by now.

        ``messages`` may leave a whole record over for what stands behind it.
        """
        return self.messages(data, base, details=details)

    def runs(self, data: Buffer, length: int, base: int, show: Show) -> Decoded:
        """Decode ``data[:length]`` like ``messages``, neighbours of one stream joined."""
        block = bytes(memoryview(data)[:length])
        decoded = self.messages(block, base, details=show.details)
        return joined(decoded, show, self.cut)

    def remainder(
        self,
        data: bytes,
        base: int,
        *,
        live: bool,
        details: bool,  # noqa: ARG002 - for formats whose last record may be whole
    ) -> Decoded:
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


def joined(decoded: Decoded, show: Show, cut: int) -> Decoded:
    """Join neighbours of one stream; without timestamps leave ``cut`` bytes of each message out.

    What stands before a hole is not joined with what stands behind it.
    """
    if show.timestamps:
        cut = 0
    frames: list[Frame] = []
    holes: list[Corruption] = []
    pending = iter(decoded.holes)
    found = next(pending, None)
    run: list[bytes] = []
    current: Stream | None = None

    def close() -> None:
        if run and current is not None:
            frames.append(Frame(current, b"".join(run)))
            run.clear()

    for i, message in enumerate(decoded.frames):
        while found is not None and found.before <= i:
            close()
            holes.append(found._replace(before=len(frames)))
            found = next(pending, None)
        stream = message.stream
        if stream is Stream.STDOUT and not show.stdout:
            continue
        if stream is Stream.STDERR and not show.stderr:
            continue
        if stream is not current:
            close()
            current = stream
        run.append(message.payload[cut:])
    close()
    while found is not None:
        holes.append(found._replace(before=len(frames)))
        found = next(pending, None)
    return Decoded(frames, holes, decoded.used)


class Records:
    """What a decoder makes of a block, as it goes; neighbouring damage is one hole.

    Damage may be lines of a byte each: what is kept of it does not grow with them.
    """

    __slots__ = ("frames", "holes")

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.holes: list[Corruption] = []

    def lost(self, data: bytes, offset: int, reason: str = NO_RECORD) -> None:
        """Take bytes that hold no record."""
        if reason == NO_RECORD and not data.strip(b"\0\n") and b"\0" in data:
            # A crash of the machine leaves these: the size of a file was written, not its content.
            reason = NULS
        if self.holes and self.holes[-1].before == len(self.frames):
            grown = self.holes[-1].grown(offset, len(data), reason)
            if grown is not None:
                self.holes[-1] = grown
                return
        self.holes.append(Corruption(len(self.frames), offset, len(data), reason))

    def blank(self, offset: int, size: int) -> None:
        """Take bytes that hold nothing: no damage, unless they follow some."""
        if self.holes and self.holes[-1].before == len(self.frames):
            self.holes[-1] = self.holes[-1].grown(offset, size, NO_RECORD) or self.holes[-1]

    def decoded(self, used: int) -> Decoded:
        """Return all of it, of a block of which ``used`` bytes are done with."""
        return Decoded(self.frames, self.holes, used)


def full_stamp(stamp: bytes) -> bytes | None:
    """Return an RFC 3339 time as the API writes it, with nine digits and in UTC; else None."""
    if _UTC.fullmatch(stamp):
        # Go's RFC3339Nano leaves zeros at the end out, and the point before nothing.
        return stamp[:-1].ljust(20, b".").ljust(STAMP - 1, b"0") + b"Z"
    try:
        return format_rfc3339(parse_rfc3339(stamp)).encode()
    except (ProtocolError, ConfigError):
        return None

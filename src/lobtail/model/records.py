"""What an engine has stored, message by message: parsed once, where it comes in.

The API sends a message as a stamp, a blank, with ``details`` the driver's attributes and a blank,
and its text; from files it comes in its parts.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

import msgspec

from lobtail.errors import ConfigError, ProtocolError
from lobtail.model.frames import HEADER_SIZE, MAX_PAYLOAD, Frame, FrameDecoder, Stream
from lobtail.model.timestamps import LONGEST_STAMP, format_rfc3339, parse_rfc3339

__all__ = [
    "Record",
    "RecordDecoder",
    "StampText",
    "record_of",
    "records_of",
    "stamp_of",
    "wire_size",
]

_STAMP_SIZE: Final = 30  # 2006-01-02T15:04:05.123456789Z
_SECOND: Final = 10**9
_FOREVER: Final = 1 << 80
_STREAMS: Final = tuple(Stream)
# A header, and of what follows it the second, the fraction, and what ends the stamp.
_stamped = Struct(">B3xI20s9s2s").unpack_from
_USUAL: Final = HEADER_SIZE + _STAMP_SIZE + 1


class Record(msgspec.Struct, frozen=True, gc=False):
    """A line, or a piece of one, as it was stored."""

    stream: Stream
    time_ns: int | None
    """When the engine received it, in nanoseconds since the epoch; None if it does not say."""
    raw: bytes
    """The text, without the newline that ended it."""
    partial: bool = False
    """No newline ended it: it is a piece of a line, or the last text of a run."""
    details: bytes = b""
    """The driver's attributes as the API sends them, where they were asked for."""
    exact: bool = True
    """Whether its time has a fraction; Podman 4 cuts it off."""


class RecordDecoder(FrameDecoder):
    """Decodes messages that were asked for with timestamps, and perhaps with ``details``."""

    def __init__(self, *, details: bool = False) -> None:
        super().__init__()
        self._details = details

    def receive_records(self, data: bytes) -> list[Record]:
        """Return the records that ``data`` completes, in order; an empty message is none.

        Raises:
            ProtocolError: as ``receive_data``.
        """
        frames: list[Frame] = []
        data, pos = self._begin(data, frames)
        details = self._details
        records = records_of(frames, details=details)
        end = len(data)
        add = records.append
        streams, usual = _STREAMS, _USUAL
        # Neighbours share their second: "2006-01-02T15:04:05.", and what it stands for.
        known, known_ns = b"", 0
        while end - pos >= HEADER_SIZE:
            if end - pos >= usual:
                kind, size, second, digits, zone = _stamped(data, pos)
                stop = pos + HEADER_SIZE + size
                if (
                    stop <= end
                    and zone == b"Z "  # the form of every Docker driver since 1.0
                    and digits.isdigit()
                    and 0 < kind < 3
                    and _STAMP_SIZE < size <= MAX_PAYLOAD
                    and not details
                ):
                    if second != known:
                        begin = _time_of(second + b"0Z")
                        if begin is None:
                            add(record_of(streams[kind], data[pos + HEADER_SIZE : stop]))
                            pos = stop
                            continue
                        known, known_ns = second, begin
                    if data[stop - 1] == 10:
                        text = data[pos + usual : stop - 1]
                        add(Record(streams[kind], known_ns + int(digits), text))
                    else:
                        text = data[pos + usual : stop]
                        add(Record(streams[kind], known_ns + int(digits), text, True))
                    pos = stop
                    continue
            frames.clear()
            pos = self._irregular(data, pos, frames)
            records += records_of(frames, details=details)
        self._finish(data, pos, records)
        return records


def records_of(frames: list[Frame], *, details: bool = False) -> list[Record]:
    """Return the records of messages that were asked for with timestamps; empty ones are none."""
    return [record_of(f.stream, f.payload, details=details) for f in frames if f.payload]


def record_of(stream: Stream, payload: bytes, *, details: bool = False) -> Record:
    """Return the record of one message, whatever form its stamp has.

    One without a stamp is a text of unknown time.
    """
    stamp, blank, text = payload.partition(b" ")
    time_ns = _time_of(stamp) if blank else None
    if time_ns is None:
        return _record(stream, None, payload, details=False)
    return _record(stream, time_ns, text, details=details, exact=b"." in stamp)


def _record(
    stream: Stream, time_ns: int | None, text: bytes, *, details: bool, exact: bool = True
) -> Record:
    attributes = b""
    if details:
        attributes, _, text = text.partition(b" ")
    partial = text[-1:] != b"\n"
    return Record(stream, time_ns, text if partial else text[:-1], partial, attributes, exact)


def stamp_of(message: Frame) -> int | None:
    """Return the time of a message in nanoseconds since the epoch; None if it shows none."""
    stamp, blank, _ = message.payload.partition(b" ")
    return _time_of(stamp) if blank else None


def _time_of(stamp: bytes) -> int | None:
    if len(stamp) > LONGEST_STAMP:
        return None
    try:
        return parse_rfc3339(stamp)
    except ProtocolError:
        return None


def wire_size(records: list[Record]) -> int:
    """Return how many bytes records have as the API sends them, with stamps but without details."""
    return sum([len(record.raw) for record in records]) + (_STAMP_SIZE + 2) * len(records)


class StampText:
    """Writes records as the API sends them with ``timestamps``, or without."""

    def __init__(self, *, timestamps: bool, details: bool) -> None:
        self._timestamps = timestamps
        self._details = details
        self._begin = _FOREVER  # of the second that is known, and how its stamps begin
        self._second = b""

    def show(self, records: list[Record]) -> bytes:
        """Return the bytes of records, which are of one stream."""
        if self._timestamps and not self._details:
            return self._stamped(records)
        if not self._details:
            return b"".join([r.raw if r.partial else r.raw + b"\n" for r in records])
        return b"".join(map(self._detailed, records))

    def _stamped(self, records: list[Record]) -> bytes:
        parts: list[bytes] = []
        add = parts.append
        begin, second = self._begin, self._second
        for record in records:
            time_ns = record.time_ns
            if time_ns is None or not 0 <= time_ns - begin < _SECOND:
                add(self._stamp(time_ns))
                begin, second = self._begin, self._second
                add(record.raw if record.partial else record.raw + b"\n")
            elif record.partial:
                add(b"%b%09dZ %b" % (second, time_ns - begin, record.raw))
            else:
                add(b"%b%09dZ %b\n" % (second, time_ns - begin, record.raw))
        return b"".join(parts)

    def _detailed(self, record: Record) -> bytes:
        ended = b"" if record.partial else b"\n"
        if record.time_ns is None:
            return record.raw + ended
        stamp = self._stamp(record.time_ns) if self._timestamps else b""
        return b"%b%b %b%b" % (stamp, record.details, record.raw, ended)

    def _stamp(self, time_ns: int | None) -> bytes:
        """Return a stamp and a blank; nothing where the API has none."""
        if time_ns is None:
            return b""
        if not 0 <= time_ns - self._begin < _SECOND:
            try:
                text = format_rfc3339(time_ns)
            except ConfigError:  # a year that no stamp has
                return b""
            self._begin = time_ns - time_ns % _SECOND
            self._second = text[:20].encode()
        return b"%b%09dZ " % (self._second, time_ns - self._begin)

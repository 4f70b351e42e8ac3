"""The records of the local driver: protobuf between two sizes.

::

    size, big-endian uint32 | LogEntry | the same size again

    LogEntry   1 source  2 time_nano  3 line  4 partial  5 partial_log_metadata  6 attrs
    metadata   1 last    2 id         3 ordinal

(moby, ``daemon/logger/local`` and ``entry.proto``; ``attrs`` are kept since 29.0.) The bytes of a
line are kept as they are, without their newline. So nothing but the sizes tells where a record
begins; behind damage a beginning is looked for by its first bytes, and taken if the size stands at
the end again and what is between is such an entry.

A piece of a long line is sent without newline, the last piece with one. Engines before 23.0 leave
it away there, too, so that the next line joins on; ``legacy`` does the same.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Final, NamedTuple

from lobtail.files.bulk_local import bulk_messages, bulk_runs
from lobtail.files.formats import STREAMS, Format, Records, Show
from lobtail.files.records import MAX_RECORD, Buffer, Decoded
from lobtail.files.select import LocalFilter
from lobtail.model.frames import Frame, Stream
from lobtail.model.items import encode_details
from lobtail.model.records import Record
from lobtail.query.literals import Literals

__all__ = ["Local"]

_HEADS: Final = {b"\n\x06stdout\x10": Stream.STDOUT, b"\n\x06stderr\x10": Stream.STDERR}
_BEGIN: Final = re.compile(rb"\x00[\x00-\x1f][\x00-\xff]{2}\n\x06std(?:out|err)\x10")
_HEAD_SIZE: Final = 9
_BEGIN_SIZE: Final = 4 + _HEAD_SIZE
_SHORTEST: Final = 17  # an entry with source and time has more
_size = Struct(">I").unpack_from


class _Entry(NamedTuple):
    stream: Stream
    time_ns: int
    line: bytes
    ended: bool
    last: bool
    attrs: dict[str, str]


class Local(Format):
    """The format of the local driver."""

    driver = "local"
    probe = 1 << 16  # four times the longest line: see align
    nuls = 3  # of a size

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        found = None if details else bulk_messages(data, _time)
        if found is not None:
            return Decoded(found[0], [], found[1])
        return self.exact(data, base, details=details)

    def runs(self, data: Buffer, length: int, base: int, show: Show) -> Decoded[Frame]:
        """Decode as ``Format.runs`` says."""
        if not show.timestamps and not show.details:
            found = bulk_runs(data, length, show.stdout, show.stderr)
            if found is not None:
                return Decoded(found[0], [], found[1])
        return super().runs(data, length, base, show)

    def whole(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.whole`` says."""
        records, holes, used = self.messages(data, base, details=details)
        more = self._decode(data[used:], base + used, details=details, ends=False, tight=True)
        holes += [hole._replace(before=hole.before + len(records)) for hole in more.holes]
        return Decoded(records + more.records, holes, used + more.used)

    def exact(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode whole records, one by one."""
        return self._decode(data, base, details=details, ends=False)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; there may be records behind a wrong size."""
        decoded = self._decode(data, base, details=details, ends=True)
        holes = decoded.holes
        if live and holes and holes[-1].offset + holes[-1].size == base + len(data):
            last = holes[-1]
            if last.before == len(decoded.records) and self.unfinished(data[last.offset - base :]):
                holes.pop()
                return decoded._replace(used=last.offset - base)
        return decoded

    def selector(
        self,
        wanted: Literals,
        context: tuple[int, int] | None,
        streams: frozenset[Stream],  # noqa: ARG002 - for formats that know context
    ) -> LocalFilter | None:
        """Select as ``Format.selector`` says; with context all have to be looked at."""
        from lobtail.files.byte_patterns import raw_needles

        needles = raw_needles(wanted)
        return LocalFilter(self, needles) if needles and context is None else None

    def recognises(self, data: bytes, *, ends: bool) -> bool:  # noqa: ARG002
        """Say so as ``Format.recognises`` does: there is a record."""
        return _BEGIN.search(data) is not None

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a record."""
        return (any(data) or len(data) < 4) and _begins(data) and _record_end(data, 0) < 0

    def align(self, data: bytes, *, ends: bool) -> int:
        """Return where the first record begins from which others follow up to the end of ``data``.

        A container may log what a file of this driver holds. Such records end within a piece of a
        line, long before ``data`` does.
        """
        pos = 0
        while match := _BEGIN.search(data, pos):
            start = pos = match.start()
            while (stop := _record_end(data, pos)) > 0:
                pos = stop
            if pos == len(data) or (stop < 0 and not ends):
                return start
            if stop < 0 and pos > start and self.unfinished(data[pos:]):
                return start
            # From none of the records up to here others follow up to the end.
            pos = max(pos, start + 1)
        return -1

    def _decode(
        self, data: bytes, base: int, *, details: bool, ends: bool, tight: bool = False
    ) -> Decoded[Record]:
        """Decode record by record; ``tight``: take the last even if little stands behind it."""
        records = Records()
        add = records.records.append
        pos = 0
        end = len(data)
        while pos < end:
            stop = _record_end(data, pos)
            if not ends and (stop < 0 or (stop > 0 and end - stop < _HEAD_SIZE and not tight)):
                break
            if stop > 0:
                record = self._record(data, pos + 4, stop - 4, details)
                if record is not None:
                    add(record)
                    # If the write of a record was cut off before its last size, and the next is as
                    # long, that one's first size stands in its place.
                    pos = stop - 4 if data[stop : stop + _HEAD_SIZE] in _HEADS else stop
                    continue
            found = _next_begin(data, pos + 1, ends=ends)
            records.lost(data[pos:found], base + pos)
            pos = found
        return records.decoded(pos)

    def _record(self, data: bytes, start: int, stop: int, details: bool) -> Record | None:
        """Make a record of an entry; None if it is none."""
        if not details:
            # As nearly all are: source, a time in nine bytes, a line whose length has one or two.
            line = start + 20
            length = data[start + 19]
            if length > 127:
                length += (data[line] - 1) << 7
                line += 1
            if line + length == stop and data[start + 18] == 0x1A:
                time_ns = _time(data[start + 9 : start + 18])
                if time_ns is not None:
                    return Record(_HEADS[data[start : start + 9]], time_ns, data[line:stop])
        entry = _parse_entry(data[start:stop])
        if entry is None:
            return None
        partial = not entry.ended and (self.legacy or not entry.last)
        attributes = encode_details(entry.attrs) if details else b""
        return Record(entry.stream, entry.time_ns, entry.line, partial, attributes)


def _record_end(data: bytes, pos: int) -> int:
    """Return where the record at ``pos`` ends; -1 if that is not known yet, 0 if there is none."""
    end = len(data)
    if end - pos >= _BEGIN_SIZE:
        size = _size(data, pos)[0]
        if size > MAX_RECORD or data[pos + 4 : pos + _BEGIN_SIZE] not in _HEADS:
            return 0
        stop: int = pos + size + 8
        if stop > end:
            return -1
        return stop if size > _SHORTEST and data[stop - 4 : stop] == data[pos : pos + 4] else 0
    return -1 if _begins(data[pos:]) else 0


def _begins(data: bytes) -> bool:
    """Say whether ``data`` can be the beginning of a record."""
    if len(data) < 4:
        return data[:1] == b"\x00"
    if not _SHORTEST < _size(data, 0)[0] <= MAX_RECORD:
        return False
    return any(head.startswith(data[4:_BEGIN_SIZE]) for head in _HEADS)


def _next_begin(data: bytes, pos: int, *, ends: bool) -> int:
    """Return where the next record begins, or may begin; the end of ``data`` if none does."""
    while match := _BEGIN.search(data, pos):
        pos = match.start()
        stop = _record_end(data, pos)
        if (stop > 0 and _parse_entry(data[pos + 4 : stop - 4])) or (stop < 0 and not ends):
            return pos
        pos += 1
    # The last bytes may be the beginning of one.
    return len(data) if ends else max(pos, len(data) - _BEGIN_SIZE)


# Times of consecutive records differ in their last bytes: the highest of these 35 bits count
# quarters of a second.
_high: Final[dict[bytes, int]] = {}
_MAX_KNOWN: Final = 4096


def _time(varint: bytes) -> int | None:
    """Return a time in nine bytes; None if they are no such number."""
    low = int.from_bytes(varint[:4], "little")
    high = _high.get(varint[4:])
    if high is None:
        if varint[-1] > 0x7F:
            return None
        value, used = _varint(varint[4:], 0)
        if used != len(varint) - 4:
            return None
        if len(_high) > _MAX_KNOWN:
            _high.clear()
        high = _high[varint[4:]] = value << 28
    if low & 0x80808080 != 0x80808080:
        return None
    return high | low & 0x7F | low >> 1 & 0x3F80 | low >> 2 & 0x1FC000 | low >> 3 & 0xFE00000


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    """Return a number and where it ends. IndexError: it does not."""
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift > 63:
            raise IndexError


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Split a protobuf message. IndexError: it is none."""
    fields: list[tuple[int, int | bytes]] = []
    pos = 0
    while pos < len(data):
        key, pos = _varint(data, pos)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, pos = _varint(data, pos)
            fields.append((number, value))
        elif kind == 2:
            size, pos = _varint(data, pos)
            if pos + size > len(data):
                raise IndexError
            fields.append((number, data[pos : pos + size]))
            pos += size
        else:
            raise IndexError
    return fields


def _parse_entry(data: bytes) -> _Entry | None:
    """Return a LogEntry, or None if ``data`` is none that the engine writes."""
    known: dict[int, int | bytes] = {}
    attrs: dict[str, str] = {}
    try:
        for number, value in _fields(data):
            if number == 6 and isinstance(value, bytes):
                pair = dict(_fields(value))
                key, text = (pair.get(i, b"") for i in (1, 2))
                if isinstance(key, bytes) and isinstance(text, bytes):
                    attrs[key.decode("utf-8", "replace")] = text.decode("utf-8", "replace")
            else:
                known[number] = value
        metadata = known.get(5, b"")
        last = isinstance(metadata, bytes) and bool(dict(_fields(metadata)).get(1))
    except IndexError:
        return None
    source, time, line = known.get(1), known.get(2), known.get(3, b"")
    stream = STREAMS.get(source) if isinstance(source, bytes) else None
    if stream is None or not isinstance(time, int) or not isinstance(line, bytes):
        return None
    if time >= 1 << 63:  # before 1970
        time -= 1 << 64
    return _Entry(stream, time, line, not known.get(4), last, attrs)

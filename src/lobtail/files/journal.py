r"""Entries of systemd's journal, as ``journalctl -o json`` and ``-o export`` write them.

::

    {"__REALTIME_TIMESTAMP":"1767225600500000","PRIORITY":"3","MESSAGE":"text", …}⏎

    __CURSOR=…⏎ __REALTIME_TIMESTAMP=1767225600500000⏎ MESSAGE⏎ size, uint64 | text⏎ ⏎

In JSON a value that is not UTF-8 is an array of bytes, one of several is an array of values, and
one of 4 KiB and more is ``null`` (without ``--all``). In an export a value that is not text in one
line stands behind its size, and an empty line ends an entry (systemd, "Journal Export Formats").

What is shown is what Docker shows of its own entries (moby, ``daemon/logger/journald/read.go``):
an error (priority 3) was written to stderr; as details, what is not one of the well-known fields;
a text that goes on in the next entry is ``CONTAINER_PARTIAL_MESSAGE``. A text of several lines is a
message for each.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from lobtail.files.formats import Format, Records, time_of
from lobtail.files.records import MAX_RECORD, Decoded
from lobtail.model.frames import Stream
from lobtail.model.items import encode_details
from lobtail.model.records import Record

__all__ = ["JournalExport", "JournalJson"]

# The values of an entry by their names; None is one that was left out, for it is too long.
Fields: TypeAlias = dict[str, bytes | None]

_WELL_KNOWN: Final = re.compile(
    "_.*|MESSAGE(_ID)?|PRIORITY|CODE_(FILE|LINE|FUNC)|ERRNO|IMAGE_NAME"
    "|SYSLOG_(FACILITY|IDENTIFIER|PID|TIMESTAMP)|CONTAINER_(NAME|ID|ID_FULL|TAG)"
    "|CONTAINER_PARTIAL_(MESSAGE|ID|ORDINAL|LAST)|CONTAINER_LOG_(EPOCH|ORDINAL)"
)
_ERRORS: Final = (b"0", b"1", b"2", b"3")
_MANY: Final = 4096  # what follows so many lines of a text stays together
_OMITTED: Final = "the text was left out of the export: use journalctl --all"
_NO_TEXT: Final = "an entry without text"


class Journal(Format):
    """What both forms have in common."""

    driver = "journald"

    def add(self, fields: Fields, data: bytes, base: int, details: bool, records: Records) -> None:
        """Take an entry, which stands in the file as ``data``."""
        time_ns = _time(fields)
        text = fields.get("MESSAGE")
        if time_ns is None or text is None:
            omitted = time_ns is not None and "MESSAGE" in fields
            records.lost(data, base, _OMITTED if omitted else _NO_TEXT)
            return
        stream = Stream.STDERR if fields.get("PRIORITY") in _ERRORS else Stream.STDOUT
        attributes = _details(fields) if details else b""
        partial = fields.get("CONTAINER_PARTIAL_MESSAGE") == b"true"
        *lines, last = text.removesuffix(b"\n").split(b"\n", _MANY)
        records.records += [Record(stream, time_ns, line, False, attributes) for line in lines]
        records.records.append(Record(stream, time_ns, last, partial, attributes))

    @abstractmethod
    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say so as ``Format.recognises`` does."""


class JournalJson(Journal):
    """An object a line: ``-o json``; ``json-seq`` and ``json-sse`` put something in front of it."""

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        used = data.rfind(b"\n") + 1
        records = Records()
        for line in data[:used].split(b"\n")[:-1]:
            self._line(line + b"\n", base, details, records)
            base += len(line) + 1
        return records.decoded(used)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; a last entry may lack its newline."""
        records = Records()
        self._line(data, base, details, records)
        if not records.records and self.unfinished(data):
            return super().remainder(data, base, live=live, details=details)
        return records.decoded(len(data))

    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say so as ``Format.recognises`` does: a line is an entry."""
        used = len(data) if ends else data.rfind(b"\n") + 1
        entries = map(_entry, data[:used].translate(None, b"\0").split(b"\n"))
        return any(
            fields and _time(fields) is not None and "MESSAGE" in fields for fields in entries
        )

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of an entry."""
        return b"\0" not in data and data.lstrip(b"\x1e")[:1] in (b"", b"{", b"d")

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002 - for other formats
        """Return where the first line begins behind another one."""
        start = data.find(b"\n") + 1
        return start if 0 < start < len(data) else -1

    def _line(self, line: bytes, base: int, details: bool, records: Records) -> None:
        if not line.strip():
            records.blank(base, len(line))
            return
        fields = _entry(line)
        if fields is None:
            records.lost(line, base)
        else:
            self.add(fields, line, base, details, records)


class JournalExport(Journal):
    """Fields in lines, and an empty line behind each entry: ``-o export``."""

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        return self._decode(data, base, details=details, ends=False)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; a last entry may lack its empty line."""
        if live and self.unfinished(data):
            return Decoded([], [], 0)
        return self._decode(data, base, details=details, ends=True)

    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say so as ``Format.recognises`` does: an entry begins."""
        del ends
        return _BEGIN.search(data) is not None

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of an entry."""
        return data.startswith(b"_"[: len(data)])

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002 - for other formats
        """Return where the first entry begins behind another one."""
        match = _NEXT.search(data)
        return match.end() if match else -1

    def _decode(self, data: bytes, base: int, *, details: bool, ends: bool) -> Decoded[Record]:
        records = Records()
        pos, end = 0, len(data)
        while pos < end:
            try:
                fields, stop = _fields(data, pos, ends=ends)
            except IndexError:  # it goes on
                if not ends:
                    break
                fields, stop = None, -1
            except ValueError:
                fields, stop = None, -1
            if fields is None:
                match = _NEXT.search(data, pos)
                # The last bytes may be the beginning of what is looked for.
                stop = match.end() if match else end if ends else max(pos, end - _NEXT_SIZE)
                if stop == pos:
                    break
                records.lost(data[pos:stop], base + pos)
            elif fields:
                self.add(fields, data[pos:stop], base + pos, details, records)
            else:
                records.blank(base + pos, stop - pos)
            pos = stop
        return records.decoded(pos)


_FIRST: Final = rb"__(?:CURSOR|REALTIME_TIMESTAMP|SEQNUM|MONOTONIC_TIMESTAMP)="
_BEGIN: Final = re.compile(rb"(?:\A|\n\n|\x00)" + _FIRST)
_NEXT: Final = re.compile(rb"\n\n(?=" + _FIRST + rb")")
_NEXT_SIZE: Final = 32
_NAME: Final = re.compile(rb"[A-Z0-9_]{1,64}")
_Value: TypeAlias = str | int | float | None
_ENTRY: Final = msgspec.json.Decoder(dict[str, _Value | list[_Value | list[int]]])


def _fields(data: bytes, pos: int, *, ends: bool) -> tuple[Fields, int]:
    """Return the fields of an entry of an export, and where the next one begins.

    IndexError: it is not whole; ValueError: it is none.
    """
    fields: Fields = {}
    while True:
        stop = data.find(b"\n", pos)
        if stop == pos:
            return fields, pos + 1
        if stop < 0:
            if ends and pos == len(data) and "MESSAGE" in fields:
                return fields, pos
            if not ends and len(data) - pos > MAX_RECORD:
                raise ValueError
            raise IndexError
        name, separator, value = data[pos:stop].partition(b"=")
        if not _NAME.fullmatch(name):
            raise ValueError
        pos = stop + 1
        if not separator:
            size = int.from_bytes(data[pos : pos + 8], "little")
            if len(data) - pos >= 8 and size > MAX_RECORD:
                raise ValueError
            stop = pos + 8 + size
            if len(data) <= stop:
                raise IndexError
            if data[stop] != 0x0A:
                raise ValueError
            value = data[pos + 8 : stop]
            pos = stop + 1
        fields.setdefault(name.decode(), value)


def _entry(line: bytes) -> Fields | None:
    """Return the fields of an object of JSON; None if it is none."""
    try:
        found = _ENTRY.decode(line.lstrip(b"\x1e").removeprefix(b"data: "))
        return {name: _value(value) for name, value in found.items()}
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return None


def _value(value: Any) -> bytes | None:
    """Return the bytes of a value; those of the first of several."""
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return None
    if isinstance(value, list) and value:
        first = value[0]
        return bytes(value) if isinstance(first, int) else _value(first)
    return str(value).encode() if isinstance(value, int) else b""


def _time(fields: Fields) -> int | None:
    """Return when an entry was written. Docker from 23.0 on keeps its own time, which is exact."""
    if own := fields.get("SYSLOG_TIMESTAMP"):
        time_ns = time_of(own)
        if time_ns is not None:
            return time_ns
    micros = fields.get("__REALTIME_TIMESTAMP") or b""
    if not micros.isdigit() or len(micros) > 18:
        return None
    return int(micros) * 1000


def _details(fields: Fields) -> bytes:
    return encode_details(dict(_attributes(fields)))


def _attributes(fields: Fields) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if value is not None and not _WELL_KNOWN.fullmatch(name):
            yield name, value.decode("utf-8", "replace")

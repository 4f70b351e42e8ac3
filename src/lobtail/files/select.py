r"""Tell which bytes of a file can belong to wanted lines.

Of a json-file that is said record by record. A line of 16 KiB and more is several records, and a
text may lie across two of them: such records are kept whole, and with them the next one of their
stream, which goes on with the line. They are found without a look at every record: one that long
covers a stretch of 8 KiB, aligned to 8 KiB, in which no newline stands. A shorter record that does
not end in ``\n`` is the end of a run, and a line of its own.

Of the local driver's files, where beginnings cannot be told so cheaply, stretches of some 100 KiB
are kept, and all around pieces of long lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import msgspec

from lobtail.files.rare_bytes import RareByteFinder
from lobtail.files.records import Buffer
from lobtail.model.frames import Stream

if TYPE_CHECKING:
    from lobtail.files.byte_patterns import Needles
    from lobtail.files.formats import Format

__all__ = ["ContextFilter", "JsonFilter", "LocalFilter", "RecordFilter", "Spans"]

LONG: Final = 1 << 13  # half of lobtail.model.lines.PIECE

Spans = list[tuple[int, int]]

_STREAM: Final = b'"stream":"std'
_OWN: Final = (b'{"log":"', b'{"stream":"')
_OUT, _ERR = b"out", b"err"
_BACKSLASH: Final = 0x5C
_NAMES: Final = {Stream.STDOUT: _OUT, Stream.STDERR: _ERR}


class _Record(msgspec.Struct, gc=False):
    log: str = ""
    stream: str = ""


_RECORD: Final = msgspec.json.Decoder(_Record)


class RecordFilter(Protocol):
    """Looks at a file window by window; remembers what a window leaves open."""

    window: int
    """How many bytes to look at in one go."""

    def select(self, data: Buffer, length: int) -> tuple[Spans, int]:
        """Return what to keep of ``data[:length]``, which begins with a record.

        And how many of its bytes were looked at: whole records. What is kept is in order, begins
        and ends with records, and does not overlap.
        """


@runtime_checkable
class ContextFilter(RecordFilter, Protocol):
    """Knows lines and messages, so that some may be kept, and the others counted."""

    def count(self, data: Buffer, start: int, stop: int) -> int:
        """Count the messages between two records."""

    def last_lines(self, data: Buffer, start: int, stop: int, count: int) -> int:
        """Return where the last ``count`` lines between two records begin."""


class JsonFilter:
    """For json-file. ``after`` lines of ``streams`` are kept behind each find."""

    window = 1 << 18

    def __init__(self, needles: Needles, after: int, streams: frozenset[Stream]) -> None:
        first, *self._others = needles
        self._first = list(map(RareByteFinder, first))
        self._after = after
        self._names = {_NAMES[stream] for stream in streams}
        self._open: set[bytes] = set()  # streams whose line goes on in the next record
        self._left = 0  # lines that are still to be kept behind a find

    def select(self, data: Buffer, length: int) -> tuple[Spans, int]:
        """Select as ``RecordFilter.select`` says."""
        end = data.rfind(b"\n", 0, length) + 1
        spans: Spans = []
        if self._open or self._left:
            spans.append((0, self._go_on(data, 0, end)))
        for start, stop in sorted(self._finds(data, end)):
            if self._after:
                self._left = self._after
                stop = self._go_on(data, stop, end)
            spans.append((start, stop))
        for start, stop in self._long(data, end):
            name, ended = _stream(data, start, stop)
            if not ended:
                self._open.update([name] if name in (_OUT, _ERR) else (_OUT, _ERR))
                left, self._left = self._left, 0
                stop = self._go_on(data, stop, end)
                self._left = left
            spans.append((start, stop))
        return _merged(spans), end

    def count(self, data: Buffer, start: int, stop: int) -> int:
        """Count as ``ContextFilter.count`` says."""
        return data.count(b"\n", start, stop)

    def last_lines(self, data: Buffer, start: int, stop: int, count: int) -> int:
        """Find as ``ContextFilter.last_lines`` says."""
        while stop > start and count > 0:
            begin = data.rfind(b"\n", start, stop - 1) + 1 or start
            name, ended = _stream(data, begin, stop)
            count -= ended and name in self._names
            stop = begin
        return stop

    def _go_on(self, data: Buffer, pos: int, end: int) -> int:
        """Return where nothing is to be kept any more for what is open."""
        while pos < end and (self._open or self._left):
            stop = data.find(b"\n", pos, end) + 1
            name, ended = _stream(data, pos, stop)
            if ended or stop - pos < LONG:
                self._open.discard(name)
            if self._left and ended and name in self._names:
                self._left -= 1
            pos = stop
        return pos

    def _finds(self, data: Buffer, end: int) -> Iterator[tuple[int, int]]:
        """Yield the records that contain one of each group."""
        for finder in self._first:
            finder.look(data, end)
            pos = 0
            while (found := finder.find(data, pos, end)) >= 0:
                start = data.rfind(b"\n", 0, found) + 1
                pos = data.find(b"\n", found, end) + 1
                if all(
                    any(data.find(other, start, pos) >= 0 for other in group)
                    for group in self._others
                ):
                    yield start, pos

    def _long(self, data: Buffer, end: int) -> Iterator[tuple[int, int]]:
        stop = 0
        for pos in range(0, end - LONG + 1, LONG):
            if pos >= stop and data.find(b"\n", pos, pos + LONG - 1) < 0:
                stop = data.find(b"\n", pos, end) + 1
                yield data.rfind(b"\n", 0, pos) + 1, stop


class LocalFilter:
    """For the local driver, without context: its records cannot be counted without a walk."""

    window = 1 << 20

    def __init__(self, form: Format, needles: Needles) -> None:
        self._form = form
        # The signs of a piece: partial is true, and its metadata follow.
        self._first = list(map(RareByteFinder, (*needles[0], b"\x20\x01\x2a")))

    def select(self, data: Buffer, length: int) -> tuple[Spans, int]:
        """Select as ``RecordFilter.select`` says."""
        step = self._form.probe
        end = self._border(data, max(0, length - step), length)
        if end <= 0:
            decoded = self._form.messages(bytes(data[:length]), 0, details=False)
            return [(0, decoded.used)], decoded.used
        spans: Spans = []
        for finder in self._first:
            finder.look(data, end)
            pos = 0
            while (found := finder.find(data, pos, end)) >= 0:
                start = self._border(data, found - 2 * step, found - step)
                pos = self._border(data, found + step, min(found + 2 * step, length))
                if pos < 0 or pos > end:
                    pos = end
                spans.append((max(start, 0), pos))
        return _merged(spans), end

    def _border(self, data: Buffer, start: int, stop: int) -> int:
        """Return where a record begins between two places, from which others follow; or -1."""
        if start < 0:
            return 0 if stop > 0 else -1
        found = self._form.align(bytes(data[start:stop]), ends=False)
        return start + found if found >= 0 else -1


def _stream(data: Buffer, start: int, stop: int) -> tuple[bytes, bool]:
    r"""Return the stream of a json-file record, and whether its text ends in a newline.

    In one of the driver the first ``"stream"`` is the one: in a text it would have backslashes, and
    the attributes, which may have such a key, come later.
    """
    found = data.find(_STREAM, start, stop) if data.startswith(_OWN, start) else -1
    if found < 0:
        return _decoded_stream(bytes(data[start:stop]))
    name = bytes(data[found + len(_STREAM) : found + len(_STREAM) + 3])
    # Before it stands \n", and an even number of backslashes before that.
    slash = found - 4
    ended = slash > start and data[slash : found - 1] == b'\\n"'
    while ended and data[slash - 1] == _BACKSLASH == data[slash - 2]:
        slash -= 2
    return name, ended and data[slash - 1] != _BACKSLASH


def _decoded_stream(record: bytes) -> tuple[bytes, bool]:
    try:
        found = _RECORD.decode(record)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return b"", False
    return found.stream[3:].encode(), found.log.endswith("\n")


def _merged(spans: Spans) -> Spans:
    spans.sort()
    merged: Spans = []
    for start, stop in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged

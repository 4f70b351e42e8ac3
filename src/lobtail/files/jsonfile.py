r"""The records of the json-file driver: a JSON object a line.

::

    {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2006-01-02T15:04:05.1234Z"}

``attrs`` is there only with the log options ``labels``, ``env`` and ``tag``. A piece of a long line
has no ``\n`` at its end. The time is RFC 3339 without the zeros at the fraction's end, where the
API has nine digits (moby, ``daemon/logger/jsonfilelog/jsonlog``: ``JSONLogs.MarshalJSONBuf``,
``fastTimeMarshalJSON``). A newline as such stands nowhere but at a record's end, and a quote as
such nowhere but around a key or a value: a record can be found from anywhere.

Each block is read in the quickest way that is right for it:

1. *in bulk* (``files.bulk``), if all its records are whole lines with the same keys and
   attributes: one pattern takes all that stands between two texts away;
2. with msgspec, all records in one call;
3. line by line, if some are damaged.

What the pattern of 1 leaves over is the texts. If there is no quote among them, it left nothing
but texts; if there are escapes, they are one JSON string together, or the block is not regular.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from lobtail.files.bulk import Hints, bulk_messages, bulk_runs, bulk_stamped_runs
from lobtail.files.formats import STREAMS, Format, Records, Show, joined, time_of
from lobtail.files.records import Buffer, Decoded
from lobtail.files.select import JsonFilter
from lobtail.model.frames import Frame, Stream
from lobtail.model.records import Record
from lobtail.query.literals import Literals

__all__ = ["JsonFile"]


class _Stored(msgspec.Struct, gc=False):
    log: str = ""
    stream: str = ""
    time: str = ""
    attrs: msgspec.Raw = msgspec.Raw()


class _Saved(msgspec.Struct):
    v: int
    container: str


# What decoding raises where there is no record: invalid UTF-8 is a ValueError, and nothing that a
# driver writes is nested a thousand deep.
_BROKEN: Final = (msgspec.DecodeError, ValueError, RecursionError)

_STORED: Final = msgspec.json.Decoder(_Stored)
_SAVED: Final = msgspec.json.Decoder(_Saved)
_ATTRS: Final = msgspec.json.Decoder(dict[str, str])
_SHORT_ATTRS: Final = 1 << 12

# Compiled when they are needed: of a whole log none is.
_BLANK: Final = r"[ \t\r]*+"
_STRING: Final = rf'{_BLANK}"(?:[^"\\\x00\n]++|\\[^\n])*+"{_BLANK}'
# An object that may be a record: of texts, of objects of texts, of numbers and such.
_INNER: Final = rf"{_BLANK}\{{(?:{_STRING}:{_STRING},?)*+{_BLANK}\}}{_BLANK}"
_SHAPE: Final = rf'\{{(?:{_STRING}:(?:{_STRING}|{_INNER}|[^"{{}}\[\],\x00\n]++),?)++\}}'.encode()
_BEGIN: Final = rb'\{[ \t]*"(?:log|stream|attrs|time)"[ \t]*:'
_UNFINISHED: Final = rb'[ \t]*+\{[ \t]*+(?:"|\Z)'
_BEGIN_OF_ALL: Final = rb'\{[ \t]*"(?:log"[ \t]*:|stream"[ \t]*:[ \t]*"std(?:out|err)")'
_ODD: Final = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u]"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|([\x01-\x1f])"
)


class JsonFile(Format):
    """The format of the json-file driver."""

    driver = "json-file"

    def __init__(self) -> None:
        self._hints = Hints()

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        used = data.rfind(b"\n") + 1
        if not details:
            records = bulk_messages(data, used)
            if records is not None:
                return Decoded(records, [], used)
        return self.exact(data[:used], base, details=details)

    def runs(self, data: Buffer, length: int, base: int, show: Show) -> Decoded[Frame]:
        """Decode as ``Format.runs`` says."""
        if show.details:
            return super().runs(data, length, base, show)
        used = data.rfind(b"\n", 0, length) + 1
        if show.timestamps:
            frames = bulk_stamped_runs(bytes(data[:used]), used, show.stdout, show.stderr)
        else:
            frames = bulk_runs(data, used, show.stdout, show.stderr, self._hints)
        if frames is not None:
            return Decoded(frames, [], used)
        return joined(self.exact(bytes(data[:used]), base, details=False), show)

    def whole(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.whole`` says; the newline of the last record may be missing."""
        decoded = self.messages(data, base, details=details)
        records, holes, used = decoded
        if data[used:].endswith(b"}"):
            more = self.remainder(data[used:], base + used, live=True, details=details)
            first = len(records)
            holes = holes + [hole._replace(before=hole.before + first) for hole in more.holes]
            return Decoded(records + more.records, holes, used + more.used)
        return decoded

    def exact(self, body: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode whole lines, record by record."""
        try:
            stored = _STORED.decode_lines(body)
            if len(stored) == body.count(b"\n"):
                return Decoded([_record(each, details) for each in stored], [], len(body))
        except _BROKEN:
            pass
        found = Records()
        pos, end = 0, len(body)
        while pos < end:
            # Lines without a brace have no record: all of them in a row are taken at once.
            brace = body.find(b"{", pos)
            start = end if brace < 0 else body.rfind(b"\n", pos, brace) + 1 or pos
            if start > pos:
                self._line(body[pos:start], base + pos, details, found)
            pos = body.find(b"\n", start) + 1 or end
            if pos > start:
                self._line(body[start:pos], base + start, details, found)
        return found.decoded(end)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; a last record may lack its newline."""
        found = Records()
        self._line(data, base, details, found)
        if not found.records and self.unfinished(data):
            return super().remainder(data, base, live=live, details=details)
        return found.decoded(len(data))

    def selector(
        self, wanted: Literals, context: tuple[int, int] | None, streams: frozenset[Stream]
    ) -> JsonFilter | None:
        """Select as ``Format.selector`` says."""
        from lobtail.files.byte_patterns import json_needles

        needles = json_needles(wanted)
        return JsonFilter(needles, context[1] if context else 0, streams) if needles else None

    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say so as ``Format.recognises`` does: a line is a record, or the only one begins so."""
        data = data.translate(None, b"\0")
        used = len(data) if ends else data.rfind(b"\n") + 1
        if not used or b"\n" not in data:
            return re.match(_BEGIN_OF_ALL, data) is not None or (ends and _is_record(data))
        return any(map(_is_record, data[:used].splitlines()))

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a record."""
        return b"\0" not in data and re.match(_UNFINISHED, data) is not None

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002 - for other formats
        """Return where the first line begins behind another one."""
        start = data.find(b"\n") + 1
        return start if 0 < start < len(data) else -1

    def _line(self, line: bytes, base: int, details: bool, found: Records) -> None:
        """Decode a line, or what records there are in a damaged one."""
        if not line.strip():
            found.blank(base, len(line))
            return
        try:
            found.records.append(_record(_STORED.decode(line), details))
        except _BROKEN:
            pass
        else:
            return
        done = 0
        for start, stop, record in _records(line, details):
            if start > done:
                found.lost(line[done:start], base + done)
            found.records.append(record)
            done = stop
        if line[done:].strip():
            found.lost(line[done:], base + done)


def _is_record(line: bytes) -> bool:
    try:
        _record(_STORED.decode(line), details=False)
    except _BROKEN:
        return False
    return not _is_saved(line)


def _is_saved(line: bytes) -> bool:
    """Tell whether ``-o json`` has written a line: it has a stream and a time, too."""
    try:
        _SAVED.decode(line)
    except _BROKEN:
        return False
    return True


def _record(stored: _Stored, details: bool) -> Record:
    """Make a record of what was stored. ValueError: it has no known stream, or no time."""
    stream = STREAMS.get(stored.stream)
    time_ns = time_of(stored.time)
    if stream is None or time_ns is None:
        raise ValueError("not a record")
    text = stored.log.encode()
    partial = text[-1:] != b"\n"
    attributes = _details(bytes(stored.attrs)) if details else b""
    return Record(stream, time_ns, text if partial else text[:-1], partial, attributes)


def _details(attrs: bytes) -> bytes:
    # All records of a container have the same; what is kept must not be as long as a record may be.
    return (_known_details if len(attrs) <= _SHORT_ATTRS else _decoded_details)(attrs)


def _decoded_details(attrs: bytes) -> bytes:
    # Loaded here, for it brings the levels of lines along.
    from lobtail.model.items import encode_details

    try:
        return encode_details(_ATTRS.decode(attrs)) if attrs else b""
    except msgspec.DecodeError:  # not of the driver; the text is
        return b""


_known_details: Final = lru_cache(maxsize=64)(_decoded_details)


def _records(line: bytes, details: bool) -> Iterator[tuple[int, int, Record]]:
    """Find the records in a line that is not one, or not quite."""
    shape = re.compile(_SHAPE)
    for begin in re.finditer(_BEGIN, line):
        match = shape.match(line, begin.start())
        if match is None:
            continue
        try:
            yield *match.span(), _record(_STORED.decode(_mended(match[0])), details)
        except _BROKEN:
            continue


def _mended(record: bytes) -> bytes:
    """Make valid JSON of what Go's decoder takes for such.

    Each byte that is not UTF-8 and each half of a surrogate pair is a U+FFFD to it. Control
    characters it refuses; but one flipped bit need not cost a line.
    """
    return re.sub(_ODD, _mend, record.decode("utf-8", "lobtail-go")).encode()


def _mend(match: re.Match[str]) -> str:
    if match[1]:
        return "\ufffd"
    return f"\\u{ord(match[2]):04x}" if match[2] else match[0]


def _replace_each_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd", error.start + 1


codecs.register_error("lobtail-go", _replace_each_byte)

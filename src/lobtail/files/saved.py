r"""Logs that ``lobtail tail -o json`` has saved: an item a line, of one container or of many.

For ``lobtail logs`` the lines are messages like those of other formats, whosever they are, and the
marks that say that lines are missing are holes. ``SavedItems`` gives all as it was saved.
"""

from __future__ import annotations

import re
from typing import Final, cast

from lobtail.errors import CodecError
from lobtail.files.formats import Format, Records
from lobtail.files.records import Decoded
from lobtail.model.frames import Stream
from lobtail.model.items import Dropped, Gap, Item, Line, mark_words
from lobtail.model.jsonlines import MAX_OBJECT, JsonDecoder
from lobtail.model.records import Record
from lobtail.model.timestamps import in_range

__all__ = ["Saved", "SavedItems"]

_HEAD: Final = re.compile(rb'(?:\A|\n)\{"v":[12],"time":(?:null|"[0-9]{4}-)')
# Go's zero time, which engines write where they know none: 0001-01-01T00:00:00Z.
_NEVER: Final = -62_135_596_800 * 10**9


class Saved(Format):
    """The format of what ``-o json`` writes."""

    driver = "lobtail"
    seekable = ordered = False  # a late line stands behind younger ones
    longest = MAX_OBJECT

    def __init__(self) -> None:
        self._decoder = JsonDecoder()

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:
        """Decode as ``Format.messages`` says."""
        used = data.rfind(b"\n") + 1
        records = Records()
        lines = data[:used].split(b"\n")
        for line, item in zip(lines, self._decoder.decode_lines(data[:used]), strict=False):
            self._take(item, line + b"\n", base, details, records)
            base += len(line) + 1
        return records.decoded(used)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; a last item may lack its newline."""
        try:
            item = self._decoder.decode(data)
        except CodecError:
            return super().remainder(data, base, live=live, details=details)
        records = Records()
        self._take(item, data, base, details, records)
        return records.decoded(len(data))

    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say so as ``Format.recognises`` does: a line is an item."""
        data = data.translate(None, b"\0")
        if _HEAD.search(data):
            return True
        # Another program may have written the keys in another order.
        whole = data + b"\n" if ends else data[: data.rfind(b"\n") + 1]
        return any(JsonDecoder().decode_lines(whole))

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of an item."""
        return b"\0" not in data and data.startswith(b"{")

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002 - for other formats
        """Return where the first line begins behind another one."""
        start = data.find(b"\n") + 1
        return start if 0 < start < len(data) else -1

    def _take(
        self, item: Item | None, line: bytes, base: int, details: bool, records: Records
    ) -> None:
        """Take what a line is."""
        if item is None:
            if line.strip():
                records.lost(line, base)
            else:
                records.blank(base, len(line))
        else:
            self._add(item, line, base, details, records)

    def _add(self, item: Item, line: bytes, base: int, details: bool, records: Records) -> None:
        if isinstance(item, Line):
            records.records.append(_record(item, details=details))
        elif isinstance(item, Gap | Dropped):
            records.lost(line, base, mark_words(item))


class SavedItems(Saved):
    """Gives items where ``Format`` has records, for a ``Walk`` from the beginning on.

    Blocks must come in order: a container's labels stand in the first of its items.
    """

    def _add(self, item: Item, line: bytes, base: int, details: bool, records: Records) -> None:
        del line, base, details
        records.records.append(cast(Record, item))  # nobody looks into them on the way


def _record(line: Line, *, details: bool) -> Record:
    """Return a line as the API would send it."""
    try:
        time_ns = _NEVER if line.time_ns is None else in_range(line.time_ns)
    except ValueError:
        time_ns = _NEVER
    return Record(
        Stream.STDOUT if line.stream in (Stream.STDIN, Stream.STDOUT) else Stream.STDERR,
        time_ns,
        line.raw,
        line.partial or line.unterminated,
        line.raw_details if details else b"",
    )

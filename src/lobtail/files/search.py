"""Read only what can belong to a wanted line, and say how much was passed over.

The bytes go into one buffer, which is searched at the speed of memory (``select``); what is kept is
decoded. Damage in what is passed over is not looked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from lobtail.files.formats import Format
from lobtail.files.log_file import LogFile, Window
from lobtail.files.records import Corruption, Damage, Decoded, SkippedRecords
from lobtail.files.select import ContextFilter
from lobtail.files.span import Span
from lobtail.files.walk import in_place, with_fault
from lobtail.model.frames import Stream
from lobtail.model.records import Record

if TYPE_CHECKING:
    from lobtail.files.records import Buffer
    from lobtail.files.select import RecordFilter

__all__ = ["RecordScanner"]

# Behind what is younger than that nothing comes that is not too young (model.resume.WINDOW_NS).
_LATE_NS = 2 * 10**9

# What is held of the lines before a find, in bytes: lines may be of 1 MiB each.
_MAX_HELD: Final = 8 << 20


class RecordScanner:
    """Reads one file after another; keeps what ``selector`` finds.

    ``before`` is how many lines to keep before a find, None if nothing is to be counted.
    """

    def __init__(
        self,
        form: Format,
        selector: RecordFilter,
        *,
        details: bool,
        span: Span,
        skip: int,
        before: int | None,
        streams: frozenset[Stream],
    ) -> None:
        self._format = form
        self._selector = selector
        self._details = details
        self._span = span
        self._skip = skip
        self._before = before or 0
        self._context: ContextFilter | None = None
        if before is not None:
            assert isinstance(selector, ContextFilter)
            self._context = selector
        self._streams = streams
        self._over = False  # something was passed over
        self._passed = 0  # how many messages of it
        self._held: list[Record] = []  # the last of what was passed over, not counted among it
        self._lost: Corruption | None = None  # damage that more may follow
        self._late = None if span.until is None else span.until + _LATE_NS
        self.done = False
        """Whether a message was younger than what is asked for: nothing comes any more."""

    def read(
        self, part: LogFile, offset: int = 0
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        """Yield what is kept of a file from a record's beginning at ``offset`` on."""
        yield from self._windows(Window(part, offset, None, self._selector.window), part)
        if self._lost is not None:
            yield from self._keep(Decoded([], [], 0), part, ends=True)

    def _windows(
        self, window: Window, part: LogFile
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        while window.more():
            lost = window.take_nuls(self._format.nuls)
            if lost is None:
                data, length, base = window.data, window.length, window.offset
                if window.last:
                    rest = bytes(data[:length])
                    live = part.live and part.fault is None and part.is_growing
                    details = self._details
                    decoded = self._format.remainder(rest, base, live=live, details=details)
                    yield from self._keep(with_fault(decoded, part, base + length), part)
                    return
                if self._is_late(data, length, base):
                    return
                spans, used = self._selector.select(data, length)
                if self._skip:  # what is skipped has to be counted
                    spans = [(0, used)]
                pos = 0
                for start, stop in spans:
                    self._pass_over(data, pos, start, base)
                    yield from self._decode(bytes(data[start:stop]), base + start, part)
                    if self.done:
                        return
                    pos = stop
                self._pass_over(data, pos, used, base)
                window.take(used)
                lost = window.take_overlong()
            if lost is not None:
                yield from self._keep(Decoded([], [lost], lost.size), part)
        if part.fault is not None:
            yield from self._keep(with_fault(Decoded([], [], 0), part, window.offset), part)

    def _decode(
        self, kept: bytes, base: int, part: LogFile
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        decoded = self._format.messages(kept, base, details=self._details)
        yield from self._keep(decoded, part)
        if decoded.used < len(kept):
            rest, base = kept[decoded.used :], base + decoded.used
            decoded = self._format.remainder(rest, base, live=False, details=self._details)
            yield from self._keep(decoded, part)

    def finish(self) -> Iterator[list[Record] | Damage | SkippedRecords]:
        """Yield the context that what comes behind the last file may need."""
        if self._over:
            yield SkippedRecords(self._passed if self._context is not None else None)
            if self._held:
                yield self._held

    def _keep(
        self, decoded: Decoded[Record], part: LogFile, *, ends: bool = False
    ) -> Iterator[list[Record] | Damage | SkippedRecords]:
        decoded = self._limited(decoded)
        holes = decoded.holes
        if self._lost is not None:
            first = holes[0] if holes and not holes[0].before else None
            grown = None if first is None else self._lost.grown(*first[1:])
            holes = [self._lost, *holes] if grown is None else [grown, *holes[1:]]
            decoded = decoded._replace(holes=holes)
            self._lost = None
        if not decoded.records and len(holes) == 1 and not ends:
            self._lost = holes[0]
            return
        if not decoded.records and not holes:
            return
        if self._over:
            if self._passed or self._context is None:
                yield SkippedRecords(self._passed if self._context is not None else None)
            if self._held:
                yield self._held
            self._over, self._passed, self._held = False, 0, []
        yield from in_place([decoded], part.path)

    def _limited(self, decoded: Decoded[Record]) -> Decoded[Record]:
        if self._skip or self._span.bounded:
            skip = min(self._skip, len(decoded.records))
            self._skip -= skip
            decoded, self.done = self._span.limit(decoded, skip)
        if len(self._streams) < 2:
            decoded = only(decoded, self._streams)
        return decoded

    def _pass_over(self, data: Buffer, start: int, stop: int, base: int) -> None:
        """Leave out what stands between two records, but for the context of what comes."""
        if start >= stop:
            return
        self._over = True
        context = self._context
        if context is None:
            return
        first = stop
        if self._before:
            first = context.last_lines(data, start, stop, self._before)
            held = bytes(data[first:stop])
            decoded = self._format.messages(held, base + first, details=self._details)
            records = self._limited(decoded).records
            if first > start:
                self._passed += len(self._held)
                self._held = records
            else:
                self._held += records
            self._trim()
        self._passed += context.count(data, start, first)

    def _trim(self) -> None:
        """Hold no more than ``before`` lines, and no more than some bytes; count the others."""
        left, room = self._before, _MAX_HELD
        for i in range(len(self._held) - 1, -1, -1):
            record = self._held[i]
            left -= not record.partial
            room -= len(record.raw)
            if left < 0 or room < 0:
                self._passed += i + 1
                del self._held[: i + 1]
                return

    def _is_late(self, data: Buffer, length: int, base: int) -> bool:
        """Say whether a window begins so late that nothing in it can be asked for."""
        if self._late is None:
            return False
        head = bytes(data[: min(length, 1 << 15)])
        records = self._format.messages(head, base, details=False).records
        first = records[0].time_ns if records else None
        self.done = first is not None and first > self._late
        return self.done


def only(decoded: Decoded[Record], streams: frozenset[Stream]) -> Decoded[Record]:
    """Return the messages of some streams."""
    kept = [i for i, record in enumerate(decoded.records) if record.stream in streams]
    records = [decoded.records[i] for i in kept]
    holes = [hole._replace(before=bisect_left(kept, hole.before)) for hole in decoded.holes]
    return decoded._replace(records=records, holes=holes)

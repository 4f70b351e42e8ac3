"""Walk through files block by block: cut at records, decode, leave out what is not asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lobtail.files.formats import Format, Show, joined
from lobtail.files.log_file import LogFile, Window
from lobtail.files.records import Corruption, Damage, Decoded, T
from lobtail.files.span import EVERYTHING, Span
from lobtail.model.records import Record

__all__ = ["Walk", "in_place", "with_fault"]


class Walk:
    """Reads one file after another; knows what of them is asked for.

    ``show`` asks for runs; without it, records come. The first ``skip`` records are left out.
    ``follows`` leaves a half-written record at the end for whoever goes on there.
    """

    def __init__(
        self,
        form: Format,
        *,
        details: bool = False,
        show: Show | None = None,
        span: Span = EVERYTHING,
        skip: int = 0,
        follows: bool = False,
    ) -> None:
        self._format = form
        self._details = details
        self._show = show
        self._span = span
        self._skip = skip
        self._follows = follows
        self.done = False
        """Whether a message was younger than what is asked for: nothing comes any more."""
        self.end = 0
        """Behind what record, or damage, the last reading ended."""

    def read(
        self, part: LogFile, offset: int = 0, stop: int | None = None, size: int = 0
    ) -> Iterator[Decoded[Any]]:
        """Decode a file from a record's beginning at ``offset`` on, block by block.

        ``stop`` is where another record begins, and the reading ends. Blocks have ``size`` bytes,
        if records do.
        """
        window = Window(part, offset, stop, size, self._format.longest)
        self.end = offset
        left: Decoded[Record] | None = None
        while window.more():
            lost = window.take_nuls(self._format.nuls)
            if lost is None:
                base = window.offset
                if window.last:
                    live = part.live and stop is None and part.fault is None
                    live = live and (self._follows or part.is_growing)
                    rest = bytes(window.data[: window.length])
                    left = self._format.remainder(rest, base, live=live, details=self._details)
                    self.end = base + left.used
                    break
                decoded = self._decode(window)
                window.take(decoded.used)
                yield decoded
                if self.done:
                    return
                lost = window.take_overlong()
            if lost is not None:
                yield Decoded([], [lost], lost.size)
            self.end = window.offset
        end = window.offset + (window.length if left else 0)
        if left is not None:
            yield self._limited(with_fault(left, part, end))
        elif part.fault is not None:
            yield with_fault(Decoded([], [], 0), part, end)

    def _decode(self, window: Window) -> Decoded[Any]:
        data, length, base = window.data, window.length, window.offset
        if self._show is not None and not self._skip and not self._span.bounded:
            return self._format.runs(data, length, base, self._show)
        block = bytes(memoryview(data)[:length])
        return self._limited(self._format.messages(block, base, details=self._details))

    def _limited(self, decoded: Decoded[Record]) -> Decoded[Any]:
        """Leave out what is not asked for, and join the rest if runs are."""
        if self._skip or self._span.bounded:
            skip = min(self._skip, len(decoded.records))
            self._skip -= skip
            ordered = self._format.ordered
            decoded, self.done = self._span.limit(decoded, skip, ordered=ordered)
        return decoded if self._show is None else joined(decoded, self._show)


def with_fault(decoded: Decoded[Record], part: LogFile, end: int) -> Decoded[Record]:
    """Add that a file could not be read on to what was decoded up to its ``end``."""
    if part.fault is None:
        return decoded
    left, reason = part.fault
    *holes, last = decoded.holes or [Corruption(len(decoded.records), end, 0, "")]
    if last.offset + last.size == end:  # the record in whose midst it happened
        holes.append(last._replace(size=last.size + left, reason=reason))
    else:
        holes += [last, Corruption(len(decoded.records), end, left, reason)]
    return decoded._replace(holes=holes)


def in_place(blocks: Iterable[Decoded[T]], path: str) -> Iterator[list[T] | Damage]:
    """Yield the batches of decoded blocks, with damage in its place, neighbours of it joined."""
    lost: Corruption | None = None
    for records, holes, _ in blocks:
        start = 0
        for hole in holes:
            if hole.before > start:
                if lost is not None:
                    yield _damage(lost, path)
                    lost = None
                yield records[start : hole.before]
                start = hole.before
            grown = None if lost is None else lost.grown(*hole[1:])
            if grown is None and lost is not None:
                yield _damage(lost, path)
            lost = grown or hole
        if start < len(records):
            if lost is not None:
                yield _damage(lost, path)
                lost = None
            yield records[start:] if start else records
    if lost is not None:
        yield _damage(lost, path)


def _damage(hole: Corruption, path: str) -> Damage:
    return Damage(path, hole.offset, hole.size, hole.reason)

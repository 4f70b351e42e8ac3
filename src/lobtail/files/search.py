"""Read only what can belong to a wanted line, and say how much was passed over.

The bytes go into one buffer, which is searched at the speed of memory (``select``); what is kept is
decoded. Damage in what is passed over is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lobtail.core.frames import Frame, Stream
from lobtail.files.formats import Format
from lobtail.files.part import Part
from lobtail.files.select import ContextSelector
from lobtail.files.span import Span, stamp_text
from lobtail.files.values import STAMP, Damage, Decoded, Passed
from lobtail.files.walk import in_place, with_fault

if TYPE_CHECKING:
    from lobtail.files.select import Selector
    from lobtail.files.values import Buffer

__all__ = ["Search"]

# Behind what is younger than that nothing comes that is not too young (core.resume.WINDOW_NS).
_LATE_NS = 2 * 10**9


class Search:
    """Reads one file after another; keeps what ``selector`` finds.

    ``before`` is how many lines to keep before a find, None if nothing is to be counted.
    """

    def __init__(
        self,
        form: Format,
        selector: Selector,
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
        self._context: ContextSelector | None = None
        if before is not None:
            assert isinstance(selector, ContextSelector)
            self._context = selector
        self._streams = streams
        self._over = False  # something was passed over
        self._passed = 0  # how many messages of it
        self._held: list[Frame] = []  # the last of what was passed over, not counted among it
        self._held_path = ""
        self._late = None if span.until is None else stamp_text(span.until + _LATE_NS)
        self.done = False
        """Whether a message was younger than what is asked for: nothing comes any more."""

    def read(self, part: Part, offset: int = 0) -> Iterator[list[Frame] | Damage | Passed]:
        """Yield what is kept of a file from a record's beginning at ``offset`` on."""
        windows = part.windows(offset, None, self._selector.window)
        item = next(windows, None)
        base = offset
        left = Decoded([], [], 0)
        while item is not None:
            data, length, last = item
            if last:
                live = part.live and part.fault is None and part.is_growing
                rest = bytes(data[:length])
                left = self._format.remainder(rest, base, live=live, details=self._details)
                base += length
                break
            if self._is_late(data, length, base):
                return
            spans, used = self._selector.select(data, length)
            if self._skip:  # what is skipped has to be counted
                spans = [(0, used)]
            pos = 0
            for start, stop in spans:
                self._pass_over(data, pos, start, base)
                kept = bytes(data[start:stop])
                decoded = self._format.messages(kept, base + start, details=self._details)
                if decoded.used < len(kept):
                    rest = kept[decoded.used :]
                    yield from self._keep(decoded, part)
                    at = base + start + decoded.used
                    decoded = self._format.remainder(rest, at, live=False, details=self._details)
                yield from self._keep(decoded, part)
                if self.done:
                    return
                pos = stop
            self._pass_over(data, pos, used, base)
            base += used
            try:
                item = windows.send(used)
            except StopIteration:
                break
        yield from self._keep(with_fault(left, part, base), part)

    def finish(self) -> Iterator[list[Frame] | Damage | Passed]:
        """Yield the context that what comes behind the last file may need."""
        if self._over:
            yield Passed(self._passed if self._context is not None else None)
            if self._held:
                yield self._held

    def _keep(self, decoded: Decoded, part: Part) -> Iterator[list[Frame] | Damage | Passed]:
        decoded = self._limited(decoded)
        if not decoded.frames and not decoded.holes:
            return
        if self._over:
            if self._passed or self._context is None:
                yield Passed(self._passed if self._context is not None else None)
            if self._held:
                yield self._held
            self._over, self._passed, self._held = False, 0, []
        yield from in_place([decoded], part.path)

    def _limited(self, decoded: Decoded) -> Decoded:
        if self._skip or self._span.bounded:
            skip = min(self._skip, len(decoded.frames))
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
            frames = self._limited(decoded).frames
            if first > start:
                self._passed += len(self._held)
                self._held = frames
            else:
                self._held += frames
            self._trim()
        self._passed += context.count(data, start, first)

    def _trim(self) -> None:
        """Hold no more than ``before`` lines; count the others."""
        left = self._before
        for i in range(len(self._held) - 1, -1, -1):
            left -= self._held[i].payload.endswith(b"\n")
            if left < 0:
                self._passed += i + 1
                del self._held[: i + 1]
                return

    def _is_late(self, data: Buffer, length: int, base: int) -> bool:
        """Say whether a window begins so late that nothing in it can be asked for."""
        if self._late is None:
            return False
        head = bytes(data[: min(length, 1 << 15)])
        frames = self._format.messages(head, base, details=False).frames
        self.done = bool(frames) and frames[0].payload[:STAMP] > self._late
        return self.done


def only(decoded: Decoded, streams: frozenset[Stream]) -> Decoded:
    """Return the messages of some streams."""
    frames = [frame for frame in decoded.frames if frame.stream in streams]
    if not decoded.holes:
        return decoded._replace(frames=frames)
    holes = [
        hole._replace(before=sum(f.stream in streams for f in decoded.frames[: hole.before]))
        for hole in decoded.holes
    ]
    return decoded._replace(frames=frames, holes=holes)

"""Cut the log of a TTY into messages: with a TTY nothing labels them."""

from __future__ import annotations

import re
from typing import Final

from lobtail.model.frames import Frame, Stream
from lobtail.model.timestamps import LONGEST_STAMP

__all__ = ["MAX_LINE", "PIECE", "TtySplitter"]

# Longer lines go out in parts, flagged partial: whatever a container writes, memory is bounded.
MAX_LINE: Final = 1 << 20

# moby, daemon/logger/copier.go: defaultBufSize
PIECE: Final = 16 * 1024

_STAMPED: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[0-9.Z+:-]{1,16} ")


class TtySplitter:
    """Cuts the log of a TTY into messages, wherever the chunks that it comes in are cut.

    An engine sends each as an HTTP chunk, which is only a
    hint, for proxies and reads join and cut chunks as they like. So a message ends at a newline,
    or after ``PIECE`` bytes of text if the same stamp stands there again, or where the next chunk
    begins with a stamp. What may go on in the next chunk is kept until then, or until ``flush``.
    """

    def __init__(self, *, details: bool = False) -> None:
        self._details = details
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the messages that are whole."""
        messages: list[Frame] = []
        if self._rest and _STAMPED.match(chunk):
            messages += self.flush()
        data = self._rest + chunk
        start = 0
        while (stop := self._end(data, start)) > start:
            messages.append(Frame(Stream.STDOUT, data[start:stop]))
            start = stop
        self._rest = data[start:]
        return messages

    def flush(self) -> list[Frame]:
        """Return what no more will come of."""
        rest, self._rest = self._rest, b""
        return [Frame(Stream.STDOUT, rest)] if rest else []

    def _end(self, data: bytes, start: int) -> int:
        """Return where the message ends that begins at ``start``; that again if it is not known."""
        newline = data.find(b"\n", start) + 1
        blank = data.find(b" ", start, start + LONGEST_STAMP + 1)
        stamp = data[start : blank + 1]
        cut = start + len(stamp) + PIECE
        if self._details and stamp:
            cut = data.find(b" ", blank + 1) + 1 + PIECE
        if newline and newline <= cut:
            return newline
        if stamp and data.startswith(stamp, cut):
            return cut
        # The stamp may be on its way, or all of a long line's end.
        if not newline and (len(data) < cut + len(stamp) or len(data) - start <= MAX_LINE):
            return start
        return newline or len(data)

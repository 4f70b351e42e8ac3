"""Find a text in one window of bytes after another, at the speed at which they are read.

``bytes.find`` looks at each place; for a single byte it is C's ``memchr``, some ten times as fast.
So the text is found by that of its bytes which is rarest in what is searched.
"""

from __future__ import annotations

from typing import Final

from lobtail.files.records import Buffer

__all__ = ["RareByteFinder"]

# How much is looked at to learn how rare a byte is, how often, and how many there may be of it:
# a miss costs as much as ``bytes.find`` takes for some 100 bytes.
_SAMPLE: Final = 1 << 14
_EVERY: Final = 32
_MOST: Final = _SAMPLE // 1000
_MISSES: Final = 4096


class RareByteFinder:
    """Finds ``text``, which is not empty."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._rare = b""
        self._place = 0  # of the rare byte in the text
        self._windows = 0
        self._misses = 0

    def look(self, data: Buffer, end: int) -> None:
        """Take a new window, ``data[:end]``."""
        self._windows += 1
        if self._windows % _EVERY != 1:
            return
        self._misses = 0
        text = self._text
        count, self._place = min(
            (data.count(text[i : i + 1], 0, min(end, _SAMPLE)), i) for i in range(len(text))
        )
        self._rare = text[self._place : self._place + 1] if count <= _MOST else b""

    def find(self, data: Buffer, start: int, end: int) -> int:
        """Return what ``data.find(text, start, end)`` does."""
        text, place, rare = self._text, self._place, self._rare
        stop = max(0, end - len(text) + place + 1)  # a negative one would count from the end
        at = start + place
        while rare:
            found = data.find(rare, at, stop)
            if found < 0:
                return -1
            start = found - place
            if data.startswith(text, start):
                return start
            at = found + 1
            self._misses += 1
            if self._misses > _MISSES:
                rare = self._rare = b""
        return data.find(text, start, end)

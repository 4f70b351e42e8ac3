"""One open file of a log: plain, or compressed."""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator, Iterator
from typing import Final

import msgspec

from lobtail.core.timestamps import parse_rfc3339
from lobtail.errors import ProtocolError
from lobtail.files.values import BLOCK, Buffer

__all__ = ["KNOWN", "TRUNCATED", "Part"]

_GZIP: Final = b"\x1f\x8b"
_EXTRA: Final = 4  # the flag of a gzip header that says that an extra field follows
_HEAD: Final = 4096
_READ: Final = 1 << 16  # of compressed bytes

# So many of the bytes read last are compared before more are taken. They hold a stamp, and a file
# that was truncated and written anew has another one there.
KNOWN: Final = 64
TRUNCATED: Final = "the file was truncated while it was read"


class _Meta(msgspec.Struct):
    last: str = msgspec.field(default="", name="lastTime")


class Part:
    """A file that was opened for reading, up to the ``size`` that it had then.

    ``fault`` says why it could not be read to its end, once that was tried, and how many bytes of
    the file itself are left.
    """

    def __init__(self, path: str, fd: int, size: int, identity: tuple[int, int]) -> None:
        self.path = path
        self.size = size
        self.identity = identity
        self.live = False
        """Whether it is the file that the engine may still be writing."""
        self.fault: tuple[int, str] | None = None
        self._fd = fd
        self._head = os.pread(fd, _HEAD, 0) if size else b""
        self.compressed = self._head.startswith(_GZIP)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def refresh(self) -> os.stat_result:
        """Look how long the file is by now; return its state."""
        state = os.fstat(self._fd)
        self.size = state.st_size
        return state

    @property
    def is_growing(self) -> bool:
        """Whether somebody has written to it since it was opened, or refreshed."""
        return os.fstat(self._fd).st_size > self.size

    @property
    def head(self) -> bytes:
        """Its first bytes, as they were when it was opened."""
        return self._head

    def before(self, offset: int) -> bytes:
        """Return the last bytes before ``offset``, by which ``is_as_read`` knows the file again."""
        start = max(0, offset - KNOWN)
        return os.pread(self._fd, offset - start, start)

    def is_as_read(self, offset: int, known: bytes) -> bool:
        """Tell whether ``known`` still stands before ``offset``: if not, the file was truncated."""
        return os.pread(self._fd, len(known), offset - len(known)) == known

    def again(self) -> Part:
        """Return the same open file once more, to be closed by itself."""
        return Part(self.path, os.dup(self._fd), self.size, self.identity)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of a plain file from ``offset`` on, none beyond its size."""
        size = min(size, self.size - offset)
        return os.pread(self._fd, size, offset) if size > 0 else b""

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield what the file holds from ``offset`` on, decompressed."""
        if self.compressed:
            yield from self._inflated(offset, BLOCK)
            return
        while block := self.read_at(offset, BLOCK):
            yield block
            offset += len(block)

    def windows(
        self, offset: int, stop: int | None = None, size: int = 0
    ) -> Generator[tuple[Buffer, int, bool], int, None]:
        """Yield what the file holds from ``offset`` on, for a reader who takes whole records.

        Each time a buffer, how many of its bytes count, and whether they are the last that are
        left over. Is sent how many the reader has taken; the others come again, with more behind
        them. The buffer is filled anew for the next.
        """
        if self.compressed:
            rest = b""
            for block in self.blocks(offset):
                data = rest + block
                used = yield data, len(data), False
                rest = data[used:]
            if rest:
                yield rest, len(rest), True
            return
        self.fault = None
        end = self.size if stop is None else stop
        buffer = bytearray(min(size or BLOCK, max(end - offset, 1)))
        have = 0
        known = b""
        while offset < end:
            count = self._read_into(offset, memoryview(buffer)[have:], end)
            if not count or not self.is_as_read(offset, known):
                self.fault = (end - offset, TRUNCATED)
                break
            offset += count
            have += count
            known = bytes(buffer[max(0, have - KNOWN) : have])
            used = yield buffer, have, False
            if used:
                # Only what is left over moves: a record at most.
                buffer[: have - used] = buffer[used:have]
                have -= used
            elif have == len(buffer):
                buffer = buffer + bytes(len(buffer))
        if have:
            yield buffer, have, True

    def _read_into(self, offset: int, buffer: memoryview, end: int) -> int:
        size = min(len(buffer), end - offset)
        return os.preadv(self._fd, [buffer[:size]], offset) if size > 0 else 0

    def last_time(self) -> int | None:
        """Return when the last message of a compressed file was written, if it says so.

        An engine whose first act after its start is a rotation writes year 1 (moby, ``logfile.go``:
        ``LogFile.lastTimestamp``).
        """
        head = self._head
        if not self.compressed or len(head) < 12 or not head[3] & _EXTRA:
            return None
        length = int.from_bytes(head[10:12], "little")
        try:
            meta = msgspec.json.decode(head[12 : 12 + length], type=_Meta)
            return None if meta.last.startswith("0001-") else parse_rfc3339(meta.last)
        except (msgspec.DecodeError, ValueError, ProtocolError):
            return None

    def _inflated(self, offset: int, size: int) -> Iterator[bytes]:
        self.fault = None
        engine = zlib.decompressobj(wbits=31)
        position = out = 0
        pending = b""
        while True:
            if not pending:
                pending = self.read_at(position, _READ)
                position += len(pending)
            if not pending and engine.eof:
                return
            if engine.eof:
                if not pending.startswith(_GZIP):
                    return  # padding
                engine = zlib.decompressobj(wbits=31)
            try:
                block = engine.decompress(pending, size)
            except zlib.error as exc:
                left = self.size - position + len(pending)
                words = str(exc).split(": ", 1)[-1]
                self.fault = (left, f"the compressed file is damaged: {words}")
                return
            if not pending and not block:  # no more to read, and none held back
                self.fault = (0, "the compressed file is cut off")
                return
            pending = engine.unused_data if engine.eof else engine.unconsumed_tail
            out += len(block)
            if out > offset:
                skip = max(0, len(block) - (out - offset))
                yield block[skip:] if skip else block

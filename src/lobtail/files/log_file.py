"""One open file of a log: plain, or compressed."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from lobtail.errors import ProtocolError
from lobtail.files.records import BLOCK, MAX_RECORD, NULS, TOO_LONG, Buffer, Corruption
from lobtail.model.timestamps import parse_rfc3339
from lobtail.regular import open_regular

__all__ = ["KNOWN", "PACKED", "TRUNCATED", "LogFile", "Window"]

_GZIP: Final = b"\x1f\x8b\x08"
# What others may have compressed files with; that they are not read is told as damage.
PACKED: Final = {
    "gz": _GZIP,
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zst": b"\x28\xb5\x2f\xfd",
    "lz4": b"\x04\x22\x4d\x18",
    "Z": b"\x1f\x9d",
}
_EXTRA: Final = 4  # the flag of a gzip header that says that an extra field follows
_HEAD: Final = 4096
_READ: Final = 1 << 16  # of compressed bytes
_NULS: Final = bytes(1 << 12)

# So many of the bytes read last are compared before more are taken. They hold a stamp, and a file
# that was truncated and written anew has another one there.
KNOWN: Final = 64
TRUNCATED: Final = "the file was truncated while it was read"


class _Meta(msgspec.Struct):
    last: str = msgspec.field(default="", name="lastTime")


class LogFile:
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
        self.compressed = self._head.startswith(tuple(PACKED.values()))

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # Closed, it can still be read: each time it is opened by its name. An engine may have a
    # thousand files of a log, and a process may have no more open.
    @contextmanager
    def _open(self) -> Iterator[int]:
        if self._fd >= 0:
            yield self._fd
            return
        fd, state = open_regular(self.path)
        try:
            if (state.st_dev, state.st_ino) != self.identity:
                raise OSError(errno.ESTALE, "the log was rotated while it was read", self.path)
            yield fd
        finally:
            os.close(fd)

    def refresh(self) -> os.stat_result:
        """Look how long the file is by now; return its state."""
        with self._open() as fd:
            state = os.fstat(fd)
        self.size = state.st_size
        return state

    @property
    def is_growing(self) -> bool:
        """Whether somebody has written to it since it was opened, or refreshed."""
        with self._open() as fd:
            return os.fstat(fd).st_size > self.size

    @property
    def head(self) -> bytes:
        """Its first bytes, as they were when it was opened."""
        return self._head

    def before(self, offset: int) -> bytes:
        """Return the last bytes before ``offset``, by which ``is_as_read`` knows the file again."""
        start = max(0, offset - KNOWN)
        with self._open() as fd:
            return os.pread(fd, offset - start, start)

    def is_as_read(self, offset: int, known: bytes) -> bool:
        """Tell whether ``known`` still stands before ``offset``: if not, the file was truncated."""
        with self._open() as fd:
            return os.pread(fd, len(known), offset - len(known)) == known

    def again(self) -> LogFile:
        """Return the same open file once more, to be closed by itself."""
        with self._open() as fd:
            return LogFile(self.path, os.dup(fd), self.size, self.identity)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of a plain file from ``offset`` on, none beyond its size."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        with self._open() as fd:
            return os.pread(fd, size, offset)

    def read_into(self, offset: int, buffer: memoryview, end: int) -> int:
        """Read a plain file from ``offset`` on; return how many bytes."""
        size = min(len(buffer), end - offset)
        if size <= 0:
            return 0
        with self._open() as fd:
            return os.preadv(fd, [buffer[:size]], offset)

    def behind_hole(self, offset: int) -> int:
        """Return from where on a plain file has data, at ``offset`` or behind it.

        A file may have holes of any size, which read as NUL bytes and take no room.
        """
        try:
            with self._open() as fd:
                return min(os.lseek(fd, offset, os.SEEK_DATA), self.size)
        except OSError as exc:
            return self.size if exc.errno == errno.ENXIO else offset

    def last_time(self) -> int | None:
        """Return when the last message of a compressed file was written, if it says so.

        An engine whose first act after its start is a rotation writes year 1 (moby, ``logfile.go``:
        ``LogFile.lastTimestamp``).
        """
        head = self._head
        if not head.startswith(_GZIP) or len(head) < 12 or not head[3] & _EXTRA:
            return None
        length = int.from_bytes(head[10:12], "little")
        try:
            meta = msgspec.json.decode(head[12 : 12 + length], type=_Meta)
            return None if meta.last.startswith("0001-") else parse_rfc3339(meta.last)
        except (msgspec.DecodeError, ValueError, RecursionError, ProtocolError):
            return None

    def inflated(self, offset: int, size: int) -> Iterator[bytes]:
        """Yield what a compressed file holds from ``offset`` on, at most ``size`` bytes a time."""
        self.fault = None
        if not self._head.startswith(_GZIP):
            self.fault = (self.size, "it is compressed, but not with gzip: decompress it first")
            return
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


class Window:
    """What one looks at of a file, from some offset on; it moves on as records are taken.

    It holds a block, or as much as a record may be long.
    """

    def __init__(
        self,
        part: LogFile,
        offset: int = 0,
        stop: int | None = None,
        size: int = 0,
        longest: int = MAX_RECORD,
    ) -> None:
        """Look at a file from ``offset`` up to ``stop``; at ``size`` bytes a time, if possible.

        ``longest`` is how long a record may be.
        """
        self.offset = offset
        """Where ``data`` stands in the file; in a compressed one in what it holds."""
        self.data: Buffer = b""
        self.length = 0
        """How many bytes of ``data`` count."""
        self.last = False
        """Whether nothing more comes behind them."""
        self._part = part
        self._end = part.size if stop is None else stop
        self._size = size or BLOCK
        self._longest = longest
        self._blocks = part.inflated(offset, self._size) if part.compressed else None
        self._taken = 0
        self._unseen = False  # what is left over is not what the reader left
        self._known = b""  # what stands before that which is to be read
        if self._blocks is None:
            part.fault = None
            self._size = min(self._size, max(self._end - offset, 1))
            self.data = bytearray(self._size)

    def more(self) -> bool:
        """Read on, behind what was not taken; False if there is nothing any more.

        What comes again and nothing else is the ``last``.
        """
        if self.last:
            return False
        count = self._inflate() if self._blocks is not None else self._fill()
        self._taken = 0
        self.last = not (count or self._unseen)
        self._unseen = False
        return self.length > 0

    def take(self, size: int) -> None:
        """Be done with the first ``size`` bytes; of a plain file also with such as are to come."""
        self.offset += size
        if size > self.length:
            self._known = b""
        self._taken += min(size, self.length)
        self.length = max(0, self.length - size)

    def take_nuls(self, spare: int) -> Corruption | None:
        """Be done with a long run of NUL bytes; ``spare`` of them may begin a record."""
        size = 0
        while self.data.startswith(_NULS, size, self.length):
            size += len(_NULS)
        if not size:
            return None
        rest = bytes(self.data[size : min(size + len(_NULS), self.length)])
        size += len(rest) - len(rest.lstrip(b"\0"))
        if size == self.length and self._blocks is None:
            size = min(self._part.behind_hole(self.offset + size), self._end) - self.offset
        if self.offset + size < self._end or self._blocks is not None:
            size -= spare
        found = Corruption(0, self.offset, size, NULS)
        self.take(size)
        self._unseen = True
        return found

    def take_overlong(self) -> Corruption | None:
        """Be done with what is left over, if it is more than a record may be."""
        if self.length <= self._longest:
            return None
        found = Corruption(0, self.offset, self.length, TOO_LONG)
        self.take(self.length)
        return found

    def _inflate(self) -> int:
        assert self._blocks is not None
        block = next(self._blocks, b"")
        self.data = self._left() + block
        self.length = len(self.data)
        return len(block)

    def _fill(self) -> int:
        data = self.data
        assert isinstance(data, bytearray)
        if self._taken:
            if len(data) > self._size and self.length <= self._size // 2:
                self.data = data = bytearray(self._left().ljust(self._size, b"\0"))
            else:  # only what is left over moves: a record at most
                data[: self.length] = data[self._taken : self._taken + self.length]
        elif self.length == len(data):
            grown = min(2 * len(data), max(self._longest + BLOCK, len(data) + 1))
            self.data = data = data + bytes(grown - len(data))
        at = self.offset + self.length
        if at >= self._end:
            return 0
        count = self._part.read_into(at, memoryview(data)[self.length :], self._end)
        if not count or not self._part.is_as_read(at, self._known):
            self._part.fault = (self._end - at, TRUNCATED)
            return 0
        self.length += count
        self._known = bytes(data[max(0, self.length - KNOWN) : self.length])
        return count

    def _left(self) -> bytes:
        return bytes(self.data[self._taken : self._taken + self.length])

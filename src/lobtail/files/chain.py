"""Go from one file of a log to the file that was written behind it, however the names move.

An engine rotates from the highest number down: the oldest file is removed, ``x.2`` becomes ``x.3``,
``x.1`` becomes ``x.2``, ``x`` becomes ``x.1``; it closed ``x`` before, and creates a new one
afterwards. With compression ``x.1`` is written to ``x.1.gz`` and only then removed, and no other
rotation begins before that is done (moby 20.10 and 26.1, ``daemon/logger/loggerutils/logfile.go``:
``checkCapacityAndRotate`` or ``LogFile.rotate``, ``rotate``, ``compressFile``). So a file's number
only ever rises, which gives two rules that need no lock:

- A file is found by looking upward from the last number that it was seen at: it cannot slip by.
- If a file was at number *k* before ``x.(k-1)`` was opened, and still is afterwards, then no
  rotation has moved either in between, and what was opened is what was written behind it.

Identity is the inode, whose number cannot be given to another file while we hold it open. If a held
file has no name any more, its compressed copy is looked for by the size and checksum of all that it
held, which a gzip file has at its end. If there is none, the file was removed: what is left begins
with the oldest file that is younger, and what stands between, if anything does, is lost.
"""

from __future__ import annotations

import errno
import os
import time
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lobtail.files.formats import Format
from lobtail.files.log_file import KNOWN, LogFile
from lobtail.files.opening import TRIES, names_of, open_part, same
from lobtail.files.records import BLOCK, Damage
from lobtail.files.seek import first_message
from lobtail.model.records import Record

__all__ = ["OpenFile", "RotationChain"]

# Files that are held open at once; those behind follow as soon as these are read.
MAX_HELD: Final = 128

_NO_MORE: Final = (errno.EMFILE, errno.ENFILE)

# One rename is under way at a time, so that one number may be missing; and beside a plain file the
# compressed one of its number.
_HOLES: Final = 3
_PATIENCE: Final = 10

_GZIP_LEAST: Final = 20  # bytes of a compressed file that holds nothing

# What a rotation takes at most, even if the engine is stopped in its midst for a while.
ROTATION_S: Final = 2.0

Identity = tuple[int, int]


class OpenFile:
    """A file of the log that is open, and how far it was read."""

    def __init__(self, part: LogFile, number: int, *, offset: int = 0, lost: bool = False) -> None:
        self.part = part
        self.number = number
        """The last number that it was seen at: 0 is the log itself."""
        self.offset = offset
        """Behind which record it was read."""
        self.seen = offset
        """Up to where it was looked at; a half-written record may stand there."""
        self.known = part.before(offset)
        """What stood before ``offset``: something else does if the file was truncated since."""
        self.head = part.head[:KNOWN]
        """What it began with."""
        self.old = 0
        """Up to where it may hold records that were read before it was truncated."""
        self.lost = lost
        """Whether records may be missing before it."""
        self.inflated: Iterator[list[Record] | Damage] | None = None
        """What is still to come of a compressed file."""
        self.hole_since: float | None = None
        """When the number behind it was first found to be free."""
        self._copy: LogFile | None = None
        self._sum: tuple[int, int] | None = None
        self._first: Record | None = None

    @property
    def token(self) -> LogFile:
        """The file whose name tells where this one stands: itself, or its compressed copy."""
        return self.part if self._copy is None else self._copy

    def close(self) -> None:
        """Close the file."""
        self.part.close()
        if self._copy is not None:
            self._copy.close()

    def stand_in(self, copy: LogFile, number: int) -> None:
        """Take a compressed copy for what tells where this file stands."""
        self._copy = copy
        self.number = number

    def is_copy(self, part: LogFile) -> bool:
        """Say whether ``part`` is this file, compressed."""
        if not part.compressed or part.size < _GZIP_LEAST:
            return False  # or one that is being written
        tail = part.read_at(part.size - 8, 8)
        size = self.part.refresh().st_size
        if tail[4:] != (size & 0xFFFFFFFF).to_bytes(4, "little"):
            return False
        if self._sum is None or self._sum[0] != size:
            checksum = offset = 0
            while block := self.part.read_at(offset, BLOCK):
                checksum = zlib.crc32(block, checksum)
                offset += len(block)
            self._sum = size, checksum
        return tail[:4] == self._sum[1].to_bytes(4, "little")

    def is_before(self, part: LogFile, form: Format) -> bool:
        """Say whether this file was written before another one.

        A rename leaves the time of the last write as it is. Clocks of files tick slowly, so that
        the first messages decide where it is not later; they rise but for small inversions.
        """
        if part.refresh().st_mtime_ns > self.part.refresh().st_mtime_ns:
            return True
        if self._first is None:
            self._first = first_message(form, self.part)
        other = first_message(form, part)
        if self._first is None or other is None:
            return True
        if self._first == other:
            return False  # a copy
        if self._first.time_ns is None or other.time_ns is None:
            return True
        return self._first.time_ns <= other.time_ns


class RotationChain:
    """The files of a log from the one on that is being read: ``held``, the newest last."""

    def __init__(self, path: Path, form: Format, first: OpenFile) -> None:
        self.held = deque([first])
        self._path = path
        self._name = str(path)
        self._form = form
        self._barren = -1  # when the folder was changed last, if nothing was to be found then

    def close(self) -> None:
        """Close all files."""
        while self.held:
            self.held.popleft().close()

    def look(self) -> bool:
        """Open what has been begun behind the newest file; say whether there was anything.

        One ``stat`` if there is nothing. At most ``MAX_HELD`` files are held.
        """
        found = False
        while self.held and len(self.held) < MAX_HELD:
            try:
                follower = self._follower(self.held[-1])
            except OSError as exc:
                if exc.errno in _NO_MORE and len(self.held) > 1:
                    break  # those that are held are read first, and closed
                raise
            if follower is None:
                break
            self.held.append(follower)
            found = True
        return found

    def _follower(self, last: OpenFile) -> OpenFile | None:
        """Open the file that was written behind ``last``, or what is left behind it."""
        for attempt in range(TRIES):
            number = self._number(last)
            if number == 0:
                return None
            if number is None:
                if self._is_barren():
                    return None
                if last.token.refresh().st_nlink and attempt < _PATIENCE:
                    continue  # it moved while it was looked for, or the whole folder did
                if last.token is last.part and self._find_copy(last):
                    continue
                return self._oldest_behind(last)
            part = self._open(number - 1)
            if part is None:
                if number == 1:
                    return None  # between two renames, or the log was removed
                if attempt < _PATIENCE:
                    continue
                return self._over_hole(last, number)
            if self._leads(number, last.token):
                last.hole_since = None
                return OpenFile(part, number - 1)
            part.close()
        return None

    def _over_hole(self, last: OpenFile, number: int) -> OpenFile | None:
        """Open the next file there is if the one behind ``last`` was removed by somebody.

        In a rotation each number is free for a moment; but the engine may be kept from going on.
        """
        now = time.monotonic()
        if last.hole_since is None:
            last.hole_since = now
        if now - last.hole_since < ROTATION_S:
            return None
        for below in range(number - 2, -1, -1):
            part = self._open(below)
            if part is not None:
                return OpenFile(part, below, lost=True)
        return None

    def _number(self, last: OpenFile) -> int | None:
        """Return at which number a file stands now; None if it has no name."""
        number, holes = last.number, 0
        token = last.token
        while holes < _HOLES:
            identity = _identity(self._name_of(number, compressed=token.compressed))
            if identity == token.identity:
                last.number = number
                return number
            holes = holes + 1 if identity is None else 0
            number += 1
        return None

    def _leads(self, number: int, token: LogFile) -> bool:
        return _identity(self._name_of(number, compressed=token.compressed)) == token.identity

    def _name_of(self, number: int, *, compressed: bool = False) -> str:
        if not number:
            return self._name
        return f"{self._name}.{number}.gz" if compressed else f"{self._name}.{number}"

    def _open(self, number: int) -> LogFile | None:
        """Open the file of a number, plain or compressed; None if it has none now."""
        plain = self._name_of(number)
        try:
            return open_part(plain)
        except (FileNotFoundError, NotADirectoryError):
            if not number:
                return None
        try:
            part = open_part(self._name_of(number, compressed=True))
        except (FileNotFoundError, NotADirectoryError):
            return None
        # It is whole if the plain file is gone; if that was rotated to here since, it is not.
        size = part.size
        if _identity(plain) is not None or part.refresh().st_size != size:
            part.close()
            return None
        return part

    def _find_copy(self, last: OpenFile) -> bool:
        """Look for the compressed copy of a file that has no name any more."""
        number, holes = max(1, last.number), 0
        while holes < _HOLES:
            try:
                part = open_part(self._name_of(number, compressed=True))
            except (FileNotFoundError, NotADirectoryError):
                holes += 1
            else:
                holes = 0
                if last.is_copy(part):
                    last.stand_in(part, number)
                    return True
                part.close()
            number += 1
        return False

    def _oldest_behind(self, last: OpenFile) -> OpenFile | None:
        """Open the oldest file that is younger than one that was removed."""
        changed = self._changed()
        for _ in range(TRIES):
            names = names_of(self._path)
            part = None
            for name in names:
                number = _number_in(name, self._name)
                part = self._open(number)
                if part is None:
                    break
                if part.identity == last.token.identity:
                    part.close()
                    return None
                if number and not last.is_before(part, self._form):
                    part.close()
                    part = None
                    continue
                if names_of(self._path) == names and _stands(part):
                    found = OpenFile(part, number, lost=True)
                    if found.head and found.head == last.head:
                        found.old = part.size  # a copy of the file stands in its place
                    return found
                part.close()
                break
            if part is None and names == names_of(self._path):
                break  # nothing, unless it is being renamed
        self._barren = changed
        return None

    def _is_barren(self) -> bool:
        """Say whether nothing was found before, and no name has changed since."""
        return self._changed() == self._barren and _identity(self._name) is None

    def _changed(self) -> int:
        try:
            return os.stat(self._path.parent).st_mtime_ns  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return 0


def _identity(name: str) -> Identity | None:
    try:
        state = os.stat(name)  # noqa: PTH116 - a Path would cost more than the call
    except (FileNotFoundError, NotADirectoryError):
        return None
    return state.st_dev, state.st_ino


def _stands(part: LogFile) -> bool:
    try:
        return same(part)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _number_in(name: str, log: str) -> int:
    rest = name[len(log) + 1 :].removesuffix(".gz")
    return int(rest) if rest else 0

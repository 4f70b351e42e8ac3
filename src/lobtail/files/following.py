"""Follow the files of a log: every record once, in order, through rotations.

A step reads what the oldest held file has beyond what was read. Whether another file has been begun
behind it is looked up *before*: an engine closes a file before it renames it, so an end that is
read while a newer file is known is the file's last. Files that have been begun are opened at once
and read afterwards (``files.chain``): what is held cannot be lost any more.

Only whole records are used. What is left behind the last one is read again with the next bytes,
and is damage if the file ends with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from lobtail.files.chain import OpenFile, RotationChain
from lobtail.files.formats import Format
from lobtail.files.log_file import KNOWN, LogFile
from lobtail.files.opening import refused
from lobtail.files.records import (
    BLOCK,
    MAX_RECORD,
    Corruption,
    Damage,
    Decoded,
    MissingRecords,
)
from lobtail.files.span import NEVER
from lobtail.files.walk import Walk, in_place
from lobtail.model.records import Record

__all__ = ["LogTail"]

_ROTATED = "the log was rotated faster than it was read"
_CUT = "the log file was truncated"


class LogTail:
    """Goes on behind what a ``LogFiles`` held, through rotations. ``LogFiles.tail`` makes it.

    A context manager, which closes the files. Not for two threads at once.
    """

    def __init__(
        self, part: LogFile, offset: int, form: Format, *, details: bool, newest: int = NEVER
    ) -> None:
        self.path = part.path
        """The log itself, whatever it is renamed to."""
        self._format = form
        self._details = details
        self._chain = RotationChain(Path(part.path), form, OpenFile(part, 0, offset=offset))
        self._window = BLOCK
        self._newest = newest  # the time of the last record
        # A file that was left for another though nothing shows that the engine has closed it.
        self._left: OpenFile | None = None
        self._ready: deque[list[Record] | Damage | MissingRecords] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files. Nothing comes any more."""
        self._chain.close()
        if self._left is not None:
            self._left.close()
        self._ready.clear()

    def hold(self) -> bool:
        """Open files that were begun since, without reading them; say whether there were any.

        For a reader who is busy otherwise: what is held cannot be rotated away. ``read`` does it
        by itself between two batches.

        Raises LogFileError: a file cannot be opened.
        """
        try:
            return self._chain.look()
        except OSError as exc:
            raise refused(Path(exc.filename or self.path), exc) from exc

    def read(self) -> Iterator[list[Record] | Damage | MissingRecords]:
        """Yield what was written since, as ``LogFiles.messages`` does; end when there is no more.

        May be left at any time; the next call goes on behind what was yielded. A log that is
        removed is no error: what is held of it comes, and then nothing.

        Raises LogFileError: a file cannot be read.
        """
        while True:
            while self._ready:
                yield self._ready.popleft()
            try:
                if not self._step():
                    return
            except OSError as exc:
                while self._ready:
                    yield self._ready.popleft()
                raise refused(Path(exc.filename or self.path), exc) from exc

    def _step(self) -> bool:
        """Make some records ready, or go on to another file; False if nothing is new."""
        held = self._chain.held
        if self._left is not None and self._read_block(self._left):
            return True  # somebody has moved it, and the engine goes on in it
        if not held:
            return False
        file = held[0]
        final = len(held) > 1
        if file.lost:
            file.lost = False
            self._ready.append(MissingRecords(file.part.path, _ROTATED))
        elif file.part.compressed:
            if not self._inflate(file):
                return self._leave(file) if final else self._chain.look()
        elif not self._read_block(file):
            if not final:
                return self._chain.look()
            if rest := file.part.read_at(file.offset, MAX_RECORD):
                base, details = file.offset, self._details
                self._put(file, self._format.remainder(rest, base, live=False, details=details))
            return self._leave(file)
        self._chain.look()
        return True

    def _leave(self, file: OpenFile) -> bool:
        self._chain.held.popleft()
        if self._left is not None:
            self._left.close()
            self._left = None
        if self._chain.held[0].lost and not file.part.compressed:
            self._left = file
        else:
            file.close()
        return True

    def _inflate(self, file: OpenFile) -> bool:
        """Make a batch of a compressed file ready; False at its end."""
        if file.inflated is None:
            walk = Walk(self._format, details=self._details)
            file.inflated = in_place(walk.read(file.part), file.part.path)
        try:
            batch = next(file.inflated, None)
        except OSError:
            file.lost = True
            raise
        if batch is not None:
            self._ready.append(batch)
        return batch is not None

    def _read_block(self, file: OpenFile) -> bool:
        """Make the next block's records ready; False if the file has not grown."""
        size = file.part.refresh().st_size
        if size < file.offset:
            self._begin_again(file, size)
        elif size < file.seen:
            file.seen = file.offset
        if size <= file.seen:
            return bool(self._ready)
        known = len(file.known)
        data = file.part.read_at(file.offset - known, known + self._window)
        if not data.startswith(file.known):
            self._begin_again(file, size)
            return True
        data = data[known:]
        if not file.offset:
            file.head = data[:KNOWN]
        end = file.offset + len(data)
        if end >= size or not data:
            file.seen = size
            decoded = self._format.whole(data, file.offset, details=self._details)
        else:
            decoded = self._format.messages(data, file.offset, details=self._details)
        left = len(data) - decoded.used
        if left > MAX_RECORD:
            where = file.offset + decoded.used
            lost = Corruption(len(decoded.records), where, left, "a record is too long")
            decoded = Decoded(decoded.records, [*decoded.holes, lost], len(data))
        elif not decoded.used and end < size:
            self._window *= 2
            return True
        self._window = BLOCK
        if file.offset < file.old:
            decoded = self._only_new(decoded)
        file.offset += decoded.used
        file.known = (file.known + data[max(0, decoded.used - KNOWN) : decoded.used])[-KNOWN:]
        self._put(file, decoded)
        return True

    def _begin_again(self, file: OpenFile, size: int) -> None:
        """Read a file that was truncated from its beginning, without what was read of it before."""
        self._ready.append(MissingRecords(file.part.path, _CUT))
        # Cut to nothing, it has other records now; else some of the old ones are still there.
        head = file.part.read_at(0, len(file.head))
        file.old = size if head and file.head.startswith(head) else 0
        file.offset = file.seen = 0
        file.known = b""

    def _only_new(self, decoded: Decoded[Record]) -> Decoded[Record]:
        """Leave out what is not younger than all that was read."""
        records = decoded.records
        times = (NEVER if record.time_ns is None else record.time_ns for record in records)
        first = next((i for i, time in enumerate(times) if time > self._newest), len(records))
        holes = [hole._replace(before=hole.before - first) for hole in decoded.holes]
        return Decoded(records[first:], [hole for hole in holes if hole.before >= 0], decoded.used)

    def _put(self, file: OpenFile, decoded: Decoded[Record]) -> None:
        if decoded.records:
            self._newest = max(self._newest, decoded.records[-1].time_ns or NEVER)
        self._ready.extend(in_place([decoded], file.part.path))

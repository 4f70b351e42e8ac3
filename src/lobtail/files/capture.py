"""A captured stream: frames as the engine sends them, kept in a file.

``[type, 0, 0, 0, size as big-endian uint32]`` and as many bytes (``model.frames``). Frames have no
times of their own, and only the one before tells where a frame begins. Behind a header that is none
the next place is taken from which several frames follow one another.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Final

from lobtail.files.formats import Format, Records
from lobtail.files.records import MAX_RECORD, Decoded
from lobtail.model.frames import HEADER_SIZE, Stream
from lobtail.model.records import Record

__all__ = ["Capture"]

# What is typed is echoed to stdout, as StdCopy does (moby, pkg/stdcopy/stdcopy.go).
_STREAMS: Final = (Stream.STDOUT, Stream.STDOUT, Stream.STDERR)
_ERROR: Final = 3
_BEGIN: Final = re.compile(rb"(?=[\x00-\x03]\x00{3})")
_PROOF: Final = 3  # frames that follow one another are no coincidence
_SHOWN: Final = 200
_NEWLINE: Final = 0x0A
_header = Struct(">B3xI").unpack_from


class Capture(Format):
    """The format of a captured stream of frames."""

    driver = "stream"
    stamped = False
    seekable = False
    nuls = HEADER_SIZE - 1

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:  # noqa: ARG002
        """Decode as ``Format.messages`` says; details cannot be told from text."""
        return self._decode(data, base, ends=False)

    def whole(self, data: bytes, base: int, *, details: bool) -> Decoded[Record]:  # noqa: ARG002
        """Decode as ``Format.whole`` says."""
        return self._decode(data, base, ends=False, tight=True)

    def remainder(self, data: bytes, base: int, *, live: bool, details: bool) -> Decoded[Record]:
        """Decode as ``Format.remainder`` says; there may be frames behind a wrong size."""
        decoded = self._decode(data, base, ends=True)
        rest = data[decoded.used :]
        if not rest or (live and self.unfinished(rest)):
            return decoded
        last = super().remainder(rest, base + decoded.used, live=False, details=details)
        holes = [hole._replace(before=len(decoded.records)) for hole in last.holes]
        return Decoded(decoded.records, decoded.holes + holes, len(data))

    def recognises(self, data: bytes, *, ends: bool) -> bool:
        """Say whether frames follow one another from the beginning of ``data`` on."""
        del ends  # the last one may be half
        return len(data) >= HEADER_SIZE and self._follow(data, 0, ends=False)

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a frame."""
        return data[0] <= _ERROR

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002
        """Return -1, as ``Format.align`` says: a frame's beginning cannot be found."""
        return -1

    def _decode(
        self, data: bytes, base: int, *, ends: bool, tight: bool = False
    ) -> Decoded[Record]:
        """Decode frame by frame; ``tight``: take the last even if no header stands behind it."""
        records = Records()
        pos, end = 0, len(data)
        last = -1  # where the frame begins that was taken last
        while end - pos >= HEADER_SIZE:
            kind, size = _header(data, pos)
            start = pos + HEADER_SIZE
            stop = start + size
            known = kind <= _ERROR and size <= MAX_RECORD
            if known and stop > end:
                found = self._next(data, pos + 1, end, ends=True) if ends else -1
                if found < 0:
                    break
            elif known and stop + HEADER_SIZE > end and not (ends or tight):
                break
            elif not known:
                if last >= 0 and (found := self._next(data, last + 1, pos, ends=True)) > 0:
                    # The size before was wrong: what followed it was taken for text.
                    records.records.pop()
                    pos = last
                else:
                    found = self._next(data, pos + 1, end, ends=ends)
                    if found < 0:
                        found = end if ends else end - HEADER_SIZE + 1
                last = -1
            elif kind == _ERROR:
                text = " ".join(data[start:stop].decode("utf-8", "replace")[:_SHOWN].split())
                records.lost(data[pos:stop], base + pos, f"the engine reports: {text}")
                pos = stop
                continue
            else:
                if size:
                    last = pos
                    partial = data[stop - 1] != _NEWLINE
                    shown = data[start : stop if partial else stop - 1]
                    records.records.append(Record(_STREAMS[kind], None, shown, partial))
                pos = stop
                continue
            records.lost(data[pos:found], base + pos, "this is no header of a frame")
            pos = found
        return records.decoded(pos)

    def _next(self, data: bytes, pos: int, stop: int, *, ends: bool) -> int:
        """Return where frames follow one another again, or may; -1 if they do nowhere."""
        for match in _BEGIN.finditer(data, pos, stop):
            if self._follow(data, match.start(), ends=ends):
                return match.start()
        return -1

    def _follow(self, data: bytes, pos: int, *, ends: bool) -> bool:
        """Say whether frames follow one another from ``pos`` on, or may with what is to come."""
        for _ in range(_PROOF):
            if len(data) - pos < HEADER_SIZE:
                break
            kind, size = _header(data, pos)
            if kind > _ERROR or data[pos + 1 : pos + 4] != bytes(3) or not 0 < size <= MAX_RECORD:
                return False
            pos += HEADER_SIZE + size
        else:
            return True
        return not ends or pos == len(data)

"""A captured stream: frames as the engine sends them, kept in a file.

``[type, 0, 0, 0, size as big-endian uint32]`` and as many bytes (``core.frames``). Frames have no
times of their own, and nothing tells where one begins but the one before it: behind a header that
is none, nothing can be read any more.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from lobtail.core.frames import HEADER_SIZE, Frame, Stream
from lobtail.files.formats import Format, hole
from lobtail.files.values import MAX_RECORD, Decoded

__all__ = ["Capture"]

_STREAMS: Final = tuple(Stream)
_header = Struct(">B3xI").unpack_from


class Capture(Format):
    """The format of a captured stream of frames."""

    driver = "stream"
    stamped = False
    seekable = False
    cut = 0

    def messages(self, data: bytes, base: int, *, details: bool) -> Decoded:  # noqa: ARG002
        """Decode as ``Format.messages`` says; details cannot be told from text."""
        frames: list[Frame] = []
        pos, end = 0, len(data)
        while end - pos >= HEADER_SIZE:
            kind, size = _header(data, pos)
            stop = pos + HEADER_SIZE + size
            if kind > 3 or size > MAX_RECORD:
                lost = hole(len(frames), data[pos:], base + pos, "this is no header of a frame")
                return Decoded(frames, [lost], end)
            if stop > end:
                break
            frames.append(Frame(_STREAMS[kind], data[pos + HEADER_SIZE : stop]))
            pos = stop
        return Decoded(frames, [], pos)

    def unfinished(self, data: bytes) -> bool:
        """Say whether ``data`` can be the beginning of a frame."""
        return data[0] <= 3

    def align(self, data: bytes, *, ends: bool) -> int:  # noqa: ARG002
        """Return -1, as ``Format.align`` says: a frame's beginning cannot be found."""
        return -1

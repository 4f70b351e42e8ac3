"""Look at a multiplexed stream frame by frame, headers and offsets included, for people.

``FrameDecoder`` is for programs and drops what this keeps.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lobtail.errors import ProtocolError, TruncatedStream
from lobtail.model.frames import HEADER_SIZE, Stream, unrecognized_stream

__all__ = ["PREVIEW_SIZE", "FrameInspector", "WireFrame"]

PREVIEW_SIZE: Final = 64


class WireFrame(NamedTuple):
    """A frame as it stood on the wire."""

    offset: int
    """Where its header began, in bytes from the start of the stream."""
    header: bytes
    """All 8 bytes; none where bytes came without frames."""
    size: int
    """What the header declares, or how many bytes came without one."""
    preview: bytes
    """The first bytes of the payload, at most ``PREVIEW_SIZE``."""

    @property
    def stream(self) -> str:
        """``stdin``, ``stdout``, ``stderr`` or ``systemerr``; ``raw`` without a header."""
        return Stream(self.header[0]).name.lower() if self.header else "raw"


class FrameInspector:
    """Decode a multiplexed stream like ``FrameDecoder``, into ``WireFrame``.

    The errors are those of ``FrameDecoder``, and come as late: after the frames before them.
    """

    def __init__(self) -> None:
        self.error: ProtocolError | None = None
        self._offset = 0  # of the frame in progress
        self._header = b""
        self._size = 0
        self._missing = 0
        self._preview = b""

    @property
    def unfinished(self) -> WireFrame | None:
        """The frame whose payload is not whole yet."""
        if not self._missing:
            return None
        return WireFrame(self._offset, self._header, self._size, self._preview)

    def receive_data(self, data: bytes) -> list[WireFrame]:
        """Return the frames that ``data`` completes.

        Raises:
            ProtocolError: a header has an unknown type byte, and no frame was completed before it.
        """
        if self.error is not None:
            raise self.error
        frames: list[WireFrame] = []
        pos = 0
        while pos < len(data):
            if not self._missing:
                taken = data[pos : pos + HEADER_SIZE - len(self._header)]
                self._header += taken
                pos += len(taken)
                # The first byte alone tells what is no frame: text may be shorter than a header.
                if self._header[0] > Stream.SYSTEMERR:
                    self.error = unrecognized_stream(self._header[0], self._offset)
                    break
                if len(self._header) < HEADER_SIZE:
                    break
                self._size = self._missing = int.from_bytes(self._header[4:], "big")
                self._preview = b""
            else:
                taken = data[pos : pos + self._missing]
                self._preview += taken[: PREVIEW_SIZE - len(self._preview)]
                self._missing -= len(taken)
                pos += len(taken)
            if not self._missing:
                frames.append(WireFrame(self._offset, self._header, self._size, self._preview))
                self._offset += HEADER_SIZE + self._size
                self._header = b""
        if self.error is not None and not frames:
            raise self.error
        return frames

    def receive_eof(self) -> None:
        """Say that the input has ended; raise as ``FrameDecoder.receive_eof``."""
        if self.error is not None:
            raise self.error
        if self._missing:
            raise TruncatedStream("payload", self._size - self._missing, self._size)
        if self._header:
            raise TruncatedStream("header", len(self._header), HEADER_SIZE)

"""Decode the engine's multiplexed stream: bytes in, frames out.

Without a TTY the body of ``/containers/{id}/logs`` and the stream of ``attach`` are a sequence of
frames: a header of 8 bytes, ``[type, x, x, x, size as big-endian uint32]``, then ``size`` bytes of
payload (moby, ``pkg/stdcopy/stdcopy.go``). Nobody validates the three bytes after the type, so
they are ignored. With a TTY there are no frames: the bytes are stdout as they come.

A decoder is fed what a read brought and gives back what that made whole. It is in one of two
states: collecting a header (at most 7 bytes are kept), or collecting a payload (at most
``MAX_PAYLOAD`` bytes are kept, whatever size the header declares; a longer payload is handed on in
several frames). Nothing is ever allocated from the declared size.

The end of the input is explicit: ``receive_eof()`` raises ``TruncatedStream`` inside a frame. Go's
StdCopy takes that for a normal end, and the last line is lost without a word.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final, TypeVar

import msgspec

from lobtail.errors import ProtocolError, TruncatedStream

__all__ = ["HEADER_SIZE", "MAX_PAYLOAD", "Frame", "FrameDecoder", "RawDecoder", "Stream"]

HEADER_SIZE: Final = 8

# What one frame may hold before it goes out in parts. Engines stay far below: 16 KiB and a prefix
# from the file drivers, 32 KiB on attach, about 256 KiB from the cache of a remote driver.
MAX_PAYLOAD: Final = 1 << 20


class Stream(IntEnum):
    """The type byte of a frame: which stream its payload belongs to."""

    STDIN = 0
    """Echoed back on attach; StdCopy writes it to stdout."""
    STDOUT = 1
    STDERR = 2
    SYSTEMERR = 3
    """The daemon reports an error of its own."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame's stream and its payload, without the header."""

    stream: Stream
    payload: bytes


T = TypeVar("T")

_STREAMS: Final = tuple(Stream)
_STDERR: Final = int(Stream.STDERR)
_header = Struct(">B3xI").unpack_from


class FrameDecoder:
    """Decode the multiplexed stream of a container without a TTY.

    Feed it with ``receive_data`` and, at the end, call ``receive_eof``. A type byte that no engine
    sends is a ``ProtocolError``. The frames before it are still returned: the error is then kept
    in ``error`` and raised by the next call. After an error the decoder stays in that error.
    """

    def __init__(self) -> None:
        self.error: ProtocolError | None = None
        """The error that the next call will raise."""
        self.has_error = False
        """Whether a frame has begun in which the daemon reports an error of its own."""
        self._offset = 0  # of the next undecoded byte, counted from the start of the stream
        self._head = b""  # an unfinished header
        self._stream = Stream.STDIN  # of the unfinished payload
        self._missing = 0  # bytes of the unfinished payload still to come
        self._size = 0  # what its header declared
        self._part = bytearray()  # what of it came and was not handed on yet

    @property
    def mid_frame(self) -> bool:
        """Whether the input so far ends inside a frame."""
        return bool(self._head or self._missing)

    @property
    def offset(self) -> int:
        """Bytes received and decoded so far: the position of the next header or payload byte."""
        return self._offset

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Return the frames that ``data`` completes, in order.

        A payload above ``MAX_PAYLOAD`` comes as several frames of its stream.

        Raises:
            ProtocolError: the type byte of a header is none of 0-3, and no frame was completed
                before it.
        """
        frames: list[Frame] = []
        data, pos = self._begin(data, frames)
        end = len(data)
        add = frames.append
        streams = _STREAMS
        while end - pos >= HEADER_SIZE:
            kind, size = _header(data, pos)
            start = pos + HEADER_SIZE
            stop = start + size
            if stop > end or kind > _STDERR or size > MAX_PAYLOAD:
                pos = self._irregular(data, pos, frames)
                continue
            add(Frame(streams[kind], data[start:stop]))
            pos = stop
        return self._finish(data, pos, frames)

    def receive_runs(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Return what ``receive_data`` returns, neighbours of one stream joined into one frame.

        For readers that copy bytes and need no frame boundaries: one write a run. A frame is then
        at most as long as ``data`` and what was kept of earlier reads.

        Raises:
            ProtocolError: as ``receive_data``.
        """
        frames: list[Frame] = []
        data, pos = self._begin(data, frames)
        end = len(data)
        run: list[bytes] = []
        add = run.append
        current = -1
        if frames:  # the end of a payload that an earlier read began
            last = frames.pop()
            current = last.stream
            add(last.payload)
        while end - pos >= HEADER_SIZE:
            kind, size = _header(data, pos)
            start = pos + HEADER_SIZE
            stop = start + size
            if stop > end or kind > 3 or size > MAX_PAYLOAD:
                pos = self._irregular(data, pos, _close(frames, current, run))
                run, current = [], -1
                continue
            if kind != current:
                self.has_error = self.has_error or kind > _STDERR
                _close(frames, current, run)
                run, current = [], kind
                add = run.append
            add(data[start:stop])
            pos = stop
        return self._finish(data, pos, _close(frames, current, run))

    def receive_eof(self) -> None:
        """Say that the input has ended.

        Raises:
            TruncatedStream: it ended inside a header or a payload. What was whole has been
                returned; ``fragment`` holds the rest.
            ProtocolError: an error that ``receive_data`` kept back.
        """
        if self.error is not None:
            raise self.error
        if self._missing:
            got = self._size - self._missing
            raise TruncatedStream("payload", got, self._size, bytes(self._part))
        if self._head:
            raise TruncatedStream("header", len(self._head), HEADER_SIZE, self._head)

    def _begin(
        self, data: bytes | bytearray | memoryview, frames: list[Frame]
    ) -> tuple[bytes, int]:
        """Go on where the last read ended; return the bytes to scan and where to start."""
        if self.error is not None:
            raise self.error
        data = bytes(data)  # bytes stay the very object
        if self._missing:
            return data, self._take(data, 0, frames)
        if self._head:
            data = self._head + data
            self._head = b""
        return data, 0

    def _irregular(self, data: bytes, pos: int, frames: list[Frame]) -> int:
        """Deal with a header whose payload is not whole in ``data``, is long, or has no stream."""
        kind, size = _header(data, pos)
        if kind > 3:
            self.error = unrecognized_stream(kind, self._offset + pos)
            return len(data)
        self.has_error = self.has_error or kind > _STDERR
        if not size:
            frames.append(Frame(_STREAMS[kind], b""))
            return pos + HEADER_SIZE
        self._stream = _STREAMS[kind]
        self._size = self._missing = size
        return self._take(data, pos + HEADER_SIZE, frames)

    def _take(self, data: bytes, start: int, frames: list[Frame]) -> int:
        """Move payload bytes from ``data`` to the unfinished frame; return where they ended."""
        stop = min(len(data), start + self._missing)
        while start < stop:
            piece = data[start : min(stop, start + MAX_PAYLOAD - len(self._part))]
            self._part += piece
            self._missing -= len(piece)
            start += len(piece)
            if not self._missing or len(self._part) == MAX_PAYLOAD:
                frames.append(Frame(self._stream, bytes(self._part)))
                self._part.clear()
        return start

    def _finish(self, data: bytes, pos: int, frames: list[T]) -> list[T]:
        self._offset += pos
        self._head = data[pos:]
        if self.error is not None and not frames:
            raise self.error
        return frames


class RawDecoder:
    """The stream of a container with a TTY: no frames, every byte is stdout.

    Has the methods of ``FrameDecoder``, so that a reader need not know which one it holds.
    """

    error: None = None
    has_error: bool = False
    mid_frame: bool = False

    def __init__(self) -> None:
        self._offset = 0

    @property
    def offset(self) -> int:
        """Bytes received so far."""
        return self._offset

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Return ``data`` as one frame of stdout; nothing for no bytes."""
        self._offset += len(data)
        return [Frame(Stream.STDOUT, bytes(data))] if data else []

    receive_runs = receive_data

    def receive_eof(self) -> None:
        """Say that the input has ended. A raw stream may end anywhere."""


def _close(frames: list[Frame], kind: int, run: list[bytes]) -> list[Frame]:
    """Add a finished run to ``frames``."""
    if run:
        frames.append(Frame(_STREAMS[kind], b"".join(run)))
    return frames


def unrecognized_stream(kind: int, offset: int) -> ProtocolError:
    """Return the error for a header at ``offset`` whose type byte is ``kind``."""
    shown = f" ({chr(kind)!r})" if 32 <= kind < 127 else ""
    return ProtocolError(
        f"unrecognized stream type {kind}{shown} at byte {offset}: these are not multiplexed "
        "frames; a container with a TTY sends raw bytes, which need no decoder"
    )

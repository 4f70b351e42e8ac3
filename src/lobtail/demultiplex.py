"""Take the engine's multiplexed stream apart, wherever its bytes come from.

``stdcopy`` is the Python counterpart of Go's ``stdcopy.StdCopy``, ``demux`` the same as an
iterator of frames and ``ademux`` its asynchronous twin.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Protocol, TypeAlias, runtime_checkable

from lobtail.errors import EngineStreamError
from lobtail.model.frames import Frame, FrameDecoder, Stream

__all__ = ["AsyncByteSource", "ByteSink", "ByteSource", "ademux", "demux", "stdcopy"]

READ_SIZE = 64 * 1024

Buffer: TypeAlias = bytes | bytearray | memoryview


@runtime_checkable
class _Socket(Protocol):
    def recv(self, size: int, /) -> bytes: ...


@runtime_checkable
class _Buffered(Protocol):
    def read1(self, size: int, /) -> bytes: ...


@runtime_checkable
class _Readable(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


class ByteSink(Protocol):
    """What ``stdcopy`` writes to: a binary file, or anything with such a ``write``."""

    def write(self, data: bytes, /) -> object:
        """Write ``data``; return how many bytes were taken, or None for all."""


@runtime_checkable
class _AsyncReadable(Protocol):
    async def read(self, size: int, /) -> bytes: ...


AsyncByteSource: TypeAlias = _AsyncReadable | AsyncIterable[Buffer]
ByteSource: TypeAlias = _Socket | _Buffered | _Readable | Buffer | Iterable[Buffer]


def stdcopy(src: ByteSource, stdout: ByteSink, stderr: ByteSink) -> int:
    """Copy a multiplexed stream to ``stdout`` and ``stderr``; return the bytes written.

    ``src`` is anything with ``recv`` or ``read`` (a socket, a file, what an SDK hands out as the
    raw connection) or an iterable of bytes, cut anywhere. It is read to its end. Frames of stdin
    go to ``stdout``, as in Go. ``stdout`` and ``stderr`` may be the same object.

    Unlike Go's function (moby, ``pkg/stdcopy/stdcopy.go``), which takes an end inside a frame for
    a normal one and drops the fragment, this one reports it.

    Raises:
        TruncatedStream: ``src`` ended inside a frame. All whole frames have been written.
        EngineStreamError: the daemon reported an error of its own in the stream.
        ProtocolError: ``src`` is not a multiplexed stream; a container with a TTY sends none.
    """
    decoder = FrameDecoder()
    written = 0
    for data in _reads(src):
        for frame in decoder.receive_runs(data):
            if frame.stream is Stream.SYSTEMERR:
                raise EngineStreamError(_daemon_text(frame))
            _write_all(stderr if frame.stream is Stream.STDERR else stdout, frame.payload)
            written += len(frame.payload)
    decoder.receive_eof()
    return written


def demux(src: ByteSource) -> Iterator[Frame]:
    """Iterate over the frames of a multiplexed stream, each as the engine sent it.

    ``src`` is what ``stdcopy`` takes. Frames of ``Stream.SYSTEMERR`` are yielded like the others.
    Payloads above 1 MiB, which no engine sends, come in several frames.

    Raises:
        TruncatedStream: ``src`` ended inside a frame; all whole frames have been yielded.
        ProtocolError: ``src`` is not a multiplexed stream.
    """
    decoder = FrameDecoder()
    for data in _reads(src):
        yield from decoder.receive_data(data)
    decoder.receive_eof()


async def ademux(src: AsyncByteSource) -> AsyncIterator[Frame]:
    """Iterate over the frames of a multiplexed stream that comes from an asynchronous source.

    ``src`` is anything with an asynchronous ``read`` (an ``asyncio.StreamReader``, the ``content``
    of an aiohttp response) or an asynchronous iterable of bytes, cut anywhere. For the rest see
    ``demux``.
    """
    decoder = FrameDecoder()
    async for data in _areads(src):
        for frame in decoder.receive_data(data):
            yield frame
    decoder.receive_eof()


async def _areads(src: AsyncByteSource) -> AsyncIterator[Buffer]:
    """Yield what ``src`` holds, read by read."""
    from inspect import iscoroutinefunction  # which takes a while to load

    # read first: readers iterate by lines, wait for the end of one, and bear only so long ones.
    if isinstance(src, _AsyncReadable) and iscoroutinefunction(src.read):
        while data := await src.read(READ_SIZE):
            yield _checked(data)
        return
    if not isinstance(src, AsyncIterable):
        raise TypeError(
            "src must have an asynchronous read(), or be an asynchronous iterable of bytes, "
            f"not {type(src).__name__}"
        )
    async for item in src:
        yield _checked(item)


def _reads(src: ByteSource) -> Iterator[Buffer]:
    """Yield what ``src`` holds, read by read."""
    if isinstance(src, (bytes, bytearray, memoryview)):
        yield src
        return
    read = _reader(src)
    if read is None:
        if isinstance(src, str) or not isinstance(src, Iterable):
            raise TypeError(
                "src must have recv() or read(), or be an iterable of bytes, "
                f"not {type(src).__name__}"
            )
        for item in src:
            yield _checked(item)
        return
    while True:
        data = read(READ_SIZE)
        if data is None:
            raise BlockingIOError("src is non-blocking and has no data: give a blocking one")
        if not data:
            return
        yield _checked(data)


def _reader(src: object) -> Callable[[int], bytes | None] | None:
    if (ahead := _read_ahead(src)) is not None:
        return ahead.read1
    # recv first: the read() of some sockets waits until it can return all that was asked for, as
    # does that of a buffered file, and a live stream may never bring so much.
    if isinstance(src, _Socket):
        return src.recv
    if isinstance(src, _Buffered):
        return src.read1
    if isinstance(src, _Readable):
        return src.read
    return None


def _read_ahead(src: object) -> io.BufferedReader | None:
    """Return the buffer above a socket of docker-py's ``attach_socket`` and ``exec_start``.

    That hands out what is below the buffer of http.client, and keeps the answer with it
    (docker-py, ``api/client.py``, ``_get_raw_response_socket``). Frames that came together with the
    head of the answer are in the buffer, and would be lost.
    """
    raw = getattr(getattr(src, "_response", None), "raw", None)
    buffer = getattr(getattr(raw, "_fp", None), "fp", None)
    if isinstance(buffer, io.BufferedReader):
        below = buffer.raw
        if below is src or getattr(below, "_sock", None) is src:
            return buffer
    return None


def _checked(data: object) -> Buffer:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data
    raise TypeError(f"src gave {type(data).__name__}, not bytes: open it in binary mode")


def _write_all(sink: ByteSink, data: bytes) -> None:
    """Write all of ``data``: an unbuffered file may take less than it is given."""
    while data:
        taken = sink.write(data)
        if taken is None and not isinstance(sink, io.RawIOBase):
            return
        if not taken:  # None from an unbuffered file
            raise BlockingIOError("the sink is non-blocking and full: give a blocking one")
        if not isinstance(taken, int):
            return
        data = data[taken:]


def _daemon_text(frame: Frame) -> str:
    return frame.payload.decode("utf-8", "replace").rstrip("\n")

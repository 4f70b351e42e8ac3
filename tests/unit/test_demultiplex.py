"""`stdcopy`, `demux` and `ademux`, from every kind of source to every kind of sink."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from lobtail import Frame, Stream, TruncatedStream, ademux, demux, stdcopy
from lobtail.errors import EngineStreamError, ProtocolError


def wire(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


DATA = wire(1, b"out 1\n") + wire(2, b"err 1\n") + wire(1, b"out 2\n") + wire(0, b"typed\n")
OUT, ERR = b"out 1\nout 2\ntyped\n", b"err 1\n"
FRAMES = [
    Frame(Stream.STDOUT, b"out 1\n"),
    Frame(Stream.STDERR, b"err 1\n"),
    Frame(Stream.STDOUT, b"out 2\n"),
    Frame(Stream.STDIN, b"typed\n"),
]


class OneByteReader:
    """Has nothing but `read`, and gives less than it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, 1))


def a_socket(data: bytes) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(data)
    return ours


def a_socket_file(data: bytes) -> Any:
    # What docker-py's attach_socket() hands out.
    ours = a_socket(data)
    file = ours.makefile("rb", buffering=0)
    ours.close()
    return file


SOURCES: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "list": lambda data: [data[:3], data[3:20], data[20:]],
    "generator": lambda data: (data[i : i + 5] for i in range(0, len(data), 5)),
    "BytesIO": io.BytesIO,
    "BufferedReader": lambda data: io.BufferedReader(io.BytesIO(data)),
    "read": OneByteReader,
    "socket": a_socket,
    "socket file": a_socket_file,
}


def close(source: object) -> None:
    if hasattr(source, "close"):
        source.close()


@pytest.mark.parametrize("kind", SOURCES)
def test_stdcopy_from_any_source(kind: str) -> None:
    source = SOURCES[kind](DATA)
    out, err = io.BytesIO(), io.BytesIO()
    assert stdcopy(source, out, err) == len(OUT + ERR)
    assert (out.getvalue(), err.getvalue()) == (OUT, ERR)
    close(source)


@pytest.mark.parametrize("kind", SOURCES)
def test_demux_from_any_source(kind: str) -> None:
    source = SOURCES[kind](DATA)
    assert list(demux(source)) == FRAMES
    close(source)


def test_ademux() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for i in range(0, len(DATA), 7):
            yield DATA[i : i + 7]

    async def collect() -> list[Frame]:
        return [frame async for frame in ademux(chunks())]

    assert asyncio.run(collect()) == FRAMES


def test_ademux_reads_a_stream_reader() -> None:
    async def collect() -> list[Frame]:
        reader = asyncio.StreamReader()
        reader.feed_data(DATA)
        reader.feed_eof()
        return [frame async for frame in ademux(reader)]

    assert asyncio.run(collect()) == FRAMES


def test_ademux_bears_lines_longer_than_a_reader_does() -> None:
    async def collect() -> list[Frame]:
        reader = asyncio.StreamReader(limit=16)
        reader.feed_data(wire(1, b"x" * 1000))
        reader.feed_eof()
        return [frame async for frame in ademux(reader)]

    assert asyncio.run(collect()) == [Frame(Stream.STDOUT, b"x" * 1000)]


def test_ademux_does_not_wait_for_the_end_of_a_line() -> None:
    async def first() -> Frame:
        reader = asyncio.StreamReader()
        reader.feed_data(wire(1, b"no newline"))
        return await anext(ademux(reader))

    assert asyncio.run(first()) == Frame(Stream.STDOUT, b"no newline")


@pytest.mark.parametrize("src", [None, DATA, 5, ["x"]])
def test_ademux_says_what_it_takes(src: Any) -> None:
    async def collect() -> list[Frame]:
        return [frame async for frame in ademux(src)]

    with pytest.raises(TypeError, match=r"src must have an asynchronous read\(\)"):
        asyncio.run(collect())


def test_a_live_source_is_not_waited_for_to_fill_a_buffer() -> None:
    """A buffered file's read() would wait for all 64 KiB."""
    ours, theirs = socket.socketpair()
    with theirs, ours, ours.makefile("rb") as file:
        theirs.sendall(wire(1, b"now\n"))
        frames = demux(file)
        got: list[Frame] = []
        thread = threading.Thread(target=lambda: got.append(next(frames)), daemon=True)
        thread.start()
        thread.join(10)
        assert got == [Frame(Stream.STDOUT, b"now\n")]


def test_one_sink_for_both_keeps_the_order() -> None:
    both = io.BytesIO()
    stdcopy(DATA, both, both)
    assert both.getvalue() == b"out 1\nerr 1\nout 2\ntyped\n"


def test_neighbours_of_one_stream_are_one_write() -> None:
    writes: list[bytes] = []

    class Sink:
        def write(self, data: bytes, /) -> None:
            writes.append(data)

    stdcopy(wire(1, b"a") + wire(1, b"b") + wire(2, b"c") + wire(1, b"d"), Sink(), Sink())
    assert writes == [b"ab", b"c", b"d"]


def test_a_sink_that_takes_less_gets_the_rest(tmp_path: Path) -> None:
    taken = bytearray()

    class Slow(io.RawIOBase):
        def write(self, data: Any, /) -> int:
            taken.extend(data[:2])
            return min(2, len(data))

    assert stdcopy(wire(1, b"hello"), Slow(), Slow()) == 5
    assert taken == b"hello"
    with (tmp_path / "out").open("wb", buffering=0) as file:
        stdcopy(DATA, file, file)
    assert (tmp_path / "out").read_bytes() == b"out 1\nerr 1\nout 2\ntyped\n"


def test_a_full_non_blocking_sink_is_an_error_not_a_loss() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with os.fdopen(write, "wb", buffering=0) as sink, pytest.raises(BlockingIOError):
        stdcopy(wire(1, b"x" * (1 << 20)), sink, sink)
    os.close(read)


def test_a_non_blocking_source_is_an_error_not_an_end() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    with os.fdopen(read, "rb", buffering=0) as source, pytest.raises(BlockingIOError):
        list(demux(source))
    os.close(write)


@pytest.mark.parametrize("kept", [1, 7, 8, 10])
def test_row_1_a_truncated_stream_raises_after_what_came_whole(kept: int) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    with pytest.raises(TruncatedStream):
        stdcopy(DATA + wire(1, b"lost\n")[:kept], out, err)
    assert (out.getvalue(), err.getvalue()) == (OUT, ERR)
    frames = demux(DATA + wire(1, b"lost\n")[:kept])
    assert [next(frames) for _ in FRAMES] == FRAMES
    with pytest.raises(TruncatedStream):
        next(frames)


def test_row_2_other_bytes_are_a_protocol_error_after_what_came_whole() -> None:
    out = io.BytesIO()
    with pytest.raises(ProtocolError, match="type 255 at byte 14"):
        stdcopy(wire(1, b"whole\n") + b"\xff" * 20, out, out)
    assert out.getvalue() == b"whole\n"


def test_row_5_a_daemons_error_is_raised_by_stdcopy_and_shown_by_demux() -> None:
    data = wire(1, b"a\n") + wire(3, b"Error grabbing logs: EOF\n")
    out = io.BytesIO()
    with pytest.raises(EngineStreamError) as caught:
        stdcopy(data, out, out)
    assert str(caught.value) == "error from daemon in stream: Error grabbing logs: EOF"
    assert out.getvalue() == b"a\n"
    assert [frame.stream for frame in demux(data)] == [Stream.STDOUT, Stream.SYSTEMERR]


@pytest.mark.parametrize("source", [io.StringIO("text"), ["text"], "text", 5, None])
def test_what_is_no_source_says_so(source: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        list(demux(source))

"""HTTP over a transport that a test plays: no sockets, every split, every way to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import pytest

from lobtail.engine.net.http import HIGH_WATER, HttpConnection
from lobtail.engine.net.response import MAX_HEAD, Response
from lobtail.errors import ConnectionLostError, ProtocolError

T = TypeVar("T")

BODY = b"one, two\r\nthree\0\xff"
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Y: z\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n"
    b"3\r\none\r\n5;ext=1\r\n, two\r\n009\r\n\r\nthree\0\xff\r\n0\r\nTrailer: t\r\n\r\n"
)
UNTIL_EOF = b"HTTP/1.0 200 OK\r\nX-Y: z\r\n\r\n" + BODY
INTERIM = b"HTTP/1.1 100 Continue\r\nNot: this\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Y: w\r\n\r\n"


class Wire(asyncio.Transport):
    """The transport of one connection, and the server behind it."""

    def __init__(self, protocol: HttpConnection) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.paused = False
        self.closed = False
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def feed(self, data: bytes) -> None:
        """Let the connection read `data`, as asyncio would."""
        while data and not self.closed:
            view = self.protocol.get_buffer(-1)
            size = min(len(view), len(data))
            view[:size] = data[:size]
            self.protocol.buffer_updated(size)
            data = data[size:]

    def end(self, exc: Exception | None = None) -> None:
        """End the connection: well, or by an error."""
        if not self.closed:
            self.closed = True
            self.protocol.eof_received()
            self.protocol.connection_lost(exc)


def play(scenario: Callable[[HttpConnection, Wire], Awaitable[T]]) -> T:
    async def main() -> T:
        connection = HttpConnection()
        return await scenario(connection, Wire(connection))

    return asyncio.run(main())


async def ask(connection: HttpConnection, wire: Wire, reads: Iterable[bytes]) -> Response:
    """Send a request; feed the answer while it waits for it."""
    asked = asyncio.ensure_future(connection.request("GET", "/x", {"Host": "h"}, timeout=5))
    await asyncio.sleep(0)
    for data in reads:
        wire.feed(data)
    return await asked


async def collect(response: Response, chunks: list[bytes]) -> None:
    """Add all that comes to `chunks`, also what comes before an error."""
    while (batch := await response.batch()) is not None:
        chunks += batch


def splits(data: bytes) -> list[list[bytes]]:
    cut = [[data[:i], data[i:]] for i in range(1, len(data))]
    return [[data], [data[i : i + 1] for i in range(len(data))], *cut]


@pytest.mark.parametrize("interim", [b"", INTERIM], ids=["", "interim"])
@pytest.mark.parametrize("answer", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_whole_at_every_split(answer: bytes, interim: bytes) -> None:
    for reads in splits(interim + answer):

        async def scenario(
            connection: HttpConnection, wire: Wire, reads: list[bytes] = reads
        ) -> None:
            response = await ask(connection, wire, reads)
            assert (response.status, response.reason) == (200, "OK")
            assert response.headers["x-y"] == "z"
            assert "not" not in response.headers
            assert await response.read() == BODY
            assert await response.batch() is None
            assert connection.reusable

        play(scenario)


def test_until_eof_at_every_split() -> None:
    for reads in splits(UNTIL_EOF):

        async def scenario(
            connection: HttpConnection, wire: Wire, reads: list[bytes] = reads
        ) -> None:
            response = await ask(connection, wire, reads)
            wire.end()
            assert await response.read() == BODY
            assert not connection.reusable

        play(scenario)


@pytest.mark.parametrize("answer", [COUNTED, CHUNKED], ids=["counted", "chunked"])
@pytest.mark.parametrize("exc", [None, ConnectionResetError(104, "Connection reset by peer")])
def test_cut_at_every_byte(answer: bytes, exc: Exception | None) -> None:
    start = answer.index(b"\r\n\r\n") + 4
    for size in range(len(answer)):

        async def scenario(connection: HttpConnection, wire: Wire, size: int = size) -> None:
            asked = asyncio.ensure_future(connection.request("GET", "/x", {}, timeout=5))
            await asyncio.sleep(0)
            wire.feed(answer[:size])
            wire.end(exc)
            if size < start:
                with pytest.raises(ConnectionLostError, match=r"unanswered|broke after"):
                    await asked
                return
            response = await asked
            got: list[bytes] = []
            with pytest.raises(ConnectionLostError, match=f"after {size} bytes"):
                await collect(response, got)
            # All that came before the cut was given out.
            assert BODY.startswith(b"".join(got))
            if answer is COUNTED:
                assert len(b"".join(got)) == size - start
            assert not connection.reusable

        play(scenario)


def test_until_eof_ends_by_an_error() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [UNTIL_EOF])
        wire.end(ConnectionResetError(104, "Connection reset by peer"))
        assert await response.batch() == [BODY]
        with pytest.raises(ConnectionLostError, match="Connection reset by peer"):
            await response.batch()

    play(scenario)


def test_keep_alive_asks_again() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        for answer in (CHUNKED, COUNTED, b"HTTP/1.1 204 No Content\r\n\r\n", COUNTED):
            response = await ask(connection, wire, [answer])
            assert await response.read() in (BODY, b"")
            response.close()
            assert connection.reusable
        assert wire.written.count(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n") == 4
        assert not wire.closed

    play(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        COUNTED.replace(b"X-Y", b"Connection: close\r\nX-Y"),
        COUNTED.replace(b"HTTP/1.1", b"HTTP/1.0"),
        COUNTED + b"junk",
        COUNTED + COUNTED,
        CHUNKED + b"\0",
    ],
    ids=["close", "1.0", "junk", "second answer", "nul"],
)
def test_a_connection_that_cannot_be_used_again(answer: bytes) -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [answer])
        assert await response.read() == BODY
        assert not connection.reusable
        response.close()
        assert wire.closed

    play(scenario)


def test_junk_while_idle() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        await (await ask(connection, wire, [COUNTED])).read()
        wire.feed(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert not connection.reusable
        with pytest.raises(ConnectionLostError):
            await connection.request("GET", "/x", {}, timeout=5)

    play(scenario)


def test_an_answer_that_is_left_early_closes_the_connection() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [CHUNKED[:-10]])
        response.close()
        assert wire.closed

    play(scenario)


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n", b"\x15\x03\x01\0\2\2\x16", b"<html>"])
def test_no_http(data: bytes) -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        with pytest.raises(ProtocolError, match="does not speak HTTP, it sent b"):
            await ask(connection, wire, [data])
        assert wire.closed

    play(scenario)


def test_a_server_that_speaks_first() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        wire.feed(b"SSH-2.0-x\r\n")
        with pytest.raises(ProtocolError, match="does not speak HTTP, it sent b'SSH"):
            await connection.request("GET", "/x", {}, timeout=5)
        assert wire.written == b""

    play(scenario)


def test_an_upgrade_that_nobody_asked_for() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        answer = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\1\0\0\0"
        with pytest.raises(ProtocolError, match="switched protocols"):
            await ask(connection, wire, [answer])

    play(scenario)


@pytest.mark.parametrize(
    "endless", [b"X: yyyyyyyyyyyyyyy\r\n", b"X" * 100, b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_a_head_without_end(endless: bytes) -> None:
    start = b"" if endless.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nA: "

    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        with pytest.raises(ProtocolError, match="the head of the answer is longer than 65536"):
            await ask(connection, wire, [start + endless * (2 * MAX_HEAD // len(endless))])

    play(scenario)


@pytest.mark.parametrize("start", [b"0\r\nX: ", b"5;ext="], ids=["trailer", "extension"])
def test_bytes_without_content(start: bytes) -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        head = CHUNKED[: CHUNKED.index(b"3\r\n")]
        response = await ask(connection, wire, [head])
        waiting = asyncio.ensure_future(response.batch())
        await asyncio.sleep(0)
        wire.feed(start + b"y" * HIGH_WATER)
        with pytest.raises(ProtocolError, match="bytes without content"):
            await waiting

    play(scenario)


def test_flow_control() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        size = 4 * HIGH_WATER
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        response = await ask(connection, wire, [head])
        fed = read = 0
        while fed < size:
            while not wire.paused and fed < size:
                wire.feed(b"x" * 1024)
                fed += 1024
            assert fed - read <= HIGH_WATER
            batch = await response.batch()
            assert batch
            read += sum(map(len, batch))
            assert not wire.paused
        assert read == size
        assert await response.batch() is None
        assert connection.reusable

    play(scenario)


def test_what_waits_for_the_reader_outlives_the_connection() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [CHUNKED[:-5]])
        wire.end()
        assert b"".join(await response.batch() or []) == BODY
        with pytest.raises(ConnectionLostError):
            await response.batch()

    play(scenario)


def test_a_batch_is_all_that_came() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [CHUNKED])
        assert await response.batch() == [b"one", b", two", b"\r\nthree\0\xff"]

    play(scenario)


def test_silence_is_a_timeout_and_can_be_waited_for_again() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        with pytest.raises(TimeoutError):
            await connection.request("GET", "/x", {}, timeout=0.001)
        wire.feed(CHUNKED[: CHUNKED.index(b"3\r\n")])

    play(scenario)

    async def mid_body(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [COUNTED[:-3]])
        assert await response.batch(0.001) == [BODY[:-3]]
        with pytest.raises(TimeoutError):
            await response.batch(0.001)
        wire.feed(COUNTED[-3:])
        assert await response.read(0.001) == BODY[-3:]

    play(mid_body)


def test_an_answer_read_whole_has_a_limit() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        response = await ask(connection, wire, [COUNTED])
        with pytest.raises(ProtocolError, match="longer than 10 bytes"):
            await response.read(limit=10)

    play(scenario)


def test_a_post_states_its_length() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        for body, length in ((b"", b"0"), (b"{}", b"2")):
            asked = asyncio.ensure_future(connection.request("POST", "/x", {}, body, timeout=5))
            await asyncio.sleep(0)
            assert wire.written.endswith(b"\r\nContent-Length: " + length + b"\r\n\r\n" + body)
            wire.feed(COUNTED)
            await (await asked).read()

    play(scenario)


def test_a_closed_connection_takes_no_request() -> None:
    async def scenario(connection: HttpConnection, wire: Wire) -> None:
        wire.end()
        with pytest.raises(ConnectionLostError, match="closed"):
            await connection.request("GET", "/x", {})

    play(scenario)

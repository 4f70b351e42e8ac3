"""Asking without an event loop: the same answers, and nothing that waits."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lobtail.engine.blocking import BlockingClient, result_of
from lobtail.engine.config.endpoint import Endpoint
from lobtail.engine.net.blocking import BlockingConnection
from lobtail.errors import (
    ConnectError,
    ConnectionLostError,
    EngineError,
    ProtocolError,
)

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 2\r\n\r\nOK"
BODY = b'{"Id": "c1", "Name": "/web"}'
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\n" + BODY[:9] + b"\r\n%x\r\n" % len(BODY[9:]) + BODY[9:] + b"\r\n0\r\n\r\n"
)


@contextmanager
def server(*connections: list[bytes]) -> Iterator[str]:
    """Serve connections: for each request that comes the next answer, then the end."""
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder, "s"))
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            for answers in connections:
                try:
                    accepted, _ = listener.accept()
                except OSError:  # it was not needed
                    return
                with accepted:
                    for answer in answers:
                        if not accepted.recv(65536):
                            break
                        accepted.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def name_of(client: BlockingClient) -> str:
    try:
        return result_of(client.containers.inspect("web")).name
    finally:
        result_of(client.aclose())


@pytest.mark.parametrize("answer", [COUNTED, CHUNKED], ids=["counted", "chunked"])
def test_a_connection_is_asked_again(answer: bytes) -> None:
    with server([PING, answer, answer]) as host:
        client = BlockingClient(host)
        assert result_of(client.containers.inspect("web")).name == "/web"
        assert name_of(client) == "/web"


@pytest.mark.parametrize("junk", [b"junk", COUNTED], ids=["text", "answer"])
def test_more_than_an_answer(junk: bytes) -> None:
    with server([PING + junk], [COUNTED]) as host:
        assert name_of(BlockingClient(host)) == "/web"


def test_what_is_no_answer() -> None:
    with server([b"junk"]) as host, pytest.raises(ProtocolError, match="does not speak HTTP"):
        name_of(BlockingClient(host))


def test_what_came_before_broken_http() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    broken = head + b"3\r\none\r\nnonsense\r\n"
    with server([PING, broken]) as host:
        client = BlockingClient(host)
        response = result_of(client._requests.open("/log"))
        assert result_of(response.batch(1)) == [b"one"]
        with pytest.raises(ProtocolError, match="broken HTTP"):
            result_of(response.batch(1))
        assert not response.connection.reusable
        client._requests.release(response)


def test_a_connection_that_was_closed_is_left() -> None:
    with server([PING], [COUNTED]) as host:
        assert name_of(BlockingClient(host)) == "/web"


def test_the_engines_words() -> None:
    refusal = b'HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n{"message":"none"}'
    with server([PING, refusal]) as host, pytest.raises(EngineError, match="none") as caught:
        name_of(BlockingClient(host))
    assert caught.value.status == 404


@pytest.mark.parametrize("size", [0, 10, 40, len(COUNTED) - 1])
def test_a_cut(size: int) -> None:
    # The first might have been closed while it was idle, so it is asked again.
    cut = COUNTED[:size]
    with server([PING, cut], [cut]) as host, pytest.raises(ConnectionLostError):
        name_of(BlockingClient(host))


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ConnectError):
        BlockingConnection(Endpoint("unix", "--host", path=str(tmp_path / "none")), 1)


def test_silence() -> None:
    with socket.socket(socket.AF_UNIX) as listener, TemporaryDirectory(dir="/tmp") as folder:
        path = str(Path(folder, "s"))
        listener.bind(path)
        listener.listen()
        with pytest.raises(ConnectError, match=r"has not answered for 0\.01 s"):
            name_of(BlockingClient(f"unix://{path}", timeout=0.01))


def test_what_waits_is_refused() -> None:
    with pytest.raises(RuntimeError, match="waited"):
        result_of(asyncio.sleep(0))

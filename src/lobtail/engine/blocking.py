"""Ask an engine on this machine a few questions without an event loop.

asyncio takes longer to import than most logs take to read from their files. What is awaited here
never waits, so that ``result_of`` gets through a coroutine of the client in one go.
"""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, ClassVar, Final, Self, TypeVar

from lobtail.engine.answer import AnswerParser, Response, request_head
from lobtail.engine.client import EngineClient
from lobtail.engine.requests import Requests
from lobtail.errors import ConnectError

__all__ = ["BlockingClient", "result_of"]

T = TypeVar("T")

READ_SIZE: Final = 64 * 1024


class BlockingConnection:
    """A connection to a Unix socket that is waited for in the calls that read it."""

    def __init__(self, path: str, peer: str, timeout: float) -> None:
        self._peer = peer
        self._answer = AnswerParser()
        self._open = True
        try:
            self._socket = socket.socket(socket.AF_UNIX)
        except OSError as exc:  # there are no more descriptors
            raise ConnectError(f"cannot connect to {peer}: {exc.strerror}") from exc
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as exc:
            self.close()
            raise ConnectError(f"cannot connect to {peer}: {exc}") from exc

    @property
    def reusable(self) -> bool:
        """Whether the last answer was read whole and the server keeps the connection open."""
        return self._open and self._answer.complete and self._answer.keep_alive

    async def request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Response:
        """Send a request; return its answer as soon as the head is there.

        Raises:
            TimeoutError: no byte came for ``timeout`` seconds.
            ConnectError, ConnectionLostError: the connection broke.
            ProtocolError: what came is not HTTP.
        """
        answer = self._answer = AnswerParser()
        if not self._quiet():
            raise answer.cut(self._peer)
        self._socket.settimeout(timeout)
        try:
            self._socket.sendall(request_head(method, target, headers, body) + body)
        except OSError as exc:
            raise answer.cut(self._peer) from exc
        while not answer.head_done:
            self._read()
        return Response(self, answer.status, answer.reason.decode("latin-1"), answer.headers)

    async def take(self, timeout: float | None) -> list[bytes] | None:
        """Return all chunks that are there; wait for the first; None at the end of the body."""
        answer = self._answer
        self._socket.settimeout(timeout)
        while not answer.chunks:
            if answer.complete:
                return None
            self._read()
        batch = answer.chunks[:]
        answer.chunks.clear()
        return batch

    def close(self) -> None:
        """Close at once; what was not read is lost."""
        self._open = False
        self._socket.close()

    def _quiet(self) -> bool:
        """Tell whether the engine has neither closed the connection nor sent what is no answer."""
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _read(self) -> None:
        answer = self._answer
        try:
            data = self._socket.recv(READ_SIZE)
        except TimeoutError:
            raise
        except OSError as exc:
            raise answer.cut(self._peer) from exc
        if data:
            answer.feed(memoryview(data))
            return
        self._open = False
        answer.end()
        if not answer.complete:
            raise answer.cut(self._peer)


class BlockingRequests(Requests):
    """The requests of a ``BlockingClient``."""

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """Return nothing that locks: there is one task."""
        return nullcontext()

    async def connect(self) -> BlockingConnection:
        """Open a connection."""
        peer = f"the engine at {self.endpoint}"
        return BlockingConnection(self.endpoint.path, peer, self.timeout)


class BlockingClient(EngineClient):
    """An engine behind a Unix socket, for questions with short answers, one after the other.

    Its errors are of the right kind, if not in the words of the client that has an event loop.
    """

    _requests: ClassVar[type[Requests]] = BlockingRequests

    @classmethod
    def like(cls, client: EngineClient) -> Self:
        """Return a client of the same engine."""
        return cls(client.endpoint.url, timeout=client.timeout, origin=client.endpoint.origin)


def result_of(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that asks a ``BlockingClient``, and awaits nothing else, to its end."""
    try:
        coroutine.send(None)
    except StopIteration as exc:
        result: T = exc.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine of a blocking client waited")

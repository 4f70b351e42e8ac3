"""Ask an engine on this machine without an event loop.

asyncio takes longer to import than most logs take to read. What is awaited here never waits, so
that ``lobtail.engine.blocking.result_of`` gets through a coroutine of the client in one go.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from lobtail.engine.config.endpoint import Endpoint, connect_error
from lobtail.engine.net.requests import Requests
from lobtail.engine.net.response import AnswerParser, Response, not_http, request_head
from lobtail.errors import ProtocolError

__all__ = ["BlockingConnection", "BlockingRequests"]

READ_SIZE: Final = 64 * 1024
# Seconds between attempts while the engine's queue is full; there is nothing to wait on.
QUEUE_PAUSE: Final = 0.02
# The longest wait in one go: Python hears of a signal that came just before it only after it.
LOOK: Final = 0.5


class BlockingConnection:
    """A connection to a Unix socket that is waited for in the calls that read it."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._peer = f"the engine at {endpoint}"
        self._answer = AnswerParser()
        self._error: ProtocolError | None = None
        self._open = True
        self._view = memoryview(bytearray(READ_SIZE))
        try:
            self._socket = _connected(endpoint.path, timeout)
        except TimeoutError as exc:
            raise connect_error(endpoint, f"no answer within {timeout:g} s") from exc
        except (OSError, ValueError) as exc:
            raise connect_error(endpoint, exc) from exc
        self._ready = select.poll()
        self._ready.register(self._socket, select.POLLIN)

    @property
    def reusable(self) -> bool:
        """Whether the last answer was read whole and the server keeps the connection open."""
        whole = self._answer.complete and self._answer.keep_alive
        return self._open and whole and self._error is None

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
            ConnectionLostError: the connection ended before the head did.
            ProtocolError: what came is not HTTP.
        """
        self._stay_quiet()
        answer = self._answer = AnswerParser()
        self._socket.settimeout(timeout)
        try:
            self._socket.sendall(request_head(method, target, headers, body) + body)
        except TimeoutError:
            raise
        except OSError as exc:
            raise answer.broken(self._peer, exc) from exc
        self._socket.setblocking(False)
        while not answer.head_done:
            self._read(timeout)
        return Response(self, answer.status, answer.reason.decode("latin-1"), answer.headers)

    async def take(self, timeout: float | None) -> list[bytes] | None:
        """Return all chunks that are there; wait for the first; None at the end of the body."""
        answer = self._answer
        while not answer.chunks:
            if answer.complete:
                return None
            if self._error is not None:
                raise self._error
            self._read(timeout)
        batch = answer.chunks[:]
        answer.chunks.clear()
        return batch

    def close(self) -> None:
        """Close at once; what was not read is lost."""
        self._open = False
        self._socket.close()

    def _stay_quiet(self) -> None:
        """Raise an error if the engine has closed the connection, or sent what is no answer."""
        try:
            start = self._socket.recv(40, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as exc:
            raise self._answer.broken(self._peer, exc) from exc
        if start and not self._answer.complete:
            # A server of HTTP never speaks first.
            raise not_http(start)
        raise AnswerParser().cut(self._peer)

    def _read(self, timeout: float | None) -> None:
        """Parse what has come; wait for the first of it."""
        answer = self._answer
        try:
            size = self._received(timeout)
        except TimeoutError:
            raise
        except OSError as exc:
            raise answer.broken(self._peer, exc) from exc
        if size == 0:
            self._open = False
            answer.end()
            if not answer.complete:
                raise answer.cut(self._peer)
            return
        try:
            answer.feed(self._view[:size])
        except ProtocolError as exc:
            self._error = exc
            if not answer.head_done:
                raise

    def _received(self, timeout: float | None) -> int:
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return self._socket.recv_into(self._view)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError from None
                self._ready.poll(1000 * min(left, LOOK))


def _connected(path: str, timeout: float) -> socket.socket:
    """Return a socket that is connected and does not block; wait while the queue is full."""
    deadline = time.monotonic() + timeout
    made = socket.socket(socket.AF_UNIX)
    made.setblocking(False)
    try:
        while True:
            try:
                made.connect(path)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError from None
                time.sleep(QUEUE_PAUSE)
            else:
                return made
    except BaseException:
        made.close()
        raise


class BlockingRequests(Requests):
    """The requests of a ``BlockingClient``."""

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """Return nothing that locks: there is one task."""
        return nullcontext()

    async def connect(self) -> BlockingConnection:
        """Open a connection."""
        return BlockingConnection(self.endpoint, self.timeout)

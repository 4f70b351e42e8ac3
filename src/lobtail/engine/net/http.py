"""HTTP/1.1 over an asyncio transport: a request at a time, its answer in batches.

Flow control: when ``HIGH_WATER`` bytes are waiting for the reader, the socket is no longer read;
the kernel's buffers fill and the engine waits. A slow reader costs memory of that order only.

On a connection that is handed over (for attach and exec) bytes are sent with ``write``.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from lobtail.engine.net.response import AnswerParser, Response, not_http, request_head
from lobtail.errors import ConnectionLostError, LobtailError, ProtocolError

__all__ = ["HttpConnection"]

HIGH_WATER: Final = 256 * 1024
READ_SIZE: Final = 64 * 1024
# Seconds between looks at whether all that came by TLS was read.
PAUSED: Final = 0.005


class HttpConnection(asyncio.BufferedProtocol):
    """One connection to a server: a request at a time, kept alive between them.

    ``peer`` is what errors call the other side. ``stderr_tail`` is asked why the connection was
    ended, by the number of its socket.
    """

    def __init__(
        self, peer: str = "the engine", stderr_tail: Callable[[int], str] | None = None
    ) -> None:
        self._peer = peer
        self._stderr_tail = stderr_tail
        self._why = ""
        self._buffer = bytearray(READ_SIZE)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._lost = False
        self._paused = False
        self._blocked: asyncio.Future[None] | None = None  # while the peer takes no more
        self._answer: AnswerParser | None = None
        self._unread = 0

    # --- for the reader ---------------------------------------------------------------------

    @property
    def reusable(self) -> bool:
        """Whether the last answer was read whole and the server keeps the connection open."""
        answer = self._answer
        whole = answer is not None and answer.complete and answer.keep_alive
        return whole and not self._lost and self._error is None

    async def request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Response:
        """Send a request; return its answer as soon as the head is there.

        ``timeout`` seconds may pass without a byte before that.

        Raises:
            TimeoutError: they did.
            ConnectionLostError: the connection ended before the head did.
            ProtocolError: what came is not HTTP.
        """
        if self._error is not None:
            raise self._error
        if self._transport is None or self._lost:
            raise ConnectionLostError("the connection is closed")
        answer = self._answer = AnswerParser(upgrade="Upgrade" in headers)
        self._unread = 0
        self._transport.write(request_head(method, target, headers, body) + body)
        while not answer.head_done:
            self._check(answer)
            await self._wait(timeout)
        return Response(self, answer.status, answer.reason.decode("latin-1"), answer.headers)

    async def take(self, timeout: float | None) -> list[bytes] | None:
        """Return all chunks that are waiting; wait for the first; None at the end of the body."""
        answer = self._answer
        assert answer is not None
        while not answer.chunks:
            if answer.complete:
                return None
            self._check(answer)
            await self._wait(timeout)
        batch = answer.chunks[:]
        answer.chunks.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            cast("asyncio.Transport", self._transport).resume_reading()
        return batch

    def expire(self) -> None:
        """End a wait for the body as if its time were over: ``take`` raises TimeoutError."""
        if self._waiter is not None:
            self._expire(self._waiter)

    @property
    def two_way(self) -> bool:
        """Whether the last answer handed the connection over: it takes ``write``."""
        return self._answer is not None and self._answer.two_way

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes on a connection that was handed over; return when the kernel has them all.

        Raises:
            ConnectionLostError: the peer takes no more. What it sent can still be read.
        """
        transport = self._transport
        if transport is not None and not self._lost and not transport.is_closing():
            # Wait whenever anything is left. TLS would with a limit of 0 also where nothing is.
            tls = transport.get_extra_info("ssl_object") is not None
            transport.set_write_buffer_limits(high=int(tls), low=0)
            transport.write(data)
            while self._blocked is not None and not self._lost:
                await asyncio.shield(self._blocked)
            if not self._lost:
                return
        raise ConnectionLostError(f"{self._peer} takes no more input: the connection is closed")

    async def write_eof(self) -> None:
        """Say that no more will be sent; reading goes on.

        Raises:
            LobtailError: this kind of connection cannot be closed one way.
        """
        transport = self._transport
        while not (transport is None or self._lost or transport.is_closing()):
            if transport.can_write_eof():
                with suppress(OSError):  # the connection has just broken: its reader hears of it
                    transport.write_eof()
                return
            from lobtail.engine.net.tls import close_notify

            done = close_notify(transport)
            if done:
                return
            if done is False:
                break
            # The reader comes first. There is nothing to wait on.
            await asyncio.sleep(PAUSED)
        else:
            return
        raise LobtailError(
            f"the end of the input cannot be sent to {self._peer}: this kind of connection can "
            "only be closed both ways"
        )

    def close(self) -> None:
        """Close at once; what was not read is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _check(self, answer: AnswerParser) -> None:
        if self._error is not None:
            raise self._error
        if self._lost:
            raise answer.cut(self._peer, self._why)

    async def _wait(self, timeout: float | None) -> None:
        self._waiter = self._loop.create_future()
        timer = None
        if timeout is not None:
            timer = self._loop.call_later(timeout, self._expire, self._waiter)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _expire(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- asyncio's protocol -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where the next read goes."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what a read brought."""
        answer = self._answer
        if answer is None:
            # A server of HTTP never speaks first.
            self._fail(not_http(bytes(self._view[: min(nbytes, 40)])))
            return
        if answer.complete:
            # Bytes that nobody asked for: whatever this is, the connection cannot be used again.
            answer.keep_alive = False
            self.close()
            return
        self._unread += nbytes
        try:
            answer.feed(self._view[:nbytes])
        except ProtocolError as exc:
            self._fail(exc)
        full = self._unread >= HIGH_WATER and answer.chunks
        if full and not self._paused and self._error is None:
            self._paused = True
            cast("asyncio.Transport", self._transport).pause_reading()
        self._wake()

    def pause_writing(self) -> None:
        """Make ``write`` wait."""
        self._blocked = self._blocked or self._loop.create_future()

    def resume_writing(self) -> None:
        """Let ``write`` return."""
        blocked, self._blocked = self._blocked, None
        if blocked is not None and not blocked.done():
            blocked.set_result(None)

    def eof_received(self) -> None:
        """Let asyncio close the transport: ``connection_lost`` comes next."""
        if self.two_way:  # it would first wait for input to be taken that nobody reads any more
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell a normal end from a cut."""
        if isinstance(exc, ConnectionError) and self.two_way and self._rescued(exc):
            exc = None
        self._lost = True
        if self._stderr_tail is not None:
            sock = cast("asyncio.Transport", self._transport).get_extra_info("socket")
            self._why = self._stderr_tail(sock.fileno())
        self.resume_writing()
        answer = self._answer
        if exc is None:
            if answer is not None and self._error is None:
                answer.end()
        elif self._error is None and not (answer and answer.complete):
            self._error = (answer or AnswerParser()).broken(self._peer, exc)
            self._error.__cause__ = exc
        self._wake()

    def _rescued(self, exc: ConnectionError) -> bool:
        """Read what the peer sent before it closed; return whether that was a good end.

        A process that ends before its input does makes a write fail, and asyncio would drop the
        output that waits in the kernel. On a Unix socket a reset says only that some input was
        not read.
        """
        transport = cast("asyncio.Transport", self._transport)
        sock = transport.get_extra_info("socket")
        if sock is None or transport.get_extra_info("ssl_object") is not None:
            return False
        local: bool = sock.family == socket.AF_UNIX
        try:
            while nbytes := os.readv(sock.fileno(), [self._buffer]):
                self.buffer_updated(nbytes)
        except ConnectionResetError:
            return local
        except OSError:
            return False
        return local or isinstance(exc, BrokenPipeError)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self.close()

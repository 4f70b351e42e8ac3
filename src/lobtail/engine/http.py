"""HTTP/1.1 as engines speak it, on httptools over asyncio.

An engine sends each log message as an HTTP chunk of its own, so what counts is the cost of a
chunk: the parser appends each to a list by a C call, and the reader takes the list whole, with all
that came since it last looked (a *batch*). No Python code runs per chunk.

Flow control: when ``HIGH_WATER`` bytes are waiting for the reader, the socket is no longer read;
the kernel's buffers fill and the engine waits. A slow reader costs memory of that order only.

The end: a chunked or counted body that stops early is a cut connection and an error, never a
normal end. Only a body with neither count nor chunks (HTTP/1.0) ends with the connection.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools

from lobtail.errors import ConnectionLostError, ProtocolError

__all__ = ["HttpConnection", "Response"]

HIGH_WATER: Final = 256 * 1024
READ_SIZE: Final = 64 * 1024
MAX_HEAD: Final = 64 * 1024  # status line and headers; Go's own limit for a server is 1 MiB
MAX_ANSWER: Final = 64 << 20  # a body read whole: `list` with thousands of containers is ~10 MiB


class Response:
    """The answer to one request: its head, and its body as it comes.

    Take the body with ``batch`` until that returns None, or with ``read``; then, or before that,
    ``close``.
    """

    def __init__(
        self, connection: HttpConnection, status: int, reason: str, headers: dict[str, str]
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        """Names in lower case; of a repeated one the last."""
        self.connection = connection

    async def batch(self, timeout: float | None = None) -> list[bytes] | None:
        """Return what came since the last call, at least one chunk; None at the end.

        Waits ``timeout`` seconds for the first byte, or for ever.

        Raises:
            TimeoutError: nothing came in that time. It may be called again.
            ConnectionLostError: the connection ended before the body did.
            ProtocolError: what came is not HTTP.
        """
        return await self.connection.take(timeout)

    async def read(self, timeout: float | None = None, limit: int = MAX_ANSWER) -> bytes:
        """Return the whole rest of the body.

        Raises:
            ProtocolError: it is longer than ``limit`` bytes.
            TimeoutError, ConnectionLostError: as ``batch``.
        """
        parts: list[bytes] = []
        size = 0
        while (batch := await self.batch(timeout)) is not None:
            parts += batch
            size += sum(map(len, batch))
            if size > limit:
                raise ProtocolError(f"the answer is longer than {limit} bytes")
        return b"".join(parts)

    def close(self) -> None:
        """End the answer. The connection survives only if the body was read to its end."""
        if not self.connection.reusable:
            self.connection.close()


class HttpConnection(asyncio.BufferedProtocol):
    """One connection to a server: a request at a time, kept alive between them."""

    def __init__(self, peer: str = "the engine") -> None:
        self._peer = peer  # how errors call the other side
        self._buffer = bytearray(READ_SIZE)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._lost = False
        self._paused = False
        self._parser: httptools.HttpResponseParser | None = None
        self._chunks: list[bytes] = []
        # The parser looks its callbacks up by name; this one is called for every chunk.
        self.on_body = self._chunks.append
        self._reset()

    def _reset(self) -> None:
        self._reason = b""
        self._headers: dict[str, str] = {}
        self._head_done = False
        self._complete = False
        self._keep_alive = False
        self._until_eof = False
        self._unread = 0
        self._head_size = 0
        self._received = 0

    # --- for the reader ---------------------------------------------------------------------

    @property
    def reusable(self) -> bool:
        """Whether the last answer was read whole and the server keeps the connection open."""
        return self._complete and self._keep_alive and not self._lost and self._error is None

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
        self._chunks.clear()
        self._reset()
        self._parser = httptools.HttpResponseParser(self)
        if body or method == "POST":
            headers = {**headers, "Content-Length": str(len(body))}
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        self._transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        while not self._head_done:
            self._check(mid_answer=False)
            await self._wait(timeout)
        status = self._parser.get_status_code()
        return Response(self, status, self._reason.decode("latin-1"), self._headers)

    async def take(self, timeout: float | None) -> list[bytes] | None:
        """Return all chunks that are waiting; wait for the first; None at the end of the body."""
        while not self._chunks:
            if self._complete:
                return None
            self._check(mid_answer=True)
            await self._wait(timeout)
        batch = self._chunks[:]
        self._chunks.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            cast("asyncio.Transport", self._transport).resume_reading()
        return batch

    def close(self) -> None:
        """Close at once; what was not read is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _check(self, *, mid_answer: bool) -> None:
        if self._error is not None:
            raise self._error
        if self._lost:
            where = f"after {self._received} bytes of its answer" if mid_answer else "unanswered"
            raise ConnectionLostError(f"{self._peer} closed the connection {where}")

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
        if self._parser is None:
            self._fail(self._not_http(None, nbytes))  # a server of HTTP never speaks first
            return
        if self._complete:
            # Bytes that nobody asked for: whatever this is, the connection cannot be used again.
            self._keep_alive = False
            self.close()
            return
        if not self._head_done:
            self._head_size += nbytes
        self._received += nbytes
        self._unread += nbytes
        try:
            self._parser.feed_data(self._view[:nbytes])
        except httptools.HttpParserUpgrade:
            self._fail(ProtocolError("the engine switched protocols without being asked to"))
        except httptools.HttpParserError as exc:
            # A signal that ends us may come while the parser calls back; it wraps all errors.
            if isinstance(exc.__context__, SystemExit | KeyboardInterrupt):
                raise exc.__context__ from None
            self._fail(self._not_http(exc, nbytes))
        if not self._head_done and self._head_size > MAX_HEAD:
            self._fail(ProtocolError(f"the head of the answer is longer than {MAX_HEAD} bytes"))
        if self._unread >= HIGH_WATER and not self._paused and self._error is None:
            if self._chunks:
                self._paused = True
                cast("asyncio.Transport", self._transport).pause_reading()
            else:  # endless trailers or chunk extensions: no reader would ever end the pause
                self._fail(ProtocolError(f"the engine sent {self._unread} bytes without content"))
        self._wake()

    def eof_received(self) -> None:
        """Let asyncio close the transport: ``connection_lost`` comes next."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell a normal end from a cut."""
        self._lost = True
        if self._head_done and self._until_eof and exc is None:
            self._complete = True
        elif exc is not None and self._error is None and not self._complete:
            self._error = ConnectionLostError(
                f"the connection to {self._peer} broke after {self._received} bytes of its answer: "
                f"{exc.strerror if isinstance(exc, OSError) and exc.strerror else exc}"
            )
        self._wake()

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self.close()

    def _not_http(self, exc: Exception | None, nbytes: int) -> ProtocolError:
        if self._head_done:
            return ProtocolError(f"the engine's answer is broken HTTP: {exc}")
        start = bytes(self._view[: min(nbytes, 40)])
        return ProtocolError(
            f"the server does not speak HTTP, it sent {start!r}: is this the engine's endpoint?"
        )

    # --- httptools' callbacks ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second answer behind the one that was asked for."""
        if self._complete:
            raise ProtocolError("the engine sent more than one answer")

    def on_status(self, reason: bytes) -> None:
        """Collect the reason phrase; it may come in pieces."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Find out how the body will end."""
        status = cast("httptools.HttpResponseParser", self._parser).get_status_code()
        if status < 200:  # an interim answer: the real one follows
            self._reason = b""
            self._headers = {}
            return
        self._head_done = True
        chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
        bodiless = status in (204, 304)
        self._until_eof = not (chunked or bodiless or "content-length" in self._headers)

    def on_message_complete(self) -> None:
        """Note that the body came whole."""
        if self._head_done:
            self._complete = True
            parser = cast("httptools.HttpResponseParser", self._parser)
            self._keep_alive = parser.should_keep_alive()

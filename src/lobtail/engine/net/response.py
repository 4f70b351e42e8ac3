"""One answer of HTTP/1.1 as engines send it, parsed by httptools: bytes in, chunks out, no I/O.

An engine sends each log message as an HTTP chunk of its own, so what counts is the cost of a
chunk: the parser appends each to a list by a C call, and the reader takes the list whole, with all
that came since it last looked (a *batch*). No Python code runs per chunk.

The end: a chunked or counted body that stops early is a cut connection and an error, never a
normal end. Only a body with neither count nor chunks (HTTP/1.0) ends with the connection.

A connection that is handed over (``Upgrade``, for attach and exec) carries bytes both ways from
then on; what comes is read as a body is.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import httptools

from lobtail.errors import ConnectionLostError, ProtocolError

__all__ = ["AnswerParser", "Connection", "Response", "not_http", "request_head"]

MAX_HEAD: Final = 64 * 1024  # status line and headers; Go's own limit for a server is 1 MiB
# What may come without content, once the head is there: trailers, and what stands beside sizes.
MAX_BARREN: Final = 256 * 1024
MAX_ANSWER: Final = 64 << 20  # a body read whole: `list` with thousands of containers is ~10 MiB

_TARGET: Final = re.compile("[!-~]+")
_BREAK: Final = re.compile("[\\x00-\\x08\\n-\\x1f\\x7f]")


class Connection(Protocol):
    """What requests go out by, one at a time, and answers come in."""

    async def request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Response:
        """Send a request; return its answer as soon as the head is there."""

    @property
    def reusable(self) -> bool:
        """Whether the last answer was read whole and the server keeps the connection open."""

    async def take(self, timeout: float | None) -> list[bytes] | None:
        """Return all chunks that are waiting; wait for the first; None at the end of the body."""

    def close(self) -> None:
        """Close at once; what was not read is lost."""


class Response:
    """The answer to one request: its head, and its body as it comes.

    Take the body with ``batch`` until that returns None, or with ``read``; then, or before that,
    ``close``.
    """

    def __init__(
        self, connection: Connection, status: int, reason: str, headers: dict[str, str]
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


class AnswerParser:
    """The answer to one request, while it comes in.

    ``upgrade`` says that the connection was asked for.
    """

    def __init__(self, *, upgrade: bool = False) -> None:
        self.chunks: list[bytes] = []
        # The parser looks its callbacks up by name; this one is called for every chunk.
        self.on_body = self.chunks.append
        self.reason = b""
        self.headers: dict[str, str] = {}
        self.head_done = False
        self.complete = False
        self.keep_alive = False
        self.received = 0
        """Bytes of head and body, as they came."""
        self._barren = 0  # bytes that came since there was content
        self._until_eof = False
        self._upgrade = upgrade
        self._switched = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """The status of the answer, once ``head_done``."""
        return self._parser.get_status_code()

    @property
    def two_way(self) -> bool:
        """Whether the answer hands the connection over.

        Old ones do so with 200 and a body that ends with the connection.
        """
        return self._upgrade and self.head_done and self._until_eof

    def feed(self, data: memoryview) -> None:
        """Parse what a read brought.

        Raises:
            ProtocolError: it is not HTTP. What came before it is in ``chunks``.
        """
        self.received += len(data)
        if self._switched:
            self.chunks.append(bytes(data))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            if not (self._upgrade and self.head_done):
                words = "the engine switched protocols without being asked to"
                raise ProtocolError(words) from None
            self._switched = True
            if rest := bytes(data[exc.args[0] :]):
                self.chunks.append(rest)
        except httptools.HttpParserError as exc:
            # A signal that ends us may come while the parser calls back; it wraps all errors.
            if isinstance(exc.__context__, SystemExit | KeyboardInterrupt):
                raise exc.__context__ from None
            raise self._not_http(exc, data) from exc
        if not self.head_done and self.received > MAX_HEAD:
            raise ProtocolError(f"the head of the answer is longer than {MAX_HEAD} bytes")
        self._barren = 0 if self.chunks else self._barren + len(data)
        if self._barren > MAX_BARREN:  # nobody would ever hear of an end
            raise ProtocolError(f"the engine sent {self._barren} bytes without content")

    def end(self) -> None:
        """Note that the server has ended the connection."""
        if self.head_done and self._until_eof:
            self.complete = True

    def cut(self, peer: str, why: str = "") -> ConnectionLostError:
        """Return the error for an answer that is not whole; ``peer`` is who ended it."""
        where = f"after {self.received} bytes of its answer" if self.head_done else "unanswered"
        reason = f": {why}" if why else ""
        return ConnectionLostError(f"{peer} closed the connection {where}{reason}")

    def broken(self, peer: str, exc: Exception) -> ConnectionLostError:
        """Return the error for a connection to ``peer`` that the system gave up."""
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        return ConnectionLostError(
            f"the connection to {peer} broke after {self.received} bytes of its answer: {why}"
        )

    def _not_http(self, exc: Exception, data: memoryview) -> ProtocolError:
        if self.head_done:
            return ProtocolError(f"the engine's answer is broken HTTP: {exc}")
        return not_http(bytes(data[:40]))

    # --- httptools' callbacks ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second answer behind the one that was asked for."""
        if self.complete:
            raise ProtocolError("the engine sent more than one answer")

    def on_status(self, reason: bytes) -> None:
        """Collect the reason phrase; it may come in pieces."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Find out how the body will end."""
        switch = self._upgrade and self.status == 101
        if self.status < 200 and not switch:  # an interim answer: the real one follows
            self.reason = b""
            self.headers = {}
            return
        self.head_done = True
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        bodiless = self.status in (204, 304)
        self._until_eof = not (chunked or bodiless or "content-length" in self.headers)

    def on_message_complete(self) -> None:
        """Note that the body came whole."""
        if self.head_done and self.status != 101:
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()


def not_http(start: bytes) -> ProtocolError:
    """Return the error for a server that begins with something else."""
    return ProtocolError(
        f"the server does not speak HTTP, it sent {start!r}: is this the engine's endpoint?"
    )


def request_head(method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return what is sent in front of a request's body.

    Raises:
        ProtocolError: the target or a header would end the line that it stands in.
    """
    if body or method == "POST":
        headers = {**headers, "Content-Length": str(len(body))}
    # The last guard: whatever a name was made of, one request is sent, and that is ours.
    if not _TARGET.fullmatch(target) or any(map(_BREAK.search, headers.values())):
        raise ProtocolError(f"cannot ask for {target!r}: not a valid request")
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"

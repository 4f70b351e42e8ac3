"""Send requests to one engine: the API's version, connections kept alive, refusals as errors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from types import EllipsisType
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote, urlencode
from weakref import WeakSet

import msgspec

from lobtail._version import __version__
from lobtail.engine.config.endpoint import Endpoint
from lobtail.engine.net.response import Connection, Response
from lobtail.engine.objects.answer import Ping, decode, encode
from lobtail.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    EngineError,
    LobtailError,
)

__all__ = ["Requests", "Timeout", "quoted", "segment"]

# The newest API version whose answers were read and tested. An engine that knows only older ones
# is spoken to in its own newest.
MAX_API: Final = (1, 51)
# An engine that names no version is older than this one (moby, client/client.go).
FALLBACK_API: Final = (1, 24)

# What engines work at before they answer, such as pruning or measuring a disk, may take so many
# times as long as any other answer.
WORK: Final = 10

Timeout: TypeAlias = "float | EllipsisType | None"
"""How many seconds of silence are borne: ``...`` stands for the client's own, None for ever."""

# net/http, of a server with TLS that is spoken to without.
_WANTS_TLS: Final = "HTTP request to an HTTPS server"

# How many connections are kept for later. Requests that change something do not use them, but leave
# their own behind.
IDLE: Final = 8

# What is read of a refusal; engines say a line or two.
MAX_REFUSAL: Final = 64 * 1024
# What is shown of one, and of the title of a page, in characters.
MAX_WORDS: Final = 2000
MAX_TITLE: Final = 200

_VERSION: Final = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})")
# Up to the next tag: no character is looked at twice.
_TITLE: Final = r"(?i:<title[^<>]*>([^<]*))"


T = TypeVar("T")


class Requests:
    """The requests of one client, and the connections that wait for the next one.

    Every method raises ``ConnectError`` when nobody answers, ``EngineError`` when the engine
    refuses, ``ConnectionLostError`` when the connection breaks, and ``ProtocolError`` when the peer
    is no engine. ``target`` begins after the version; ``query`` is encoded here. ``headers`` are
    sent with each request.

    Raises:
        ConfigError: ``api_version`` or the environment's cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        api_version: str | None,
        timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self._api = _fixed_version(api_version or os.environ.get("DOCKER_API_VERSION"))
        self._pinged: Ping | None = None
        self._pinging: AbstractAsyncContextManager[Any] | None = None
        self._idle: list[Connection] = []
        self._connections: WeakSet[Connection] = WeakSet()
        self._headers = {
            **(headers or {}),
            "Host": self.endpoint.host_header,
            "User-Agent": f"lobtail/{__version__}",
        }

    @property
    def work_timeout(self) -> float:
        """How many seconds an engine may work at what takes long before it answers."""
        return self.timeout * WORK

    def close(self) -> None:
        """Close the connections that are kept for later."""
        while self._idle:
            self._idle.pop().close()

    def abort(self) -> None:
        """Close all connections, also those that answers are read from."""
        self._idle.clear()
        for connection in list(self._connections):
            connection.close()

    async def ping(self) -> Ping:
        """Ask whether the engine is there, and for its newest API version."""
        response = await self._send("GET", "/_ping")
        if response.status >= 400:  # a proxy's answer, say, tells no version
            raise await self._refusal(response)
        await self.read(response)
        return Ping(
            api_version=response.headers.get("api-version", ""),
            os_type=response.headers.get("ostype", ""),
            server=response.headers.get("server", ""),
        )

    def learn_from(self, other: Requests) -> None:
        """Take over what other requests to the same engine have found out about it."""
        self._pinged, self._api = other._pinged, other._api
        self._headers = other._headers

    async def api_version(self) -> tuple[int, int]:
        """Return the API version in use, negotiated with the engine at the first call."""
        if self._api is None:
            named = _VERSION.fullmatch((await self.pinged()).api_version)
            newest = (int(named[1]), int(named[2])) if named else FALLBACK_API
            self._api = min(newest, MAX_API)
        return self._api

    async def pinged(self) -> Ping:
        """Return what the engine says to a ping; asked once."""
        if self._pinged is None:
            if self._pinging is None:
                self._pinging = self.lock()
            async with self._pinging:
                if self._pinged is None:
                    self._pinged = await self.ping()
        return self._pinged

    async def is_podman(self) -> bool:
        """Tell whether the engine is Podman; asked once."""
        return (await self.pinged()).podman

    async def get(
        self, target: str, query: Mapping[str, str] | None = None, *, timeout: Timeout = ...
    ) -> bytes:
        """Return the body of what is at ``target``."""
        return await self.read(await self.open(target, query, timeout=timeout), timeout)

    async def fetch(
        self,
        target: str,
        what: type[T],
        query: Mapping[str, str] | None = None,
        *,
        timeout: Timeout = ...,
    ) -> T:
        """Return what is at ``target``, decoded.

        Raises:
            ProtocolError: it is not of that form.
        """
        return decode(await self.get(target, query, timeout=timeout), what, target)

    async def post(
        self,
        target: str,
        query: Mapping[str, str] | None = None,
        content: Any = None,
        *,
        timeout: Timeout = ...,
    ) -> bytes:
        """Post ``content``, as JSON, or nothing; return the answer's body."""
        response = await self.open(target, query, method="POST", content=content, timeout=timeout)
        return await self.read(response, timeout)

    async def change(
        self, target: str, query: Mapping[str, str] | None = None, *, timeout: Timeout = ...
    ) -> bool:
        """Post a wish; return whether anything had to be done, which status 304 denies."""
        response = await self.open(target, query, method="POST", timeout=timeout)
        await self.read(response, timeout)
        return response.status != 304

    async def delete(
        self, target: str, query: Mapping[str, str] | None = None, *, timeout: Timeout = ...
    ) -> bytes:
        """Delete what is at ``target``; return the answer's body."""
        response = await self.open(target, query, method="DELETE", timeout=timeout)
        return await self.read(response, timeout)

    async def open(
        self,
        target: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout = ...,
    ) -> Response:
        """Send a request and return its answer unread: ``read`` it, or ``release`` it when done.

        ``content`` is sent as JSON. An engine that is silent for ``timeout`` seconds before it
        answers at all is not waited for.
        """
        path = await self._path(target, query)
        more = dict(headers or {})
        body = b""
        if content is not None:
            body = encode(content)
            more["Content-Type"] = "application/json"
        response = await self._send(method, path, more, body, timeout)
        if response.status >= 300 and response.status != 304:  # 304: it was so before
            raise await self._refusal(response)
        return response

    async def read(self, response: Response, timeout: Timeout = ...) -> bytes:
        """Return the rest of an answer's body, and release it."""
        seconds = self._seconds(timeout)
        try:
            body = await response.read(seconds)
        except TimeoutError as exc:
            raise ConnectionLostError(self._silent(seconds)) from exc
        finally:
            self.release(response)
        return body

    def release(self, response: Response) -> None:
        """Close an answer, and keep its connection for the next request if that is possible."""
        response.close()
        if response.connection.reusable:
            self._idle.append(response.connection)
            if len(self._idle) > IDLE:
                self._idle.pop(0).close()

    async def _path(self, target: str, query: Mapping[str, str] | None) -> str:
        major, minor = await self.api_version()
        path = f"/v{major}.{minor}{target}"
        if query:
            with _sendable():
                # Arguments that are not UTF-8 go out as the bytes that the shell gave.
                path += "?" + urlencode(query, errors="surrogateescape")
        return path

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: Timeout = ...,
    ) -> Response:
        path = self.endpoint.base + path
        sent = {**self._headers, **(headers or {})}
        seconds = self._seconds(timeout)
        # Whether a request that is lost was carried out is not known: only what changes nothing
        # may be sent again.
        while self._idle and method == "GET":
            connection = self._idle.pop()
            try:
                return await self._ask(connection, method, path, sent, body, seconds)
            except ConnectionLostError:
                continue  # closed by the engine while it was idle: nothing was answered
        connection = await self.connect()
        try:
            return await self._ask(connection, method, path, sent, body, seconds)
        except ConnectionLostError as exc:
            if self.endpoint.tls:
                raise self._barred(exc.__cause__) from exc
            raise

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """Return what lets one task pass at a time."""
        # Loaded at use, as below: an event loop takes longer to import than most logs to read, and
        # lobtail.engine.net.blocking needs none.
        import asyncio

        return asyncio.Lock()

    async def connect(self) -> Connection:
        """Open a connection."""
        from lobtail.engine.net.http import HttpConnection
        from lobtail.engine.net.transport import open_transport

        make = partial(HttpConnection, f"the engine at {self.endpoint}")
        if self.endpoint.kind == "ssh":
            from lobtail.engine.net.ssh import stderr_tail

            make = partial(make, stderr_tail=stderr_tail)
        return await open_transport(self.endpoint, make, self.timeout)

    async def _ask(
        self,
        connection: Connection,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        seconds: float | None,
    ) -> Response:
        self._connections.add(connection)
        try:
            return await connection.request(method, path, headers, body, timeout=seconds)
        except TimeoutError as exc:
            connection.close()
            raise ConnectError(self._silent(seconds)) from exc
        except BaseException:
            connection.close()
            raise

    def _seconds(self, timeout: Timeout) -> float | None:
        return self.timeout if isinstance(timeout, EllipsisType) else timeout

    def _silent(self, seconds: float | None) -> str:
        return f"the engine at {self.endpoint} has not answered for {seconds:g} s"

    def _barred(self, cause: BaseException | None) -> ConnectError:
        """Return what to say of a connection that TLS let through, and that then was ended.

        TLS 1.3 tells only then of a certificate that is refused, if it does: what the engine has
        said may be lost with the connection.
        """
        from lobtail.engine.net.tls import explain

        why = explain(cause) if isinstance(cause, Exception) else ""
        why = why or "it ended the connection unanswered; does it trust our certificate?"
        return ConnectError(f"cannot connect to the engine at {self.endpoint}: {why}")

    async def _words(self, response: Response) -> bytes:
        """Return the beginning of a refusal's body, however much there is of it."""
        words = bytearray()
        try:
            while len(words) < MAX_REFUSAL:
                batch = await response.batch(self.timeout)
                if batch is None:
                    break
                words += b"".join(batch)
        except TimeoutError as exc:
            raise ConnectionLostError(self._silent(self.timeout)) from exc
        finally:
            self.release(response)
        return bytes(words[:MAX_REFUSAL])

    async def _refusal(self, response: Response) -> LobtailError:
        message = _message(response, await self._words(response))
        if self.endpoint.kind == "tcp" and response.status == 400 and _WANTS_TLS in message:
            return ConnectError(
                f"cannot connect to the engine at {self.endpoint}: it speaks TLS; "
                "use `tls=True` or DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH"
            )
        return EngineError(response.status, message)


def segment(name: str, what: str) -> str:
    """Return a name or an ID, whoever it came from, as a segment of a target.

    ``what`` is what errors call the thing.

    Raises:
        ConfigError: the name is empty.
        EngineError: with status 404, for what no name can be: the path would mean something else.
    """
    if not name:
        raise ConfigError(f"the {what}'s name is empty")
    if name in (".", ".."):
        raise EngineError(404, f"No such {what}: {name}")
    return quoted(name)


def quoted(text: str, safe: str = "") -> str:
    """Return a text as a part of a target; what the shell gave that is no UTF-8 as its bytes.

    Raises:
        ConfigError: there are no bytes for half a character.
    """
    with _sendable():
        return quote(text, safe=safe, errors="surrogateescape")


@contextmanager
def _sendable() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as exc:
        raise ConfigError(f"not UTF-8, so not for an engine: {exc.object!r}") from exc


def _fixed_version(value: str | None) -> tuple[int, int] | None:
    if not value:
        return None
    match = _VERSION.fullmatch(value)
    if match is None:
        shown = f"{value[:20]!r} …" if len(value) > 20 else repr(value)
        raise ConfigError(f"invalid API version {shown}: write it as in 1.45 (DOCKER_API_VERSION)")
    return int(match[1]), int(match[2])


class _Refusal(msgspec.Struct):
    message: str = ""


def _message(response: Response, body: bytes) -> str:
    """Return the engine's words, in one line.

    Engines answer ``{"message": …}``; old ones also plain text, and proxies HTML.
    """
    status = f"{response.status} {response.reason}".strip()
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        # The last two for bytes that aren't UTF-8 and for 10 000 levels: msgspec lets them out.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = msgspec.json.decode(body, type=_Refusal).message.strip()
    elif "<html" in text[:1000].lower() or "<!doctype" in text[:100].lower():
        import html

        title = re.search(_TITLE, text)
        # Cut short first: there is no end to a number in ``&#…;``, and Python refuses long ones.
        words = html.unescape(title[1][:MAX_TITLE]).split() if title else []
        said = f" titled {' '.join(words)!r}" if words else ""
        text = f"{status}: an HTML page{said}, which no engine sends; is a proxy in between?"
    return " ".join(text[:MAX_WORDS].split()) or f"{status}, without a word"

"""Talk to one engine: negotiate the version, list, inspect, open logs."""

from __future__ import annotations

import asyncio
import html
import os
import re
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlencode

import msgspec

from lobtail._version import __version__
from lobtail.engine.endpoint import Endpoint, resolve
from lobtail.engine.http import HttpConnection, Response
from lobtail.engine.logs import LogOptions, LogStream
from lobtail.engine.models import Container, ContainerSummary, Info, Ping, Version, decode
from lobtail.engine.transport import open_transport
from lobtail.errors import ConfigError, ConnectError, ConnectionLostError, EngineError

__all__ = ["EngineClient"]

# The newest API version whose answers were read and tested. An engine that knows only older ones
# is spoken to in its own newest.
MAX_API: Final = (1, 51)
# An engine that names no version is older than this one (moby, client/client.go).
FALLBACK_API: Final = (1, 24)

# Longer than any engine takes to answer, shorter than a person waits before asking why.
TIMEOUT: Final = 60.0

_VERSION = re.compile(r"v?(\d+)\.(\d+)")


class EngineClient:
    """An engine, Docker's or Podman's, reached over its API.

    ::

        async with EngineClient() as engine:
            for container in await engine.list():
                print(container.name)

    ``host`` is an endpoint such as ``unix:///var/run/docker.sock`` or ``tcp://127.0.0.1:2375``;
    without it ``DOCKER_HOST`` and then the default socket hold. ``timeout`` is the longest silence,
    in seconds, that is borne where the engine owes an answer. ``api_version`` (or
    ``DOCKER_API_VERSION``) fixes the version instead of negotiating it. ``origin`` is what error
    messages call the source of ``host``.

    Nothing connects before the first request. Use it in one event loop; close it with ``aclose``
    or as a context manager. All methods raise ``ConnectError`` when nobody answers,
    ``EngineError`` when the engine refuses, ``ConnectionLostError`` when the connection breaks,
    and ``ProtocolError`` when the peer is no engine.

    Raises:
        ConfigError: ``host``, ``api_version`` or the environment cannot be used.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        api_version: str | None = None,
        timeout: float = TIMEOUT,
        origin: str = "host",
    ) -> None:
        self.endpoint: Endpoint = resolve(host, os.environ, origin)
        self.timeout = timeout
        self._api = _fixed_version(api_version or os.environ.get("DOCKER_API_VERSION"))
        self._negotiating = asyncio.Lock()
        self._pinged: Ping | None = None
        self._idle: list[HttpConnection] = []
        self._headers = {
            "Host": self.endpoint.host_header,
            "User-Agent": f"lobtail/{__version__}",
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept for later. Open log streams close themselves."""
        while self._idle:
            self._idle.pop().close()

    # --- requests ---------------------------------------------------------------------------

    async def ping(self) -> Ping:
        """Ask whether the engine is there, and for its newest API version."""
        response = await self._send("GET", "/_ping")
        if response.status >= 400:  # a proxy's answer, say, tells no version
            raise await self._refusal(response)
        await self._read(response)
        return Ping(
            api_version=response.headers.get("api-version", ""),
            os_type=response.headers.get("ostype", ""),
            server=response.headers.get("server", ""),
        )

    async def api_version(self) -> tuple[int, int]:
        """Return the API version in use, negotiated with the engine at the first call."""
        if self._api is None:
            async with self._negotiating:
                if self._api is None:
                    self._pinged = await self.ping()
                    named = _VERSION.fullmatch(self._pinged.api_version)
                    newest = (int(named[1]), int(named[2])) if named else FALLBACK_API
                    self._api = min(newest, MAX_API)
        return self._api

    async def is_podman(self) -> bool:
        """Tell whether the engine is Podman; asked once."""
        if self._pinged is None:
            self._pinged = await self.ping()
        return self._pinged.podman

    async def version(self) -> Version:
        """Return the versions of the engine and of its host."""
        return decode(await self._get("/version"), Version, "/version")

    async def info(self) -> Info:
        """Return what the engine says of itself and of its host."""
        return decode(await self._get("/info"), Info, "/info")

    async def list(
        self, *, all: bool = False, filters: dict[str, list[str]] | None = None
    ) -> list[ContainerSummary]:
        """List the containers that run, or with ``all`` also the others.

        ``filters`` are the engine's own, such as ``{"label": ["env=prod"]}``.
        """
        query = {"all": "1"} if all else {}
        if filters:
            query["filters"] = msgspec.json.encode(filters).decode()
        target = "/containers/json"
        return decode(await self._get(target, query), list[ContainerSummary], target)

    async def inspect(self, container: str) -> Container:
        """Return all about a container, named by name, ID or the start of its ID.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several have that start.
        """
        name = container.removeprefix("/")
        if not name:
            raise ConfigError("the container's name is empty")
        if name in (".", ".."):  # no name can be that; the path would mean something else
            raise EngineError(404, f"No such container: {name}")
        target = f"/containers/{quote(name, safe='', errors='surrogateescape')}/json"
        return decode(await self._get(target), Container, target)

    def logs(
        self,
        container: str | Container,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> LogStream:
        """Open the logs of a container; see ``LogStream`` for how to read them.

        One that is given as ``inspect`` returned it is not looked up again.
        ``tail`` counts messages of both streams, before any other filter; None, ``"all"`` and
        negative numbers mean all. ``since`` and ``until`` are included in the range: integer
        nanoseconds since the epoch, an aware ``datetime``, or any text that the docker CLI takes.
        ``timestamps`` and ``details`` have the engine put them in front of each message.

        Nothing is asked of the engine before the stream is entered or read.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        options = LogOptions.build(
            stdout=stdout,
            stderr=stderr,
            follow=follow,
            tail=tail,
            since=since,
            until=until,
            timestamps=timestamps,
            details=details,
        )
        return LogStream(self, container, options)

    # --- how requests travel ------------------------------------------------------------------

    async def open(self, target: str, query: dict[str, str]) -> Response:
        """Send a GET of ``target`` and return its answer unread. Close it when done.

        For the streams of this package; ``target`` begins after the version.
        """
        major, minor = await self.api_version()
        path = f"/v{major}.{minor}{target}"
        if query:
            # Arguments that are not UTF-8 go out as the bytes that the shell gave.
            path += "?" + urlencode(query, errors="surrogateescape")
        response = await self._send("GET", path)
        if response.status >= 300:
            raise await self._refusal(response)
        return response

    def release(self, response: Response) -> None:
        """Close an answer, and keep its connection for the next request if that is possible."""
        response.close()
        if response.connection.reusable:
            self._idle.append(response.connection)

    async def _get(self, target: str, query: dict[str, str] | None = None) -> bytes:
        return await self._read(await self.open(target, query or {}))

    async def _send(self, method: str, path: str) -> Response:
        path = self.endpoint.base + path
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._ask(connection, method, path)
            except ConnectionLostError:
                continue  # closed by the engine while it was idle: nothing was answered
        connection = await open_transport(
            self.endpoint, lambda: HttpConnection(f"the engine at {self.endpoint}"), self.timeout
        )
        return await self._ask(connection, method, path)

    async def _ask(self, connection: HttpConnection, method: str, path: str) -> Response:
        try:
            return await connection.request(method, path, self._headers, timeout=self.timeout)
        except TimeoutError as exc:
            connection.close()
            raise ConnectError(self._silent()) from exc
        except BaseException:
            connection.close()
            raise

    async def _read(self, response: Response) -> bytes:
        try:
            body = await response.read(self.timeout)
        except TimeoutError as exc:
            raise ConnectionLostError(self._silent()) from exc
        finally:
            self.release(response)
        return body

    def _silent(self) -> str:
        return f"the engine at {self.endpoint} has not answered for {self.timeout:g} s"

    async def _refusal(self, response: Response) -> EngineError:
        body = await self._read(response)
        return EngineError(response.status, _message(response, body))


def _fixed_version(value: str | None) -> tuple[int, int] | None:
    if not value:
        return None
    match = _VERSION.fullmatch(value)
    if match is None:
        raise ConfigError(f"the API version {value!r} is not of the form 1.45")
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
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        said = f" titled {' '.join(html.unescape(title[1]).split())!r}" if title else ""
        text = f"{status}: an HTML page{said}, which no engine sends; is a proxy in between?"
    return " ".join(text[:2000].split()) or f"{status}, without a word"

"""Speak to an engine: HTTP/1.1 over a Unix or TCP socket, one connection a request."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from labkit import LabError


class ApiError(LabError):
    """The engine answered, but not with success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the engine answered {status}: {message}")
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """One engine's HTTP API. Raises OSError when nobody answers, ApiError when the answer is no."""

    def __init__(self, host: str, timeout: float = 30) -> None:
        self.host = host
        self.timeout = timeout
        self._url = urlsplit(host)
        if self._url.scheme not in ("unix", "tcp", "http"):
            raise LabError(f"{host}: only unix:// and tcp:// hosts are spoken here")

    def _connection(self) -> http.client.HTTPConnection:
        if self._url.scheme == "unix":
            return _UnixConnection(self._url.path, self.timeout)
        return http.client.HTTPConnection(
            self._url.hostname or "127.0.0.1", self._url.port or 2375, timeout=self.timeout
        )

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> bytes:
        """Return the body of a successful answer; `body` is bytes (a tar) or becomes JSON."""
        connection, response = self._send(method, path, body, query)
        try:
            return response.read()
        except http.client.HTTPException as error:
            raise OSError(f"the answer to {method} {path} broke off") from error
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return what the engine answered, decoded."""
        return json.loads(self.call(method, path, body, **query) or b"null")

    def progress(self, path: str, body: Any = None, **query: Any) -> None:
        """POST what reports in JSON lines (pull, import); an error may be in any of them."""
        for line in self.call("POST", path, body, **query).splitlines():
            message = json.loads(line) if line.strip() else {}
            if isinstance(message, dict) and message.get("error"):
                raise ApiError(200, str(message["error"]))

    def stream(self, path: str, size: int, **query: Any) -> Iterator[bytes]:
        """Yield the first `size` bytes of an answer, as they come."""
        connection, response = self._send("GET", path, None, query)
        try:
            while size > 0 and (data := response.read1(size)):
                size -= len(data)
                yield data
        finally:
            connection.close()

    def answers(self) -> bool:
        """Tell whether an engine is there and ready."""
        try:
            return self.call("GET", "/_ping").strip() == b"OK"
        except (OSError, LabError):
            return False

    def _send(
        self, method: str, path: str, body: Any, query: dict[str, Any]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        target = quote(path) + (f"?{urlencode(query, doseq=True)}" if query else "")
        connection = self._connection()
        try:
            connection.request(method, target, body, {"Content-Type": kind} if body else {})
            response = connection.getresponse()
            if response.status >= 400:
                raise ApiError(response.status, _message(response.read()))
        except http.client.HTTPException as error:
            connection.close()
            raise OSError(f"no HTTP answer to {method} {path}") from error
        except BaseException:
            connection.close()
            raise
        return connection, response


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()

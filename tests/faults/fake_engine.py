"""An engine that answers what a test tells it to, and breaks as a test tells it to.

It listens on a Unix socket (or TCP), a thread a connection. ``/_ping`` and ``…/json`` are answered
properly, ``…/logs`` by the script in ``logs``; ``answers`` replaces any of them, by the end of the
path. A script is a list of steps: bytes are sent as they are, the rest is below.
"""

from __future__ import annotations

import array
import fcntl
import json
import re
import socket
import struct
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

ID = "4f" * 32
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
RAW = "application/vnd.docker.raw-stream"
_END = b"\r\n\r\n"
LAST = b"0\r\n\r\n"


class Connection:
    """The fake's side of one connection."""

    def __init__(self, engine: FakeEngine, sock: socket.socket) -> None:
        self.engine = engine
        self.sock = sock
        self.requests: list[str] = []
        self.bodiless = False
        self.body = b""
        self._pending = b""

    def send(self, data: bytes) -> None:
        """Send all, and count what the peer's side accepted."""
        left = memoryview(data)
        while left:
            taken = self.sock.send(left)
            self.engine.sent += taken
            left = left[taken:]

    def taken(self) -> bytes:
        """Return what was read behind the request."""
        pending, self._pending = self._pending, b""
        return pending

    def request(self) -> str | None:
        """Read a request; return its target, or None at the end."""
        while _END not in self._pending:
            data = self.sock.recv(65536)
            if not data:
                return None
            self._pending += data
        head, _, self._pending = self._pending.partition(_END)
        method, target = head.decode("latin-1").split(" ", 2)[:2]
        match = re.search(rb"\r\nContent-Length: (\d+)", head)
        size = int(match[1]) if match else 0
        while len(self._pending) < size and (data := self.sock.recv(65536)):
            self._pending += data
        self.body, self._pending = self._pending[:size], self._pending[size:]
        self.bodiless = method == "HEAD"
        self.requests.append(target)
        self.engine.requests.append(target)
        self.engine.heads.append(head + b"\r\n")
        return target


class Ended(Exception):  # noqa: N818 - an end, not an error
    """The script has closed the connection."""


Step: TypeAlias = "bytes | Callable[[Connection], None]"
Script: TypeAlias = "Sequence[Step]"


def cut(connection: Connection) -> None:
    """Close: the peer reads what was sent, then EOF."""
    raise Ended


def reset(connection: Connection) -> None:
    """Reset, over TCP: the peer reads what was sent, then ECONNRESET."""
    sock, left = connection.sock, array.array("i", [1])
    end = time.monotonic() + 10
    while left[0] and time.monotonic() < end:  # a reset drops what the peer has not acknowledged
        fcntl.ioctl(sock, termios.TIOCOUTQ, left)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Ended


def stall(connection: Connection) -> None:
    """Say nothing more, and keep the connection open until the peer or the test ends."""
    while connection.sock.recv(65536):
        pass
    raise Ended


def trickle(data: bytes) -> Step:
    """Send byte by byte, a packet each."""

    def step(connection: Connection) -> None:
        for i in range(len(data)):
            connection.send(data[i : i + 1])

    return step


def await_event(event: threading.Event) -> Step:
    """Go on when the test says so."""

    def step(connection: Connection) -> None:
        if not event.wait(30):
            raise Ended

    return step


def tell(event: threading.Event) -> Step:
    """Tell the test that the script has come this far."""

    def step(connection: Connection) -> None:
        event.set()

    return step


def receive(wanted: bytes) -> Step:
    """Read what the peer sends until `wanted` is the end of it."""

    def step(connection: Connection) -> None:
        got = connection.taken()
        while not got.endswith(wanted):
            data = connection.sock.recv(65536)
            if not data:
                raise AssertionError(f"the peer sent {got!r} and ended")
            got += data

    return step


def receive_eof(connection: Connection) -> None:
    """Read what the peer sends until it says that there is no more."""
    while connection.sock.recv(65536):
        pass


def tell_eof(event: threading.Event) -> Step:
    """Tell the test when the peer has gone, which ends the script."""

    def step(connection: Connection) -> None:
        receive_eof(connection)
        event.set()
        raise Ended

    return step


def repeat(data: bytes, times: int | None = None) -> Step:
    """Send the same again and again, `times` or until the peer goes."""

    def step(connection: Connection) -> None:
        i = 0
        while times is None or i < times:
            connection.send(data)
            i += 1

    return step


def head(
    status: int = 200, reason: str = "OK", version: str = "1.1", /, **headers: str | int
) -> bytes:
    """Make the head of an answer; `content_type` is Content-Type."""
    lines = [f"HTTP/{version} {status} {reason}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Make an HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame(stream: int, payload: bytes) -> bytes:
    """Make a frame of the multiplexed stream."""
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def answer(
    body: bytes | str, status: int = 200, reason: str = "OK", /, **headers: str | int
) -> list[Step]:
    """Make a whole answer with a Content-Length."""
    body = body if isinstance(body, bytes) else body.encode()
    return [head(status, reason, **headers, content_length=len(body)) + body]


def json_answer(value: object, status: int = 200, reason: str = "OK") -> list[Step]:
    """Make a whole answer in JSON."""
    return answer(json.dumps(value), status, reason, content_type="application/json")


def log_head(content_type: str = MULTIPLEXED) -> bytes:
    """Make the head of a log's answer, as a current engine sends it."""
    return head(api_version="1.45", content_type=content_type, transfer_encoding="chunked")


def log(frames: Iterable[bytes], *end: Step, content_type: str = MULTIPLEXED) -> list[Step]:
    """Make a log: a chunk a frame; it ends well, or as `end` says."""
    return [log_head(content_type), *map(chunk, frames), *(end or (LAST,))]


class FakeEngine:
    """A scripted engine; a context manager.

    ``sent`` counts the bytes that the peers' kernels took, ``connections`` what connected, and
    ``requests`` holds the targets of all requests, ``heads`` their heads.
    """

    def __init__(
        self,
        logs: Script = (),
        *,
        api: str | None = "1.45",
        tty: bool = False,
        tcp: bool = False,
        inspect: object = None,
        answers: Mapping[str, Script] | None = None,
        greeting: Script | None = None,
    ) -> None:
        self.logs = logs
        self.api = api
        self.inspect = inspect or {"Id": ID, "Name": "/web", "Config": {"Tty": tty}}
        self.answers = answers or {}
        self.greeting = greeting
        self.connections = 0
        self.sent = 0
        self.requests: list[str] = []
        self.heads: list[bytes] = []
        self._tcp = tcp
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.path = ""
        self.host = ""
        self.errors: list[BaseException] = []

    def __enter__(self) -> Self:
        if self._tcp:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.host = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        else:
            # A Unix socket's path has 108 bytes at most, and pytest's own folders are long.
            self._folder = tempfile.TemporaryDirectory(prefix="fe", dir="/tmp")
            self.path = str(Path(self._folder.name) / "s")
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.path)
            self._listener.listen(64)
            self.host = f"unix://{self.path}"
        self._start(self._accept)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()
        if self._folder is not None:
            self._folder.cleanup()
        if exc is None and self.errors:
            raise self.errors[0]

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            self._start(self._serve, Connection(self, sock))

    def _serve(self, connection: Connection) -> None:
        with connection.sock:
            try:
                if self.greeting is not None:
                    self._play(connection, self.greeting)
                while (target := connection.request()) is not None:
                    self._play(connection, self._script(target))
            except (Ended, OSError):
                pass
            except BaseException as exc:
                self.errors.append(exc)

    def _play(self, connection: Connection, script: Script) -> None:
        for step in script:
            if isinstance(step, bytes):
                connection.send(step.partition(_END)[0] + _END if connection.bodiless else step)
            else:
                step(connection)

    def _script(self, target: str) -> Script:
        path = target.partition("?")[0]
        for end, script in self.answers.items():
            if path.endswith(end):
                return script
        if path.endswith("/_ping"):
            named = {"api_version": self.api} if self.api else {}
            return answer("OK", **named, ostype="linux", server="Docker/26.1.5 (linux)")
        if path.endswith("/logs"):
            return self.logs
        if path.endswith("/json"):
            return json_answer(self.inspect)
        return json_answer({"message": "page not found"}, 404, "Not Found")

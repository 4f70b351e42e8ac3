"""Reach an engine through the system's ssh, as the docker CLI does.

At the far end runs ``docker system dial-stdio``, or Podman's, which joins its stdin and stdout to
the engine's socket. Here one end of a socket pair is ssh's stdin and stdout, and the other asyncio
treats like any socket: as fast, and with the flow control of one. Host keys, agents, passwords,
jumps: all that is ssh's business and its configuration's.

A connection counts as made when the engine has answered through it; what goes wrong before that is
told in the words that ssh, or the program at the far end, wrote to stderr.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from lobtail.engine.config.endpoint import Endpoint
from lobtail.errors import ConnectError

__all__ = ["end_all", "open_ssh", "stderr_tail", "wait_ended"]

P = TypeVar("P", bound=asyncio.BaseProtocol)

# sshd refuses some of the connections above ten that have not logged in yet (MaxStartups).
DIALING: Final = 6
# The exit code of ssh where it is not the far end's.
SSH_FAILED: Final = 255
# What is kept of what ssh says.
MOST_WORDS: Final = 4096
# Seconds until an ssh that does not end when it is asked to is killed, and between looks at it.
PATIENCE: Final = 3.0
LOOK: Final = (0.002, 0.1)
# A head without a body, so that nothing follows it on the connection.
_PROBE: Final = b"HEAD /_ping HTTP/1.1\r\nHost: localhost\r\nUser-Agent: lobtail\r\n\r\n"
_MOST_HEAD: Final = 64 * 1024

# ssh stays in our session, for it asks for passwords at our terminal; Ctrl-C there is for us.
_SHIELD: Final = ("/bin/sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh")

# Seconds in which nobody tries again what ssh could not do just now. Hundreds of containers on an
# engine that is away would else start one ssh after the other.
RESPITE: Final = 1.0

_Where: TypeAlias = tuple[str, str, int]
_Places: TypeAlias = dict[_Where, asyncio.Semaphore]

_places: WeakKeyDictionary[asyncio.AbstractEventLoop, _Places] = WeakKeyDictionary()
# Of all threads' loops: to be copied before it is gone through.
_children: set[_Child] = set()
# The endpoints at whose far end Podman was found, and no docker.
_podman: set[_Where] = set()
_failed: dict[_Where, tuple[float, str]] = {}


async def open_ssh(endpoint: Endpoint, factory: Callable[[], P]) -> P:
    """Connect to the engine behind ``endpoint``; return the protocol, connected.

    Raises:
        ConnectError: that cannot be; it says why.
    """
    program = shutil.which("ssh")
    if program is None:
        raise ConnectError(f"cannot connect to the engine at {endpoint}: there is no ssh program")
    loop = asyncio.get_running_loop()
    where = (endpoint.user, endpoint.host, endpoint.port)
    # An engine that is away keeps none of the others waiting.
    places = _places.setdefault(loop, {}).setdefault(where, asyncio.Semaphore(DIALING))
    async with places:
        try:
            pipe = await _connect(program, endpoint, where)
        except _RefusedError as exc:
            raise ConnectError(_words(endpoint, exc)) from exc
    try:
        _, protocol = await loop.create_unix_connection(factory, sock=pipe)
    except BaseException:
        pipe.close()
        raise
    return protocol


async def _connect(program: str, endpoint: Endpoint, where: _Where) -> _Pipe:
    """Start what is there at the far end, docker or Podman."""
    # Other threads' loops come here, too.
    if (failed := _failed.get(where)) is not None:
        when, text = failed
        if time.monotonic() < when + RESPITE:
            raise _RefusedError(text, SSH_FAILED)
        _failed.pop(where, None)
    podman = where in _podman
    try:
        return await _dial(_command(program, endpoint, podman=podman))
    except _RefusedError as exc:
        if exc.code == SSH_FAILED:
            _failed[where] = time.monotonic(), exc.text
        if not exc.not_found or podman:
            raise
        no_docker = exc
    try:
        pipe = await _dial(_command(program, endpoint, podman=True))
    except _RefusedError as exc:
        if exc.not_found:  # docker is what people expect to hear of
            raise no_docker from exc
        raise
    _podman.add(where)
    return pipe


def _command(program: str, endpoint: Endpoint, *, podman: bool) -> list[str]:
    """Return the command line: that of docker's CLI (docker/cli, ``cli/connhelper``), and more."""
    # A quiet log is followed for days: a far end that is gone must show, as with TCP.
    words = [program, "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=20", "-T"]
    if endpoint.user:
        words += ["-l", endpoint.user]
    if endpoint.port:
        words += ["-p", str(endpoint.port)]
    words += ["--", endpoint.host]
    remote = ["podman" if podman else "docker"]
    if endpoint.path:
        # A shell reads it at the far end.
        option = "--url" if podman else "--host"
        remote.append(shlex.quote(f"{option}=unix://{endpoint.path}"))
    return [*words, *remote, "system", "dial-stdio"]


async def _dial(command: list[str]) -> _Pipe:
    """Start ssh; return our end of it when the engine has answered."""
    pipe = _start(command)
    try:
        if await _answers(pipe):
            return pipe
        # The engine closes the connection behind its answer: so a new one, taken on trust.
        pipe.close()
        return _start(command)
    except ConnectionError as exc:
        try:
            # It has its own reasons to end, and tells them by its code.
            words = await pipe.child.stderr_tail()
            raise _RefusedError(words, pipe.child.code) from exc
        finally:
            pipe.close()  # it may have hung up and not ended
    except BaseException:
        pipe.close()
        raise


async def _answers(pipe: _Pipe) -> bool:
    """Ask the engine something; return whether the connection goes on. OSError: it ended."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(pipe, _PROBE)
    head = b""
    while b"\r\n\r\n" not in head:
        data = await loop.sock_recv(pipe, 4096)
        if not data or len(head) > _MOST_HEAD:
            raise ConnectionResetError
        head += data
    status, *headers = head.lower().split(b"\r\n")
    return status.startswith(b"http/1.1") and b"connection: close" not in headers


def _words(endpoint: Endpoint, refused: _RefusedError) -> str:
    said = _line(refused.text) or f"ssh ended with code {refused.code}, without a word"
    if refused.not_found:
        said += "; is there docker or podman at the far end, on the PATH of a shell without login?"
    return f"cannot connect to the engine at {endpoint}: {said}"


def _line(text: str) -> str:
    """Make one line of what ssh said: the last one that has words."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if any(map(str.isalnum, line))]
    if len(lines) > 1 and lines[-1] == "Host key verification failed.":
        return f"{lines[-1][:-1]}: {lines[-2]}"
    return lines[-1] if lines else ""


class _RefusedError(Exception):
    """The connection ended before the engine answered."""

    def __init__(self, text: str, code: int | None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        # Shells say 127, and csh 1.
        self.not_found = code != SSH_FAILED and (code == 127 or "not found" in text.lower())


# --- the child --------------------------------------------------------------------------------


def _start(command: list[str]) -> _Pipe:
    """Start ssh on one end of a socket pair."""
    for child in list(_children):
        if child.ending and child.loop.is_closed():
            child.look()  # nobody else will any more
    ours, theirs = socket.socketpair()
    try:
        errors, errors_in = os.pipe()
    except OSError:
        ours.close()
        theirs.close()
        raise
    try:
        actions = [
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, errors_in, 2),
        ]
        words = [*_SHIELD, *command]
        # Python ignores SIGPIPE, which ssh's own children must not.
        pid = os.posix_spawn(
            words[0], words, os.environ, file_actions=actions, setsigdef=[signal.SIGPIPE]
        )
    except BaseException:
        ours.close()
        os.close(errors)
        raise
    finally:
        theirs.close()
        os.close(errors_in)
    pipe = _Pipe(fileno=ours.detach())
    pipe.setblocking(False)
    pipe.child = _Child(pid, errors, pipe.fileno())
    return pipe


class _Pipe(socket.socket):
    """Our end of a connection through ssh, which ends with it: asyncio closes its sockets."""

    child: _Child

    def close(self) -> None:
        """Close it, and end ssh."""
        super().close()
        self.child.end()


class _Child:
    """A running ssh: what it says, and that it ends and is reaped."""

    def __init__(self, pid: int, errors: int, fileno: int) -> None:
        self.pid = pid
        self.fileno = fileno  # of our end; meaningless once that is closed
        self.code: int | None = None
        self._errors = errors
        self._said = b""
        self._ends_at: float | None = None  # asked to; afterwards it is killed
        os.set_blocking(errors, False)
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(errors, self._listen)
        _children.add(self)

    @property
    def ending(self) -> bool:
        """Whether it was asked to end."""
        return self._ends_at is not None

    def end(self) -> None:
        """Ask it to end, and see to it that it does."""
        if self._ends_at is not None:
            return
        self.fileno = -1
        self._ends_at = time.monotonic() + PATIENCE
        self.kill(signal.SIGTERM)
        if not self.look() and not self.loop.is_closed():
            self.loop.call_later(LOOK[0], self._look_again, LOOK[0])

    async def stderr_tail(self) -> str:
        """Return what it has said, when it has ended or does not."""
        pause = LOOK[0]
        while not self.look() and pause < 1:
            await asyncio.sleep(pause)
            pause *= 2
        return self.said()

    def said(self) -> str:
        """Return what it has said by now, or the end of that."""
        self._listen()
        return self._said.decode("utf-8", "replace")

    def _listen(self) -> None:
        """Keep what it says: it would stop if nobody read."""
        with suppress(BlockingIOError):
            while self._errors >= 0:
                data = os.read(self._errors, 4096)
                if not data:
                    self._hang_up()
                    return
                self._said = (self._said + data)[-MOST_WORDS:]

    def _hang_up(self) -> None:
        if self._errors >= 0:
            if not self.loop.is_closed():
                self.loop.remove_reader(self._errors)
            os.close(self._errors)
            self._errors = -1

    def _look_again(self, pause: float) -> None:
        if not self.look() and not self.loop.is_closed():
            pause = min(pause * 2, LOOK[1])
            self.loop.call_later(pause, self._look_again, pause)

    def look(self) -> bool:
        """Reap it if it has ended; kill it if it should have."""
        if self.code is not None:
            return True
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # reaped by somebody who waits for any child
            pid, status = self.pid, 0
        if not pid:
            if self._ends_at is not None and time.monotonic() > self._ends_at:
                self.kill(signal.SIGKILL)
            return False
        self.code = os.waitstatus_to_exitcode(status)
        self._listen()
        self._hang_up()
        _children.discard(self)
        return True

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal, unless it is gone."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def stderr_tail(fileno: int) -> str:
    """Return what the ssh behind our end of a connection has said last, in one line."""
    for child in list(_children):
        if child.fileno == fileno:
            return _line(child.said())
    return ""


async def wait_ended() -> None:
    """Wait until those of this event loop that have been asked to end have ended."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)  # asyncio closes its sockets soon, not at once
    pause = LOOK[0]
    while any(child.ending and child.loop is loop for child in list(_children)):
        await asyncio.sleep(pause)
        pause = min(pause * 2, LOOK[1])


def end_all() -> None:
    """Ask all to end: for who exits at once. What does not listen is left to the system."""
    for child in list(_children):
        child.kill(signal.SIGTERM)

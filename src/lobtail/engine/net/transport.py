"""Open the connection to an endpoint: a Unix socket, TCP, TLS over it, or ssh."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from lobtail.engine.config.endpoint import Endpoint, connect_error

if TYPE_CHECKING:
    import ssl

__all__ = ["open_transport"]

P = TypeVar("P", bound=asyncio.BaseProtocol)

# A dead peer on the far side of a network shows after about 30 + 3 × 10 s of silence, also when
# a quiet log is followed for days.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))

# Between attempts while a Unix socket's queue is full; there is nothing to wait on.
QUEUE_PAUSE: Final = 0.02


async def open_transport(endpoint: Endpoint, factory: Callable[[], P], timeout: float) -> P:
    """Connect to ``endpoint`` within ``timeout`` seconds; return the protocol, connected.

    Raises:
        ConnectError: nobody listens there, or the way to it is barred.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            if endpoint.kind == "unix":
                sock = await _connect_unix(endpoint.path)
                _, protocol = await loop.create_unix_connection(factory, sock=sock)
                return protocol
            if endpoint.kind == "ssh":
                # Most engines are nearer, and need neither it nor its start-up.
                from lobtail.engine.net.ssh import open_ssh

                return await open_ssh(endpoint, factory)
            transport, protocol = await loop.create_connection(
                factory, endpoint.host, endpoint.port, ssl=_context(endpoint)
            )
            _keep_alive(transport.get_extra_info("socket"))
            return protocol
    except TimeoutError as exc:
        raise connect_error(endpoint, f"no answer within {timeout:g} s") from exc
    except (OSError, ValueError) as exc:
        raise connect_error(endpoint, _why_tls(exc, endpoint) or exc) from exc


async def _connect_unix(path: str) -> socket.socket:
    """Connect; wait while the engine's queue is full.

    Linux says EAGAIN then. asyncio takes that for a connection under way, finds no error, and
    hands out a socket that is not connected.
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                await asyncio.sleep(QUEUE_PAUSE)
            else:
                return sock
    except BaseException:
        sock.close()
        raise


def _context(endpoint: Endpoint) -> ssl.SSLContext | None:
    if endpoint.tls is None:
        return None
    from lobtail.engine.net.tls import client_context

    return client_context(endpoint.tls)


def _why_tls(exc: Exception, endpoint: Endpoint) -> str:
    if endpoint.tls is None:
        return ""
    from lobtail.engine.net.tls import explain

    return explain(exc)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # macOS calls the first one otherwise
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

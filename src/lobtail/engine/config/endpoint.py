"""Find out which engine is meant, and remember who said so.

The order is the docker CLI's (docker/cli, ``cli/command/cli.go``): ``--context`` or ``--host``;
``DOCKER_HOST``; ``DOCKER_CONTEXT``; the ``currentContext`` of docker's configuration; the default
socket. Where that does not exist, Podman's is looked for, the user's before the system's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, unquote

import msgspec
from msgspec.structs import replace

from lobtail.engine.config.contexts import DEFAULT, current_context, read_context
from lobtail.engine.config.docker_config import DockerConfig, read_config
from lobtail.errors import ConfigError, ConnectError

# Most engines are on a Unix socket, and need nothing of TLS.
if TYPE_CHECKING:
    from lobtail.engine.config.tls import Tls

__all__ = ["DEFAULT_SOCKET", "Endpoint", "connect_error", "labels", "parse_host", "resolve"]

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
PODMAN_SOCKET: Final = "/run/podman/podman.sock"
DEFAULT_PORT: Final = 2375
DEFAULT_TLS_HOST: Final = "tcp://localhost:2376"

_PATH: Final = "/%:@!$&'()*+,;="  # RFC 3986, section 3.3, without what quote never touches
_USER: Final = "@!$&'()*+,;="  # of RFC 3986, section 3.2.1, and what Go allows besides
_TCP: Final = r"""
    (?P<host> \[ [0-9A-Fa-f:.%\w]+ \] | [^\[\]:/?\#@\s]* )
    (?: : (?P<port> [0-9]{1,5} ) )?
    (?P<base> /[^?\#\s]* )?
"""
# As Go's net/url: a user may have an @, as accounts of a directory do, and the last one counts.
_SSH: Final = r"""
    (?: (?P<user> [^:/?\#\s]+ ) @ )?
    (?P<host> \[ [0-9A-Fa-f:.%\w]+ \] | [^\[\]:/?\#@\s]+ )
    (?: : (?P<port> [0-9]{1,5} )? )?
    (?P<path> /[^?\#]* )?
"""


class Endpoint(msgspec.Struct, frozen=True):
    """Where an engine listens.

    ``kind`` is the transport; ``path`` the socket's path (unix; with ssh at the far end, empty for
    its default), ``host`` and ``port`` the address (tcp, ssh; there 0 is ssh's own), ``user`` who
    logs in (ssh) and ``base`` a prefix of every request path, for engines behind a proxy. ``tls``
    says how a tcp connection is secured, if it is. ``origin`` says where the setting came from, for
    error messages: ``--host``, ``DOCKER_HOST``, ``context prod, from DOCKER_CONTEXT`` …;
    ``context`` is the name of docker's context, if it came from one.
    """

    kind: Literal["unix", "tcp", "ssh"]
    origin: str
    path: str = ""
    host: str = ""
    port: int = 0
    base: str = ""
    user: str = ""
    tls: Tls | None = None
    context: str = ""

    @property
    def url(self) -> str:
        """The endpoint as ``--host`` takes it."""
        if self.kind == "unix":
            return f"unix://{self.path}"
        if self.kind == "ssh":
            user = f"{_quoted(self.user, _USER)}@" if self.user else ""
            return f"ssh://{user}{self.authority}{_quoted(self.path, _PATH[:1] + _PATH[2:])}"
        return f"tcp://{self.authority}{self.base}"

    @property
    def label(self) -> str:
        """What people call it: the context's name, the host, or ``local`` for docker's socket."""
        if self.context:
            return self.context
        if self.kind == "unix":
            return "local" if self.url == DEFAULT_SOCKET else self.path
        return self.host

    @property
    def host_header(self) -> str:
        """What the HTTP ``Host`` header says; on a Unix socket any name does."""
        return self.authority if self.kind == "tcp" else "localhost"

    @property
    def authority(self) -> str:
        """Host and port, if it is reached by a network."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    def leads_where(self, other: Endpoint) -> bool:
        """Tell whether another endpoint surely leads to the same engine, whoever named either."""
        return self._address == other._address

    @property
    def _address(self) -> tuple[object, ...]:
        # Links may lead to a socket, as /var/run does; users of one host have their own engines.
        path = os.path.realpath(self.path) if self.kind == "unix" else self.path
        return self.kind, path, self.host.lower(), self.port, self.base, self.user

    def __str__(self) -> str:
        return f"{self.url} ({self.origin})"


def resolve(
    host: str | None,
    environ: Mapping[str, str],
    origin: str = "--host",
    *,
    context: str | None = None,
    context_origin: str = "--context",
    tls: Tls | bool | None = None,
    config: DockerConfig | None = None,
) -> Endpoint:
    """Return the endpoint that is asked for, or that the environment or docker's settings name.

    ``host`` is what ``origin`` says and ``context`` what ``context_origin`` says; ``environ`` is
    usually ``os.environ``, and ``config`` what docker's ``config.json`` says, which is read if it
    is not given. ``tls`` is how to speak TLS, or whether to, with the certificates that docker's
    environment names; None leaves that to the environment as well. A context has its own.

    Raises:
        ConfigError: it cannot be used; the message says where it came from.
    """
    if context and host is not None:
        raise ConfigError(f"{origin} and {context_origin} both name an engine: give one of them")
    if not context and host is None and not environ.get("DOCKER_HOST"):
        context, context_origin = current_context(environ, config or read_config(environ))
    if context and context != DEFAULT:
        if tls is not None and tls is not False:
            raise ConfigError(f"the docker context {context!r} says itself whether to use TLS")
        return _of_context(context, environ, context_origin)
    if host is None and (env := environ.get("DOCKER_HOST")):
        host, origin = env, "DOCKER_HOST"
    if host is None or not host.strip():
        endpoint = _default(environ, tls)
    else:
        endpoint = parse_host(host, origin)
        if endpoint.kind != "tcp" and tls is not None and tls is not False:
            raise ConfigError(f"TLS is for tcp://, and {endpoint} is none")
    if endpoint.kind == "tcp":
        # https:// says by itself that there is TLS, but not whom to trust.
        wanted = _tls(environ, tls)
        if wanted is None and endpoint.tls is not None and tls is None:
            from lobtail.engine.config.tls import resolve_tls

            wanted = resolve_tls(environ, verify=True, system=True)
        endpoint = replace(endpoint, tls=wanted)
    return endpoint


def labels(endpoints: Sequence[Endpoint]) -> list[str]:
    """Return a name for each endpoint: its label, or what tells it from others with that label."""
    named: list[str] = []
    for endpoint in endpoints:
        alike = [other for other in endpoints if other.label == endpoint.label]
        name = endpoint.label
        if len(alike) > 1:
            name = endpoint.url
            if len({other.authority for other in alike}) == len(alike):
                name = endpoint.authority
        stem, number = name, 1
        while name in named:  # one endpoint twice
            number += 1
            name = f"{stem}#{number}"
        named.append(name)
    return named


def parse_host(value: str, origin: str, subject: str = "") -> Endpoint:
    """Parse ``unix:///path``, ``tcp://host[:port][/base]``, ``ssh://[user@]host[:port][/path]``.

    ``host[:port]`` alone is tcp, and a path alone, ``/path``, a socket. Errors begin with
    ``subject``, or else with the ``origin``.

    Raises:
        ConfigError: anything else.
    """
    subject = subject or origin
    scheme, separator, rest = value.strip().partition("://")
    if not separator:
        scheme, rest = ("unix" if scheme.startswith(("/", "./")) else "tcp"), value.strip()
    if scheme == "unix":
        if not rest or "\0" in rest:
            raise ConfigError(
                f"{subject} {value!r} has no socket path: write unix:///path/to/socket"
            )
        return Endpoint("unix", origin, path=rest)
    if scheme == "ssh":
        return _ssh(value, rest, origin, subject)
    if scheme not in ("tcp", "http", "https"):
        raise ConfigError(
            f"{subject} {value!r} is no endpoint: "
            "write unix:///path, tcp://HOST:PORT or ssh://USER@HOST"
        )
    match = re.fullmatch(_TCP, rest, re.VERBOSE)
    if match is None or not rest or not match["host"].isascii():
        raise ConfigError(f"{subject} {value!r} is no address: write tcp://HOST:PORT")
    secure = scheme == "https"
    port = _port(match["port"] or (DEFAULT_PORT + secure), value, subject)
    address = match["host"].strip("[]") or "localhost"
    # A request's head is ASCII; what is quoted already stays so.
    base = _quoted((match["base"] or "").rstrip("/"), _PATH)
    tls = None
    if secure:
        from lobtail.engine.config.tls import Tls

        tls = Tls()
    return Endpoint("tcp", origin, host=address, port=port, base=base, tls=tls)


def connect_error(endpoint: Endpoint, why: str | Exception) -> ConnectError:
    """Return the error for an engine that cannot be connected to, with what to try."""
    words = why if isinstance(why, str) else _words(why)
    return ConnectError(f"cannot connect to the engine at {endpoint}: {words}")


def _words(exc: Exception) -> str:
    import socket

    match exc:
        case FileNotFoundError():
            return "there is no such socket; start the engine, or name another with `host`"
        case ConnectionRefusedError():
            return "nobody listens there; start the engine, or name another with `host`"
        case PermissionError():
            return "permission denied; use sudo, or become a member of the socket's group"
        case UnicodeError():  # raised by the codec for names of hosts
            return "that cannot be the name of a host"
        case socket.gaierror():
            return f"{exc.strerror}; check the host's name"
        case OSError() if exc.errno:
            return os.strerror(exc.errno)
    return str(exc) or type(exc).__name__


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="surrogateescape")


def _ssh(value: str, rest: str, origin: str, subject: str) -> Endpoint:
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise ConfigError(f"{subject} has a password in it, which ssh does not take: use a key")
    match = re.fullmatch(_SSH, rest, re.VERBOSE)
    if match is None or not match["host"].isprintable():
        raise ConfigError(f"{subject} {value!r} is no address: write ssh://USER@HOST:PORT")
    path = unquote(match["path"] or "", errors="surrogateescape")
    user = unquote(match["user"] or "", errors="surrogateescape")
    if "\0" in path + user:
        raise ConfigError(f"{subject} {value!r} has no such path or user: it contains a NUL")
    return Endpoint(
        "ssh",
        origin,
        path=path if path.strip("/") else "",
        host=match["host"].strip("[]"),
        port=_port(match["port"], value, subject) if match["port"] else 0,
        user=user,
    )


def _port(text: str | int, value: str, subject: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise ConfigError(f"{subject} {value!r} has no such port: {port} is not in 1-65535")
    return port


def _of_context(name: str, environ: Mapping[str, str], origin: str) -> Endpoint:
    context = read_context(name, environ, origin)
    said = f"context {name}" if origin == "context" else f"context {name}, from {origin}"
    host = context.host.strip() or DEFAULT_SOCKET
    endpoint = parse_host(host, said, f"the host of the docker context {name!r} ({origin})")
    tls = (context.tls or endpoint.tls) if endpoint.kind == "tcp" else None
    return replace(endpoint, context=name, tls=tls)


def _default(environ: Mapping[str, str], tls: Tls | bool | None) -> Endpoint:
    """Return where an engine is if nobody says where."""
    if _tls(environ, tls) is not None:
        return parse_host(DEFAULT_TLS_HOST, "default host for TLS")
    default = DEFAULT_SOCKET.removeprefix("unix://")
    if not os.path.exists(default):  # noqa: PTH110
        runtime = environ.get("XDG_RUNTIME_DIR")
        for path in (f"{runtime}/podman/podman.sock" if runtime else "", PODMAN_SOCKET):
            if path and os.path.exists(path):  # noqa: PTH110
                return Endpoint("unix", f"Podman's socket, for there is no {default}", path=path)
    return Endpoint("unix", "default socket", path=default)


def _tls(environ: Mapping[str, str], tls: Tls | bool | None) -> Tls | None:
    if tls is not None and not isinstance(tls, bool):
        return tls
    asked = environ.get("DOCKER_TLS") or environ.get("DOCKER_TLS_VERIFY")
    if tls is False or (tls is None and not asked):
        return None
    from lobtail.engine.config.tls import resolve_tls

    return resolve_tls(environ, verify=True) if tls else resolve_tls(environ)

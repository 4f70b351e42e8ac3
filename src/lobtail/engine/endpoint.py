"""Find out which engine is meant, and remember who said so.

Order, as in the docker CLI: ``--host``, then ``DOCKER_HOST``, then the default socket. Contexts,
TLS and ssh are recognised and refused: taking another engine instead would show wrong logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from lobtail.errors import ConfigError

__all__ = ["DEFAULT_SOCKET", "Endpoint", "parse_host", "resolve"]

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
DEFAULT_PORT: Final = 2375

_PATH: Final = "/%:@!$&'()*+,;="  # RFC 3986, section 3.3, without what quote never touches
_TCP = re.compile(
    r"""(?P<host> \[ [0-9A-Fa-f:.%\w]+ \] | [^\[\]:/?\#@\s]* )
        (?: : (?P<port> \d{1,5} ) )?
        (?P<base> /[^?\#\s]* )?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine listens.

    ``kind`` is the transport; ``path`` the socket's path (unix), ``host`` and ``port`` the address
    (tcp) and ``base`` a prefix of every request path, for engines behind a proxy. ``origin`` says
    where the setting came from, for error messages: ``--host``, ``DOCKER_HOST`` or ``default``.
    """

    kind: Literal["unix", "tcp"]
    origin: str
    path: str = ""
    host: str = ""
    port: int = 0
    base: str = ""

    @property
    def url(self) -> str:
        """The endpoint as ``--host`` takes it."""
        if self.kind == "unix":
            return f"unix://{self.path}"
        return f"tcp://{self._authority}{self.base}"

    @property
    def host_header(self) -> str:
        """What the HTTP ``Host`` header says; on a Unix socket any name does."""
        return "localhost" if self.kind == "unix" else self._authority

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.url} ({self.origin})"


def resolve(host: str | None, environ: Mapping[str, str], origin: str = "--host") -> Endpoint:
    """Return the endpoint that ``host`` names, or else the environment, or else the default.

    ``host`` is what ``origin`` says, ``environ`` usually ``os.environ``.

    Raises:
        ConfigError: it cannot be used; the message says where it came from.
    """
    if host:
        return parse_host(host, origin)
    if env := environ.get("DOCKER_HOST"):
        endpoint = parse_host(env, "DOCKER_HOST")
        if endpoint.kind == "tcp" and environ.get("DOCKER_TLS_VERIFY"):
            raise ConfigError(
                f"DOCKER_TLS_VERIFY asks for TLS to {endpoint.url}, which lobtail cannot speak "
                "yet: unset it, or forward the engine's socket with 'ssh -L'"
            )
        return endpoint
    _refuse_context(environ)
    return parse_host(DEFAULT_SOCKET, "default socket")


def parse_host(value: str, origin: str) -> Endpoint:
    """Parse ``unix:///path``, ``tcp://host[:port][/base]`` or ``[host]:port``.

    Raises:
        ConfigError: anything else.
    """
    scheme, separator, rest = value.strip().partition("://")
    if not separator:
        scheme, rest = "tcp", value.strip()
    if scheme == "unix":
        if not rest or "\0" in rest:
            raise ConfigError(
                f"{origin} {value!r} has no socket path: write unix:///path/to/socket"
            )
        return Endpoint("unix", origin, path=rest)
    if scheme in ("tcp", "http"):
        match = _TCP.fullmatch(rest)
        if match is None or not rest or not match["host"].isascii():
            raise ConfigError(f"{origin} {value!r} is no address: write tcp://HOST:PORT")
        port = int(match["port"] or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise ConfigError(f"{origin} {value!r} has no such port: {port} is not in 1-65535")
        address = match["host"].strip("[]") or "localhost"
        # A request's head is ASCII; what is quoted already stays so.
        base = quote((match["base"] or "").rstrip("/"), safe=_PATH, errors="surrogateescape")
        return Endpoint("tcp", origin, host=address, port=port, base=base)
    if scheme in ("ssh", "https"):
        raise ConfigError(
            f"{origin} {value!r}: lobtail cannot speak {scheme} yet; forward the engine's socket "
            "with 'ssh -L /tmp/engine.sock:/var/run/docker.sock HOST' and use "
            "unix:///tmp/engine.sock"
        )
    raise ConfigError(f"{origin} {value!r} is no endpoint: write unix:///path or tcp://HOST:PORT")


def _refuse_context(environ: Mapping[str, str]) -> None:
    """Refuse a docker context other than the default one: it means another engine."""
    origin, context = "DOCKER_CONTEXT", environ.get("DOCKER_CONTEXT", "")
    if not context:
        folder = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker"
        path = Path(folder) / "config.json"
        origin = f"currentContext in {path}"
        try:
            config = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return  # as the docker CLI: no usable file, no context
        context = config.get("currentContext", "") if isinstance(config, dict) else ""
    if context and context != "default":
        raise ConfigError(
            f"the docker context {context!r} ({origin}) is not supported yet: give its endpoint "
            f"with --host; 'docker context inspect {context}' shows it"
        )

"""What engines answer, typed. Unknown fields are ignored and missing ones have a default.

Engines differ by ten years of versions, and Podman in places: only what lobtail uses is named
here. Go encodes an empty map or list as ``null``, hence the many ``None``.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from lobtail.errors import ProtocolError

__all__ = ["Container", "ContainerSummary", "Info", "Ping", "Version", "decode"]

T = TypeVar("T")

_PROJECT = "com.docker.compose.project"
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
# moby, daemon/logger/local: the driver's own default
_LOCAL_MAX_SIZE: Final = "20m"
# Files that a busy container fills many times a second.
_SMALL: Final = 1 << 20
_SERVICE = "com.docker.compose.service"


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """Go's field names are those of Python in Pascal case."""


class Ping(msgspec.Struct, frozen=True):
    """What ``/_ping`` says in its headers."""

    api_version: str = ""
    """The newest API version of the engine, such as ``1.45``; empty if it names none."""
    os_type: str = ""
    server: str = ""

    @property
    def podman(self) -> bool:
        """Whether this is Podman's compatible API."""
        return self.server.startswith("Libpod/")


class Version(_Answer, frozen=True):
    """``GET /version``."""

    version: str = ""
    api_version: str = ""
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")
    os: str = ""
    arch: str = ""
    kernel_version: str = ""


class Info(_Answer, frozen=True):
    """``GET /info``, the part that matters here."""

    id: str = msgspec.field(default="", name="ID")
    name: str = ""
    """The host's name."""
    server_version: str = ""
    system_time: str = ""
    """The engine's clock, RFC 3339."""
    docker_root_dir: str = ""


class Config(_Answer, frozen=True):
    """The part of a container's configuration that matters here."""

    tty: bool = False
    image: str = ""
    labels: dict[str, str] | None = None


class State(_Answer, frozen=True):
    """The state of a container; times are RFC 3339, and year 1 where there is none."""

    status: str = ""
    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    dead: bool = False
    exit_code: int = 0
    started_at: str = ""
    finished_at: str = ""


class LogConfig(_Answer, frozen=True):
    """The log driver of a container and its options."""

    type: str = ""
    config: dict[str, str] | None = None


class HostConfig(_Answer, frozen=True):
    """The part of a container's host configuration that matters here."""

    log_config: LogConfig = LogConfig()


class Container(_Answer, frozen=True):
    """``GET /containers/{id}/json``: all about one container."""

    id: str
    name: str = ""
    created: str = ""
    image: str = ""
    log_path: str = ""
    config: Config = Config()
    state: State = State()
    host_config: HostConfig = HostConfig()

    @property
    def tty(self) -> bool:
        """Whether it has a terminal: its logs are then raw bytes, not frames."""
        return self.config.tty

    @property
    def log_driver(self) -> str:
        """The name of its log driver, such as ``json-file``."""
        return self.host_config.log_config.type

    @property
    def log_max_size(self) -> int | None:
        """The size in bytes at which the files of its log are rotated; None if they are not.

        moby, ``daemon/logger/jsonfilelog`` and ``local``: json-file has no limit by default, local
        one of 20 MB. Units are taken for powers of 1000, which local's are not: nearly right.
        """
        options = self.host_config.log_config.config or {}
        default = _LOCAL_MAX_SIZE if self.log_driver == "local" else ""
        if self.log_driver not in ("json-file", "local"):
            return None
        match = _SIZE.fullmatch(options.get("max-size") or default)
        if match is None:  # also -1, which means no limit
            return None
        return int(float(match[1]) * 1000 ** " kmgtp".index(match[2].lower() or " "))

    @property
    def log_rotates(self) -> bool:
        """Whether files of its log are rotated in a way that can be followed in them.

        With ``max-file=1``, json-file's default, an engine from 23.0 on deletes the only file, and
        whoever finds another cannot tell whether there was one between. That is likely only if
        files are small.
        """
        size = self.log_max_size
        return size is not None and (self.log_kept > 0 or size <= _SMALL)

    @property
    def log_kept(self) -> int:
        """How many bytes of a rotated log are kept at least; 0 if that may be none."""
        options = self.host_config.log_config.config or {}
        files = options.get("max-file") or ("5" if self.log_driver == "local" else "1")
        return (int(files) - 1 if files.isdecimal() else 0) * (self.log_max_size or 0)

    @property
    def log_compressed(self) -> bool:
        """Whether the rotated files of its log are compressed."""
        options = self.host_config.log_config.config or {}
        if self.log_max_size is None or options.get("max-file") == "1":
            return False
        default = "true" if self.log_driver == "local" else ""
        return (options.get("compress") or default).lower() in ("1", "t", "true")

    @property
    def project(self) -> str:
        """The compose project that it belongs to, or nothing."""
        return (self.config.labels or {}).get(_PROJECT, "")

    @property
    def service(self) -> str:
        """The compose service that it belongs to, or nothing."""
        return (self.config.labels or {}).get(_SERVICE, "")


class ContainerSummary(_Answer, frozen=True):
    """An item of ``GET /containers/json``."""

    id: str
    names: list[str] | None = None
    image: str = ""
    created: int = 0
    """Unix seconds."""
    state: str = ""
    status: str = ""
    labels: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """Its own name, without the slash; links add names with a slash inside."""
        names = [name.removeprefix("/") for name in self.names or ()]
        return next((name for name in names if "/" not in name), names[0] if names else "")

    @property
    def running(self) -> bool:
        """Whether engines list it without ``all``: moby's IsRunning, which includes paused."""
        return self.state in ("running", "paused", "restarting")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value


def decode(data: bytes, what: type[T], target: str) -> T:
    """Decode the JSON answer to a request of ``target``.

    Raises:
        ProtocolError: it is not JSON, or not of that form.
    """
    try:
        try:
            return msgspec.json.decode(data, type=what)
        except msgspec.ValidationError:
            # To Go, null leaves a field as it is, whatever its type. Hardly any engine sends it
            # where a map or list is not meant, so only then are nulls looked for.
            return msgspec.convert(_without_nulls(msgspec.json.decode(data)), what)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProtocolError(
            f"the answer to {target} is not what an engine sends: {exc}; it begins with "
            f"{data[:40]!r}"
        ) from exc

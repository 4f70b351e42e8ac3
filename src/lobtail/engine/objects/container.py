"""Containers, as engines describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lobtail.engine.objects.answer import (
    Answer,
    Identifier,
    whole_number,
)

__all__ = [
    "Config",
    "Container",
    "ContainerSummary",
    "Health",
    "HostConfig",
    "LogConfig",
    "Mount",
    "NetworkEndpoint",
    "NetworkSettings",
    "Port",
    "PortBinding",
    "Probe",
    "RestartPolicy",
    "State",
    "project_of",
    "service_of",
]

_PROJECT = "com.docker.compose.project"
_SIZE: Final = r"(?i:([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([kmgtp]?)(?:i?b)?)"
# moby, daemon/logger/local: the driver's own default
_LOCAL_MAX_SIZE: Final = "20m"
# Files that a busy container fills many times a second.
_NEVER_RAN: Final = ("created", "configured", "initialized")
_SMALL: Final = 1 << 20
_SERVICE = "com.docker.compose.service"
# Of containers of a swarm, the same as in model.swarm, which readers of one log need not load.
_STACK = "com.docker.stack.namespace"
_SWARM_SERVICE = "com.docker.swarm.service.name"


class Config(Answer, frozen=True):
    """The configuration of a container that is the same wherever it runs."""

    tty: bool = False
    open_stdin: bool = False
    image: str = ""
    labels: dict[str, str] | None = None
    hostname: str = ""
    user: str = ""
    env: list[str] | None = None
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    working_dir: str = ""
    exposed_ports: dict[str, Any] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    """Seconds between the signal to stop and the kill; None for the engine's 10."""


class Probe(Answer, frozen=True):
    """One run of a health check."""

    start: str = ""
    end: str = ""
    exit_code: int = 0
    output: str = ""


class Health(Answer, frozen=True):
    """What the health check of a container says."""

    status: str = ""
    """``starting``, ``healthy``, ``unhealthy`` or ``none``."""
    failing_streak: int = 0
    log: list[Probe] | None = None


class State(Answer, frozen=True):
    """The state of a container; times are RFC 3339, and year 1 where there is none."""

    status: str = ""
    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = msgspec.field(default=False, name="OOMKilled")
    dead: bool = False
    exit_code: int = 0
    error: str = ""
    """Why it could not be started."""
    pid: int = 0
    started_at: str = ""
    finished_at: str = ""
    health: Health | None = None

    @property
    def in_run(self) -> bool:
        """Whether its program runs.

        To moby a container is ``running`` also while it waits to be started again by its restart
        policy (container/state.go, ``SetRestarting``), which takes up to a minute.
        """
        return self.running and not self.restarting

    @property
    def ended(self) -> bool:
        """Whether its program ran, ended, and is not about to be started again by the engine.

        Podman does not say of a container that it is about to start it again.
        """
        return not self.running and not self.restarting and self.status not in _NEVER_RAN


class LogConfig(Answer, frozen=True):
    """The log driver of a container and its options."""

    type: str = ""
    config: dict[str, str] | None = None


class RestartPolicy(Answer, frozen=True):
    """When the engine starts a container again: ``no``, ``always`` or ``on-failure``."""

    name: str = ""
    maximum_retry_count: int = 0


class HostConfig(Answer, frozen=True):
    """The configuration of a container that belongs to the host it runs on."""

    log_config: LogConfig = LogConfig()
    network_mode: str = ""
    restart_policy: RestartPolicy = RestartPolicy()
    auto_remove: bool = False
    privileged: bool = False
    readonly_rootfs: bool = False
    memory: int = 0
    """The limit in bytes; 0 is none."""
    nano_cpus: int = 0
    """The limit in billionths of a CPU; 0 is none."""


class Mount(Answer, frozen=True):
    """A volume, folder or tmpfs in a container."""

    type: str = ""
    name: str = ""
    """The volume's name."""
    source: str = ""
    destination: str = ""
    driver: str = ""
    mode: str = ""
    rw: bool = msgspec.field(default=False, name="RW")


class PortBinding(Answer, frozen=True):
    """Where on the host a port of a container is reached."""

    host_ip: str = ""
    host_port: str = ""


class NetworkEndpoint(Answer, frozen=True):
    """A container's end of a network."""

    network_id: str = msgspec.field(default="", name="NetworkID")
    ip_address: str = msgspec.field(default="", name="IPAddress")
    ip_prefix_len: int = msgspec.field(default=0, name="IPPrefixLen")
    gateway: str = ""
    global_ipv6_address: str = msgspec.field(default="", name="GlobalIPv6Address")
    mac_address: str = ""
    aliases: list[str] | None = None


class NetworkSettings(Answer, frozen=True):
    """The networks of a container, and its ports."""

    networks: dict[str, NetworkEndpoint] | None = None
    """By the network's name."""
    ports: dict[str, list[PortBinding] | None] | None = None
    """By ``80/tcp``; None for a port that is not published. Only ``inspect`` tells them."""


class Container(Answer, frozen=True):
    """``GET /containers/{id}/json``: all about one container."""

    id: Identifier
    name: str = ""
    created: str = ""
    image: str = ""
    log_path: str = ""
    path: str = ""
    """The program."""
    args: list[str] | None = None
    restart_count: int = 0
    driver: str = ""
    platform: str = ""
    config: Config = Config()
    state: State = State()
    host_config: HostConfig = HostConfig()
    mounts: list[Mount] | None = None
    network_settings: NetworkSettings = NetworkSettings()
    size_rw: int | None = None
    """Bytes that it has written; None if the size was not asked for."""
    size_root_fs: int | None = None
    """The same and its image's; None (with Podman 0) if the size was not asked for."""

    @property
    def tty(self) -> bool:
        """Whether it has a terminal: its logs are then raw bytes, not frames."""
        return self.config.tty

    @property
    def log_driver(self) -> str:
        """The name of its log driver, such as ``json-file``."""
        return self.host_config.log_config.type

    @property
    def log_in_podmans_file(self) -> bool:
        """Whether Podman keeps its log in a file; that driver it calls by either name."""
        return self.log_driver in ("k8s-file", "json-file")

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
        match = re.fullmatch(_SIZE, options.get("max-size") or default)
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
        return max((whole_number(files) or 0) - 1, 0) * (self.log_max_size or 0)

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
        """The compose project, or the stack of a swarm, that it belongs to, or nothing."""
        return project_of(self.config.labels)

    @property
    def service(self) -> str:
        """The service, of compose or of a swarm, that it belongs to, or nothing."""
        return service_of(self.config.labels)


def project_of(labels: Mapping[str, str] | None) -> str:
    """Return the compose project, or the stack of a swarm, that labels name, or nothing."""
    labels = labels or {}
    return labels.get(_PROJECT) or labels.get(_STACK, "")


def service_of(labels: Mapping[str, str] | None) -> str:
    """Return the service, of compose or of a swarm, that labels name, or nothing."""
    labels = labels or {}
    return labels.get(_SERVICE) or labels.get(_SWARM_SERVICE, "")


class Port(Answer, frozen=True):
    """A port of a container, and where on the host it is reached."""

    ip: str = msgspec.field(default="", name="IP")
    private_port: int = 0
    public_port: int = 0
    """0 if it is not published."""
    type: str = ""


class ContainerSummary(Answer, frozen=True):
    """An item of ``GET /containers/json``."""

    id: Identifier
    names: list[str] | None = None
    image: str = ""
    image_id: str = msgspec.field(default="", name="ImageID")
    command: str = ""
    created: int = 0
    """Unix seconds."""
    state: str = ""
    status: str = ""
    labels: dict[str, str] | None = None
    ports: list[Port] | None = None
    mounts: list[Mount] | None = None
    network_settings: NetworkSettings = NetworkSettings()
    size_rw: int | None = None
    """Bytes that it has written; None if the size was not asked for, or nothing was written."""
    size_root_fs: int | None = None
    """The same and its image's; None if the size was not asked for."""

    @property
    def name(self) -> str:
        """Its own name, without the slash; links add names with a slash inside."""
        names = [name.removeprefix("/") for name in self.names or ()]
        return next((name for name in names if "/" not in name), names[0] if names else "")

    @property
    def running(self) -> bool:
        """Whether engines list it without ``all``: moby's IsRunning, which includes paused."""
        return self.state in ("running", "paused", "restarting")

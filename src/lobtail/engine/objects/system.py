"""What an engine says of itself and of its host."""

from __future__ import annotations

import msgspec

from lobtail.engine.objects.answer import Answer

__all__ = ["Component", "Info", "Swarm", "Version"]


class Component(Answer, frozen=True):
    """A part of the engine, such as containerd, and its version."""

    name: str = ""
    version: str = ""
    details: dict[str, str] | None = None


class Version(Answer, frozen=True):
    """``GET /version``."""

    version: str = ""
    api_version: str = ""
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")
    git_commit: str = ""
    go_version: str = ""
    build_time: str = ""
    os: str = ""
    arch: str = ""
    kernel_version: str = ""
    components: list[Component] | None = None


class Swarm(Answer, frozen=True):
    """The engine's place in a swarm."""

    node_id: str = msgspec.field(default="", name="NodeID")
    node_addr: str = ""
    local_node_state: str = ""
    """``inactive``, ``pending``, ``active``, ``error`` or ``locked``."""
    control_available: bool = False
    """Whether it is a manager."""
    error: str = ""


class Info(Answer, frozen=True):
    """``GET /info``."""

    id: str = msgspec.field(default="", name="ID")
    name: str = ""
    """The host's name."""
    server_version: str = ""
    containers: int = 0
    containers_running: int = 0
    containers_paused: int = 0
    containers_stopped: int = 0
    images: int = 0
    driver: str = ""
    """The storage driver."""
    logging_driver: str = ""
    cgroup_driver: str = ""
    cgroup_version: str = ""
    default_runtime: str = ""
    system_time: str = ""
    """The engine's clock, RFC 3339."""
    operating_system: str = ""
    os_type: str = msgspec.field(default="", name="OSType")
    architecture: str = ""
    kernel_version: str = ""
    ncpu: int = msgspec.field(default=0, name="NCPU")
    mem_total: int = 0
    """Bytes."""
    docker_root_dir: str = ""
    labels: list[str] | None = None
    security_options: list[str] | None = None
    warnings: list[str] | None = None
    live_restore_enabled: bool = False
    swarm: Swarm = Swarm()

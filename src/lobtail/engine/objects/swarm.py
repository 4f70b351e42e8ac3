"""What the manager of a swarm answers, typed: services, tasks, nodes.

As in ``engine.models``, only what lobtail uses is named, and ``None`` is Go's ``null``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lobtail.engine.objects.answer import Answer, Identifier
from lobtail.model.swarm import STACK

__all__ = [
    "ContainerStatus",
    "LogDriver",
    "Node",
    "NodeDescription",
    "NodeSpec",
    "NodeStatus",
    "Replicated",
    "Service",
    "ServiceMode",
    "ServiceSpec",
    "SwarmContainer",
    "Task",
    "TaskSpec",
    "TaskStatus",
]


# moby, api/types/swarm/task.go: what comes behind these never runs again.
_OVER: Final = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
_MANAGES: Final = "manager"


class SwarmContainer(Answer, frozen=True):
    """What containers of a service are made of, the part that matters here."""

    image: str = ""
    labels: dict[str, str] | None = None
    tty: bool = msgspec.field(default=False, name="TTY")


class LogDriver(Answer, frozen=True):
    """The log driver that a task's container is given, and its options."""

    name: str = ""
    options: dict[str, str] | None = None


class TaskSpec(Answer, frozen=True):
    """What a task is to run. Tasks of plugins and attached networks have no container."""

    container_spec: SwarmContainer | None = None
    log_driver: LogDriver | None = None
    """None where the node's own holds."""


class Replicated(Answer, frozen=True):
    """How many tasks of a service are to run."""

    replicas: int | None = None


class ServiceMode(Answer, frozen=True):
    """How many tasks a service has: so many, or one on each node."""

    replicated: Replicated | None = None
    # A mapping, of which only its being there matters.
    global_: dict[str, object] | None = msgspec.field(default=None, name="Global")


class ServiceSpec(Answer, frozen=True):
    """What a service is to be."""

    name: str = ""
    labels: dict[str, str] | None = None
    task_template: TaskSpec = TaskSpec()
    mode: ServiceMode = ServiceMode()


class Service(Answer, frozen=True):
    """``GET /services/{id}``: a service of a swarm."""

    id: Identifier = msgspec.field(name="ID")
    spec: ServiceSpec = ServiceSpec()
    created_at: str = ""
    """RFC 3339, as all times here."""
    updated_at: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def labels(self) -> dict[str, str]:
        """Its own labels; those of its containers are others."""
        return self.spec.labels or {}

    @property
    def stack(self) -> str:
        """The stack that it was deployed with, or nothing."""
        return self.labels.get(STACK, "")

    @property
    def tty(self) -> bool:
        """Whether its tasks have terminals: its logs are then raw bytes, not frames."""
        container = self.spec.task_template.container_spec
        return container is not None and container.tty

    @property
    def replicas(self) -> int | None:
        """How many tasks there shall be; None if it is global or a job."""
        replicated = self.spec.mode.replicated
        return None if replicated is None else replicated.replicas

    @property
    def is_global(self) -> bool:
        """Whether each node runs one task of it."""
        return self.spec.mode.global_ is not None


class ContainerStatus(Answer, frozen=True):
    """The container of a task, as far as its manager knows it."""

    container_id: str = msgspec.field(default="", name="ContainerID")
    exit_code: int = 0


class TaskStatus(Answer, frozen=True):
    """What became of a task."""

    timestamp: str = ""
    state: str = ""
    message: str = ""
    err: str = ""
    container_status: ContainerStatus = ContainerStatus()


class Task(Answer, frozen=True):
    """``GET /tasks/{id}``: one run of one container for a service. A restart is another task."""

    id: Identifier = msgspec.field(name="ID")
    service_id: str = msgspec.field(default="", name="ServiceID")
    node_id: str = msgspec.field(default="", name="NodeID")
    """Empty as long as it has no place."""
    slot: int = 0
    """Which of the replicas it is, from 1 on; 0 with a global service."""
    spec: TaskSpec = TaskSpec()
    status: TaskStatus = TaskStatus()
    desired_state: str = ""
    created_at: str = ""
    updated_at: str = ""

    @property
    def state(self) -> str:
        """``new``, ``pending``, …, ``running``, ``complete``, ``failed``, ``shutdown``, …."""
        return self.status.state

    @property
    def running(self) -> bool:
        """Whether its container runs, as far as its node has told."""
        return self.state == "running"

    @property
    def over(self) -> bool:
        """Whether it will not run any more."""
        return self.state in _OVER

    @property
    def tty(self) -> bool:
        """Whether it has a terminal."""
        return self.spec.container_spec is not None and self.spec.container_spec.tty

    @property
    def container_id(self) -> str:
        """The ID of its container; empty before there is one."""
        return self.status.container_status.container_id

    @property
    def exit_code(self) -> int | None:
        """What its container ended with; None before that."""
        return self.status.container_status.exit_code if self.over and self.container_id else None


class NodeSpec(Answer, frozen=True):
    """What a node is to be: its labels, its role, whether it takes tasks."""

    name: str = ""
    labels: dict[str, str] | None = None
    role: str = ""
    availability: str = ""


class NodeDescription(Answer, frozen=True):
    """What a node says of itself."""

    hostname: str = ""


class NodeStatus(Answer, frozen=True):
    """Whether a node is there."""

    state: str = ""
    message: str = ""
    addr: str = ""


class Node(Answer, frozen=True):
    """``GET /nodes/{id}``: an engine of a swarm, as its manager knows it."""

    id: Identifier = msgspec.field(name="ID")
    spec: NodeSpec = NodeSpec()
    description: NodeDescription = NodeDescription()
    status: NodeStatus = NodeStatus()

    @property
    def name(self) -> str:
        """The name that it was given, else its host's, else its ID."""
        return self.spec.name or self.description.hostname or self.id

    @property
    def ready(self) -> bool:
        """Whether the manager hears of it."""
        return self.status.state == "ready"

    @property
    def manager(self) -> bool:
        """Whether it manages the swarm."""
        return self.spec.role == _MANAGES

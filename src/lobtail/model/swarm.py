"""What tells the task that wrote a message: details of a swarm's logs, labels of its containers."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from lobtail.errors import ProtocolError

__all__ = [
    "NODE_ID",
    "SERVICE_ID",
    "SERVICE_NAME",
    "STACK",
    "TASK_ID",
    "TASK_NAME",
    "TaskContext",
    "parse_context",
]

# moby, daemon/cluster/executor/container/container.go: the labels of a task's container. The IDs
# are also keys of the details (daemon/cluster/services.go).
NODE_ID: Final = "com.docker.swarm.node.id"
SERVICE_ID: Final = "com.docker.swarm.service.id"
SERVICE_NAME: Final = "com.docker.swarm.service.name"
TASK_ID: Final = "com.docker.swarm.task.id"
TASK_NAME: Final = "com.docker.swarm.task.name"
STACK: Final = "com.docker.stack.namespace"
"""Put by ``docker stack deploy`` on services and on their containers."""


class TaskContext(NamedTuple):
    """The IDs of what a message comes from."""

    node: str
    service: str
    task: str


def parse_context(details: bytes) -> tuple[TaskContext, dict[str, str]]:
    """Return what the details of a message of a swarm say: its task, and what else there is.

    Raises:
        ProtocolError: they are no details, or name no task.
    """
    pairs = {}
    for pair in details.decode("utf-8", "replace").split(","):
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise ProtocolError(f"a message of a swarm begins with no details: {details[:60]!r}")
        pairs[unquote_plus(key)] = unquote_plus(value)
    ids = [pairs.pop(key, "") for key in (NODE_ID, SERVICE_ID, TASK_ID)]
    if not all(ids):
        raise ProtocolError(f"the details of a message name no task of a swarm: {details[:60]!r}")
    return TaskContext(*ids), pairs

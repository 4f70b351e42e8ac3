"""Look up what a stream is to be read from, before it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import encode_filters
from lobtail.engine.objects.container import Container

# Containers need none of it.
if TYPE_CHECKING:
    from lobtail.engine.objects.swarm import Node, Service, Task

__all__ = [
    "inspect_container",
    "inspect_service",
    "inspect_task",
    "list_nodes",
    "list_tasks_of",
]


async def inspect_container(requests: Requests, container: str) -> Container:
    """Return all about a container, named by name, ID or the start of its ID."""
    name = segment(container.removeprefix("/"), "container")
    return await requests.fetch(f"/containers/{name}/json", Container)


async def inspect_service(requests: Requests, service: str) -> Service:
    """Return all about a service, named by name or ID."""
    from lobtail.engine.objects.swarm import Service

    return await requests.fetch(f"/services/{segment(service, 'service')}", Service)


async def inspect_task(requests: Requests, task: str) -> Task:
    """Return all about a task, named by ID."""
    from lobtail.engine.objects.swarm import Task

    return await requests.fetch(f"/tasks/{segment(task, 'task')}", Task)


async def list_tasks_of(requests: Requests, service_id: str) -> list[Task]:
    """Return the tasks of a service, also those that have ended."""
    from lobtail.engine.objects.swarm import Task

    query = encode_filters({"service": [service_id]})
    return await requests.fetch("/tasks", list[Task], query)


async def list_nodes(requests: Requests) -> list[Node]:
    """Return the nodes of the swarm."""
    from lobtail.engine.objects.swarm import Node

    return await requests.fetch("/nodes", list[Node])

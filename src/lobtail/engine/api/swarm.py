"""Services, tasks and nodes of a swarm, as its manager knows them.

Another engine answers 503, "This node is not a swarm manager.", which is an ``EngineError`` here.
A name is tried as a full ID, then as a full name, then as the beginning of an ID (moby,
``daemon/cluster/helpers.go``).
"""

from __future__ import annotations

from datetime import datetime

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Filters, encode_filters
from lobtail.engine.objects.swarm import Node, Service, Task
from lobtail.engine.streams.logs import LogOptions
from lobtail.engine.streams.lookup import inspect_service, inspect_task, list_tasks_of
from lobtail.engine.streams.swarm_logs import ServiceLogStream, TaskLogStream

__all__ = ["Nodes", "Services", "Tasks"]


class Services:
    """The services of a swarm: ``engine.services``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def tasks(self, service: str | Service) -> list[Task]:
        """List the tasks of a service: what runs, and what ran of late."""
        found = await self.inspect(service) if isinstance(service, str) else service
        return await list_tasks_of(self._requests, found.id)

    async def list(self, *, filters: Filters | None = None) -> list[Service]:
        """List the services.

        ``filters`` are the engine's own: ``id``, ``name`` (by their beginnings), ``label``,
        ``mode``.
        """
        return await self._requests.fetch("/services", list[Service], encode_filters(filters))

    async def inspect(self, service: str) -> Service:
        """Return all about a service.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several begin so, 503 if the
                engine manages no swarm.
        """
        return await inspect_service(self._requests, service)

    def logs(
        self,
        service: str | Service,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> ServiceLogStream:
        """Open the logs of all tasks of a service, wherever they run; see ``ServiceLogStream``.

        The arguments are those of ``Engine.logs``, but for ``tail``, which counts messages of
        each task, and must not be negative. The engine knows no ``until``: what is younger is sent,
        and left out here.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        return ServiceLogStream(
            self._requests,
            service,
            LogOptions.build(
                stdout=stdout,
                stderr=stderr,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                timestamps=timestamps,
                details=details,
            ),
        )


class Tasks:
    """The tasks of a swarm: ``engine.tasks``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def list(self, *, filters: Filters | None = None) -> list[Task]:
        """List the tasks, also those that are over, of which a swarm keeps a few.

        ``filters`` are the engine's own: ``id``, ``name``, ``service``, ``node``, ``label``,
        ``desired-state``.
        """
        return await self._requests.fetch("/tasks", list[Task], encode_filters(filters))

    async def inspect(self, task: str) -> Task:
        """Return all about a task.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        return await inspect_task(self._requests, task)

    def logs(
        self,
        task: str | Task,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> TaskLogStream:
        """Open the logs of one task, wherever it runs; as ``Services.logs``.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        return TaskLogStream(
            self._requests,
            task,
            LogOptions.build(
                stdout=stdout,
                stderr=stderr,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                timestamps=timestamps,
                details=details,
            ),
        )


class Nodes:
    """The nodes of a swarm: ``engine.nodes``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def list(self, *, filters: Filters | None = None) -> list[Node]:
        """List the nodes.

        ``filters`` are the engine's own: ``id``, ``name``, ``role``, ``node.label``, ….
        """
        return await self._requests.fetch("/nodes", list[Node], encode_filters(filters))

    async def inspect(self, node: str) -> Node:
        """Return all about a node; ``self`` names the engine's own.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        return await self._requests.fetch(f"/nodes/{segment(node, 'node')}", Node)

"""Services, tasks and nodes of a swarm, as its manager knows them.

Another engine answers 503, "This node is not a swarm manager.", which is an ``EngineError`` here.
A name is tried as a full ID, then as a full name, then as the beginning of an ID (moby,
``daemon/cluster/helpers.go``).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from lobtail.engine.logs import LogOptions
from lobtail.engine.models import Filters, decode, encode_filters
from lobtail.engine.requests import segment
from lobtail.engine.swarm_logs import ServiceLogStream, TaskLogStream
from lobtail.engine.swarm_models import Node, Service, Task

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["Nodes", "Services", "Tasks"]

T = TypeVar("T")


class Services:
    """The services of a swarm: ``engine.services``."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    async def tasks(self, service: str | Service) -> list[Task]:
        """List the tasks of a service: what runs, and what ran of late."""
        found = await self.inspect(service) if isinstance(service, str) else service
        return await self._engine.tasks.list(filters={"service": [found.id]})

    async def list(self, *, filters: Filters | None = None) -> list[Service]:
        """List the services.

        ``filters`` are the engine's own: ``id``, ``name`` (by their beginnings), ``label``,
        ``mode``.
        """
        return await _list(self._engine, "/services", filters, Service)

    async def inspect(self, service: str) -> Service:
        """Return all about a service.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several begin so, 503 if the
                engine manages no swarm.
        """
        target = f"/services/{segment(service, 'service')}"
        return decode(await self._engine.requests.get(target), Service, target)

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

        The arguments are those of ``EngineClient.logs``, but for ``tail``, which counts messages of
        each task, and must not be negative. The engine knows no ``until``: what is younger is sent,
        and left out here.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        return ServiceLogStream(
            self._engine,
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

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    async def list(self, *, filters: Filters | None = None) -> list[Task]:
        """List the tasks, also those that are over, of which a swarm keeps a few.

        ``filters`` are the engine's own: ``id``, ``name``, ``service``, ``node``, ``label``,
        ``desired-state``.
        """
        return await _list(self._engine, "/tasks", filters, Task)

    async def inspect(self, task: str) -> Task:
        """Return all about a task.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        target = f"/tasks/{segment(task, 'task')}"
        return decode(await self._engine.requests.get(target), Task, target)

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
            self._engine,
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

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    async def list(self, *, filters: Filters | None = None) -> list[Node]:
        """List the nodes.

        ``filters`` are the engine's own: ``id``, ``name``, ``role``, ``node.label``, ….
        """
        return await _list(self._engine, "/nodes", filters, Node)

    async def inspect(self, node: str) -> Node:
        """Return all about a node; ``self`` names the engine's own.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        target = f"/nodes/{segment(node, 'node')}"
        return decode(await self._engine.requests.get(target), Node, target)


async def _list(
    engine: EngineClient, target: str, filters: Filters | None, what: type[T]
) -> list[T]:
    answer = await engine.requests.get(target, encode_filters(filters))
    return decode(answer, list[what], target)  # type: ignore[valid-type]

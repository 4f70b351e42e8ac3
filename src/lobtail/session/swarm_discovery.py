"""Find the tasks of a swarm's services that run on other nodes than the engine's own.

Those on its own are containers like any other. There are no events of tasks, so the manager is
asked again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.follow.task import TaskLocation
from lobtail.model.items import ContainerRef
from lobtail.model.swarm import NODE_ID, SERVICE_ID, SERVICE_NAME, STACK, TASK_ID, TASK_NAME
from lobtail.query.selection import ContainerSelection

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.swarm import Node, Service, Task

__all__ = ["SwarmDiscovery"]


class SwarmDiscovery:
    """The tasks on other nodes that ``selection`` chooses.

    ``own`` is the ID of the engine's node, ``host`` how lines name the engine.
    """

    def __init__(
        self, engine: EngineClient, selection: ContainerSelection, own: str, host: str
    ) -> None:
        self._engine = engine
        self._selection = selection
        self._own = own
        self._host = host
        self._refs: dict[str, ContainerRef] = {}  # one object for all lines of a task

    async def look(self) -> dict[str, TaskLocation]:
        """Ask the manager; return the tasks that have, or had, a container, by their IDs."""
        engine = self._engine
        services = {service.id: service for service in await engine.services.list()}
        tasks = await self._tasks(services)
        nodes = {node.id: node for node in await engine.nodes.list()} if tasks else {}
        places: dict[str, TaskLocation] = {}
        for task in tasks:
            service = services.get(task.service_id)
            if service is None or task.node_id in ("", self._own) or not task.container_id:
                continue
            ref = self._ref(task, service, nodes.get(task.node_id))
            if self._selection.matches(ref):
                places[task.id] = TaskLocation(task, ref, nodes.get(task.node_id))
        self._refs = {key: place.ref for key, place in places.items()}
        return places

    async def _tasks(self, services: dict[str, Service]) -> list[Task]:
        selection, listed = self._selection, self._engine.tasks.list
        tasks: list[Task] = []
        wanted = [s.id for s in services.values() if selection.may_choose(s.name, s.stack)]
        if wanted:
            tasks += await listed(filters={"service": wanted})
        words = [selector.word for selector in selection.all_names if selector.may_be_task]
        if words:
            known = {task.id for task in tasks}
            tasks += [t for t in await listed(filters={"id": words}) if t.id not in known]
        return tasks

    def _ref(self, task: Task, service: Service, node: Node | None) -> ContainerRef:
        """Name a task as the engine of its node names its container."""
        if task.id in self._refs:
            return self._refs[task.id]
        spec = task.spec.container_spec
        name = f"{service.name}.{task.slot or task.node_id}.{task.id}"
        labels = {
            **((spec.labels if spec else None) or {}),
            NODE_ID: task.node_id,
            SERVICE_ID: service.id,
            SERVICE_NAME: service.name,
            TASK_ID: task.id,
            TASK_NAME: name,
        }
        place = task.node_id if node is None else node.name
        return ContainerRef(
            id=task.container_id,
            name=name,
            image=spec.image if spec else "",
            project=labels.get(STACK, "") or service.stack,
            service=service.name,
            labels=labels,
            host=f"{self._host}/{place}" if self._host else place,
        )

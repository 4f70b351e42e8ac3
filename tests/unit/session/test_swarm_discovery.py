"""Tasks on other nodes are found, followed to their ends, and told of when their nodes go away."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from lobtail.api import open_tail, tail_request
from lobtail.engine.objects.swarm import (
    ContainerStatus,
    Node,
    NodeDescription,
    NodeStatus,
    Service,
    ServiceSpec,
    SwarmContainer,
    Task,
    TaskSpec,
    TaskStatus,
)
from lobtail.engine.objects.system import Info, Swarm
from lobtail.errors import EngineError
from lobtail.model.items import Item, Line
from support.fake_client import FakeBox, FakeClient
from support.fake_clock import run_by_fake_clock

OWN, FAR, THIRD = "n1", "n2", "n3"


class Manager(FakeClient):
    """A manager whose service ``web`` has tasks on other nodes."""

    def __init__(self, *tasks: Task) -> None:
        super().__init__()
        self.found = {task.id: task for task in tasks}
        self.logs = {task.id: FakeBox(f"web.{task.slot}", str(task.slot)) for task in tasks}
        self.state = "ready"
        self.refusals = 0
        self.swarm = lambda info: replace(info, swarm=Swarm(node_id=OWN, control_available=True))
        self.services = SimpleNamespace(list=self._services)
        self.nodes = SimpleNamespace(list=self._nodes)
        self.tasks = SimpleNamespace(list=self._tasks, logs=self._task_logs)

    async def _services(self) -> list[Service]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refusals:
            self.refusals -= 1
            raise EngineError(503, "no leader")
        return [Service("s1", ServiceSpec("web", {"com.docker.stack.namespace": "shop"}))]

    async def _nodes(self) -> list[Node]:
        far = Node(FAR, description=NodeDescription("far"), status=NodeStatus(self.state))
        return [far]

    async def _tasks(self, *, filters: dict[str, list[str]]) -> list[Task]:
        asked = filters.get("service", []) + filters.get("id", [])
        return [*self.found.values()] if asked else []

    def _task_logs(self, task: Task, **options: Any) -> Any:
        return self._logs(SimpleNamespace(id=self.box(task).id), **options)  # type: ignore[arg-type]

    def box(self, task: Task) -> FakeBox:
        box = self.logs[task.id]
        self.boxes[box.id] = box
        return box

    async def _list(self, *, all: bool) -> list[Any]:
        return []


def task(number: int, *, node: str = FAR, state: str = "running", container: str = "c") -> Task:
    return Task(
        f"t{number}" * 10,
        "s1",
        node,
        slot=number,
        spec=TaskSpec(SwarmContainer("web:1", {"tier": "front"})),
        status=TaskStatus(
            "2026-01-01T00:00:00Z",
            state,
            container_status=ContainerStatus(container and f"{container}{number}" * 16),
        ),
    )


async def read(manager: Manager, enough: Any, *names: str, **options: Any) -> list[str]:
    request = tail_request(*names, tail="all", source="api", **options)
    found: list[str] = []
    async with asyncio.timeout(600), open_tail({"": (manager, request)}) as tail:  # type: ignore[dict-item]
        async for batch in tail.batches():
            found += map(word, batch)
            if enough(found):
                break
    return found


def word(item: Item) -> str:
    name = item.container.name.rpartition(".")[0]
    return f"{name} {item.text}" if isinstance(item, Line) else f"{name} -{item.kind}"


def test_tasks_on_other_nodes_are_read() -> None:
    manager = Manager(task(1), task(2, node=OWN), task(3, container=""), task(4, node=THIRD))
    found = run_by_fake_clock(read(manager, lambda _: False, "web", follow=False))
    assert "web.1 1" in found
    assert not {each for each in found if each.startswith(("web.2", "web.3"))}
    assert "web.4 -gap" in found  # its node is not known


def test_a_task_takes_the_place_of_another() -> None:
    first, second = task(1), task(2)
    manager = Manager(first, second)
    del manager.found[second.id]

    def step(found: list[str]) -> bool:
        if found == ["web.1 1"]:
            manager.box(first).stop(101)
            manager.found = {first.id: task(1, state="failed"), second.id: second}
            manager.refusals = 1
        return "web.2 2" in found

    found = run_by_fake_clock(read(manager, step, "web"))
    assert [each for each in found if each.startswith("web.2")] == ["web.2 -started", "web.2 2"]
    assert "web.1 -stopped" in found


def test_an_ended_task_is_read_where_none_runs() -> None:
    manager = Manager(task(1, state="failed"))
    found = run_by_fake_clock(read(manager, lambda _: False, "web", follow=False))
    assert found == ["web.1 1"]


def test_a_manager_that_does_not_answer_is_not_waited_for() -> None:
    manager = Manager(task(1))
    manager.hangs = False

    async def services() -> list[Service]:
        await asyncio.sleep(100)
        manager.services.list = manager._services
        return await manager._services()

    manager.services.list = services

    async def main() -> float:
        request = tail_request("web", source="api")
        async with open_tail({"": (manager, request)}) as tail:  # type: ignore[dict-item]
            assert tail.found == []
            return asyncio.get_running_loop().time()

    assert run_by_fake_clock(main()) <= 5
    assert isinstance(manager.swarm(Info()), Info)

"""An engine's client without an engine: containers that a test steers, in made-up time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Self

from lobtail.engine.objects.container import (
    Config,
    Container,
    ContainerSummary,
    HostConfig,
    LogConfig,
    State,
)
from lobtail.engine.objects.event import Actor, Event
from lobtail.engine.objects.system import Info
from lobtail.errors import EngineError
from lobtail.model.frames import Stream
from lobtail.model.records import Record
from lobtail.model.timestamps import format_rfc3339
from support.simulated import T0

__all__ = ["FakeBox", "FakeClient"]

S = 1_000_000_000


class FakeBox:
    """A container. Its lines are stamped by seconds after ``T0``: ``texts`` name theirs."""

    def __init__(self, name: str, *texts: str, running: bool = True, **labels: str) -> None:
        self.name = name
        self.id = (name.encode().hex() * 64)[:64]
        self.running = running
        self.labels = labels
        self.exit_code = 0
        self.started = -60.0
        self.ended: float | None = None if running else -1.0
        self.log: list[Record] = []
        self.inspecting: Callable[[], Awaitable[None]] | None = None
        """What an inspection awaits, or how it fails."""
        self.opening: Callable[[], Awaitable[None]] | None = None
        """What a request for the log awaits, or how it fails."""
        self.news = asyncio.Event()
        for text in texts:
            self.write(int(text) if text.isdecimal() else 0, text)

    def write(self, second: float, text: str) -> None:
        """Have a line in the log."""
        time_ns = T0 + round(second * S)
        self.log.append(Record(Stream.STDOUT, time_ns, text.encode()))
        self._tell()

    def stop(self, second: float, code: int = 0) -> None:
        """End its run."""
        self.running, self.exit_code, self.ended = False, code, second
        self._tell()

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    @property
    def container(self) -> Container:
        """What an inspection shows."""
        never = "0001-01-01T00:00:00Z"
        return Container(
            id=self.id,
            name=f"/{self.name}",
            config=Config(image="web:1", labels=self.labels),
            host_config=HostConfig(log_config=LogConfig("journald")),
            state=State(
                status="running" if self.running else "exited",
                running=self.running,
                exit_code=self.exit_code,
                started_at=format_rfc3339(T0 + round(self.started * S)),
                finished_at=never if self.ended is None else _stamp(self.ended),
            ),
        )

    @property
    def summary(self) -> ContainerSummary:
        """What a list shows."""
        state = "running" if self.running else "exited"
        names = [f"/{self.name}"]
        return ContainerSummary(
            id=self.id, names=names, image="web:1", state=state, labels=self.labels
        )


def _stamp(second: float) -> str:
    return format_rfc3339(T0 + round(second * S))


class _LogStream:
    def __init__(
        self, box: FakeBox | None, *, follow: bool, tail: str, since: int | None, **_: Any
    ) -> None:
        self.received = 0
        self.is_waiting = False
        self._box = box
        self._follow = follow
        self._tail = tail
        self._since = since
        self._is_closed = False

    async def __aenter__(self) -> Self:
        if self._box is None:
            raise EngineError(404, "no such container")
        if self._box.opening is not None:
            await self._box.opening()
        return self

    async def records(self) -> AsyncIterator[list[Record]]:
        assert self._box is not None
        place = 0
        while not self._is_closed:
            came = self._box.log[place:]
            place += len(came)
            records = [each for each in came if (each.time_ns or 0) >= (self._since or 0)]
            if self._tail != "all":
                records, self._tail = records[len(records) - int(self._tail) :], "all"
            if records:
                self.received += 1
                yield records
            if not (self._follow and self._box.running):
                return
            self.is_waiting = True
            if place == len(self._box.log):
                await self._box.news.wait()
            self.is_waiting = False

    def _close(self) -> None:
        self._is_closed = True
        if self._box is not None:
            self._box._tell()


class _EventStream:
    def __init__(self, client: FakeClient) -> None:
        self._client = client

    async def __aenter__(self) -> Self:
        await self._client.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self._client.happened.get()
            if isinstance(event, Exception):
                raise event
            yield event


class FakeClient:
    """What the session asks of an ``EngineClient``."""

    timeout = 15.0

    def __init__(self, *boxes: FakeBox, kind: str = "unix") -> None:
        self.boxes = {box.id: box for box in boxes}
        self.failure: Exception | None = None
        """What every request raises."""
        self.hangs = False
        """Whether no request is answered."""
        self.happened: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self.endpoint: Any = SimpleNamespace(kind=kind)
        self.system_time = ""
        self.asked: list[str] = []
        self.containers: Any = SimpleNamespace(
            list=self._list, inspect=self._inspect, logs=self._logs
        )
        self.swarm: Any = None

    async def check(self) -> None:
        """Fail as it is said to."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    def happen(self, box: FakeBox, action: str, second: float, **attributes: str) -> None:
        """Publish an event."""
        attributes = {"name": box.name, **box.labels, **attributes}
        time_ns = T0 + round(second * S)
        self.happened.put_nowait(
            Event("container", action, Actor(box.id, attributes), time_nano=time_ns)
        )

    async def is_podman(self) -> bool:
        await self.check()
        return False

    async def api_version(self) -> tuple[int, int]:
        await self.check()
        return 1, 45

    async def info(self) -> Info:
        await self.check()
        info = Info(system_time=self.system_time)
        return info if self.swarm is None else self.swarm(info)

    async def ping(self) -> None:
        await self.check()

    def events(self, **_: Any) -> _EventStream:
        return _EventStream(self)

    async def _list(self, *, all: bool) -> list[ContainerSummary]:
        self.asked.append("list")
        await self.check()
        return [box.summary for box in self.boxes.values() if all or box.running]

    async def _inspect(self, identifier: str) -> Container:
        self.asked.append("inspect")
        await self.check()
        box = self.boxes.get(identifier)
        if box is None:
            raise EngineError(404, "no such container")
        if box.inspecting is not None:
            await box.inspecting()
        return box.container

    def _logs(self, container: Container, **options: Any) -> _LogStream:
        return _LogStream(self.boxes.get(container.id), **options)

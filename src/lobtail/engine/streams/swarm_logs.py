"""Read the logs of a service or of a task, which its nodes send by way of the manager.

They differ from a container's (moby, ``daemon/cluster/services.go`` and swarmkit's
``manager/logbroker``):

- With ``details`` each message names its node, service and task, beside what the log driver keeps.
- The messages of several tasks come in no order; those of one task in its own.
- With ``follow`` they never end, also when all tasks have, and tasks that start later join. A node
  that comes back sends everything again from ``since`` on.
- A node that is away ends a log that is not followed with an error, behind all that the others
  sent; a followed one is silent about it.
- A node sends at most 10 MB a second of each task.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.swarm import Service, Task
from lobtail.engine.streams.logs import UNTIL_GRACE_NS, FrameStream, LogOptions
from lobtail.engine.streams.lookup import inspect_service, inspect_task, list_nodes, list_tasks_of
from lobtail.errors import ConnectionLostError, EngineError, EngineStreamError
from lobtail.model.frames import Frame
from lobtail.model.records import Record, stamp_of
from lobtail.model.tty import TtySplitter

__all__ = ["ServiceLogStream", "SwarmLogStream", "TaskLogStream"]

# After which part of the engine's timeout a silent log is asked why. A manager takes 15 s to notice
# that a node does not answer.
ASK_AFTER: Final = 1 / 4


class SwarmLogStream(FrameStream):
    """A log that comes from several nodes: frames, as they come.

    How it is read, and what it raises, is described in ``FrameStream``. ``EngineStreamError``
    says at the end which nodes have not answered; also where the manager itself would wait for
    them, for ever.
    """

    def __init__(self, requests: Requests, options: LogOptions) -> None:
        self._until = options.until
        self._stamped = options.timestamps
        if self._until is not None:
            # Managers know no `until`; only a message's stamp tells.
            options = replace(options, timestamps=True)
        super().__init__(requests, options)

    async def _frames(self, *, joined: bool) -> AsyncGenerator[list[Frame], None]:
        until = self._until
        if until is None:
            async for frames in super()._frames(joined=joined):
                yield frames
            return
        splitter = None
        async for frames in super()._frames(joined=False):
            if not self.multiplexed:
                splitter = splitter or TtySplitter(details=self.details)
                frames = [message for frame in frames for message in splitter.feed(frame.payload)]
            if kept := self._kept(frames, until):
                yield kept
            if self._is_over(until):
                self._close()
                return
        if splitter is not None and (kept := self._kept(splitter.flush(), until)):
            yield kept

    async def records(self) -> AsyncGenerator[list[Record], None]:
        """Iterate over lists of records, of a log that was asked for with timestamps."""
        until = self._until
        async for records in super().records():
            yield (
                records
                if until is None
                else [
                    record
                    for record in records
                    if record.time_ns is None or record.time_ns <= until
                ]
            )
            if until is not None and self._is_over(until):
                self._close()
                return

    def _is_over(self, until: int) -> bool:
        return self._options.follow and time.time_ns() > until + UNTIL_GRACE_NS

    async def _batch(self) -> list[bytes] | None:
        if self._options.follow or self._response is None or self._decoder.mid_frame:
            return await super()._batch()
        # The manager goes on waiting for a node that does not answer but has not hung up.
        seconds, waited = self._requests.timeout * ASK_AFTER, 0.0
        while True:
            try:
                return await self._response.batch(seconds)
            except TimeoutError as exc:
                waited += seconds
                if away := await self._away():
                    raise EngineStreamError(
                        f"warning: incomplete log stream: {', '.join(away)} "
                        f"{'does' if len(away) == 1 else 'do'} not answer"
                    ) from exc
                if waited >= self._requests.work_timeout:
                    raise ConnectionLostError(
                        f"the engine at {self._requests.endpoint} fell silent in mid-log for "
                        f"{waited:g} s"
                    ) from exc

    async def _away(self) -> list[str]:
        """Return which of the nodes that have the log its manager does not hear of."""
        with suppress(EngineError):
            nodes = {node.id: node for node in await list_nodes(self._requests)}
            wanted = {task.node_id for task in await self._of()} & nodes.keys()
            return sorted(f"node {nodes[key].name}" for key in wanted if not nodes[key].ready)
        return []

    @abstractmethod
    async def _of(self) -> list[Task]:
        """Return the tasks whose logs these are."""

    def _kept(self, messages: list[Frame], until: int) -> list[Frame]:
        kept = [m for m in messages if (stamp := stamp_of(m)) is None or stamp <= until]
        if self._stamped:
            return kept
        return [Frame(m.stream, m.payload[m.payload.find(b" ") + 1 :]) for m in kept]


class ServiceLogStream(SwarmLogStream):
    """The logs of all tasks of a service."""

    def __init__(self, requests: Requests, service: str | Service, options: LogOptions) -> None:
        super().__init__(requests, options)
        self._named = service
        self._service: Service | None = None

    @property
    def service(self) -> Service:
        """What the manager said of the service when the stream was opened."""
        if self._service is None:
            raise RuntimeError("the log stream is not open yet: enter it with 'async with'")
        return self._service

    async def _locate(self) -> tuple[str, bool]:
        service = self._named
        if isinstance(service, str):
            service = await inspect_service(self._requests, service)
        self._service = service
        return f"/services/{segment(service.id, 'service')}/logs", service.tty

    async def _of(self) -> list[Task]:
        return await list_tasks_of(self._requests, self.service.id)


class TaskLogStream(SwarmLogStream):
    """The logs of one task."""

    def __init__(self, requests: Requests, task: str | Task, options: LogOptions) -> None:
        super().__init__(requests, options)
        self._named = task
        self._task: Task | None = None

    @property
    def task(self) -> Task:
        """What the manager said of the task when the stream was opened."""
        if self._task is None:
            raise RuntimeError("the log stream is not open yet: enter it with 'async with'")
        return self._task

    async def _locate(self) -> tuple[str, bool]:
        task = self._named
        if isinstance(task, str):
            task = await inspect_task(self._requests, task)
        self._task = task
        return f"/tasks/{segment(task.id, 'task')}/logs", task.tty

    async def _of(self) -> list[Task]:
        return [await inspect_task(self._requests, self.task.id)]

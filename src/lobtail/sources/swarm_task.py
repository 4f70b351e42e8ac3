"""The log of a task that runs on another node of a swarm, by way of the manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from msgspec.structs import replace

from lobtail.errors import ConnectionLostError, EngineError, EngineStreamError, LogFileError
from lobtail.files.records import MissingRecords
from lobtail.model.records import Record
from lobtail.model.resume import WINDOW_NS
from lobtail.model.swarm import NODE_ID, SERVICE_ID, TASK_ID
from lobtail.sources.api import RESTAMPING, ApiStream
from lobtail.sources.base import LogRequest, Traits

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.swarm import Task
    from lobtail.sources.base import Batch, FileLog

__all__ = ["TaskSource", "task_traits"]

# swarmkit, manager/logbroker/subscription.go
_REASONS: Final = "for the following reasons: "
# Keys and values of the details are query-escaped: letters, digits and points stay as they are.
_OWN: Final = tuple(f"{key}=".encode() for key in (NODE_ID, SERVICE_ID, TASK_ID))


def task_traits(engine: EngineClient, task: Task) -> Traits:
    """Say what is peculiar to the log of a task: its node keeps it, which is not asked."""
    driver = task.spec.log_driver.name if task.spec.log_driver is not None else ""
    return Traits(
        our_clock=engine.endpoint.kind == "unix",
        timeout=engine.timeout,
        restamped=driver in RESTAMPING,
        replays=True,
    )


class TaskSource:
    """The log of one task. ``node`` is the name of the node that it runs on, ``name`` its own."""

    def __init__(
        self, engine: EngineClient, task: Task, name: str, node: str, *, details: bool
    ) -> None:
        self._engine = engine
        self._task = task
        self._name = name
        self._details = details
        self.node = node
        self.newest_ns: int | None = None
        """The newest stamp that has come."""
        self.turned_at: tuple[int, int] | None = (0, 0)
        """At what time the log last began anew, and ``newest_ns`` then; None where that says
        nothing."""

    async def open_files(self, *, follow: bool) -> FileLog:  # noqa: ARG002 - as other sources
        """Raise LogFileError: the files are on another machine."""
        raise LogFileError(f"{self._name} runs on node {self.node}, whose files are not here")

    async def open(self, request: LogRequest) -> TaskStream:
        """Ask the manager for the log. One without a leader has lost its connection."""
        stream = self._engine.tasks.logs(
            self._task,
            follow=request.follow,
            tail=request.tail,
            since=request.since,
            until=request.until,
            timestamps=True,
            details=self._details,
        )
        try:
            await stream.__aenter__()
        except EngineError as exc:
            _raise(exc)
        return TaskStream(ApiStream(stream, live=request.follow), self, request, self._details)

    def reason(self, error: EngineStreamError) -> str:
        """Return why a node does not answer."""
        return error.message.rpartition(_REASONS)[2].replace(self._task.node_id, self.node)


class TaskStream:
    """A stream of a task's log."""

    has_more = False

    def __init__(
        self, stream: ApiStream, source: TaskSource, request: LogRequest, details: bool
    ) -> None:
        self._stream = stream
        self._source = source
        self._live = request.follow
        self._details = details
        self._ended = False

    @property
    def received(self) -> int:
        """How many batches with any text have come."""
        return self._stream.received

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the engine."""
        return self._stream.is_waiting

    async def read(self) -> Batch | None:
        """Return the next batch; None at the clean end, or when it was closed.

        A node that does not answer is ``MissingRecords`` at the end of a stream that is not
        followed: the manager has nothing more to give.
        """
        source = self._source
        if self._ended:
            return None
        try:
            batch = await self._stream.read()
        except EngineStreamError as exc:
            if self._live:
                raise
            self._ended = True  # it comes behind all that there was; asking again gives the same
            return MissingRecords(source.node, source.reason(exc))
        except EngineError as exc:
            _raise(exc)
        if batch is None:
            return None
        if self._live:
            self._check_direction(batch)
        times = [each.time_ns or 0 for each in (batch[0], batch[-1])]
        source.newest_ns = max(*times, source.newest_ns or 0) or None
        return [_without_ids(record) for record in batch] if self._details else batch

    def close(self) -> None:
        """End it at once."""
        self._stream.close()

    def _check_direction(self, batch: list[Record]) -> None:
        """See whether a log begins anew in mid-stream.

        A node that loses its manager for a moment sends all that the stream has sent again. What
        lies further back than the window is no disorder of two goroutines.
        """
        source = self._source
        newest = source.newest_ns
        if newest is None or source.turned_at is None:
            return
        floor = newest - WINDOW_NS
        first = min((each.time_ns for each in batch if each.time_ns is not None), default=floor)
        if first >= floor:
            return
        if source.turned_at == (first, newest):
            # It does so without having been sent anew: the node's clock was set back.
            source.turned_at = None
            return
        source.turned_at = first, newest
        raise ConnectionLostError(f"node {source.node} began to send its log again")


def _raise(error: EngineError) -> NoReturn:
    if error.status < 500:
        raise error
    # A swarm without a leader finds another.
    raise ConnectionLostError(error.message) from error


def _without_ids(record: Record) -> Record:
    """Take the IDs out of the details of a record: they are the container's."""
    pairs = record.details.split(b",")
    return replace(record, details=b",".join(pair for pair in pairs if not pair.startswith(_OWN)))

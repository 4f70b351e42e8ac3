"""Read the log of a task that runs on another node of a swarm, by way of the manager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from lobtail.core.frames import Frame
from lobtail.core.model import ContainerRef
from lobtail.core.resume import WINDOW_NS
from lobtail.core.swarm import NODE_ID, SERVICE_ID, TASK_ID
from lobtail.engine.models import Config, Container, HostConfig, LogConfig
from lobtail.errors import ConnectionLostError, EngineError, EngineStreamError, LogFileError
from lobtail.files.span import stamp_text
from lobtail.reading.intake import RESTAMPING, FollowOptions, Sink, messages_in
from lobtail.reading.reader import LogReader
from lobtail.reading.source import Tell
from lobtail.reading.turn import Turn

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import FrameStream
    from lobtail.engine.swarm_models import Task

__all__ = ["TaskReader"]

# swarmkit, manager/logbroker/subscription.go
_REASONS: Final = "for the following reasons: "
# Keys and values of the details are query-escaped: letters, digits and points stay as they are.
_Z: Final = b"Z "
_OWN: Final = tuple(f"{key}=".encode() for key in (NODE_ID, SERVICE_ID, TASK_ID))


class TaskReader(LogReader):
    """Reads the log of one task into ``sink``, each message once.

    ``node`` is the name of the node that it runs on. The rest is as for ``LogReader``, but that a
    node which does not answer makes a ``Gap``: the manager has nothing more to give.
    """

    def __init__(
        self,
        engine: EngineClient,
        task: Task,
        ref: ContainerRef,
        node: str,
        options: FollowOptions,
        sink: Sink,
        *,
        turn: Turn,
        now: Callable[[], int],
        tell: Tell | None = None,
    ) -> None:
        # How its node keeps the log matters only where the pieces of a line differ by it.
        driver = task.spec.log_driver.name if task.spec.log_driver is not None else ""
        kept = LogConfig(type=driver if driver in RESTAMPING else "")
        super().__init__(
            engine,
            Container(
                id=task.container_id,
                config=Config(tty=task.tty),
                host_config=HostConfig(log_config=kept),
            ),
            ref,
            options,
            sink,
            turn=turn,
            now=now,
            before_live=_nothing,
            replays=True,
            tell=tell,
        )
        self._task = task
        self._node = node
        self._turned_at: int | None = -1  # messages received when a log last began anew

    async def _history_from_files(self) -> bool:
        if self._options.source == "files":
            raise LogFileError(
                f"`source` files: {self._intake.ref.name} runs on node {self._node}, whose files "
                "are not here"
            )
        if self._tell is not None:
            name = self._intake.ref.name
            self._tell(f"lobtail: {name}: history from the API: it runs on node {self._node}")
        return False

    async def _read(self, *, follow: bool, cut: Exception | None, until: int | None) -> None:
        try:
            await super()._read(follow=follow, cut=cut, until=until)
        except EngineStreamError as exc:
            if follow:
                raise
            # It comes behind all that there was; asking again gives the same.
            reason = exc.message.rpartition(_REASONS)[2]
            await self._intake.gap(reason.replace(self._task.node_id, self._node))
        except EngineError as exc:
            if exc.status < 500:
                raise
            # A swarm without a leader finds another.
            raise ConnectionLostError(exc.message) from exc

    def _stream(
        self, *, follow: bool, tail: str, since: int | None, until: int | None
    ) -> FrameStream:
        return self._engine.tasks.logs(
            self._task,
            follow=follow,
            tail=tail,
            since=since,
            until=until,
            timestamps=True,
            details=self._options.details,
        )

    async def _messages(self, stream: FrameStream, *, live: bool) -> AsyncIterator[list[Frame]]:
        async for batch in messages_in(stream):
            if live:
                self._check_direction(batch)
            yield [_without_ids(message) for message in batch] if stream.details else batch

    def _check_direction(self, batch: list[Frame]) -> None:
        """See whether a log begins anew in mid-stream.

        A node that loses its manager for a moment sends all that the stream has sent again. What
        lies further back than the window is no disorder of two goroutines.
        """
        newest = self._memory.newest_ns
        if newest is None or self._turned_at is None:
            return
        floor = stamp_text(newest - WINDOW_NS)
        stamps = [message.payload[:30] for message in batch if message.payload[29:31] == _Z]
        if not stamps or min(stamps) >= floor:
            return
        if self._turned_at == self._memory.received:
            # It does so without having been sent anew: the node's clock was set back.
            self._turned_at = None
            return
        self._turned_at = self._memory.received
        raise ConnectionLostError(f"node {self._node} began to send its log again")


def _without_ids(message: Frame) -> Frame:
    """Take the IDs out of the details of a message: they are the container's."""
    stamp, _, rest = message.payload.partition(b" ")
    details, _, text = rest.partition(b" ")
    kept = b",".join(pair for pair in details.split(b",") if not pair.startswith(_OWN))
    return Frame(message.stream, b"%b %b %b" % (stamp, kept, text))


async def _nothing(newest_ns: int | None) -> None:
    """Do nothing before live messages: a task has one run."""

"""Follow one task of a swarm on another node: its one run, through cuts and absences of its node.

What the manager knows of it comes from looks that another takes (``lobtail.remote``), for there are
no events of tasks. A restart is another task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.core.model import ContainerRef, Gap, Item, Removed, Started, Stopped
from lobtail.core.timestamps import parse_go_time
from lobtail.errors import ConnectionLostError, EngineError
from lobtail.reading.intake import FollowOptions, Sink
from lobtail.reading.patience import read_history
from lobtail.reading.source import Tell
from lobtail.reading.task import TaskReader
from lobtail.reading.turn import Turn
from lobtail.retry import Failures, back_off

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.swarm_models import Node, Task

__all__ = ["Place", "TaskFollower"]

REMOVED: Final = "the task was removed before its log was read to the end"


class Place(NamedTuple):
    """A task, and where it runs, as of the last look."""

    task: Task
    ref: ContainerRef
    node: Node | None
    """None if the swarm does not know it any more."""

    @property
    def node_name(self) -> str:
        """The name of its node."""
        return self.task.node_id if self.node is None else self.node.name

    @property
    def away(self) -> str:
        """Why its node does not answer; nothing if it does."""
        if self.node is None:
            return f"node {self.node_name} has left the swarm"
        return "" if self.node.ready else f"node {self.node_name} is {self.node.status.state}"


class TaskFollower:
    """Follows one task and hands its items on to ``sink``, which may make it wait.

    The arguments are those of ``Follower``. ``saw`` is to be called after each look.
    """

    def __init__(
        self,
        engine: EngineClient,
        place: Place,
        options: FollowOptions,
        sink: Sink,
        *,
        set_live: Callable[[bool], None],
        turn: Turn,
        now: Callable[[], int],
        tell: Tell | None = None,
    ) -> None:
        self._place = place
        self._options = options
        self._set_live = set_live
        self._now = now
        self._reader = TaskReader(
            engine,
            place.task,
            place.ref,
            place.node_name,
            options,
            sink,
            turn=turn,
            now=now,
            tell=tell,
        )
        self._intake = self._reader.intake
        self._changed = asyncio.Event()
        self._gone = False
        self._away = False  # whether that was told
        self._failures = Failures()

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._place.ref

    def saw(self, place: Place | None) -> None:
        """Take what the last look shows; None if the swarm has forgotten the task."""
        if place is None:
            self._gone = True
        else:
            self._place = place
        self._changed.set()

    async def run(self, *, joined: bool = False) -> None:
        """Read until the task has ended, or its log's end if it is not followed.

        ``joined`` says that it started while others were already followed.
        """
        finish = self._intake.finish
        task = self._place.task
        ended = task.over
        try:
            if joined:
                began = parse_go_time(task.status.timestamp) if task.running else None
                await finish(Started(self.ref, began))
            if not await self._await_node():
                return
            await read_history(self._reader, self._set_live)
            await finish()
            if not self._options.follow:
                return
            self._set_live(True)
            if not ended:
                await self._follow()
            if joined or not ended:
                await finish(*self._last_marks())
        except EngineError as exc:
            if exc.status in (404, 409):
                self._gone = True
                lost = [] if self._reader.read_ns else [Gap(self.ref, None, REMOVED)]
                follow = self._options.follow
                await finish(*lost, *(self._last_marks() if follow else [Removed(self.ref, None)]))
            else:
                await finish(Gap(self.ref, None, exc.message))
        finally:
            self._reader.close()

    def _last_marks(self) -> list[Item]:
        task = self._place.task
        marks: list[Item] = []
        if task.over:
            marks.append(Stopped(self.ref, parse_go_time(task.status.timestamp), task.exit_code))
        if self._gone:
            marks.append(Removed(self.ref, None))
        return marks

    async def _await_node(self) -> bool:
        """Wait for the node if it is away; return whether there is something to read now."""
        if not self._place.away:
            return True
        await self._tell_away()
        if not self._options.follow:
            return False
        self._set_live(True)  # others need not wait for it
        while self._place.away and not self._over:
            self._changed.clear()
            await self._changed.wait()
        self._away = False
        return not self._over

    @property
    def _over(self) -> bool:
        return self._gone or self._place.task.over

    async def _tell_away(self) -> None:
        self._away = True
        await self._intake.gap(self._place.away)

    async def _follow(self) -> None:
        """Follow until the task is over, then read once more what a stream may have missed."""
        cut: ConnectionLostError | None = None
        while not self._over:
            until = self._options.until
            if until is not None and self._now() > until:
                return
            cut = await self._live(cut)
        if not self._gone and not self._place.away:
            await self._reader.catch_up(None)

    async def _live(self, cut: ConnectionLostError | None) -> ConnectionLostError | None:
        """Follow one stream; return why it is to be opened anew, None if it need not be."""
        self._failures.answered()
        live = asyncio.create_task(self._reader.live(cut))
        try:
            while not self._over:
                self._changed.clear()
                changed = asyncio.create_task(self._changed.wait())
                try:
                    await asyncio.wait({live, changed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                if live.done():
                    live.result()
                    await back_off(self._failures.failed())
                    return ConnectionLostError("the engine ended the stream in mid-run")
                if self._place.away and not self._away:
                    await self._tell_away()
                elif self._away and not self._place.away:
                    self._away = False
                    return ConnectionLostError(f"node {self._place.node_name} was away")
            return None
        finally:
            live.cancel()
            await asyncio.gather(live, return_exceptions=True)

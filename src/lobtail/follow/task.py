"""Follow one task of a swarm on another node: its one run, through cuts and absences of its node.

What the manager knows of it comes from looks that another takes (``session.swarm_discovery``), for
there are no events of tasks. A restart is another task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import ConnectionLostError, EngineError
from lobtail.follow.intake import Clock, Intake
from lobtail.follow.patience import read_history
from lobtail.follow.position import KnownLines, Reached
from lobtail.follow.reader import LogReader
from lobtail.follow.steps import BackOff, First, Live, Steps, Wait
from lobtail.model.items import ContainerRef, Gap, Item, Removed, Started, Stopped
from lobtail.model.timestamps import parse_go_time
from lobtail.retry import Failures

if TYPE_CHECKING:
    from lobtail.engine.objects.swarm import Node, Task
    from lobtail.follow.options import FollowOptions
    from lobtail.follow.position import LogPosition
    from lobtail.sources.base import Traits

__all__ = ["TaskLocation", "TaskMachine"]

REMOVED: Final = "the task was removed before its log was read to the end"


class TaskLocation(NamedTuple):
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


class TaskMachine:
    """The log of one task. The arguments are those of ``LogMachine``."""

    def __init__(
        self,
        location: TaskLocation,
        options: FollowOptions,
        traits: Traits,
        clock: Clock,
        *,
        position: LogPosition | None = None,
    ) -> None:
        known = None if position is None else KnownLines(position)
        if known is not None:
            options = known.narrow(options)
        self._is_resumed = position is not None
        self._told_end = position is not None and position.is_over
        self._location = location
        self._options = options
        self._clock = clock
        self._intake = Intake(
            location.ref,
            clock,
            streams=options.streams,
            restamped=traits.restamped,
            replays=traits.replays and options.follow,
            known=known,
        )
        self._reader = LogReader(self._intake, options, traits, clock)
        self._is_gone = False
        self._told_away = False
        self._failures = Failures(clock.monotonic)

    @property
    def ref(self) -> ContainerRef:
        """How the lines name the container."""
        return self._location.ref

    def saw(self, location: TaskLocation | None) -> None:
        """Take what the last look shows; None if the swarm has forgotten the task.

        The routines that wait are to be woken then.
        """
        if location is None:
            self._is_gone = True
        else:
            self._location = location

    def reached(self, waiting_ns: int | None) -> Reached:
        """Return how far the log is read: as ``LogMachine.reached``."""
        return Reached(self.ref, self._reader.begins_ns(waiting_ns), None, self._told_end)

    def close(self) -> None:
        """Close what is open: nothing is."""

    def run(self, *, joined: bool = False) -> Steps[None]:
        """Read until the task has ended, or its log's end if it is not followed.

        ``joined`` says that it started while others were already followed.
        """
        finish, follow = self._intake.finish, self._options.follow
        task = self._location.task
        ended = task.over
        try:
            if joined:
                began = parse_go_time(task.status.timestamp) if task.running else None
                yield from finish(Started(self.ref, began))
            if not (yield from self._await_node()):
                return
            yield from read_history(self._reader, self._clock)
            yield from self._intake.end_known()
            yield from finish()
            if not follow:
                return
            yield Live()
            if not ended:
                yield from self._follow()
            if joined or not ended or (self._is_resumed and not self._told_end):
                yield from finish(*self._last_marks())
        except EngineError as exc:
            if exc.status not in (404, 409):
                yield from finish(Gap(self.ref, None, exc.message))
                return
            self._is_gone = True
            lost = [] if self._reader.read_ns else [Gap(self.ref, None, REMOVED)]
            marks = self._last_marks() if follow else [Removed(self.ref, None)]
            yield from finish(*lost, *marks)

    def _last_marks(self) -> list[Item]:
        task = self._location.task
        marks: list[Item] = []
        if task.over:
            marks.append(Stopped(self.ref, parse_go_time(task.status.timestamp), task.exit_code))
        if self._is_gone:
            marks.append(Removed(self.ref, None))
        return marks

    def _await_node(self) -> Steps[bool]:
        """Wait for the node if it is away; return whether there is something to read now."""
        if not self._location.away:
            return True
        yield from self._tell_away()
        if not self._options.follow:
            return False
        yield Live()  # others need not wait for it
        while self._location.away and not self._is_over:
            yield Wait()
        self._told_away = False
        return not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._is_gone or self._location.task.over

    def _tell_away(self) -> Steps[None]:
        self._told_away = True
        yield from self._intake.gap(self._location.away)

    def _follow(self) -> Steps[None]:
        """Follow until the task is over, then read once more what a stream may have missed."""
        cut: ConnectionLostError | None = None
        while not self._is_over:
            until = self._options.until
            if until is not None and self._clock.engine_ns > until:
                return
            self._failures.answered()
            live, why = yield First((self._reader.live(cut), self._heed_node()))
            if live == 0:
                yield BackOff(self._failures.failed())
                why = ConnectionLostError("the engine ended the stream in mid-run")
            cut = why
        if not self._is_gone and not self._location.away:
            yield from self._reader.catch_up(None)

    def _heed_node(self) -> Steps[ConnectionLostError | None]:
        """Return when a stream is of no use any more: why it is to be opened anew, if it is."""
        while not self._is_over:
            if self._location.away and not self._told_away:
                yield from self._tell_away()
            elif self._told_away and not self._location.away:
                self._told_away = False
                return ConnectionLostError(f"node {self._location.node_name} was away")
            else:
                yield Wait()
        return None

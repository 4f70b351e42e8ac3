"""The life of a task's log: its one run, whether its node answers, and what the swarm forgets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lobtail.engine.objects.swarm import Node, Task
from lobtail.errors import EngineError
from lobtail.files.records import MissingRecords
from lobtail.follow.options import FollowOptions
from lobtail.follow.position import LogPosition, Positions
from lobtail.follow.task import REMOVED, TaskLocation, TaskMachine
from lobtail.model.frames import Stream
from lobtail.model.items import Line
from lobtail.sources.base import Traits
from support.engine_model import WEB, EngineModel, words
from support.simulated import T0

NODE_AWAY = "gap: node worker is down"
OPTIONS = FollowOptions()
ONCE = FollowOptions(follow=False)


def location(
    state: str = "running", *, node: str | None = "ready", at: int = 0, code: int = 0
) -> TaskLocation:
    """Return a task in a state that it has had since a second, on a node in another."""
    status = {
        "State": state,
        "Timestamp": f"2026-01-01T00:00:{at:02}Z",
        "ContainerStatus": {"ContainerID": "c" * 64, "ExitCode": code},
    }
    task = msgspec.convert({"ID": "t", "NodeID": "n", "Status": status}, Task)
    known: dict[str, Any] = {"ID": "n", "Spec": {"Name": "worker"}, "Status": {"State": node}}
    return TaskLocation(task, WEB, None if node is None else msgspec.convert(known, Node))


class TaskLog(EngineModel):
    """A task's log, and what looks at the swarm show."""

    def __init__(self) -> None:
        super().__init__(Traits(replays=True))
        self.task: TaskMachine | None = None
        self.start(0)

    def seen(self, at: float, where: TaskLocation | None) -> None:
        """Have a look show something."""

        def see() -> None:
            if self.task is not None:
                self.task.saw(where)
                self.simulation.wake()

        self.at(at, see)

    def read_task(
        self,
        where: TaskLocation,
        options: FollowOptions = OPTIONS,
        *,
        joined: bool = False,
        until: float = 100,
        position: LogPosition | None = None,
    ) -> list[str]:
        simulation = self.simulation
        simulation.run_until(0.5)
        self.task = TaskMachine(where, options, self.traits, simulation.clock, position=position)
        assert self.task.ref == WEB
        simulation.start(self._whole(self.task, joined))
        simulation.run_until(until)
        self.task.close()
        return words(simulation.items)

    def _whole(self, task: TaskMachine, joined: bool) -> Any:
        yield from task.run(joined=joined)
        self.ended_at = self.simulation.now


@pytest.mark.parametrize("seen", [4.9, 6])
def test_it_is_followed_to_its_end(seen: float) -> None:
    log = TaskLog()
    log.write(0.1, "zero")
    log.write(1, "one")
    # What a look shows first is read once more.
    log.write(4, "two", end="", live=seen > 5)
    log.die(5)
    log.seen(seen, location("failed", at=5, code=3))
    assert log.read_task(location()) == ["zero", "one", "two~", "stopped 5 code 3"]
    assert log.lives == [True]
    assert log.ended_at is not None


def test_one_that_joins_is_told_of_and_so_is_its_end() -> None:
    log = TaskLog()
    log.write(0.1, "zero")
    log.die(0.2)
    found = log.read_task(location("complete", at=0), joined=True)
    assert found == ["started ?", "zero", "stopped 0 code 0"]
    log = TaskLog()
    log.write(1, "one")
    assert log.read_task(location("running", at=0), joined=True) == ["started 0", "one"]


def test_of_one_that_was_over_before_only_the_lines_are_shown() -> None:
    log = TaskLog()
    log.write(0.1, "zero")
    log.die(0.2)
    assert log.read_task(location("failed", code=1)) == ["zero"]


def test_what_is_not_followed_ends_with_its_history() -> None:
    log = TaskLog()
    log.write(0.1, "zero", "half", end="\n")
    log.write(0.2, "half", end="")
    assert log.read_task(location(), ONCE) == ["zero", "half", "half~"]
    assert log.ended_at is not None


def test_a_node_that_is_away_is_waited_for_only_by_those_who_follow() -> None:
    log = TaskLog()
    log.write(0.1, "zero")
    assert log.read_task(location(node="down"), ONCE) == [NODE_AWAY]
    log = TaskLog()
    log.write(0.1, "zero")
    log.seen(5, location())
    assert log.read_task(location(node="down")) == [NODE_AWAY, "zero"]
    assert log.lives[0]


def test_a_task_that_is_over_before_its_node_comes_back() -> None:
    log = TaskLog()
    log.seen(5, location("failed", node="down"))
    assert log.read_task(location(node="down")) == [NODE_AWAY]
    assert log.ended_at is not None
    log = TaskLog()
    log.seen(5, None)
    assert log.read_task(location(node=None)) == ["gap: node n has left the swarm"]
    assert log.ended_at is not None


def test_a_node_that_goes_and_comes_back_is_read_anew() -> None:
    log = TaskLog()
    log.write(1, "one")
    log.seen(2, location(node="down"))
    log.write(3, "two", live=False)  # its stream is of no use any more
    log.seen(4, location())
    log.write(6, "three")
    found = log.read_task(location())
    assert found == ["one", NODE_AWAY, "resumed: node worker was away", "two", "three"]


def test_a_stream_that_ends_in_mid_run_is_opened_again() -> None:
    log = TaskLog()
    log.write(1, "one")
    log.cut(2, None)
    log.write(2.01, "two")
    log.die(5)
    log.seen(6, location("complete", at=5))
    resumed = "resumed: the engine ended the stream in mid-run"
    assert log.read_task(location()) == ["one", resumed, "two", "stopped 5 code 0"]


def test_what_a_node_does_not_give_is_a_gap() -> None:
    log = TaskLog()
    log.write(1, "one")
    log.at(2, lambda: log._live[0].give(MissingRecords("worker", "its log is not there")))
    log.write(3, "two")
    assert log.read_task(location()) == ["one", "gap: its log is not there", "two"]


def test_a_moment_that_comes_is_the_end() -> None:
    log = TaskLog()
    log.write(1, "one")
    log.write(3, "two")
    assert log.read_task(location(), FollowOptions(until=T0 + 2 * 10**9)) == ["one"]
    assert log.ended_at is not None


def test_a_task_that_the_swarm_forgets_is_gone() -> None:
    log = TaskLog()
    log.write(1, "one")
    log.seen(2, None)
    assert log.read_task(location()) == ["one", "removed ?"]


def test_a_task_that_is_gone_before_it_was_read_is_a_gap() -> None:
    for options in (OPTIONS, ONCE):
        log = TaskLog()
        log.refusal = EngineError(404, "no such task")
        assert log.read_task(location(), options) == [f"gap: {REMOVED}", "removed ?"]


def test_a_task_whose_log_cannot_be_read_is_a_gap() -> None:
    log = TaskLog()
    log.refusal = EngineError(501, "its log driver cannot be read")
    assert log.read_task(location()) == ["gap: its log driver cannot be read"]


def taken(*lines: Line, is_over: bool = False) -> LogPosition:
    position = LogPosition(WEB)
    position.note([*lines])
    position.is_over = is_over
    return position


@pytest.mark.parametrize("is_over", [False, True])
def test_one_that_an_earlier_reader_knew_is_gone_on_with(is_over: bool) -> None:
    log = TaskLog()
    log.write(0.1, "zero", "one")
    log.write(0.2, "two")
    log.die(0.3)
    zero = Line(WEB, Stream.STDOUT, T0 + 10**8, b"zero")
    found = log.read_task(location("failed", code=1), position=taken(zero, is_over=is_over))
    assert found == ["one", "two", *([] if is_over else ["stopped 0 code 1"])]


def test_how_far_one_is_read_of_which_nothing_was_taken() -> None:
    log = TaskLog()
    log.read_task(location(), FollowOptions(tail="0"), until=5)
    assert log.task is not None
    saved = Positions().save([log.task.reached(None)], 9)
    from_ns = Positions.load(saved).logs[WEB.id].from_ns
    assert from_ns is not None
    assert T0 < from_ns < T0 + 10**9

"""The life of one log: every race of the engine, the container and the reader, each a small table.

What the engine does is said in seconds (``support.engine_model``); what is expected are the items,
in words. Most tables say that the items are the same, whatever comes first.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest

from lobtail.errors import (
    ConnectError,
    ConnectionLostError,
    EngineError,
    LogFileError,
    ProtocolError,
)
from lobtail.follow import poll, skip_damage
from lobtail.follow.ends import LAST_LINE
from lobtail.follow.machine import REMOVED
from lobtail.follow.options import FollowOptions
from lobtail.follow.steps import Tell
from lobtail.query.literals import Literals
from lobtail.sources.base import Search, Traits
from support.engine_model import CUT, DOCKER, PODMAN, WEB, EngineModel
from support.simulated import T0

RESUMED = f"resumed: {CUT}"
WEB_2 = msgspec.structs.replace(WEB, name="web-2")


def docker(**traits: Any) -> Traits:
    return msgspec.structs.replace(DOCKER, **traits)


NOT_LATCHED = docker(latched=False)
REPLAYING = docker(replays=True, max_size=10_000)
ROTATING = docker(replays=True, rotates=True, max_size=10_000)

# How much later than the end of a run its event comes, and how much later a look shows it, and the
# stream ends. What is negative comes before the end.
EVENTS = (-0.05, 0.03, 0.4, None)
STATES = (0.0, 0.01, 0.3)
STREAMS = (0.0, 0.02, 0.2)


# --- the end of a run ---------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "state", "stream"), [*product(EVENTS, STATES, STREAMS)])
def test_an_end_is_told_once_whatever_comes_first(
    event: float | None, state: float, stream: float
) -> None:
    engine = EngineModel()
    engine.start(1)
    engine.write(1.1, "one")
    engine.write(1.99, "two")
    engine.die(2, 3, event=event, state=state, stream=stream)
    expected = ["started 1", "one", "two", "stopped 2 code 3"]
    assert engine.follow() == expected


@pytest.mark.parametrize(("event", "stream"), [*product(EVENTS, STREAMS)])
def test_want_of_memory_is_told_with_the_end(event: float | None, stream: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(2, 137, oom=True, event=event, stream=stream)
    assert engine.follow() == ["stopped 2 code 137 oom"]


@pytest.mark.parametrize("late", [-0.02, 0.0, 0.02, 0.3])
def test_want_of_memory_that_only_an_event_tells_may_come_behind_the_end(late: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(2, 137)
    engine.event(2.03 + late, "oom", 1.999)
    assert engine.follow() == ["stopped 2 code 137 oom"]


def test_a_kill_by_a_user_is_no_want_of_memory() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.event(1.99, "kill", 1.99, signal="9")
    engine.die(2, 137)
    assert engine.follow(until=2.2) == ["stopped 2 code 137"]


def test_case_old_engines_last_text_that_a_follow_stream_loses_is_read_once_more() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.write(2, "two", end="", live=False)
    engine.die(2)
    assert engine.follow() == ["one", "two~", "stopped 2 code 0"]


def test_an_engine_that_shows_a_run_after_five_seconds_only() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(2, 1, state=0.9)
    assert engine.follow() == ["stopped 2 code 1"]


def test_a_run_that_was_over_before_is_not_told_of() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.die(0.2, 3)
    assert engine.follow() == ["one"]


def test_a_run_that_ends_while_its_history_is_read_is_told_of() -> None:
    engine = EngineModel(latency=lambda: 0.5)
    engine.start(0)
    engine.write(0.1, "one")
    engine.die(0.6, 3)
    assert engine.follow() == ["one", "stopped 0.6 code 3"]


# --- the next run -------------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "state", "stream"), [*product(EVENTS, STATES, STREAMS)])
@pytest.mark.parametrize("start", [0.03, 0.5])
def test_a_restart_stands_between_the_lines_of_two_runs(
    event: float | None, state: float, stream: float, start: float
) -> None:
    engine = EngineModel(restart="always")
    engine.start(0)
    engine.write(1.9, "one")
    engine.die(2, 3, event=event, state=min(state, start - 0.01), stream=min(stream, start - 0.01))
    # Events keep their order, however late they come.
    engine.start(2 + start, event=max(0.02, (event or 0) - start + 0.01))
    engine.write(2.1 + start, "two")
    engine.die(4 + start)
    began = f"started {round(2 + start, 2):g}"
    stopped = "stopped 2 code 3"
    if event is None and start == 0.03:
        # A look shows the end of the run before, but neither event nor look its code.
        stopped = "stopped 2 code None"
    found = engine.follow()
    assert found == ["one", stopped, began, "two", f"stopped {round(4 + start, 2):g} code 0"]


@pytest.mark.parametrize("event", [0.02, 0.3, 0.8])
@pytest.mark.parametrize(("late", "stream"), [(0.03, 0.0), (0.03, 0.2), (0.03, None), (0.3, 0.0)])
def test_the_next_run_has_begun_before_anybody_looks(
    stream: float | None, event: float, late: float
) -> None:
    # The stream may go on with the lines of the next run, which events come behind.
    engine = EngineModel(restart="always")
    engine.start(0)
    engine.write(1.9, "one")
    engine.die(2, 3, stream=stream, event=late)
    engine.start(2.1, event=max(event, late - 0.09))
    engine.write(2.11, "two")
    engine.write(2.5, "three")
    engine.die(4, 4)
    expected = ["one", "stopped 2 code 3", "started 2.1", "two", "three", "stopped 4 code 4"]
    assert engine.follow() == expected


@pytest.mark.parametrize("looking", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("runs", [2, 5])
def test_runs_that_come_and_go_between_two_looks(looking: float, runs: int) -> None:
    engine = EngineModel(restart="always")
    engine.inspecting = looking
    engine.start(0)
    engine.write(0.4, "line 0")
    expected = ["line 0"]
    for number in range(1, runs + 1):
        at = 1 + number / 5
        engine.die(at, number)
        engine.start(at + 0.1)
        engine.write(at + 0.11, f"line {number}")
        expected += [f"stopped {at:g} code {number}", f"started {at + 0.1:g}", f"line {number}"]
    engine.die(10, 99)
    assert engine.follow() == [*expected, "stopped 10 code 99"]


@pytest.mark.parametrize("event", [0.02, 0.3])
def test_a_run_so_short_that_no_look_shows_it(event: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(1, 1)
    engine.start(3, event=event)
    engine.write(3.001, "cannot start")
    engine.die(3.01, 127, event=event + 0.01)
    expected = ["stopped 1 code 1", "started 3", "cannot start", "stopped 3.01 code 127"]
    assert engine.follow() == expected


@pytest.mark.parametrize("looking", [0.3, 0.45, 1.0])
def test_a_run_that_comes_and_goes_while_the_container_is_looked_at(looking: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(1, 1)
    engine.start(3)
    engine.at(3, lambda: setattr(engine, "inspecting", looking))
    engine.write(3.01, "two")
    engine.write(3.1, "unterminated", end="")
    engine.die(3.15, 2)
    engine.start(3.2)
    engine.write(3.21, "three")
    engine.at(5, lambda: setattr(engine, "inspecting", 0))
    engine.die(6, 3)
    assert engine.follow() == [
        *("stopped 1 code 1", "started 3", "two", "unterminated~", "stopped 3.15 code 2"),
        *("started 3.2", "three", "stopped 6 code 3"),
    ]


def test_a_run_that_ended_during_a_cut_is_told_of_behind_its_lines() -> None:
    # The events come by a connection of their own, later or earlier than the lines.
    for late in (0.01, 0.3, 0.6, 1.0):
        engine = EngineModel(restart="always")
        engine.start(0)
        engine.write(1, "one")
        engine.leave(1.5, 1.8)
        engine.write(1.55, "two")
        engine.die(1.6, 3, event=late)
        engine.start(1.7, event=late)
        engine.write(1.75, "three")
        engine.die(9)
        found = [item for item in engine.follow() if not item.startswith("resumed")]
        assert found == [
            *("one", "two", "stopped 1.6 code 3", "started 1.7", "three", "stopped 9 code 0")
        ], late


def test_a_run_that_ended_during_a_cut_and_no_other_has_begun() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.leave(1.5, 1.9)
    engine.write(1.6, "two")
    engine.die(1.7, 3, event=0.9)
    expected = ["one", "resumed: the engine is away", "two", "stopped 1.7 code 3"]
    assert engine.follow() == expected


def test_a_container_that_a_look_does_not_find_is_read_on_as_long_as_its_log_is_there() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.cut(1.5, ConnectionLostError(CUT))
    engine.at(1.4, lambda: setattr(engine, "inspecting", EngineError(404, "no such container")))
    engine.write(1.52, "two")
    engine.write(2, "three")
    engine.die(3, 3)
    engine.remove(3.01, event=0.05)
    expected = ["one", RESUMED, "two", "three", "stopped 3 code 3", "removed 3.01"]
    assert engine.follow() == expected


def test_runs_without_a_line() -> None:
    engine = EngineModel(restart="always")
    engine.start(0)
    expected = []
    for number in range(1, 5):
        engine.die(number, 1)
        engine.start(number + 0.2)
        expected += [f"stopped {number} code 1", f"started {number + 0.2:g}"]
    assert engine.follow() == expected


def test_events_that_come_twice_tell_once() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.die(2, 3)
    engine.event(2.5, "die", 2, exitCode="3")
    engine.start(3)
    engine.event(3.5, "die", 2, exitCode="3")
    engine.event(3.6, "start", 3.004)
    engine.write(4, "two")
    engine.die(5)
    engine.event(5.5, "die", 2, exitCode="3")
    engine.event(5.5, "die", 5, exitCode="0")
    expected = ["one", "stopped 2 code 3", "started 3", "two", "stopped 5 code 0"]
    assert engine.follow() == expected


def test_events_that_never_come_are_made_up_for_by_looks() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.die(2, 3, event=None)
    engine.start(3, event=None)
    engine.write(4, "two")
    # Something else wakes the reader: it waits for a start, and has no timer for it.
    engine.event(4.5, "exec_die", 4.5)
    engine.die(5, 4, event=None)
    expected = ["one", "stopped 2 code 3", "started 3", "two", "stopped 5 code 4"]
    assert engine.follow() == expected


def test_a_policy_that_waits_is_no_end() -> None:
    engine = EngineModel(restart="always")
    engine.start(0)
    engine.die(1, 1, restarting=True)
    engine.at(1.5, lambda: finished.append(engine.machine is None or engine.machine.is_finished))
    engine.start(60)
    engine.die(61, 0)
    finished: list[bool] = []
    assert engine.follow() == ["stopped 1 code 1", "started 60", "stopped 61 code 0"]
    assert finished == [False]
    assert engine.machine is not None
    assert engine.machine.is_finished


# --- Podman: whole seconds, and events that come a tenth of a second late -----------------------


@pytest.mark.parametrize("event", [0.1, 0.15])
@pytest.mark.parametrize("state", [0.0, 0.05])
@pytest.mark.parametrize("begin", [2.1, 2.5, 3.0])
@pytest.mark.parametrize("stream", [0.0, None])
def test_runs_are_told_by_looks_where_stamps_are_whole_seconds(
    event: float, state: float, begin: float, stream: float | None
) -> None:
    engine = EngineModel(PODMAN, restart="always")
    engine.start(0, event=0.1)
    engine.write(1.9, "one")
    engine.die(2, 3, event=event, state=state, stream=stream)
    engine.start(begin, event=event)
    engine.write(begin + 0.2, "two")
    engine.die(5, 0, event=event, state=state)
    expected = ["one", "stopped 2 code 3", f"started {begin:g}", "two", "stopped 5 code 0"]
    assert engine.follow() == expected


def test_a_stream_of_a_run_that_has_ended_is_opened_anew_without_a_word() -> None:
    engine = EngineModel(PODMAN, restart="always")
    engine.start(0, event=0.1)
    engine.write(1.9, "one")
    engine.die(2, 3, event=0.1, stream=None)
    engine.start(2.1, event=0.1)
    engine.write(2.5, "two")
    engine.cut(3, None)
    engine.write(4, "three")
    engine.die(5, event=0.1)
    expected = ["one", "stopped 2 code 3", "started 2.1", "two", "three", "stopped 5 code 0"]
    assert engine.follow() == expected


def test_a_stream_that_goes_on_though_its_container_is_gone() -> None:
    engine = EngineModel(PODMAN)
    engine.start(0, event=0.1)
    engine.write(1, "one")
    engine.die(2, 3, event=0.1, stream=None)
    engine.at(2.05, lambda: setattr(engine, "inspecting", EngineError(404, "no such container")))
    engine.write(2.5, "two")
    engine.remove(6, event=0.1)
    assert engine.follow() == ["one", "two", "stopped 2 code 3", "removed 6"]


def test_equal_lines_within_a_second_are_all_there_after_cuts() -> None:
    engine = EngineModel(PODMAN)
    engine.start(0)
    for tenth in range(10, 40):
        engine.write(tenth / 10, "same")
    for tenth in range(12, 40, 5):
        engine.cut(tenth / 10 + 0.05, ConnectionLostError(CUT))
    engine.die(5)
    found = engine.follow()
    assert [item for item in found if item != RESUMED] == ["same"] * 30 + ["stopped 5 code 0"]


def test_podman_does_not_show_that_it_will_start_a_container_again() -> None:
    engine = EngineModel(PODMAN, restart="always")
    engine.start(0)
    engine.die(1, 1, event=0.1)
    finished: list[bool] = []
    engine.at(2, lambda: finished.append(engine.machine is None or engine.machine.is_finished))
    engine.follow(until=10)
    assert finished == [False]
    assert engine.machine is not None
    assert engine.machine.is_finished


# --- removal ------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [0.01, 0.5, None])
@pytest.mark.parametrize("stream", [0.0, 0.2])
def test_removal_by_force_ends_the_run(event: float | None, stream: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.die(2, 137, stream=stream)
    engine.event(1.99, "kill", 1.99, signal="9")
    engine.remove(2.05, event=event)
    engine.event(3, "exec_die", 3)  # whatever wakes the reader
    removed = "removed ?" if event is None else "removed 2.05"
    found = engine.follow()
    # It was followed to the clean end of its stream, so all of it was read.
    assert found == ["one", "stopped 2 code 137", removed]


@pytest.mark.parametrize("event", [0.01, 0.5])
def test_removal_while_it_is_stopped(event: float) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.die(2, 3)
    engine.remove(5, event=event)
    assert engine.follow() == ["one", "stopped 2 code 3", "removed 5"]


def test_removal_before_the_history_was_read() -> None:
    engine = EngineModel(cuts={1: 1})
    engine.start(0)
    engine.write(0.2, "one", "two")
    engine.die(0.51)
    engine.remove(0.52, event=0.05)
    expected = ["one", f"gap: {REMOVED}", "stopped 0.51 code 0", "removed 0.52"]
    assert engine.follow() == expected


def test_removal_of_a_log_that_was_cut_is_a_gap() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.leave(2, 2.6)
    engine.write(2.1, "lost")
    engine.die(2.2, 3, event=None)
    engine.remove(2.3, event=None)
    assert engine.follow() == ["one", f"gap: {REMOVED}", "stopped ? code None", "removed ?"]


def test_removal_of_a_log_that_was_read_to_its_end_is_no_gap_though_it_was_cut_since() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.die(2, 3)
    engine.leave(3, 5)
    engine.remove(4, event=None)
    engine.event(5.5, "destroy", 4)
    assert engine.follow() == ["one", "stopped 2 code 3", "removed 4"]


def test_removal_behind_a_history_that_held_all_of_the_log_is_no_gap() -> None:
    # It ended after the first look, and is gone before it is followed.
    engine = EngineModel(latency=lambda: 0.01)
    engine.start(0)
    engine.write(0.1, "one")
    engine.die(0.5, 3, state=99, event=0.001)
    engine.remove(0.535, event=0.001)
    assert engine.follow() == ["one", "stopped 0.5 code 3", "removed 0.54"]


def test_removal_of_a_run_that_nobody_saw_is_a_gap() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(1, 0)
    engine.start(3)
    engine.write(3.001, "unseen")
    engine.die(3.002, 1)
    engine.remove(3.003, event=0.05)
    found = engine.follow()
    assert found[:1] == ["stopped 1 code 0"]
    assert found[-1:] == ["removed 3"]
    assert f"gap: {REMOVED}" in found


def test_removal_of_what_is_not_followed() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.remove(0.5)
    assert engine.read(begin=0.49) == ["one"]
    engine = EngineModel(cuts={1: 1})
    engine.start(0)
    engine.write(0.1, "one", "two")
    engine.remove(0.505)
    assert engine.read(begin=0.49) == ["one", f"gap: {REMOVED}", "removed 0.51"]


def test_a_log_that_cannot_be_read_is_a_gap() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.refusal = EngineError(501, "configured logging driver does not support reading")
    assert engine.follow() == ["gap: configured logging driver does not support reading"]


# --- names, and containers that join ------------------------------------------------------------


def test_a_new_name_is_borne_from_the_next_line_on() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.write(2, "two")

    def rename() -> None:
        assert engine.machine is not None
        engine.machine.rename(WEB_2)
        assert engine.machine.ref == WEB_2

    engine.at(1.5, rename)
    assert [item.container.name for item in engine.items()] == ["web", "web-2"]


def test_a_container_that_joins_is_told_of() -> None:
    engine = EngineModel()
    engine.start(1)
    engine.write(1.001, "one")
    engine.die(2, 3)
    found = engine.follow(begin=1.05, joined=True, joined_at=1.004)
    assert found == ["started 1", "one", "stopped 2 code 3"]


def test_a_container_that_joins_has_ended_before_it_was_looked_at() -> None:
    engine = EngineModel()
    engine.start(1)
    engine.write(1.001, "one")
    engine.die(1.01, 3)
    found = engine.follow(begin=1.2, joined=True, joined_at=1.004)
    assert found == ["started 1", "one", "stopped 1.01 code 3"]


def test_a_container_that_joins_has_been_started_again_before_it_was_looked_at() -> None:
    engine = EngineModel(restart="always")
    engine.start(1)
    engine.write(1.001, "one")
    engine.die(1.3, 3)
    engine.start(1.5)
    engine.write(1.6, "two")
    engine.die(3, 4)
    # Its events came before it was followed: they are handed on when it is.
    engine.event(2.0005, "die", 1.3, exitCode="3")
    engine.event(2.0005, "start", 1.504)
    found = engine.follow(begin=2.0, joined=True, joined_at=1.004)
    expected = ["started 1", "one", "stopped 1.3 code 3", "started 1.5", "two", "stopped 3 code 4"]
    assert found == expected


# --- cuts ---------------------------------------------------------------------------------------

LINES = [f"line {number}" for number in range(8)]


def lines(engine: EngineModel, latched: bool) -> list[str]:
    engine.traits = DOCKER if latched else NOT_LATCHED
    engine.start(0)
    for i, line in enumerate(LINES):
        engine.write(0.1 + 0.4 * i, line)
    engine.die(4)
    return [item for item in engine.follow() if item != RESUMED]


@pytest.mark.parametrize("latched", [True, False])
@pytest.mark.parametrize("second", range(6))
@pytest.mark.parametrize("first", range(1, 9))
def test_a_stream_that_is_cut_at_any_place_is_read_on(
    first: int, second: int, latched: bool
) -> None:
    for number in (1, 2):  # the history, and what is followed
        engine = EngineModel(cuts={number: first, number + 1: second})
        assert lines(engine, latched) == [*LINES, "stopped 4 code 0"]


def test_what_was_written_while_the_engine_was_away_comes_behind_a_mark() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.leave(2, 2.5)
    engine.write(2.1, "two")
    engine.die(5)
    assert engine.follow() == ["one", "resumed: the engine is away", "two", "stopped 5 code 0"]


def test_an_engine_that_stays_away_is_told_of_once() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.leave(2, 40)
    engine.write(50, "two")
    engine.die(60)
    found = engine.follow()
    assert found[0] == "one"
    assert found[1].startswith("gap: still trying: ")
    assert found[2].startswith("resumed: ")
    assert found[3:] == ["two", "stopped 60 code 0"]


@pytest.mark.parametrize("follow", [True, False])
def test_an_engine_that_is_away_from_the_beginning(follow: bool) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.leave(0.2, 20)
    engine.die(30)
    if follow:
        found = engine.follow()
        assert found[0].startswith("gap: ")
        assert found[-2:] == ["one", "stopped 30 code 0"]
    else:
        with pytest.raises(ConnectError):
            engine.read()


def test_an_engine_that_ends_a_stream_in_mid_run() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.cut(1.5, None)
    engine.write(1.52, "two")
    engine.die(5)
    resumed = "resumed: the engine ended the stream in mid-run"
    assert engine.follow() == ["one", resumed, "two", "stopped 5 code 0"]


def test_a_hung_look_is_given_up_and_asked_for_again() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.inspecting = ConnectionLostError("no answer for 15 s")
    engine.at(20, lambda: setattr(engine, "inspecting", 0.0))
    engine.die(2, 3)
    assert engine.follow() == ["one", "stopped 2 code 3"]


def test_looks_that_are_no_http_are_told_of() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.inspecting = ProtocolError("no HTTP")
    engine.at(60, lambda: setattr(engine, "inspecting", 0.0))
    engine.die(2, 3)
    assert engine.follow() == ["gap: still trying: no HTTP", "stopped 2 code 3"]


def test_catching_up_finds_what_a_follow_stream_lost() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.write(2, "lost", live=False)
    engine.write(2.5, "two")
    engine.write(2.6, "also lost", live=False)
    engine.die(3)
    found = engine.follow()
    assert found[-1] == "stopped 3 code 0"
    assert sorted(found[:-1]) == sorted(["one", "lost", "two", "also lost"])


def test_a_log_of_which_nothing_known_is_left_is_a_gap() -> None:
    for stamp in (1.5, 0.9):  # what follows is younger, or stamped as if it were older
        engine = EngineModel()
        engine.start(0)
        engine.write(1, "one")
        engine.rotate(1.4, 0)
        engine.write(1.5, "two", stamp=stamp, live=False)
        engine.cut(1.6, ConnectionLostError(CUT))
        engine.die(3)
        found = engine.follow()
        assert "gap: the last known line is not there" in found
        assert [x for x in found if not x.startswith(("gap", "resumed"))] == [
            *("one", "two", "stopped 3 code 0")
        ]


@pytest.mark.parametrize("our_clock", [True, False])
def test_an_engine_elsewhere_has_a_clock_of_its_own(our_clock: bool) -> None:
    engine = EngineModel(docker(our_clock=our_clock))
    engine.start(0)
    for tenth in range(1, 60):
        engine.write(tenth / 10, f"{tenth}")
    engine.cut(4.05, ConnectionLostError(CUT))
    engine.die(9)
    found = [item for item in engine.follow() if item != RESUMED]
    assert found == [*map(str, range(1, 60)), "stopped 9 code 0"]


def test_rotation_replays_what_it_has_sent() -> None:
    engine = EngineModel(REPLAYING)
    engine.start(0)
    for i, line in enumerate(LINES):
        engine.write(1 + i / 10, line)
    engine.replay(1.45, 4)
    engine.replay(1.55, 1)
    engine.die(3)
    assert engine.follow() == [*LINES, "stopped 3 code 0"]


def test_a_look_at_a_rotated_log_finds_what_was_left_out() -> None:
    engine = EngineModel(ROTATING)
    engine.start(0)
    engine.write(1, "one")
    engine.write(1.01, "two", live=False)
    engine.write(1.02, "three")
    engine.die(30)
    found = engine.follow(until=10)
    gap = "gap: the engine left out 1 message; they come here"
    assert found == ["one", "three", gap, "two"]


def test_a_look_at_a_rotated_log_of_which_nothing_was_to_be_shown() -> None:
    engine = EngineModel(ROTATING)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.write(1.01, "two", live=False)
    engine.write(1.02, "three")
    engine.die(30)
    gap = "gap: the engine left out 1 message; they come here"
    found = engine.follow(FollowOptions(tail="0"), until=10)
    assert found == ["one", "three", gap, "two"]


def test_what_was_rotated_away_before_anybody_looked_is_a_gap() -> None:
    engine = EngineModel(ROTATING)
    engine.start(0)
    engine.write(1, "one")
    engine.write(2, "lost", live=False)
    engine.rotate(2.1, 0)
    engine.write(2.2, "three")
    engine.die(30)
    assert engine.follow(until=10)[:3] == [
        "one",
        "three",
        "gap: the log was rotated faster than the engine sent it",
    ]


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("places", [(3,), (8,), (3, 6), (0,), (3, 8)])
@pytest.mark.parametrize("follow", [True, False])
def test_all_is_read_but_what_is_damaged(
    places: tuple[int, ...], silent: bool, follow: bool
) -> None:
    engine = EngineModel(silent=silent)
    engine.start(0)
    for i, line in enumerate(LINES):
        if i in places:
            engine.damage(0.1 + i / 100 - 0.001)
        engine.write(0.1 + i / 100, line)
    if 8 in places:
        engine.damage(0.3)
    engine.die(5)
    found = engine.follow() if follow else engine.read()
    texts = [item for item in found if item.startswith("line")]
    assert (
        texts[-(len(LINES) - max(p for p in (*places, 0) if p < 8)) :]
        == LINES[max(p for p in (*places, 0) if p < 8) :]
    )
    assert texts == sorted(set(texts))
    if places != (0,) and places != (3, 6):
        assert texts == LINES
    assert [item for item in found if item.startswith("gap")] or silent


@pytest.mark.parametrize("silent", [True, False])
def test_what_stands_behind_damage_may_be_too_much_to_be_held(
    monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    monkeypatch.setattr(skip_damage, "KEPT", 2000)
    engine = EngineModel(silent=silent)
    engine.start(0)
    many = [f"line {number}" for number in range(200)]
    engine.write(0.1, *many[:50])
    engine.damage(0.11)
    engine.write(0.12, *many[50:])
    engine.write(5, "next")
    engine.die(9)
    found = [x for x in engine.follow() if not x.startswith(("gap", "resumed"))]
    assert found == [*many, "next", "stopped 9 code 0"]


def test_an_engine_that_never_finds_the_last_line_is_not_waited_for() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.hangs = lambda request: request.tail == "1"
    assert engine.read() == ["one", LATE]
    assert engine.ended_at == pytest.approx(0.5 + LAST_LINE, abs=0.1)


def test_an_engine_that_takes_damage_for_an_end_when_it_is_asked_again() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.damage(0.2)
    engine.at(0.52, lambda: setattr(engine, "silent", True))
    found = engine.read()
    assert found[0] == "one"
    assert any(x.startswith("gap: ") for x in found)


@pytest.mark.parametrize("silent", [True, False])
def test_damage_that_comes_while_the_log_is_followed(silent: bool) -> None:
    engine = EngineModel(silent=silent)
    engine.start(0)
    engine.write(1, "one")
    engine.damage(2)
    engine.write(2.001, "two")
    engine.write(8, "three")
    engine.die(20)
    found = engine.follow()
    assert [item for item in found if not item.startswith(("gap", "resumed"))] == [
        "one",
        "two",
        "three",
        "stopped 20 code 0",
    ]
    assert any(item.startswith("gap") for item in found)


# --- truncation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", [True, False])
def test_a_truncated_log_is_polled_to_the_end_of_the_run(hangs: bool) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.truncate(10)
    # The engine finds no end of such a log, or never answers.
    if hangs:
        engine.at(10, lambda: setattr(engine, "hangs", lambda request: request.tail != "all"))
    engine.write(11, "two")
    engine.write(80, "three")
    engine.die(100)
    engine.start(110)
    engine.write(111, "four")
    engine.follow(until=105)
    polled = len(engine.opened)
    found = engine.follow_on(until=150)
    silent = "gap: the engine's stream went silent"
    assert found == ["one", silent, "two", "three", "stopped 100 code 0", "started 110", "four"]
    # The next run is followed again.
    assert any(request.follow for request in engine.opened[polled:])


def test_a_truncated_log_is_followed_in_its_file() -> None:
    engine = EngineModel(files=True)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.truncate(10)
    engine.write(10.5, "two")
    engine.write(30, "three")
    engine.die(40)
    engine.start(50)
    engine.write(51, "four")
    found = engine.follow()
    truncated = "gap: the log file was truncated"
    assert found == [
        *("zero", "one", truncated, "two", "three"),
        *("stopped 40 code 0", "started 50", "four"),
    ]


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotates", [True, False])
def test_a_history_comes_from_files_and_what_follows_from_files_or_the_api(rotates: bool) -> None:
    engine = EngineModel(docker(rotates=rotates, max_size=10_000 if rotates else None), files=True)
    engine.start(0)
    engine.write(0.1, "zero")
    if rotates:  # else the API would come across it
        engine.damage(0.2)
    engine.write(0.3, "one")
    engine.write(1, "two")
    engine.die(2, 3)
    engine.start(3)
    engine.write(4, "three")
    engine.die(5)
    engine.remove(6)
    found = engine.follow()
    damage = "gap: 7 bytes of /log at 0 hold no record: this is no record"
    assert found == [
        *("zero", *[damage] * rotates, "one", "two", "stopped 2 code 3"),
        *("started 3", "three", "stopped 5 code 0", "removed 6"),
    ]


@pytest.mark.parametrize("rotates", [True, False])
@pytest.mark.parametrize("failing", ["held", "live", "rest"])
def test_the_api_goes_on_where_files_cannot_be_read_on(failing: str, rotates: bool) -> None:
    engine = EngineModel(docker(rotates=rotates, max_size=10_000 if rotates else None), files=True)
    engine.failing = {failing}
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.die(2, 3)
    engine.start(3)
    engine.write(4, "two")
    engine.die(5)
    expected = ["zero", "one", "stopped 2 code 3", "started 3", "two", "stopped 5 code 0"]
    assert engine.follow() == expected


@pytest.mark.parametrize("failing", ["", "held", "live"])
def test_files_that_are_insisted_on(failing: str) -> None:
    engine = EngineModel(docker(rotates=True, max_size=10_000), files=bool(failing))
    engine.failing = {failing}
    engine.start(0)
    engine.write(0.1, "zero")
    with pytest.raises(LogFileError):
        engine.follow(FollowOptions(source="files"))


def test_the_api_may_be_insisted_on() -> None:
    engine = EngineModel(files=True)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.damage(0.2)
    assert engine.follow(FollowOptions(source="api"))[0] == "zero"
    assert Tell("web: history from the API: as `source` says") in engine.simulation.done


def test_files_outlive_their_container() -> None:
    engine = EngineModel(docker(rotates=True, max_size=10_000), files=True)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.die(1.5, 137, state=99)
    engine.remove(1.5, event=0.05)
    found = engine.follow()
    assert engine.machine is not None
    engine.machine.close()
    assert found == ["zero", "one", "stopped 1.5 code 137", "removed 1.5"]


@pytest.mark.parametrize("rotates", [True, False])
def test_what_follows_is_joined_to_what_was_searched_for_in_files(rotates: bool) -> None:
    engine = EngineModel(docker(rotates=rotates, max_size=10_000 if rotates else None), files=True)
    engine.start(0)
    engine.write(0.1, "zero", "one")
    engine.write(1, "two")
    engine.die(2)
    search = Search(Literals((("zero",),)))
    found = engine.follow(FollowOptions(search=search))
    # This engine's files give what is not wanted, too; it is left to the filter.
    assert found == ["zero", "one", "two", "stopped 2 code 0"]


@pytest.mark.parametrize("since", [-5, 5])
def test_files_that_are_followed_from_a_moment_on(since: int) -> None:
    engine = EngineModel(docker(rotates=True, max_size=10_000), files=True)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(6, "six")
    engine.die(9)
    found = engine.follow(FollowOptions(since=T0 + since * 10**9))
    assert found == [*["zero"] * (since < 0), "six", "stopped 9 code 0"]


def test_a_truncated_log_whose_file_cannot_be_read_on_is_polled() -> None:
    engine = EngineModel(files=True)
    engine.start(0)
    engine.write(1, "one")
    engine.truncate(10)
    engine.at(10, lambda: engine.failing.add("held"))
    engine.write(10.5, "two")
    engine.write(30, "three")
    engine.die(40)
    found = engine.follow()
    assert found == ["one", "gap: the log file was truncated", "two", "three", "stopped 40 code 0"]


# --- logs that cannot be followed ---------------------------------------------------------------

COMPRESSED = docker(latched=False, must_poll=True, replays=True, max_size=10_000, kept=10_000)


@pytest.mark.parametrize("event", [0.02, 0.3])
def test_a_compressed_log_of_an_old_engine_is_polled(event: float) -> None:
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    engine.write(0.1, "zero")
    expected = ["zero"]
    for number in range(300):
        engine.write(1 + number / 100, f"line {number}")
        expected.append(f"line {number}")
    engine.write(4.9, "half", end="")
    engine.die(5, 3, event=event)
    engine.start(6)
    engine.write(6.001, "next")
    engine.die(7, 4)
    expected += ["half~", "stopped 5 code 3", "started 6", "next", "stopped 7 code 4"]
    assert engine.follow() == expected
    assert not any(request.follow for request in engine.opened)


def test_polls_go_further_back_until_they_meet_what_is_known() -> None:
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    engine.write(0.1, "zero")
    many = [f"line {number}" for number in range(1000)]
    engine.write(2, *many)
    engine.die(5)
    assert engine.follow() == ["zero", *many, "stopped 5 code 0"]


def test_a_poll_that_meets_nothing_says_so_once() -> None:
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.rotate(0.9, 0)
    engine.write(1, "one")
    engine.die(5)
    found = engine.follow()
    assert found == ["zero", "gap: the last known line is not there", "one", "stopped 5 code 0"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_polls_that_are_cut_are_repeated(cut: int) -> None:
    engine = EngineModel(COMPRESSED, cuts={cut: cut % 4, cut + 1: 0})
    engine.start(0)
    expected = []
    for number in range(20):
        engine.write(0.3 + number / 5, f"line {number}")
        expected.append(f"line {number}")
    engine.die(6)
    found = [item for item in engine.follow() if item != RESUMED]
    assert found == [*expected, "stopped 6 code 0"]


def test_polls_that_break_again_and_again_are_told_of_once() -> None:
    engine = EngineModel(COMPRESSED, cuts=dict.fromkeys(range(3, 20), 0))
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.die(90)
    found = engine.follow()
    assert found == ["zero", f"gap: still trying: {CUT}", "one", "stopped 90 code 0"]


def test_an_empty_log_that_has_been_filled_since_may_have_lost_its_beginning() -> None:
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    many = [f"line {number} {'x' * 500}" for number in range(30)]
    engine.write(2, *many)
    engine.die(5)
    found = engine.follow()
    assert found == ["gap: the log was rotated faster than the engine sent it", *many, found[-1]]


@pytest.mark.parametrize("limit", [200, 100_000])
def test_what_is_too_much_to_be_held_is_read_from_the_beginning(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(poll, "HELD_SIZE", 1000)
    monkeypatch.setattr(poll, "LIMIT", limit)
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.rotate(1.9, 0)
    many = [f"line {number}" for number in range(300)]
    engine.write(2, *many)
    engine.die(5)
    found = engine.follow()
    assert found == ["zero", "gap: the last known line is not there", *many, "stopped 5 code 0"]


# --- until --------------------------------------------------------------------------------------


def until(seconds: float, **options: Any) -> FollowOptions:
    return FollowOptions(until=T0 + round(seconds * 1e9), **options)


def test_a_moment_that_comes_while_it_runs_is_the_end() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.write(3, "two")
    engine.die(10)
    assert engine.follow(until(2)) == ["one"]
    assert engine.ended_at == pytest.approx(2, abs=0.2)


def test_a_moment_that_comes_while_it_is_stopped_is_the_end() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.die(1, 3)
    engine.start(10)
    assert engine.follow(until(5)) == ["stopped 1 code 3"]
    assert engine.ended_at == pytest.approx(5, abs=0.2)


def test_a_moment_that_comes_while_a_log_is_polled_is_the_end() -> None:
    engine = EngineModel(COMPRESSED)
    engine.start(0)
    engine.write(1, "one")
    engine.write(3, "two")
    assert engine.follow(until(2)) == ["one"]
    assert engine.ended_at == pytest.approx(2, abs=1.1)


# --- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["0", "1", "2", "all"])
@pytest.mark.parametrize("kind", ["docker", "podman", "polled"])
def test_the_last_lines_and_all_that_follow(kind: str, tail: str) -> None:
    traits = {"docker": DOCKER, "podman": PODMAN, "polled": COMPRESSED}[kind]
    engine = EngineModel(traits)
    engine.start(0)
    engine.write(0.1, "one", "two", "three")
    engine.cut(1, ConnectionLostError(CUT))
    engine.write(2, "four")
    engine.cut(2.5, ConnectionLostError(CUT))
    engine.write(3, "five")
    engine.die(5)
    shown = ["one", "two", "three"][3 - min(int(tail.replace("all", "3")), 3) :]
    found = engine.follow(FollowOptions(tail=tail))
    assert [item for item in found if item != RESUMED] == [
        *shown,
        *("four", "five", "stopped 5 code 0"),
    ]


@pytest.mark.parametrize("step", [-3600, -1, 0, 1, 3600])
def test_a_clock_that_is_set_while_nothing_has_been_written(step: int) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "old")
    engine.at(1, lambda: setattr(engine.simulation, "skew_ns", step * 10**9))
    engine.cut(1.4, ConnectionLostError(CUT))
    engine.write(1.42, "new", stamp=1.42 + step)
    # Of a clock that was set back, nobody knows what is old.
    old = ["old"] * (step < 0)
    assert engine.follow(FollowOptions(tail="0")) == [RESUMED, *old, "new"]


@pytest.mark.parametrize("step", [-3600, -1, 0, 1, 3600])
def test_a_clock_that_is_set_while_lines_are_written(step: int) -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "old")
    engine.at(1, lambda: setattr(engine.simulation, "skew_ns", step * 10**9))
    for tenth in range(1, 40):
        engine.write(1 + tenth / 10, f"{tenth}", stamp=1 + tenth / 10 + step)
        if tenth % 5 == 0:
            engine.cut(1.01 + tenth / 10, ConnectionLostError(CUT))
    found = [item for item in engine.follow() if item != RESUMED]
    assert found == ["old", *map(str, range(1, 40))]


def test_the_last_lines_of_a_log_whose_end_an_engine_does_not_find() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.truncate(0.1)
    engine.write(0.2, "one", "two", "three")
    assert engine.read(FollowOptions(follow=False, tail="2")) == ["two", "three"]
    # In some time there may be none.
    since = FollowOptions(follow=False, tail="2", since=T0 + 10**9)
    engine = EngineModel()
    engine.start(0)
    engine.write(0.2, "one")
    assert engine.read(since) == []


@pytest.mark.parametrize("cuts", [{}, {3: 0}, {3: 20}, {3: 55, 4: 20}])
@pytest.mark.parametrize("tail", [0, 1, 5, 40])
def test_podmans_last_lines_where_they_are_too_many_to_be_held(
    monkeypatch: pytest.MonkeyPatch, tail: int, cuts: dict[int, int]
) -> None:
    monkeypatch.setattr(skip_damage, "KEPT", 2000)
    engine = EngineModel(PODMAN, cuts=cuts)
    engine.batch = 7
    engine.start(0)
    many = [f"line {number}" for number in range(60)]
    engine.write(0.1, *many)
    engine.write(2, "next")
    engine.die(4)
    found = [x for x in engine.follow(FollowOptions(tail=str(tail))) if x != RESUMED]
    assert found == [*many[60 - tail :], "next", "stopped 4 code 0"]


@pytest.mark.parametrize("tail", ["all", "0"])
def test_a_half_written_line_that_podmans_stream_loses_is_found(tail: str) -> None:
    engine = EngineModel(msgspec.structs.replace(PODMAN, half_lines=True))
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.write(2, "two", live=False)
    engine.write(3, "three")
    engine.die(30)
    found = engine.follow(FollowOptions(tail=tail))
    assert found[-1] == "stopped 30 code 0"
    assert sorted(x for x in found[:-1] if not x.startswith("gap")) == sorted(
        [*["zero"] * (tail == "all"), "one", "two", "three"]
    )


def test_only_one_stream_is_shown() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one")
    engine.write(2, "two", err=True)
    assert engine.follow(FollowOptions(stdout=False)) == ["!two"]


@pytest.mark.parametrize("kind", ["docker", "podman", "polled"])
def test_nothing_older_than_asked_for_comes_ever(kind: str) -> None:
    traits = {"docker": DOCKER, "podman": PODMAN, "polled": COMPRESSED}[kind]
    engine = EngineModel(traits)
    engine.start(0)
    for tenth in range(1, 60):
        engine.write(tenth / 10, f"{tenth}")
    for cut in (6.1, 7.1):
        engine.cut(cut, ConnectionLostError(CUT))
        engine.write(cut + 0.5, f"{cut}")
    engine.die(9)
    options = FollowOptions(since=T0 + 3 * 10**9)
    found = engine.follow(options, begin=2)
    assert [item for item in found if item != RESUMED] == [
        *map(str, range(30, 60)),
        *("6.1", "7.1", "stopped 9 code 0"),
    ]


# --- an engine that does not answer -------------------------------------------------------------

LATE = "gap: no answer from the engine for 3 s; its lines will come late"


def test_a_history_that_hangs_lets_others_go_on_and_comes_late() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.hangs = lambda request: engine.simulation.now < 1
    engine.at(20, lambda: engine.answer_late())
    engine.die(30)
    assert engine.follow() == [LATE, "one", "stopped 30 code 0"]
    assert engine.lives[:2] == [True, True]


def test_a_history_that_hangs_and_is_not_followed_is_given_up() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.hangs = lambda request: True
    assert engine.read() == [LATE, "gap: the engine sent nothing for 15 s; gave up"]
    engine = EngineModel()
    engine.hangs = lambda request: True
    found = engine.read(FollowOptions(follow=False, since=T0))
    assert found == [LATE, "gap: the engine sent nothing for 60 s; gave up"]


# --- unterminated lines -------------------------------------------------------------------------


def test_an_unterminated_line_is_shown_after_a_silence() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "login: ", end="")
    engine.write(5, "ok", stamp=5)
    engine.die(9)
    assert engine.follow(until=2) == ["login: ~"]
    assert engine.follow_on(until=20) == ["login: ~", "ok", "stopped 9 code 0"]


def test_pieces_that_come_in_time_are_one_line() -> None:
    engine = EngineModel()
    engine.start(0)
    for i in range(4):
        engine.write(1 + i / 5, f"{i}", stamp=1, end="\n" if i == 3 else "")
    engine.die(9)
    assert engine.follow() == ["0123", "stopped 9 code 0"]


def test_a_line_that_goes_on_after_a_silence_is_another() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(1, "one, ", stamp=1, end="")
    engine.write(2, "two", stamp=1)
    engine.die(9)
    assert engine.follow() == ["one, ~", "two", "stopped 9 code 0"]


def test_an_unterminated_line_at_the_end_of_a_history_that_is_not_followed() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    engine.write(0.2, "half", end="")
    assert engine.read() == ["one", "half~"]


def test_an_unterminated_line_of_a_run_is_not_joined_to_the_next_run() -> None:
    engine = EngineModel(PODMAN)
    engine.start(0)
    engine.write(1.9, "half", end="")
    engine.die(2, event=0.1)
    engine.start(2.2, event=0.1)
    engine.write(2.3, "next")
    engine.die(5)
    expected = ["half~", "stopped 2 code 0", "started 2.2", "next", "stopped 5 code 0"]
    assert engine.follow() == expected

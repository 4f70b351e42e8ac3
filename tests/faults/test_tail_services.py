"""`lobtail tail` of services where a swarm, or the way to it, is broken."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import pytest

from faults.command import line_of, lobtail, popen
from faults.fake_engine import (
    LAST,
    Connection,
    Script,
    Step,
    chunk,
    cut,
    frame,
    json_answer,
    stall,
)
from faults.fake_host import Box, FakeHost, line
from faults.fake_swarm import OTHER, OWN, FakeSwarm, FakeTask, say
from support.engines import Result, finish

AWAY = (
    b"Error grabbing logs: rpc error: code = Unknown desc = warning: incomplete log stream. some "
    b"logs could not be retrieved for the following reasons: node %b is not available\n"
)


def items(result: Result) -> list[tuple[str, object]]:
    """Return the lines and marks of a run with `-o json`, as their kind and their words."""
    found = []
    for raw in result.stdout.splitlines():
        item = json.loads(raw)
        if "mark" in item:
            found.append((item["mark"], item.get("reason", item.get("exit_code", ""))))
        else:
            found.append((item["container"].split("t0")[0], item["line"]))
    return found


def follow(engine: FakeSwarm, *arguments: str, lines: int) -> Result:
    """Follow the service `web` for so many lines."""
    return lobtail(engine.host, "tail", "-o", "json", "--max-lines", str(lines), *arguments, "web")


def test_tasks_here_and_there_are_merged() -> None:
    labels = {"com.docker.swarm.service.name": "web", "com.docker.swarm.task.name": "web.1.t0001"}
    here = Box("web.1.t0001", [line("one", 1), line("three", 3)], labels=labels)
    tasks = FakeTask("web", 1, OWN), FakeTask("web", 2, OTHER, [say("two", 2), say("four", 4)])
    with FakeSwarm(*tasks, boxes=[here]) as engine:
        shown = lobtail(engine.host, "tail", "--no-follow", "-o", "json", "web")
        # That of this node is read as the container that it is.
        assert not [r for r in engine.requests if "/tasks/t0001" in r]
    assert items(shown) == [
        ("web.1.", "one"),
        ("web.2.", "two"),
        ("web.1.", "three"),
        ("web.2.", "four"),
    ]
    assert [json.loads(raw)["host"] for raw in shown.stdout.splitlines()] == [
        *("", "host-n2") * 2,
    ]


@pytest.mark.parametrize("selectors", [("web-*",), ("/web/",), ("-l", "x"), ()])
def test_only_what_names_services_asks_for_them(selectors: Sequence[str]) -> None:
    with FakeSwarm(FakeTask("web", 1, history=[say("far")]), boxes=[Box("web-1")]) as engine:
        shown = lobtail(engine.host, "tail", "--no-follow", *selectors)
    assert shown.stdout == b""
    assert not [r for r in engine.requests if "/services" in r or "/tasks" in r]


def test_an_engine_that_manages_no_swarm_is_not_asked() -> None:
    with FakeHost(Box("web", [line("one")])) as engine:
        assert lobtail(engine.host, "tail", "--no-follow", "-o", "raw", "web").stdout == b"one\n"
    assert not [r for r in engine.requests if "/services" in r]


def test_a_manager_without_a_swarm_by_now_knows_no_services() -> None:
    no = json_answer({"message": "This node is not a swarm manager."}, 503, "Service Unavailable")
    boxes = [Box("web", [line("one")])]
    with FakeSwarm(boxes=boxes, answers={"/services": no}) as engine:
        shown = lobtail(engine.host, "tail", "--no-follow", "-o", "raw", "web", "other")
    assert shown == Result(b"one\n", b"lobtail: no container is called other\n", 1)


def test_a_node_that_is_down_is_a_gap_at_once() -> None:
    tasks = FakeTask("web", 1, history=[say("never")]), FakeTask("web", 2, "n3", [say("seen")])
    with FakeSwarm(*tasks, states={OTHER: "down", "n3": "ready"}) as engine:
        shown = lobtail(engine.host, "tail", "--no-follow", "-o", "json", "web")
        assert not [r for r in engine.requests if f"/tasks/{tasks[0].id}/logs" in r]
    assert sorted(items(shown)) == [("gap", "node host-n2 is down"), ("web.2.", "seen")]
    assert shown.code == 0


@pytest.mark.parametrize("following", [False, True])
def test_a_node_that_the_manager_does_not_reach_is_a_gap(following: bool) -> None:
    end: Script = [chunk(frame(3, AWAY % OTHER.encode())), LAST]
    task = FakeTask("web", 1, history=[say("one", 1)], end=end)
    task.live = lambda task: [task.chunk(say("two", 2)), stall]
    with FakeSwarm(task) as engine:
        if following:
            shown = follow(engine, lines=2)
        else:
            shown = lobtail(engine.host, "tail", "--no-follow", "-o", "json", "web")
    expected = [("web.1.", "one"), ("gap", "node host-n2 is not available"), ("web.1.", "two")]
    assert items(shown) == expected[: 3 if following else 2]
    assert shown.code == 0


def test_a_node_that_never_answers_is_a_gap() -> None:
    stuck = FakeTask("web", 1, history=[say("one", 1)], end=[stall])
    with FakeSwarm(stuck) as engine:
        # It goes down only after the look at its tasks.
        ready = engine.states[OTHER]

        def go_down(connection: Connection) -> None:
            engine.states[OTHER] = "down"

        stuck.end = [go_down, stall]
        assert ready == "ready"
        shown = lobtail(
            engine.host,
            *("tail", "--no-follow", "-o", "json", "web"),
            env={"LOBTAIL_TIMEOUT": "0.4"},
        )
    assert items(shown) == [
        ("web.1.", "one"),
        ("gap", "warning: incomplete log stream: node host-n2 does not answer"),
    ]


def test_a_cut_is_resumed_and_each_line_comes_once() -> None:
    lives: list[list[Step]] = [[cut], [stall]]

    def live(task: FakeTask) -> Script:
        # What was sent before comes again, for it is within the window.
        rest: Script = lives.pop(0) if lives else [stall]
        return (
            [task.chunk(say("two", 2)), *rest]
            if len(lives) == 1
            else [
                *map(task.chunk, (say("two", 2), say("three", 3))),
                *rest,
            ]
        )

    with FakeSwarm(FakeTask("web", 1, history=[say("one", 1)], live=live)) as engine:
        shown = follow(engine, lines=3)
    assert [item for item in items(shown) if item[0] != "resumed"] == [
        ("web.1.", "one"),
        ("web.1.", "two"),
        ("web.1.", "three"),
    ]
    assert [kind for kind, _ in items(shown)].count("resumed") == 1


@pytest.mark.parametrize("apart", [0.1, 100])
def test_a_node_that_sends_its_log_again_is_seen_through(apart: float) -> None:
    """So it does when it has lost its manager for a moment, within one stream."""
    log_ = [say(f"line {i}", i * apart) for i in range(1, 5)]
    more = say("more", 5 * apart)
    opened = 0

    def live(task: FakeTask) -> Script:
        nonlocal opened
        opened += 1
        if opened == 1:
            # The history has gone before; then all comes again.
            return [*map(task.chunk, log_[2:]), *map(task.chunk, [*log_, more]), stall]
        return [*map(task.chunk, [*log_[2:], more]), stall]

    task = FakeTask("web", 1, history=log_[:2], live=live)
    with FakeSwarm(task) as engine:
        shown = follow(engine, lines=5)
    assert [text for kind, text in items(shown) if kind == "web.1."] == [
        *(f"line {i}" for i in range(1, 5)),
        "more",
    ]


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    opened = 0

    def live(task: FakeTask) -> Script:
        nonlocal opened
        opened += 1
        back = [task.chunk(say(f"back {i}", i)) for i in range(1, 4)]
        return [task.chunk(say("two", 200)), *back, stall]

    task = FakeTask("web", 1, history=[say("one", 100)], live=live)
    with FakeSwarm(task) as engine:
        shown = follow(engine, lines=5)
    texts = [text for kind, text in items(shown) if kind == "web.1."]
    assert texts == ["one", "two", "back 1", "back 2", "back 3"]
    assert opened == 2


def test_tasks_come_and_go() -> None:
    first = FakeTask("web", 1, history=[say("first", 1)])
    second = FakeTask("web", 1, history=[say("second", 2)], number=2)
    third = FakeTask("web", 1, history=[say("third", 3)], state="failed", exit_code=7, number=3)
    with FakeSwarm(first) as engine:
        process = popen(engine.host, "tail", "-o", "json", "--max-lines", "3", "web")
        assert process.stdout is not None
        seen = process.stdout.readline()
        first.state, first.exit_code = "failed", 3
        engine.tasks.append(second)
        while b'"second"' not in seen:
            seen += process.stdout.readline()
        # It is forgotten, and one that nobody saw running has come and gone.
        engine.tasks[:] = [third]
        result = finish(process)
    result = Result(seen + result.stdout, result.stderr, result.code)
    told = items(result)
    assert {text for kind, text in told if kind == "web.1."} == {"first", "second", "third"}
    assert ("stopped", 3) in told
    assert [kind for kind, _ in told].count("started") == 2
    assert result.code == 0


@pytest.mark.parametrize("following", [False, True])
def test_what_ended_is_shown_of_a_named_service_that_does_not_run(following: bool) -> None:
    labels = {
        "com.docker.swarm.service.name": "web",
        "com.docker.swarm.task.id": f"t0001{'x' * 20}",
        "com.docker.swarm.task.name": "web.1.t0001",
    }
    here = Box("web.1.t0001", [line("crash", 1)], labels=labels, running=False)
    tasks = (
        FakeTask("web", 1, OWN, state="failed"),
        FakeTask("web", 2, OTHER, [say("crash, too", 2)], state="failed"),
        FakeTask("db", 1, OTHER, [say("never", 3)], state="failed"),
        FakeTask("db", 1, OTHER, [say("runs", 4)]),
    )
    with FakeSwarm(*tasks, boxes=[here]) as engine:
        mode = "--follow" if following else "--no-follow"
        limit = ("--max-lines", "3")
        shown = lobtail(engine.host, "tail", mode, "-o", "json", *limit, "web", "db")
    assert [text for kind, text in items(shown) if kind in ("web.1.", "web.2.", "db.1.")] == [
        *("crash", "crash, too", "runs"),
    ]
    assert shown.code == 0
    waiting = b"lobtail: no task of web runs; waiting for one to start\n"
    assert shown.stderr == (waiting if following else b"")


def test_a_swarm_without_a_leader_is_waited_for() -> None:
    no_leader = json_answer({"message": "The swarm does not have a leader."}, 503, "Unavailable")
    refused = threading.Event()
    again = threading.Event()

    class Leaderless(FakeSwarm):
        def _script(self, target: str) -> Script:
            if "follow=1" in target and "/tasks/" in target and not again.is_set():
                refused.set()
                again.set()
                return no_leader
            return super()._script(target)

    task = FakeTask("web", 1, history=[say("one", 1)])
    task.live = lambda task: [task.chunk(say("two", 2)), stall]
    with Leaderless(task) as engine:
        shown = follow(engine, lines=2)
    assert refused.is_set()
    assert [text for kind, text in items(shown) if kind == "web.1."] == ["one", "two"]


def test_files_of_other_nodes_are_not_here() -> None:
    with FakeSwarm(FakeTask("web", 1, history=[say("one")])) as engine:
        shown = lobtail(engine.host, "tail", "--source", "files", "web")
    assert line_of(shown).startswith("lobtail: --source files: web.1.t0001")


def test_a_task_that_went_while_it_was_read() -> None:
    gone = json_answer({"message": "task not found"}, 404, "Not Found")
    task = FakeTask("web", 1)
    with FakeSwarm(task, answers={f"/tasks/{task.id}/logs": gone}) as engine:
        task_logs: dict[str, Script] = {f"/tasks/{engine.tasks[0].id}/logs": gone}
        engine.answers = task_logs
        shown = lobtail(engine.host, "tail", "--no-follow", "-o", "raw", "web")
    words = b"lines may be missing here: the task was removed before its log was read to the end"
    assert shown.stdout == b""
    assert [line.partition(b": ")[2] for line in shown.stderr.splitlines()] == [words, b"removed"]
    assert shown.code == 1

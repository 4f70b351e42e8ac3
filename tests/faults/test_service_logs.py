"""`lobtail service logs` where a swarm, or the way to it, is broken."""

from __future__ import annotations

import pytest

from faults.command import docker, line_of, lobtail
from faults.fake_engine import LAST, FakeEngine, Script, chunk, cut, frame, json_answer, stall
from faults.fake_swarm import OTHER, OWN, FakeSwarm, FakeTask, say
from support.engines import Result

NOT_AVAILABLE = (
    b"Error grabbing logs: rpc error: code = Unknown desc = warning: incomplete log stream. some "
    b"logs could not be retrieved for the following reasons: node n9 is not available\n"
)


def web() -> tuple[FakeTask, FakeTask]:
    here = FakeTask("web", 1, OWN, [say("one"), say("two", 1, stream=2)])
    return here, FakeTask("web", 2, OTHER, [say("three")])


def test_the_fake_is_shown_as_by_docker() -> None:
    with FakeSwarm(*web()) as engine:
        for arguments in ((), ("-t",), ("--details",), ("--raw",), ("--no-trunc", "--no-resolve")):
            ours, theirs = (
                run(engine.host, "service", "logs", *arguments, "web") for run in (lobtail, docker)
            )
            assert ours == theirs
            assert ours.code == 0
    assert ours.stdout.count(b"\n") == 2


def test_a_node_that_is_away_is_an_error_behind_all_that_came() -> None:
    with FakeSwarm(*web(), log_end=[chunk(frame(3, NOT_AVAILABLE)), LAST]) as engine:
        ours, theirs = (run(engine.host, "service", "logs", "web") for run in (lobtail, docker))
    assert ours.stdout == theirs.stdout
    assert ours.code == theirs.code == 1
    # docker puts an empty line behind it.
    assert ours.stderr == theirs.stderr.removesuffix(b"\n")
    assert ours.stderr.endswith(b"reasons: node n9 is not available\n")


def test_a_node_that_neither_answers_nor_hangs_up_is_not_waited_for() -> None:
    with FakeSwarm(*web(), log_end=[stall], states={OTHER: "down"}) as engine:
        shown = lobtail(
            engine.host, "service", "logs", "--raw", "web", env={"LOBTAIL_TIMEOUT": "0.4"}
        )
    assert (shown.stdout, shown.code) == (b"one\nthree\n", 1)
    assert shown.stderr == (
        b"two\nerror from daemon in stream: warning: incomplete log stream: "
        b"node host-n2 does not answer\n"
    )


def test_a_silent_manager_whose_nodes_are_all_there_is_given_up_later() -> None:
    with FakeSwarm(*web(), log_end=[stall]) as engine:
        shown = lobtail(
            engine.host, "service", "logs", "--raw", "web", env={"LOBTAIL_TIMEOUT": "0.1"}
        )
    assert shown.code == 1
    assert b"fell silent in mid-log for 1 s" in shown.stderr


@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_a_cut_is_an_error(follow: tuple[str, ...]) -> None:
    tasks = web()
    tasks[0].live = [cut]
    with FakeSwarm(*tasks, log_end=[cut]) as engine:
        shown = lobtail(engine.host, "service", "logs", "--raw", *follow, "web")
    assert (shown.stdout, shown.code) == (b"one\nthree\n", 1)
    assert b"ended in mid-answer" in shown.stderr or b"lobtail: " in shown.stderr


def test_a_task_that_was_forgotten_is_shown_all_the_same() -> None:
    here, there = web()
    forgotten: dict[str, Script] = {
        f"/tasks/t0002{'x' * 20}": json_answer({"message": "gone"}, 404, "Not Found"),
        f"/nodes/{OTHER}": json_answer({"message": "gone"}, 404, "Not Found"),
    }
    with FakeSwarm(here, there, answers=forgotten) as engine:
        shown = lobtail(engine.host, "service", "logs", "web")
    assert shown.stdout.splitlines() == [
        b"web.1.t0001xxxxxxx@host-n1    | one",
        f"web.?.t0002xxxxxxx@{OTHER}    | three".encode(),
    ]
    assert shown.code == 0


@pytest.mark.parametrize("said", [b"what is this\n", b"nothing\n", b"a=b c\n", b"%zz=1 c\n"])
def test_messages_that_say_no_task_are_an_error(said: bytes) -> None:
    with FakeSwarm(*web(), log_end=[chunk(frame(1, said)), LAST]) as engine:
        shown = lobtail(engine.host, "service", "logs", "web")
    assert shown.code == 1
    assert shown.stderr.splitlines()[-1].startswith(b"lobtail: ")


@pytest.mark.parametrize("status", [500, 503])
def test_the_words_of_a_manager_that_refuses_are_its_own(status: int) -> None:
    no = json_answer({"message": "no, I\nwon't"}, status, "Reason")
    with FakeSwarm(*web(), answers={"/services/web": no}) as engine:
        result = lobtail(engine.host, "service", "logs", "web")
    assert line_of(result) == "Error response from daemon: no, I won't"


def test_logs_of_what_is_not_there_names_no_service() -> None:
    missing = json_answer({"message": "No such container: web"}, 404, "Not Found")
    with FakeEngine(answers={"/containers/web/json": missing}) as engine:
        result = lobtail(engine.host, "logs", "web")
    assert result == Result(b"", b"Error response from daemon: No such container: web\n", 1)

"""The docker CLI and lobtail, side by side against one fake engine: the same bytes and codes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from faults.command import docker, lobtail, popen
from faults.fake_engine import FakeEngine, chunk, frame, json_answer, log, log_head, repeat, stall
from support.engines import LOBTAIL, Result, assert_same, docker_cli, finish

ONE = frame(1, b"one\n")
BOTH = pytest.mark.parametrize("command", ["docker", "lobtail"])


def program(command: str) -> list[str]:
    return LOBTAIL if command == "lobtail" else [docker_cli()]


@BOTH
def test_row_19_stdout_closed(command: str) -> None:
    with FakeEngine([log_head(), repeat(chunk(ONE))]) as engine:
        read, write = os.pipe()
        process = popen(engine.host, "logs", "web", stdout=write, program=program(command))
        os.close(write)
        assert os.read(read, 4) == b"one\n"
        os.close(read)
        _, stderr = process.communicate(timeout=30)
    assert (stderr, process.returncode) == (b"", -signal.SIGPIPE)


@BOTH
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_row_19_signals(command: str, number: int, code: int) -> None:
    with FakeEngine(log([ONE], stall)) as engine:
        process = popen(engine.host, "logs", "-f", "web", program=program(command))
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        process.send_signal(number)
        result = finish(process)
    # Old versions of the docker CLI let the signal kill them; a shell shows the same code.
    codes = (code, -number) if command == "docker" else (code,)
    assert (result.stdout, result.stderr) == (b"", b"")
    assert result.code in codes


@BOTH
def test_row_19_no_space_left(command: str) -> None:
    with FakeEngine(log([ONE])) as engine, Path("/dev/full").open("wb") as full:
        process = popen(engine.host, "logs", "web", stdout=full, program=program(command))
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"no space left on device" in stderr.lower()


def test_row_5_the_daemons_own_error() -> None:
    with FakeEngine(log([ONE, frame(2, b"two\n"), frame(3, b"it broke"), ONE])) as engine:
        ours, theirs = (run(engine.host, "logs", "web") for run in (lobtail, docker))
    assert ours == theirs == Result(b"one\n", b"two\nerror from daemon in stream: it broke\n", 1)


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501, 503])
@pytest.mark.parametrize("path", ["/json", "/logs"])
@pytest.mark.parametrize("message", ["the engine's own words", "No such container: web"])
def test_row_7_refusals(status: int, path: str, message: str) -> None:
    script = json_answer({"message": message}, status, "Reason")
    with FakeEngine(log([ONE]), answers={path: script}) as engine:
        ours, theirs = (run(engine.host, "logs", "web") for run in (lobtail, docker))
    assert_same(ours, theirs)


@pytest.mark.parametrize(
    "frames", [[], [ONE], [ONE, frame(2, b""), frame(0, b"in\n"), ONE], [frame(2, b"\xff\0\x1b")]]
)
def test_whole_logs(frames: list[bytes]) -> None:
    with FakeEngine(log(frames)) as engine:
        ours, theirs = (run(engine.host, "logs", "web") for run in (lobtail, docker))
    assert ours == theirs


@pytest.mark.parametrize(
    "args",
    [
        ("-f",),
        ("-t", "--details"),
        ("-n", "7"),
        ("--tail=all",),
        ("--tail", "x y&z"),
        ("--since", "2026-11-24T01:02:03.000000004Z", "--until", "2026-11-24T02:00:00Z"),
        ("--follow=false", "-t=1"),
    ],
    ids=" ".join,
)
def test_the_same_is_asked_of_the_engine(args: tuple[str, ...]) -> None:
    asked = []
    for run in (lobtail, docker):
        with FakeEngine(log([ONE])) as engine:
            assert run(engine.host, "logs", *args, "a.name-_1").code == 0
        path, _, query = engine.requests[-1].partition("?")
        asked.append((path.split("/", 2)[2], sorted(query.split("&"))))
    assert asked[0] == asked[1]


def test_the_docker_cli_is_silent_where_data_is_lost() -> None:
    # Why lobtail exists: the same cut log, and docker calls it a success.
    with FakeEngine(log([ONE, frame(1, b"lost\n")[:10]])) as engine:
        ours, theirs = (run(engine.host, "logs", "web") for run in (lobtail, docker))
    assert theirs == Result(b"one\n", b"", 0)
    assert (ours.stdout, ours.code) == (b"one\n", 1)
    assert b"got 2 of 5 payload bytes" in ours.stderr

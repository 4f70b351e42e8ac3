"""`lobtail logs -f` beside the docker CLI: running, ending, restarted, removed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from support.engines import WAIT, TestEngine, finish, until

FOLLOWERS = ("docker", "lobtail")


def first_bytes(process: subprocess.Popen[bytes], count: int) -> bytes:
    """Wait until a follower has shown `count` bytes on stdout."""
    assert process.stdout is not None
    shown = b""
    while len(shown) < count:
        piece = os.read(process.stdout.fileno(), count - len(shown))
        assert piece, f"it ended after {shown!r}"
        shown += piece
    return shown


@pytest.mark.parametrize("driver", ["json-file", "local"])
@pytest.mark.parametrize("tty", [False, True])
def test_follow_to_the_end(engine: TestEngine, driver: str, tty: bool) -> None:
    script = "for i in $(seq 60); do echo out $i; echo err $i >&2; usleep 15000; done"
    name = engine.start(script, "--log-driver", driver, *(["-t"] if tty else []))
    result = engine.both("-f", "-t", name)
    assert result.code == 0
    lines = result.stdout.splitlines() + result.stderr.splitlines()
    assert len(lines) == 120


def test_follow_with_tail_and_since(engine: TestEngine) -> None:
    script = f"seq 10; {WAIT}; seq 11 20"
    name = engine.start(script)
    until(lambda: b"10\n" in engine.logs(name), "ten lines")
    followers = [engine.popen(kind, "logs", "-f", "-n", "2", name) for kind in FOLLOWERS]
    for follower in followers:
        assert first_bytes(follower, 5) == b"9\n10\n"
    engine.go(name)
    docker, lobtail = map(finish, followers)
    assert docker == lobtail
    assert lobtail.stdout == b"".join(b"%d\n" % i for i in range(11, 21))


@pytest.mark.parametrize(
    "action",
    [("stop", "-t", "0"), ("kill",), ("restart", "-t", "0"), ("rm", "-f")],
    ids=lambda action: action[0],
)
def test_follow_ends_with_the_run(engine: TestEngine, action: tuple[str, ...]) -> None:
    name = engine.start("echo ready; echo err >&2; sleep 1000")
    followers = [engine.popen(kind, "logs", "-f", name) for kind in FOLLOWERS]
    for follower in followers:
        assert first_bytes(follower, 6) == b"ready\n"
    engine.docker(*action, name)
    docker, lobtail = map(finish, followers)
    assert lobtail == docker
    assert lobtail.code == 0


def test_follow_until_a_time_to_come(engine: TestEngine) -> None:
    name = engine.start("i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done")
    moment = datetime.now(UTC) + timedelta(seconds=2)
    result = engine.both("-f", "--until", f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z", name)
    assert result.code == 0
    assert len(result.stdout.splitlines()) > 10
    engine.remove(name)


@pytest.mark.parametrize("seconds", [-3600, 1])
def test_follow_of_a_silent_container_ends_at_until(engine: TestEngine, seconds: int) -> None:
    """The daemon looks at `until` only when a message comes: docker would wait for ever."""
    name = engine.start("echo ready; sleep 1000")
    until(lambda: engine.logs(name), "a line")
    moment = time.time() + seconds
    result = engine.run("lobtail", "logs", "-f", "--until", f"{moment:.9f}", name)
    assert result.code == 0
    assert result.stdout == (b"ready\n" if seconds > 0 else b"")
    assert time.time() > moment
    engine.remove(name)


def test_a_paused_container_is_waited_for(engine: TestEngine) -> None:
    name = engine.start(f"echo 1; {WAIT}; echo 2")
    follower = engine.popen("lobtail", "logs", "-f", name)
    assert first_bytes(follower, 2) == b"1\n"
    engine.act("pause", name)
    assert follower.poll() is None
    engine.act("unpause", name)
    engine.go(name)
    assert finish(follower).stdout == b"2\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_as_docker_ends(
    engine: TestEngine, number: signal.Signals, code: int
) -> None:
    name = engine.start("echo ready; sleep 1000")
    followers = [engine.popen(kind, "logs", "-f", name) for kind in FOLLOWERS]
    for follower in followers:
        assert first_bytes(follower, 6) == b"ready\n"
        follower.send_signal(number)
    docker, lobtail = map(finish, followers)
    assert lobtail.code == code
    # Old versions of the docker CLI let the signal kill them; a shell shows the same code.
    assert docker.code in (code, -number)
    assert (lobtail.stdout, lobtail.stderr) == (b"", b"")
    engine.remove(name)


def test_the_final_unterminated_text(engine: TestEngine) -> None:
    """Engines before 23.0 lose it by chance from a stream that is followed; newer ones never do."""
    name = engine.start("echo a; usleep 300000; printf tail")
    result = engine.run("lobtail", "logs", "-f", name)
    whole = b"a\ntail"
    version = engine.version
    assert result.stdout in ((b"a\n", whole) if version.startswith("20.10.") else (whole,))
    assert engine.both(name).stdout == whole


def test_a_closed_pipe_is_quiet_as_dockers(engine: TestEngine) -> None:
    name = engine.ended("json-file long", "seq 200000", "--log-opt", "max-size=100m")
    results = []
    for kind in FOLLOWERS:
        process = engine.popen(kind, "logs", name)
        first_bytes(process, 2)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        results.append((process.stderr.read(), process.wait(20)))
        process.stderr.close()
    assert results[0] == results[1] == (b"", -signal.SIGPIPE)

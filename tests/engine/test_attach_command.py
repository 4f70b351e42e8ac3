"""`lobtail attach` and `lobtail exec` beside docker's, in pipes, byte by byte."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.process import MIB, memory
from support.engines import WAIT, Result, TestEngine, assert_same, finish, until

KINDS = ("docker", "lobtail")


@pytest.fixture(scope="module")
def box(engine: TestEngine) -> Iterator[str]:
    """Return a container that runs, and only waits."""
    name = engine.start("sleep 100000")
    yield name
    engine.remove(name)


def run(engine: TestEngine, kind: str, args: tuple[str | bytes, ...], data: bytes) -> Result:
    process = engine.popen(kind, *args, stdin=subprocess.PIPE, env={"HERE": "its value"})  # type: ignore[arg-type]
    stdout, stderr = process.communicate(data, timeout=50)
    return Result(stdout, stderr, process.returncode)


def attached(engine: TestEngine, name: str) -> int:
    """Return how many have attached to a container so far."""
    filters = json.dumps({"container": [name], "event": ["attach"]})
    past = {"since": 0, "until": f"{time.time():.9f}"}
    return len(engine.api.call("GET", "/events", filters=filters, **past).splitlines())


def wait_attached(engine: TestEngine, name: str, count: int = 1) -> None:
    until(lambda: attached(engine, name) >= count, f"{count} are attached to {name}")


BIG = bytes(range(256)) * (10 * MIB // 256)
EXECS: dict[str, tuple[tuple[str | bytes, ...], tuple[str | bytes, ...], bytes]] = {
    "streams": ((), ("sh", "-c", "echo out; echo err >&2; exit 3"), b""),
    "input": (("-i",), ("cat",), b"hi\n"),
    "input that is not asked for": ((), ("cat",), b"hi\n"),
    "10 MiB through cat": (("-i",), ("cat",), BIG),
    "input that is not read": (("-i",), ("head", "-n1"), b"y\n" * MIB),
    "nothing": (("-i",), ("wc", "-c"), b""),
    "much output": ((), ("seq", "200000"), b""),
    "no such command": ((), ("nosuch",), b""),
    "no command": ((), ("/etc/passwd",), b""),
    "no such command, with a terminal": (("-t",), ("nosuch",), b""),
    "a terminal without input": (("-t",), ("sh", "-c", "echo x; tty >&2; exit 9"), b""),
    "input for a terminal": (("-it",), ("cat",), b"x"),
    "no such folder": (("-w", "/no"), ("ls",), b""),
    "no such user": (("-u", "nobody1"), ("ls",), b""),
    "folder and user": (("-w", "/tmp", "--user=0:0"), ("sh", "-c", "pwd; id -u"), b""),
    "environment": (
        ("-e", "HERE", "-eB=1", "--env", "NONE", "-e", "C=a=b"),
        ("sh", "-c", "echo $HERE,$B,$C; env | grep NONE"),
        b"",
    ),
    "detached": (("-d",), ("true",), b""),
    "detached, no such command": (("-d",), ("nosuch",), b""),
    "code": ((), ("sh", "-c", "exit 300"), b""),
    "killed": ((), ("sh", "-c", "kill -9 $$"), b""),
    "flags behind the command": ((), ("echo", "-i", "-t", "--env", "-n"), b""),
    "dashes": (("--",), ("echo", "--", "x"), b""),
    "no UTF-8": ((), ("printf", b"a\xffb"), b""),
}


# 26.1 may tell of one such command in a container what is wrong with another one.
REFUSED = [name for name, (_, words, _) in EXECS.items() if words[0] in ("nosuch", "/etc/passwd")]
REFUSED += ["no such folder", "no such user"]


def test_exec(engine: TestEngine, box: str) -> None:
    def both(name: str) -> tuple[str, Result, Result]:
        flags, words, data = EXECS[name]
        args = ("exec", *flags, box, *words)
        return name, run(engine, "docker", args, data), run(engine, "lobtail", args, data)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(both, (name for name in EXECS if name not in REFUSED)))
    results += map(both, REFUSED)
    tty = re.compile(rb"/dev/pts/\d+")
    for name, docker, lobtail in results:
        docker, lobtail = (
            Result(tty.sub(b"T", r.stdout), r.stderr, r.code) for r in (docker, lobtail)
        )
        assert lobtail == docker, name
    codes = {name: lobtail.code for name, _, lobtail in results}
    assert (codes["streams"], codes["code"], codes["killed"], codes["input"]) == (3, 44, 137, 0)


def test_on_every_engine(any_engine: TestEngine) -> None:
    name = any_engine.start("read x; echo got $x; echo err >&2; exit 5", "-i")
    result = run(any_engine, "lobtail", ("exec", "-i", name, "sh", "-c", "cat; exit 3"), BIG)
    assert result == Result(BIG, b"", 3)
    process = any_engine.popen("lobtail", "attach", name, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    process.wait(30)
    assert finish(process) == Result(b"got hello\n", b"err\n", 5)


@pytest.mark.parametrize("options", [("-i",), ("-t",)], ids=["frames", "tty"])
def test_attach(engine: TestEngine, options: tuple[str, ...]) -> None:
    # Both are attached to one container, so both see the same.
    name = engine.start(f"{WAIT}; seq 100000; echo err >&2; exit 3", *options)
    processes = [
        engine.popen(kind, "attach", "--no-stdin", name, stdin=subprocess.DEVNULL) for kind in KINDS
    ]
    wait_attached(engine, name, 2)
    with ThreadPoolExecutor(2) as pool:  # who does not read holds up the other
        results = pool.map(finish, processes)
        engine.go(name)
        docker, lobtail = results
    assert lobtail == docker
    assert lobtail.code == 3
    assert len(lobtail.stdout) > 500_000


def test_attach_with_input(engine: TestEngine) -> None:
    results = []
    for kind in KINDS:
        name = engine.start("read x; echo got $x; read y; echo got $y >&2; exit 5", "-i")
        process = engine.popen(kind, "attach", name, stdin=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        first = process.stdout.readline()
        process.stdin.write(b"world\n")
        process.stdin.flush()
        process.wait(30)
        results.append((first, finish(process)))
    docker, lobtail = results
    assert lobtail == docker == (b"got hello\n", Result(b"", b"got world\n", 5))


def test_stdin_once_ends_with_ours(engine: TestEngine) -> None:
    # `docker run -i` without -d makes a container whose stdin ends with that of who is attached.
    results = []
    for kind in KINDS:
        name = f"{kind}-once-{engine.suite}"
        engine.docker(
            "create", "-i", "--name", name, "lobtail-test", "sh", "-c", f"{WAIT}; cat; exit 4"
        )
        engine.containers[name] = name
        engine.act("start", name)
        process = engine.popen(kind, "attach", name, stdin=subprocess.PIPE)
        wait_attached(engine, name)
        engine.go(name)
        stdout, stderr = process.communicate(b"one\ntwo\n", timeout=50)
        results.append(Result(stdout, stderr, process.returncode))
    assert results[0] == results[1] == Result(b"one\ntwo\n", b"", 4)


def test_the_exit_code_of_what_is_removed(engine: TestEngine) -> None:
    name = engine.start(f"{WAIT}; exit 7", "--rm")
    processes = [engine.popen(kind, "attach", name) for kind in KINDS]
    wait_attached(engine, name, 2)
    engine.go(name)
    assert [finish(process).code for process in processes] == [7, 7]


def test_refusals(engine: TestEngine) -> None:
    stopped = engine.ended("exit 3", "exit 3")
    paused = engine.start("sleep 1000")
    engine.act("pause", paused)
    terminal = engine.start("sleep 1000", "-i", "-t")
    cases = [
        ("attach", "no-such-container"),
        ("attach", stopped),
        ("attach", paused),
        ("attach", terminal),
        ("exec", "no-such-container", "ls"),
        ("exec", "-it", "no-such-container", "ls"),
        ("exec", stopped, "ls"),
        ("exec", paused, "ls"),
    ]
    both = [(kind, args) for args in cases for kind in KINDS]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda case: run(engine, case[0], case[1], b""), both))
    for args, docker, lobtail in zip(cases, results[::2], results[1::2], strict=True):
        # Newer ones say it in other words.
        if re.search(rb"^cannot attach", docker.stderr):
            docker = Result(docker.stdout, lobtail.stderr, docker.code)
        assert_same(lobtail, docker)
        assert lobtail.code == 1, args
    engine.act("unpause", paused)


# --- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_passed_on(engine: TestEngine, number: signal.Signals) -> None:
    short = number.name.removeprefix("SIG")
    loop = "while :; do usleep 10000; done"
    name = engine.start(f"trap 'echo got {short}; exit 7' {short}; echo ready; {loop}")
    until(lambda: b"ready" in engine.logs(name), "the container is ready")
    process = engine.popen("lobtail", "attach", name)
    wait_attached(engine, name)
    process.send_signal(number)
    assert finish(process) == Result(f"got {short}\n".encode(), b"", 7)


@pytest.mark.parametrize(
    "args", [("--sig-proxy=false",), ("--no-sig-proxy",), ("--sig-proxy", "--sig-proxy=0")]
)
def test_signals_that_are_not_passed_on(
    engine: TestEngine, box: str, args: tuple[str, ...]
) -> None:
    count = attached(engine, box) + 1
    process = engine.popen("lobtail", "attach", *args, box)
    wait_attached(engine, box, count)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == Result(b"", b"", 143)
    assert engine.inspect(box)["State"]["Running"]


def test_a_signal_ends_exec_and_leaves_the_command(engine: TestEngine, box: str) -> None:
    process = engine.popen("lobtail", "exec", box, "sh", "-c", "echo $$; exec sleep 1234")
    assert process.stdout is not None
    pid = process.stdout.readline().decode().strip()
    process.send_signal(signal.SIGINT)
    assert finish(process) == Result(b"", b"", 130)
    engine.docker("exec", box, "kill", pid)


def test_a_closed_stdout_ends_it(engine: TestEngine, box: str) -> None:
    process = engine.popen("lobtail", "exec", box, "yes")
    assert process.stdout is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(30) == -signal.SIGPIPE
    process.stderr.close()


# --- a reader that has stopped ------------------------------------------------------------------


def test_a_stopped_reader_keeps_neither_signals_nor_input_back(one_engine: TestEngine) -> None:
    script = (
        "trap 'echo $n >/signalled' USR1; n=0; (read x; echo $x >/read) <&3 & "
        "while :; do head -c 65536 /dev/zero; n=$((n+1)); echo $n >/n; done"
    )
    name = one_engine.start(f"exec 3<&0; {WAIT}; {script}", "-i", "--log-driver", "none")
    process = one_engine.popen("lobtail", "attach", name, stdin=subprocess.PIPE)

    def inside(path: str) -> str:
        return one_engine.docker("exec", name, "cat", path, check=False)

    wait_attached(one_engine, name)
    one_engine.go(name)
    # docker's client takes as much ahead before the container waits.
    until(lambda: int(inside("/n") or 0) * 65536 > 1_300_000, "the container writes ahead")
    assert process.stdin is not None
    process.stdin.write(b"typed\n")
    process.stdin.flush()
    until(lambda: inside("/read") == "typed", "what was typed has come")
    # A shell looks at signals between two commands: the one that waits for us is killed.
    process.send_signal(signal.SIGUSR1)
    os.set_blocking(process.stdout.fileno(), False)  # type: ignore[union-attr]

    def read_on() -> bool:
        while process.stdout is not None and process.stdout.read(1 << 16):
            pass
        return bool(inside("/signalled"))

    until(read_on, "the signal has come")
    assert memory(process.pid) < 60 * MIB
    process.kill()
    process.communicate()
    one_engine.remove(name)

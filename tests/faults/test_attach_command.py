"""`lobtail attach` and `lobtail exec` where the engine, the user or our own streams go wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from faults.command import IMPATIENT, environment, line_of, lobtail, popen
from faults.fake_engine import (
    MULTIPLEXED,
    RAW,
    FakeEngine,
    Script,
    Step,
    answer,
    await_event,
    chunk,
    cut,
    frame,
    head,
    json_answer,
    log_head,
    receive,
    receive_eof,
    reset,
    stall,
    tell,
)
from support import attaching
from support.attaching import OLD, ONE, SWITCH, TWO
from support.engines import LOBTAIL, Result, finish, until
from support.terminals import Terminal

ENDED = [chunk(b'{"StatusCode": 3}'), b"0\r\n\r\n"]
COMMANDS = {"attach": ("attach", "web"), "exec": ("exec", "-i", "web", "x")}


def fake(
    *stream: Step,
    wait: Script = (stall,),
    tty: bool = False,
    stdin: bool = True,
    running: bool = False,
    tcp: bool = False,
    more: dict[str, Script] | None = None,
) -> FakeEngine:
    """Make an engine with a container that is attached to by `stream`, and a command likewise."""
    answers: dict[str, Script] = {
        "/e1/json": json_answer({"Running": running, "ExitCode": 3}),
        "/resize": answer(""),
        "/kill": answer(""),
        **(more or {}),
    }
    return attaching.fake(*stream, wait=wait, tcp=tcp, more=answers, tty=tty, stdin=stdin)


def run(engine: FakeEngine, command: str, *args: str, data: bytes = b"", **more: Any) -> Result:
    name, *rest = COMMANDS[command]
    with engine:
        process = popen(engine.host, name, *args, *rest, stdin=subprocess.PIPE, **more)
        stdout, stderr = process.communicate(data, timeout=50)
    return Result(stdout, stderr, process.returncode)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("start", [SWITCH, OLD], ids=["101", "200"])
def test_both_answers(command: str, start: bytes) -> None:
    engine = fake(start, receive(b"typed"), receive_eof, ONE + TWO, cut, wait=ENDED)
    assert run(engine, command, data=b"typed") == Result(b"one\n", b"two\n", 3)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (json_answer({"message": "it\nmay not"}, 403), "Error response from daemon: it may not"),
        (
            [head(409, "Conflict", content_type=RAW) + b"is\r\nso\r\n", cut],
            "Error response from daemon: is so",
        ),
        (
            answer("<html><title>Bad</title>", 502),
            "Error response from daemon: 502 OK: an HTML page",
        ),
        ([b"no HTTP\r\n\r\n", cut], "lobtail: the server does not speak HTTP"),
        ([cut], "lobtail: the engine at"),
        ([log_head(MULTIPLEXED), chunk(ONE), b"0\r\n\r\n"], "lobtail: the engine at"),
    ],
    ids=["json", "text", "html", "no http", "nothing", "chunked"],
)
def test_it_is_refused(command: str, script: Script, words: str) -> None:
    line = line_of(run(fake(*script), command))
    assert line.startswith(words)


def test_a_command_is_refused() -> None:
    for path in ("/web/exec", "/web/json"):
        script = json_answer({"message": "no"}, 409, "Conflict")
        assert line_of(run(fake(more={path: script}), "exec")) == "Error response from daemon: no"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("end", "words"),
    [
        ([TWO[:10], cut], "the stream ended inside a frame: got 2 of 4 payload bytes"),
        ([TWO[:3], cut], "the stream ended inside a frame: got 3 of 8 header bytes"),
        (
            [TWO[:10], reset],
            "the stream ended inside a frame: got 2 of 4 payload bytes; the connec",
        ),
        ([reset], "the connection to the engine at .* broke after .*: Connection reset by peer"),
        ([TWO[:10], stall], "the stream ended inside a frame: .* fell silent in mid-frame for 1 s"),
        ([b"garbage, not frames"], "unrecognized stream type 103 .'g'. at byte 12: .*"),
    ],
    ids=["cut", "cut in header", "reset in frame", "reset", "stall", "garbage"],
)
def test_it_breaks(command: str, end: list[Step], words: str) -> None:
    args = ("attach", "--no-stdin", "web") if command == "attach" else ("exec", "web", "x")
    with fake(SWITCH, ONE, *end, tcp=True) as engine:
        result = lobtail(engine.host, *args, env=IMPATIENT)
    assert result.stdout == b"one\n"
    assert re.match(f"lobtail: {words}", line_of(result))


def test_the_daemons_own_error() -> None:
    result = run(fake(SWITCH, ONE + frame(3, b"it went wrong\n"), cut), "attach")
    assert result.stdout == b"one\n"
    assert line_of(result) == "error from daemon in stream: it went wrong"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_end_while_the_process_runs_on(command: str) -> None:
    engine = fake(SWITCH, ONE, cut, running=True)
    args = ("--no-stdin",) if command == "attach" else ()
    result = run(engine, command, *args, env=IMPATIENT)
    assert result.stdout == b"one\n"
    name = "web" if command == "attach" else "the command"
    assert re.fullmatch(
        rf"lobtail: the connection to the engine at \S+ \S+ has ended, and {name} runs on",
        line_of(result),
    )


def test_an_end_of_our_input_is_no_cut() -> None:
    ended = threading.Event()
    wait = [await_event(ended), *ENDED]
    engine = fake(SWITCH, ONE, receive_eof, tell(ended), cut, wait=wait)
    assert run(engine, "attach", env=IMPATIENT) == Result(b"one\n", b"", 3)


def test_waiting_breaks() -> None:
    result = run(fake(SWITCH, ONE, cut, wait=[cut]), "attach")
    assert result.stdout == b"one\n"
    assert "closed the connection after" in line_of(result)


def test_waiting_fails() -> None:
    said = json.dumps({"StatusCode": -1, "Error": {"Message": "it is lost"}}).encode()
    result = run(fake(SWITCH, ONE, cut, wait=[chunk(said), b"0\r\n\r\n"]), "attach")
    assert line_of(result) == "lobtail: it is lost"


@pytest.mark.parametrize("ends", [False, True])
def test_a_connection_that_breaks_on_a_terminal(ends: bool) -> None:
    broken = threading.Event()
    end = [await_event(broken), cut if ends else reset]
    engine = fake(SWITCH, b"shown\r\n", *end, tty=True, tcp=True)
    with engine, Terminal() as terminal:
        terminal.start([*LOBTAIL, "attach", "web"], environment(engine.host, IMPATIENT))
        until(lambda: terminal.raw, "the terminal is raw")
        broken.set()
        result = terminal.finish()
        assert terminal.restored
    shown, line = result.stdout.decode().splitlines()
    assert shown == "shown"
    assert line.startswith("lobtail: the connection to the engine at")
    assert result.code == 1


def test_a_terminal_that_goes() -> None:
    with fake(SWITCH, stall, tty=True) as engine, Terminal() as terminal:
        terminal.start([*LOBTAIL, "attach", "web"], environment(engine.host, IMPATIENT))
        until(lambda: terminal.raw, "the terminal is raw")
        # The kernel sends SIGHUP to whom the terminal controls.
        os.close(terminal.master)
        assert terminal.process.wait(30) == 129
        terminal.master = os.open(os.devnull, os.O_RDONLY)


# --- our own streams ----------------------------------------------------------------------------


def test_stdin_from_a_file_and_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"x" * 100_000 + b"end")
    for name, data in ((str(path), b"end"), (os.devnull, b"")):
        with (
            fake(SWITCH, receive(data), receive_eof, ONE, cut) as engine,
            Path(name).open() as file,
        ):
            assert lobtail(engine.host, "exec", "-i", "web", "x", stdin=file).stdout == b"one\n"


def test_stdin_is_closed() -> None:
    with fake(SWITCH, receive_eof, ONE, cut) as engine:
        program = ["sh", "-c", 'exec "$@" <&-', "sh", *LOBTAIL]
        result = lobtail(engine.host, "exec", "-i", "web", "x", program=program)
    assert result == Result(b"one\n", b"", 3)


def test_stdout_is_full() -> None:
    with fake(SWITCH, ONE, stall) as engine, Path("/dev/full").open("wb") as full:
        process = popen(engine.host, "exec", "web", "x", stdout=full)
        result = finish(process)
    assert result.code == 1
    assert result.stderr == b"lobtail: cannot write to stdout: No space left on device\n"


def test_a_process_that_takes_no_more_input() -> None:
    ended = threading.Event()
    with fake(SWITCH, await_event(ended), ONE, cut) as engine:
        process = popen(engine.host, "exec", "-i", "web", "x", stdin=subprocess.PIPE)
        assert process.stdin is not None
        written = os.write(process.stdin.fileno(), b"x" * 60_000)
        ended.set()
        assert written
        assert process.wait(30) == 3
        assert finish(process).stderr == b""


# --- command lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("attach", "--detach-keys", "ctrl-1", "web"), "--detach-keys 'ctrl-1' cannot be used"),
        (("exec", "--detach-keys=a,,b", "web", "x"), "--detach-keys 'a,,b' cannot be used: ''"),
        (("exec", "-e", "=x", "web", "x"), "--env '=x' names no variable"),
        (("exec", "--env-file", "/no/such", "web", "x"), "--env-file /no/such: No such file"),
        (("exec", "web"), "Missing argument 'COMMAND"),
        (("attach",), "Missing argument 'CONTAINER'"),
        (("attach", "web", "db"), "Got unexpected extra argument (db)"),
        (("attach", "--sig-proxy=maybe", "web"), "--sig-proxy takes true or false, not 'maybe'"),
        (("attach", ""), "the container's name is empty"),
    ],
)
def test_a_command_line_that_cannot_be_used(args: tuple[str, ...], words: str) -> None:
    with FakeEngine() as engine:
        result = lobtail(engine.host, *args)
        assert engine.connections <= ("" in args)
    assert result.code == 2
    assert result.stdout == b""
    assert result.stderr.decode().startswith(f"lobtail: {words}")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"detachKeys": "ctrl-é"}', "detachKeys in .*/config.json 'ctrl-é' cannot be used"),
        ('{"detachKeys": 7}', ""),
        ("[]", ""),
        ("no JSON", ""),
        ("{}", ""),
    ],
)
def test_docker_configuration(config: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    with fake(SWITCH, ONE, cut, wait=ENDED) as engine:
        env = {"DOCKER_CONFIG": str(tmp_path)}
        result = lobtail(engine.host, "attach", "--no-stdin", "web", env=env)
    if words:
        assert result.code == 2
        assert re.match(f"lobtail: {words}", result.stderr.decode())
    else:
        assert (result.stdout, result.code) == (b"one\n", 3)
        warned = result.stderr.startswith(b"WARNING: Error parsing config file (")
        assert warned == bool(result.stderr) == (config != "{}")

"""`lobtail attach` and `lobtail exec` on a terminal, beside docker's: what is typed, what is shown,
and in which state the terminal is left."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import LOBTAIL, Result, TestEngine, docker_cli, until
from support.proxy import CuttingProxy
from support.terminals import Terminal

COMMANDS = {"docker": [docker_cli()], "lobtail": LOBTAIL}
ECHO = "while read x; do echo got $x; done; exit 5"
DETACHED = b"read escape sequence\r\n"


@pytest.fixture(scope="module")
def shell(any_engine: TestEngine) -> Iterator[str]:
    """Return a container with a TTY that answers what is typed."""
    name = any_engine.start(ECHO, "-i", "-t")
    yield name
    any_engine.remove(name)


def start(engine: TestEngine, kind: str, *args: str, env: dict[str, str] | None = None) -> Terminal:
    terminal = Terminal()
    terminal.start([*COMMANDS[kind], *args], {**engine.env(env), "HOME": "/nonexistent"})
    until(lambda: terminal.raw or terminal.process.poll() is not None, "the terminal is raw")
    return terminal


def running(engine: TestEngine, name: str) -> bool:
    return bool(engine.inspect(name)["State"]["Running"])


def test_attach_as_docker(engine: TestEngine) -> None:
    results = []
    for kind in COMMANDS:
        name = engine.start(ECHO, "-i", "-t")
        with start(engine, kind, "attach", name) as terminal:
            for word in ("one", "two", "ä€"):
                terminal.type(word.encode() + b"\r")
                terminal.read_until(f"got {word}\r\n".encode())
            terminal.type(b"\x04")
            results.append((terminal.finish(), terminal.restored))
    assert results[0] == results[1]
    assert results[1][0].code == 5
    assert results[1][1]


def test_exec_as_docker(any_engine: TestEngine, shell: str) -> None:
    # Its size is asked for when it is there: engines before 23.0 learn of it when the command runs.
    script = (
        'while [ "$(stty size 2>&1)" != "24 80" ]; do usleep 10000; done; '
        "stty size; read x; echo $x; stty -echo; echo hush; read y; echo $y >&2; exit 6"
    )
    results = []
    for kind in COMMANDS:
        with start(any_engine, kind, "exec", "-it", shell, "sh", "-c", script) as terminal:
            terminal.read_until(b"24 80\r\n")
            terminal.type(b"hello\r")
            terminal.read_until(b"hush\r\n")
            terminal.type(b"world\r")
            results.append((terminal.finish(), terminal.restored))
    assert results[0] == results[1]
    assert results[1] == (Result(terminal.shown, b"", 6), True)
    assert terminal.shown.endswith(b"24 80\r\nhello\r\nhello\r\nhush\r\nworld\r\n")


@pytest.mark.parametrize(
    ("args", "config", "keys"),
    [
        ((), "", b"\x10\x11"),
        (("--detach-keys", "ctrl-a,b"), "", b"\x01b"),
        (("--detach-keys=DEL",), '{"detachKeys": "x"}', b"\x7f"),
        ((), '{"detachKeys": "ctrl-],q"}', b"\x1dq"),
    ],
    ids=["default", "flag", "flag over file", "file"],
)
def test_detaching(
    one_engine: TestEngine,
    args: tuple[str, ...],
    config: str,
    keys: bytes,
    tmp_path: Path,
) -> None:
    if config:
        (tmp_path / "config.json").write_text(config)
    env = {"DOCKER_CONFIG": str(tmp_path)}
    name = one_engine.start(ECHO, "-i", "-t")
    results = []
    for kind in COMMANDS:
        with start(one_engine, kind, "attach", *args, name, env=env) as terminal:
            terminal.type(b"a" + keys[: len(keys) - 1] + b"\r")
            terminal.read_until(b"got a")
            terminal.type(keys)
            result = terminal.finish()
            results.append((result.stdout[-len(DETACHED) :], result.code, terminal.restored))
    assert results[0] == results[1] == (DETACHED, 1, True)
    assert running(one_engine, name)
    one_engine.remove(name)


def test_detaching_from_exec(any_engine: TestEngine, shell: str) -> None:
    with start(any_engine, "lobtail", "exec", "-it", shell, "sleep", "1234") as terminal:
        terminal.type(b"\x10\x11")
        assert terminal.finish() == Result(DETACHED, b"", 1)
        assert terminal.restored


def test_the_size_follows(any_engine: TestEngine, shell: str) -> None:
    name = any_engine.start("while :; do stty size; usleep 20000; done", "-i", "-t")
    with start(any_engine, "lobtail", "attach", name) as terminal:
        terminal.read_until(b"\r\n24 80\r\n")
        terminal.resize(55, 111)
        terminal.read_until(b"\r\n55 111\r\n")
        terminal.type(b"\x10\x11")
        assert terminal.finish().code == 1
    any_engine.remove(name)
    loop = "while :; do stty size; usleep 20000; done"
    with start(any_engine, "lobtail", "exec", "-it", shell, "sh", "-c", loop) as terminal:
        terminal.read_until(b"24 80\r\n")
        terminal.resize(44, 99)
        terminal.read_until(b"\r\n44 99\r\n")
        terminal.type(b"\x03")
        assert terminal.finish().code == 130


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_signals_put_the_terminal_back(one_engine: TestEngine, number: str) -> None:
    name = one_engine.start(ECHO, "-i", "-t")
    for args in (("attach", name), ("exec", "-it", name, "sleep", "1000")):
        with start(one_engine, "lobtail", *args) as terminal:
            terminal.process.send_signal(signal.Signals[number])
            assert terminal.finish().code == 128 + signal.Signals[number]
            assert terminal.restored
    assert running(one_engine, name)
    one_engine.remove(name)


def test_ctrl_c_without_a_tty(one_engine: TestEngine) -> None:
    loop = "while :; do usleep 10000; done"
    name = one_engine.start(f"trap 'echo got it; exit 7' INT; echo ready; {loop}", "-i")
    until(lambda: b"ready" in one_engine.logs(name), "the container is ready")
    with Terminal() as terminal:
        terminal.start([*LOBTAIL, "attach", name], one_engine.env())
        told = ("events", "--since", "1h", "--until", "0s", "--filter", f"container={name}")
        until(lambda: "attach" in one_engine.docker(*told), "it is attached")
        terminal.type(b"\x03")
        assert terminal.finish() == Result(b"^Cgot it\r\n", b"", 7)
        assert terminal.restored


def test_while_it_is_stopped_the_terminal_is_the_shells(one_engine: TestEngine) -> None:
    name = one_engine.start(ECHO, "-i", "-t")
    with Terminal() as terminal:
        # A shell with job control, so that there is who takes over and who says "go on".
        command = " ".join([*LOBTAIL, "attach", name])
        script = f"{command} & echo pid $!; fg; echo stopped; read x; fg; echo code $?"
        terminal.start(["sh", "-mc", script], one_engine.env())
        until(lambda: terminal.raw, "the terminal is raw")
        terminal.type(b"one\r")
        shown = terminal.read_until(b"got one")
        pid = int(shown.split(b"pid ")[1].split()[0])
        os.kill(pid, signal.SIGTSTP)
        terminal.read_until(b"stopped\r\n")
        assert terminal.restored
        terminal.type(b"\r")
        until(lambda: terminal.raw, "the terminal is raw again")
        terminal.type(b"two\r")
        terminal.read_until(b"got two")
        terminal.type(b"\x10\x11")
        terminal.read_until(b"code 1")
        terminal.finish()
        assert terminal.restored
    one_engine.remove(name)


@pytest.mark.parametrize("tty", [True, False], ids=["tty", "frames"])
@pytest.mark.parametrize("command", ["attach", "exec"])
def test_a_connection_that_is_cut(one_engine: TestEngine, command: str, tty: bool) -> None:
    script = "read x; seq 30000; sleep 1000"
    options = ("-i", "-t") if tty else ("-i",)
    name = one_engine.start(script, *options)
    args = ("attach", name) if command == "attach" else ("exec", *options, name, "sh", "-c", script)

    def scenario(host: str) -> None:
        with Terminal() as terminal:
            env = {**one_engine.env({"LOBTAIL_TIMEOUT": "3"}), "DOCKER_HOST": host}
            terminal.start([*LOBTAIL, *args], env)
            if tty:
                until(lambda: terminal.raw, "the terminal is raw")
            terminal.type(b"go\r")
            result = terminal.finish()
            assert terminal.restored
            assert b"\r\n1000\r\n" in result.stdout
            if (command, tty, result.code) == ("exec", True, 126):
                # The engine has noted the cut as the command's end by then, with this code
                # (moby, daemon/exec.go), and raw bytes end anywhere: docker's CLI says the same.
                return
            assert result.code == 1
            last = result.stdout.decode().splitlines()[-1]
            assert re.search(
                "lobtail: the (connection to|engine at|stream ended inside a frame)", last
            )

    async def main() -> None:
        async with CuttingProxy(one_engine.host, lambda: 100_000, 1) as proxy:
            await asyncio.to_thread(scenario, proxy.host)
            assert proxy.cuts == 1

    asyncio.run(main())
    one_engine.remove(name)


def test_without_a_tty_only_colours_act(one_engine: TestEngine) -> None:
    name = one_engine.start("sleep 1000")
    printed = r"\033[31mred\033[0m \033[2J\033]0;title\007\n"
    args = ("exec", name, "printf", printed)
    with Terminal() as terminal:
        terminal.start([*LOBTAIL, *args], one_engine.env())
        assert terminal.finish().stdout == b"\x1b[31mred\x1b[0m " + "␛[2J␛]0;title␇\r\n".encode()
    with Terminal() as terminal:
        terminal.start([*LOBTAIL, args[0], "--raw", *args[1:]], one_engine.env())
        assert terminal.finish().stdout == b"\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07\r\n"
    one_engine.remove(name)


def test_the_process_is_removed(any_engine: TestEngine) -> None:
    name = any_engine.start(ECHO, "-i", "-t", "--rm")
    with start(any_engine, "lobtail", "attach", name) as terminal:
        any_engine.remove(name)
        assert terminal.finish().code == 137
        assert terminal.restored

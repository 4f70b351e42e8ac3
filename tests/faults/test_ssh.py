"""What becomes of ssh: how it is started, what it says, that it ends; with a scripted ssh."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.command import IMPATIENT, line_of, lobtail, popen
from faults.fake_engine import FakeEngine, Script, cut, frame, head, log, stall
from faults.process import runs
from lobtail import ConnectError, Engine
from lobtail.engine.net.ssh import DIALING
from support.engines import docker_cli, until

ONE = frame(1, b"one\n")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="fs", dir="/tmp") as name:
        yield Path(name)


def script(folder: Path, text: str) -> dict[str, str]:
    """Return an environment with an ssh that notes how it was called, and does what is said."""
    program = folder / "ssh"
    note = f'for word in "$@"; do echo "$word"; done >> {folder}/called; echo >> {folder}/called'
    program.write_text(f"#!/bin/sh\n{note}\n{text}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def through(folder: Path, engine: FakeEngine, before: str = "") -> dict[str, str]:
    """Return an environment whose ssh leads to an engine, as the far end's docker does."""
    dial = f"{docker_cli()} -H {engine.host} system dial-stdio"
    return script(folder, f"{before}\nexec env HOME=/nonexistent {dial}")


def called(folder: Path) -> list[list[str]]:
    return [call.split("\n") for call in (folder / "called").read_text().strip().split("\n\n")]


SSH = ["-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=20", "-T"]
DIAL = ["system", "dial-stdio"]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://far", ["--", "far", "docker", *DIAL]),
        ("ssh://me@far:2222", ["-l", "me", "-p", "2222", "--", "far", "docker", *DIAL]),
        ("ssh://[::1]", ["--", "::1", "docker", *DIAL]),
        ("ssh://far/run/d.sock", ["--", "far", "docker", "--host=unix:///run/d.sock", *DIAL]),
        # A shell reads it at the far end.
        (
            "ssh://far/a%20b;id/d.sock",
            ["--", "far", "docker", "'--host=unix:///a b;id/d.sock'", *DIAL],
        ),
        ("ssh://-oProxyCommand=id", ["--", "-oProxyCommand=id", "docker", *DIAL]),
    ],
)
def test_how_it_is_called(folder: Path, host: str, words: list[str]) -> None:
    with FakeEngine(log([ONE])) as engine:
        result = lobtail(host, "logs", "web", env=through(folder, engine))
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    calls = called(folder)
    assert calls[0] == [*SSH, *words]
    assert engine.requests[0] == "/_ping"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'ssh: no route' >&2; exit 255", "ssh: no route"),
        ("printf 'banner\\n\\n  last words  \\n\\n@@@@\\n' >&2; exit 255", "last words"),
        ("exit 255", "ssh ended with code 255, without a word"),
        ("exit 3", "ssh ended with code 3, without a word"),
        ("kill -9 $$", "ssh ended with code -9, without a word"),
        ("yes 'noise on stderr' | head -c 1000000 >&2; echo at last >&2; exit 1", "at last"),
    ],
)
def test_its_words_are_the_error(folder: Path, text: str, words: str) -> None:
    line = line_of(lobtail("ssh://far", "logs", "web", env=script(folder, text)))
    assert line == f"lobtail: cannot connect to the engine at ssh://far (DOCKER_HOST): {words}"


def test_neither_docker_nor_podman_at_the_far_end(folder: Path) -> None:
    text = 'shift 7; echo "sh: 1: $1: not found" >&2; exit 127'
    line = line_of(lobtail("ssh://far", "logs", "web", env=script(folder, text)))
    assert line == (
        "lobtail: cannot connect to the engine at ssh://far (DOCKER_HOST): sh: 1: docker: not "
        "found; is there docker or podman at the far end, on the PATH of a shell without login?"
    )
    assert [call[7] for call in called(folder)] == ["docker", "podman"]


def test_podman_where_there_is_no_docker(folder: Path) -> None:
    no_docker = 'case "$*" in *" docker "*) echo "sh: docker: not found" >&2; exit 127;; esac'
    with FakeEngine(log([ONE])) as engine:
        result = lobtail("ssh://far/p", "logs", "web", env=through(folder, engine, no_docker))
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)
    commands = [call[7:] for call in called(folder)]
    # It is not looked for again.
    assert commands[0] == ["docker", "--host=unix:///p", *DIAL]
    assert commands[1:] == [["podman", "--url=unix:///p", *DIAL]] * (len(commands) - 1)


def test_many_that_fail_start_few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Engine("ssh://many") as engine:
            pings = [engine.ping() for _ in range(100)]
            results = await asyncio.gather(*pings, return_exceptions=True)
            assert {str(result) for result in results} == {
                "cannot connect to the engine at ssh://many (host): no way"
            }

    for name, value in script(folder, "echo no way >&2; exit 255").items():
        monkeypatch.setenv(name, value)
    asyncio.run(main())
    assert len(called(folder)) <= DIALING


def test_silence(folder: Path) -> None:
    env = script(folder, "sleep 100") | IMPATIENT
    line = line_of(lobtail("ssh://far", "logs", "web", env=env))
    assert line == (
        "lobtail: cannot connect to the engine at ssh://far (DOCKER_HOST): no answer within 1 s"
    )


def test_there_is_no_ssh(folder: Path) -> None:
    line = line_of(lobtail("ssh://far", "logs", "web", env={"PATH": str(folder)}))
    assert line == (
        "lobtail: cannot connect to the engine at ssh://far (DOCKER_HOST): there is no ssh program"
    )


def test_an_engine_that_ends_the_connection_behind_each_answer(folder: Path) -> None:
    ping: Script = [head(200, "OK", api_version="1.45", connection="close", content_length=0), cut]
    with FakeEngine(log([ONE]), answers={"/_ping": ping}) as engine:
        result = lobtail("ssh://far", "logs", "web", env=through(folder, engine))
    assert (result.stdout, result.stderr, result.code) == (b"one\n", b"", 0)


def test_ssh_that_dies_in_mid_log(folder: Path) -> None:
    with FakeEngine(log([ONE], cut)) as engine:
        result = lobtail("ssh://far", "logs", "web", env=through(folder, engine))
    assert result.stdout == b"one\n"
    assert line_of(result).startswith("lobtail: the engine at ssh://far (DOCKER_HOST) closed the ")


def test_the_last_words_of_a_connection_that_is_cut(folder: Path) -> None:
    text = "echo 'Connection to far closed by remote host.' >&2"
    with FakeEngine(log([ONE], cut)) as engine:
        dial = f"{docker_cli()} -H {engine.host} system dial-stdio"
        env = script(folder, f"env HOME=/nonexistent {dial}; {text}")
        result = lobtail("ssh://far", "logs", "web", env=env)
    assert result.stdout == b"one\n"
    assert line_of(result).endswith(" of its answer: Connection to far closed by remote host.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_does_not_outlive_us(folder: Path, number: signal.Signals) -> None:
    note = f"echo $$ >> {folder}/pids"
    with FakeEngine(log([ONE], stall)) as engine:
        env = through(folder, engine, note)
        process = popen("ssh://far", "logs", "-f", "web", env=env, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        # As a terminal does it: to all that are in the foreground.
        kill = os.killpg if number is signal.SIGINT else os.kill
        kill(process.pid, number)
        process.communicate()
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    assert pids
    until(lambda: not any(map(runs, pids)), "ssh has ended")


def test_ctrl_c_is_not_for_it(folder: Path) -> None:
    """It would say something of its own, and end before we have."""
    with FakeEngine(log([ONE], stall)) as engine:
        env = through(folder, engine, f"cat /proc/$$/status >> {folder}/status")
        process = popen("ssh://far", "logs", "-f", "web", env=env)
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        process.terminate()
        process.communicate()
    masks = {
        int(line.split()[1], 16)
        for line in (folder / "status").read_text().splitlines()
        if line.startswith("SigIgn:")
    }
    (ignored,) = masks
    of = {number: ignored >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGPIPE)}
    assert of == {signal.SIGINT: 1, signal.SIGPIPE: 0}


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_nothing_is_left_of_many_connections(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(count: int) -> int:
        async with Engine("ssh://far") as engine:
            await engine.ping()
            before = open_files()
            for _ in range(count):
                async with engine.containers.logs("web", follow=True) as stream:
                    async for _ in stream.batches():
                        break
            return open_files() - before

    started = children()
    before = open_files()
    with FakeEngine(log([ONE], stall)) as engine:
        for name, value in through(folder, engine).items():
            monkeypatch.setenv(name, value)
        few = asyncio.run(main(2))
        many = asyncio.run(main(20))
    assert children() == started
    assert many - few <= 18  # the fake, which is in this process, keeps its side of each
    assert open_files() <= before + 1


@pytest.mark.parametrize(
    "ends", ["echo no way >&2; exit 255", "echo no way >&2; exec sleep 300 <&- >&-"]
)
def test_a_failure_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    async def main() -> None:
        async with Engine("ssh://failing") as engine:
            for _ in range(3):
                with pytest.raises(ConnectError, match="no way"):
                    await engine.ping()

    for name, value in script(folder, ends).items():
        monkeypatch.setenv(name, value)
    started, before = children(), open_files()
    asyncio.run(main())
    assert children() == started
    assert open_files() == before

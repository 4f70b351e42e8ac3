"""`docker tail`: the real docker CLI runs lobtail as its plugin, every CLI that is here."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.engines import LOBTAIL, WAIT, Result, TestEngine, docker_cli, finish

READY = f"echo ready; {WAIT}"


def clis() -> list[str]:
    """Return the docker CLIs on this machine: the tests' own, and others on PATH."""
    found = [shutil.which("docker", path=folder) for folder in os.get_exec_path()]
    own = docker_cli() if shutil.which("docker") or "LOBTAIL_TEST_DOCKER" in os.environ else None
    paths = [Path(path).resolve() for path in (own, *found) if path]
    # scripts/lab installs one where there is none, which is later than this.
    return list(map(str, dict.fromkeys(paths))) or ["docker"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docker config")
    env = {**os.environ, "DOCKER_CONFIG": str(folder)}
    subprocess.run([*LOBTAIL, "plugin", "install"], env=env, capture_output=True, check=True)
    return folder


class Cli:
    """A docker CLI that has the plugin."""

    def __init__(self, path: str, engine: TestEngine, config: Path) -> None:
        self.path = path
        self.engine = engine
        self.env = {**engine.env(), "DOCKER_CONFIG": str(config)}

    def popen(self, *args: str, **more: Any) -> subprocess.Popen[bytes]:
        env = {k: v for k, v in {**self.env, **more.pop("env", {})}.items() if v}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([self.path, *args], env=env, **{**pipes, **more})

    def run(self, *args: str, **more: Any) -> Result:
        return finish(self.popen(*args, **more))

    @property
    def major(self) -> int:
        version = self.run("version", "--format", "{{.Client.Version}}").stdout.decode()
        return int(version.split(".")[0])

    @property
    def tells_of_signals(self) -> bool:
        """Whether it has a socket for its plugins."""
        return self.major >= 25

    @property
    def delegates_completion(self) -> bool:
        return self.major >= 23


@pytest.fixture(params=clis(), ids=lambda path: path.strip("/").replace("/", "-"))
def cli(request: pytest.FixtureRequest, one_engine: TestEngine, config: Path) -> Cli:
    return Cli(request.param, one_engine, config)


def test_it_is_listed_and_runs_as_lobtail_does(cli: Cli) -> None:
    name = cli.engine.ended("plugin", "echo out; echo err >&2; echo oops {}; exit 3")
    assert b"tail*" in cli.run("--help").stdout
    known = json.loads(cli.run("info", "--format", "{{json .ClientInfo.Plugins}}").stdout)
    ours = next(plugin for plugin in known if plugin["Name"] == "tail")
    assert (ours["Vendor"], "Err" in ours) == ("lobtail", False)

    arguments = ("tail", "--no-follow", "-o", "json", name)
    result = cli.run(*arguments)
    assert result == cli.engine.run("lobtail", *arguments)
    assert result.stdout.count(b"\n") == 3
    for words in (("tail", "--help"), ("help", "tail"), ("--help", "tail")):
        assert cli.run(*words).stdout.startswith(b"Usage: docker tail [OPTIONS] [SELECTOR]...\n")


def test_exit_codes_come_through(cli: Cli) -> None:
    name = cli.engine.ended("plugin", "echo out; echo err >&2; echo oops {}; exit 3")
    assert cli.run("tail", "--no-follow", "--fail-on", "oops", name).code == 4
    usage = cli.run("tail", "--nonsense")
    assert (usage.code, usage.stdout) == (2, b"")
    assert usage.stderr == (b"lobtail: No such option '--nonsense'.\nTry 'docker tail --help'.\n")
    assert cli.run("tail", "--no-follow", "no-such").code == 1
    loud = cli.engine.ended("loud", "seq 100000")
    read, write = os.pipe()
    process = cli.popen("tail", "--no-follow", loud, stdout=write)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    assert (finish(process).code, process.returncode) == (141, 141)


def test_the_engine_that_dockers_own_flags_name(cli: Cli, config: Path) -> None:
    name = cli.engine.ended("plugin", "echo out; echo err >&2; echo oops {}; exit 3")
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    command = ("tail", "--no-follow", "-o", "json", "-n", "1", name)
    shown = cli.run(*command).stdout
    assert shown
    create = ["context", "create", f"of-{cli.major}", "--docker", f"host={cli.engine.host}"]
    assert cli.run(*create, env={"DOCKER_HOST": ""}).code == 0
    for flags in (
        ("-H", cli.engine.host),
        (f"--host={cli.engine.host}",),
        ("--context", f"of-{cli.major}"),
        (f"-c=of-{cli.major}",),
        ("--config", str(config), f"--context=of-{cli.major}"),
    ):
        assert cli.run(*flags, *command, env=nowhere) == Result(shown, b"", 0)
    lost = cli.run(*command, env=nowhere)
    assert lost.code == 1
    assert b"unix:///nowhere/docker.sock" in lost.stderr


def test_ctrl_c(cli: Cli) -> None:
    name = cli.engine.start(READY)
    process, master = on_terminal(cli, "tail", name)
    read_until(master, b"ready")
    os.write(master, b"\x03")  # to the whole foreground group: the CLI and us
    assert b"lobtail: 1 line of 1 container" in read_until(master, b"dropped")
    assert process.wait(timeout=30) == 130
    os.close(master)


def on_terminal(cli: Cli, *args: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start docker as a shell would: on a terminal that is its own."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        # setsid -c gives it the terminal, which subprocess cannot without running code.
        ["setsid", "-c", cli.path, *args],
        env=cli.env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    return process, master


def read_until(master: int, word: bytes) -> bytes:
    shown = b""
    while word not in shown:
        shown += os.read(master, 65536)
    return shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_docker_ends_lobtail(cli: Cli, number: signal.Signals) -> None:
    name = cli.engine.start(READY)
    process = cli.popen("tail", name, start_new_session=True)
    assert process.stdout is not None
    assert b"ready" in process.stdout.readline()
    if cli.tells_of_signals:
        process.send_signal(number)  # docker closes its socket, which says no more than: end
        expected = 143
    else:
        os.killpg(process.pid, number)
        expected = 128 + number
    # The end of our output is our end: finish waits for it.
    assert finish(process).code == expected


def test_a_signal_to_both_is_heard_once(cli: Cli) -> None:
    name = cli.engine.start(READY)
    process = cli.popen("tail", name, start_new_session=True)
    assert process.stdout is not None
    assert b"ready" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    result = finish(process)
    assert result.code == 130
    assert result.stderr.startswith(b"lobtail: 1 line of 1 container")


def test_dockers_completion_asks_ours(cli: Cli) -> None:
    name = cli.engine.ended("plugin", "echo out; echo err >&2; echo oops {}; exit 3")
    if not cli.delegates_completion:  # 20.10 completes no more than the names of plugins
        return
    done = cli.run("__complete", "tail", "--no-follow", name[:-1])
    assert done.stdout == f"{name}\tlobtail-test, exited\n:4\n".encode()
    assert cli.run("__complete", "tail", "--no-follow", "-l", "no-such=").stdout == b":4\n"

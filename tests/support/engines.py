"""Real engines for tests, the docker CLI beside lobtail, and containers that log something."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.api import Api, ApiError

from support.containers import settings
from support.forked import Run, can_fork

ROOT = Path(__file__).parents[2]
LAB = ROOT / "scripts" / "lab"
IMAGE = "lobtail-test"

# With this a script waits for `TestEngine.go`. It reads from a pipe: one that looks for a file
# again and again starts a hundred processes a second.
WAIT = "{ mkfifo /go; read _ </go; true; } 2>/dev/null"

# Linux gives a Unix socket's path 108 bytes, and pytest's own folders are long.
SHORT = Path("/tmp")


@dataclass(frozen=True)
class Result:
    """What a command wrote and how it ended."""

    stdout: bytes
    stderr: bytes
    code: int


@dataclass
class TestEngine:
    """An engine under test."""

    __test__ = False

    suite: str
    host: str
    containers: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment for a command that talks to this engine."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "LOBTAIL_"))}
        # What one run of the client leaves is not to be found by the next one.
        state = {"XDG_STATE_HOME": os.devnull}
        # Docker's command line takes a fifth less CPU.
        go = {"GOMAXPROCS": "1"}
        return {**kept, **state, **go, "DOCKER_HOST": self.host, **(extra or {})}

    def docker(self, *args: str, check: bool = True) -> str:
        """Run the docker CLI; return its stdout, stripped."""
        done = subprocess.run(
            [docker_cli(), *args], env=self.env(), capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(args)}: {done.stderr}")
        return done.stdout.strip()

    def start(self, script: str, *options: str, name: str = "") -> str:
        """Start a container that runs `script` in sh; return its name. It does not wait."""
        name = self.create(script, *options, name=name)
        self.act("start", name)
        return name

    def create(self, script: str, *options: str, name: str = "") -> str:
        """Create a container for `script`, with options of `docker run`; return its name.

        On Docker it has the host's network, for no network is dear: for each start of such a
        container dockerd starts its own program once more, which takes 80 ms of CPU.
        """
        name = name or f"t{uuid.uuid4().hex[:10]}"
        network = "none" if self.suite == "podman" else "host"
        wanted = settings(IMAGE, ("--network", network, *options), "sh", "-c", script)
        self.api.call("POST", "/containers/create", wanted, name=name)
        self.containers[name] = name
        return name

    def act(self, verb: str, name: str, /, **query: Any) -> None:
        """Start, stop, kill, pause … a container; `query` has the request's other arguments."""
        self.api.call("POST", f"/containers/{name}/{verb}", **query)

    @property
    def api(self) -> Api:
        """Return the engine's API, for what is asked often: a docker CLI takes 20 ms of CPU."""
        return Api(self.host, timeout=50)

    @cached_property
    def version(self) -> str:
        return str(self.api.json("GET", "/version")["Version"])

    @cached_property
    def root(self) -> str:
        return str(self.api.json("GET", "/info")["DockerRootDir"])

    def inspect(self, name: str) -> Any:
        return self.api.json("GET", f"/containers/{name}/json")

    def logs(self, name: str) -> bytes:
        """Return what a container has written, as it comes: with the heads of frames."""
        return self.api.call("GET", f"/containers/{name}/logs", stdout=1, stderr=1)

    def go(self, name: str) -> None:
        """Tell a container that waits with WAIT to go on."""
        command = {"Cmd": ["sh", "-c", ": >/go"]}
        # The container may have ended, or end before the command that tells it: that says nothing.
        with suppress(ApiError):
            made = self.api.json("POST", f"/containers/{name}/exec", command)
            self.api.call("POST", f"/exec/{made['Id']}/start", {"Detach": True})

    def remove(self, *names: str, missing_ok: bool = False) -> None:
        """Remove containers, running or not, with their anonymous volumes."""
        for name in names:
            try:
                self.api.call("DELETE", f"/containers/{name}", force=1, v=1)
            except ApiError as error:
                if not missing_ok or error.status != 404:
                    raise

    def wait(self, name: str) -> int:
        """Wait for a container's end; return its exit code."""
        return int(self.api.json("POST", f"/containers/{name}/wait")["StatusCode"])

    def ended(self, key: str, script: str, *options: str) -> str:
        """Return a container that ran `script` to its end; one for the whole session."""
        with self._lock:
            if key not in self.containers:
                name = self.start(script, *options)
                self.wait(name)
                self.containers[key] = name
            return self.containers[key]

    def popen(self, kind: str, *args: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start `docker ARGS` or `lobtail ARGS` with both outputs in pipes.

        Unbuffered: what stays in a buffer behind `readline` is missed by `finish`.
        """
        command = [docker_cli()] if kind == "docker" else LOBTAIL
        env = self.env(more.pop("env", None))
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
        return subprocess.Popen([*command, *args], env=env, **{**pipes, **more})

    def run(self, kind: str, *args: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `docker ARGS` or `lobtail ARGS` to its end."""
        environment = self.env(env)
        if kind == "lobtail" and can_fork(environment):
            return Result(*Run(args, environment).finish())
        return finish(self.popen(kind, *args, env=env))

    def both(
        self, *args: str, env: Mapping[str, str] | None = None, sources: tuple[str, ...] = ()
    ) -> Result:
        """Run `logs ARGS` with docker and with lobtail, side by side; they must agree.

        lobtail runs once for each source that it has. Returns what all gave.
        """
        docker = self.popen("docker", "logs", *args, env=env)
        runs = [
            Run(["logs", "--source", source, *args], self.env(env))
            for source in sources or self.sources
        ]
        expected = finish(docker)
        results = [Result(*run.finish()) for run in runs]
        for result in results:
            assert_same(result, expected)
        return results[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """Return where lobtail can read from: the files of the lab's dockerds can be read."""
        return ("api", "files") if self.suite in ("bookworm", "trixie") else ("api", "auto")


LOBTAIL = [sys.executable, "-m", "lobtail"]


def docker_cli() -> str:
    """Return the docker CLI on this machine; scripts/lab installs one where there is none."""
    path = os.environ.get("LOBTAIL_TEST_DOCKER") or shutil.which("docker")
    assert path, "no docker CLI to compare with: install Docker's command line (Debian: docker.io)"
    return path


def assert_same(lobtail: Result, docker: Result) -> None:
    """Hold what lobtail wrote against what docker wrote, byte by byte.

    Up to version 20.10 docker's CLI puts words of its own in the place of any 404 of an engine.
    Newer ones show the engine's, as lobtail does.
    """
    if re.match(rb"Error: No such container: ", docker.stderr):
        assert re.match(rb"Error response from daemon: \S", lobtail.stderr)
        docker = Result(docker.stdout, lobtail.stderr, docker.code)
    assert lobtail == docker


def finish(process: subprocess.Popen[bytes], timeout: float = 50) -> Result:
    """Wait for a process; return what it wrote."""
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError(
            f"{process.args!r} did not end; it wrote {stdout[-500:]!r} and {stderr[-500:]!r}"
        ) from None
    return Result(stdout, stderr, process.returncode)


def until(condition: Callable[[], object], what: str, timeout: float = 30) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"this did not happen within {timeout:g} s: {what}")
        threading.Event().wait(0.01)


class Lab:
    """The engines that scripts/lab starts for a session, each at its first use."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._hosts: dict[str, str] = {}

    def host(self, suite: str, of: str = "") -> str:
        """Return the endpoint of `suite`, starting it if need be; `of` tells several apart."""
        key = suite + of
        if key not in self._hosts:
            self._folders[key] = tempfile.mkdtemp(prefix="lt", dir=SHORT)
            command = [sys.executable, str(LAB), "up", suite, "--dir", self._folders[key]]
            command += [] if of else ["--remote"]
            done = subprocess.run(
                [*command, "--owner", str(os.getpid())],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"no engine to test with: {done.stderr.strip()}"
            self._hosts[key] = done.stdout.strip()
        return self._hosts[key]

    def folder(self, suite: str, of: str = "") -> Path:
        """Return where an engine that was started keeps all that it has."""
        return Path(self._folders[suite + of])

    def close(self) -> None:
        """End all engines that were started, at the same time: some take 5 s to leave a swarm."""
        commands = [
            [sys.executable, str(LAB), "down", "--dir", folder] for folder in self._folders.values()
        ]
        for process in [subprocess.Popen(command) for command in commands]:
            assert process.wait() == 0, process.args

"""The engine that is measured against, and the containers that the measurements read."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchkit import BenchError

LAB = Path(__file__).resolve().parents[2] / "scripts" / "lab"
IMAGE = "lobtail-test"
# Nothing may rotate away; and no other setting of the engine's may change what is compared.
DRIVER = ["--log-driver", "json-file", "--log-opt", "max-size=64g"]


@dataclass(frozen=True)
class Bench:
    """An engine, and the two programs that read from it. A client is a command line to add to."""

    host: str
    docker: list[str]
    lobtail: list[str]
    env: dict[str, str]

    def clients(self, turn: int) -> list[tuple[str, list[str]]]:
        """Return both, by name; who goes first changes with the turn."""
        both = [("docker", self.docker), ("lobtail", self.lobtail)]
        return both[::-1] if turn % 2 else both

    def call(self, *args: str) -> str:
        """Run the docker CLI; return its stdout, stripped."""
        done = subprocess.run(
            [*self.docker, *args],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"docker {args[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextmanager
    def container(self, script: str, *, wait: bool = True) -> Iterator[str]:
        """Run `script` in a container; give its ID, when it has ended or at once; remove it."""
        options = ["--network", "none", "--label", "lobtail-bench", *DRIVER]
        container = self.call("create", *options, IMAGE, "sh", "-c", script)
        try:
            self.call("start", container)
            if wait and (code := self.call("wait", container)) != "0":
                raise BenchError(f"the container that was to write a log ended with {code}")
            yield container
        finally:
            self.call("rm", "--force", "--volumes", container)

    def free_disk(self) -> int | None:
        """Return the bytes free where the engine keeps its logs, if that is on this machine."""
        root = self.call("info", "--format", "{{.DockerRootDir}}")
        try:
            return shutil.disk_usage(root).free
        except OSError:
            return None


def open_bench(host: str, lobtail: list[str] | None) -> Bench:
    """Find both programs and try the engine."""
    docker = os.environ.get("LOBTAIL_TEST_DOCKER") or shutil.which("docker")
    if docker is None:
        raise BenchError("no docker CLI here to compare with; on Debian: apt-get install docker.io")
    ours = ("DOCKER_", "LOBTAIL_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {"DOCKER_HOST": host}
    bench = Bench(host, [docker], lobtail or find_lobtail(), env)
    if not bench.call("images", "--quiet", IMAGE):
        raise BenchError(f"the engine at {host} has no image {IMAGE}; `scripts/lab up` makes it")
    return bench


def find_lobtail() -> list[str]:
    """Return the command as users start it: the script that pip installed beside this Python."""
    script = Path(sys.executable).with_name("lobtail")
    return [str(script)] if script.exists() else [sys.executable, "-m", "lobtail"]


@contextmanager
def private_engine() -> Iterator[str]:
    """Start a private engine; give its host; end it."""
    directory = tempfile.mkdtemp(prefix="lb-", dir="/tmp")
    owner = str(os.getpid())
    try:
        up = subprocess.run(
            [str(LAB), "up", "bookworm", "--dir", directory, "--owner", owner],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if up.returncode:
            raise BenchError("no engine could be started; --host gives one")
        yield up.stdout.strip()
    finally:
        subprocess.run([str(LAB), "down", "--dir", directory], check=False)
        shutil.rmtree(directory, ignore_errors=True)

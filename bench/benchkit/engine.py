"""The engine that is measured against, and the containers that the measurements read."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchkit import BenchError
from benchkit.report import OURS

FILES = "files"
ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "scripts" / "lab"
PEERS = ROOT / "bench" / "peers"
IMAGE = "lobtail-test"
# Nothing may rotate away: without a limit, logs of this driver do not.
DRIVER = ["--log-driver", "json-file"]


@dataclass(frozen=True)
class Bench:
    """An engine, and the programs that read from it: each is a command line to add to."""

    host: str
    docker: list[str]
    lobtail: list[str]
    docker_py: list[str]
    aiodocker: list[str]
    env: dict[str, str]
    sources: bool = False
    """Whether this lobtail can read the engine's files as well: `--source`."""

    def logs(self, *args: str) -> dict[str, list[str]]:
        """Return by client how to run `logs`; lobtail as `ours` has it."""
        return {"docker": [*self.docker, "logs", *args], **self.ours("logs", *args)}

    def ours(self, *args: str) -> dict[str, list[str]]:
        """Return how to run lobtail over the API, and as `files` from the files if it can."""
        whole = [*self.lobtail, *args]
        if not self.sources:
            return {OURS: whole}
        return {OURS: [*whole, "--source", "api"], FILES: [*whole, "--source", "files"]}

    def call(self, *args: str) -> str:
        """Run the docker CLI; return its stdout, stripped."""
        return output([*self.docker, *args], self.env)

    @contextmanager
    def container(self, script: str, *, wait: bool = True) -> Iterator[str]:
        """Run `script` in a container; give its ID, when it has ended or at once; remove it."""
        container = self.create("sh", "-c", script)
        try:
            self.call("start", container)
            if wait and (code := self.call("wait", container)) != "0":
                raise BenchError(f"the container that was to write a log ended with {code}")
            yield container
        finally:
            self.call("rm", "--force", "--volumes", container)

    def create(self, *command: str, options: Sequence[str] = ()) -> str:
        """Create a container that runs `command`; return its ID."""
        common = ["--network", "none", "--label", "lobtail-bench", *DRIVER]
        return self.call("create", *common, *options, IMAGE, *command)

    def free_disk(self) -> int | None:
        """Return the bytes free where the engine keeps its logs, if that is on this machine."""
        root = self.call("info", "--format", "{{.DockerRootDir}}")
        try:
            return shutil.disk_usage(root).free
        except OSError:
            return None


def open_bench(host: str, lobtail: list[str] | None, peers: Path) -> Bench:
    """Find all programs and try the engine; `peers` is a Python with docker-py and aiodocker."""
    docker = os.environ.get("LOBTAIL_TEST_DOCKER") or shutil.which("docker")
    if docker is None:
        raise BenchError("no docker CLI here to compare with; on Debian: apt-get install docker.io")
    if not peers.exists():
        raise BenchError(
            f"there is no {peers}; `make bench` installs docker-py and aiodocker there"
        )
    # The last: installed programs are compiled; without a cache each start would compile lobtail.
    ours = ("DOCKER_", "LOBTAIL_", "NO_COLOR", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {"DOCKER_HOST": host}
    # Defaults of the user's own must not change what is compared.
    env["XDG_CONFIG_HOME"] = "/nonexistent"
    lobtail = lobtail or find_lobtail()
    bench = Bench(
        host,
        docker=[docker],
        lobtail=lobtail,
        docker_py=[str(peers), str(PEERS / "docker_py.py")],
        aiodocker=[str(peers), str(PEERS / "aio_docker.py")],
        env=env,
        sources="--source " in output([*lobtail, "logs", "--help"], env),
    )
    if not bench.call("images", "--quiet", IMAGE):
        raise BenchError(f"the engine at {host} has no image {IMAGE}; `scripts/lab up` makes it")
    return bench


def output(command: list[str], env: dict[str, str]) -> str:
    """Return the stdout of a command, stripped.

    Raises:
        BenchError: it failed.
    """
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BenchError(f"{' '.join(command[:2])}: {said[-1]}")
    return done.stdout.strip()


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

"""The machine that the pages speak of: containers, contexts and files by the names in examples."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from lobtail.model.frames import Stream
from support.engines import LOBTAIL, TestEngine, docker_cli, until
from support.registry import Registry

__all__ = ["World"]

_STAY: Final = "; exec sleep 3600"
_WEB: Final = (
    'echo \'{"status":200,"path":"/","took":"3ms"}\'; '
    "echo 'level=info msg=\"GET /health\" status=200'; "
    "echo connection timeout after 30s, retrying >&2; "
    'echo \'{"status":502,"path":"/pay","level":"error","trace_id":"7f","msg":"timed out"}\' >&2; '
    'echo \'{"status":200,"path":"/","user":{"id":7}}\''
)
# Its streams are in the order of the page, so each line waits until the one before is logged.
_MYSQL: Final = (
    "step() { mkfifo /step$1; read _ </step$1; }; "
    "echo Initializing database; step 1; "
    "echo '2019-02-07T03:53:08.512874Z 0 [Warning] TIMESTAMP with implicit DEFAULT value is "
    "deprecated.' >&2; step 2; "
    "echo '2019-02-07T03:53:09.264563Z 0 [Warning] InnoDB: New log files created, LSN=45790' >&2; "
    "step 3; echo Database initialized"
)
_API: Final = (
    "echo INFO starting; echo INFO listening on :8080; echo 'WARN slow query, took 2.1s'; "
    'echo \'{"level":"error","status":503,"path":"/orders"}\''
)
_PLAIN: Final = "echo INFO hello from $0; echo ERROR cannot connect to db, will retry >&2"
_SHOP: Final = "com.docker.compose.project=shop"

# name: what it writes before it waits, and its labels.
CONTAINERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "web": (_WEB, (_SHOP, "com.docker.compose.service=web", "tier=front")),
    "web-1": (_WEB, (_SHOP, "com.docker.compose.service=web", "tier=front")),
    "web-2": (_WEB, (_SHOP, "com.docker.compose.service=web", "tier=front")),
    "api": (_API, (_SHOP, "com.docker.compose.service=api")),
    "mysql": (_MYSQL, ()),
    "db": ("echo LOG: checkpoint complete; echo panic: out of shared memory >&2", (_SHOP,)),
    "db-1": ("echo LOG: checkpoint complete", (_SHOP,)),
    "doc16": ("head -c 16385 /dev/zero | tr '\\0' x; echo", ()),
    **dict.fromkeys(("app", "cache", "nginx", "worker"), (_PLAIN, ())),
}
CONTEXTS: Final = ("prod", "prod1", "prod2", "staging")


class World:
    """A home, and an engine with all that examples name."""

    def __init__(self, engine: TestEngine, home: Path, registry: Registry, second: str) -> None:
        self.engine = engine
        self.second = second
        """A way to the engine that does not look like one to the same."""
        self.registry = registry
        self.home = home
        self.env = {
            **engine.env(),
            "HOME": str(home),
            "DOCKER_CONFIG": str(home / ".docker"),
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "xterm-256color",
            "PYTHONWARNINGS": "error",
        }
        self._programs()
        self._contexts()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._container, CONTAINERS))
        self._files()

    def literal(self, text: str) -> str:
        """Return an example as it can be run here: this engine and registry for the page's."""
        host, root = self.engine.host, self._root
        text = re.sub(r"ssh://[\w.@:-]+", self.second, text)
        text = re.sub(r"tcp://[\w.@:-]+|unix:///(?:…|[\w/.-]+\.sock)", host, text)
        text = text.replace("/var/run/docker.sock", host.removeprefix("unix://"))
        text = text.replace("/var/lib/docker/", f"{root}/")
        text = re.sub(r'(?<=pull\(")[^"]+', f"{self.registry.host}/image:1", text)
        if "…" in text:
            ident = self.engine.inspect("web")["Id"]
            text = re.sub(r"\b[0-9a-f]{2,}…", ident, text)
        return text

    def popen(
        self,
        text: str,
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command in the shell that it is for; ``env`` is added to its environment."""
        shell = ["bash", "-o", "pipefail", "-c", text]
        if "completion zsh" in text:
            shell = ["zsh", "-c", f"autoload -Uz compinit; compinit -u; {text}"]
        elif "completion fish" in text:
            shell = ["fish", "--no-config", "-c", text]
        return subprocess.Popen(
            shell,
            bufsize=0,
            cwd=self.home,
            env={**self.env, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    @contextmanager
    def lively(self) -> Iterator[None]:
        """Have something happen on the engine again and again, which logs show nothing of."""
        over = threading.Event()

        def live() -> None:
            while not over.wait(0.1):
                self.engine.go("cache")  # an exec, which nothing in it waits for

        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def _root(self) -> str:
        return self.engine.root

    def _container(self, name: str) -> None:
        """Start a container, and wait until all that it logs is there."""
        script, labels = CONTAINERS[name]
        options = [option for label in labels for option in ("--label", label)]
        self.engine.start(script + _STAY, *options, name=name)
        for step in range(1, 1 + script.count("; step ")):
            until(partial(self._has_lines, name, step), f"{name} has written line {step}")
            self.engine.docker("exec", name, "sh", "-c", f": >/step{step}")
        until(partial(self._written, name), f"{name} has written its lines")

    def _has_lines(self, name: str, count: int) -> bool:
        logs = self.engine.run("docker", "logs", name)
        return (logs.stdout + logs.stderr).count(b"\n") >= count

    def _written(self, name: str) -> bool:
        # The last thing of a script is the sleep.
        return "sleep" in self.engine.docker("top", name, "-o", "pid,args").splitlines()[-1]

    def _programs(self) -> None:
        (self.home / "bin").mkdir()
        program = self.home / "bin" / "lobtail"
        program.write_text(f'#!/bin/sh\nexec {" ".join(LOBTAIL)} "$@"\n')
        program.chmod(0o755)
        (self.home / "bin" / "docker").symlink_to(docker_cli())

    def _contexts(self) -> None:
        for name in CONTEXTS:
            command = [docker_cli(), "context", "create", name]
            host = self.second if name == "prod2" else self.engine.host
            command += ["--docker", f"host={host}"]
            env = {k: v for k, v in self.env.items() if k != "DOCKER_HOST"}
            subprocess.run(command, env=env, check=True, capture_output=True)

    def _files(self) -> None:
        frames = ((Stream.STDOUT, b"one\n"), (Stream.STDERR, b"two\n"))
        capture = b"".join(
            bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text
            for stream, text in frames
        )
        (self.home / "capture.bin").write_bytes(capture)
        saved = self.engine.run("lobtail", "tail", "--no-follow", "-o", "json")
        (self.home / "incident.jsonl").write_bytes(saved.stdout)
        (self.home / "names.txt").write_text("mallory\nalice\nbob\n")

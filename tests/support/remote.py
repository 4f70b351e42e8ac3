"""Engines of the lab as if they were far: by TLS, by ssh, by docker's contexts.

Nothing of the user's is touched: HOME is a folder of the test's, and an ssh in front of PATH reads
the lab's settings alone (ssh itself looks for its files in the home that the password file names).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.engines import LOBTAIL, Result, TestEngine, docker_cli, finish


@dataclass
class Far:
    """An engine of the lab, and a home from which it is reached."""

    engine: TestEngine
    home: Path

    @property
    def folder(self) -> Path:
        """Where the lab keeps keys and certificates."""
        return Path(self.engine.host.removeprefix("unix://")).parent / "remote"

    @property
    def tls(self) -> str:
        """The endpoint that wants TLS."""
        return (self.folder / "tls" / "host").read_text()

    @property
    def ssh(self) -> str:
        """The endpoint behind sshd."""
        return (self.folder / "ssh" / "host").read_text()

    @property
    def certificates(self) -> list[str]:
        """The flags that name the certificates."""
        folder = self.folder / "tls"
        return [
            f"--tlscacert={folder}/ca.pem",
            f"--tlscert={folder}/cert.pem",
            f"--tlskey={folder}/key.pem",
        ]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return an environment that names no engine."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "LOBTAIL_"))}
        path = f"{self.folder}/ssh/bin:{os.environ['PATH']}"
        return {**kept, "HOME": str(self.home), "PATH": path, **(more or {})}

    def popen(
        self, kind: str, *args: str, env: Mapping[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[bytes]:
        """Start `docker ARGS` or `lobtail ARGS`, both outputs in pipes, unbuffered."""
        command = [docker_cli()] if kind == "docker" else LOBTAIL
        pipe = subprocess.PIPE
        pipes: dict[str, Any] = {"stdout": pipe, "stderr": pipe, "bufsize": 0, **more}
        return subprocess.Popen([*command, *args], env=self.environment(env), **pipes)

    def run(self, kind: str, *args: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `docker ARGS` or `lobtail ARGS` to its end."""
        return finish(self.popen(kind, *args, env=env))

    def context(self, name: str, *options: str) -> None:
        """Have docker make a context."""
        done = self.run("docker", "context", "create", name, "--docker", ",".join(options))
        assert done.code == 0, done

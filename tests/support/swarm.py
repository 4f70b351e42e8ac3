"""A swarm of two real engines, and services on it; `docker service logs` beside lobtail's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.engines import IMAGE, LAB, Lab, Result, TestEngine, finish, until

# What stands in front of a line, in all its forms: NAME.SLOT[.TASK]@NODE, padded.
PREFIX = re.compile(rb"^(?:\S+Z )?(\S+\.\d+(?:\.\w+)?@\w+ +\| )")


class Swarm:
    """A manager, which is also the node `n1`, and a worker, the node `n2`."""

    def __init__(self, suite: str, lab: Lab) -> None:
        self.suite = suite
        self.manager = TestEngine(suite, lab.host(suite, "manager"))
        self.worker = TestEngine(suite, lab.host(suite, "worker"))
        self._worker_folder = lab.folder(suite, "worker")
        self._services: set[str] = set()
        hosts = [self.manager.host, self.worker.host]
        subprocess.run([sys.executable, str(LAB), "swarm", *hosts], check=True)
        self._node = self.worker.docker("info", "-f", "{{.Swarm.NodeID}}")

    def create(self, script: str, *options: str, name: str = "") -> str:
        """Create a service whose tasks run `script` in sh, once; return its name.

        Its tasks stop at once when they are told to, and are not restarted.
        """
        name = name or f"s{uuid.uuid4().hex[:10]}"
        common = [
            *("service", "create", "-d", "--name", name, "--network", "host"),
            *("--no-resolve-image", "--stop-signal", "KILL"),
        ]
        if "--restart-condition" not in options:
            common += ["--restart-condition", "none"]
        self.manager.docker(*common, *options, IMAGE, "sh", "-c", script)
        return name

    def remove(self, name: str) -> None:
        """Remove a service, and with it its tasks."""
        self.manager.docker("service", "rm", name)

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """Return all tasks of a service."""
        identifiers = self.manager.docker("service", "ps", "-q", "--no-trunc", service).split()
        found: list[dict[str, Any]] = (
            json.loads(self.manager.docker("inspect", "--type", "task", *identifiers))
            if identifiers
            else []
        )
        return found

    def states(self, service: str) -> list[str]:
        """Return the state of each task of a service."""
        return [task["Status"]["State"] for task in self.tasks(service)]

    def await_tasks(self, service: str, count: int, state: str) -> None:
        """Wait until so many tasks of a service are in a state."""
        until(
            lambda: self.states(service).count(state) == count, f"{count} of {service} are {state}"
        )

    def await_output(self, service: str, text: str, count: int) -> None:
        """Wait until a text has been written so many times."""
        until(
            lambda: self.manager.docker("service", "logs", "--raw", service).count(text) >= count,
            f"{service} has written {text} {count} times",
        )

    def ended(self, script: str, *options: str, count: int = 1, state: str = "complete") -> str:
        """Create a service, and wait until so many of its tasks have ended; return its name."""
        name = self.create(script, *options)
        self.await_tasks(name, count, state)
        return name

    def both(self, *args: str) -> tuple[Result, Result]:
        """Run `service logs ARGS` with docker and with lobtail; return what each gave."""
        processes = [self.manager.popen(kind, "service", "logs", *args) for kind in KINDS]
        docker, lobtail = map(finish, processes)
        return docker, lobtail

    def run(self, *args: str) -> Result:
        """Run `lobtail ARGS` on the manager."""
        return self.manager.run("lobtail", *args)

    @contextmanager
    def frozen_worker(self) -> Iterator[None]:
        """Stop the worker's engine, so that it neither answers nor hangs up, until it is down."""
        number = int((self._worker_folder / "dockerd.pid").read_text())
        self._beat("1s")
        os.kill(number, signal.SIGSTOP)
        try:
            self._await_worker("down")
            yield
        finally:
            os.kill(number, signal.SIGCONT)
            self._beat("5s")
            self._await_worker("ready")

    def _beat(self, period: str) -> None:
        """Let nodes tell that often that they are there; one that has missed three is down."""
        self.manager.docker("swarm", "update", "--dispatcher-heartbeat", period)

    def _await_worker(self, state: str) -> None:
        form = "{{.Status.State}}"
        until(
            lambda: self.manager.docker("node", "inspect", "-f", form, self._node) == state,
            f"the worker is {state}",
        )


KINDS = ("docker", "lobtail")


def by_task(output: bytes) -> dict[bytes, list[bytes]]:
    """Return the lines of each task, in their order; between tasks there is none."""
    lines: dict[bytes, list[bytes]] = defaultdict(list)
    key = b""
    for line in output.splitlines(keepends=True):
        if match := PREFIX.match(line):
            key = match[1]
        lines[key].append(line)
    return dict(lines)


def assert_same_lines(docker: Result, lobtail: Result) -> None:
    """Hold the lines of each task against docker's."""
    assert lobtail.code == docker.code
    assert by_task(lobtail.stdout) == by_task(docker.stdout)
    assert by_task(lobtail.stderr) == by_task(docker.stderr)

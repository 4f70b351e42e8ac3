"""Run programs and see how long they took, what CPU time and memory, and what they wrote."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchkit import BenchError

LAUNCH = Path(__file__).with_name("launch.py")
READ_SIZE = 1 << 20
NS = 10**9


@dataclass(frozen=True)
class Usage:
    """What a program used: `start` is its time.monotonic(), times in seconds, memory in MiB."""

    start: float
    wall: float
    cpu: float
    rss: float


class Program:
    """A running program under measurement; leaving the context ends it.

    Its stdout is /dev/null, or with `pipe` the file descriptor `fd`, to be read by the caller.
    """

    def __init__(self, command: list[str], env: dict[str, str], *, pipe: bool) -> None:
        self.command = command
        self._report, report = os.pipe()
        self._launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCH), str(report), *command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else subprocess.DEVNULL,
            pass_fds=[report],
            bufsize=0,
            # A group of its own, so that leaving can end the program and not only its launcher.
            process_group=0,
        )
        os.close(report)
        self.fd = self._launcher.stdout.fileno() if self._launcher.stdout else -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._launcher.poll() is None:
            os.killpg(self._launcher.pid, 9)
        self._launcher.wait()
        if self._launcher.stdout:
            self._launcher.stdout.close()
        os.close(self._report)

    def pid(self) -> int:
        """Return the program's process ID: it is the launcher's only child.

        Raises:
            BenchError: it has ended, or this is not Linux.
        """
        launcher = self._launcher.pid
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and self._launcher.poll() is None:
            try:
                children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
            except OSError:
                break
            if children:
                return int(children[0])
            time.sleep(0.001)
        raise BenchError(f"no process of {self.command[0]} was found")

    def usage(self) -> Usage:
        """Wait for the end; return what was used.

        Raises:
            BenchError: the program failed: its figures would mean nothing.
        """
        fields = os.read(self._report, 200).split()
        self._launcher.wait()
        if len(fields) != 5:
            raise BenchError(f"{self.command[0]} could not be started")
        start, end, cpu, rss, code = map(int, fields)
        if code:
            raise BenchError(f"{' '.join(self.command)} ended with exit code {code}")
        return Usage(start / NS, (end - start) / NS, cpu / NS, rss / 1024)


def run(command: list[str], env: dict[str, str], *, pipe: bool) -> Usage:
    """Run a program with its stdout to /dev/null, or to a pipe that is emptied."""
    with Program(command, env, pipe=pipe) as program:
        if pipe:
            drain(program.fd)
        return program.usage()


def drain(fd: int, each: Callable[[memoryview], object] | None = None) -> int:
    """Read to the end, as cheaply as can be; return the number of bytes."""
    buffer = memoryview(bytearray(READ_SIZE))
    total = 0
    while count := os.readv(fd, [buffer]):
        if each is not None:
            each(buffer[:count])
        total += count
    return total


def first_byte(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Return the seconds from the start of a program to its first byte, and to its end."""
    with Program(command, env, pipe=True) as program:
        data = os.read(program.fd, READ_SIZE)
        seen = time.monotonic()
        drain(program.fd)
        usage = program.usage()
    if not data:
        raise BenchError(f"{' '.join(command)} wrote nothing")
    return seen - usage.start, usage.wall

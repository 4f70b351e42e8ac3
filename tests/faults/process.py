"""Look at a process from outside: whether it runs, its memory, whether it waits for its reader."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

MIB = 1 << 20


def state(pid: int) -> str:
    """Return the letter of a process's state, as ps shows it: X where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def runs(pid: int) -> bool:
    """Tell whether a process has not ended yet.

    One that has ended is still there as a zombie until its parent looks. The parent of an orphan is
    process 1, which may do so only every few seconds, or much later on a busy machine.
    """
    return state(pid) not in "ZX"


def memory(pid: int) -> int:
    """Return the bytes of memory that a process ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def sleeps_in_write(pid: int, fd: int = 1) -> bool:
    """Tell whether a process waits inside write(fd, …)."""
    number, _, rest = Path(f"/proc/{pid}/syscall").read_text().partition(" ")
    write = {"x86_64": "1", "aarch64": "64"}[os.uname().machine]
    return number == write and int(rest.split()[0], 16) == fd


def settled(value: Callable[[], int]) -> Callable[[], bool]:
    """Return a condition that holds when `value` is positive and has not changed for 20 looks."""
    seen: list[int] = []

    def condition() -> bool:
        seen.append(value())
        return seen[-1] > 0 and len(seen) > 20 and len(set(seen[-20:])) == 1

    return condition


def memory_or_gone(process: subprocess.Popen[bytes]) -> int:
    try:
        return memory(process.pid)
    except (OSError, ValueError):  # it has ended: a zombie has no memory
        return 0

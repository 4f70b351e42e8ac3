"""A person at a terminal: what is typed, what is shown, and in which state the terminal is."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from support.engines import Result


class Terminal:
    """A pseudo-terminal of ``size`` (rows, columns); a command that runs on it, and controls it."""

    def __init__(self, size: tuple[int, int] = (24, 80)) -> None:
        self.master, self._slave = pty.openpty()
        self.resize(*size, tell=False)
        self.before = self.state()
        self.shown = b""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr) if self._process else ():
            if stream is not None:
                stream.close()
        os.close(self.master)
        os.close(self._slave)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(
        self, command: Sequence[str], env: dict[str, str], *, streams: str = "012", **more: Any
    ) -> None:
        """Start a command; ``streams`` are those that are the terminal, others are pipes."""
        ends = {
            name: self._slave if number in streams else subprocess.PIPE
            for number, name in (("0", "stdin"), ("1", "stdout"), ("2", "stderr"))
        }
        self._process = subprocess.Popen(
            command, env=env, preexec_fn=self._control, **{**ends, **more}
        )

    def _control(self) -> None:
        os.setsid()
        fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)

    def type(self, keys: bytes) -> None:
        """Type keys."""
        while keys:
            keys = keys[os.write(self.master, keys) :]

    def read_until(
        self, condition: Callable[[bytes], object] | bytes, timeout: float = 30
    ) -> bytes:
        """Read what is shown until it holds what is wanted; return all that was shown."""
        wanted = condition if callable(condition) else lambda shown: condition in shown
        end = time.monotonic() + timeout
        while not wanted(self.shown):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"this is all that was shown: {self.shown!r}")
            data = os.read(self.master, 65536)
            self.shown += data
        return self.shown

    def finish(self, timeout: float = 40) -> Result:
        """Wait for the command's end; return what was shown (and piped), and the exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"it does not end; this was shown: {self.shown!r}")
            self._drain(0.01)
        self._drain(0)
        out = self.process.stdout.read() if self.process.stdout else self.shown
        err = self.process.stderr.read() if self.process.stderr else b""
        return Result(out, err, self.process.returncode)

    def _drain(self, wait: float) -> None:
        while select.select([self.master], [], [], wait)[0]:
            self.shown += os.read(self.master, 65536)
            wait = 0

    def resize(self, rows: int, columns: int, *, tell: bool = True) -> None:
        """Change the size; the kernel tells who has the terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.process.pid, signal.SIGWINCH)

    def state(self) -> list[Any]:
        """Return the terminal's settings."""
        return termios.tcgetattr(self._slave)

    @property
    def raw(self) -> bool:
        """Whether keys are passed on as they are typed."""
        return not self.state()[3] & termios.ICANON

    @property
    def restored(self) -> bool:
        """Whether the settings are those of the beginning."""
        return self.state() == self.before

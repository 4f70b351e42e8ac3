"""A terminal to run a full-screen program on: what it shows, and every byte that it was sent."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pyte

KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "tab": b"\t",
    "backspace": b"\x7f",
}

# What a full-screen program may send: colours, places, and the modes of the terminal that it sets
# and takes back. Anything else comes from a container.
_OWN = re.compile(
    rb"\x1b\[[0-9;:]{0,61}m"
    rb"|\x1b\[[0-9]*(?:;[0-9]*)?H"
    rb"|\x1b\[\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048|2031)[hl]"
    rb"|\x1b\[\?(?:2026|2048|2031)\$p"
    rb"|\x1b\[[><=]?[0-9]*u"
    rb"|\x1b\[c|\x1b\[\?u|\x1b\[>4;1m"
    rb"|\x1b\]22;[a-z-]*\x07"  # the shape of the mouse's pointer
)
# The beginning of a sequence at the end of what was read.
_BEGUN = re.compile(rb"\x1b(?:\[[0-9;:?><=]*\$?)?\Z")


class Screen:
    """A program on a pseudo-terminal of its own; use it as a context manager."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
        **more: Any,
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.raw = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._rows: dict[int, str] = {}
        self._text: str | None = None
        self.resize(columns, rows)
        # Where tests run in several processes, these say how wide another terminal is.
        env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={"TERM": "xterm-256color", **env},
            **more,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        self._reader.join(10)
        os.close(self.master)

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self.raw += data
                # A sequence may come in two reads.
                whole = rest + data
                begun = _BEGUN.search(whole)
                whole, rest = (whole[: begun.start()], begun[0]) if begun else (whole, b"")
                # pyte takes a private mode's question for a report of its own.
                self._stream.feed(re.sub(rb"\x1b\[(?:\?[0-9]+\$p|[><=][0-9]*u|\?u)", b"", whole))
                self._text = None

    @property
    def text(self) -> str:
        """What is on the screen."""
        with self._lock:
            if self._text is None:
                # `display` of pyte takes 10 ms for a screen: it looks up the width of each cell.
                places = range(self._screen.columns)
                for row in self._screen.dirty:
                    cells = self._screen.buffer[row]
                    # Behind a wide character is an empty cell.
                    self._rows[row] = "".join([cells[x].data for x in places])
                self._screen.dirty.clear()
                self._text = "\n".join([self._rows[row] for row in range(self._screen.lines)])
            return self._text

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal larger or smaller, as a window is."""
        with self._lock:
            self._screen.resize(rows, columns)
            self._text = None
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def press(self, *keys: str) -> None:
        """Press keys by name; what has no name is typed."""
        for key in keys:
            data = KEYS.get(key) or key.encode()
            if key.startswith("ctrl+"):
                data = bytes([ord(key[-1]) & 31])
            os.write(self.master, data)

    def until(self, what: str | Callable[[str], object], timeout: float = 30) -> str:
        """Wait until the screen shows a text, or until a condition holds for it; return it."""
        end = time.monotonic() + timeout
        while True:
            text = self.text
            if what in text if isinstance(what, str) else what(text):
                return text
            if time.monotonic() > end:
                raise AssertionError(f"{what!r} did not come; the screen shows\n{text}")
            threading.Event().wait(0.02)

    def wait(self, timeout: float = 30) -> int:
        """Wait for the program's end; return its exit code."""
        code = self.process.wait(timeout)
        # What it wrote last is still on its way.
        end = time.monotonic() + 5
        size = -1
        while size != len(self.raw) and time.monotonic() < end:
            size = len(self.raw)
            threading.Event().wait(0.05)
        return code

    def assert_restored(self) -> None:
        """See that the terminal is as it was before."""
        assert termios.tcgetattr(self.slave) == self.before
        # What a program wrote before it ended may reach the other side of the terminal after that.
        self.until(lambda _: not self._left())

    def _left(self) -> list[bytes]:
        """Return the modes of the terminal that were set, and not put back."""
        modes = [b"1049", b"1000", b"1003", b"2004"]
        left = [m for m in modes if not self._last(m, b"l") > self._last(m, b"h") >= 0]
        hidden = self._last(b"25", b"l") > self._last(b"25", b"h")
        return [*left, b"25"] if hidden else left

    def _last(self, mode: bytes, change: bytes) -> int:
        """Return where a mode of the terminal was last set (``h``) or reset (``l``)."""
        return self.raw.rfind(b"\x1b[?" + mode + change)

    def assert_harmless(self) -> None:
        """See that nothing acted on the terminal but the program itself."""
        left = _OWN.sub(b"", self.raw).decode()  # strict
        bad = {
            character
            for character in left
            if character not in "\r\n" and not character.isprintable()
        }
        assert not bad, sorted(bad)
        assert self.raw.count(b"\x1b[?1049h") <= 1


def python(*args: str) -> list[str]:
    """Return the command that runs Python with ``args``."""
    return [sys.executable, *args]

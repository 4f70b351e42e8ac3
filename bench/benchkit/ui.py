"""The terminal client while many lines come: how soon keys are answered, and the memory."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchkit import BenchError
from benchkit.engine import Bench
from benchkit.many import LABEL, Fleet, Watch, fleet
from benchkit.report import OURS, Goal, Row
from benchkit.volume import FIRST, log

COLUMNS, ROWS = 120, 40
# What is pressed in turn, and what of the answer nothing else draws at that time.
KEYS = (
    (b"k", b"paused"),
    (b"/", b"search"),
    (b"\x03", b"error"),  # the footer has its keys again
    (b"G", b"following"),
)
# Between keys: as somebody presses them who is in a hurry.
PAUSE = 0.15
PATIENCE = 10.0

# To scroll: pages at a time on a tall terminal, and what stands above the first line.
TALL, PAGE_UP, PAGES = 100, b"\x1b[5~", 20
TOP = b"the log begins here"
# Seconds without anything drawn after which all keys are answered; and for the whole way.
QUIET = 0.04
SCROLL_PATIENCE = 600.0


class _Terminal:
    """A pseudo-terminal on which lobtail runs, and all that it writes."""

    def __init__(self, command: list[str], env: dict[str, str], rows: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(slave)
        self.written = 0

    def read(self, seconds: float) -> bytes:
        """Return what comes within so long."""
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return b""
        try:
            data = os.read(self.master, 1 << 20)
        except OSError as exc:  # EIO: nobody holds the other side any more
            raise BenchError(f"lobtail ui ended by itself, with {self.process.wait()}") from exc
        self.written += len(data)
        return data

    def until(self, marker: bytes) -> float:
        """Return how long it takes until ``marker`` is written, in seconds."""
        begun = time.monotonic()
        kept = b""
        while time.monotonic() < begun + PATIENCE:
            kept = kept[-len(marker) :] + self.read(0.5)
            if marker in kept:
                return time.monotonic() - begun
        raise BenchError(f"no answer within {PATIENCE:g} s: {marker!r}")

    def press(self, keys: bytes, marker: bytes) -> float:
        """Press keys; return how long the answer takes."""
        while self.read(0):
            pass  # an answer to what was pressed before is none
        os.write(self.master, keys)
        return self.until(marker)

    def press_and_rest(self, keys: bytes) -> bytes:
        """Press keys; return what is drawn until nothing has come for a while."""
        os.write(self.master, keys)
        drawn = data = self.read(0.5)
        while data:
            data = self.read(QUIET)
            drawn += data
        return drawn

    def rest(self, seconds: float) -> None:
        """Read on for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)


@contextmanager
def _terminal(command: list[str], env: dict[str, str], rows: int = ROWS) -> Iterator[_Terminal]:
    terminal = _Terminal(command, env, rows)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)


def ui(bench: Bench, rate: int, seconds: int, containers: int = 20) -> list[Row]:
    """Press keys while ``containers`` write ``rate`` lines a second together."""
    title = f"ui, {rate:,} lines/s for {seconds} s"
    with fleet(bench, containers, rate // containers, seconds) as made:
        command = [*bench.lobtail, "ui", "--label", f"{LABEL}={made.volume}"]
        with _terminal(command, bench.env) as terminal:
            terminal.until(b"following")
            answers, watch = _press(terminal, made, seconds)
    answers.sort()
    late = answers[min(len(answers) - 1, len(answers) * 99 // 100)]
    values: list[tuple[Row, list[float]]] = [
        (Row(f"{title}: a key is answered", "ms"), [answer * 1000 for answer in answers]),
        (Row(f"{title}: the same, p99", "ms", Goal("max", 100)), [late * 1000]),
        (Row(f"{title}: memory", "MiB", Goal("max", 400)), watch.rss),
    ]
    for row, samples in values:
        for sample in samples:
            row.add(OURS, sample)
    return [row for row, _ in values]


def scroll(bench: Bench, count: int) -> list[Row]:
    """Scroll a log from its end to its first line, page by page, as long as that takes."""
    title = f"ui, {count:,} lines scrolled from end to top by keys"
    rows = [Row(title, "s"), Row(f"{title}: memory", "MiB", Goal("max", 400))]
    with log(bench, count) as container:
        command = [*bench.lobtail, "ui", container]
        with _terminal(command, bench.env, rows=TALL) as terminal:
            watch = Watch(terminal.process.pid)
            terminal.until(str(FIRST + count - 1).encode())
            begun = time.monotonic()
            while TOP not in terminal.press_and_rest(PAGE_UP * PAGES):
                watch.look()
                if time.monotonic() > begun + SCROLL_PATIENCE:
                    raise BenchError("the first line of the log was not reached")
            rows[0].add(OURS, time.monotonic() - begun)
    for sample in watch.rss:
        rows[1].add(OURS, sample)
    return rows


def _press(terminal: _Terminal, made: Fleet, seconds: int) -> tuple[list[float], Watch]:
    watch = Watch(terminal.process.pid)
    answers: list[float] = []
    with ThreadPoolExecutor(1) as other:
        started = other.submit(made.start)
        terminal.rest(2)  # until all of them write
        end = time.monotonic() + seconds - 3
        while time.monotonic() < end:
            for keys, marker in KEYS:
                answers.append(terminal.press(keys, marker))
                terminal.rest(PAUSE)
            watch.look()
        started.result()
    return answers, watch

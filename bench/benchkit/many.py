"""Many containers followed by one `lobtail tail`: every line, and the memory over time."""

import os
import select
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchkit import BenchError
from benchkit.engine import IMAGE, Bench
from benchkit.process import READ_SIZE, Program
from benchkit.report import OURS, Goal, Row
from benchkit.volume import PADDING

LABEL = "lobtail-bench-many"
MEMORY = Goal("max", 120)
# What the interpreter's allocator may take and give while nothing grows.
GROWTH = Goal("median", 10)
# How often the process is looked at, in seconds.
SAMPLE = 0.5
# Engines start some containers a second; they are created by so many clients at a time.
CREATORS = 4
# Seconds beyond the time of writing after which what has not come is lost.
PATIENCE = 60

# Only what ash has built in: a process for each line, or each pause, would cost more than what is
# measured. A FIFO starts all at once; another one, to which nobody writes, is for the pauses.
WRITER = """
exec 3<>/go/never
echo "$ID 0"
read x </go/start
now() { t=$EPOCHREALTIME; t=${t%.*}${t#*.}; }
now; began=$t; i=0
nl='
'
while [ $i -lt $COUNT ]; do
  read -t 0.1 -u 3 x
  now; due=$(((t - began) * $RATE / 1000000)); [ $due -gt $COUNT ] && due=$COUNT
  s=
  while [ $i -lt $due ]; do i=$((i + 1)); s="$s$ID $i $PAD$nl"; done
  printf %s "$s"
done
"""
# The end of all writers of the FIFO is what lets its readers go, those too that opened it late.
STARTER = "exec 4<>/go/start; sleep 3"


@dataclass
class Fleet:
    """Containers that each write `count` numbered lines, `rate` a second, when they are told to."""

    bench: Bench
    containers: list[str]
    count: int
    volume: str

    def start(self) -> None:
        """Let all of them begin to write."""
        options = ["--rm", "--network", "none", "--volume", f"{self.volume}:/go"]
        self.bench.call("run", *options, IMAGE, "sh", "-c", STARTER)


@dataclass
class Account:
    """What has come, checked line by line."""

    last: dict[bytes, int] = field(default_factory=dict)
    """Of each container, the number of its newest line; 0 is the one before the start."""
    lines: int = 0
    faults: int = 0
    """Lines that came twice, too early or too late."""
    first: float = 0.0
    newest: float = 0.0
    rest: bytes = b""

    def take(self, data: bytes) -> None:
        """Count what a read brought."""
        now = time.monotonic()
        *lines, self.rest = (self.rest + data).split(b"\n")
        last = self.last
        for line in lines:
            name, number, *_ = line.split(b" ", 2)
            i = int(number)
            if i == 0:
                last.setdefault(name, 0)
                continue
            if not self.first:
                self.first = now
            if i != last[name] + 1:
                self.faults += 1
            last[name] = i
            self.lines += 1
        if self.first:
            self.newest = now


@dataclass
class Watch:
    """What a process holds, looked at while it runs (Linux only)."""

    pid: int
    rss: list[float] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample, if the process is still there."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
            self.fds.append(len(os.listdir(f"/proc/{self.pid}/fd")))
        except OSError:
            return
        if size := next((x for x in status.splitlines() if x.startswith("VmRSS:")), None):
            self.rss.append(int(size.split()[1]) / 1024)

    def growth(self) -> float:
        """Return by how much the last sixth of the time is above the third, past the warming up."""
        part = max(1, len(self.rss) // 6)
        warm = self.rss[2 * part : 3 * part] or self.rss[:1]
        return statistics.median(self.rss[-part:]) - statistics.median(warm)


def many(
    bench: Bench, containers: int, rate: int, seconds: int, limit: str | None = None
) -> list[Row]:
    """Follow `containers` that write `rate` lines a second together, for so many seconds.

    With a `limit` their log files are rotated when they reach that size.
    """
    with fleet(bench, containers, rate // containers, seconds, limit) as made:
        total = containers * made.count
        command = [*bench.lobtail, "tail", "-o", "raw", "--no-marks", "-n", "all"]
        command += ["--label", f"{LABEL}={made.volume}", "--max-lines", str(total + containers)]
        account = Account()
        with Program(command, bench.env, pipe=True) as program:
            watch = _follow(program, made, account, time.monotonic() + PATIENCE, seconds)
            took = account.newest - account.first
            cpu = program.usage().cpu if account.lines == total else None
    title = f"tail of {containers} containers, {rate:,} lines/s for {seconds} s"
    title += f", {limit} logs" if limit else ""
    values: list[tuple[Row, list[float]]] = [
        (Row(f"{title}: missing", "lines", Goal("max", 0)), [total - account.lines]),
        (Row(f"{title}: out of order", "lines", Goal("max", 0)), [account.faults]),
        (Row(f"{title}: reached", "lines/s"), [account.lines / took if took else 0]),
        (Row(f"{title}: memory", "MiB", MEMORY), watch.rss),
        (Row(f"{title}: growth of memory", "MiB", GROWTH), [watch.growth()]),
        (Row(f"{title}: CPU", "CPUs"), [cpu / took] if cpu else []),
        (Row(f"{title}: open files", "fds"), [max(watch.fds)]),
    ]
    for row, samples in values:
        for sample in samples:
            row.add(OURS, sample)
    return [row for row, _ in values]


def _follow(
    program: Program, fleet: Fleet, account: Account, deadline: float, seconds: int
) -> Watch:
    """Read until all lines have come, or no more will."""
    watch = Watch(program.pid())
    started = False
    look = 0.0
    with ThreadPoolExecutor(1) as other:
        while (now := time.monotonic()) < deadline:
            if started and now >= look:
                watch.look()
                look = now + SAMPLE
            if select.select([program.fd], [], [], SAMPLE)[0]:
                data = os.read(program.fd, READ_SIZE)
                if not data:
                    break
                account.take(data)
            if not started and len(account.last) == len(fleet.containers):
                other.submit(fleet.start).add_done_callback(lambda done: done.result())
                started = True
                deadline = now + seconds + PATIENCE
    if not started:
        raise BenchError(f"{len(account.last)} of {len(fleet.containers)} containers were seen")
    return watch


@contextmanager
def fleet(
    bench: Bench, containers: int, rate: int, seconds: int, limit: str | None = None
) -> Iterator[Fleet]:
    """Give containers that run, and wait to be told to write."""
    volume = bench.call("volume", "create", "--label", "lobtail-bench")
    mount = ["--volume", f"{volume}:/go"]
    limits = ["--log-opt", f"max-size={limit}", "--log-opt", "max-file=3"] if limit else []
    made: list[str] = []

    def create(number: int) -> None:
        values = {"ID": number, "COUNT": rate * seconds, "RATE": rate, "PAD": PADDING}
        environment = [f"--env={name}={value}" for name, value in values.items()]
        options = [*mount, *environment, *limits, "--label", f"{LABEL}={volume}"]
        container = bench.create("sh", "-c", WRITER, options=options)
        made.append(container)
        bench.call("start", container)

    try:
        bench.call(
            "run", "--rm", "--network=none", *mount, IMAGE, "mkfifo", "/go/start", "/go/never"
        )
        with ThreadPoolExecutor(CREATORS) as pool:
            list(pool.map(create, range(containers)))
        yield Fleet(bench, made, rate * seconds, volume)
    finally:
        if made:
            bench.call("rm", "--force", *made)
        bench.call("volume", "rm", "--force", volume)

"""Much to read: many lines, and one endless line."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchkit import BenchError
from benchkit.engine import FILES, Bench
from benchkit.process import Program, drain
from benchkit.reading import SINKS, Figure, in_turn, read
from benchkit.report import OURS, Goal, Row

LINE = 110
FIRST = 10**9 + 1
PADDING = "x" * (LINE - len(str(FIRST)) - 2)
HUGE = 1 << 30
# A line of a json-file log is its text and about 70 bytes; of the huge one, each 16 KiB. The rest
# is left to others.
LINE_DISK = 2 * LINE
HUGE_DISK = 2 * HUGE
MEMORY = Goal("max", 60)
BAR = "│ ".encode()
# Stands at the end of the number of one line in 100 000.
RARE = "99999 "

Undo = Callable[[bytes], bytes]


def check_disk(bench: Bench, need: int, hint: str) -> None:
    """Refuse to fill the disk: one log at a time lies on it."""
    free = bench.free_disk()
    if free is not None and free < need:
        raise BenchError(f"{need >> 20} MiB of disk are needed, {free >> 20} are free{hint}")


@contextmanager
def log(bench: Bench, count: int) -> Iterator[str]:
    """Give a container with a log of `count` lines of 110 bytes.

    They are numbered, so that a lost, doubled or misplaced line changes the hash of all.
    """
    script = f"seq {FIRST} {FIRST + count - 1} | sed 's/$/ {PADDING}/'"
    with bench.container(script) as container:
        yield container


def check(
    bench: Bench, commands: dict[str, list[str]], count: int, undo: dict[str, Undo] | None = None
) -> None:
    """Check that each command writes every line; this also warms the page cache for all.

    `undo` gives by client what makes a line of its output the line of the log again.
    """
    expected = hashlib.sha256()
    for start in range(FIRST, FIRST + count, 10_000):
        numbers = range(start, min(start + 10_000, FIRST + count))
        expected.update("".join(f"{number} {PADDING}\n" for number in numbers).encode())
    for client, command in commands.items():
        digest = _Digest((undo or {}).get(client))
        with Program(command, bench.env, pipe=True) as program:
            drain(program.fd, digest.update)
            program.usage()
        if digest.hash.digest() != expected.digest():
            shown = " ".join(command[:-1])
            raise BenchError(f"{shown} wrote {digest.lines} lines that are not the {count} written")


class _Digest:
    def __init__(self, undo: Undo | None) -> None:
        self.hash = hashlib.sha256()
        self.lines = 0
        self._undo = undo
        self._rest = b""

    def update(self, data: memoryview) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += len(lines)
        if self._undo:
            lines = [self._undo(line) for line in lines]
        self.hash.update(b"".join(line + b"\n" for line in lines))


def _without_prefix(line: bytes) -> bytes:
    return line.partition(BAR)[2]


def _text_of_json(line: bytes) -> bytes:
    text: str = json.loads(line)["line"]
    return text.encode()


def lines(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Read a log with `logs`: into /dev/null, and into a pipe."""
    title = f"logs, {count:,} lines"
    figures = _figures(title, OURS, wall=0.9, cpu=0.7, shown="lobtail logs")
    if bench.sources:
        title = f"logs from the files, {count:,} lines"
        figures += _figures(title, FILES, wall=0.12, shown="lobtail logs, from the files")
    with log(bench, count) as container:
        commands = bench.logs(container)
        check(bench, commands, count)
        return read(bench, commands, rounds, figures, tuple(SINKS))


def tail(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Read a log with `tail` as people see it: into /dev/null, and into a pipe."""
    figures = _figures(f"tail, {count:,} lines", OURS, wall=1.3, shown="lobtail tail")
    if bench.sources:
        figures += _figures(f"tail from the files, {count:,} lines", FILES, shown="")
    with log(bench, count) as container:
        ours = bench.ours("tail", "--no-follow", container)
        commands = {"docker": [*bench.docker, "logs", container], **ours}
        check(bench, commands, count, dict.fromkeys(ours, _without_prefix))
        return read(bench, commands, rounds, figures, tuple(SINKS))


def programs(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Read a log as programs do: line by line with an SDK, or as JSON from `tail`."""
    shown = {
        "docker-py": "docker-py, plain iteration",
        "aiodocker": "aiodocker, plain iteration",
        OURS: "lobtail tail -o json",
    }
    figures = []
    for ours, source in {OURS: "", FILES: " from the files"}.items():
        if ours == FILES and not bench.sources:
            continue
        title = f"tail -o json{source}, {count:,} lines > /dev/null"
        wall, cpu = (
            Row(f"{title}, {what}", "s", against="docker-py", ours=ours) for what in ("wall", "CPU")
        )
        if ours == OURS:
            wall.goal = Goal("ratio", 0.6)
            wall.chart = shown
        figures += [Figure(wall, "wall"), Figure(cpu, "cpu")]
    with log(bench, count) as container:
        ours_by = bench.ours("tail", "--no-follow", "-o", "json", container)
        commands = {
            "docker-py": [*bench.docker_py, container],
            "aiodocker": [*bench.aiodocker, container],
            **ours_by,
        }
        check(bench, commands, count, dict.fromkeys(ours_by, _text_of_json))
        return read(bench, commands, rounds, figures)


def _figures(
    title: str, ours: str, *, wall: float | None = None, cpu: float | None = None, shown: str
) -> list[Figure]:
    """Return the rows of a log that is read into both sinks, against docker."""
    figures = []
    for pipe, sink in SINKS.items():
        for what, usage, limit in (("wall", "wall", wall), ("CPU", "cpu", cpu)):
            goal = Goal("ratio", limit) if limit else None
            row = Row(f"{title} > {sink}, {what}", "s", goal=goal, ours=ours)
            if shown and usage == "wall" and not pipe:
                row.chart = {"docker": "docker logs", OURS: shown}
            figures.append(Figure(row, usage, pipe))
    memory = Row(f"{title}, memory", "MiB", goal=MEMORY, ours=ours)
    return [*figures, Figure(memory, "rss")]


def huge_line(bench: Bench) -> list[Row]:
    """Read one line of 1 GiB: what counts is the memory."""
    rss = Row("logs, one line of 1 GiB, memory", "MiB", goal=MEMORY)
    wall = Row("logs, one line of 1 GiB > pipe, wall", "s")
    rows = [Figure(rss, "rss"), Figure(wall, "wall")]
    if bench.sources:
        rss = Row("logs from the files, one line of 1 GiB, memory", "MiB", goal=MEMORY, ours=FILES)
        rows.append(Figure(rss, "rss"))
    with bench.container(f"head -c {HUGE} /dev/zero | tr '\\0' x") as container:
        for client, command in in_turn(bench.logs(container), 0):
            with Program(command, bench.env, pipe=True) as program:
                size = drain(program.fd)
                usage = program.usage()
            if size != HUGE:
                raise BenchError(f"{client} logs wrote {size} bytes instead of {HUGE}")
            for figure in rows:
                figure.row.add(client, getattr(usage, figure.usage))
    return [figure.row for figure in rows]

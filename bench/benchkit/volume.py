"""Much to read: many lines, and one endless line."""

import hashlib

from benchkit import BenchError
from benchkit.engine import Bench
from benchkit.process import Program, drain, run
from benchkit.report import Goal, Row

LINE = 110
NUMBER = 10
HUGE = 1 << 30
# A line of a json-file log is its text and about 70 bytes; of the huge one, each 16 KiB. The rest
# is left to others.
LINE_DISK = 2 * LINE
HUGE_DISK = 2 * HUGE
MEMORY = Goal("max", 60)


def check_disk(bench: Bench, count: int, *, huge: bool) -> None:
    """Refuse to fill the disk: one log at a time lies on it."""
    need = max(count * LINE_DISK, HUGE_DISK if huge else 0)
    free = bench.free_disk()
    if free is not None and free < need:
        hint = "; --no-huge needs less" if huge else ""
        raise BenchError(f"{need >> 20} MiB of disk are needed, {free >> 20} are free{hint}")


def lines(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Read a log of `count` lines of 110 bytes: into /dev/null, and into a pipe."""
    # Numbered, so that a lost, doubled or misplaced line changes the hash.
    padding = "x" * (LINE - NUMBER - 2)
    first = 10 ** (NUMBER - 1) + 1
    script = f"seq {first} {first + count - 1} | sed 's/$/ {padding}/'"
    title = f"{count:,} lines"
    sinks = {False: "/dev/null", True: "pipe"}
    wall = {p: Row(f"{title} > {s}, wall", "s", goal=Goal("ratio", 0.9)) for p, s in sinks.items()}
    cpu = {p: Row(f"{title} > {s}, CPU", "s", goal=Goal("ratio", 0.7)) for p, s in sinks.items()}
    rss = Row(f"{title}, memory", "MiB", goal=MEMORY)
    with bench.container(script) as container:
        _compare(bench, container, count * LINE)
        for turn in range(rounds):
            for pipe in sinks:
                for client, command in bench.clients(turn):
                    usage = run([*command, "logs", container], bench.env, pipe=pipe)
                    wall[pipe].add(client, usage.wall)
                    cpu[pipe].add(client, usage.cpu)
                    rss.add(client, usage.rss)
    return [wall[False], cpu[False], wall[True], cpu[True], rss]


def _compare(bench: Bench, container: str, expected: int) -> None:
    """Check that both write the same bytes; this also warms the page cache for both."""
    seen = {}
    for client, command in bench.clients(0):
        digest = hashlib.sha256()
        with Program([*command, "logs", container], bench.env, pipe=True) as program:
            size = drain(program.fd, digest.update)
            program.usage()
        if size != expected:
            raise BenchError(f"{client} logs wrote {size} bytes instead of {expected}")
        seen[client] = digest.digest()
    if seen["docker"] != seen["lobtail"]:
        raise BenchError("docker logs and lobtail logs did not write the same bytes")


def huge_line(bench: Bench) -> list[Row]:
    """Read one line of 1 GiB: what counts is the memory."""
    rss = Row("one line of 1 GiB, memory", "MiB", goal=MEMORY)
    wall = Row("one line of 1 GiB > pipe, wall", "s")
    with bench.container(f"head -c {HUGE} /dev/zero | tr '\\0' x") as container:
        for client, command in bench.clients(0):
            with Program([*command, "logs", container], bench.env, pipe=True) as program:
                size = drain(program.fd)
                usage = program.usage()
            if size != HUGE:
                raise BenchError(f"{client} logs wrote {size} bytes instead of {HUGE}")
            rss.add(client, usage.rss)
            wall.add(client, usage.wall)
    return [rss, wall]

"""Little to read, soon: the first byte of a small log, and lines while they are written."""

import os
import selectors
import statistics
import time

from benchkit import BenchError
from benchkit.engine import Bench
from benchkit.process import READ_SIZE, Program, first_byte
from benchkit.report import Goal, Row

PAUSE_US = 5000
# What a follower may miss at its start; both must have come by then, and start-up is over.
SETTLE = 100


def small_log(bench: Bench, runs: int) -> list[Row]:
    """Read ten lines: when does the first byte come, when the end."""
    first = Row("10 lines, first byte", "ms", goal=Goal("median", 120))
    total = Row("10 lines, total", "ms")
    with bench.container("seq 10") as container:
        for turn in range(-1, runs):
            for client, command in bench.clients(turn):
                seen, ended = first_byte([*command, "logs", container], bench.env)
                if turn >= 0:  # the first one is cold
                    first.add(client, seen * 1000)
                    total.add(client, ended * 1000)
    return [first, total]


def follow(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Follow a container that writes a line every 5 ms, with both at the same time.

    The time in a line is taken in the container just before it is written (a `ts` for each line: it
    would keep back what it writes to a pipe); what passes until the line is in our hands is the
    latency. The engine's share is in both.
    """
    half = Row("follow, latency p50", "ms")
    most = Row("follow, latency p99", "ms", goal=Goal("difference", 3))
    script = (
        f"i=0; while [ $i -lt {count + SETTLE} ]; do"
        f" echo | busybox ts %.s; i=$((i+1)); usleep {PAUSE_US}; done"
    )
    for turn in range(rounds):
        with bench.container(script, wait=False) as container:
            for client, latencies in _follow(bench, container, turn).items():
                if len(latencies) < count / 2:
                    raise BenchError(f"{client} logs -f showed {len(latencies)} lines of {count}")
                half.add(client, statistics.median(latencies))
                most.add(client, statistics.quantiles(latencies, n=100)[98])
    return [half, most]


def _follow(bench: Bench, container: str, turn: int) -> dict[str, list[float]]:
    """Return the latencies of each client in ms, in order, without those of the start."""
    (name, command), (other, other_command) = bench.clients(turn)
    arguments = ["logs", "--follow", container]
    with (
        Program([*command, *arguments], bench.env, pipe=True) as one,
        Program([*other_command, *arguments], bench.env, pipe=True) as two,
    ):
        reads = _read_both({name: one.fd, other: two.fd})
        one.usage()
        two.usage()
    return {client: _latencies(chunks)[SETTLE:] for client, chunks in reads.items()}


def _read_both(fds: dict[str, int]) -> dict[str, list[tuple[float, bytes]]]:
    """Read both to their ends; note when each read came."""
    reads: dict[str, list[tuple[float, bytes]]] = {client: [] for client in fds}
    with selectors.DefaultSelector() as selector:
        for client, fd in fds.items():
            selector.register(fd, selectors.EVENT_READ, client)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, READ_SIZE)
                if data:
                    reads[key.data].append((time.time(), data))
                else:
                    selector.unregister(key.fd)
    return reads


def _latencies(reads: list[tuple[float, bytes]]) -> list[float]:
    """Return what passed between the time in each line and the read that completed it, in ms."""
    latencies = []
    rest = b""
    for when, data in reads:
        *whole, rest = (rest + data).split(b"\n")
        latencies += [(when - float(line)) * 1000 for line in whole]
    return latencies

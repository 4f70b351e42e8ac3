"""Little to read, soon: the first byte of a small log, and lines while they are written."""

import os
import selectors
import statistics
import time
from contextlib import ExitStack

from benchkit import BenchError
from benchkit.engine import Bench
from benchkit.process import READ_SIZE, Program, first_byte
from benchkit.reading import in_turn
from benchkit.report import OURS, Goal, Row

# From 5 to 50 ms, in no order: what a window holds back depends on when the next line comes.
PAUSE_US = "$((5000 + i * 7919 % 45000))"
# What a follower may miss at its start; all must have come by then, and start-up is over.
SETTLE = 50
WINDOW_MS = 50
AT_ONCE = "tail, no window"
MERGED = "tail"


def small_log(bench: Bench, runs: int) -> list[Row]:
    """Read ten lines: when does the first byte come, when the end."""
    goal = Goal("median", 120)
    first = {
        OURS: Row("logs, 10 lines, first byte", "ms", goal=goal),
        MERGED: Row("tail, 10 lines, first byte", "ms", goal=goal, ours=MERGED),
    }
    total = {
        OURS: Row("logs, 10 lines, total", "ms"),
        MERGED: Row("tail, 10 lines, total", "ms", ours=MERGED),
    }
    with bench.container("seq 10") as container:
        commands = {
            "docker": [*bench.docker, "logs", container],
            OURS: [*bench.lobtail, "logs", container],
            MERGED: [*bench.lobtail, "tail", "--no-follow", container],
        }
        for turn in range(-1, runs):
            for client, command in in_turn(commands, turn):
                seen, ended = first_byte(command, bench.env)
                if turn < 0:  # the first one is cold
                    continue
                for row in first.values():
                    row.add(client, seen * 1000)
                for row in total.values():
                    row.add(client, ended * 1000)
    return [*first.values(), *total.values()]


def follow(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Follow a container that writes a line every 5 to 50 ms, with all at the same time.

    The time in a line is taken in the container just before it is written (a `ts` for each line: it
    would keep back what it writes to a pipe); what passes until the line is in our hands is the
    latency. The engine's share is in all. With a window, a second container that is silent makes
    `tail` wait for it.
    """
    half, most = [], []
    for ours, title, goal in (
        (OURS, "logs -f", Goal("difference", 3)),
        (AT_ONCE, "tail --merge-window 0", Goal("difference", 3)),
        (MERGED, f"tail, window of {WINDOW_MS} ms", Goal("median", WINDOW_MS + 10)),
    ):
        half.append(Row(f"{title}, latency p50", "ms", ours=ours))
        most.append(Row(f"{title}, latency p99", "ms", goal=goal, ours=ours))
    script = (
        f"i=0; while [ $i -lt {count + SETTLE} ]; do"
        f" echo | busybox ts %.s; i=$((i+1)); usleep {PAUSE_US}; done"
    )
    for turn in range(rounds):
        with (
            bench.container("sleep 3600", wait=False) as silent,
            bench.container(script, wait=False) as container,
        ):
            commands = _followers(bench, container, silent, count + SETTLE)
            for client, latencies in _follow(bench, in_turn(commands, turn)).items():
                if len(latencies) < count / 2:
                    raise BenchError(f"{client} showed {len(latencies)} lines of {count}")
                for row in half:
                    row.add(client, statistics.median(latencies))
                for row in most:
                    row.add(client, statistics.quantiles(latencies, n=100)[98])
    return half + most


def _followers(bench: Bench, container: str, silent: str, lines: int) -> dict[str, list[str]]:
    # `tail` waits for the next run of a container that has ended: the last line ends it.
    tail = [*bench.lobtail, "tail", "-o", "raw", "--no-marks", "-n", "all", container]
    tail += ["--max-lines", str(lines)]
    return {
        "docker": [*bench.docker, "logs", "--follow", container],
        OURS: [*bench.lobtail, "logs", "--follow", container],
        AT_ONCE: [*tail, silent, "--merge-window", "0"],
        MERGED: [*tail, silent, "--merge-window", f"{WINDOW_MS}ms"],
    }


def _follow(bench: Bench, commands: list[tuple[str, list[str]]]) -> dict[str, list[float]]:
    """Return the latencies of each client in ms, in order, without those of the start."""
    with ExitStack() as stack:
        programs = {
            client: stack.enter_context(Program(command, bench.env, pipe=True))
            for client, command in commands
        }
        reads = _read_all({client: program.fd for client, program in programs.items()})
        for program in programs.values():
            program.usage()
    return {client: _latencies(chunks)[SETTLE:] for client, chunks in reads.items()}


def _read_all(fds: dict[str, int]) -> dict[str, list[tuple[float, bytes]]]:
    """Read all to their ends; note when each read came."""
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

"""Open and close follow streams again and again, and look at what is left of them.

As a program, in a process of its own: ``python -m benchkit.cycling HOST CONTAINER COUNT WHAT``,
where WHAT is ``logs`` or ``tail`` in either face: ``logs``, ``tail``, ``sync.logs``, ``sync.tail``.
It prints what the process held after a tenth of the cycles, and after all, as JSON.
"""

import asyncio
import gc
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchkit.engine import ROOT, Bench, output
from benchkit.report import OURS, Goal, Row

KINDS = ("logs", "tail", "sync.logs", "sync.tail")


@dataclass
class Held:
    """What a process holds at one moment."""

    fds: int
    threads: int
    tasks: int
    blocks: int
    """Pieces of memory that Python has handed out."""
    rss: float
    """MiB."""
    time: float


def held(tasks: int) -> Held:
    """Look at this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Held(
        fds=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        tasks=tasks,
        blocks=sys.getallocatedblocks(),
        rss=pages * os.sysconf("SC_PAGESIZE") / (1 << 20),
        time=time.monotonic(),
    )


async def in_a_loop(host: str, container: str, count: int, what: str) -> list[Held]:
    """Cycle with the asynchronous face."""
    from lobtail import Engine

    found = []
    async with Engine(host) as engine:
        for i in range(count):
            stream = opened(engine, what, container)
            if i % 2:
                async with stream:
                    async for _ in stream:
                        break
            else:
                async for _ in stream:
                    break
            if i + 1 in (count // 10, count):
                # What ends by itself has its turn.
                await asyncio.sleep(0.2)
                found.append(held(len(asyncio.all_tasks())))
    return found


def blocking(host: str, container: str, count: int, what: str) -> list[Held]:
    """Cycle with the blocking face: each tenth cycle has an engine, and so a thread, of its own."""
    from lobtail.sync import Engine

    found = []
    engine = Engine(host)
    for i in range(count):
        if i % 10 == 0:
            engine.close()
            engine = Engine(host)
        stream = opened(engine, what, container)
        if i % 2:
            with stream:
                for _ in stream:
                    break
        else:
            for _ in stream:
                break
        del stream
        if i + 1 in (count // 10, count):
            engine.close()
            engine = Engine(host)
            engine.ping()
            count_tasks = engine._portal.call  # noqa: SLF001 - the loop is nobody else's business
            found.append(held(count_tasks(lambda: len(asyncio.all_tasks()))))
    engine.close()
    return found


def opened(engine: Any, what: str, container: str) -> Any:
    """Return a stream of the engine, asynchronous or blocking."""
    owner = engine if what == "tail" else engine.containers
    return getattr(owner, what)(container, **options(what))


def options(what: str) -> dict[str, object]:
    """Return how a stream is opened: from the last line on."""
    return {"follow": True, "tail": 1, **({"merge_window": 0} if what == "tail" else {})}


def cycles(bench: Bench, count: int) -> list[Row]:
    """Measure each kind in a process of its own."""
    container = bench.create("sh", "-c", "echo here; exec sleep 100000")
    bench.call("start", container)
    rows = []
    try:
        for what in KINDS:
            times = count if what.endswith("logs") else max(count // 10, 10)
            command = [sys.executable, "-m", "benchkit.cycling", bench.env["DOCKER_HOST"]]
            environment = {**bench.env, "PYTHONPATH": str(ROOT / "bench")}
            early, late = (
                Held(**x)
                for x in json.loads(output([*command, container, str(times), what], environment))
            )
            title = f"{times:,} × open and close of {what}"
            left = sum(
                getattr(late, name) - getattr(early, name) for name in ("fds", "threads", "tasks")
            )
            for name, unit, value, most in (
                ("files, threads and tasks left", "left", left, 0),
                ("growth of memory", "MiB", late.rss - early.rss, 2),
            ):
                row = Row(f"{title}: {name}", unit, Goal("max", most))
                row.add(OURS, value)
                rows.append(row)
    finally:
        bench.call("rm", "--force", container)
    return rows


def main() -> None:
    """Cycle as the command line says."""
    host, container, count, what = sys.argv[1:]
    face, _, method = what.rpartition(".")
    if face:
        found = blocking(host, container, int(count), method)
    else:
        found = asyncio.run(in_a_loop(host, container, int(count), method))
    print(json.dumps([asdict(x) for x in found]))


if __name__ == "__main__":
    main()

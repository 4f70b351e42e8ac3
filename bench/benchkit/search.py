"""A little of a large log: the lines with a rare text, and the last ones by their time."""

import subprocess

from benchkit import BenchError
from benchkit.engine import FILES, Bench
from benchkit.reading import Figure, read
from benchkit.report import OURS, Goal, Row
from benchkit.volume import RARE, log

NEAR_END = 1000


def grep(bench: Bench, count: int, rounds: int) -> list[Row]:
    """Find a text that one line in 100,000 has."""
    found = count // 100_000
    if not found:
        raise BenchError("the log for grep must have 100,000 lines at least")
    title = f"tail --grep of {found} lines in {count:,}"
    rows = [Row(f"{title}, wall", "s")]
    if bench.sources:
        shown = {"docker": "docker logs | grep", OURS: "lobtail tail --grep, from the files"}
        name = f"{title}, from the files, wall"
        rows.append(Row(name, "s", goal=Goal("ratio", 0.05), ours=FILES, chart=shown))
    else:
        rows[0].chart = {"docker": "docker logs | grep", OURS: "lobtail tail --grep"}
    with log(bench, count) as container:
        shell = f'"$1" logs "$2" | grep -F "{RARE}"'
        commands = {
            "docker": ["sh", "-c", shell, "sh", *bench.docker, container],
            **bench.ours("tail", "--no-follow", "--grep", RARE, container),
        }
        for client, command in commands.items():
            if (seen := _count(bench, command)) != found:
                raise BenchError(f"{client} found {seen} lines instead of {found}")
        return read(bench, commands, rounds, [Figure(row, "wall") for row in rows])


def since(bench: Bench, count: int, rounds: int, goal: float) -> list[Row]:
    """Read the last 1,000 lines by their time. Over the API it is the engine that searches."""
    title = f"logs --since, the last {NEAR_END:,} of {count:,} lines"
    rows = [Row(f"{title}, wall", "s")]
    if bench.sources:
        shown = {"docker": f"docker logs --since ({count:,})", OURS: "lobtail, from the files"}
        name = f"{title}, from the files, wall"
        rows.append(Row(name, "s", goal=Goal("ratio", goal), ours=FILES, chart=shown))
    with log(bench, count) as container:
        last = bench.call("logs", "--timestamps", "--tail", str(NEAR_END), container)
        commands = bench.logs("--since", last.split(maxsplit=1)[0], container)
        for client, command in commands.items():
            # Several lines may have the first one's stamp.
            if (seen := _count(bench, command)) < NEAR_END:
                raise BenchError(f"{client} logs --since wrote {seen} lines of {NEAR_END}")
        return read(bench, commands, rounds, [Figure(row, "wall") for row in rows])


def _count(bench: Bench, command: list[str]) -> int:
    done = subprocess.run(command, env=bench.env, capture_output=True, check=False)
    return done.stdout.count(b"\n")

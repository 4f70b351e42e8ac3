"""Measure `lobtail logs` against `docker logs`, in one interleaved run: `make bench`.

docs/performance.md says what the figures mean.
"""

import argparse
import os
import platform
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchkit import BenchError, decoding, latency, volume
from benchkit.engine import Bench, open_bench, private_engine
from benchkit.report import Row, table, write_json

from lobtail import __version__

RESULTS = Path(__file__).with_name("results")


def count(text: str) -> int:
    """Return a number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    p = argparse.ArgumentParser("bench/logs.py", description=__doc__)
    p.add_argument(
        "--host",
        default=os.environ.get("LOBTAIL_TEST_HOST"),
        help="an engine that has the image lobtail-test (default: LOBTAIL_TEST_HOST, else its own)",
    )
    p.add_argument(
        "--lines", type=count, default=1_000_000, metavar="N", help="lines of the large log"
    )
    p.add_argument("--rounds", type=count, default=5, metavar="N", help="runs of each, interleaved")
    p.add_argument("--starts", type=count, default=20, metavar="N", help="runs on a small log")
    p.add_argument(
        "--follow", type=count, default=1000, metavar="N", help="lines of a followed log"
    )
    p.add_argument(
        "--huge",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also read one line of 1 GiB; needs 2 GiB of disk",
    )
    p.add_argument(
        "--only", nargs="+", choices=[name for name, _ in STEPS], help="measure only these"
    )
    p.add_argument("--lobtail", type=shlex.split, metavar="COMMAND", help="another lobtail to run")
    p.add_argument("--json", type=Path, metavar="PATH", help="where (default: in bench/results/)")
    p.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    return p.parse_args()


STEPS: list[tuple[str, Callable[[Bench, argparse.Namespace], list[Row]]]] = [
    ("lines", lambda bench, o: volume.lines(bench, o.lines, o.rounds)),
    ("small", lambda bench, o: latency.small_log(bench, o.starts)),
    ("follow", lambda bench, o: latency.follow(bench, o.follow, o.rounds)),
    ("huge", lambda bench, o: volume.huge_line(bench) if o.huge else []),
    ("decoder", lambda _, o: decoding.decoder(1_000_000, o.rounds)),
]


def measure(bench: Bench, options: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    """Take all measures; return the facts about the run, and the rows."""
    facts: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "lobtail": __version__,
        "docker CLI": bench.call("version", "--format", "{{.Client.Version}}"),
        "engine": bench.call("version", "--format", "{{.Server.Version}}"),
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "CPUs": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
    }
    volume.check_disk(bench, options.lines, huge=options.huge)
    rows = []
    for name, step in STEPS:
        if options.only and name not in options.only:
            continue
        start = time.monotonic()
        rows += step(bench, options)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    facts["load after"] = round(os.getloadavg()[0], 2)
    return facts, rows


def main() -> int:
    """Measure, show, keep; return the exit code."""
    options = parse()
    # Containers and engine are removed on the way out, so a signal must go that way too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with nullcontext(options.host) if options.host else private_engine() as host:
            facts, rows = measure(open_bench(host, options.lobtail), options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(" · ".join(f"{key} {value}" for key, value in facts.items()), end="\n\n")
    print(table(rows))
    stamp = facts["date"].replace(":", "")
    path = options.json or RESULTS / f"logs-{stamp}.json"
    write_json(path, facts, rows)
    print(f"\n{path}", file=sys.stderr)
    return int(options.check and any(row.missed() for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())

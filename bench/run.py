"""Measure lobtail against the docker CLI, docker-py and aiodocker, interleaved: `make bench`.

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

from benchkit import BenchError, cycling, decoding, latency, many, search, ui, volume
from benchkit.docs import write_docs
from benchkit.engine import ROOT, Bench, open_bench, output, private_engine
from benchkit.report import Row, facts_line, read_json, table, write_json
from lobtail import __version__

RESULTS = ROOT / "bench" / "results"
PEERS = ROOT / ".venv-bench" / "bin" / "python"
HUGE_LOG = 10_000_000

# In place of the defaults, for a look of about two minutes.
QUICK = {
    "lines": 200_000,
    "rounds": 2,
    "starts": 5,
    "follow": 100,
    "containers": 40,
    "rate": 4000,
    "seconds": 10,
    "cycles": 1000,
    "huge": False,
}
FULL = {
    "lines": 1_000_000,
    "rounds": 5,
    "starts": 20,
    "follow": 500,
    "containers": 200,
    "rate": 20_000,
    "seconds": 60,
    "cycles": 10_000,
    "huge": True,
}


def count(text: str) -> int:
    """Return a number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    p = argparse.ArgumentParser("bench/run.py", description=__doc__)
    p.add_argument(
        "--host",
        default=os.environ.get("LOBTAIL_TEST_HOST"),
        help="an engine that has the image lobtail-test (default: LOBTAIL_TEST_HOST, else its own)",
    )
    p.add_argument("--quick", action="store_true", help="small and few, in about two minutes")
    for name, help_ in (
        ("lines", "lines of the large log"),
        ("rounds", "runs of each, interleaved"),
        ("starts", "runs on a small log"),
        ("follow", "lines of a followed log"),
        ("containers", "containers that are followed at once"),
        ("rate", "lines a second of all of them"),
        ("seconds", "how long they write"),
        ("cycles", "how often a stream is opened and closed"),
    ):
        text = f"{help_} (default: {FULL[name]}, --quick: {QUICK[name]})"
        p.add_argument(f"--{name}", type=count, metavar="N", help=text)
    p.add_argument(
        "--huge",
        action=argparse.BooleanOptionalAction,
        help="also one line of 1 GiB and --since in 10M lines; needs 2 GiB of disk (default: yes)",
    )
    p.add_argument(
        "--only", nargs="+", choices=[name for name, _ in STEPS], help="measure only these"
    )
    p.add_argument("--lobtail", type=shlex.split, metavar="COMMAND", help="another lobtail to run")
    p.add_argument(
        "--peers",
        type=Path,
        default=PEERS,
        metavar="PYTHON",
        help="one that has docker-py and aiodocker (default: that of .venv-bench)",
    )
    p.add_argument("--json", type=Path, metavar="PATH", help="where (default: in bench/results/)")
    p.add_argument(
        "--docs", action="store_true", help="put table and chart into docs/performance.md"
    )
    p.add_argument(
        "--from", dest="source", type=Path, metavar="PATH", help="show a JSON file; measure nothing"
    )
    p.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = p.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def since_in_huge_log(bench: Bench, options: argparse.Namespace) -> list[Row]:
    """Measure what reading the files is for; over the API it takes long and shows nothing new."""
    if not options.huge or not bench.sources:
        return []
    return search.since(bench, HUGE_LOG, min(options.rounds, 3), 0.01)


STEPS: list[tuple[str, Callable[[Bench, argparse.Namespace], list[Row]]]] = [
    ("lines", lambda bench, o: volume.lines(bench, o.lines, o.rounds)),
    ("tail", lambda bench, o: volume.tail(bench, o.lines, o.rounds)),
    ("json", lambda bench, o: volume.programs(bench, o.lines, o.rounds)),
    ("grep", lambda bench, o: search.grep(bench, o.lines, o.rounds)),
    ("since", lambda bench, o: search.since(bench, o.lines, o.rounds, 0.05)),
    ("since10m", since_in_huge_log),
    ("small", lambda bench, o: latency.small_log(bench, o.starts)),
    ("follow", lambda bench, o: latency.follow(bench, o.follow, o.rounds)),
    ("many", lambda bench, o: many.many(bench, o.containers, o.rate, o.seconds)),
    # Most people limit their logs; a log that may be rotated costs more to follow.
    ("limited", lambda bench, o: many.many(bench, o.containers, o.rate, o.seconds, "10m")),
    ("cycles", lambda bench, o: cycling.cycles(bench, o.cycles)),
    ("ui", lambda bench, o: ui.ui(bench, o.rate, o.seconds)),
    ("scroll", lambda bench, o: ui.scroll(bench, o.lines)),
    ("huge", lambda bench, o: volume.huge_line(bench) if o.huge else []),
    ("decoder", lambda _, o: decoding.decoder(o.lines, o.rounds)),
]


def measure(bench: Bench, options: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    """Take all measures; return the facts about the run, and the rows."""
    facts: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "lobtail": __version__,
        "docker CLI": bench.call("version", "--format", "{{.Client.Version}}"),
        "engine": bench.call("version", "--format", "{{.Server.Version}}"),
        "docker-py": output([*bench.docker_py, "--version"], bench.env),
        "aiodocker": output([*bench.aiodocker, "--version"], bench.env),
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "CPUs": os.cpu_count(),
        "rounds": options.rounds,
        "load before": round(os.getloadavg()[0], 2),
    }
    largest = HUGE_LOG if options.huge and bench.sources else options.lines
    need = max(largest * volume.LINE_DISK, volume.HUGE_DISK if options.huge else 0)
    volume.check_disk(bench, need, "; --no-huge needs less" if options.huge else "")
    rows = []
    for name, step in STEPS:
        if options.only and name not in options.only:
            continue
        start = time.monotonic()
        rows += step(bench, options)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    facts["load after"] = round(os.getloadavg()[0], 2)
    return facts, rows


def run(options: argparse.Namespace) -> tuple[dict[str, Any], list[Row]]:
    """Measure, and keep all samples; or read those of an earlier run."""
    if options.source:
        return read_json(options.source)
    with nullcontext(options.host) if options.host else private_engine() as host:
        facts, rows = measure(open_bench(host, options.lobtail, options.peers), options)
    path = options.json or RESULTS / f"{facts['date'].replace(':', '')}.json"
    write_json(path, facts, rows)
    print(path, file=sys.stderr)
    return facts, rows


def main() -> int:
    """Measure, show, keep; return the exit code."""
    options = parse()
    # Containers and engine are removed on the way out, so a signal must go that way too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        facts, rows = run(options)
        print(facts_line(facts), end="\n\n")
        print(table(rows))
        if options.docs:
            write_docs(facts, rows)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return int(options.check and any(row.missed() for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())

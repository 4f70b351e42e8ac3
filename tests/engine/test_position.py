"""A program that is killed again and again, and goes on: each line once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from support import shipper
from support.engines import TestEngine, until

KILLS = 20
# Lines as fast as they can be written, in bursts, until it is told to stop.
SCRIPT = (
    "i=0; until [ -e /stop ]; do i=$((i+1)); echo o$i; echo e$i >&2;"
    "[ $((i % 40)) = 0 ] && usleep 30000; done; exec sleep 1000"
)
LOGS = {
    "api": ("api", ()),
    "files": ("auto", ()),
    "rotated": ("auto", ("--log-opt=max-size=50k", "--log-opt=max-file=20")),
}


@contextmanager
def shipping(
    engine: TestEngine, folder: Path, source: str, *names: str
) -> Iterator[subprocess.Popen[bytes]]:
    program = [sys.executable, shipper.__file__, engine.host, str(folder), source, *names]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def shipped(folder: Path, name: str) -> list[str]:
    path = folder / "shipped"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def _sleeps(engine: TestEngine, name: str) -> bool:
    return "sleep" in engine.docker("top", name)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("log", LOGS)
def test_a_program_that_is_killed_ships_each_line_once(
    engine: TestEngine, log: str, tmp_path: Path
) -> None:
    source, options = LOGS[log]
    names = [engine.start(SCRIPT, *options) for _ in range(2)]
    chosen = random.Random(log)
    for _ in range(KILLS):
        with shipping(engine, tmp_path, source, *names) as process:
            assert process.stdout is not None
            process.stdout.read(chosen.randrange(1, 12))
    written = {}
    for name in names:
        engine.docker("exec", name, "touch", "/stop")
        until(partial(_sleeps, engine, name), "it has stopped")
        written[name] = engine.docker("logs", name).splitlines()[-1].removeprefix("o")
    with shipping(engine, tmp_path, source, *names):
        until(
            lambda: all({f"o{n}", f"e{n}"} <= {*shipped(tmp_path, c)} for c, n in written.items()),
            "all lines are shipped",
            60,
        )
    engine.docker("rm", "-f", *names)
    for name, last in written.items():
        numbers = [str(i) for i in range(1, int(last) + 1)]
        lines = shipped(tmp_path, name)
        for stream in "oe":
            assert [line[1:] for line in lines if line[0] == stream] == numbers
        assert not [line for line in lines if line.startswith("#")]


@pytest.mark.timeout(120)
def test_what_has_happened_meanwhile_is_told(engine: TestEngine, tmp_path: Path) -> None:
    kept, gone, new = (f"t-position-{engine.suite}-{word}" for word in ("kept", "gone", "new"))
    selector = f"t-position-{engine.suite}-*"
    for name in (kept, gone):
        engine.start("echo line; exec sleep 1000", name=name)
    with shipping(engine, tmp_path, "auto", selector):
        until(
            lambda: all("line" in shipped(tmp_path, name) for name in (kept, gone)), "both are read"
        )
        until(lambda: (tmp_path / "position").exists(), "a position is saved")
    engine.docker("restart", "-t", "0", kept)
    engine.docker("rm", "-f", gone)
    engine.start("echo new; exec sleep 1000", name=new)
    with shipping(engine, tmp_path, "auto", selector):
        until(
            lambda: (
                shipped(tmp_path, kept).count("line") == 2
                and "new" in shipped(tmp_path, new)
                and "# removed" in shipped(tmp_path, gone)
            ),
            "all is told",
            20,
        )
    engine.docker("rm", "-f", kept, new)
    assert shipped(tmp_path, kept) == ["line", "# stopped", "# started", "line"]
    assert shipped(tmp_path, gone) == ["line", "# gap", "# removed"]
    assert shipped(tmp_path, new) == ["# started", "new"]

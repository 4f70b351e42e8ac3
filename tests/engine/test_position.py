"""A program that is killed again and again, and goes on: each line once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from support import shipper
from support.engines import TestEngine, until

KILLS = 8
# Lines as fast as they can be written, in bursts, until it is told to stop.
SCRIPT = (
    "i=0; until [ -e /go ]; do i=$((i+1)); echo o$i; echo e$i >&2;"
    "[ $((i % 20)) = 0 ] && usleep 50000; done; exec sleep 1000"
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


def is_saved(folder: Path) -> bool:
    """Tell whether the position is that of all that was shipped."""
    saved = folder / "position"
    if not saved.exists():
        return False
    size, _ = msgspec.msgpack.decode(saved.read_bytes(), type=tuple[int, bytes])
    return size == (folder / "shipped").stat().st_size


@pytest.mark.timeout(180)
@pytest.mark.parametrize("log", LOGS)
def test_a_program_that_is_killed_ships_each_line_once(
    engine: TestEngine, log: str, tmp_path: Path
) -> None:
    source, options = LOGS[log]
    name = engine.start(SCRIPT, *options)
    chosen = random.Random(log)
    for _ in range(KILLS):
        with shipping(engine, tmp_path, source, name) as process:
            assert process.stdout is not None
            process.stdout.read(chosen.randrange(1, 12))
    engine.go(name)
    until(lambda: "sleep" in engine.docker("top", name), "it has stopped")
    last = engine.docker("logs", name).splitlines()[-1].removeprefix("o")
    with shipping(engine, tmp_path, source, name):
        until(
            lambda: {f"o{last}", f"e{last}"} <= {*shipped(tmp_path, name)},
            "all lines are shipped",
            60,
        )
    engine.remove(name)
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
        # What was shipped without its position would be shipped once more, and that is gone.
        until(lambda: is_saved(tmp_path), "their position is saved")
    engine.act("restart", kept, t=0)
    engine.remove(gone)
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
    engine.remove(kept, new)
    assert shipped(tmp_path, kept) == ["line", "# stopped", "# started", "line"]
    assert shipped(tmp_path, gone) == ["line", "# gap", "# removed"]
    assert shipped(tmp_path, new) == ["# started", "new"]

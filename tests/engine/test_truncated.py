"""A log that is truncated while it is followed goes on, by every source (moby#45728)."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lobtail import Engine, Gap, Item, Line
from lobtail.files import FileWatch
from lobtail.files.log_file import LogFile
from lobtail.follow import ends, truncated
from lobtail.follow.options import Source
from support.engines import WAIT, TestEngine, finish, until

# Where the local driver has its log, in the folder of a container.
LOCAL = ("local-logs", "container.log")
# The line in between comes by the live stream, which is open from then on.
SCRIPT = f"seq 1 49; {WAIT}; echo 50; {WAIT}; seq 51 80; sleep 600"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK", "GRACE", "POLL"):
        monkeypatch.setattr(truncated, name, 0.1)
    # The engine may take long to do what a test asks of it, and no look is to be missed then.
    monkeypatch.setattr(truncated, "LONGEST_BY_API", 0.5)
    monkeypatch.setattr(truncated, "PERIOD", 0.0)
    monkeypatch.setattr(ends, "LAST_LINE", 0.5)


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[FileWatch]:
    """Gather what looks at files: a truncation shows only where more was seen before."""
    found: list[FileWatch] = []
    make = FileWatch.__init__

    def remembered(watch: FileWatch, part: LogFile) -> None:
        make(watch, part)
        found.append(watch)

    monkeypatch.setattr(FileWatch, "__init__", remembered)
    return found


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def copy_and_truncate(path: Path) -> None:
    shutil.copy(path, path.with_name(path.name + ".copy"))
    os.truncate(path, 0)


def keep_some(path: Path) -> None:
    os.truncate(path, path.read_bytes().index(b"\n", 400) + 1)


def keep_some_records(path: Path) -> None:
    records, end = path.read_bytes(), 0
    while end < 200:  # a record of the local driver stands between two sizes
        end += int.from_bytes(records[end : end + 4], "big") + 8
    os.truncate(path, end)


WAYS: dict[str, tuple[Callable[[Path], None], Source, tuple[str, ...]]] = {
    "truncate": (truncate, "auto", ()),
    "copytruncate": (copy_and_truncate, "auto", ("--log-opt", "max-size=1m")),
    "rotating": (truncate, "auto", ("--log-opt", "max-size=1m", "--log-opt", "max-file=3")),
    "some": (keep_some, "auto", ()),
    "some, rotating": (keep_some, "auto", ("--log-opt", "max-size=1m", "--log-opt", "max-file=3")),
    "some, local": (keep_some_records, "auto", ("--log-driver", "local")),
    "api": (truncate, "api", ()),
    "some, api": (keep_some, "api", ()),
}


def log_of(engine: TestEngine, name: str) -> Path:
    path = engine.inspect(name)["LogPath"]
    if path:
        return Path(path)
    root = engine.root
    return Path(root, "containers", engine.inspect(name)["Id"], *LOCAL)


@pytest.mark.parametrize("way", WAYS)
def test_case_truncated_log(engine: TestEngine, way: str, watches: list[FileWatch]) -> None:
    act, source, options = WAYS[way]
    name = engine.start(SCRIPT, *options)
    items: list[Item] = []

    def numbers() -> list[int]:
        return [int(item.text) for item in items if isinstance(item, Line)]

    def seen(path: Path) -> bool:
        return all(watch.size == path.stat().st_size for watch in watches)

    async def main() -> None:
        async with (
            asyncio.timeout(50),
            Engine(engine.host) as client,
            client.tail(name, tail="all", source=source) as tail,
        ):
            async for batch in tail.batches():
                before = len(numbers())
                items.extend(batch)
                if before < 49 <= len(numbers()):
                    await asyncio.to_thread(engine.go, name)
                if before < 50 <= len(numbers()):
                    path = log_of(engine, name)
                    await asyncio.to_thread(until, partial(seen, path), "it was looked at")
                    await asyncio.to_thread(act, path)
                    await asyncio.to_thread(engine.go, name)
                if len(numbers()) >= 80 and (told() or not tells):
                    return

    def told() -> bool:
        return any(isinstance(item, Gap) for item in items)

    # 20.10 begins to read anew by itself, so that its stream does not show it.
    tells = source != "api" or engine.suite != "bookworm"
    asyncio.run(main())
    assert numbers() == list(range(1, 81))
    engine.act("kill", name)


def test_case_truncated_log_that_logs_follows(engine: TestEngine) -> None:
    name = engine.start(SCRIPT)
    process = engine.popen("lobtail", "logs", "-f", name)
    assert process.stdout is not None
    for number in range(1, 51):
        if number == 50:
            engine.go(name)
        assert process.stdout.readline() == b"%d\n" % number
    truncate(log_of(engine, name))
    engine.go(name)
    for number in range(51, 81):
        assert process.stdout.readline() == b"%d\n" % number
    engine.act("kill", name)
    result = finish(process)
    assert result.code == 0
    assert b"lines may be missing here: the log file was truncated" in result.stderr

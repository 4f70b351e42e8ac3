"""Logs that rotate while they are followed: every line once, or a mark where it could not be kept.

Files of 20 kB hold some 250 short lines each, so that rotations come many times a second.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from lobtail import Engine
from lobtail.follow.options import Source
from lobtail.model.items import Gap, Item, Line, Stopped
from support.engines import WAIT, TestEngine
from support.numbered import check_numbered, numbers_of

GO = f"{WAIT};"


def writer(count: int, step: int, pause_us: int) -> str:
    """Return a script that writes `o1 …` and `e1 …`, `step` of each at once."""
    return (
        f"{GO} i=0; while [ $i -lt {count} ]; do a=$((i+1)); i=$((i+{step}));"
        f"seq $a $i | sed s/^/o/; seq $a $i | sed s/^/e/ >&2; usleep {pause_us}; done"
    )


async def follow(engine: TestEngine, name: str, source: Source) -> list[Item]:
    """Follow a container that waits to begin until its run has ended."""
    items: list[Item] = []
    async with (
        asyncio.timeout(50),
        Engine(engine.host) as client,
        client.tail(name, tail="all", source=source) as tail,
    ):
        await asyncio.to_thread(engine.go, name)
        async for batch in tail.batches():
            items += batch
            if any(isinstance(item, Stopped) for item in batch):
                return items
    raise AssertionError("the tail ended by itself")


def options(driver: str, files: int, *more: str) -> list[str]:
    chosen = ("max-size=20k", f"max-file={files}", *more)
    return ["--log-driver", driver, *(word for opt in chosen for word in ("--log-opt", opt))]


@pytest.mark.parametrize("source", ["api", "files"])
@pytest.mark.parametrize(
    "chosen",
    [
        options("json-file", 5),
        options("json-file", 5, "compress=true"),
        options("local", 5, "compress=false"),
        options("local", 5),
    ],
    ids=["json-file", "json-file-compressed", "local", "local-compressed"],
)
def test_row_18_rotation_while_following(
    engine: TestEngine, chosen: list[str], source: Source
) -> None:
    """Engines before 23.0 send lines twice at rotations, and lose most where they compress."""
    name = engine.start(writer(1500, 10, 10_000), *chosen)
    items = asyncio.run(follow(engine, name, source))
    check_numbered(items, name, 1500)
    assert not any(isinstance(item, Gap) for item in items)


@pytest.mark.parametrize("more", [(), ("compress=true",)], ids=["plain", "compressed"])
@pytest.mark.parametrize("run", range(5))
def test_row_18_a_writer_at_full_speed(engine: TestEngine, more: tuple[str, ...], run: int) -> None:
    """What the engine keeps comes whole and in order, from the files, however fast it rotates."""
    count = 20_000
    name = engine.start(f"{GO} seq 1 {count} | sed s/^/o/", *options("json-file", 100, *more))
    items = asyncio.run(follow(engine, name, "files"))
    engine.remove(name)
    assert numbers_of(items, name, b"o") == list(range(1, count + 1))
    assert not any(isinstance(item, Gap) for item in items)


@pytest.mark.parametrize("source", ["api", "files"])
@pytest.mark.parametrize("more", [(), ("compress=true",)], ids=["plain", "compressed"])
def test_row_18_faster_than_the_log_can_be_read(
    engine: TestEngine, more: tuple[str, ...], source: Source
) -> None:
    """What was rotated away unread is said where it happens; an engine skips more than files do."""
    count = 20_000
    name = engine.start(f"{GO} seq 1 {count} | sed s/^/o/", *options("json-file", 3, *more))
    items = asyncio.run(follow(engine, name, source))
    numbers = numbers_of(items, name, b"o")
    assert max(Counter(numbers).values()) == 1
    assert count in numbers
    place = {number: i for i, number in enumerate(numbers)}
    # How many lines had come before each gap mark.
    gaps, lines = [], 0
    for item in items:
        if isinstance(item, Line):
            lines += 1
        elif isinstance(item, Gap):
            gaps.append(lines)
    lost = sorted(set(range(1, count + 1)) - set(numbers))
    assert bool(lost) <= bool(gaps)
    before = 0
    for number in range(1, count + 1):
        if number in place:
            before = place[number] + 1
        else:
            assert any(gap >= before for gap in gaps), f"{number} is missing without a word"

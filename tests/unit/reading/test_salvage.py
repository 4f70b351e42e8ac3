"""What stands behind a place that an engine cannot read is found, all of it."""

from __future__ import annotations

import asyncio

import pytest

from lobtail.core.frames import Frame, Stream
from lobtail.core.resume import Memory
from lobtail.core.timestamps import format_rfc3339
from lobtail.reading.salvage import EndOfLog, read_behind_damage

T0 = 1_700_000_000_000_000_000
LOG = [
    Frame(Stream.STDOUT, f"{format_rfc3339(T0 + i * 1000)} line {i}\n".encode()) for i in range(300)
]


class Engine:
    """Reads a log with a place before `LOG[damage]` where it stops."""

    def __init__(self, damage: int, *, silent: bool) -> None:
        self.damage = damage
        self.silent = silent
        self.reads = 0

    async def read(self, count: int) -> EndOfLog:
        self.reads += 1
        if max(0, len(LOG) - count) >= self.damage:
            return EndOfLog(LOG[-count:], clean=True)
        return EndOfLog(LOG[max(0, len(LOG) - count) : self.damage], clean=self.silent)


def memory_of(messages: list[Frame]) -> Memory:
    memory = Memory()
    memory.add(messages, T0)
    return memory


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("damage", [1, 2, 100, 172, 173, 299])
def test_all_that_is_behind_comes(damage: int, silent: bool) -> None:
    engine = Engine(damage, silent=silent)
    memory = memory_of(LOG[:damage])
    found = asyncio.run(read_behind_damage(engine.read, memory, T0 * 2))
    assert found == LOG[damage:]
    assert engine.reads < 20


def test_a_log_that_goes_on_is_not_damaged() -> None:
    engine = Engine(0, silent=True)
    for known in (300, 299, 250, 7):
        assert asyncio.run(read_behind_damage(engine.read, memory_of(LOG[:known]), 0)) is None


def test_a_log_that_was_empty_is_not_damaged() -> None:
    engine = Engine(0, silent=True)
    assert asyncio.run(read_behind_damage(engine.read, Memory(), T0)) is None


def test_an_empty_log_is_not_damaged() -> None:
    async def read(count: int) -> EndOfLog:
        return EndOfLog([], clean=True)

    assert asyncio.run(read_behind_damage(read, Memory(), T0)) is None


def test_damage_at_the_very_end_has_nothing_behind_it() -> None:
    async def read(count: int) -> EndOfLog:
        return EndOfLog([], clean=False)

    assert asyncio.run(read_behind_damage(read, memory_of(LOG), 0)) == []


def test_what_an_engine_reads_across_the_damage_comes_once() -> None:
    async def read(count: int) -> EndOfLog:
        if count < 150:
            return EndOfLog(LOG[-count:], clean=True)
        return EndOfLog(LOG[90:100], clean=True) if count > 220 else EndOfLog(LOG[80:], clean=True)

    assert asyncio.run(read_behind_damage(read, memory_of(LOG[:100]), 0)) == LOG[100:]

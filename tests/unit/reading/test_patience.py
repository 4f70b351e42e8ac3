"""A history that does not come lets the others go on, and is told of once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from lobtail.reading.patience import LOOK, PATIENCE, read_history
from lobtail.reading.reader import LogReader
from support.fake_clock import run_by_fake_clock, skip


class FakeReader:
    """A reader whose history a test scripts; ``told`` is all that happened."""

    def __init__(self, history: Callable[[FakeReader], Any], limit: float | None = None) -> None:
        self.told: list[str] = []
        self.progress = 0
        self.is_busy_here = False
        self.silence_limit = limit
        self._history = history
        self.turn = self.intake = self

    async def history(self) -> None:
        try:
            await self._history(self)
        finally:
            self.told.append("end")

    async def gap(self, reason: str) -> None:
        self.told.append(reason.partition(" for ")[0])

    def leave(self) -> None:
        if self.told[-1:] != ["leave"]:
            self.told.append("leave")

    def set_live(self, live: bool) -> None:
        self.told.append("live" if live else "history")

    def read(self) -> list[str]:
        run_by_fake_clock(read_history(cast("LogReader", self), self.set_live))
        return self.told


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(LOOK / 10)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_history_that_comes_is_waited_for() -> None:
    async def history(reader: FakeReader) -> None:
        for _ in range(30):
            await asyncio.sleep(PATIENCE - 2 * LOOK)
            reader.progress += 1

    assert FakeReader(history).read() == ["end"]


def test_others_wait_for_an_engine_that_is_silent_as_long_as_is_said() -> None:
    async def history(reader: FakeReader) -> None:
        await asyncio.sleep(PATIENCE - LOOK / 2)
        reader.progress += 1
        await until(lambda: "live" in reader.told)
        # A look notices both at most a LOOK late.
        assert 2 * PATIENCE - LOOK / 2 <= now() <= 2 * PATIENCE + 2 * LOOK

    assert "live" in FakeReader(history).read()


def test_a_look_that_comes_late_says_that_we_are_busy_not_that_the_engine_is_silent() -> None:
    async def history(reader: FakeReader) -> None:
        await asyncio.sleep(0)
        for _ in range(30):
            skip(60)  # meanwhile the engine has sent something, which is read only now
            await asyncio.sleep(LOOK)
            reader.progress += 1

    assert FakeReader(history).read() == ["end"]


def test_late_looks_count_too_but_each_for_two_looks_at_most() -> None:
    skipped = 0

    async def history(reader: FakeReader) -> None:
        nonlocal skipped
        while "live" not in reader.told:
            await asyncio.sleep(LOOK)
            skip(60)
            skipped += 1

    assert "live" in FakeReader(history).read()
    assert skipped >= PATIENCE / (2 * LOOK)


def test_case_emptied_log_leaves_the_merge_and_its_lines_come_late() -> None:
    async def history(reader: FakeReader) -> None:
        await until(lambda: "live" in reader.told)
        reader.told.append("lines")

    told = FakeReader(history).read()
    assert told == ["leave", "no answer from the engine", "live", "lines", "end"]


def test_it_is_told_once_and_its_place_is_given_up_again_and_again() -> None:
    async def history(reader: FakeReader) -> None:
        await until(lambda: reader.told.count("leave") == 2)

    told = FakeReader(history).read()
    assert told == ["leave", "no answer from the engine", "live", "leave", "end"]


def test_what_waits_for_its_turn_or_for_room_is_not_late() -> None:
    async def history(reader: FakeReader) -> None:
        reader.is_busy_here = True
        await asyncio.sleep(10 * PATIENCE)
        reader.is_busy_here = False

    assert FakeReader(history).read() == ["end"]


def test_a_history_that_is_not_followed_is_given_up() -> None:
    async def history(_: FakeReader) -> None:
        await asyncio.Event().wait()

    told = FakeReader(history, limit=2 * PATIENCE).read()
    assert told[:3] == ["leave", "no answer from the engine", "live"]
    assert told[-2:] == ["the engine sent nothing", "end"]


def test_an_error_of_the_history_is_raised() -> None:
    async def history(_: FakeReader) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        FakeReader(history).read()

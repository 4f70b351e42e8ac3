"""A history that does not come lets the others go on, and is told of once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from lobtail.reading import patience
from lobtail.reading.patience import read_history
from lobtail.reading.reader import LogReader


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
        asyncio.run(read_history(cast("LogReader", self), self.set_live))
        return self.told


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.05)
    monkeypatch.setattr(patience, "LOOK", 0.01)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


def test_a_history_that_comes_is_waited_for() -> None:
    async def history(reader: FakeReader) -> None:
        for _ in range(30):
            await asyncio.sleep(0.005)
            reader.progress += 1

    assert FakeReader(history).read() == ["end"]


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
        await asyncio.sleep(0.2)
        reader.is_busy_here = False

    assert FakeReader(history).read() == ["end"]


def test_a_history_that_is_not_followed_is_given_up() -> None:
    async def history(_: FakeReader) -> None:
        await asyncio.Event().wait()

    told = FakeReader(history, limit=0.1).read()
    assert told[:3] == ["leave", "no answer from the engine", "live"]
    assert told[-2:] == ["the engine sent nothing", "end"]


def test_an_error_of_the_history_is_raised() -> None:
    async def history(_: FakeReader) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        FakeReader(history).read()

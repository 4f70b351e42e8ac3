"""A history that does not come lets the others go on, and is told of once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from lobtail.follow.patience import LOOK, PATIENCE, read_history
from lobtail.follow.reader import LogReader
from lobtail.follow.steps import LeaveSlot, Live, Pause, Steps, Wait
from support.simulated import Simulation


class FakeReader:
    """A reader whose history a test scripts; ``told`` is all that happened."""

    def __init__(
        self, history: Callable[[FakeReader], Steps[None]], limit: float | None = None
    ) -> None:
        self.progress = 0
        self.is_busy_here = False
        self.silence_limit = limit
        self.intake = self
        self.simulation = Simulation()
        self._history = history

    @property
    def told(self) -> list[str]:
        told: list[str] = []
        for each in cast("list[Any]", self.simulation.done):
            match each:
                case LeaveSlot() if told[-1:] != ["leave"]:
                    told.append("leave")
                case Live(live):
                    told.append("live" if live else "history")
                case str():
                    told.append(each)
        return told

    @property
    def now(self) -> float:
        return self.simulation.now

    def add(self, told: str) -> None:
        cast("list[Any]", self.simulation.done).append(told)

    def history(self) -> Steps[None]:
        try:
            yield from self._history(self)
        finally:
            self.add("end")

    def gap(self, reason: str) -> Steps[None]:
        self.add(reason.partition(" for ")[0])
        yield Pause(0)

    def read(self) -> list[str]:
        self.simulation.run(read_history(cast("LogReader", self), self.simulation.clock))
        return self.told


def until(holds: Callable[[], bool]) -> Steps[None]:
    while not holds():
        yield Pause(LOOK / 10)


def test_a_history_that_comes_is_waited_for() -> None:
    def history(reader: FakeReader) -> Steps[None]:
        for _ in range(30):
            yield Pause(PATIENCE - 2 * LOOK)
            reader.progress += 1

    assert FakeReader(history).read() == ["end"]


def test_others_wait_for_an_engine_that_is_silent_as_long_as_is_said() -> None:
    def history(reader: FakeReader) -> Steps[None]:
        yield Pause(PATIENCE - LOOK / 2)
        reader.progress += 1
        yield from until(lambda: "live" in reader.told)
        # A look notices both at most a LOOK late.
        assert 2 * PATIENCE - LOOK / 2 <= reader.now <= 2 * PATIENCE + 2 * LOOK

    assert "live" in FakeReader(history).read()


def test_a_look_that_comes_late_says_that_we_are_busy_not_that_the_engine_is_silent() -> None:
    def history(reader: FakeReader) -> Steps[None]:
        yield Pause(0)
        for _ in range(30):
            reader.simulation.skip(60)  # meanwhile the engine has sent something, read only now
            yield Pause(LOOK)
            reader.progress += 1

    assert FakeReader(history).read() == ["end"]


def test_late_looks_count_too_but_each_for_two_looks_at_most() -> None:
    skipped = 0

    def history(reader: FakeReader) -> Steps[None]:
        nonlocal skipped
        while "live" not in reader.told:
            yield Pause(LOOK)
            reader.simulation.skip(60)
            skipped += 1

    assert "live" in FakeReader(history).read()
    assert skipped >= PATIENCE / (2 * LOOK)


def test_case_emptied_log_leaves_the_merge_and_its_lines_come_late() -> None:
    def history(reader: FakeReader) -> Steps[None]:
        yield from until(lambda: "live" in reader.told)
        reader.add("lines")

    told = FakeReader(history).read()
    assert told == ["leave", "no answer from the engine", "live", "lines", "end"]


def test_it_is_told_once_and_its_place_is_given_up_again_and_again() -> None:
    def history(reader: FakeReader) -> Steps[None]:
        yield from until(lambda: reader.told.count("leave") == 2)

    told = FakeReader(history).read()
    assert told == ["leave", "no answer from the engine", "live", "leave", "end"]


@pytest.mark.parametrize("why", ["busy", "queued"])
def test_what_waits_for_its_turn_or_for_room_is_not_late(why: str) -> None:
    def history(reader: FakeReader) -> Steps[None]:
        reader.is_busy_here = why == "busy"
        reader.simulation.queued = why == "queued"
        yield Pause(10 * PATIENCE)
        reader.is_busy_here = reader.simulation.queued = False

    assert FakeReader(history).read() == ["end"]


def test_a_history_that_is_not_followed_is_given_up() -> None:
    def history(_: FakeReader) -> Steps[None]:
        yield Wait()

    told = FakeReader(history, limit=2 * PATIENCE).read()
    assert told[:3] == ["leave", "no answer from the engine", "live"]
    assert told[-2:] == ["the engine sent nothing", "end"]


def test_an_error_of_the_history_is_raised() -> None:
    def history(_: FakeReader) -> Steps[None]:
        yield Pause(0)
        raise ValueError

    with pytest.raises(ValueError):
        FakeReader(history).read()

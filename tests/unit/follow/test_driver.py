"""Steps as they are taken with a real event loop, and a source and a sink that a test scripts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from lobtail.engine.objects.container import Container
from lobtail.errors import LogFileError
from lobtail.follow import steps
from lobtail.follow.driver import Driver
from lobtail.follow.intake import Clock
from lobtail.follow.slots import Slot
from lobtail.follow.steps import Steps
from lobtail.sources.base import FileLog, LogRequest
from support.fake_clock import run_by_fake_clock
from support.simulated import T0, FakeStream

ENDLESS = 10_000.0
SKEW_NS = 5


class World:
    """A source and a sink; ``happened`` is what they were told."""

    def __init__(self) -> None:
        self.happened: list[object] = []

    async def open(self, request: LogRequest) -> FakeStream:
        self.happened.append(request)
        return FakeStream([1], ValueError("cut"))

    async def open_files(self, *, follow: bool) -> FileLog:
        raise LogFileError(f"follow {follow}")

    async def inspect(self) -> Container:
        await asyncio.sleep(2)
        return Container(id="c")

    async def deliver(self, items: list[Any], size: int = 0) -> None:
        self.happened += [*items, size]

    def set_live(self, live: bool = True) -> None:
        self.happened.append(live)


class Driven:
    """What a routine is run with."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = Clock()
        self.places = asyncio.Semaphore(1)
        self.slot = Slot(self.places)
        world: Any = self.world
        self.driver = Driver(world, world, self.slot, self.clock, SKEW_NS, inspector=world)


def run(make: Callable[[Driven], Steps[Any]]) -> tuple[Any, list[object]]:
    """Run a routine; return what it returned, and what happened."""

    async def main() -> tuple[Any, list[object]]:
        driven = Driven()
        result = await driven.driver.run(make(driven))
        assert driven.places._value == 1
        return result, driven.world.happened

    return run_by_fake_clock(main())


def test_the_clock_is_set_before_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((T0, T0 + 1, T0 + 7))
    monkeypatch.setattr(time, "time_ns", lambda: next(times))

    def routine(driven: Driven) -> Steps[list[tuple[int, float]]]:
        seen = [(driven.clock.engine_ns, driven.clock.seconds)]
        yield steps.Pause(3)
        seen.append((driven.clock.engine_ns, driven.clock.seconds))
        return seen

    found, _ = run(routine)
    assert found == [(T0 + 1 + SKEW_NS, 0.0), (T0 + 7 + SKEW_NS, 3.0)]


def test_what_is_asked_of_the_source_and_told_to_the_sink() -> None:
    def routine(driven: Driven) -> Steps[tuple[Any, ...]]:
        stream = yield steps.Open(LogRequest(tail="3"))
        batch = yield steps.Read(stream)
        with pytest.raises(ValueError, match="cut"):
            yield steps.Read(stream)
        with pytest.raises(LogFileError, match="follow True"):
            yield steps.OpenFiles(True)
        container = yield steps.Inspect()
        yield steps.Deliver(["item"], 7)
        yield steps.Live()
        yield steps.Live(False)
        truncated = yield steps.CheckFile(Check())
        return batch, container.id, truncated

    found, happened = run(routine)
    assert found == ([1], "c", True)
    assert happened == [LogRequest(tail="3"), "item", 7, True, False]


class Check:
    size = 0

    def look(self) -> bool:
        return True


def test_what_the_library_does_on_its_own_account_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def routine(_: Driven) -> Steps[None]:
        yield steps.Tell("100 % from files")

    with caplog.at_level(logging.INFO, "lobtail"):
        run(routine)
    assert caplog.messages == ["100 % from files"]


def test_an_error_of_a_routine_is_raised_and_it_is_closed() -> None:
    closed: list[bool] = []

    def routine(_: Driven) -> Steps[None]:
        try:
            yield steps.Pause(0)
            raise ValueError("mine")
        finally:
            closed.append(True)

    with pytest.raises(ValueError, match="mine"):
        run(routine)
    assert closed == [True]


def test_pauses_grow_with_failures_and_are_no_shorter_than_what_was_in_vain() -> None:
    def routine(driven: Driven) -> Steps[list[float]]:
        took = []
        for step in (steps.BackOff(1), steps.BackOff(50), steps.BackOff(1, took=20)):
            began = driven.clock.seconds
            yield step
            took.append(driven.clock.seconds - began)
        return took

    (first, late, vain), _ = run(routine)
    assert 0.025 <= first <= 0.05
    assert 2.5 <= late <= 5
    assert 10 <= vain <= 20


def test_news_wake_all_that_wait() -> None:
    def wait(driven: Driven, seconds: float | None) -> Steps[tuple[bool, float]]:
        came = yield steps.Wait(seconds)
        return came, driven.clock.seconds

    def routine(driven: Driven) -> Steps[Any]:
        loop = asyncio.get_running_loop()
        loop.call_later(5, driven.driver.wake)
        first = yield steps.First((wait(driven, 1), wait(driven, None)))
        second = yield steps.First((wait(driven, ENDLESS), wait(driven, None)))
        return first, second, driven.clock.news

    found, _ = run(routine)
    assert found == ((0, (False, 1.0)), (0, (True, 5.0)), 1)


def test_a_routine_wakes_another() -> None:
    def wake(_: Driven) -> Steps[None]:
        yield steps.Pause(1)
        yield steps.News()
        yield steps.Pause(ENDLESS)

    def wait(driven: Driven) -> Steps[float]:
        yield steps.Wait()
        return driven.clock.seconds

    found, _ = run(lambda driven: first(driven, wake, wait))
    assert found == (1, 1.0)


def first(driven: Driven, *routines: Callable[[Driven], Steps[Any]]) -> Steps[Any]:
    return (yield steps.First(tuple(routine(driven) for routine in routines)))


def test_the_first_to_end_stops_the_others() -> None:
    ended: list[str] = []

    def sleeper(_: Driven) -> Steps[None]:
        try:
            yield steps.Pause(ENDLESS)
        finally:
            ended.append("sleeper")

    def failing(_: Driven) -> Steps[None]:
        yield steps.Pause(1)
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        run(lambda driven: first(driven, sleeper, failing))
    assert ended == ["sleeper"]


def test_a_routine_that_takes_too_long_is_stopped() -> None:
    ended: list[float] = []

    def sleeper(driven: Driven, seconds: float) -> Steps[str]:
        try:
            yield steps.Pause(seconds)
        finally:
            ended.append(asyncio.get_running_loop().time())
        return "done"

    def routine(driven: Driven) -> Steps[Any]:
        in_time = yield steps.Within(5, sleeper(driven, 1))
        for_ever = yield steps.Within(None, sleeper(driven, 100))
        with pytest.raises(TimeoutError):
            yield steps.Within(2, sleeper(driven, ENDLESS))
        return in_time, for_ever

    found, _ = run(routine)
    assert found == ("done", "done")
    assert ended == [1, 101, 103]


def test_what_runs_in_a_slot_holds_it_and_may_leave_it() -> None:
    def inside(driven: Driven) -> Steps[tuple[bool, bool]]:
        yield steps.Open(LogRequest())  # needs no other
        before = driven.places.locked()
        yield steps.LeaveSlot()
        return before, driven.places.locked()

    def routine(driven: Driven) -> Steps[Any]:
        return (yield steps.InSlot(inside(driven)))

    found, _ = run(routine)
    assert found == (True, False)


def test_whether_a_routine_waits_for_a_slot() -> None:
    def queued(_: Driven) -> Steps[None]:
        yield steps.InSlot(nothing())

    def nothing() -> Steps[None]:
        yield steps.Pause(0)

    def asks(driven: Driven) -> Steps[tuple[bool, bool]]:
        yield steps.Pause(1)
        waits = yield steps.IsQueued()
        driven.places.release()
        yield steps.Pause(1)
        return waits, (yield steps.IsQueued())

    def routine(driven: Driven) -> Steps[Any]:
        yield steps.Within(1, acquire(driven))
        return (yield steps.First((idle(queued(driven)), asks(driven))))

    def acquire(driven: Driven) -> Steps[None]:
        # Another log holds the only place.
        driven.places._value -= 1
        yield steps.Pause(0)

    def idle(routine: Steps[None]) -> Steps[None]:
        yield from routine
        yield steps.Pause(ENDLESS)

    found, _ = run(routine)
    assert found == (1, (True, False))


def test_who_is_cancelled_while_routines_are_stopped_ends() -> None:
    def short() -> Steps[None]:
        yield steps.Pause(0)

    def endless() -> Steps[None]:
        while True:
            yield steps.Pause(ENDLESS)

    async def main() -> None:
        driven = Driven()

        def routine() -> Steps[None]:
            yield steps.First((short(), endless()))
            yield from endless()

        # At each turn of the loop: one of them is in the middle of stopping the others.
        for turns in range(12):
            task = asyncio.create_task(driven.driver.run(routine()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()

    run_by_fake_clock(main())

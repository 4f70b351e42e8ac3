"""A line waits at most the merge window, whatever clocks do; a full queue makes its reader wait."""

from __future__ import annotations

import asyncio
import time

import pytest

from lobtail.follow.slots import Slot
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Dropped, Item, Line, Started
from lobtail.session import inbox as inbox_module
from lobtail.session.inbox import Inbox, SourceQueue, SteadyClock
from support.fake_clock import run_by_fake_clock

REF = ContainerRef("a" * 64, "web")
HOUR = 3600 * 10**9
WINDOW = 50_000_000


def line(time_ns: int) -> Line:
    return Line(REF, Stream.STDOUT, time_ns, b"x")


class Clocks:
    """The time of day, which is set, and the steady clock, which never is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day = 10**18
        self.steady = 5 * 10**9
        monkeypatch.setattr(time, "time_ns", lambda: self.day)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady)

    def pass_(self, nanoseconds: int) -> None:
        self.day += nanoseconds
        self.steady += nanoseconds


def live(inbox: Inbox) -> SourceQueue:
    return inbox.open(Slot(asyncio.Semaphore()), live=True)


@pytest.mark.parametrize("step", [-HOUR, HOUR, 0])
def test_a_line_waits_at_most_the_window_whatever_the_clock_does(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    clocks = Clocks(monkeypatch)
    inbox = Inbox(WINDOW, clock=SteadyClock())
    one, _silent = live(inbox), live(inbox)
    for _ in range(3):
        clocks.day += step
        # Engines stamp by the clock that was set, and may be ahead or behind.
        for ahead in (0, HOUR, -HOUR):
            one.push([line(clocks.day + ahead)])
            wait = inbox.due_in
            assert wait is not None
            assert wait <= WINDOW / 1e9
            clocks.pass_(WINDOW)
            assert len(inbox.take()) == 1
            assert not inbox.pending


def test_a_queue_that_is_full_makes_its_reader_wait_and_leave_its_slot() -> None:
    async def main() -> None:
        inbox = Inbox(0)
        places = asyncio.Semaphore(1)
        slot = Slot(places)
        queue = inbox.open(slot, live=True)
        async with slot:
            many: list[Item] = [line(i) for i in range(inbox_module.QUEUE)]
            delivering = asyncio.create_task(queue.deliver(many, 1))
            await asyncio.sleep(0)
            assert queue.full
            assert not delivering.done()
            assert not places.locked()
            assert queue.first_waiting_ns == 0
            assert inbox.arrived.is_set()
            assert inbox.take() == many
            await delivering
        queue.close()
        assert not inbox.queues
        assert inbox.due_in is None

    run_by_fake_clock(main())


def test_what_finds_no_room_is_dropped_and_counted_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_module, "QUEUE", 2)

    async def main() -> None:
        inbox = Inbox(0, overflow="drop")
        queue = live(inbox)
        await queue.deliver([line(1), line(2)])
        await queue.deliver([line(3), Started(REF, 4), line(5)])
        await queue.deliver([])
        assert inbox.take() == [line(1), line(2), Started(REF, 4)]
        await queue.deliver([line(6)])
        queue.tell_dropped(REF)
        assert inbox.take() == [Dropped(REF, None, 2), line(6)]
        assert inbox.take() == []

    run_by_fake_clock(main())

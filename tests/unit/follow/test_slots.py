"""Only so many readers at the same time, and nobody waits for one that waits itself."""

from __future__ import annotations

import asyncio

import pytest

from lobtail.follow.slots import Slot


def test_no_more_at_once_than_there_are_places() -> None:
    async def main() -> int:
        places = asyncio.Semaphore(3)
        inside = most = 0

        async def read() -> None:
            nonlocal inside, most
            async with Slot(places):
                inside += 1
                most = max(most, inside)
                for _ in range(5):
                    await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(read() for _ in range(20)))
        return most

    assert asyncio.run(main()) == 3


def test_a_turn_within_a_turn_takes_no_second_place() -> None:
    async def main() -> None:
        slot = Slot(asyncio.Semaphore(1))
        async with asyncio.timeout(5), slot, slot:
            pass
        async with asyncio.timeout(5), slot:
            pass

    asyncio.run(main())


def test_who_leaves_lets_another_in_and_may_come_back() -> None:
    async def main() -> list[str]:
        places = asyncio.Semaphore(1)
        first, second = Slot(places), Slot(places)
        order = []
        async with asyncio.timeout(5), first:
            first.leave()
            async with second:
                order.append("second")
            async with first:
                order.append("first")
        assert places._value == 1
        return order

    assert asyncio.run(main()) == ["second", "first"]


def test_a_place_is_given_back_when_its_reader_is_cancelled() -> None:
    async def main() -> int:
        places = asyncio.Semaphore(1)

        async def read(slot: Slot) -> None:
            async with slot:
                await asyncio.Event().wait()

        holder = asyncio.create_task(read(Slot(places)))
        waiter = asyncio.create_task(read(Slot(places)))
        await asyncio.sleep(0)
        for task in (waiter, holder):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return places._value

    assert asyncio.run(main()) == 1

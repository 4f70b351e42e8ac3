"""One reading of a real engine for several subscribers, one of them slow."""

from __future__ import annotations

import asyncio

from lobtail import Dropped, Engine, Item, Line
from lobtail.query.selection import ContainerSelection, ContainerSelector
from lobtail.session.hub import Hub, Subscription
from support.engines import WAIT, TestEngine

COUNT = 3000


async def numbers(subscription: Subscription, last: int, *, containers: int = 1) -> list[Item]:
    items: list[Item] = []
    ends = 0
    async for batch in subscription.batches():
        items += batch
        ends += sum(isinstance(item, Line) and item.text == str(last) for item in batch)
        if ends == containers:
            break
    return items


def test_each_subscriber_has_what_it_asked_for(engine: TestEngine) -> None:
    script = f"{WAIT}; seq {COUNT}; sleep 1000"
    names = [engine.start(script) for _ in range(2)]

    async def main() -> None:
        async with (
            asyncio.timeout(45),
            Engine(engine.host) as client,
            Hub(client.tail(*names), size=64 << 10) as hub,
        ):
            one = ContainerSelection(names=(ContainerSelector(names[0]),))
            quick, chosen, slow = hub.subscribe(), hub.subscribe(one), hub.subscribe()
            reading = (
                asyncio.create_task(numbers(quick, COUNT, containers=2)),
                asyncio.create_task(numbers(chosen, COUNT)),
            )
            for name in names:
                await asyncio.to_thread(engine.go, name)
            everything, of_one = await asyncio.gather(*reading)
            expected = [str(i) for i in range(1, COUNT + 1)]
            for name in names:
                assert [
                    item.text
                    for item in everything
                    if isinstance(item, Line) and item.container.name == name
                ] == expected
            assert [item.text for item in of_one if isinstance(item, Line)] == expected
            dropped = came = 0
            async for item in slow:
                dropped += item.count if isinstance(item, Dropped) else 0
                came += isinstance(item, Line)
                if dropped + came == 2 * COUNT:
                    break
            assert dropped > 0
            async with hub.subscribe(newest=5) as again:
                newest = await anext(again.batches())
            assert [item.text for item in newest if isinstance(item, Line)][-1] == str(COUNT)

    asyncio.run(main())

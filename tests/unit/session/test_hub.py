"""A hub gives each subscriber what was read, or counts exactly what it was too slow for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.errors import ConfigError, ConnectError
from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    EngineLost,
    Gap,
    Item,
    Line,
    Mark,
    Removed,
    Started,
    Stopped,
)
from lobtail.query.filter import LineFilter
from lobtail.query.selection import ContainerSelection, ContainerSelector
from lobtail.session import hub as hub_module
from lobtail.session.hub import MARKS_LOST, OVERHEAD, POSITION_LOST, Hub, Subscription
from support.chance import examples
from support.fake_clock import run_by_fake_clock

REFS = tuple(ContainerRef(str(i) * 64, name) for i, name in enumerate(("web", "db", "proxy")))
WEB, DB, PROXY = REFS
ITEM = OVERHEAD + 2
"""The size of a line of two digits."""
RING = 16 * ITEM


class Given:
    """A tail of batches that a test gives."""

    def __init__(self) -> None:
        self.containers = [*REFS]
        self.read = 0
        self.is_closed = False
        self._batches: asyncio.Queue[list[Item] | Exception | None] = asyncio.Queue()

    def give(self, *batches: list[Item] | Exception | None) -> None:
        for batch in batches:
            self._batches.put_nowait(batch)

    async def __aenter__(self) -> Given:
        return self

    async def batches(self) -> AsyncGenerator[list[Item], None]:
        while (batch := await self._batches.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            self.read += len(batch)
            yield batch

    async def aclose(self) -> None:
        self.is_closed = True


def line(number: int, container: ContainerRef = WEB) -> Line:
    return Line(container, Stream.STDOUT, number, b"%02d" % number)


def lines(*numbers: int) -> list[Item]:
    return [line(number) for number in numbers]


def chosen(*names: str) -> ContainerSelection:
    return ContainerSelection(names=tuple(map(ContainerSelector, names)))


def even(item: Line) -> bool:
    return int(item.raw) % 2 == 0


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def rest(subscription: Subscription) -> list[str]:
    return [words(item) async for item in subscription]


def words(item: Item) -> str:
    match item:
        case Line():
            return item.text
        case Dropped():
            return f"{item.container.name} dropped {item.count}"
        case Gap():
            return f"{item.container.name} gap: {item.reason}"
    return item.kind


def use(steps: Callable[[Hub, Given], Awaitable[None]], *, size: int = RING) -> None:
    async def main() -> None:
        tail = Given()
        async with Hub(tail, size=size) as hub:
            await steps(hub, tail)
        assert tail.is_closed

    run_by_fake_clock(main())


def test_each_subscriber_has_its_own_selection_and_filter() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        everything = hub.subscribe()
        web = hub.subscribe(chosen("web"))
        evens = hub.subscribe(chosen("web", "db"), LineFilter(even))
        tail.give([line(1), line(2, DB), line(3, PROXY)], [Started(DB, None), line(4)], None)
        assert await rest(everything) == ["01", "02", "03", "started", "04"]
        assert await rest(web) == ["01", "04"]
        assert await rest(evens) == ["02", "started", "04"]

    use(steps)


def test_a_slow_subscriber_holds_up_no_other_and_is_told_what_it_missed() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        quick, slow = hub.subscribe(), hub.subscribe()
        taking = asyncio.create_task(rest(quick))
        for number in range(0, 40, 2):
            tail.give([line(number), line(number + 1, DB)])
            await turns()
        tail.give([Stopped(WEB, None)], None)
        assert await taking == [*(f"{i:02}" for i in range(40)), "stopped"]
        found = await rest(slow)
        missing = 40 - sum(each.isdigit() for each in found)
        assert found[:2] == [f"web dropped {(missing + 1) // 2}", f"db dropped {missing // 2}"]
        assert found[2:] == [*(f"{i:02}" for i in range(missing, 40)), "stopped"]

    use(steps)


def test_where_all_are_slow_the_reading_waits() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        one, other = hub.subscribe(), hub.subscribe()
        tail.give(*(lines(i) for i in range(60)), None)
        await turns(300)
        seen = tail.read
        assert seen < 20
        late = hub.subscribe()  # which is not slow, so the others are left behind
        assert len(await rest(late)) == 60 - seen
        for each in (one, other):
            found = await rest(each)
            assert found[0].startswith("web dropped ")

    use(steps)


def test_a_batch_larger_than_the_ring_is_no_loss_for_the_quickest() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        stalled, quick = hub.subscribe(), hub.subscribe()
        tail.give(lines(*range(99)), None)
        assert await rest(quick) == [f"{i:02}" for i in range(99)]
        assert (await rest(stalled))[0].startswith("web dropped ")

    use(steps)


def test_the_only_subscriber_misses_nothing_however_slow() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        subscription = hub.subscribe()
        tail.give(*(lines(i) for i in range(60)), None)
        found: list[Item] = []
        async for batch in subscription.batches():
            found += batch
            await turns(100)
        assert found == lines(*range(60))

    use(steps)


def test_beginning_with_what_is_held() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        tail.give([line(i, REFS[i % 3]) for i in range(10)], None)
        await turns()
        assert await rest(hub.subscribe()) == []
        assert await rest(hub.subscribe(newest=2)) == ["08", "09"]
        assert await rest(hub.subscribe(chosen("web"), newest=2)) == ["06", "09"]
        assert await rest(hub.subscribe(wanted=LineFilter(even), newest=3)) == ["04", "06", "08"]
        assert len(await rest(hub.subscribe(newest=99))) == 10
        assert len(await rest(hub.subscribe(newest=None))) == 10

    use(steps)


def test_going_on_from_a_position() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        first = hub.subscribe()
        tail.give(lines(0, 1, 2))
        assert await anext(first.batches()) == lines(0, 1, 2)
        position = first.position
        await first.aclose()
        tail.give(lines(3, 4))
        await turns()
        assert await anext(hub.subscribe(since=position).batches()) == lines(3, 4)
        with pytest.raises(ConfigError, match="no position of this hub"):
            hub.subscribe(since=position + 99)

    use(steps, size=1 << 20)


def test_a_position_that_has_fallen_out_of_the_ring() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        tail.give([line(0, DB), line(1, PROXY), Removed(PROXY, None)])
        tail.give(*(lines(i) for i in range(2, 40)), None)
        await turns(200)
        gone = f"gap: {POSITION_LOST}"
        found = await rest(hub.subscribe(since=0))
        assert found[:2] == [f"db {gone}", f"web {gone}"]
        assert found[2:] == [f"{i}" for i in range(40 - len(found[2:]), 40)]
        # Of what is older than the position nothing is missed.
        assert (await rest(hub.subscribe(since=2)))[:1] == [f"web {gone}"]
        assert (await rest(hub.subscribe(chosen("db"), since=2))) == []

    use(steps)


def test_the_failure_of_the_tail_is_that_of_each() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        one, other = hub.subscribe(), hub.subscribe()
        tail.give(lines(1), ConnectError("gone"))
        for each in (one, other):
            batches = each.batches()
            assert await anext(batches) == lines(1)
            with pytest.raises(ConnectError, match="gone"):
                await anext(batches)

    use(steps)


def test_the_end_of_the_hub_ends_subscriptions() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        waiting = asyncio.create_task(rest(hub.subscribe()))
        tail.give(lines(1))
        await turns()
        await hub.aclose()
        assert await waiting == ["01"]

    use(steps)


def test_the_end_of_a_subscription() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        async with hub.subscribe() as subscription:
            waiting = asyncio.create_task(rest(subscription))
            await turns()
        assert await waiting == []
        tail.give(*(lines(i) for i in range(60)), None)
        await turns(300)
        assert tail.read == 60

    use(steps)


def test_what_is_said_of_an_engine_is_for_all_and_context_is_forgotten_with_a_container() -> None:
    async def steps(hub: Hub, tail: Given) -> None:
        lost = EngineLost(ContainerRef("", "", host="far"), None, "refused")
        context = LineFilter(lambda item: item.raw == b"02", before=1)
        subscription = hub.subscribe(chosen("web"), context)
        tail.give([lost, line(1), Removed(WEB, None), line(2)], None)
        batch = await anext(subscription.batches())
        assert batch[0] is lost
        assert context._contexts == {}

    use(steps, size=1 << 20)


def test_many_marks_that_are_missed_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MOST_MARKS", 4)

    async def steps(hub: Hub, tail: Given) -> None:
        slow, quick = hub.subscribe(), hub.subscribe()
        taking = asyncio.create_task(rest(quick))
        for i in range(30):
            tail.give([line(i), Started(WEB, None), line(i, DB)])
            await turns()
        tail.give(None)
        assert len(await taking) == 90
        found = await rest(slow)
        assert f"web gap: {MARKS_LOST}" in found
        assert f"db gap: {MARKS_LOST}" not in found
        counted = sum(int(each.split()[-1]) for each in found if " dropped " in each)
        assert counted + sum(each.isdigit() for each in found) == 60

    use(steps)


class Plan(NamedTuple):
    names: tuple[str, ...]
    evens: bool
    pace: Sequence[int]
    """How many turns of the loop it pauses after each batch, over and over."""
    leaves_after: int | None


plans = st.builds(
    Plan,
    st.sampled_from([(), ("web",), ("db", "web"), ("p*",)]),
    st.booleans(),
    st.lists(st.integers(0, 60), min_size=1, max_size=4),
    st.none() | st.integers(0, 5),
)
batches = st.lists(
    st.tuples(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=9), st.integers(0, 9)),
    max_size=30,
)


@settings(max_examples=examples(300), deadline=None)
@given(batches, st.lists(plans, min_size=1, max_size=4), st.integers(1, 40))
def test_what_comes_and_what_is_counted_is_the_truth(
    given_batches: list[tuple[list[tuple[int, bool]], int]], subscribers: list[Plan], room: int
) -> None:
    counts: Counter[ContainerRef] = Counter()
    truth: list[Item] = []

    def item(place: int, mark: bool) -> Item:
        counts[key := REFS[place].name] += not mark  # type: ignore[index]
        number = counts[key]  # type: ignore[index]
        made = Started(REFS[place], len(truth)) if mark else line(number, REFS[place])
        truth.append(made)
        return made

    async def take(hub: Hub, plan: Plan) -> tuple[list[Item], bool]:
        wanted = LineFilter(even) if plan.evens else None
        subscription = hub.subscribe(chosen(*plan.names), wanted, newest=None)
        found: list[Item] = []
        taken = 0
        async for batch in subscription.batches():
            assert batch
            found += batch
            if taken == plan.leaves_after:
                await subscription.aclose()
                return found, False
            await turns(plan.pace[taken % len(plan.pace)])
            taken += 1
        return found, True

    async def main() -> list[tuple[list[Item], bool]]:
        tail = Given()
        async with Hub(tail, size=room * ITEM) as hub:
            tasks = [asyncio.create_task(take(hub, plan)) for plan in subscribers]
            await turns(1)
            for batch, pause in given_batches:
                tail.give([item(*each) for each in batch])
                await turns(pause)
            tail.give(None)
            return await asyncio.gather(*tasks)

    for plan, (found, is_whole) in zip(subscribers, run_by_fake_clock(main()), strict=True):
        selection = chosen(*plan.names)
        for ref in REFS:
            own = [each for each in truth if each.container is ref and selection.matches(ref)]
            check(own, [each for each in found if each.container is ref], plan, is_whole=is_whole)


def check(truth: list[Item], found: list[Item], plan: Plan, *, is_whole: bool) -> None:
    """Hold that what was found of a container is the truth, without what is counted."""
    marks = [each for each in truth if isinstance(each, Mark)]
    told = [each for each in found if isinstance(each, Started)]
    assert told == (marks if is_whole else marks[: len(told)])
    numbers = [int(each.raw) for each in truth if isinstance(each, Line)]
    wanted = [number for number in numbers if number % 2 == 0 or not plan.evens]
    came = [int(each.raw) for each in found if isinstance(each, Line)]
    assert came == sorted({*came})
    assert {*came} <= {*wanted}
    dropped = sum(each.count for each in found if isinstance(each, Dropped))
    if not plan.evens:
        # Each Dropped mark stands where the lines are missing.
        place = 0
        for each in found:
            if isinstance(each, Dropped):
                place += each.count
            elif isinstance(each, Line):
                place += 1
                assert int(each.raw) == place
        assert not is_whole or place == len(numbers)
    elif is_whole:
        assert len(wanted) - len(came) <= dropped
        assert dropped or came == wanted

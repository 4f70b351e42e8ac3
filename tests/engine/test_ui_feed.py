"""The window of a log that the terminal client holds: older lines, newer ones, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest

from lobtail import Engine, Line
from lobtail.tui import log_loader as feeding
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.log_loader import LogLoader
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.log import Log
from lobtail.tui.state.store import Store
from lobtail.tui.state.target import Target
from support.engines import TestEngine

LINES = 12_000
# In bursts, so that times differ: 100 lines share about a moment.
WRITE = (
    f"i=0; while [ $i -lt {LINES} ]; do seq $((i+1)) $((i+100)); i=$((i+100)); usleep 1000; done"
)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "CHUNK", 1000)
    monkeypatch.setattr(feeding, "NEAR", 300)
    monkeypatch.setattr(feeding, "_QUIET", 0.2)


def numbers(log: Log) -> list[int]:
    return [int(item.raw) for item in log.store.items if isinstance(item, Line)]


class Session:
    """A feed and its log, and waiting for what it does."""

    def __init__(self, fleet: EngineGroup, target: Target, store: Store | None = None) -> None:
        self.log = Log(store)
        self.feed = LogLoader(fleet, target, self.log)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(40):
            while not condition():
                self.feed.changed.clear()
                waiting = asyncio.create_task(self.feed.changed.wait())
                await asyncio.wait((waiting,), timeout=0.05)
                waiting.cancel()

    async def until_behind(self, number: int) -> None:
        await self.until(lambda: numbers(self.log)[-1] > number)

    def begun(self) -> bool:
        """Whether the window begins with the first line there is."""
        return self.log.since_ns is None

    async def older(self) -> None:
        self.feed.ask_for_older()
        await self.until(lambda: not self.feed.loading)


def with_session(
    engine: TestEngine,
    target: Target,
    use: Callable[[Session], Coroutine[Any, Any, None]],
    store: Store | None = None,
) -> None:
    async def main() -> None:
        async with Engine(engine.host) as client:
            session = Session(EngineGroup({"": client}), target, store)
            try:
                await use(session)
                assert not session.feed.error
            finally:
                await session.feed.aclose()

    asyncio.run(main())


def test_all_of_a_log_is_scrolled_to_each_line_once(any_engine: TestEngine) -> None:
    name = any_engine.ended("ui-feed", WRITE)

    async def use(session: Session) -> None:
        log = session.log
        session.feed.begin_at_end()
        await session.until(lambda: session.feed.settled)
        held = numbers(log)
        assert held == list(range(held[0], LINES + 1))
        assert held[0] > 1
        steps = 0
        while not session.begun():
            await session.older()
            steps += 1
            held = numbers(log)
            assert held == list(range(held[0], LINES + 1))
            assert steps < 60
        assert held[0] == 1

    with_session(any_engine, Target(names=(name,)), use)


def test_a_small_window_goes_to_the_top_and_comes_back(engine: TestEngine) -> None:
    name = engine.ended("ui-feed", WRITE)

    async def use(session: Session) -> None:
        log, feed = session.log, session.feed
        feed.begin_at_end()
        await session.until(lambda: feed.settled)
        feed.look(following=False, near_end=False)
        while not session.begun():
            await session.older()
            held = numbers(log)
            assert held == list(range(held[0], held[-1] + 1))
            assert len(log.store) <= 4000
        assert held[0] == 1
        assert log.detached
        # And down again: whoever comes near the end gets what is behind it.
        while held[-1] < LINES:
            last = held[-1]
            feed.look(following=False, near_end=True)
            await session.until_behind(last)
            held = numbers(log)
            assert held == list(range(held[0], held[-1] + 1))
            assert len(log.store) <= 4000

    with_session(engine, Target(names=(name,)), use, Store(max_items=4000))


def test_the_beginning_and_a_time_are_gone_to_without_what_lies_between(
    engine: TestEngine,
) -> None:
    name = engine.ended("ui-feed", WRITE)

    async def use(session: Session) -> None:
        log, feed = session.log, session.feed
        feed.begin_at_end()
        await session.until(lambda: feed.settled)
        feed.look(following=False, near_end=False)
        feed.begin_at_start()
        await session.until(lambda: len(log.store) >= 1000)
        held = numbers(log)
        assert held == list(range(1, len(held) + 1))
        assert session.begun()
        middle = log.store.time(log.store.first + len(held) // 2)
        assert middle is not None
        feed.begin_at_time(middle)
        await session.until(lambda: len(log.store) > 500 and feed.settled)
        first = numbers(log)[0]
        assert abs(first - len(held) // 2) <= 101
        while not session.begun():
            await session.older()
        held = numbers(log)
        assert held == list(range(1, held[-1] + 1))

    with_session(engine, Target(names=(name,)), use, Store(max_items=4000))


QUERY = "/^[0-9]*77$/"
FOUND = [number for number in range(1, LINES + 1) if number % 100 == 77]


@pytest.mark.parametrize("readable", [True, False], ids=["files", "api"])
def test_a_filter_finds_lines_far_before_what_is_held(
    engine: TestEngine, readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not readable:
        tail = Engine.tail
        monkeypatch.setattr(Engine, "tail", lambda *a, **k: tail(*a, **k, source="api"))
    name = engine.ended("ui-feed", WRITE)

    async def use(session: Session) -> None:
        log, feed = session.log, session.feed
        feed.begin_at_end()
        await session.until(lambda: feed.settled)
        feed.look(following=False, near_end=False)
        held, since = numbers(log), log.since_ns
        log.set_filter(Filter(query=QUERY), 0, 0)
        while log.work():
            pass
        while not session.begun():
            await session.older()
            # It never holds more than what passes, before what it held.
            assert numbers(log) == [*(n for n in FOUND if n < held[0] and n in numbers(log)), *held]
        log.work()
        shown = [log.store.item(log.rows.number(i)) for i in range(len(log.rows))]
        assert [int(item.raw) for item in shown if isinstance(item, Line)] == FOUND
        # Without the filter only what was held whole is left: the rest is read again.
        log.set_filter(Filter(), 0, 0)
        assert (numbers(log), log.since_ns) == (held, since)
        await session.older()
        held = numbers(log)
        assert held == list(range(held[0], LINES + 1))

    with_session(engine, Target(names=(name,)), use, Store(max_items=4000))


def test_a_filtered_log_is_read_from_its_beginning_whatever_its_length(engine: TestEngine) -> None:
    name = engine.ended("ui-feed", WRITE)

    async def use(session: Session) -> None:
        log, feed = session.log, session.feed
        log.set_filter(Filter(query=QUERY), 0, 0)
        feed.look(following=False, near_end=False)
        feed.begin_at_start()
        await session.until(lambda: len(log.store) >= len(FOUND))
        assert numbers(log) == FOUND
        assert session.begun()
        middle = log.store.time(log.store.first + len(FOUND) // 2)
        assert middle is not None
        feed.begin_at_time(middle)
        await session.until(lambda: feed.settled)
        while not session.begun():
            await session.older()
        assert numbers(log) == FOUND
        log.set_filter(Filter(), 0, 0)
        assert numbers(log) == []

    with_session(engine, Target(names=(name,)), use, Store(max_items=1000))


def test_of_several_the_window_is_whole_since_one_time(engine: TestEngine) -> None:
    busy = engine.ended("ui-feed", WRITE)
    quiet = engine.start("echo one; sleep 1; echo two; sleep 60")
    try:

        async def use(session: Session) -> None:
            log, feed = session.log, session.feed
            feed.begin_at_end()
            await session.until(lambda: feed.settled)
            # 500 of the busy one came; what the others wrote before them would be half the truth.
            of_busy = [i for i in log.store.items if i.container.name == busy]
            assert len(of_busy) >= 500
            since = log.since_ns or 0
            assert all((i.time_ns or 0) >= since > 0 for i in log.store.items)
            while not session.begun():
                await session.older()
            texts = [
                int(i.raw)
                for i in log.store.items
                if isinstance(i, Line) and i.container.name == busy
            ]
            assert texts == list(range(1, LINES + 1))

        with_session(engine, Target(names=(busy, quiet)), use)
    finally:
        engine.remove(quiet, missing_ok=True)


def test_parts_are_read_as_one_and_what_joins_a_part_joins(any_engine: TestEngine) -> None:
    def start(project: str, service: str) -> str:
        labels = (("project", project), ("service", service))
        options = [
            word
            for key, value in labels
            for word in ("--label", f"com.docker.compose.{key}={value}")
        ]
        return any_engine.start("echo 1; while :; do sleep 1; done", *options)

    blog = f"blog{uuid4().hex[:6]}"
    one, api, web = start(blog, "api"), start(f"{blog}-shop", "api"), start(f"{blog}-shop", "web")
    parts = (
        Target(projects=(blog,)),
        Target(projects=(f"{blog}-shop",), services=("web",)),
    )

    async def use(session: Session) -> None:
        def seen() -> set[str]:
            return {item.container.name for item in session.log.store.items}

        session.feed.begin_at_end()
        await session.until(lambda: seen() == {one, web})
        joins = await asyncio.to_thread(start, blog, "cache")
        await session.until(lambda: joins in seen())
        started.append(joins)
        assert api not in seen()

    started = [one, api, web]
    try:
        with_session(any_engine, Target(parts=parts), use)
    finally:
        any_engine.remove(*started)

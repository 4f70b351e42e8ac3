"""Logs that are read in another thread come whole and in order, and never run ahead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self, cast

import pytest

from lobtail.api import Engine
from lobtail.errors import ConnectError
from lobtail.model.items import Item
from lobtail.session.tail import Tail
from lobtail.tui.reading_thread import MOST, ReadingThread, ThreadedTail
from unit.tui.items import REF, line


def lines(count: int) -> list[Item]:
    return [line(f"line {i}", i) for i in range(count)]


class Source:
    """A tail of batches that are given to it; it notes what happens to it, and where."""

    def __init__(self, batches: Iterator[list[Item]], failure: Exception | None = None) -> None:
        self.found = [REF]
        self.given = 0
        self.closed = threading.Event()
        self.thread = ""
        self._batches = batches
        self._failure = failure

    async def __aenter__(self) -> Self:
        self.thread = threading.current_thread().name
        return self

    async def aclose(self) -> None:
        self.closed.set()

    async def batches(self) -> AsyncIterator[list[Item]]:
        for batch in self._batches:
            self.given += len(batch)
            yield batch
        if self._failure is not None:
            raise self._failure


class _FakeEngine:
    def __init__(self) -> None:
        self.closed = threading.Event()

    async def aclose(self) -> None:
        self.closed.set()


@pytest.fixture
def engine() -> _FakeEngine:
    return _FakeEngine()


@pytest.fixture
def thread(engine: _FakeEngine) -> Iterator[ReadingThread]:
    thread = ReadingThread({"": lambda: cast(Engine, engine)})
    yield thread
    thread.close()


def tail_of(thread: ReadingThread, source: Any) -> ThreadedTail:
    return thread.tail(lambda _engines: cast(Tail, source))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def test_all_comes_in_order_to_its_end(thread: ReadingThread) -> None:
    items = lines(10_000)
    source = Source(iter([items[i : i + 7] for i in range(0, len(items), 7)]))

    async def read() -> list[Item]:
        got: list[Item] = []
        async with tail_of(thread, source) as tail:
            assert tail.found == [REF]
            async for batch in tail.batches():
                got += batch
        return got

    got = asyncio.run(read())
    assert all(a is b for a, b in zip(got, items, strict=True))
    assert source.closed.is_set()
    assert source.thread == "lobtail"


def test_the_reading_waits_for_whoever_takes(thread: ReadingThread) -> None:
    items = lines(100)
    source = Source(iter([items] * 1000))

    async def read() -> None:
        async with tail_of(thread, source) as tail:
            await until(lambda: source.given >= MOST)
            # It has stopped: what it does next is to wait.
            assert source.given <= MOST + len(items)
            total = 0
            async for batch in tail.batches():
                assert len(batch) <= MOST + len(items)
                total += len(batch)
            assert total == 100_000

    asyncio.run(read())


def test_a_failure_comes_behind_what_was_read(thread: ReadingThread) -> None:
    items = lines(3)
    source = Source(iter([items]), ConnectError("nobody answers"))

    async def read() -> None:
        async with tail_of(thread, source) as tail:
            batches = tail.batches()
            assert await anext(batches) == items
            with pytest.raises(ConnectError, match="nobody answers"):
                await anext(batches)

    asyncio.run(read())


def test_a_failure_to_begin_is_raised_there(thread: ReadingThread) -> None:
    def fail(_engines: object) -> Tail:
        raise ConnectError("nobody answers")

    async def read() -> None:
        with pytest.raises(ConnectError, match="nobody answers"):
            async with thread.tail(fail):
                pass

    asyncio.run(read())


def test_who_leaves_ends_it(thread: ReadingThread) -> None:
    source = Source(iter(lambda: lines(10), None))  # without an end

    async def read() -> None:
        async with tail_of(thread, source) as tail:
            async for _batch in tail.batches():
                break

    asyncio.run(read())
    assert source.closed.is_set()


def test_who_is_cancelled_while_it_begins_ends_it(thread: ReadingThread) -> None:
    entered = threading.Event()

    class Slow(Source):
        async def __aenter__(self) -> Self:
            entered.set()
            await asyncio.Event().wait()
            return self

    source = Slow(iter([]))

    async def read() -> None:
        async def enter() -> None:
            async with tail_of(thread, source):
                pass

        task = asyncio.create_task(enter())
        await until(entered.is_set)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(source.closed.is_set)

    asyncio.run(read())


def test_the_end_of_the_thread_closes_its_engines(
    engine: _FakeEngine, thread: ReadingThread
) -> None:
    async def read() -> None:
        async with tail_of(thread, Source(iter([]))) as tail:
            async for _batch in tail.batches():
                pass

    asyncio.run(read())
    assert not engine.closed.is_set()
    thread.close()
    assert engine.closed.is_set()
    assert "lobtail" not in {each.name for each in threading.enumerate()}

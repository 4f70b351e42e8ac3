"""Logs read backwards: each line once, in pages of the size that was asked for."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from lobtail import ConfigError, Engine, Item, Line, NotFoundError, sync
from support.engines import TestEngine

LINES = 3000
# In bursts, so that many lines share about a moment, and blank ones that are all alike.
WRITE = (
    f"i=0; while [ $i -lt {LINES} ]; do seq $((i+1)) $((i+100)); echo; i=$((i+100));"
    "usleep 20000; done"
)

WRITTEN = [
    text for i in range(0, LINES, 100) for text in (*(str(n) for n in range(i + 1, i + 101)), "")
]


def pages(engine: TestEngine, *names: str, **options: Any) -> list[list[Item]]:
    async def main() -> list[list[Item]]:
        async with Engine(engine.host) as client:
            return [page async for page in client.history(*names, **options)]

    return asyncio.run(main())


def lines(pages: list[list[Item]], name: str) -> list[str]:
    items = [item for page in reversed(pages) for item in page]
    return [i.text for i in items if isinstance(i, Line) and i.container.name == name]


@pytest.mark.parametrize("size", [200, 1000, 100_000])
def test_all_of_a_log_comes_once(any_engine: TestEngine, size: int) -> None:
    name = any_engine.ended("history", WRITE)
    found = pages(any_engine, name, size=size)
    assert lines(found, name) == WRITTEN
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert 0 < len(found[-1]) <= size


def test_of_several_each_comes_whole_and_pages_are_in_the_order_of_time(
    any_engine: TestEngine,
) -> None:
    busy, quiet = any_engine.ended("history", WRITE), any_engine.ended("history 2", "echo a; echo")
    found = pages(any_engine, busy, quiet, size=400)
    assert lines(found, busy) == WRITTEN
    assert lines(found, quiet) == ["a", ""]
    newest = [page[-1].time_ns or 0 for page in found]
    assert newest == sorted(newest, reverse=True)


def test_only_what_is_wanted_comes(any_engine: TestEngine) -> None:
    name = any_engine.ended("history", WRITE)
    found = pages(any_engine, name, where="/77$/", size=7)
    assert lines(found, name) == [str(i) for i in range(77, LINES + 1, 100)]


def test_it_begins_at_a_time(engine: TestEngine) -> None:
    name = engine.ended("history", WRITE)
    whole = [item for page in reversed(pages(engine, name)) for item in page]
    until = whole[1600].time_ns or 0
    found = pages(engine, name, until=until, size=300)
    assert lines(found, name) == [
        text for item, text in zip(whole, WRITTEN, strict=True) if (item.time_ns or 0) <= until
    ]


def test_no_more_is_read_than_is_taken(any_engine: TestEngine) -> None:
    name = any_engine.ended("history", WRITE)

    async def main() -> list[Item]:
        async with (
            Engine(any_engine.host) as client,
            aclosing(client.history(name, size=10)) as history,
        ):
            return await anext(history)

    assert lines([asyncio.run(main())], name) == WRITTEN[-10:]
    with sync.Engine(any_engine.host) as client:
        for page in client.history(name, size=10, where="/0$/"):
            assert lines([page], name) == [str(i) for i in range(LINES - 90, LINES + 1, 10)]
            break


def test_without_a_container_or_with_bad_arguments(engine: TestEngine) -> None:
    assert pages(engine, "nobody-is-called-so") == []
    with pytest.raises(NotFoundError):
        pages(engine, "nobody-is-called-so", missing="error")
    with pytest.raises(ConfigError, match="size=0"):
        pages(engine, "x", size=0)
    with pytest.raises(ConfigError, match="until"):
        pages(engine, "x", until="yesteryear")

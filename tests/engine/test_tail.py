"""`Engine.tail` on real engines: selection, restarts, re-creation, merging; every line once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from lobtail import Engine
from lobtail.model.items import Item, Line, Mark, Removed, Started, Stopped
from support.engines import WAIT, TestEngine, until


async def collect(
    engine: TestEngine,
    *selectors: str,
    until: Callable[[list[Item]], bool] = lambda _: False,
    actions: tuple[tuple[Callable[[list[Item]], bool], Callable[[], object]], ...] = (),
    limit: float = 45,
    **options: Any,
) -> list[Item]:
    """Tail until `until` holds; do each action as soon as its condition holds."""
    items: list[Item] = []
    left = list(actions)
    async with (
        asyncio.timeout(limit),
        Engine(engine.host) as client,
        client.tail(*selectors, **options) as tail,
    ):
        async for batch in tail.batches():
            items += batch
            while left and left[0][0](items):
                await asyncio.to_thread(left.pop(0)[1])
            if not left and until(items):
                break
    return items


def texts(items: list[Item], container: str = "") -> list[str]:
    return [
        item.text
        for item in items
        if isinstance(item, Line) and container in ("", item.container.name)
    ]


def marks(items: list[Item]) -> list[type[Mark]]:
    return [type(item) for item in items if isinstance(item, Mark)]


def seen(text: str) -> Callable[[list[Item]], bool]:
    return lambda items: text in texts(items)


def test_history_of_several_containers_in_time_order(engine: TestEngine) -> None:
    script = "for i in $(seq 200); do echo $i; usleep 1000; done"
    names = [engine.start(script) for _ in range(3)]
    for name in names:
        engine.wait(name)
    items = asyncio.run(collect(engine, *names, follow=False, all=True))
    for name in names:
        assert texts(items, name) == [str(i) for i in range(1, 201)]
    times = [item.time_ns or 0 for item in items]
    assert times == sorted(times)
    assert marks(items) == []


def test_tail_counts_lines_of_each_container(engine: TestEngine) -> None:
    names = [engine.ended(f"tail seq {i}", "seq 50") for i in range(2)]
    items = asyncio.run(collect(engine, *names, follow=False, all=True, tail=3))
    for name in names:
        assert texts(items, name) == ["48", "49", "50"]


@pytest.mark.parametrize("count", [500, 250_000])
def test_what_tail_leaves_out_stays_out_when_following(engine: TestEngine, count: int) -> None:
    """However much was written in the last two seconds, which are read again to join the ends."""
    script = f"seq {count}; {WAIT}; echo new; sleep 1000"
    name = engine.start(script)
    last = [str(number) for number in range(count - 2, count + 1)]
    until(lambda: engine.logs(name).endswith(f"{last[-1]}\n".encode()), "all lines")
    items = asyncio.run(
        collect(
            engine,
            name,
            tail=3,
            actions=((seen(last[-1]), partial(engine.go, name)),),
            until=seen("new"),
        )
    )
    engine.remove(name)
    assert texts(items) == [*last, "new"]
    assert marks(items) == []


@pytest.mark.timeout(120)
def test_follow_through_twenty_restarts(any_engine: TestEngine) -> None:
    engine = any_engine
    script = "n=$(cat /n 2>/dev/null || echo 0); n=$((n+1)); echo $n >/n; echo run $n; sleep 1000"
    name = engine.start(script)
    restart = partial(engine.act, "restart", name, t=0)
    items = asyncio.run(
        collect(
            engine,
            name,
            actions=tuple((seen(f"run {i}"), restart) for i in range(1, 21)),
            until=seen("run 21"),
            limit=100,
        )
    )
    engine.remove(name)
    assert texts(items) == [f"run {i}" for i in range(1, 22)]
    assert marks(items) == [Stopped, Started] * 20


def test_the_exit_code_and_the_end_of_the_last_run(engine: TestEngine) -> None:
    name = engine.start(f"echo a; {WAIT}; printf tail; exit 3")
    items = asyncio.run(
        collect(
            engine,
            name,
            actions=((seen("a"), partial(engine.go, name)),),
            until=lambda items: Stopped in marks(items),
        )
    )
    assert texts(items) == ["a", "tail"]
    line, stopped = items[-2:]
    assert isinstance(line, Line)
    assert line.unterminated
    assert isinstance(stopped, Stopped)
    assert (stopped.exit_code, stopped.oom) == (3, False)


def test_re_creation_under_the_same_name(any_engine: TestEngine) -> None:
    engine = any_engine
    name = "t-recreated"
    engine.start("echo first; sleep 1000", name=name)
    again = partial(engine.start, "echo second; sleep 1000", name=name)
    items = asyncio.run(
        collect(
            engine,
            name,
            actions=(
                (seen("first"), partial(engine.docker, "rm", "-f", name)),
                (lambda items: Removed in marks(items), again),
            ),
            until=seen("second"),
        )
    )
    engine.remove(name)
    assert texts(items) == ["first", "second"]
    assert marks(items) == [Stopped, Removed, Started]
    times = [item.time_ns for item in items if isinstance(item, Mark)]
    assert None not in times
    assert times == sorted(times, key=lambda time: time or 0)


def test_a_container_that_starts_later_joins(engine: TestEngine) -> None:
    first = engine.start("echo one; sleep 1000", name="t-join-1")
    join = partial(engine.start, "echo two; sleep 1000", name="t-join-2")
    items = asyncio.run(
        collect(
            engine,
            "t-join-*",
            actions=((seen("one"), join),),
            until=seen("two"),
        )
    )
    engine.remove(first, "t-join-2")
    assert texts(items) == ["one", "two"]


@pytest.mark.parametrize("source", ["api", "files"])
def test_row_9_long_lines_of_both_streams_are_whole(engine: TestEngine, source: str) -> None:
    script = (
        "big() { head -c 50000 /dev/zero | tr '\\0' $1; echo; };"
        "for i in 1 2 3; do big a & big b >&2 & wait; done"
    )
    name = engine.ended("interleaved long lines", script)
    items = asyncio.run(collect(engine, name, follow=False, all=True, source=source))
    lines = [item for item in items if isinstance(item, Line)]
    assert len(lines) == 6
    for line in lines:
        letter = b"a" if line.stream.name == "STDOUT" else b"b"
        assert line.raw == letter * 50_000


@pytest.mark.parametrize("tty", [False, True])
def test_numbered_lines_live(engine: TestEngine, tty: bool) -> None:
    name = engine.start(
        "for i in $(seq 2000); do echo $i; done; usleep 200000; seq 2001 4000",
        *(["-t"] if tty else []),
    )
    items = asyncio.run(collect(engine, name, tail="all", all=True, until=seen("4000")))
    assert texts(items) == [str(i) for i in range(1, 4001)]


def test_live_lines_of_two_containers_come_in_time_order(engine: TestEngine) -> None:
    script = "echo ready; for i in $(seq 300); do echo $i; usleep 1000; done; sleep 1000"
    names = [engine.start(script) for _ in range(2)]
    items = asyncio.run(
        collect(
            engine,
            *names,
            tail="all",
            until=lambda items: all("300" in texts(items, name) for name in names),
        )
    )
    engine.remove(*names)
    lines = [item for item in items if isinstance(item, Line)]
    in_time = [line.time_ns or 0 for line in lines if not line.late]
    assert in_time == sorted(in_time)
    assert len(in_time) >= 0.95 * len(lines)

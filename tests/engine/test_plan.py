"""What a query leaves out at its source is what it would have left out anyway, on real engines."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from lobtail import Engine
from lobtail.model.items import Item, Line, Mark
from lobtail.query.filter import LineFilter
from lobtail.query.query import Query
from support.engines import TestEngine

SCRIPT = (
    'for i in $(seq 60); do echo "out $i level=info"; echo "ERROR: err $i timeout" >&2;'
    " usleep 20000; [ $((i % 20)) = 0 ] && head -c 40000 /dev/zero | tr '\\0' x && echo; done;"
    " printf 'the end'"
)
NAMES = ("plan-web", "plan-api", "plan-db")


@pytest.fixture(scope="module")
def names(any_engine: TestEngine) -> list[str]:
    """Three containers that have ended, with their names."""
    return [
        any_engine.ended(f"{any_engine.suite}-{name}", SCRIPT, "--label", f"part={name}")
        for name in NAMES
    ]


async def read(engine: TestEngine, names: list[str], **options: Any) -> list[Item]:
    async with Engine(engine.host) as client:
        tail = client.tail(*names, **{"follow": False, "all": True, **options})
        return [item async for item in tail]


def by_container(items: Sequence[Item]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = defaultdict(list)
    for item in items:
        what: object = item
        if isinstance(item, Line):
            what = (item.stream, item.time_ns, item.raw, item.unterminated)
        found[item.container.name].append(what)
    return found


def only_lines(items: list[Item]) -> list[Line]:
    return [item for item in items if isinstance(item, Line)]


def queries(items: list[Item], names: list[str]) -> list[str]:
    stamps = sorted(item.time_ns for item in items if item.time_ns is not None)
    first, last = (stamps[len(stamps) * part // 4] for part in (1, 3))
    since, until = (f"{ns // 10**9}.{ns % 10**9:09}" for ns in (first, last))
    return [
        f"container={names[0]}",
        "label.part=plan-api or label.part=plan-db",
        f"container!={names[0]} and stream=stderr",
        "stream=stdout",
        f"time>={since} and time<={until}",
        f"time>{since} and not stream=stderr",
        f"time<{until} and level>=error",
        f"time={since} or time={until}",
        f'"timeout" and container={names[2]} and time>{since}',
        "image=nothing",
        "/^x+$/",
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "options",
    [{}, {"source": "api"}, {"tail": 30}, {"tail": 30, "source": "api"}],
    ids=["whole", "api", "tail", "api-tail"],
)
@pytest.mark.parametrize("around", [None, (2, 3)], ids=["", "context"])
def test_it_is_what_a_filter_of_all_lines_leaves(
    any_engine: TestEngine,
    names: list[str],
    options: dict[str, Any],
    around: tuple[int, int] | None,
) -> None:
    before, after = around or (0, 0)
    items = asyncio.run(read(any_engine, names, **options))
    assert len(items) > 50
    for text in queries(items, names):
        query = Query(text)
        wanted = LineFilter(query.matches, before=before, after=after).apply(items)
        found = asyncio.run(
            read(any_engine, names, where=query, before=before, after=after, **options)
        )
        if around:  # a mark counts what a search passed over
            assert by_container(only_lines(found)) == by_container(only_lines(wanted)), text
        else:
            assert by_container(found) == by_container(wanted), text


@pytest.mark.timeout(120)
def test_it_is_the_same_where_logs_are_followed(any_engine: TestEngine, names: list[str]) -> None:
    items = asyncio.run(read(any_engine, names))
    followed: dict[str, Any] = {"follow": True, "until_stopped": True, "tail": "all"}
    for text in queries(items, names):
        query = Query(text)
        wanted = [item for item in only_lines(items) if query.matches(item)]
        if wanted:  # else it goes on until there is a container
            found = asyncio.run(read(any_engine, names, where=query, **followed))
            assert by_container(only_lines(found)) == by_container(wanted), text


@pytest.mark.timeout(60)
def test_a_container_that_is_renamed_to_what_is_wanted_joins(engine: TestEngine) -> None:
    old = engine.start("echo before; read _ </dev/stdin; sleep 1000", "-i")
    new = f"{old}-new"

    async def main() -> list[Item]:
        items: list[Item] = []
        async with (
            Engine(engine.host) as client,
            client.tail(where=f"container={new}", source="api") as tail,
        ):
            assert old in [ref.name for ref in tail.found]
            assert tail.containers == []
            await client.containers.rename(old, new)
            await asyncio.to_thread(
                engine.docker, "exec", new, "sh", "-c", "sleep 1; echo after >/proc/1/fd/1"
            )
            async with asyncio.timeout(30):
                async for batch in tail.batches():
                    items += batch
                    if any(isinstance(item, Line) for item in items):
                        return items
        return items

    items = asyncio.run(main())
    assert [item.text for item in items if isinstance(item, Line)] == ["after"]
    assert not [item for item in items if isinstance(item, Mark)]

"""Numbered lines through everything that breaks: none lost, none twice, in order."""

from __future__ import annotations

import asyncio

import pytest

from lobtail import Engine
from lobtail.model.items import Gap, Item, Line, Resumed
from support.engines import TestEngine
from support.numbered import check_numbered
from support.proxy import CuttingProxy, random_distance

CONTAINERS = 5
BURSTS = 200
# So that all lines are of one length.
FIRST = 10_001


@pytest.mark.timeout(180)
def test_row_6_cuts_at_random_bytes(any_engine: TestEngine) -> None:
    podman = any_engine.suite == "podman"
    # So many bytes are written that all cuts are made, however little is read again. From 24.0 on
    # that may begin at any message; before, what was written in two seconds must fit in a
    # connection, or lines may come late, and on Podman what has one stamp of whole seconds.
    half, pause, distance, cuts = {
        "bookworm": (50, 90_000, 200_000, 50),
        "podman": (25, 90_000, 200_000, 50),
    }.get(any_engine.suite, (50, 20_000, 48_000, 200))
    last = FIRST - 1 + BURSTS * half
    # One process writes all, in bursts: while it writes, each container is cut off again and again.
    script = (
        f"exec awk 'BEGIN {{ for (i = {FIRST}; i <= {last}; i += {half}) {{"
        f'for (n = i; n < i + {half}; n++) {{ print "o" n; print "e" n > "/dev/stderr" }}'
        f'system("usleep {pause}") }} system("sleep 1000") }}\''
    )
    names = [any_engine.start(script) for _ in range(CONTAINERS)]

    async def collect() -> tuple[list[Item], int]:
        items: list[Item] = []
        seen: set[tuple[str, bytes]] = set()
        async with (
            asyncio.timeout(150),
            CuttingProxy(any_engine.host, random_distance(7, distance), cuts) as proxy,
            Engine(proxy.host) as client,
            client.tail(*names, tail="all", source="api") as tail,
        ):
            async for batch in tail.batches():
                for item in batch:
                    if isinstance(item, Line):
                        # Podman may show what is written of a line, and then the line.
                        if podman and len(item.raw) < len(f"o{FIRST}"):
                            continue
                        seen.add((item.container.id, item.raw))
                    items.append(item)
                if len(seen) >= CONTAINERS * BURSTS * 2 * half:
                    break
        return items, proxy.cuts

    items, made = asyncio.run(collect())
    any_engine.remove(*names)
    assert made == cuts
    assert any(isinstance(item, Resumed) for item in items)
    assert not any(isinstance(item, Gap) and "known" in item.reason for item in items)
    for name in names:
        check_numbered(items, name, BURSTS * half, FIRST, late=podman)

"""Numbered lines through everything that breaks: none lost, none twice, in order."""

from __future__ import annotations

import asyncio

import pytest

from lobtail import Engine
from lobtail.core.model import Gap, Item, Line, Resumed
from support.engines import TestEngine
from support.numbered import check_numbered
from support.proxy import CuttingProxy, random_distance

CONTAINERS = 5
BURSTS = 200
LINES = 100
# So that all lines are of one length.
FIRST = 10_001


@pytest.mark.timeout(180)
def test_row_6_cuts_at_random_bytes(any_engine: TestEngine) -> None:
    half = LINES // 2
    last = FIRST - 1 + BURSTS * half
    script = (
        f"i={FIRST - 1}; while [ $i -lt {last} ]; do a=$((i+1)); i=$((i+{half}));"
        "seq $a $i | sed s/^/o/; seq $a $i | sed s/^/e/ >&2; usleep 90000; done; sleep 1000"
    )
    names = [any_engine.start(script) for _ in range(CONTAINERS)]
    podman = any_engine.suite == "podman"

    async def collect() -> tuple[list[Item], int]:
        items: list[Item] = []
        seen: set[tuple[str, bytes]] = set()
        async with (
            asyncio.timeout(150),
            CuttingProxy(any_engine.host, random_distance(7, 200_000), 200) as proxy,
            Engine(proxy.host) as client,
            client.tail(*names, tail="all", source="api") as tail,
        ):
            async for batch in tail:
                for item in batch:
                    if isinstance(item, Line):
                        # Podman may show what is written of a line, and then the line.
                        if podman and len(item.raw) < len(f"o{FIRST}"):
                            continue
                        seen.add((item.container.id, item.raw))
                    items.append(item)
                if len(seen) >= CONTAINERS * BURSTS * LINES:
                    break
        return items, proxy.cuts

    items, cuts = asyncio.run(collect())
    any_engine.docker("rm", "-f", *names)
    # How many there are depends on how much is read once more; up to 200 are made.
    assert cuts > 50
    assert any(isinstance(item, Resumed) for item in items)
    assert not any(isinstance(item, Gap) and "known" in item.reason for item in items)
    for name in names:
        check_numbered(items, name, BURSTS * half, FIRST, late=podman)

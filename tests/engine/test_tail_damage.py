"""Logs with a place that the engine cannot read: what stands behind it comes all the same.

20.10 takes the place for the end of the log, or goes on somewhere behind it, without a word in
either case. 26.1 answers with an error, and does not send all that it has read before it; its
`tail` then leaves out the last line.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lobtail import Engine
from lobtail.model.items import Gap, Item, Line
from support.engines import WAIT, TestEngine, until

DAMAGE = {"NULs": b"\0" * 512, "half a record": b'{"log":"half a rec', "garbage": b"garbage\n"}


@pytest.mark.parametrize("kind", DAMAGE)
def test_row_6_a_place_that_cannot_be_read(engine: TestEngine, kind: str) -> None:
    script = f"seq 1 100; {WAIT}; seq 101 300"
    name = engine.start(script)
    until(lambda: engine.logs(name).endswith(b"100\n"), "all lines")
    with Path(engine.inspect(name)["LogPath"]).open("ab") as log:
        log.write(DAMAGE[kind])
    engine.go(name)
    engine.wait(name)

    async def collect() -> list[Item]:
        async with Engine(engine.host) as client, client.tail(name, follow=False) as tail:
            return [item async for item in tail]

    items = asyncio.run(collect())
    numbers = [int(item.text) for item in items if isinstance(item, Line)]
    assert numbers == sorted(set(numbers))
    if engine.suite == "bookworm":
        assert set(range(1, 101)) <= set(numbers)
        return
    assert {1} | set(range(110, 300)) <= set(numbers)
    assert any(isinstance(item, Gap) for item in items)

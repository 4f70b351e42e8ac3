"""A container of which no line can be wanted is neither looked at nor opened."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import pytest

from faults.fake_engine import Script
from faults.fake_host import Box, FakeHost, line, stamp
from lobtail import Engine
from lobtail.model.items import Line
from lobtail.model.timestamps import parse_rfc3339


class Asked(FakeHost):
    """Notes what is asked of it."""

    def __init__(self, *boxes: Box) -> None:
        super().__init__(*boxes)
        self.targets: list[str] = []

    def _script(self, target: str) -> Script:
        self.targets.append(target)
        return super()._script(target)

    def of(self, box: Box, what: str) -> list[str]:
        return [each for each in self.targets if f"/{box.id}/{what}" in each]


def boxes() -> list[Box]:
    return [
        Box(
            name,
            [line(f"{name} {n}", n, 1 + n % 2) for n in range(60)],
            labels={"part": name},
            image=f"{name}:1",
            driver="journald",
        )
        for name in ("web", "api", "db")
    ]


def read(host: FakeHost, **options: Any) -> list[str]:
    async def main() -> list[str]:
        async with Engine(host.host) as engine:
            tail = engine.tail(follow=False, **options)
            lines = [item async for batch in tail.batches() for item in batch]
            assert [ref.name for ref in tail.found] == ["web", "api", "db"]
            return [item.text for item in lines if isinstance(item, Line)]

    return asyncio.run(main())


@pytest.mark.parametrize(
    "where", ["container=web", "label.part=web", "container in (web) and level!=error"]
)
def test_by_name_and_label(where: str) -> None:
    with Asked(*boxes()) as host:
        assert read(host, where=where) == [f"web {n}" for n in range(60)]
        web, *others = host.boxes
        assert host.of(web, "logs")
        assert not [
            each for box in others for each in (*host.of(box, "json"), *host.of(box, "logs"))
        ]


def test_an_image_is_looked_at() -> None:
    with Asked(*boxes()) as host:
        assert len(read(host, where="image=web*")) == 60
        web, *others = host.boxes
        assert host.of(web, "logs")
        assert all(host.of(box, "json") and not host.of(box, "logs") for box in others)


def test_a_time_is_asked_for_with_the_whole_log_only() -> None:
    with Asked(*boxes()) as host:
        since = parse_rfc3339(stamp(50))
        where = f"time>={stamp(50)}"
        assert len(read(host, where=where)) == 30
        asked = [parse_qs(each.partition("?")[2]) for each in host.targets if "/logs" in each]
        assert asked
        assert all(float(each["since"][0]) == since / 1e9 - 2 for each in asked)
        host.targets.clear()
        assert len(read(host, where=where, tail=1000)) == 30
        assert not [each for each in host.targets if "since=" in each]

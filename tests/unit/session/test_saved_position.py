"""What a position says of items that were handed out in one batch and taken one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from lobtail.errors import ConfigError
from lobtail.follow.position import Positions, Reached
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.session.item_stream import ItemStream
from lobtail.session.merge import Merge
from lobtail.session.readers import Readers

WEB, DB = ContainerRef("a" * 64, "web"), ContainerRef("b" * 64, "db")
ITEMS = [Line(ref, Stream.STDOUT, at, b"x") for at, ref in enumerate((WEB, WEB, DB, DB, WEB), 1)]


class Given(Readers):
    """Readers that have read all there is."""

    def __init__(self, *, positions: Positions | None) -> None:
        super().__init__(Merge(0))
        self.positions = positions
        self.asked: list[Mapping[str, int]] = []

    async def begin(self) -> None:
        for ref in (WEB, DB):
            self.merge.open(ref.id)
            items = [item for item in ITEMS if item.container is ref]
            self.merge.push(ref.id, [*items], now_ns=0)
            self.merge.close(ref.id)

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        self.asked.append(dict(handed_out))
        return [Reached(ref, handed_out.get(ref.id), None, False) for ref in (WEB, DB)]


def taken(position: bytes) -> dict[str, tuple[int, int | None]]:
    """Return for each container how many lines were taken, and from when on it is to be read."""
    logs = Positions.load(position).logs
    return {log.container.name: (len(log.lines), log.from_ns) for log in logs.values()}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"web": (1, 2), "db": (0, 3)}),
        (2, {"web": (2, 5), "db": (0, 3)}),
        (4, {"web": (2, 5), "db": (2, None)}),
        (5, {"web": (3, None), "db": (2, None)}),
    ],
)
def test_items_taken_one_by_one(count: int, expected: dict[str, tuple[int, int | None]]) -> None:
    async def main() -> bytes:
        async with ItemStream(Given(positions=Positions())) as merged:
            lines = merged.lines()
            for _ in range(count):
                await anext(lines)
            return merged.save_position()

    assert taken(asyncio.run(main())) == expected


def test_a_batch_counts_as_taken() -> None:
    async def main() -> bytes:
        async with ItemStream(Given(positions=Positions())) as merged:
            async for _ in merged:
                break
            return merged.save_position()

    assert taken(asyncio.run(main())) == {"web": (3, None), "db": (2, None)}


def test_a_stream_that_was_not_opened_with_a_position_has_none() -> None:
    merged = ItemStream(Given(positions=None))
    with pytest.raises(ConfigError, match="open the stream with `position`"):
        merged.save_position()

"""What a position says of items that were handed out in one batch and taken one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from lobtail.errors import ConfigError
from lobtail.follow.position import Positions, Reached
from lobtail.follow.slots import Slot
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.session.inbox import Inbox
from lobtail.session.tail import Tail

WEB, DB = ContainerRef("a" * 64, "web"), ContainerRef("b" * 64, "db")
ITEMS = [Line(ref, Stream.STDOUT, at, b"x") for at, ref in enumerate((WEB, WEB, DB, DB, WEB), 1)]


class Given:
    """A session that has read all there is."""

    host = ""
    lost = None
    is_open = True
    has_chosen = at_rest = False
    found: Sequence[tuple[ContainerRef, bool]] = ()

    def __init__(self, inbox: Inbox) -> None:
        self.begun = asyncio.Event()
        self.containers: list[ContainerRef] = []
        self._inbox = inbox

    async def run(self) -> None:
        for ref in (WEB, DB):
            queue = self._inbox.open(Slot(asyncio.Semaphore()))
            queue.push([item for item in ITEMS if item.container is ref])
            queue.close()
        self.begun.set()

    def overdue(self) -> None:
        raise AssertionError

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        return [Reached(ref, handed_out.get(ref.id), None, False) for ref in (WEB, DB)]


def tail(positions: Positions | None = None) -> Tail:
    inbox = Inbox(0)
    return Tail(inbox, [Given(inbox)], positions=positions)


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
        async with tail(Positions()) as merged:
            lines = merged.items()
            for _ in range(count):
                await anext(lines)
            return merged.save_position()

    assert taken(asyncio.run(main())) == expected


def test_a_batch_counts_as_taken() -> None:
    async def main() -> bytes:
        async with tail(Positions()) as merged:
            async for _ in merged.batches():
                break
            return merged.save_position()

    assert taken(asyncio.run(main())) == {"web": (3, None), "db": (2, None)}


def test_a_stream_that_was_not_opened_with_a_position_has_none() -> None:
    merged = tail()
    with pytest.raises(ConfigError, match="open the stream with `position`"):
        merged.save_position()

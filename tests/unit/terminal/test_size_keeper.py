"""The size of a process's terminal becomes ours, also where an engine drops one of two at once."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import Any

import pytest

from lobtail.errors import EngineError
from lobtail.terminal import size as module
from lobtail.terminal.size import SizeKeeper

Size = tuple[int, int]


class Monitor:
    """As Podman with conmon before 2.2.0: it answers before a size is read, and what is read at
    once counts as its first size."""

    def __init__(self) -> None:
        self.size: Size = (0, 0)
        self.told: list[Size] = []
        self.unread: list[Size] = []
        self.under_way = 0
        self.most_under_way = 0
        self.refusals = 0
        self._came = asyncio.Condition()

    async def resize(self, rows: int, columns: int) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)  # others may send theirs meanwhile
        self.under_way -= 1
        if self.refusals:
            self.refusals -= 1
            raise EngineError(409, "the process does not run yet")
        self.told.append((rows, columns))
        self.unread.append((rows, columns))
        async with self._came:
            self._came.notify_all()

    def read(self) -> None:
        if self.unread:
            self.size = self.unread[0]
            self.unread.clear()

    async def has(self, count: int) -> None:
        """Wait until so many sizes wait to be read."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.unread) >= count)


class Ours:
    """A terminal."""

    def __init__(self) -> None:
        self._ends = pty.openpty()
        self.fd = self._ends[1]
        self.resize(24, 80)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        for end in self._ends:
            os.close(end)


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ours]:
    monkeypatch.setattr(module, "SETTLED", 0.01)
    monkeypatch.setattr(module, "PAUSE", 0.0)
    terminal = Ours()
    yield terminal
    terminal.close()


def keeper_of(monitor: Any, ours: Ours) -> SizeKeeper:
    return SizeKeeper(monitor, ours.fd)


def test_a_redraw_that_is_read_at_once_does_not_leave_a_wrong_size(ours: Ours) -> None:
    async def main() -> None:
        monitor = Monitor()
        async with asyncio.timeout(30), keeper_of(monitor, ours) as keeper:
            await keeper.redraw()
            assert monitor.told == [(25, 81), (24, 80)]
            monitor.read()
            assert monitor.size == (25, 81)
            await monitor.has(1)
            monitor.read()
            assert monitor.size == (24, 80)

    asyncio.run(main())


def test_the_last_of_several_sizes_stays(ours: Ours) -> None:
    async def main() -> None:
        monitor = Monitor()
        async with asyncio.timeout(30), keeper_of(monitor, ours) as keeper:
            for i in range(1, 5):  # as when a window is dragged larger
                ours.resize(24 + i, 80 + i)
                keeper.changed()
                await monitor.has(i)
            monitor.read()
            assert monitor.size == (25, 81)
            while monitor.size != (28, 84):
                await monitor.has(1)
                monitor.read()
        assert monitor.told[-1] == (28, 84)

    asyncio.run(main())


def test_one_size_is_under_way_at_a_time(ours: Ours) -> None:
    async def main() -> None:
        monitor = Monitor()
        monitor.refusals = 2
        async with asyncio.timeout(30), keeper_of(monitor, ours) as keeper:
            await keeper.settle()  # refused, so it is tried again beside what follows
            ours.resize(30, 90)
            keeper.changed()
            await monitor.has(2)
        assert monitor.most_under_way == 1
        assert monitor.told[-1] == (30, 90)

    asyncio.run(main())

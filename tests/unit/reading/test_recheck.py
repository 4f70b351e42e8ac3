"""When a log of Podman's is looked at again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from lobtail.core.audit import Audit, Verdict
from lobtail.core.frames import Frame, Stream
from lobtail.core.resume import Memory
from lobtail.engine.logs import FrameStream
from lobtail.errors import EngineError
from lobtail.reading import recheck as module
from lobtail.reading.recheck import HalfLineRecheck

LOG = [Frame(Stream.STDOUT, b"2026-01-01T00:00:0%dZ line\n" % i) for i in range(10)]
S = 1_000_000_000
T0 = 1_767_225_600 * S


class Log:
    """What the engine shows, and what was asked and found."""

    multiplexed = True

    def __init__(self, refusals: list[EngineError]) -> None:
        self.refusals = refusals
        self.asked: list[tuple[int | None, int | None]] = []
        self.found: list[Frame] = []
        self.looks: asyncio.Queue[None] = asyncio.Queue()
        self.end = LOG
        """What it shows of the last lines."""
        self._shown = LOG

    async def snapshot(self, since: int | None, count: int | None) -> FrameStream:
        self.asked.append((since, count))
        if self.refusals:
            self.looks.put_nowait(None)
            raise self.refusals.pop()
        self._shown = LOG if count is None else self.end
        return cast(FrameStream, self)

    async def __aiter__(self) -> AsyncIterator[list[Frame]]:
        yield self._shown

    def close(self) -> None:
        self.looks.put_nowait(None)

    async def take(self, audit: Audit) -> Verdict:
        verdict = audit.finish()
        self.found += verdict.missed
        return verdict


def follow(
    monkeypatch: pytest.MonkeyPatch,
    log: Log,
    use: Callable[[HalfLineRecheck, Memory], Awaitable[None]],
) -> None:
    monkeypatch.setattr(module, "SOON", 0.001)
    monkeypatch.setattr(module, "PERIOD", 0)

    async def main() -> None:
        memory = Memory()
        recheck = HalfLineRecheck(log.snapshot, log.take, memory)
        recheck.begin(T0)
        async with asyncio.timeout(10):
            await use(recheck, memory)
        recheck.close()

    asyncio.run(main())


def test_what_was_left_out_is_found_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log([])

    async def use(recheck: HalfLineRecheck, memory: Memory) -> None:
        memory.add([*LOG[1:4], *LOG[6:8]], T0 + 7 * S)
        recheck.received(100)
        await log.looks.get()
        await recheck.look()
        assert log.found == LOG[4:6]  # what is younger is on its way; what is older was there
        assert log.asked == [(None, 5 + module.MARGIN), (T0 - 3 * S, None)]

    follow(monkeypatch, log, use)


def test_a_log_that_came_whole_is_read_from_its_end_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log([])

    async def use(recheck: HalfLineRecheck, memory: Memory) -> None:
        memory.add(LOG[1:], T0 + 9 * S)
        recheck.received(100)
        await log.looks.get()
        await recheck.look()
        assert (len(log.asked), log.found) == (1, [])

    follow(monkeypatch, log, use)


def test_pieces_that_come_out_wrong_are_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log([])
    log.end = [*LOG[:2], Frame(Stream.STDOUT, LOG[2].payload[:-1] + b"and its pieces\n"), *LOG[3:]]

    async def use(recheck: HalfLineRecheck, memory: Memory) -> None:
        memory.add(LOG[1:], T0 + 9 * S)
        recheck.received(100)
        for _ in range(2):
            await log.looks.get()
        await recheck.look()
        assert (len(log.asked), log.found) == (2, [])

    follow(monkeypatch, log, use)


def test_a_log_whose_end_is_not_shown_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log([EngineError(500, "a half-written line")])

    async def use(recheck: HalfLineRecheck, memory: Memory) -> None:
        memory.add([LOG[1], LOG[3]], T0 + 3 * S)
        recheck.received(100)
        for _ in range(2):
            await log.looks.get()
        await recheck.look()
        assert log.found == [LOG[2]]

    follow(monkeypatch, log, use)


def test_a_container_that_is_gone_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log([EngineError(404, "gone")])

    async def use(recheck: HalfLineRecheck, memory: Memory) -> None:
        memory.add([LOG[1], LOG[3]], T0 + 3 * S)
        recheck.received(100)
        await log.looks.get()
        await recheck.look()
        assert len(log.asked) == 1

    follow(monkeypatch, log, use)

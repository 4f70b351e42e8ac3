"""When a silent stream is taken for deaf: only if the log has what it does not bring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from lobtail.core.frames import Frame, Stream
from lobtail.core.resume import Memory
from lobtail.engine.models import Container
from lobtail.errors import ConnectionLostError
from lobtail.reading import truncated
from lobtail.reading.truncated import SILENT, TRUNCATED, TruncationWatch, pause_after


def message(number: int) -> Frame:
    return Frame(Stream.STDOUT, b"2026-01-01T00:00:00.%09dZ %d\n" % (number, number))


class FakeStream:
    """The stream that is watched."""

    def __init__(self) -> None:
        self.received = 1
        self.is_waiting = True
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.closed.set()


class Answer:
    """What a request without follow brings."""

    multiplexed = True

    def __init__(self, engine: FakeEngine, asked: dict[str, Any]) -> None:
        self.engine, self.asked = engine, asked

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[list[Frame]]:
        self.engine.asked.append(self.asked["tail"])
        if self.asked["tail"] == 1 and self.engine.tail_fails:
            raise ConnectionLostError("no")
        if self.asked["tail"] == 1 and self.engine.tail_is_empty:
            return
        if self.engine.log:
            yield self.engine.log


class FakeEngine:
    timeout = 5.0

    def __init__(self, *log: Frame) -> None:
        self.log = list(log)
        self.asked: list[int] = []
        self.tail_is_empty = self.tail_fails = False

    def logs(self, _: Container, **asked: Any) -> Answer:
        return Answer(self, asked)


class FakeFile:
    """A file that is truncated before the third look, or grows with the fifth one."""

    def __init__(self, *, truncated: bool = True) -> None:
        self.looks = self.size = 0
        self._truncated = truncated

    def look(self) -> bool:
        self.looks += 1
        self.size += self.looks == 5
        return self._truncated and self.looks == 3


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK", "LONGEST_IN_FILE", "LONGEST_BY_API", "GRACE"):
        monkeypatch.setattr(truncated, name, 0.01)
    monkeypatch.setattr(truncated, "PERIOD", 0.0)


def found(
    engine: FakeEngine,
    *received: Frame,
    file: FakeFile | None = None,
    until: Callable[[], bool] | None = None,
    slow: bool = False,
) -> list[str]:
    """Return why the stream was closed; nothing if it was not ``until`` then."""

    async def main() -> list[str]:
        memory = Memory()
        memory.add(list(received), 1 if received else None)
        watch = TruncationWatch(
            cast("Any", engine), Container(id="x"), memory, details=False, file=cast("Any", file)
        )
        stream = FakeStream()
        stream.is_waiting = not slow
        async with asyncio.timeout(20), watch.over(cast("Any", stream)) as deaf:
            if until is None:
                await stream.closed.wait()
            while until is not None and not until():
                await asyncio.sleep(0.01)
        return deaf

    return asyncio.run(main())


def test_case_truncated_log_in_its_file() -> None:
    engine = FakeEngine(message(1))
    assert found(engine, message(1), file=FakeFile()) == [TRUNCATED]
    assert engine.asked == []


def test_case_truncated_log_before_it_was_followed() -> None:
    assert found(FakeEngine(), message(1), file=FakeFile(truncated=False)) == [SILENT]


def test_a_reader_that_is_slow_is_not_deaf() -> None:
    file = FakeFile(truncated=False)
    engine = FakeEngine(message(2))
    assert found(engine, message(1), file=file, until=lambda: file.looks > 8, slow=True) == []
    ticks = iter(range(20))
    assert found(engine, message(1), until=lambda: next(ticks) > 10, slow=True) == []
    assert engine.asked == []


def test_case_truncated_log_by_api() -> None:
    assert found(FakeEngine(message(1), message(2)), message(1)) == [SILENT]


@pytest.mark.parametrize("how", ["tail_is_empty", "tail_fails"])
def test_an_engine_that_does_not_find_the_end_of_a_truncated_log(how: str) -> None:
    engine = FakeEngine(message(2))
    setattr(engine, how, True)
    assert found(engine, message(1)) == [SILENT]


def test_a_silent_log_is_well() -> None:
    engine = FakeEngine(message(1), message(2))
    assert found(engine, message(1), message(2), until=lambda: len(engine.asked) > 5) == []


def test_an_empty_log_is_well_unless_something_was_received() -> None:
    engine = FakeEngine()
    assert found(engine, until=lambda: len(engine.asked) > 5) == []
    assert found(engine, message(1)) == [SILENT]


def test_what_was_there_before_and_not_asked_for_says_nothing() -> None:
    engine = FakeEngine(message(1))
    assert found(engine, until=lambda: len(engine.asked) > 5) == []


def test_a_log_that_is_polled_gets_longer_pauses_where_polls_take_long() -> None:
    assert pause_after(0.001) == 1.0
    assert pause_after(1.0) == 3.0
    assert pause_after(100.0) == 6.0

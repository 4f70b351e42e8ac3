"""When a silent stream is taken for deaf: only if the log has what it does not bring."""

from __future__ import annotations

from typing import Any

import pytest

from lobtail.errors import ConnectionLostError, EngineStreamError
from lobtail.follow.ends import LAST_LINE
from lobtail.follow.steps import Read, Steps
from lobtail.follow.truncated import (
    GRACE,
    LOOK,
    PERIOD,
    SILENT,
    TRUNCATED,
    TruncationWatch,
    pause_after,
)
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from lobtail.model.resume import ResumeState
from lobtail.sources.base import LogRequest, Traits
from support.simulated import FakeStream, NoWorld, Simulation

LONG = 1000.0
"""So many seconds are enough for any look."""


def message(number: int) -> Record:
    return record_of(Stream.STDOUT, b"2026-01-01T00:00:00.%09dZ %d\n" % (number, number))


class Engine(NoWorld):
    """Answers requests without follow."""

    def __init__(self, *log: Record) -> None:
        self.log = list(log)
        self.asked: list[str] = []
        self.tail_is_empty = self.tail_fails = self.tail_hangs = self.ends_badly = False

    def open(self, request: LogRequest) -> FakeStream:
        self.asked.append(request.tail)
        if request.tail == "1" and self.tail_fails:
            return FakeStream(ConnectionLostError("no"))
        if request.tail == "1" and self.tail_hangs:
            return FakeStream()
        empty = not self.log or (request.tail == "1" and self.tail_is_empty)
        end = EngineStreamError("it is cut") if self.ends_badly else None
        return FakeStream(*([] if empty else [self.log]), end)


class File:
    """A file that is truncated before the third look, or grows with the fifth one."""

    def __init__(self, *, truncated: bool = True) -> None:
        self.looks = self.size = 0
        self._truncated = truncated

    def look(self) -> bool:
        self.looks += 1
        self.size += self.looks == 5
        return self._truncated and self.looks == 3


class Watched:
    """A stream that is watched, and what it has brought."""

    def __init__(
        self, engine: Engine, *received: Record, file: File | None = None, slow: bool = False
    ) -> None:
        self.memory = ResumeState()
        self.memory.add(list(received), 1 if received else None)
        self.simulation = Simulation(engine)
        self.stream = FakeStream()
        self.slow = slow
        self.watch = TruncationWatch(self.memory, self.simulation.clock, Traits(), file)

    def read(self) -> Steps[None]:
        batch: Any = None
        while (batch := (yield Read(self.stream))) is not None:
            if self.slow:  # whoever takes the lines: the stream waits for nothing
                yield Read(FakeStream())
            self.memory.add(batch, 2)

    def found(self) -> str:
        """Return why the stream was closed; nothing if it was not, for long."""
        self.simulation.at(LONG, lambda: self.stream.give(None))
        found = self.simulation.run(self.watch.over(self.stream, self.read()))
        assert self.stream.closed == bool(found)
        assert isinstance(found, str)
        return found


def found(engine: Engine, *received: Record, file: File | None = None) -> str:
    return Watched(engine, *received, file=file).found()


def test_case_truncated_log_in_its_file() -> None:
    engine = Engine(message(1))
    assert found(engine, message(1), file=File()) == TRUNCATED
    assert engine.asked == []


def test_case_truncated_log_before_it_was_followed() -> None:
    assert found(Engine(), message(1), file=File(truncated=False)) == SILENT


def test_a_file_that_was_truncated_since_the_last_look_when_the_stream_ends() -> None:
    file = File()
    file.looks = 2
    watched = Watched(Engine(), message(1), file=file)
    watched.simulation.at(LOOK / 2, lambda: watched.stream.give(None))
    assert watched.simulation.run(watched.watch.over(watched.stream, watched.read())) == TRUNCATED


@pytest.mark.parametrize("in_file", [True, False])
def test_a_reader_that_is_slow_is_not_deaf(in_file: bool) -> None:
    file = File(truncated=False) if in_file else None
    engine = Engine(message(2))
    watched = Watched(engine, message(1), file=file, slow=True)
    watched.stream.give([message(1)])
    watched.simulation.start(watched.watch.over(watched.stream, watched.read()))
    watched.simulation.run_until(LONG)
    assert not watched.stream.closed
    assert engine.asked == []
    assert file is None or file.looks > 8


def test_a_stream_that_brings_something_is_not_asked_about() -> None:
    engine = Engine(message(2))
    watched = Watched(engine, message(1))
    for second in range(int(LONG)):
        watched.simulation.at(second, lambda: watched.stream.give([message(1)]))
    assert watched.found() == ""
    assert engine.asked == []


def test_case_truncated_log_by_api() -> None:
    assert found(Engine(message(1), message(2)), message(1)) == SILENT


def test_what_is_on_its_way_comes_within_the_grace() -> None:
    engine = Engine(message(1), message(2))
    watched = Watched(engine, message(1))

    def ask(request: LogRequest) -> FakeStream:
        after = watched.simulation.now + GRACE / 2
        watched.simulation.at(after, lambda: watched.stream.give([message(2)]))
        return FakeStream(engine.log, None)

    engine.open = ask  # type: ignore[method-assign]
    assert watched.found() == ""


@pytest.mark.parametrize("how", ["tail_is_empty", "tail_fails", "tail_hangs", "ends_badly"])
def test_an_engine_that_does_not_find_the_end_of_a_truncated_log(how: str) -> None:
    engine = Engine(message(2))
    setattr(engine, how, True)
    assert found(engine, message(1)) == SILENT
    assert engine.asked.count("1") == 1


def test_an_engine_that_hangs_at_the_last_line_is_not_asked_for_it_again() -> None:
    engine = Engine(message(1))
    engine.tail_hangs = True
    watched = Watched(engine, message(1))
    assert watched.found() == ""
    assert engine.asked[:2] == ["1", "all"]
    assert set(engine.asked[2:]) == {"all"}
    assert watched.simulation.now >= LAST_LINE


def test_a_silent_log_is_well() -> None:
    engine = Engine(message(1), message(2))
    assert found(engine, message(1), message(2)) == ""
    assert 5 < len(engine.asked) <= LONG / PERIOD


def test_an_empty_log_is_well_unless_something_was_received() -> None:
    engine = Engine()
    assert found(engine) == ""
    assert len(engine.asked) > 5
    assert found(engine, message(1)) == SILENT


def test_what_was_there_before_and_not_asked_for_says_nothing() -> None:
    engine = Engine(message(1))
    assert found(engine) == ""
    assert len(engine.asked) > 5


def test_what_is_written_to_a_log_that_was_left_out_says_that_the_stream_is_deaf() -> None:
    engine = Engine(message(1))
    watched = Watched(engine)
    watched.simulation.at(LONG / 2, lambda: engine.log.append(message(2)))
    assert watched.found() == SILENT


def test_the_first_line_of_a_log_that_was_empty_says_that_the_stream_is_deaf() -> None:
    engine = Engine()
    watched = Watched(engine)
    watched.simulation.at(LONG / 2, lambda: engine.log.append(message(1)))
    assert watched.found() == SILENT


def test_a_log_that_is_polled_gets_longer_pauses_where_polls_take_long() -> None:
    assert pause_after(0.001) == 1.0
    assert pause_after(1.0) == 3.0
    assert pause_after(100.0) == 6.0

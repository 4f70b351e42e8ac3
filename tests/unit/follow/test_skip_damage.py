"""What stands behind a place that an engine cannot read is found, all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from lobtail.errors import EngineStreamError
from lobtail.follow import skip_damage as salvage
from lobtail.follow.skip_damage import (
    Behind,
    EndOfLog,
    end_of_log,
    read_behind_damage,
    take_unknown,
)
from lobtail.follow.steps import Pause, Steps
from lobtail.model.frames import Stream as LogStream
from lobtail.model.records import Record, record_of
from lobtail.model.resume import ResumeState, cost_of, keys_of
from lobtail.model.timestamps import format_rfc3339
from support.simulated import FakeStream, Simulation

T0 = 1_700_000_000_000_000_000
LOG = [
    record_of(LogStream.STDOUT, f"{format_rfc3339(T0 + i * 1000)} line {i}\n".encode())
    for i in range(300)
]


class Engine:
    """Reads a log with a place before `LOG[damage]` where it stops."""

    def __init__(self, damage: int, *, silent: bool) -> None:
        self.damage = damage
        self.silent = silent
        self.reads = 0

    def read(self, count: int) -> EndOfLog:
        self.reads += 1
        if max(0, len(LOG) - count) >= self.damage:
            return EndOfLog(LOG[-count:], clean=True)
        return EndOfLog(LOG[max(0, len(LOG) - count) : self.damage], clean=self.silent)


class Ends:
    """Gives ends of a log."""

    def __init__(self, read: Callable[[int], EndOfLog]) -> None:
        self._read = read

    def last(self, count: int) -> Steps[EndOfLog]:
        yield Pause(0)
        return self._read(count)


def salvaged(
    read: Callable[[int], EndOfLog], memory: ResumeState, before_ns: int, *, stuck: bool = False
) -> Behind | None:
    routine = read_behind_damage(cast("Any", Ends(read)), memory, before_ns, stuck=stuck)
    return cast("Behind | None", Simulation().run(routine))


def memory_of(messages: list[Record]) -> ResumeState:
    memory = ResumeState()
    memory.add(messages, T0)
    return memory


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("damage", [1, 2, 100, 172, 173, 299])
def test_all_that_is_behind_comes(damage: int, silent: bool) -> None:
    engine = Engine(damage, silent=silent)
    memory = memory_of(LOG[:damage])
    found = salvaged(engine.read, memory, T0 * 2)
    assert found == Behind(LOG[damage:])
    assert engine.reads < 20


def test_a_log_that_goes_on_is_not_damaged() -> None:
    engine = Engine(0, silent=True)
    for known in (300, 299, 250, 7):
        assert salvaged(engine.read, memory_of(LOG[:known]), 0) is None


def test_a_log_that_was_empty_is_not_damaged() -> None:
    engine = Engine(0, silent=True)
    assert salvaged(engine.read, ResumeState(), T0) is None


def test_an_empty_log_is_not_damaged() -> None:
    def read(count: int) -> EndOfLog:
        return EndOfLog([], clean=True)

    assert salvaged(read, ResumeState(), T0) is None


def test_damage_at_the_very_end_has_nothing_behind_it() -> None:
    def read(count: int) -> EndOfLog:
        return EndOfLog([], clean=False)

    assert salvaged(read, memory_of(LOG), 0) == Behind([], at_end=True)


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("at_end", [1, 2, 3, 4])
@pytest.mark.parametrize("damage", [1, 100, 173, 299, 300])
def test_what_stands_between_two_places_comes_though_one_is_at_the_very_end(
    damage: int, at_end: int, silent: bool
) -> None:
    def read(count: int) -> EndOfLog:
        first = max(0, len(LOG) - max(count - at_end, 0))
        if first >= damage:
            return EndOfLog(LOG[first:], clean=silent)
        return EndOfLog(LOG[first:damage], clean=silent)

    found = salvaged(read, memory_of(LOG[:damage]), T0 * 2)
    if damage == len(LOG):  # there is nothing between; a silent engine does not tell it at all
        assert found == (None if silent else Behind([], at_end=True))
    else:
        assert found == Behind(LOG[damage:], at_end=True)


def test_what_an_engine_reads_across_the_damage_comes_once() -> None:
    def read(count: int) -> EndOfLog:
        if count < 150:
            return EndOfLog(LOG[-count:], clean=True)
        return EndOfLog(LOG[90:100], clean=True) if count > 220 else EndOfLog(LOG[80:], clean=True)

    assert salvaged(read, memory_of(LOG[:100]), 0) == Behind(LOG[100:])


# --- logs that are too large to be held ---------------------------------------------------------


def stream_of(messages: list[Record], *, clean: bool = True) -> FakeStream:
    """Give messages in batches, and perhaps an error at the end."""
    stream = FakeStream(*(messages[i : i + 7] for i in range(0, len(messages), 7)))
    stream.give(None if clean else EngineStreamError("Error grabbing logs"))
    return stream


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "KEPT", 10 * cost_of(LOG[0]))


def read_end(messages: list[Record], known: ResumeState, *, clean: bool = True) -> EndOfLog:
    stream = stream_of(messages, clean=clean)
    end = Simulation().run(end_of_log(stream, None, known.counts()))
    assert stream.closed
    return cast("EndOfLog", end)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("clean", [True, False])
def test_case_engine_damage_only_the_first_messages_are_held(clean: bool) -> None:
    end = read_end(LOG, memory_of(LOG[290:]), clean=clean)
    assert len(end.messages) <= 11
    assert (end.count, end.last, end.met, end.clean) == (300, LOG[-1], True, clean)
    assert not read_end(LOG, memory_of([])).met
    assert read_end(LOG, memory_of([])).lines == 300 - len(end.messages)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("damage", [1, 2, 100, 173, 299])
def test_case_engine_damage_the_rest_is_read_once_more(damage: int, silent: bool) -> None:
    engine = Engine(damage, silent=silent)
    known = memory_of(LOG[:damage])

    def read(count: int) -> EndOfLog:
        end = engine.read(count)
        return read_end(end.messages, known, clean=end.clean)

    found = salvaged(read, known, T0 * 2)
    assert found is not None
    shown = list(found.messages)
    assert len(shown) <= 11
    if found.rest:
        again = known.counts()
        again.update(keys_of(shown))
        # Two more have been written since.
        later = (f"{format_rfc3339(T0 * 2 + i)} new\n".encode() for i in (1, 2))
        grown = [*LOG, *(record_of(LogStream.STDOUT, payload) for payload in later)]
        shown += take_unknown(grown[-found.rest :], again)
        assert shown == grown[damage:]
    else:
        assert shown == LOG[damage:]


@pytest.mark.usefixtures("small")
def test_an_error_behind_all_that_there_is_ends_the_search() -> None:
    reads = []

    def read(count: int) -> EndOfLog:
        reads.append(count)
        whole = count >= 200
        return read_end(LOG[-min(count, 200) :], ResumeState(), clean=not whole)

    found = salvaged(read, memory_of(LOG[:100]), 0)
    assert found is not None
    assert (found.rest, reads[-1]) == (200, 256)

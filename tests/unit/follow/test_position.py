"""A reader that goes on where an earlier one was stopped: each line once, and what has happened."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.follow.intake import UNMET
from lobtail.follow.machine import LogMachine
from lobtail.follow.options import FollowOptions
from lobtail.follow.position import KnownLines, LogPosition, Positions, Reached
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line, Removed, Started, Stopped
from support.chance import examples
from support.engine_model import DOCKER, PODMAN, WEB, EngineModel, words
from support.simulated import T0


def line(text: str, seconds: float, stream: Stream = Stream.STDOUT, **more: Any) -> Line:
    return Line(WEB, stream, T0 + round(seconds * 1e9), text.encode(), **more)


class Reader:
    """A program that takes items, may be killed, and begins again with what it has saved."""

    def __init__(self, engine: EngineModel, options: FollowOptions | None = None) -> None:
        self.engine = engine
        self.options = options or FollowOptions()
        self.saved = b""
        self.taken: list[Item] = []
        engine.simulation.run_until(max(engine.simulation.clock.seconds, 0.05))
        self.begin()

    def begin(self) -> None:
        simulation = self.engine.simulation
        self.positions = Positions.load(self.saved)
        self.machine = LogMachine(
            self.engine._container(),
            WEB,
            self.options,
            self.engine.traits,
            simulation.clock,
            position=self.positions.logs.get(WEB.id),
        )
        self.engine.machine = self.machine
        simulation.items.clear()
        self.task = simulation.start(self.machine.run())

    def take(self, count: int | None = None) -> None:
        """Take so many of the items that are there, and save."""
        items = self.engine.simulation.items
        taken = items[:count]
        del items[:count]
        self.taken += taken
        self.positions.note(taken)
        waiting = next((item.time_ns for item in items if item.time_ns is not None), None)
        self.saved = self.positions.save([self.machine.reached(waiting)], 0)

    def kill(self) -> None:
        self.task.close()
        self.engine.machine = None

    def stop_and_go_on(self, away: float = 0.0) -> None:
        self.kill()
        simulation = self.engine.simulation
        simulation.run_until(simulation.clock.seconds + away)
        self.begin()

    def finish(self, until: float = 60) -> list[Item]:
        """Take all that comes until then; return all that was taken."""
        self.engine.simulation.run_until(until)
        self.take()
        return self.taken


def reading(engine: EngineModel) -> Reader:
    """Return a reader that has taken all there was in the first second, and was killed."""
    reader = Reader(engine)
    engine.simulation.run_until(1)
    reader.take()
    reader.kill()
    return reader


def texts(items: list[Item]) -> list[str]:
    return [item.text for item in items if isinstance(item, Line)]


@pytest.mark.parametrize("traits", [DOCKER, PODMAN])
@pytest.mark.parametrize("stop", [0.4, 1.5, 2.05, 2.5, 4.5])
def test_each_line_comes_once_whenever_it_is_stopped(stop: float, traits: Any) -> None:
    engine = EngineModel(traits)
    engine.start(0)
    for i in range(8):
        engine.write(i / 2, f"one {i}", f"two {i}")
    reader = Reader(engine)
    engine.simulation.run_until(stop)
    reader.take()
    reader.stop_and_go_on(away=1)
    assert texts(reader.finish()) == [f"{word} {i}" for i in range(8) for word in ("one", "two")]
    assert not [item for item in reader.taken if isinstance(item, Gap)]


def test_what_was_on_its_way_comes_again() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, *(f"line {i}" for i in range(9)))
    reader = Reader(engine)
    engine.simulation.run_until(1)
    reader.take(4)
    reader.stop_and_go_on()
    assert texts(reader.finish(20)) == [f"line {i}" for i in range(9)]


def test_a_container_of_which_no_line_was_taken_yet() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.01, "old")
    reader = Reader(engine, FollowOptions(tail="0"))
    engine.simulation.run_until(1)
    reader.take()
    reader.kill()
    engine.write(2, "new")
    engine.simulation.run_until(3)
    reader.begin()
    assert texts(reader.finish(20)) == ["new"]


def test_lines_that_were_asked_for_and_not_taken_come_again() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.01, *(f"old {i}" for i in range(5)))
    engine.write(0.02, "first", "second")
    reader = Reader(engine, FollowOptions(tail="2"))
    engine.simulation.run_until(1)
    reader.take(0)
    reader.stop_and_go_on(away=1)
    assert texts(reader.finish()) == ["first", "second"]


def test_a_history_that_has_not_been_read_is_read_as_it_was_asked_for() -> None:
    engine = EngineModel(latency=lambda: 5)
    engine.start(0)
    engine.write(0.01, "old", "last")
    reader = Reader(engine, FollowOptions(tail="1"))
    engine.simulation.run_until(1)
    reader.take()
    reader.stop_and_go_on()
    assert texts(reader.finish(60)) == ["last"]


def test_a_restart_meanwhile_stands_between_the_lines_of_the_runs() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    reader = reading(engine)
    engine.write(1.5, "two")
    engine.die(2, 3)
    engine.start(3)
    engine.write(3.1, "three")
    engine.simulation.run_until(4)
    reader.begin()
    assert words(reader.finish(20)) == ["one", "two", "stopped 2 code None", "started 3", "three"]


def test_an_end_meanwhile_is_told_with_its_exit_code() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    reader = reading(engine)
    engine.write(1.5, "two")
    engine.die(2, 3)
    engine.simulation.run_until(4)
    reader.begin()
    assert words(reader.finish(20)) == ["one", "two", "stopped 2 code 3"]
    reader.stop_and_go_on(away=1)
    assert words(reader.finish(40)) == ["one", "two", "stopped 2 code 3"], "it is told once"


def test_a_log_that_was_rotated_away_meanwhile_is_a_gap() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    reader = reading(engine)
    engine.write(5, "lost", "kept")
    engine.rotate(5.1, 1)
    engine.simulation.run_until(6)
    reader.begin()
    assert words(reader.finish(20)) == ["one", f"gap: {UNMET}", "kept"]


def test_no_gap_is_told_of_what_is_older_than_asked_for() -> None:
    engine = EngineModel()
    engine.start(0)
    engine.write(0.1, "one")
    reader = reading(engine)
    engine.write(5, "two", "three")
    engine.write(7, "four")
    engine.simulation.run_until(8)
    reader.options = FollowOptions(since=T0 + 6 * 10**9)
    reader.begin()
    assert words(reader.finish(20)) == ["one", "four"]


def test_a_line_that_was_taken_before_its_end_is_gone_on_with() -> None:
    position = LogPosition(WEB)
    position.note([line("begun ", 1, unterminated=True)])
    known = KnownLines(position)
    assert texts([*known.filter([line("begun and ended", 1), line("next", 2)])]) == [
        "and ended",
        "next",
    ]


def test_equal_lines_come_as_often_as_they_were_not_taken() -> None:
    position = LogPosition(WEB)
    position.note([line("same", 1), line("same", 1), line("same", 1, Stream.STDERR)])
    known = KnownLines(position)
    again = [line("same", 1)] * 4 + [line("same", 1, Stream.STDERR)] * 2
    assert [each.stream for each in known.filter(again)] == [
        Stream.STDOUT,
        Stream.STDOUT,
        Stream.STDERR,
    ]


def test_marks_tell_of_the_run() -> None:
    positions = Positions()
    positions.note([Started(WEB, 5), line("one", 1), Stopped(WEB, 6, 0)])
    assert (positions.logs[WEB.id].run_ns, positions.logs[WEB.id].is_over) == (5, True)
    positions.note([Removed(WEB, 7)])
    assert not positions.logs


def test_it_is_saved_and_loaded() -> None:
    other = ContainerRef("b" * 64, "db", labels={"a": "b"}, host="far")
    positions = Positions()
    positions.note([line("one", 1), line("begun", 2, unterminated=True)])
    saved = positions.save([Reached(WEB, 1, 2, False), Reached(other, 3, 4, True)], 99)
    loaded = Positions.load(saved)
    assert loaded.saved_ns == 99
    assert [*loaded.logs] == [WEB.id, other.id]
    assert loaded.logs[other.id].container == other
    assert (loaded.logs[other.id].from_ns, loaded.logs[other.id].is_over) == (3, True)
    assert loaded.logs[WEB.id].begun == {Stream.STDOUT: (T0 + 2 * 10**9, b"begun")}
    assert loaded.save([], 99) == saved


@given(st.binary(max_size=200))
def test_what_was_not_saved_is_no_position(data: bytes) -> None:
    if data:
        with pytest.raises(ConfigError, match="this is no position"):
            Positions.load(data)


def test_of_another_version() -> None:
    with pytest.raises(ConfigError, match="version 2"):
        Positions.load(msgspec.msgpack.encode([2, 0, []]))


WRITES = st.lists(
    st.tuples(st.floats(0.001, 3), st.lists(st.booleans(), min_size=1, max_size=4), st.booleans()),
    min_size=1,
    max_size=12,
)
STOPS = st.lists(st.tuples(st.floats(0.01, 4), st.integers(0, 30), st.floats(0, 3)), max_size=5)


@settings(max_examples=examples(300))
@given(WRITES, STOPS, st.booleans(), st.sampled_from([DOCKER, PODMAN]))
def test_each_line_comes_once_through_any_stops(
    writes: list[tuple[float, list[bool], bool]],
    stops: list[tuple[float, int, float]],
    latched: bool,
    traits: Any,
) -> None:
    engine = EngineModel(msgspec.structs.replace(traits, latched=latched))
    engine.start(0)
    now, truth, number = 0.5, [], 0
    for pause, streams, same in writes:
        now += pause
        for err in streams:
            text = "same" if same else f"line {number}"
            number += 1
            engine.write(now, text, err=err)
            truth.append((err, text))
    engine.simulation.run_until(0.4)
    reader = Reader(engine)
    for after, count, away in stops:
        engine.simulation.run_until(engine.simulation.clock.seconds + after)
        reader.take(count)
        reader.stop_and_go_on(away)
    engine.simulation.run_until(200)
    reader.take()
    taken = [(i.stream is Stream.STDERR, i.text) for i in reader.taken if isinstance(i, Line)]
    for err in (False, True):
        assert [each for each in taken if each[0] is err] == [e for e in truth if e[0] is err]
    assert not [item for item in reader.taken if isinstance(item, Gap)]

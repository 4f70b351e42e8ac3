"""What `docker logs -f` shows: records to the end of the run, each once; a cut is the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lobtail.errors import ConnectionLostError, EngineError, EngineStreamError, LogFileError
from lobtail.files.records import MissingRecords
from lobtail.follow.raw import ROTATED, RawLog
from lobtail.follow.steps import Read, Steps
from lobtail.follow.truncated import SILENT, TRUNCATED
from lobtail.model.items import Gap
from lobtail.model.records import Record
from lobtail.sources.base import LogRequest
from support.engine_model import CUT, DOCKER, WEB, EngineModel
from support.records import sent
from support.simulated import T0, FakeStream

DAMAGE = "gap: 7 bytes of /log at 0 hold no record: this is no record"


def shown(item: Record | Gap) -> str:
    if isinstance(item, Gap):
        return f"gap: {item.reason}"
    return sent(item).partition(b" ")[2].decode().removesuffix("\n")


class Reading:
    """A raw log of an engine, read from second 0.5 on."""

    def __init__(self, engine: EngineModel, *, files_serve: bool = False, **wanted: Any) -> None:
        self.engine = engine
        engine.simulation.run_until(0.5)
        self.log = RawLog(
            WEB,
            LogRequest(follow=True, **wanted),
            engine.traits,
            engine.simulation.clock,
            files_serve=files_serve,
        )

    def run(self, routine: Callable[[RawLog], Steps[None]]) -> list[str]:
        self.engine.simulation.run(routine(self.log))
        return self.shown

    @property
    def shown(self) -> list[str]:
        return [shown(item) for item in self.engine.simulation.items]


def engine_of(*, files: bool = False, latched: bool = True) -> EngineModel:
    """Return one that writes `zero` before the reading, `one` during it, and ends at 100."""
    traits = msgspec.structs.replace(DOCKER, latched=latched)
    engine = EngineModel(traits, files=files)
    engine.start(0)
    engine.write(0.1, "zero")
    engine.write(1, "one")
    engine.die(100)
    return engine


def test_it_is_followed_to_the_end_of_the_run() -> None:
    assert Reading(engine_of()).run(RawLog.from_api) == ["zero", "one"]
    assert Reading(engine_of(), tail="0").run(RawLog.from_api) == ["one"]
    assert Reading(engine_of(), since=T0 + 10**9).run(RawLog.from_api) == ["one"]


def test_a_cut_is_the_end_and_an_error() -> None:
    engine = engine_of()
    engine.cut(2, ConnectionLostError(CUT))
    reading = Reading(engine)
    with pytest.raises(ConnectionLostError):
        reading.run(RawLog.from_api)
    assert reading.shown == ["zero", "one"]


def test_damage_is_the_end_and_an_error() -> None:
    engine = engine_of()
    engine.damage(2)
    reading = Reading(engine)
    with pytest.raises(EngineStreamError):
        reading.run(RawLog.from_api)
    assert reading.shown == ["zero", "one"]


# --- behind files -------------------------------------------------------------------------------


def behind(reading: Reading) -> list[str]:
    """Show the files, as the command does, and go on behind them by the API."""

    def routine(log: RawLog) -> Steps[None]:
        files = reading.engine.open_files(False)
        stream = yield from log.open_behind(files)
        while (batch := (yield Read(held))) is not None:
            reading.engine.simulation.items.extend(batch)
        yield from log.join(stream)

    held = reading.engine.open_files(False).held(reading.log._wanted)
    return reading.run(routine)


@pytest.mark.parametrize("latched", [True, False])
def test_what_follows_is_joined_to_what_files_hold(latched: bool) -> None:
    assert behind(Reading(engine_of(files=True, latched=latched))) == ["zero", "one"]


def test_what_files_hold_is_older_than_what_is_wanted() -> None:
    reading = Reading(engine_of(files=True), since=T0 + 3 * 10**9)
    reading.engine.write(4, "two")
    assert behind(reading) == ["two"]


def test_files_that_hold_nothing() -> None:
    engine = EngineModel(files=True)
    engine.start(0)
    engine.write(1, "one")
    engine.die(2)
    assert behind(Reading(engine)) == ["one"]


def test_a_log_that_was_rotated_between_the_two_is_a_gap() -> None:
    engine = engine_of(files=True)
    reading = Reading(engine)

    def routine(log: RawLog) -> Steps[None]:
        stream = yield from log.open_behind(engine.open_files(False))
        stream.close()
        engine.log.clear()
        yield from log.go_on_by_api()

    assert reading.run(routine) == [f"gap: {ROTATED}", "one"]


# --- in files -----------------------------------------------------------------------------------


def in_files(log: RawLog, engine: EngineModel) -> Steps[None]:
    return log.follow(engine.open_files(True))


def test_what_is_written_to_files_is_followed_to_the_end_of_the_run() -> None:
    engine = engine_of(files=True)
    engine.damage(2)
    engine.write(3, "two")
    assert Reading(engine).run(lambda log: in_files(log, engine)) == ["one", DAMAGE, "two"]


def test_a_container_that_is_gone_is_the_end() -> None:
    engine = engine_of(files=True)
    engine.remove(2)
    assert Reading(engine).run(lambda log: in_files(log, engine)) == ["one"]


def test_what_files_have_lost_is_a_gap_and_an_engine_that_refuses_is_an_error() -> None:
    reading = Reading(engine_of())
    record = reading.engine.log[0].record

    class Files:
        def live(self, request: LogRequest) -> FakeStream:
            return FakeStream(
                [record], MissingRecords("/log", "it is lost"), EngineError(500, "no")
            )

    files: Any = Files()
    with pytest.raises(EngineError, match="no"):
        reading.run(lambda log: log.follow(files))
    assert reading.shown == ["zero", "gap: it is lost"]


def test_the_api_goes_on_where_files_cannot_be_read_on() -> None:
    engine = engine_of(files=True)
    reading = Reading(engine)

    def routine(log: RawLog) -> Steps[None]:
        files = engine.open_files(True)
        files.live = lambda request: FakeStream(
            [each.record for each in engine.log], LogFileError("it is gone")
        )
        try:
            yield from log.follow(files)
        except LogFileError:
            yield from log.go_on_by_api()

    assert reading.run(routine) == ["zero", "one"]


# --- truncated ----------------------------------------------------------------------------------


def truncated(*, files: bool) -> EngineModel:
    engine = engine_of(files=files)
    engine.truncate(10)
    engine.write(10.5, "two")
    engine.write(70, "three")
    return engine


@pytest.mark.parametrize("serve", [True, False])
@pytest.mark.parametrize("files", [True, False])
def test_a_truncated_log_is_read_in_its_file_or_polled(serve: bool, files: bool) -> None:
    reading = Reading(truncated(files=files), files_serve=serve)
    assert reading.run(RawLog.from_api) == ["zero", "one", f"gap: {SILENT}", "two", "three"]


def test_a_truncated_log_whose_file_is_watched() -> None:
    reading = Reading(truncated(files=True), files_serve=True)
    assert behind(reading) == ["zero", "one", f"gap: {TRUNCATED}", "two", "three"]


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize("since", [None, T0 + 10**9])
def test_a_log_that_is_truncated_before_anything_came(files: bool, since: int | None) -> None:
    engine = EngineModel(files=files)
    engine.start(0)
    engine.write(0.1, "old")
    engine.truncate(3)
    engine.write(5, "one")  # says that the stream is deaf
    engine.write(80, "two")
    engine.die(100)
    reading = Reading(engine, files_serve=True, tail="0" if since is None else "all", since=since)
    assert reading.run(RawLog.from_api) == [f"gap: {SILENT}", "one", "two"]

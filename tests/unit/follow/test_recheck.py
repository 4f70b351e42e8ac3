"""When a log is looked at again, and what is made of it."""

from __future__ import annotations

from typing import Any, cast

from lobtail.errors import ConnectionLostError, EngineError
from lobtail.follow.intake import ROTATED, Intake
from lobtail.follow.opening import LogStreams
from lobtail.follow.options import FollowOptions
from lobtail.follow.recheck import (
    CALM,
    IDLE,
    MARGIN,
    PAUSE,
    PERIOD,
    SHARE,
    SOON,
    HalfLineRecheck,
    Recheck,
    RotationRecheck,
    recheck_of,
)
from lobtail.follow.steps import Pause, Steps
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line
from lobtail.model.records import Record, record_of
from lobtail.model.timestamps import format_rfc3339
from lobtail.sources.base import LogRequest, Traits
from support.records import sent
from support.simulated import FakeStream, NoWorld, Simulation

S = 1_000_000_000
T0 = 1_767_225_600 * S
LOG = [record_of(Stream.STDOUT, b"2026-01-01T00:00:0%dZ line %d\n" % (i, i)) for i in range(10)]
WEB = ContainerRef("a" * 64, "web")


class Log(NoWorld):
    """What the engine shows, and when it was asked for what."""

    def __init__(self, shown: list[Record], *refusals: Exception) -> None:
        self.shown = shown
        self.end = shown
        """What it shows of the last lines."""
        self.refusals = list(refusals)
        self.asked: list[tuple[float, str, int | None]] = []
        self.simulation = Simulation(self, latency=lambda: self.latency)
        self.latency = 0.0
        self.clock = self.simulation.clock
        self.intake = Intake(WEB, self.clock)
        self.memory = self.intake.memory

    def open(self, request: LogRequest) -> FakeStream:
        self.asked.append((self.simulation.now, request.tail, request.since))
        if self.refusals:
            raise self.refusals.pop(0)
        return FakeStream(self.shown if request.tail == "all" else self.end, None)

    @property
    def times(self) -> list[float]:
        return [round(seconds, 3) for seconds, _, _ in self.asked]

    @property
    def found(self) -> list[Item]:
        return self.simulation.items

    @property
    def lines(self) -> list[bytes]:
        return [item.raw for item in self.found if isinstance(item, Line)]

    def make(self, kind: Any, *more: Any, proven: int | None = T0) -> Recheck:
        streams = LogStreams(self.clock)
        recheck = kind(self.intake, streams, FollowOptions(), self.clock, *more)
        recheck.begin(proven)
        self.simulation.start(recheck.watch())
        return cast("Recheck", recheck)

    def receive(self, recheck: Recheck, size: int, at: float = 0.0) -> None:
        self.simulation.at(at, lambda: self.simulation.start(recheck.received(size)))

    def remember(self, messages: list[Record], newest_ns: int) -> None:
        self.memory.whole_seconds = True
        self.memory.add(messages, newest_ns)


# --- Podman, whose reader takes half a line for the whole ---------------------------------------


def test_what_was_left_out_is_found_soon() -> None:
    log = Log(LOG)
    recheck = log.make(HalfLineRecheck)
    log.remember([*LOG[1:4], *LOG[6:8]], T0 + 7 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    # What is younger is on its way; what is older was there.
    assert log.lines == [b"line 4", b"line 5"]
    assert log.asked == [(SOON, str(5 + MARGIN), None), (SOON, "all", T0 - 3 * S)]
    assert log.found[0] == Gap(WEB, None, "the engine left out 2 messages; they come here")


def test_a_log_that_came_whole_is_read_from_its_end_alone() -> None:
    log = Log(LOG)
    recheck = log.make(HalfLineRecheck)
    log.remember(LOG[1:], T0 + 9 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    assert (len(log.asked), log.found) == (1, [])


def test_pieces_that_come_out_wrong_are_not_missing() -> None:
    log = Log(LOG)
    log.end = [
        *LOG[:2],
        record_of(Stream.STDOUT, sent(LOG[2])[:-1] + b"and its pieces\n"),
        *LOG[3:],
    ]
    recheck = log.make(HalfLineRecheck)
    log.remember(LOG[1:], T0 + 9 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    assert (len(log.asked), log.found) == (2, [])


def test_a_log_whose_end_is_not_shown_is_read_whole() -> None:
    log = Log(LOG, EngineError(500, "a half-written line"))
    recheck = log.make(HalfLineRecheck)
    log.remember([LOG[1], LOG[3]], T0 + 3 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    assert log.lines == [b"line 2"]
    assert len(log.asked) == 2


def test_a_container_that_is_gone_is_not_looked_at_again() -> None:
    log = Log(LOG, EngineError(404, "gone"))
    recheck = log.make(HalfLineRecheck)
    log.remember([LOG[1], LOG[3]], T0 + 3 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    assert (len(log.asked), log.found) == (1, [])


def test_a_busy_log_is_looked_at_soon_but_not_often() -> None:
    log = Log(LOG)
    recheck = log.make(HalfLineRecheck)
    log.remember(LOG[1:], T0 + 9 * S)
    for tenth in range(250):
        log.receive(recheck, 100, tenth / 10)
    log.simulation.run_until(25)
    assert log.times == [SOON, SOON + PERIOD, SOON + 2 * PERIOD]


def test_a_log_that_takes_long_to_be_read_whole_is_looked_at_less_often() -> None:
    log = Log(LOG)
    log.latency = 2.0
    recheck = log.make(HalfLineRecheck)
    log.remember([*LOG[1:4], *LOG[5:]], T0 + 9 * S)
    for second in range(100):
        log.receive(recheck, 100, float(second))
    log.simulation.run_until(99)
    assert log.times[:2] == [SOON, SOON + 2]
    assert log.times[2] == SOON + 2 * SHARE


def test_a_look_is_repeated_when_the_connection_breaks() -> None:
    log = Log(LOG, ConnectionLostError("cut"), ConnectionLostError("cut"))
    recheck = log.make(HalfLineRecheck)
    log.remember([*LOG[1:4], *LOG[5:]], T0 + 9 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(60)
    assert log.lines == [b"line 4"]


def test_the_end_of_a_run_waits_for_a_look_that_has_begun_and_looks_once_more() -> None:
    log = Log(LOG)
    log.latency = 0.5
    recheck = log.make(HalfLineRecheck)
    log.remember(LOG[1:], T0 + 9 * S)
    log.receive(recheck, 100)
    log.receive(recheck, 100, SOON + 0.1)
    ended: list[float] = []

    def end() -> Steps[None]:
        yield Pause(SOON + 0.2)
        yield from recheck.look()
        ended.append(log.simulation.now)

    log.simulation.start(end())
    log.simulation.run_until(5)
    assert log.times == [SOON, SOON + 0.5]
    assert ended == [SOON + 1.0]


# --- Docker, whose follow streams lose what is rotated too fast ---------------------------------

SIZE = 10_000
"""A small file."""
LARGE = 10_000_000
FINE = [
    record_of(Stream.STDOUT, f"{format_rfc3339(T0 + i * S)} line {i}\n".encode()) for i in range(10)
]


def test_a_silent_log_with_small_files_is_looked_at() -> None:
    log = Log(FINE)
    recheck = log.make(RotationRecheck, SIZE)
    log.memory.add([*FINE[:4], *FINE[6:]], T0 + 9 * S)
    for tenth in (0.0, 0.2, 0.4):
        log.receive(recheck, 100, tenth)
    log.simulation.run_until(60)
    assert log.times == [round(0.4 + IDLE, 3)]
    assert log.asked[0][1:] == ("all", None)
    assert log.lines == [b"line 4", b"line 5"]


def test_a_log_that_is_rotated_fast_is_looked_at_at_once() -> None:
    log = Log(FINE)
    recheck = log.make(RotationRecheck, SIZE)
    log.memory.add(FINE, T0 + 9 * S)
    for i in range(4):
        log.receive(recheck, SIZE // 2, i / 100)
    log.simulation.run_until(0.04)
    assert log.times == [0.0]
    log.simulation.run_until(60)
    # Between two looks there is a pause; the last comes with the silence.
    assert log.times[1] == PAUSE
    assert log.found == []


def test_a_log_with_large_files_is_read_from_where_it_was_looked_at() -> None:
    log = Log(FINE)
    recheck = log.make(RotationRecheck, LARGE, proven=T0 + 3 * S)
    log.memory.add([*FINE[:5], *FINE[6:]], T0 + 9 * S)
    log.receive(recheck, 100)
    log.simulation.run_until(10)
    assert log.asked == []  # nothing can be lost of so little
    log.receive(recheck, LARGE // 4, 10.0)
    log.simulation.run_until(60)
    assert log.asked == [(10.0, "all", T0 + 1 * S)]
    assert log.lines == [b"line 5"]


def test_a_calm_log_with_large_files_is_taken_for_whole() -> None:
    log = Log(FINE)
    recheck = log.make(RotationRecheck, LARGE)
    log.memory.add(FINE, T0 + 9 * S)
    log.receive(recheck, 100)
    log.receive(recheck, 100, CALM + 0.1)
    log.simulation.run_until(5)
    log.receive(recheck, LARGE // 4, 5.0)
    log.simulation.run_until(60)
    assert log.asked == [(5.0, "all", T0 + 7 * S)]


def test_where_nothing_is_left_of_what_was_looked_at_there_is_a_gap() -> None:
    log = Log(FINE[5:])
    recheck = log.make(RotationRecheck, SIZE, proven=T0 + 3 * S)
    log.memory.add([*FINE[:4], *FINE[6:]], T0 + 9 * S)
    log.receive(recheck, SIZE)
    log.simulation.run_until(60)
    assert log.found[0] == Gap(WEB, None, ROTATED)
    assert log.lines == [b"line 5"]


def test_what_is_found_waits_for_what_is_at_hand() -> None:
    log = Log(FINE)
    recheck = log.make(RotationRecheck, SIZE)
    log.memory.add(FINE[:8], T0 + 7 * S)
    log.simulation.start(log.intake.set_busy(True))
    log.receive(recheck, SIZE)
    log.simulation.run_until(1)

    def receive() -> Steps[None]:
        yield from log.intake.receive(FINE[8:])
        yield from log.intake.set_busy(False)

    log.simulation.start(receive())
    log.simulation.run_until(60)
    assert log.lines == [b"line 8", b"line 9"]  # once


def test_which_logs_are_looked_at_again() -> None:
    log = Log([])

    def of(traits: Traits) -> Recheck | None:
        streams = LogStreams(log.clock)
        return recheck_of(traits, log.intake, streams, FollowOptions(), log.clock)

    assert of(Traits()) is None
    assert of(Traits(on_files=True, max_size=SIZE)) is None
    assert isinstance(of(Traits(half_lines=True, podman=True)), HalfLineRecheck)
    assert isinstance(of(Traits(rotates=True, max_size=SIZE)), RotationRecheck)

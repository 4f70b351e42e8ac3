"""Any log, cut anywhere, by any engine: every byte once, in order, and every run told of exactly.

A case is read from bytes, so that Hypothesis draws one thing for each, and can make it smaller.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lobtail.errors import ConnectionLostError
from lobtail.model.frames import Stream
from lobtail.model.items import Gap, Item, Line, Removed, Started, Stopped
from lobtail.sources.base import Traits
from support.chance import examples
from support.engine_model import CUT, DOCKER, PODMAN, WEB, EngineModel
from support.simulated import T0

NOT_LATCHED = msgspec.structs.replace(DOCKER, latched=False)

US = 1_000
MS = 1_000_000
S = 1_000_000_000

# How long after the last record the next one is written: mostly in one burst.
PAUSES = (0, 0, 0, 2 * US, 2 * US, MS, 40 * MS, 350 * MS, 1100 * MS, 2500 * MS)
# How far back a stamp lies behind what is written: streams are stamped by goroutines of their own.
BACK = (0, 0, 0, US, 3 * US, 7 * US)
LATENCIES = (0.0005, 0.002, 0.02, 0.15)
EVENTS = (-0.02, 0.005, 0.03, 0.09)
PODMANS_EVENTS = (0.05, 0.1)
STATES = (0.0, 0.01, 0.1)
# Between two runs: of a restart policy, and by hand.
STOPPED = (100 * MS, 400 * MS, 3000 * MS)

# Gaps that say that something takes long, not that something is missing.
WAITING = ("still trying", "no answer from the engine")

Told: TypeAlias = "list[dict[Stream, bytes] | Item]"


class Dice:
    """Throws what the bytes of a case say; ones that are missing are 0."""

    def __init__(self, data: bytes) -> None:
        self._next = iter(data).__next__

    def below(self, sides: int) -> int:
        try:
            return self._next() % sides
        except StopIteration:
            return 0

    def pick(self, values: tuple[float, ...]) -> float:
        return values[self.below(len(values))]


class Case:
    """An engine with a log, and what is to be told of it."""

    def __init__(self, data: bytes, traits: Traits | None = None) -> None:
        dice = self._dice = Dice(data)
        self.traits = traits or (NOT_LATCHED, DOCKER)[dice.below(2)]
        latency = LATENCIES[dice.below(len(LATENCIES))]
        self.engine = EngineModel(self.traits, latency=lambda: latency)
        self.engine.batch = (1, 2, 3, 100)[dice.below(4)]
        self.engine.cuts = {1 + dice.below(8): dice.below(6) for _ in range(dice.below(6))}
        self.truth: Told = []
        self._stamps = {Stream.STDOUT: 0, Stream.STDERR: 0}
        self._number = 0
        self._gave_up = False
        now = 0
        runs = 1 + dice.below(3)
        for run in range(runs):
            began = now
            now = self._run(run, now)
            if not run:  # some of the first run is history
                self.begin = dice.below(4) * now / S / 4
            for _ in range(dice.below(3)):
                self._cut(began, now)
            if run < runs - 1:
                now += int(dice.pick(STOPPED))
        self.removed = now / S + 8  # late enough for all that is cut to be read again
        self.engine.remove(self.removed)
        self.truth.append(Removed(WEB, T0 + round(self.removed * 1e9)))

    def found(self) -> Told:
        """Return what was told in the end."""
        return told(self.engine.items(begin=self.begin, until=self.removed + 60))

    def check(self) -> None:
        assert self.found() == self.truth

    def _run(self, run: int, began: int) -> int:
        """Have a run; return when it was over."""
        dice, engine = self._dice, self.engine
        if run:
            self.truth.append(Started(WEB, T0 + began))
        engine.start(began / S, event=self._event_of_start, noted=0.0)
        written: dict[Stream, bytes] = defaultdict(bytes)
        now = began + MS
        for _ in range(dice.below(9)):
            now += int(dice.pick(PAUSES))
            self._write(now, written)
        now += 300 * MS
        if dice.below(2):
            # An unterminated end, which comes with the end of the run; old engines lose it.
            stream = Stream.STDOUT
            text = b"half %d" % run
            live = self.traits is not NOT_LATCHED
            engine.add(now / S, [engine.record(self._stamp(stream, now), text, stream, live)])
            written[stream] += text
        ended = now + MS
        event = dice.pick(PODMANS_EVENTS if self.traits.podman else EVENTS)
        state = dice.pick(STATES)
        engine.die(ended / S, run, event=event, state=state)
        self._event_of_start = max(0.01, event)
        if written:
            self.truth.append(dict(written))
        self.truth.append(Stopped(WEB, T0 + ended, run))
        return ended

    _event_of_start = 0.01

    def _write(self, now: int, written: dict[Stream, bytes]) -> None:
        dice, engine = self._dice, self.engine
        kind = dice.below(8)
        stream = Stream.STDERR if kind & 1 else Stream.STDOUT
        time_ns = self._stamp(stream, now - int(dice.pick(BACK)))
        self._number += 1
        if kind < 2:  # equal to others
            texts = [b"same\n"]
        elif kind < 4:
            # Pieces of a long line, equal to each other. Those of two lines are not: where both
            # have one stamp as well, a cut may put pieces of the second behind its end.
            piece = b"piece of %d" % self._number
            texts = [piece, piece, b"%d\n" % self._number]
        else:
            texts = [b"%d\n" % self._number]
        engine.add(now / S, [engine.record(time_ns, text, stream) for text in texts])
        written[stream] += b"".join(texts)

    def _stamp(self, stream: Stream, now: int) -> int:
        """Within a stream stamps do not go back."""
        self._stamps[stream] = max(self._stamps[stream], now)
        return T0 + self._stamps[stream]

    def _cut(self, began: int, ended: int) -> None:
        dice = self._dice
        at = (began + (ended - began) * dice.below(64) // 64) / S
        kind = dice.below(4)
        if kind == 0:
            self.engine.leave(at, at + 0.2)
        elif kind == 1 and not self._gave_up:
            # Twice without anything new would be taken for a place that cannot be read.
            self._gave_up = True
            self.engine.cut(at, None)
        else:
            self.engine.cut(at, ConnectionLostError(CUT))


def told(items: list[Item]) -> Told:
    """Return what each run wrote to each stream, and the marks between; cuts are left out."""
    found: Told = []
    for item in items:
        if isinstance(item, Line):
            if not found or not isinstance(found[-1], dict):
                found.append(defaultdict(bytes))
            run = found[-1]
            assert isinstance(run, dict)
            run[item.stream] += item.raw + (b"" if item.unterminated else b"\n")
        elif isinstance(item, Started | Stopped | Removed) or (
            isinstance(item, Gap) and not item.reason.startswith(WAITING)
        ):
            found.append(item)
    return found


def in_streams(told: Told) -> tuple[dict[Stream, bytes], list[Item]]:
    """Return what was written to each stream by all runs, and the marks."""
    written: dict[Stream, bytes] = defaultdict(bytes)
    marks: list[Item] = []
    for each in told:
        if isinstance(each, dict):
            for stream, text in each.items():
                written[stream] += text
        else:
            marks.append(each)
    return dict(written), marks


@given(st.binary(min_size=120, max_size=120))
@settings(max_examples=examples(2000))
@example(b"")
def test_every_byte_once_and_every_run(data: bytes) -> None:
    Case(data).check()


@given(st.binary(min_size=120, max_size=120))
@settings(max_examples=examples(500))
def test_every_byte_once_and_every_run_where_stamps_are_whole_seconds(data: bytes) -> None:
    # Which run a line of the second is of in which one ends and another begins, nobody can tell.
    case = Case(data, PODMAN)
    assert in_streams(case.found()) == in_streams(case.truth)

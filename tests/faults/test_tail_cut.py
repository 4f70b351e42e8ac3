"""Connections that are cut again and again while `lobtail tail` follows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import pytest

from faults.command import lobtail
from faults.fake_engine import LAST, Script, chunk, cut, frame, log_head, stall
from faults.fake_host import Box, FakeHost, line, stamp
from support.engines import Result


def items(result: Result) -> list[dict[str, Any]]:
    return [json.loads(text) for text in result.stdout.splitlines()]


def lines(result: Result) -> list[str]:
    return [item["line"] for item in items(result) if "line" in item]


def marks(result: Result) -> list[str]:
    return [f"{item['mark']} {item.get('reason')}" for item in items(result) if "mark" in item]


class Cut(FakeHost):
    """Cuts the first ``cuts`` follow streams behind what was known, as proxies cut silent ones."""

    def __init__(self, box: Box, cuts: int) -> None:
        super().__init__(box)
        self.left = cuts

    def _script(self, target: str) -> Script:
        if "follow=1" in target and target.partition("?")[0].endswith("/logs") and self.left:
            self.left -= 1
            return [log_head(), *map(chunk, self.boxes[0].history), cut]
        return super()._script(target)


@pytest.mark.parametrize("history", [["first"], []], ids=["known", "empty"])
def test_case_idle_proxy(history: list[str]) -> None:
    """Each stream is answered and shows that nothing was missed, so none is a failure."""
    box = Box("web", [line(text) for text in history], live=(chunk(line("second", 9)), stall))
    with Cut(box, 6) as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "-n", "all", "--until-match", "second")
    assert lines(result) == [*history, "second"]
    assert not [mark for mark in marks(result) if mark.startswith("gap")]


def test_a_stream_that_never_comes_to_what_is_known_is_a_gap_after_a_while() -> None:
    class Useless(Cut):
        def _script(self, target: str) -> Script:
            script = super()._script(target)
            return [log_head(), cut] if script[-1] is cut else script

    box = Box("web", [line("first")], live=(chunk(line("second", 9)), stall))
    with Useless(box, 6) as engine:
        result = lobtail(engine.host, "tail", "-o", "json", "-n", "all", "--until-match", "second")
    assert lines(result) == ["first", "second"]
    assert [mark[:17] for mark in marks(result)][:1] == ["gap still trying:"]


class Busy(FakeHost):
    """A log of 1000 lines a second, of which a connection carries a tenth of what `since` asks for.

    20 lines are written from each connection to the next, 400 in all.
    """

    before, most = 2000, 2400

    def __init__(self, api: str, *, history: bool = False) -> None:
        super().__init__(Box("web"))
        self.api = api
        self.cuts_history = history
        self.most_cuts = 60 if history else 25
        self.written = self.before
        self.cuts = 0
        self.stamps = [i / 1000 for i in range(self.most)]
        self.frames = [line(f"line {i}", at) for i, at in enumerate(self.stamps)]

    def _script(self, target: str) -> Script:
        path, _, query = target.partition("?")
        if not path.endswith("/logs"):
            return super()._script(target)
        since = re.search(r"since=([0-9.]+)", query)
        first = 0
        if since:
            noon = datetime.fromisoformat(stamp(0)[:19]).replace(tzinfo=UTC).timestamp()
            asked = float(since[1]) - noon - 1e-5
            first = len(list(takewhile(lambda at: at < asked, self.stamps)))
        frames = list(map(chunk, self.frames[first : self.written]))
        if "follow=1" not in query and (len(frames) <= 80 or not self.cuts_history):
            return [log_head(), *frames, LAST]
        self.written = min(self.written + 20, self.most)
        if self.cuts == self.most_cuts:
            return [log_head(), *frames, stall]
        self.cuts += 1
        return [log_head(), *frames[:80], cut]


@pytest.mark.parametrize("api", ["1.45", "1.41"])
def test_case_cut_before_the_overlap_is_read(api: str) -> None:
    """Each connection but the first few carries something new, so no gap is told of."""
    with Busy(api) as engine:
        args = ("--source", "api", "--max-lines", "2400")
        result = lobtail(engine.host, "tail", "-o", "json", "-n", "all", *args)
    assert lines(result) == [f"line {i}" for i in range(2400)]
    shown = marks(result)
    assert not [mark for mark in shown if mark.startswith("gap")]
    assert engine.cuts < 25, "it made progress while it was cut"
    assert len(shown) >= engine.cuts - 3


def test_a_history_that_is_cut_again_and_again_comes_whole() -> None:
    with Busy("1.45", history=True) as engine:
        args = ("--source", "api", "--max-lines", "2400")
        result = lobtail(engine.host, "tail", "-o", "json", "-n", "all", *args)
    assert lines(result) == [f"line {i}" for i in range(2400)]
    assert not [mark for mark in marks(result) if mark.startswith("gap")]
    assert engine.cuts < 60, "it made progress while it was cut"


# --- a place that the engine cannot read --------------------------------------------------------


class Damaged(FakeHost):
    """A log that ends in an error behind its first line; `tail=N` begins behind that place."""

    def __init__(self, count: int) -> None:
        super().__init__(Box("web"))
        self.first = line("first")
        self.behind = [line(f"{i:05} {'x' * 16_000}", 1 + i / 1000) for i in range(count)]

    def _script(self, target: str) -> Script:
        path, _, query = target.partition("?")
        if not path.endswith("/logs"):
            return super()._script(target)
        error = chunk(frame(3, b"Error grabbing logs: invalid character"))
        match = re.search(r"tail=(\d+)", query)
        if match is None:
            return [log_head(), chunk(self.first), error, LAST]
        count = int(match[1])
        if count > len(self.behind):
            return [log_head(), chunk(self.first), error, LAST]
        return [log_head(), *map(chunk, self.behind[-count:]), LAST]


def test_case_engine_damage() -> None:
    """12 MB stand behind a damaged place, which is more than is kept: all come, once."""
    with Damaged(750) as engine:
        args = ("tail", "--no-follow", "--source", "api", "-o", "json", "web")
        result = lobtail(engine.host, *args)
    assert [text[:5] for text in lines(result)] == ["first", *(f"{i:05}" for i in range(750))]
    assert marks(result) == ["gap the engine cannot read the log at one place"]
    assert result.code == 0

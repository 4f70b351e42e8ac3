"""Filters and places that are found again: within a run of the client, and in the next one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from lobtail.model.frames import Stream
from lobtail.model.levels import Level
from lobtail.tui.kept_state import keep_visits, kept_visits, state_path
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.target import Target
from lobtail.tui.state.visits import MOST, Visit, Visits
from unit.tui.apps import Client, with_client

WEB = Target(names=("shop-web-1",))
VISIT = Visit(WEB, Filter("status>=500", Level.WARN, Stream.STDERR), 1_790_000_066_000_000_000)


def test_case_filters_and_places_are_restored(tmp_path: Path) -> None:
    visits = Visits()

    async def first(c: Client) -> None:
        c.pane.visits = visits
        await c.press("0", "f")
        await c.type("GET")
        await c.press("enter")
        await c.until(lambda: c.pane.model.complete)
        for _ in range(20):
            await c.press("k")
        places.append(c.view.cursor_item)
        # `q` has left the log first; then the client ends.
        await c.press("q")
        c.pane.leave(for_good=True)

    places: list[Any] = []
    with_client(first, WEB)
    path = tmp_path / "lobtail" / "ui.json"
    keep_visits(path, ["unix:///x"], visits.all)
    visits = Visits(kept_visits(path, ["unix:///x"]))

    async def second(c: Client) -> None:
        c.pane.visits = visits
        c.pane.open(c.main.fleet, WEB)
        await c.until(lambda: [c.view.cursor_item] == places)
        assert not c.view.view.following
        assert c.pane.model.filter.query == "GET"
        assert any("End follows" in notice for notice in c.notices)
        assert any("still only lines where GET" in notice for notice in c.notices)

    with_client(second, Target(names=("proxy",)))


def test_a_place_is_kept_while_other_logs_are_looked_at() -> None:
    async def steps(c: Client) -> None:
        await c.press("0", *["k"] * 30)
        place = c.view.cursor_item
        for target in (Target(names=("proxy",)), WEB):
            c.pane.open(c.main.fleet, target)
            await c.settle()
            assert c.view.view.following
        c.pane.open(c.main.fleet, Target())
        await c.until(lambda: c.view.cursor_item == place)
        await c.press("end")
        c.pane.open(c.main.fleet, WEB)
        c.pane.open(c.main.fleet, Target())
        await c.settle()
        assert c.view.view.following

    with_client(steps)


def test_visits_are_written_for_their_engines(tmp_path: Path) -> None:
    path = tmp_path / "lobtail" / "ui.json"
    keep_visits(path, ["a"], [VISIT], now=1000)
    keep_visits(path, ["a", "b"], [Visit(Target(), time_ns=5)], now=1000)
    (back,) = kept_visits(path, ["a"], now=2000)
    assert back == Visit(VISIT.target, VISIT.filter, VISIT.time_ns, before=True)
    assert len(kept_visits(path, ["a", "b"], now=2000)) == 1
    assert not kept_visits(path, ["b"], now=2000)
    # Not for ever.
    assert not kept_visits(path, ["a"], now=1000 + 8 * 86_400)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keep_visits(path, ["a"], [], now=2000)
    assert not kept_visits(path, ["a"], now=2000)
    assert [each.name for each in path.parent.iterdir()] == ["ui.json"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"[" * 10_000, b"\xff", b'[{"engines":["a"],"at":1,"visit":{}}]']
)
def test_a_broken_file_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "ui.json"
    path.write_bytes(data)
    assert kept_visits(path, ["a"]) == []
    keep_visits(path, ["a"], [VISIT])
    assert len(kept_visits(path, ["a"])) == 1


def test_where_nothing_can_be_written_nothing_is() -> None:
    path = state_path({"XDG_STATE_HOME": "/dev/null"})
    assert path == Path("/dev/null/lobtail/ui.json")
    keep_visits(path, ["a"], [VISIT])
    assert kept_visits(path, ["a"]) == []
    assert state_path({"XDG_STATE_HOME": "x"}) == Path.home() / ".local/state/lobtail/ui.json"


def test_the_oldest_visits_go() -> None:
    visits = Visits()
    for number in range(MOST + 10):
        visits.leave(Visit(Target(names=(str(number),)), time_ns=1))
    assert len(visits.all) == MOST
    assert visits.come_back(Target(names=("0",))) is None
    assert visits.come_back(Target(names=("50",))) is not None
    assert visits.come_back(Target(names=("50",))) is None
    # Of one that is followed without a filter there is nothing to remember.
    visits.leave(Visit(Target(names=("60",))))
    assert visits.come_back(Target(names=("60",))) is None

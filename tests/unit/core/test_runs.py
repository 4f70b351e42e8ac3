"""Each run has its marks, in order, once: whatever comes first, events or looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.core.model import ContainerRef, Item, Started, Stopped
from lobtail.core.runs import Look, Runs

WEB = ContainerRef(id="1" * 64, name="web")


def running(since: int, before: int | None = None) -> Look:
    return Look(True, since, before)


def begun(look: Look, *, joined: bool = False) -> Runs:
    runs = Runs()
    runs.begin(look, joined=joined)
    return runs


def test_a_run_that_was_over_before_is_not_told_of() -> None:
    runs = begun(Look(False, 10, 20))
    assert runs.advance(WEB, Look(False, 10, 20)) == []
    assert not runs.in_run


def test_a_run_that_joined_and_is_over_is_told_of() -> None:
    runs = begun(Look(False, 10, 20, 3), joined=True)
    assert runs.in_run
    assert runs.advance(WEB, Look(False, 10, 20, 3)) == [Stopped(WEB, 20, 3)]


@pytest.mark.parametrize("event", ["before", "after", "never", "twice"])
def test_an_end_and_a_start_whenever_their_events_come(event: str) -> None:
    runs = begun(running(10))
    if event in ("before", "twice"):
        runs.ended(21, 137)
        assert runs.pending
    assert runs.advance(WEB, Look(False, 10, 20, 137, oom=True)) == [Stopped(WEB, 20, 137, True)]
    if event in ("after", "twice"):
        runs.ended(21, 137)
    if event != "twice":
        assert not runs.pending
    runs.started(31)
    assert runs.advance(WEB, running(30, 20))[-1] == Started(WEB, 30)
    assert not runs.pending
    assert runs.in_run


def test_a_restart_that_a_look_shows_before_its_events() -> None:
    runs = begun(running(10))
    assert runs.advance(WEB, running(30, 20)) == [Stopped(WEB, 20, None), Started(WEB, 30)]
    runs.ended(21, 0)
    runs.started(31)
    assert not runs.pending
    assert runs.advance(WEB, running(30, 20)) == []


def test_runs_between_two_looks_are_all_told() -> None:
    runs = begun(running(10))
    for i in range(1, 4):
        runs.ended(20 * i, i)
        runs.started(20 * i + 11)
    assert runs.advance(WEB, running(70, 60)) == [
        Stopped(WEB, 20, 1),
        Started(WEB, 31),
        Stopped(WEB, 40, 2),
        Started(WEB, 51),
        Stopped(WEB, 60, 3),
        Started(WEB, 70),
    ]


def test_a_run_that_came_and_went_while_the_container_was_stopped() -> None:
    runs = begun(running(10))
    runs.ended(20, 0)
    runs.advance(WEB, Look(False, 10, 20))
    runs.started(31)
    runs.ended(40, 1)
    assert runs.pending
    assert runs.advance(WEB, running(50, 40)) == [
        Started(WEB, 31),
        Stopped(WEB, 40, 1),
        Started(WEB, 50),
    ]


def test_the_next_run_has_ended_too() -> None:
    runs = begun(running(10))
    runs.ended(20, 0)
    assert runs.advance(WEB, Look(False, 30, 40, 2)) == [
        Stopped(WEB, 20, 0),
        Started(WEB, 30),
        Stopped(WEB, 40, 2),
    ]


def test_an_end_of_the_run_that_is_looked_at_is_still_pending() -> None:
    runs = begun(running(10))
    runs.ended(20, 0)
    runs.ended(40, 1)
    runs.advance(WEB, running(30, 20))
    assert runs.pending


@given(st.data())
def test_marks_alternate_and_each_run_has_both(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    # What happens: run i begins at 100 i and ends at 100 i + 50; its events come with some delay.
    happenings: list[tuple[int, int, str, int]] = []
    for i in range(1, count + 1):
        for what, at in (("start", 100 * i + 1), ("end", 100 * i + 50)):
            delay = data.draw(st.integers(0, 40))
            happenings.append((at + delay, 0, what, at))
    looks = data.draw(st.lists(st.integers(110, 100 * count + 160), max_size=8))
    happenings += [(at, 1, "look", at) for at in [*looks, 100 * count + 170]]
    runs = begun(running(100))
    marks: list[Item] = []
    for _, _, what, at in sorted(happenings):
        if what == "start":
            runs.started(at)
        elif what == "end":
            runs.ended(at, 0)
        else:
            last = min(at // 100, count)
            over = at >= 100 * last + 50
            end = 100 * last + 50 if over else 100 * last - 50
            marks += runs.advance(WEB, Look(not over, 100 * last, end))
    assert [type(mark) for mark in marks] == [Stopped, Started] * (count - 1) + [Stopped]
    assert not runs.pending

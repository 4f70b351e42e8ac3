"""Each run has its marks, in order, once: whatever comes first, events or looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.follow.runs import Inspection, Runs
from lobtail.model.items import ContainerRef, Item, Started, Stopped

WEB = ContainerRef(id="1" * 64, name="web")


def running(since: int, before: int | None = None) -> Inspection:
    return Inspection(True, since, before)


def begun(look: Inspection, *, joined: bool = False) -> Runs:
    runs = Runs()
    runs.begin(look, joined=joined)
    return runs


def test_a_run_that_was_over_before_is_not_told_of() -> None:
    runs = begun(Inspection(False, 10, 20))
    assert runs.advance(WEB, Inspection(False, 10, 20)) == []
    assert not runs.in_run


def test_a_run_that_joined_and_is_over_is_told_of() -> None:
    runs = begun(Inspection(False, 10, 20, 3), joined=True)
    assert runs.in_run
    assert runs.advance(WEB, Inspection(False, 10, 20, 3)) == [Stopped(WEB, 20, 3)]


@pytest.mark.parametrize("event", ["before", "after", "never", "twice"])
def test_an_end_and_a_start_whenever_their_events_come(event: str) -> None:
    runs = begun(running(10))
    if event in ("before", "twice"):
        runs.ended(21, 137)
        assert runs.pending
    assert runs.advance(WEB, Inspection(False, 10, 20, 137, oom=True)) == [
        Stopped(WEB, 20, 137, True)
    ]
    if event in ("after", "twice"):
        runs.ended(21, 137)
    assert not runs.pending
    runs.started(31)
    assert runs.advance(WEB, running(30, 20)) == [Started(WEB, 30)]
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
    runs.advance(WEB, Inspection(False, 10, 20))
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
    assert runs.advance(WEB, Inspection(False, 30, 40, 2)) == [
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
            marks += runs.advance(WEB, Inspection(not over, 100 * last, end))
    assert [type(mark) for mark in marks] == [Stopped, Started] * (count - 1) + [Stopped]
    assert not runs.pending


MS = 1_000_000


def boundary(runs: Runs) -> int | None:
    return runs.boundary


def pending(runs: Runs) -> int | None:
    return runs.pending_ns


def test_lines_behind_an_end_are_of_the_next_run() -> None:
    runs = begun(running(10))
    assert boundary(runs) is None
    runs.ended(20, 1)
    runs.started(31)
    runs.ended(40, 2)
    runs.started(51)
    assert boundary(runs) == 20
    assert runs.reach(WEB, 30) == [Stopped(WEB, 20, 1), Started(WEB, 31)]
    assert boundary(runs) == 40
    assert runs.reach(WEB, 52) == [Stopped(WEB, 40, 2), Started(WEB, 51)]
    assert boundary(runs) is None
    # Looks that show what was told bring nothing new, nor do events that come again.
    assert runs.advance(WEB, Inspection(False, 30, 39, 2)) == []
    assert runs.advance(WEB, running(50, 40)) == []
    runs.ended(40, 2)
    assert not runs.pending
    assert runs.advance(WEB, Inspection(False, 50, 60, 3)) == [Stopped(WEB, 60, 3)]


def test_lines_of_a_run_that_no_look_has_shown() -> None:
    runs = begun(running(10))
    runs.ended(21, 1)
    assert runs.advance(WEB, Inspection(False, 10, 20, 1)) == [Stopped(WEB, 20, 1)]
    assert boundary(runs) == 21
    runs.started(31)
    assert runs.reach(WEB, 30) == [Started(WEB, 31)]
    assert boundary(runs) is None
    assert runs.advance(WEB, running(30, 20)) == []


def test_the_event_of_an_end_that_was_shown_at_the_beginning_is_not_told() -> None:
    runs = begun(Inspection(False, 10 * MS, 20 * MS, 1))
    runs.ended(21 * MS, 1)
    assert pending(runs) is None
    runs.started(130 * MS)
    runs.ended(140 * MS, 1)
    assert pending(runs) == 140 * MS
    assert runs.reach(WEB, 135 * MS) == [Started(WEB, 130 * MS)]


def test_the_event_of_an_end_that_was_shown_at_the_beginning_may_be_past() -> None:
    runs = begun(Inspection(False, 10 * MS, 20 * MS, 1))
    runs.started(130 * MS)
    assert boundary(runs) == 75 * MS
    runs.ended(140 * MS, 1)
    assert runs.pending


def test_a_container_joins_with_a_run_before_the_one_that_is_shown() -> None:
    runs = begun(running(50, 40), joined=True)
    runs.join(31)
    runs.ended(40, 1)
    runs.started(51)
    assert runs.advance(WEB, running(50, 40)) == [Stopped(WEB, 40, 1), Started(WEB, 50)]


def test_what_was_killed_for_want_of_memory_by_its_event() -> None:
    runs = begun(running(10))
    runs.killed(19)
    runs.ended(20, 137)
    runs.started(31)
    runs.ended(40, 0)
    assert runs.advance(WEB, running(50, 40)) == [
        Stopped(WEB, 20, 137, True),
        Started(WEB, 31),
        Stopped(WEB, 40, 0),
        Started(WEB, 50),
    ]


OOM_ORDERS = ("oom die", "die oom", "oom look die", "look oom die", "look die oom", "die look oom")


@pytest.mark.parametrize("order", OOM_ORDERS)
@pytest.mark.parametrize("shown", [True, False])
def test_want_of_memory_is_told_whenever_its_event_comes(order: str, shown: bool) -> None:
    """Docker's events of one end are in any order; a look may show it, or be too early for that."""
    runs = begun(running(10 * MS))
    runs.started(11 * MS)
    look = Inspection(False, 10 * MS, 19 * MS, 137, shown)
    for place, what in enumerate(order.split()):
        if what == "oom":
            runs.killed((20 + place) * MS)
        elif what == "die":
            runs.ended((20 + place) * MS, 137)
        else:
            assert runs.owes_reason(look) == (not shown and "oom" not in order.split()[:place])
    assert not runs.owes_reason(look)
    assert runs.advance(WEB, look) == [Stopped(WEB, 19 * MS, 137, oom=True)]
    # It has killed this run and no other.
    runs.started(200 * MS)
    runs.ended(300 * MS, 137)
    next_look = Inspection(False, 199 * MS, 299 * MS, 137)
    assert runs.owes_reason(next_look)
    assert runs.advance(WEB, next_look)[-1] == Stopped(WEB, 299 * MS, 137)


@pytest.mark.parametrize("order", ["oom die start", "die oom start"])
@pytest.mark.parametrize("told_by", ["lines", "look"])
def test_want_of_memory_belongs_to_the_run_before_the_next_start(order: str, told_by: str) -> None:
    runs = begun(running(10 * MS))
    runs.started(11 * MS)
    for run in range(3):
        for place, what in enumerate(order.split()):
            at = (200 * run + 100 + place) * MS
            if what == "oom" and run != 1:
                runs.killed(at)
            elif what == "die":
                runs.ended(at, 137)
            elif what == "start":
                runs.started(at)
    if told_by == "lines":
        told = runs.reach(WEB, 600 * MS)
    else:
        told = runs.advance(WEB, running(502 * MS, 501 * MS))
    assert [mark.oom for mark in told if isinstance(mark, Stopped)] == [True, False, True]


def test_a_run_whose_end_a_look_shows_before_its_start_was_noted() -> None:
    """dockerd notes a start once containerd has answered: the program may have ended by then."""
    runs = begun(running(10 * MS))
    runs.started(15 * MS)
    runs.killed(17 * MS)
    assert runs.advance(WEB, Inspection(False, 10 * MS, 12 * MS, 137)) == [
        Stopped(WEB, 12 * MS, 137, oom=True)
    ]


@pytest.mark.parametrize(
    ("why", "owes"),
    [("killed", False), ("signalled", False), ("started", False), ("killed before", True)],
)
def test_whether_the_reason_of_an_end_is_still_to_come(why: str, owes: bool) -> None:
    runs = begun(running(100 * MS))
    look = Inspection(False, 100 * MS, 200 * MS, 137)
    runs.started(101 * MS)
    runs.ended(201 * MS, 137)
    assert runs.owes_reason(look)
    if why == "killed":
        runs.killed(199 * MS)
    elif why == "signalled":
        runs.signalled(199 * MS)
    elif why == "started":
        runs.started(310 * MS)
    else:
        runs.signalled(50 * MS)
    assert runs.owes_reason(look) is owes
    for other in (running(100 * MS), Inspection(False, 100 * MS, 200 * MS, 1)):
        assert not runs.owes_reason(other)
    runs.advance(WEB, look)
    assert not runs.owes_reason(look)


def test_what_is_remembered_of_children_that_are_killed_is_bounded() -> None:
    runs = begun(running(10 * MS))
    for i in range(1000):
        runs.killed((20 + i) * MS)
        runs.signalled((20 + i) * MS)
    assert len(runs._ooms) == len(runs._kills) == 1
    runs.ended(2000 * MS, 0)
    runs.started(2100 * MS)
    runs.killed(2200 * MS)
    runs.ended(2300 * MS, 137)
    runs.started(2400 * MS)
    told = runs.reach(WEB, 2500 * MS)
    assert [mark.oom for mark in told if isinstance(mark, Stopped)] == [True, True]


def test_the_end_of_a_container_that_is_gone() -> None:
    runs = begun(running(10 * MS))
    runs.started(11 * MS)
    runs.ended(20 * MS, 137)
    runs.killed(21 * MS)
    assert runs.last_end(WEB) == Stopped(WEB, 20 * MS, 137, oom=True)
    runs = begun(running(10 * MS))
    assert runs.last_end(WEB) == Stopped(WEB, None, None)


@given(st.data())
def test_each_line_stands_in_its_run(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    # Run i begins at 1000 i, writes three lines and ends at 1000 i + 500; lines may come late.
    happenings: list[tuple[int, int, str, int]] = []
    delay = 0
    for i in range(1, count + 1):
        at = 1000 * i
        happenings += [(at + 1, 0, "start", at + 1), (at + 500, 0, "end", at + 500)]
        for nth in range(3):
            delay = max(delay - 100, data.draw(st.integers(2, 3000)))
            happenings.append((at + 100 * nth + delay, 1, "line", at + 100 * nth))
    runs = begun(running(1000 * MS))
    told: list[str] = []
    for _, _, what, at in sorted(happenings):
        if what == "start":
            runs.started(at * MS)
        elif what == "end":
            runs.ended(at * MS, 0)
        else:
            while (before := boundary(runs)) is not None and at * MS > before:
                told += [type(mark).__name__ for mark in runs.reach(WEB, at * MS)]
            told.append(f"line {at // 1000}")
    last = Inspection(False, 1000 * count * MS, (1000 * count + 499) * MS)
    told += [type(mark).__name__ for mark in runs.advance(WEB, last)]
    expected: list[str] = []
    for i in range(1, count + 1):
        expected += [*(["Started"] if i > 1 else []), *[f"line {i}"] * 3, "Stopped"]
    assert told == expected

"""Merging: time order across sources, the order within each, lateness told, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line, Started
from lobtail.session.merge import Merge

MS = 10**6
FAR = 10**15


def line(source: str, ns: int | None, text: str = "") -> Line:
    return Line(ContainerRef(source * 64, source), Stream.STDOUT, ns, text.encode())


class TimedMerge(Merge):
    """A merge whose pushes happen at ``at``, long after what is pushed was written."""

    at = FAR

    def put(self, key: object, items: list[Item], size: int = 0, *, at: int | None = None) -> None:
        self.push(key, items, size, now_ns=self.at if at is None else at)


def times(items: list[Item]) -> list[int | None]:
    return [item.time_ns for item in items]


def test_history_is_merged_fully() -> None:
    merge = TimedMerge()
    merge.open("a")
    merge.open("b")
    merge.put("a", [line("a", 1), line("a", 4), line("a", 9)])
    assert merge.pop(FAR) == [], "b may still bring something older"
    merge.put("b", [line("b", 2), line("b", 5)])
    assert times(merge.pop(FAR)) == [1, 2, 4, 5]
    merge.close("b")
    assert times(merge.pop(FAR)) == [9]
    assert not merge.pending


def test_a_live_and_silent_source_holds_up_nobody_for_long() -> None:
    merge = TimedMerge(50 * MS)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.put("a", [line("a", 1000 * MS)], at=1000 * MS)
    assert merge.pop(1049 * MS) == []
    assert times(merge.pop(1050 * MS)) == [1000 * MS]


def test_a_single_source_is_never_held_back() -> None:
    merge = TimedMerge(50 * MS)
    merge.open("a")
    merge.set_live("a")
    merge.put("a", [line("a", 1000 * MS)], at=1000 * MS)
    assert times(merge.pop(1000 * MS)) == [1000 * MS]


def test_what_comes_late_is_shown_and_marked() -> None:
    merge = TimedMerge(50 * MS)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.put("a", [line("a", 100 * MS)], at=100 * MS)
    assert len(merge.pop(200 * MS)) == 1
    merge.put("b", [line("b", 90 * MS), line("b", 120 * MS)], at=200 * MS)
    late, in_time = merge.pop(300 * MS)
    assert isinstance(late, Line)
    assert isinstance(in_time, Line)
    assert (late.late, in_time.late) == (True, False)


def test_window_0_is_the_order_of_arrival() -> None:
    merge = TimedMerge(0)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.put("a", [line("a", 100)])
    assert times(merge.pop(100)) == [100]
    merge.put("b", [line("b", 50)])
    (item,) = merge.pop(100)
    assert isinstance(item, Line)
    assert not item.late


def test_the_order_within_a_source_is_never_changed() -> None:
    merge = TimedMerge()
    for key in "ab":
        merge.open(key)
    stepped_back: list[Item] = [line("a", 10, "1"), line("a", 5, "2"), line("a", 12, "3")]
    merge.put("a", stepped_back)
    merge.put("b", [line("b", 7), line("b", 20)])
    merge.close("a")
    merge.close("b")
    items = merge.pop(FAR)
    assert [item for item in items if item.container.name == "a"] == stepped_back
    assert times(items) == [7, 10, 5, 12, 20]


def test_items_without_a_time_stay_behind_the_one_before() -> None:
    merge = TimedMerge()
    for key in "ab":
        merge.open(key)
    mark = Started(ContainerRef("a" * 64, "a"), None)
    merge.put("a", [line("a", 10), mark, line("a", 20)])
    merge.put("b", [line("b", 15), line("b", 30)])
    assert times(merge.pop(FAR)) == [10, None, 15, 20]


source = st.lists(st.integers(0, 1000), max_size=20).map(sorted)


@given(st.lists(source, min_size=1, max_size=5), st.data())
def test_any_history_comes_out_once_and_sorted(
    sources: list[list[int]], data: st.DataObject
) -> None:
    merge = TimedMerge()
    left = {i: list(stamps) for i, stamps in enumerate(sources)}
    for i in left:
        merge.open(i)
    got: list[Item] = []
    while left:
        i = data.draw(st.sampled_from(sorted(left)))
        if left[i]:
            size = data.draw(st.integers(1, len(left[i])))
            merge.put(i, [line(chr(97 + i), ns) for ns in left[i][:size]])
            left[i] = left[i][size:]
        else:
            merge.close(i)
            del left[i]
        got += merge.pop(FAR)
    assert times(got) == sorted(ns for stamps in sources for ns in stamps)
    assert not merge.pending


def test_row_16_years_beyond_64_bits_of_nanoseconds_are_not_held_back() -> None:
    merge = TimedMerge()
    merge.open("a")
    year_0, year_9999 = -62_167_219_200 * 10**9, 253_402_300_799 * 10**9
    merge.put("a", [line("a", year_0), line("a", year_9999), line("a", 5)])
    merge.close("a")
    assert times(merge.pop(FAR)) == [year_0, year_9999, 5]
    assert not merge.pending


def test_when_the_oldest_item_is_due() -> None:
    merge = TimedMerge(50)
    merge.open("a")
    merge.open("b")
    assert merge.due_ns() is None
    merge.put("a", [line("a", 100), line("a", 120)], at=130)
    assert merge.due_ns() is None  # the history of b may be older
    merge.set_live("a")
    merge.set_live("b")
    merge.put("a", [line("a", 140)], at=145)
    assert merge.due_ns() == 180
    assert merge.pop(179) == []
    assert times(merge.pop(180)) == [100, 120]
    assert merge.due_ns() == 195
    assert times(merge.pop(195)) == [140]
    assert merge.due_ns() is None


def test_bytes_that_wait_are_counted() -> None:
    merge = TimedMerge(50)
    merge.open("a")
    merge.open("b")
    merge.put("a", [line("a", 10), line("a", 20)], 1000)
    assert (merge.waiting("a"), merge.waiting_size("a")) == (2, 1000)
    merge.put("b", [line("b", 15)])
    assert times(merge.pop(0)) == [10, 15]
    assert (merge.waiting("a"), merge.waiting_size("a")) == (1, 500)
    merge.close("b")
    assert times(merge.pop(0)) == [20]
    assert merge.waiting_size("a") == 0


def test_a_clock_that_is_ahead() -> None:
    merge = TimedMerge(50)
    merge.open("a")
    merge.open("b", ahead_ns=1000)
    merge.put("a", [line("a", 10), line("a", 30)])
    merge.put("b", [line("b", 1020), line("b", 1040)])
    assert times(merge.pop(0)) == [10, 1020, 30]
    merge.set_live("a")
    merge.set_live("b")
    assert times(merge.pop(0)) == [1040], "it is history, long past"


def test_a_window_that_is_widened() -> None:
    merge, at_once = TimedMerge(50), TimedMerge(0)
    for each in (merge, at_once):
        each.widen(100)
        each.widen(30)  # the longest counts
        each.open("a")
        each.set_live("a")
        each.put("a", [line("a", 1000)], at=1000)
    assert merge.due_ns() == 1150
    assert times(at_once.pop(0)) == [1000]


# --- clocks that are set ----------------------------------------------------------------------

HOUR = 3600 * 10**9
WINDOW = 50 * MS


def live_merge(keys: str) -> TimedMerge:
    merge = TimedMerge(WINDOW)
    for key in keys:
        merge.open(key)
        merge.set_live(key)
    return merge


@pytest.mark.parametrize("step", [-HOUR, HOUR, -90 * 10**9, 0])
def test_case_clock_steps_while_following(step: int) -> None:
    """Each line waits for the window at most, be the clock set by an hour, and is in order."""
    merge = live_merge("abc")  # c is silent
    now, got = FAR, []
    for i in range(100):
        wall = now + (step if 30 <= i < 70 else 0)
        # b's line is older than a's, but comes later.
        merge.put("a", [line("a", wall, f"a{i}")], at=now)
        merge.put("b", [line("b", wall - MS, f"b{i}")], at=now + 10 * MS)
        assert merge.pop(now + 10 * MS) == []
        due = merge.due_ns()
        assert due is not None
        assert due <= now + WINDOW
        got += merge.pop(due)
        now += 100 * MS
        assert not merge.pending
    texts = [item.text for item in got if isinstance(item, Line)]
    # The last of b before its own step stands behind what a wrote after it.
    assert texts == [f"{key}{i}" for i in range(100) for key in "ba"]


def test_what_follows_a_step_back_is_not_late_for_an_hour() -> None:
    merge = live_merge("ab")
    merge.put("a", [line("a", FAR)], at=FAR)
    merge.pop(FAR + WINDOW)
    late = 0
    for i in range(1, 50):
        now = FAR + i * 100 * MS
        merge.put("a", [line("a", now - HOUR)], at=now)
        merge.put("b", [line("b", now - HOUR)], at=now)
        late += sum(isinstance(item, Line) and item.late for item in merge.pop(now + WINDOW))
    assert late == 0


def test_a_busy_source_goes_on_by_the_new_time_though_it_is_never_empty_by_itself() -> None:
    merge = live_merge("ab")
    for i in range(300):
        now = FAR + i * MS
        wall = now - (HOUR if i >= 100 else 0)
        merge.put("a", [line("a", wall, f"{i}")], at=now)
        got = merge.pop(now)
        assert merge.waiting("a") <= 51
    assert [item.time_ns for item in got] == [FAR + 249 * MS - HOUR]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.integers(0, 80 * MS),  # until it comes
            st.integers(-20 * MS, 0),  # how long it was on its way
            st.sampled_from([0, 0, 0, 0, HOUR, -HOUR]),  # how the clock is set before
        ),
        max_size=60,
    )
)
def test_nothing_waits_longer_than_the_window_whatever_clocks_do(
    steps: list[tuple[str, int, int, int]],
) -> None:
    merge = live_merge("abc")
    now, wall = FAR, 0
    put: dict[str, list[tuple[int, str]]] = {key: [] for key in "abc"}
    got: dict[str, list[str]] = {key: [] for key in "abc"}

    def pop_until(end: int) -> None:
        while (due := merge.due_ns()) is not None and due <= end:
            items = merge.pop(due)
            assert items, "it is due"
            for item in items:
                assert isinstance(item, Line)
                key = item.container.name
                got[key].append(item.text)
                arrived, text = put[key][len(got[key]) - 1]
                assert (item.text, due <= arrived + WINDOW) == (text, True)

    for i, (key, pause, way, step) in enumerate(steps):
        pop_until(now + pause)
        now, wall = now + pause, wall + step
        put[key].append((now, str(i)))
        merge.put(key, [line(key, now + wall + way, str(i))], at=now)
    pop_until(now + WINDOW)
    assert not merge.pending
    assert got == {key: [text for _, text in each] for key, each in put.items()}


def test_a_history_does_not_wait_but_for_what_may_be_older() -> None:
    merge = live_merge("a")
    merge.open("b")
    merge.put("b", [line("b", FAR - HOUR), line("b", FAR - 10 * MS)], at=FAR)
    assert times(merge.pop(FAR)) == [FAR - HOUR], "a may yet bring what is as old as the other"
    assert times(merge.pop(FAR + WINDOW)) == [FAR - 10 * MS]


def test_what_is_old_waits_no_longer_where_its_source_can_take_no_more() -> None:
    merge = live_merge("ab")
    merge.put("a", [line("a", FAR - HOUR), line("a", FAR)], at=FAR)
    assert merge.pop(FAR) == []
    merge.hurry("a", FAR)
    assert times(merge.pop(FAR)) == [FAR - HOUR]
    assert merge.due_ns() == FAR + WINDOW

"""Merging: time order across sources, the order within each, lateness told, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lobtail.core.frames import Stream
from lobtail.core.merge import Merge
from lobtail.core.model import ContainerRef, Item, Line, Started

MS = 10**6
FAR = 10**15


def line(source: str, ns: int | None, text: str = "") -> Line:
    return Line(ContainerRef(source * 64, source), Stream.STDOUT, ns, text.encode())


def times(items: list[Item]) -> list[int | None]:
    return [item.time_ns for item in items]


def test_history_is_merged_fully() -> None:
    merge = Merge()
    merge.open("a")
    merge.open("b")
    merge.push("a", [line("a", 1), line("a", 4), line("a", 9)])
    assert merge.pop(FAR) == [], "b may still bring something older"
    merge.push("b", [line("b", 2), line("b", 5)])
    assert times(merge.pop(FAR)) == [1, 2, 4, 5]
    merge.close("b")
    assert times(merge.pop(FAR)) == [9]
    assert not merge.pending


def test_a_live_and_silent_source_holds_up_nobody_for_long() -> None:
    merge = Merge(50 * MS)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.push("a", [line("a", 1000 * MS)])
    assert merge.pop(1049 * MS) == []
    assert times(merge.pop(1050 * MS)) == [1000 * MS]


def test_a_single_source_is_never_held_back() -> None:
    merge = Merge(50 * MS)
    merge.open("a")
    merge.set_live("a")
    merge.push("a", [line("a", 1000 * MS)])
    assert times(merge.pop(1000 * MS)) == [1000 * MS]


def test_what_comes_late_is_shown_and_marked() -> None:
    merge = Merge(50 * MS)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.push("a", [line("a", 100 * MS)])
    assert len(merge.pop(200 * MS)) == 1
    merge.push("b", [line("b", 90 * MS), line("b", 120 * MS)])
    late, in_time = merge.pop(300 * MS)
    assert isinstance(late, Line)
    assert isinstance(in_time, Line)
    assert (late.late, in_time.late) == (True, False)


def test_window_0_is_the_order_of_arrival() -> None:
    merge = Merge(0)
    for key in "ab":
        merge.open(key)
        merge.set_live(key)
    merge.push("a", [line("a", 100)])
    assert times(merge.pop(100)) == [100]
    merge.push("b", [line("b", 50)])
    (item,) = merge.pop(100)
    assert isinstance(item, Line)
    assert not item.late


def test_the_order_within_a_source_is_never_changed() -> None:
    merge = Merge()
    for key in "ab":
        merge.open(key)
    stepped_back: list[Item] = [line("a", 10, "1"), line("a", 5, "2"), line("a", 12, "3")]
    merge.push("a", stepped_back)
    merge.push("b", [line("b", 7), line("b", 20)])
    merge.close("a")
    merge.close("b")
    items = merge.pop(FAR)
    assert [item for item in items if item.container.name == "a"] == stepped_back
    assert times(items) == [7, 10, 5, 12, 20]


def test_items_without_a_time_stay_behind_the_one_before() -> None:
    merge = Merge()
    for key in "ab":
        merge.open(key)
    mark = Started(ContainerRef("a" * 64, "a"), None)
    merge.push("a", [line("a", 10), mark, line("a", 20)])
    merge.push("b", [line("b", 15), line("b", 30)])
    assert times(merge.pop(FAR)) == [10, None, 15, 20]


source = st.lists(st.integers(0, 1000), max_size=20).map(sorted)


@given(st.lists(source, min_size=1, max_size=5), st.data())
def test_any_history_comes_out_once_and_sorted(
    sources: list[list[int]], data: st.DataObject
) -> None:
    merge = Merge()
    left = {i: list(stamps) for i, stamps in enumerate(sources)}
    for i in left:
        merge.open(i)
    got: list[Item] = []
    while left:
        i = data.draw(st.sampled_from(sorted(left)))
        if left[i]:
            size = data.draw(st.integers(1, len(left[i])))
            merge.push(i, [line(chr(97 + i), ns) for ns in left[i][:size]])
            left[i] = left[i][size:]
        else:
            merge.close(i)
            del left[i]
        got += merge.pop(FAR)
    assert times(got) == sorted(ns for stamps in sources for ns in stamps)
    assert not merge.pending


def test_row_16_years_beyond_64_bits_of_nanoseconds_are_not_held_back() -> None:
    merge = Merge()
    merge.open("a")
    year_0, year_9999 = -62_167_219_200 * 10**9, 253_402_300_799 * 10**9
    merge.push("a", [line("a", year_0), line("a", year_9999), line("a", 5)])
    merge.close("a")
    assert times(merge.pop(FAR)) == [year_0, year_9999, 5]
    assert not merge.pending


def test_when_the_oldest_item_is_due() -> None:
    merge = Merge(50)
    merge.open("a")
    merge.open("b")
    assert merge.due_ns() is None
    merge.push("a", [line("a", 100), line("a", 120)])
    assert merge.due_ns() is None  # the history of b may be older
    merge.set_live("a")
    merge.set_live("b")
    assert merge.due_ns() == 150
    assert merge.pop(149) == []
    assert times(merge.pop(150)) == [100]
    assert merge.due_ns() == 170
    assert times(merge.pop(170)) == [120]
    assert merge.due_ns() is None


def test_bytes_that_wait_are_counted() -> None:
    merge = Merge(50)
    merge.open("a")
    merge.open("b")
    merge.push("a", [line("a", 10), line("a", 20)], 1000)
    assert (merge.waiting("a"), merge.waiting_size("a")) == (2, 1000)
    merge.push("b", [line("b", 15)])
    assert times(merge.pop(0)) == [10, 15]
    assert (merge.waiting("a"), merge.waiting_size("a")) == (1, 500)
    merge.close("b")
    assert times(merge.pop(0)) == [20]
    assert merge.waiting_size("a") == 0


def test_a_clock_that_is_ahead() -> None:
    merge = Merge(50)
    merge.open("a")
    merge.open("b", ahead_ns=1000)
    merge.push("a", [line("a", 10), line("a", 30)])
    merge.push("b", [line("b", 1020), line("b", 1040)])
    assert times(merge.pop(0)) == [10, 1020, 30]
    merge.set_live("a")
    merge.set_live("b")
    assert merge.due_ns() == 90
    assert times(merge.pop(90)) == [1040]


def test_a_window_that_is_widened() -> None:
    merge, at_once = Merge(50), Merge(0)
    for each in (merge, at_once):
        each.widen(100)
        each.widen(30)  # the longest counts
        each.open("a")
        each.set_live("a")
        each.push("a", [line("a", 1000)])
    assert merge.due_ns() == 1150
    assert times(at_once.pop(0)) == [1000]

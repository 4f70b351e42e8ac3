"""What is on the screen: whatever one does, rows follow one another, and none is left blank."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.items import Item
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import Store
from lobtail.tui.state.viewport import ABOVE, BELOW, ScreenRow, Viewport
from unit.tui.items import line


def make(count: int, *, height: int = 10) -> tuple[Viewport, Rows, Store]:
    store = Store()
    store.append([line(str(i), i) for i in range(count)])
    view = Viewport()
    view.height = height
    return view, Rows(store, None), store


def one(_number: int) -> int:
    return 1


def tall(number: int) -> int:
    return 1 + number % 4


def numbers(places: list[ScreenRow]) -> list[int]:
    return [place.number for place in places if place not in (ABOVE, BELOW)]


def test_following_keeps_the_newest_row_at_the_bottom() -> None:
    view, rows, store = make(100)
    assert numbers(view.layout(rows, one)) == list(range(90, 100))
    store.append([line("x", 100)])
    assert numbers(view.layout(rows, one)) == list(range(91, 101))


def test_paused_it_stays_and_counts_what_comes() -> None:
    view, rows, store = make(100)
    view.scroll(-5, rows, one)
    before = view.layout(rows, one)
    store.append([line("x", i) for i in range(7)])
    assert view.layout(rows, one) == before
    assert view.unseen(rows) == 7
    view.follow()
    assert view.unseen(rows) == 0


def test_it_stays_when_older_rows_are_put_in_front_and_dropped() -> None:
    view, rows, store = make(100)
    view.scroll(-50, rows, one)
    before = view.layout(rows, one)
    store.prepend([line("x", -i) for i in range(1000)])
    assert view.layout(rows, one) == before
    store.drop_oldest(1010)
    assert view.layout(rows, one) == before


def test_at_the_top_it_stays_when_older_rows_come() -> None:
    view, rows, store = make(100)
    view.go_to_top(rows)
    assert view.layout(rows, one)[:2] == [ABOVE, ScreenRow(0)]
    store.prepend([line("x", -i) for i in range(1000)])
    assert view.layout(rows, one)[0] == ScreenRow(0)
    view.scroll(-1, rows, one)
    assert view.layout(rows, one)[0] == ScreenRow(-1)


def test_where_its_rows_are_dropped_it_shows_the_next_ones() -> None:
    view, rows, store = make(100)
    view.go_to_top(rows)
    view.scroll(1, rows, one)
    store.drop_oldest(50)
    assert numbers(view.layout(rows, one)) == list(range(50, 60))


def test_above_the_oldest_row_stands_the_edge() -> None:
    view, rows, _ = make(100)
    view.scroll(-1000, rows, one)
    places = view.layout(rows, one)
    assert places[0] == ABOVE
    assert numbers(places) == list(range(9))
    view.scroll(1, rows, one)
    assert numbers(view.layout(rows, one)) == list(range(10))


def test_a_window_that_is_cut_off_says_so_below() -> None:
    view, rows, _ = make(100)
    view.below = True
    view.scroll(-5, rows, one)
    view.scroll(100, rows, one)
    assert view.layout(rows, one)[-1] == BELOW


def test_few_rows_stand_below_the_edge() -> None:
    view, rows, _ = make(3)
    assert view.layout(rows, one) == [ABOVE, ScreenRow(0), ScreenRow(1), ScreenRow(2)]
    view.go_to_top(rows)
    assert view.layout(rows, one) == [ABOVE, ScreenRow(0), ScreenRow(1), ScreenRow(2)]


def test_nothing_shows_only_the_edge() -> None:
    view, rows, _ = make(0)
    assert view.layout(rows, one) == [ABOVE]
    view.scroll(-3, rows, one)
    view.move_cursor(1, rows, one)
    assert view.at_end(rows, one)


def test_the_cursor_moves_and_the_screen_with_it() -> None:
    view, rows, _ = make(100)
    view.move_cursor(-1, rows, one)
    assert view.cursor == 98
    view.move_cursor(-15, rows, one)
    assert view.cursor == 83
    assert numbers(view.layout(rows, one))[0] == 83
    view.move_cursor(11, rows, one)
    assert numbers(view.layout(rows, one))[-1] == 94
    view.move_cursor(1000, rows, one)
    assert view.cursor == 99
    view.move_cursor(-1000, rows, one)
    assert view.layout(rows, one)[0] == ABOVE


def test_a_row_far_away_comes_into_the_middle() -> None:
    view, rows, _ = make(1000)
    view.point_at(500, rows, one)
    assert numbers(view.layout(rows, one)) == list(range(495, 505))


def test_the_cursor_stays_on_the_screen_when_it_scrolls() -> None:
    view, rows, _ = make(100)
    view.move_cursor(-1, rows, one)
    view.scroll(-30, rows, one)
    assert view.cursor in numbers(view.layout(rows, one))


def test_a_filter_keeps_the_place() -> None:
    view, _, store = make(1000)
    view.point_at(500, Rows(store, None), one, middle=True)

    def even(item: Item, _level: int) -> bool:
        return (item.time_ns or 0) % 2 == 0

    rows = Rows(store, even)
    while rows.scan(100):
        pass
    assert numbers(view.layout(rows, one)) == list(range(496, 516, 2))


@pytest.mark.parametrize("height_of", [one, tall])
@given(
    count=st.integers(0, 60),
    height=st.integers(1, 15),
    steps=st.lists(st.tuples(st.sampled_from("sctgfpa"), st.integers(-40, 40)), max_size=12),
)
def test_rows_follow_one_another_without_a_blank(
    height_of: object, count: int, height: int, steps: list[tuple[str, int]]
) -> None:
    assert callable(height_of)
    view, rows, store = make(count, height=height)
    whole = sum(map(height_of, range(count)))
    for step, by in steps:
        match step:
            case "s":
                view.scroll(by, rows, height_of)
            case "c":
                view.move_cursor(by, rows, height_of)
            case "t":
                view.go_to_top(rows)
            case "g" if count:
                view.point_at(abs(by) % count, rows, height_of)
            case "f":
                view.follow()
            case "p":
                view.pause(rows)
            case "a":
                store.append([line("x", store.end)])
                count += 1
                whole += height_of(count - 1)
        places = view.layout(rows, height_of)
        assert len(places) == min(height, whole + 1)
        inner = [place for place in places if place not in (ABOVE, BELOW)]
        for one_place, following in pairwise(inner):
            same = following == ScreenRow(one_place.number, one_place.part + 1)
            assert same or following == ScreenRow(one_place.number + 1, 0)
        if view.following and count:
            assert inner[-1] == ScreenRow(count - 1, height_of(count - 1) - 1)
        if step in ("c", "g") and count and view.cursor is not None:
            assert view.cursor in [place.number for place in inner]

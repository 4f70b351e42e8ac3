"""The window of a log: what is joined comes once, what is dropped is known, filters hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ConfigError, QueryError
from lobtail.follow.position import KnownLines, Positions
from lobtail.model.frames import Stream
from lobtail.model.items import Gap, Item, Line, Started
from lobtail.model.levels import Level
from lobtail.session.pages import Page
from lobtail.tui.state.filters import Filter, join_query, make_pattern
from lobtail.tui.state.histogram import Histogram
from lobtail.tui.state.log import Log, is_error, is_mark
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import Store
from unit.tui.items import DB, REF, line

MS = 1_000_000
S = 1_000_000_000


def shown(log: Log) -> list[bytes]:
    while log.work():
        pass
    return [getattr(log.store.item(log.rows.number(i)), "raw", b"-") for i in range(len(log.rows))]


def go_on(log: Log, again: Sequence[Item]) -> None:
    """Add what a tail gives that goes on behind the window; ``again`` is what the engine sends."""
    ending = log.ending(0)
    assert ending is not None
    known = {
        key: KnownLines(position) for key, position in Positions.load(ending.position).logs.items()
    }
    for item in again:
        assert isinstance(item, Line)
        if (item.time_ns or 0) >= ending.since:
            log.add(known[item.container.id].filter([item]))


def test_older_lines_are_joined_each_once() -> None:
    log = Log()
    # Two equal lines at the same time are two, and one of them is older than the window.
    log.add([line("b", 10 * S), line("c", 11 * S)])
    log.begin_at(10 * S)
    beginning = log.beginning()
    assert beginning is not None
    older = [line("a", 9 * S), line("b", 10 * S), line("b", 10 * S)]
    log.add_older(Page(beginning.older(older), 9 * S))
    assert shown(log) == [b"a", b"b", b"b", b"c"]
    assert log.since_ns == 9 * S


def test_nothing_is_before_the_first_line_there_is() -> None:
    log = Log()
    log.add([line("a", 10 * S)])
    assert log.beginning() is None


@pytest.mark.parametrize(("time_ns", "overlap_ns"), [(10 * S, 1050 * MS), (10 * S + 1, 50 * MS)])
def test_the_beginning_overlaps_as_far_as_stamps_are_exact(time_ns: int, overlap_ns: int) -> None:
    log = Log()
    log.add([line("a", time_ns), line("b", 11 * S + 5)])
    log.begin_at(9 * S)
    beginning = log.beginning()
    assert beginning is not None
    assert beginning.until_ns == (9 * S + overlap_ns if overlap_ns > S else 9 * S)
    log.begin_at(time_ns)
    beginning = log.beginning()
    assert beginning is not None
    assert beginning.until_ns == time_ns + overlap_ns
    # Also those that are held no more tell what stamps are like.
    log.begin_at(11 * S)
    beginning = log.beginning()
    assert beginning is not None
    assert beginning.until_ns == 11 * S + overlap_ns


def test_newer_lines_are_joined_each_once() -> None:
    log = Log()
    log.add([line("a", 10 * S), line("b", 10 * S), line("b", 10 * S)])
    whole = [*log.store.items, line("b", 10 * S), line("c", 11 * S)]
    go_on(log, whole)
    assert shown(log) == [b"a", b"b", b"b", b"b", b"c"]


def test_lines_at_the_very_ends_of_what_is_read_again_come_once() -> None:
    # An engine includes both ends, and lines of one container may stand out of order.
    edge, overlap = 10 * S + 1, 50 * MS
    log = Log()
    log.add([line("c", edge), line("d", edge + overlap), line("e", edge + overlap - 1)])
    log.begin_at(edge)
    beginning = log.beginning()
    assert beginning is not None
    older = [line("b", 9 * S + 1), *log.store.items]
    log.add_older(Page(beginning.older(older), 9 * S))
    assert shown(log) == [b"b", b"c", b"d", b"e"]
    newest = 20 * S + 1
    log.add([line("g", newest - overlap), line("f", newest - overlap - 1), line("h", newest)])
    go_on(log, [*log.store.items, line("i", newest)])
    assert shown(log) == [b"b", b"c", b"d", b"e", b"g", b"f", b"h", b"i"]


@given(st.lists(st.integers(0, 5), max_size=40), st.data())
def test_a_log_that_is_cut_anywhere_and_gone_on_with_is_whole(
    times: list[int], data: st.DataObject
) -> None:
    whole = [line(str(t), t * 20_000_000 + 1) for t in sorted(times)]
    cut = data.draw(st.integers(0, len(whole)))
    log = Log()
    log.add(list(whole[:cut]))
    if cut:
        go_on(log, whole)
        assert log.store.items == whole
    else:
        assert log.ending(0) is None


def test_what_is_pushed_out_is_counted() -> None:
    log = Log(Store(max_items=100))
    log.add([line(str(i), i) for i in range(150)])
    assert log.dropped == 52  # two more than need be, so that it is not done for every line
    assert log.since_ns == 52
    log.add_older(Page([line("x", 51)], 51))
    assert log.dropped == 51
    assert not log.detached


def test_older_lines_push_out_the_newest() -> None:
    log = Log(Store(max_items=100))
    log.add([line(str(i), i) for i in range(100)])
    log.add_older(Page([line("x", -i) for i in range(50)], None))
    assert log.detached
    assert len(log.store) <= 100
    assert log.ending(0) is not None


def test_beginning_where_all_is_known_drops_what_is_before() -> None:
    log = Log()
    log.add([line("quiet", 1, DB), line("busy", 5), line("busy", 6)])
    assert log.begin_at(5) == 1
    assert shown(log) == [b"busy", b"busy"]


def test_a_filter_shows_lines_for_which_all_holds_and_marks() -> None:
    log = Log()
    log.add(
        [
            line("ERROR: no 1", 1),
            line("ERROR: no 2", 2, err=True),
            line("INFO: 3", 3),
            line('{"level":"error","status":500}', 4),
            Started(REF, 5),
        ]
    )
    log.set_filter(Filter(level=Level.ERROR), 0, 0)
    assert shown(log) == [b"ERROR: no 1", b"ERROR: no 2", b'{"level":"error","status":500}', b"-"]
    log.set_filter(Filter(level=Level.ERROR, stream=Stream.STDERR), 0, 0)
    assert shown(log) == [b"ERROR: no 2", b"-"]
    log.set_filter(Filter(query="status>=500"), 0, 0)
    assert shown(log) == [b'{"level":"error","status":500}', b"-"]
    log.add([line("status=501", 6), line("status=1", 7)])
    assert shown(log)[-1] == b"status=501"


def test_what_regexes_left_unsearched_of_long_lines_is_known() -> None:
    # Large enough that neither is searched for to the end of the line.
    large, larger = "a.{1,500}b", "a.{1,900}b"
    log = Log()
    log.add([line("x" * (1 << 20) + "a.b", 1)])
    log.set_filter(Filter(query=f"/{large}/"), 0, 0)
    assert log.reach == 0  # nothing was looked at yet
    assert shown(log) == []
    assert 0 < log.reach < 1 << 20
    seen = log.reach
    log.set_search(make_pattern(larger))
    log.set_filter(Filter(level=Level.UNKNOWN), 0, 0)
    assert log.reach == 0
    shown(log)
    assert 0 < log.reach < seen
    log.set_filter(Filter(query="x"), 0, 0)
    log.set_search(None)
    assert len(shown(log)) == 1
    assert log.reach == 0


def test_a_filter_leaves_nothing_in_the_lines() -> None:
    log = Log()
    log.add([line('{"a":1}', 1)])
    log.set_filter(Filter(query="a=1"), 0, 0)
    assert shown(log) == [b'{"a":1}']
    item = log.store.item(0)
    assert isinstance(item, Line)
    assert item._cache is None


def test_a_query_that_cannot_be_read_changes_nothing() -> None:
    log = Log()
    log.add([line("a", 1)])
    with pytest.raises(QueryError):
        log.set_filter(Filter(query="level>>"), 0, 0)
    assert not log.filter
    assert shown(log) == [b"a"]


def test_a_search_finds_within_what_is_shown() -> None:
    log = Log()
    log.add(
        [line("Error a", 1), line("error b", 2), line("other", 3), line("\x1b[31mer\x1b[0mror", 4)]
    )
    log.set_search(make_pattern("error"))
    shown(log)
    assert log.hits is not None
    assert [log.hits.number(i) for i in range(len(log.hits))] == [0, 1, 3]
    log.set_filter(Filter(query='"b"'), 0, 0)
    shown(log)
    assert log.hits is not None
    assert [log.hits.number(i) for i in range(len(log.hits))] == [1]
    log.set_search(None)
    assert log.hits is None


def test_capitals_in_a_search_are_meant() -> None:
    small, capital, escape = make_pattern("err"), make_pattern("Err"), make_pattern(r"\Serr")
    assert small
    assert capital
    assert escape
    assert small.search("ERR")
    assert not capital.search("err")
    assert escape.search("xERR")
    assert make_pattern("") is None
    for bad in ("(", "(?=a)b"):
        with pytest.raises(ConfigError):
            make_pattern(bad)


def test_errors_and_marks_are_found_from_row_to_row() -> None:
    log = Log()
    log.add([line("ERROR: 1", 1), line("x", 2), Gap(REF, 3), line("FATAL: 2", 4)])
    assert log.next_row(0, 1, is_error) == 3
    assert log.next_row(3, -1, is_error) == 0
    assert log.next_row(3, 1, is_error) is None
    assert log.next_row(0, 1, is_mark) == 2


def test_clearing_makes_what_was_remembered_void() -> None:
    log = Log()
    log.add([line("a", 1)])
    log.begin_at(1)
    generation = log.generation
    log.clear()
    assert not log.store.items
    assert log.since_ns is None
    assert log.generation != generation
    log.add([line("b", 2)])
    assert shown(log) == [b"b"]


@pytest.mark.parametrize(
    ("query", "joined"),
    [
        ("", "a=1"),
        ("b=2", "b=2 and a=1"),
        ("b=2 or c=3", "(b=2 or c=3) and a=1"),
        ("b=2 || c=3", "(b=2 || c=3) and a=1"),
    ],
)
def test_a_term_is_added_to_a_query(query: str, joined: str) -> None:
    assert join_query(query, "a=1") == joined


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=80), st.integers(1, 30))
def test_a_histogram_counts_every_line_once(times: list[int], columns: int) -> None:
    store = Store()
    store.append([line("ERROR: x" if t % 3 == 0 else "WARN: y", t) for t in sorted(times)])
    histogram = Histogram.of(store, Rows(store, None), columns)
    assert histogram is not None
    assert len(histogram.bars) * histogram.wide <= columns
    assert sum(bar.lines for bar in histogram.bars) == len(times)
    assert sum(bar.errors for bar in histogram.bars) == sum(t % 3 == 0 for t in times)
    for time in times:
        assert histogram.bars[histogram.bar_at(time)].lines
    assert histogram.time_of(0) <= min(times)
    assert max(times) < histogram.end_ns


def test_nothing_has_no_histogram() -> None:
    store = Store()
    assert Histogram.of(store, Rows(store, None), 10) is None
    store.append([Line(REF, Stream.STDOUT, None, b"x")])
    assert Histogram.of(store, Rows(store, None), 10) is None

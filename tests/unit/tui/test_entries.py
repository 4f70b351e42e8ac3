"""Entries of several lines: one item, folded or not, that is taken, found and drawn as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lobtail.model.entries import Entry, make_entry
from lobtail.model.items import Item, Line
from lobtail.model.levels import Level
from lobtail.render.stamps import utc
from lobtail.session.pages import Page
from lobtail.tui.export import save, sliced
from lobtail.tui.state.filters import Filter, make_pattern
from lobtail.tui.state.folding import Folding
from lobtail.tui.state.log import Log
from lobtail.tui.state.record import record_of
from lobtail.tui.state.store import Store
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.widgets.copying import copy_selection
from lobtail.tui.widgets.drawing import Drawer, DrawnRows
from lobtail.tui.widgets.palette import DARK
from lobtail.tui.widgets.segments import text_of
from unit.tui.apps import Client, with_client
from unit.tui.items import REF, line
from unit.tui.scripted import REFS, START, ScriptedEngine

TRACE = (
    "2026-01-02 ERROR request failed",
    "java.lang.IllegalStateException: no stock",
    "\tat shop.Stock.take(Stock.java:42)",
    "Caused by: java.io.IOException: \x1b[31mreset\x1b[0m",
)
MS = 1_000_000


def trace(time_ns: int = START, *, texts: tuple[str, ...] = TRACE) -> Entry:
    entry = make_entry([line(text, time_ns + i * MS) for i, text in enumerate(texts)])
    assert isinstance(entry, Entry)
    return entry


def drawn(item: Item, *, unfolded: bool = False, wrap: bool = False, width: int = 80) -> DrawnRows:
    drawer = Drawer()
    drawer.set(ViewOptions(zone=utc, names=False, wrap=wrap), None, width)
    return drawer.draw(1, item, 0, unfolded=unfolded)


def texts_of(rows: DrawnRows) -> list[str]:
    texts = []
    for part, row in enumerate(rows.rows):
        fold = rows.fold_in(part)
        texts.append(" " * rows.indent(part) + text_of([*row, *([fold] if fold else [])]))
    return texts


# --- drawing -----------------------------------------------------------------------------------


def test_a_folded_entry_is_its_first_line_and_how_many_follow() -> None:
    rows = drawn(trace())
    assert texts_of(rows) == ["2026-01-02 ERROR request failed ▸ +3"]
    assert rows.rows[0][0].style == DARK.error


def test_an_unfolded_entry_hangs_its_lines_behind_the_first() -> None:
    rows = drawn(trace(), unfolded=True)
    assert texts_of(rows) == [
        "2026-01-02 ERROR request failed ▾ +3",
        "  java.lang.IllegalStateException: no stock",
        "          at shop.Stock.take(Stock.java:42)",
        "  Caused by: java.io.IOException: reset",
    ]
    assert rows.rows[1][0].style == DARK.error
    assert list(rows.starts) == [0, 1, 2, 3]


def test_wrapped_lines_of_an_entry_keep_within_the_width() -> None:
    rows = drawn(trace(), unfolded=True, wrap=True, width=36)
    head = text_of(rows.head)
    assert all(len(head + text) <= 36 for text in texts_of(rows))
    assert texts_of(rows)[rows.starts[1] - 1].endswith(" ▾ +3")
    assert "".join(text_of(row) for row in rows.rows[: rows.starts[1]]) == TRACE[0]


def test_a_single_line_has_nothing_to_unfold() -> None:
    rows = drawn(line("hello", START), unfolded=True)
    assert texts_of(rows) == ["hello"]


def test_what_is_drawn_is_of_the_item_that_has_the_number_now() -> None:
    drawer = Drawer()
    drawer.set(ViewOptions(zone=utc, names=False), None, 80)
    drawer.draw(1, line("before", START), 0)
    assert text_of(drawer.draw(1, line("after", START), 0).rows[0]) == "after"


def test_a_structured_line_is_message_and_fields() -> None:
    text = (
        r'{"level":"error","msg":"no \u001b[2Jstock","res":{"statusCode":500},'
        r'"err":{"stack":"Error: no stock\n  at accept (server.js:12)"}}'
    )
    folded = texts_of(drawn(line(text, START)))
    assert len(folded) == 1
    assert folded[0].startswith("ERROR no ")
    assert "\x1b" not in folded[0]
    assert folded[0].endswith("res.statusCode=500 ▸ +2")
    rows = drawn(line(text, START), unfolded=True)
    assert texts_of(rows)[1:] == ["  Error: no stock", "    at accept (server.js:12)"]
    drawer = Drawer()
    drawer.set(ViewOptions(zone=utc, names=False, fields="raw"), None, 80)
    assert text_of(drawer.draw(1, line(text, START), 0).rows[0]) == text


# --- which are unfolded ------------------------------------------------------------------------


def test_folding_one_by_one_and_all() -> None:
    folding = Folding()
    folding.toggle(3)
    assert [folding.is_open(n) for n in (3, 4)] == [True, False]
    folding.toggle_all()
    assert [folding.is_open(n) for n in (3, 4)] == [True, True]
    folding.toggle(4)
    assert [folding.is_open(n) for n in (3, 4)] == [True, False]
    folding.fit(5, 9)
    assert folding.is_open(4)  # which is another item now
    folding.forget()
    folding.toggle_all()
    assert not folding.is_open(3)


# --- the window --------------------------------------------------------------------------------


def test_an_entry_is_one_for_filter_and_search() -> None:
    log = Log()
    log.add([line("INFO quiet", START - MS), trace(), line("INFO later", START + 10 * MS)])
    log.set_filter(Filter(level=Level.ERROR), START, utc)
    while log.work():
        pass
    assert [log.rows.number(i) for i in range(len(log.rows))] == [1]
    log.set_filter(Filter(query='"Stock.java"'), START, utc)
    while log.work():
        pass
    assert [log.rows.number(i) for i in range(len(log.rows))] == [1]
    log.set_filter(Filter(), START, utc)
    log.set_search(make_pattern("^caused by.*reset$"))
    while log.work():
        pass
    assert log.hits is not None
    assert [log.hits.number(i) for i in range(len(log.hits))] == [1]


def test_an_entry_counts_with_all_its_lines_for_the_room() -> None:
    one, many = Store(), Store()
    one.append([line("x" * 100, START)])
    many.append([trace(texts=("x" * 100,) * 50)])
    assert many.size > 50 * one.size


def test_the_rest_of_an_entry_at_the_beginning_stays_and_is_joined() -> None:
    log, entry = Log(), trace()
    log.add([entry, line("later", START + 10 * MS)])
    log.begin_at(START + 2 * MS)
    assert log.since_ns == START + 2 * MS
    rest = log.store.items[0]
    assert isinstance(rest, Entry)
    assert [each.raw for each in rest.lines] == [t.encode() for t in TRACE[2:]]
    assert not rest.head.continues
    log.set_filter(Filter(query='"no stock"'), START, utc)
    while log.work():
        pass
    assert len(log.rows) == 0
    beginning = log.beginning()
    assert beginning is not None
    whole, grown = beginning.divide([line("before", START - MS), entry])
    number = log.store.first
    log.add_older(Page(whole, None, grown))
    while log.work():
        pass
    assert log.store.item(number) == entry
    assert [log.rows.number(i) for i in range(len(log.rows))] == [number]
    assert len(log.store) == 3


def test_what_makes_room_takes_no_line_of_the_window() -> None:
    log = Log(Store(max_items=100))
    first = [line(str(i), START + i * MS) for i in range(2)]
    # Its last line is written behind those that are dropped with it.
    long = make_entry([line("head", START + 2 * MS), line(" rest", START + 300 * MS)])
    log.add([*first, long])
    log.add([line(str(i), START + (i + 3) * MS) for i in range(100)])
    assert log.since_ns is not None
    assert log.since_ns > START + 2 * MS
    rest = log.store.items[0]
    assert isinstance(rest, Line)
    assert (rest.raw, rest.continues) == (b" rest", False)
    assert log.store.number_at(log.since_ns) <= log.store.first + 1


def test_reading_goes_on_behind_all_lines_of_an_entry() -> None:
    log = Log()
    long = make_entry([line("head", START), line(" rest", START + 5_000 * MS)])
    log.add([long, *(line(str(i), START + i * MS) for i in range(1, 4_990))])
    ending = log.ending(START)
    assert ending is not None
    alone = Log()
    alone.add(log.store.items[1:])
    without = alone.ending(START)
    assert without is not None
    assert ending.since == without.since
    assert len(ending.position) > len(without.position)


# --- the detail, and taking away ---------------------------------------------------------------


def test_the_detail_has_all_lines() -> None:
    lines = next(node for node in record_of(trace()) if node.name == "lines")
    assert lines.value == "4"
    assert [node.value for node in lines.children] == [
        *TRACE[:3],
        "Caused by: java.io.IOException: reset",
    ]


@pytest.fixture
def engine() -> ScriptedEngine:
    web = REFS["shop-web-1"]
    texts = [f"INFO number {i}" for i in range(30)]
    items: list[Item] = [line(text, START + i * MS, web) for i, text in enumerate(texts)]
    parts = [line(text, START + 100 * MS, web) for text in TRACE]
    return ScriptedEngine([*items, make_entry(parts), line("INFO last", START + 200 * MS, web)])


def test_folding_in_the_client(engine: ScriptedEngine) -> None:
    async def check(c: Client) -> None:
        view = c.view
        await c.press("0", "k")
        cursor = view.view.cursor
        entry = view.cursor_item
        assert isinstance(entry, Entry)
        before = len({place.number for place in view._places})
        await c.press("u")
        assert view.folding.is_open(cursor)
        assert [place.number for place in view._places].count(cursor) == 4
        assert len({place.number for place in view._places}) == before - 3
        await c.press("u")
        assert [place.number for place in view._places].count(cursor) == 1
        # The sign can be clicked.
        y = [place.number for place in view._places].index(cursor)
        x = next(x for x in range(view.text_columns) if view.fold_at(x, y) == cursor)
        await c.pilot.click(view, offset=(x, y))
        assert view.folding.is_open(cursor)
        assert view.selection is None
        # All at once.
        await c.press("U")
        assert view.folding.is_open(cursor)
        await c.press("U")
        assert not view.folding.is_open(cursor)
        # A hit among its lines unfolds it.
        await c.press("g", "slash")
        await c.type("io.ioexc")
        await c.press("enter")
        await c.until(lambda: view.folding.is_open(cursor))
        assert view.view.cursor == cursor
        # It is copied whole.
        text, count = copy_selection(view, bare=True)
        assert count == 4
        assert text.splitlines()[3] == "Caused by: java.io.IOException: reset"

    with_client(check, engine=engine, size=(80, 24))


def test_a_part_of_an_entry_is_copied_as_it_is_drawn(engine: ScriptedEngine) -> None:
    async def check(c: Client) -> None:
        view = c.view
        await c.press("0", "k", "u")
        y = next(i for i, p in enumerate(view._places) if p.number == view.view.cursor)
        left = sum(s.cell_length for s in view.drawn(view.view.cursor).head)
        await c.pilot.mouse_down(view, offset=(left + 11, y))
        await c.pilot.hover(view, offset=(left + 2 + 9, y + 1))
        assert copy_selection(view) == ("ERROR request failed\njava.lang", 2)
        await c.pilot.mouse_up(view, offset=(left + 2 + 9, y + 1))

    with_client(check, engine=engine, size=(100, 24))


def test_a_saved_entry_is_single_lines_that_say_so(tmp_path: Path) -> None:
    path = tmp_path / "saved.jsonl"
    items = sliced([trace(), line("later", START + 9 * MS)])
    saved = asyncio.run(save(items, path, ViewOptions(), containers=lambda: [REF]))
    written = path.read_text().splitlines()
    assert saved.lines == len(written) == 5
    assert ['"continues":true' in each for each in written] == [False, True, True, True, False]

"""What is drawn of a log means what it looks like: the map, the bars, the marks before lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from lobtail.core.frames import Stream
from lobtail.core.model import Item, Line
from lobtail.render.stamps import find_zone, utc
from lobtail.tui.state.histogram import Bar, Histogram, duration_words
from lobtail.tui.state.log import Log
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import Store
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.drawing import Drawer
from lobtail.tui.widgets.histogram_bar import HistogramBar
from lobtail.tui.widgets.palette import COLORLESS, DARK
from lobtail.tui.widgets.ruler import RULER
from lobtail.tui.widgets.segments import text_of
from unit.tui.apps import Client, with_client
from unit.tui.items import REF, line
from unit.tui.scripted import REFS, START, S, ScriptedEngine

MINUTE = 60 * S
PROXY = REFS["proxy"]
SIZES = [(40, 12), (60, 20), (80, 24), (100, 30), (140, 40), (200, 50)]


def histogram_of(times: list[int], columns: int, *, zone: str = "UTC") -> Histogram:
    store = Store()
    store.append([line("x", time) for time in times])
    found = Histogram.of(store, Rows(store, None), columns, find_zone(zone))
    assert found is not None
    return found


# --- the detail of a line ---------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [False, True])
def test_case_chosen_line_stays_visible(wrap: bool) -> None:
    """The detail took the rows at the bottom, where the chosen line stood."""
    items: list[Item] = [line(f"number {i} " + "x" * (i % 9 * 40), START + i) for i in range(500)]

    def shown(c: Client) -> bool:
        return c.view.view.cursor in [place.number for place in c.view._places]

    async def check(c: Client) -> None:
        await c.press("0", "up", "up", "enter")
        cursor = c.view.view.cursor
        assert c.view.log_.store.item(cursor).raw.startswith(b"number 497 ")
        await c.until(lambda: c.pane.detail.size.height)
        for size in [*SIZES, *SIZES[::-1]]:
            await c.pilot.resize_terminal(*size)
            await c.until(lambda: c.view._shape[0] == c.view.size)
            assert c.app.size == size
            assert c.view.view.cursor == cursor
            assert c.view.size.height > 1
            assert shown(c), size
        # More that comes does not push it out.
        c.pane.model.add([line(f"later {i}", START + 1000 + i) for i in range(100)])
        c.pane.touch()
        c.pane._tick()
        assert shown(c)
        await c.press("escape", "w")
        assert shown(c)

    with_client(check, Target(), engine=ScriptedEngine(items), wrap=wrap)


# --- the map ----------------------------------------------------------------------------------


def test_case_map_is_apart_from_the_text() -> None:
    """Its red marks stood beside lines of other levels, as if they were theirs."""
    items: list[Item] = [
        line("ERROR bad" if i % 33 == 0 else "INFO good", START + i, PROXY) for i in range(3000)
    ]

    async def check(c: Client) -> None:
        await c.press("0")
        view = c.view
        for y in range(view.size.height):
            strip = view.render_line(y)
            assert strip.cell_length == view.size.width
            # A thin bar beside a rule, not a sign: 3 of 100 lines.
            assert text_of(strip)[-RULER:] in ("│▏", "│▎")

    with_client(check, Target(names=("proxy",)), engine=ScriptedEngine(items))


def test_a_log_that_is_all_on_the_screen_has_no_map() -> None:
    items: list[Item] = [line("ERROR bad", START, PROXY), line("INFO good", START + 1, PROXY)]

    async def check(c: Client) -> None:
        for y in range(c.view.size.height):
            assert text_of(c.view.render_line(y)).endswith("│ ")

    with_client(check, Target(names=("proxy",)), engine=ScriptedEngine(items))


def test_the_map_shows_where_errors_are_many() -> None:
    items: list[Item] = [
        line("ERROR bad" if i >= 2000 else "INFO good", START + i, PROXY) for i in range(4000)
    ]

    async def check(c: Client) -> None:
        height = c.view.size.height
        signs = [text_of(c.view.render_line(y))[-1] for y in range(height)]
        assert set(signs[: height // 2 - 1]) == {" "}
        assert set(signs[height // 2 + 1 :]) == {"█"}

    with_client(check, Target(names=("proxy",)), engine=ScriptedEngine(items))


# --- stderr -----------------------------------------------------------------------------------


def test_case_stderr_is_no_error() -> None:
    """A program that writes all to stderr had a bold red sign before each line."""
    log = Log()
    only, both = REFS["proxy"], REFS["shop-db-1"]

    def write(ref: object, stream: Stream, text: bytes) -> Line:
        return Line(ref, stream, START, text)  # type: ignore[arg-type]

    lines = [
        write(only, Stream.STDERR, b"one"),
        write(both, Stream.STDERR, b"two"),
        write(both, Stream.STDOUT, b"three"),
    ]
    drawer = Drawer()

    def head(at: int) -> list[Segment]:
        drawer.set(drawer._look, None, 80, log.both)
        return drawer.draw(at, lines[at], 0).head

    log.add(lines[:2])
    assert not any(segment.text == "e" for at in (0, 1) for segment in head(at))
    log.add(lines[2:])
    assert log.both == {both.id}
    assert not any(segment.text == "e" for at in (0, 2) for segment in head(at))
    (sign,) = [segment for segment in head(1) if segment.text == "e"]
    assert sign.style == DARK.dim
    # In older lines, too.
    log.add_older([write(only, Stream.STDOUT, b"zero")], None)
    assert log.both == {both.id, only.id}
    log.clear()
    assert not log.both


# --- the histogram ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "columns", "step"),
    [
        (0, 100, "100 ms"),
        (9 * S, 100, "100 ms"),
        (12 * S, 100, "1 s"),
        (4 * MINUTE, 100, "5 s"),
        (15 * MINUTE, 100, "10 s"),
        (90 * MINUTE, 100, "1 min"),
        (8 * 60 * MINUTE, 100, "5 min"),
        (90 * 1440 * MINUTE, 100, "1 d"),
        (700 * 1440 * MINUTE, 101, "7 d"),
        (100 * 365 * 1440 * MINUTE, 100, "448 d"),
    ],
)
def test_case_histogram_has_bars_of_the_clock(span: int, columns: int, step: str) -> None:
    histogram = histogram_of([START, START + span], columns)
    assert duration_words(histogram.step_ns) == step
    assert len(histogram.bars) * histogram.wide <= columns
    if histogram.step_ns < 86_400 * S:
        assert histogram.start_ns % histogram.step_ns == 0


def test_long_bars_begin_where_the_days_of_the_zone_do() -> None:
    histogram = histogram_of([START, START + 90 * 1440 * MINUTE], 100, zone="+05:30")
    assert (histogram.start_ns + 330 * MINUTE) % (1440 * MINUTE) == 0


@given(st.lists(st.integers(1, 2 * S), min_size=30, max_size=80), st.integers(20, 90))
def test_case_histogram_does_not_move_with_each_line(waits: list[int], columns: int) -> None:
    """Whatever comes, a bar keeps its place as long as bars keep their length."""
    store = Store()
    before, layouts = None, []
    time = START
    for wait in waits:
        time += wait
        store.append([line("x", time)])
        now = Histogram.of(store, Rows(store, None), columns, utc, before)
        assert now is not None
        layouts.append((now.step_ns, now.wide, now.start_ns))
        before = now
    # Each layout comes once, and leaves room for twice as much at least, but for the step to 5 s.
    assert len(set(layouts)) <= 12
    assert layouts == sorted(layouts, key=lambda layout: (layout[0], -layout[1]))


def test_bars_do_not_flicker_where_the_window_slides() -> None:
    """The oldest lines go in bunches, the newest come one by one: the span breathes."""
    store = Store()
    store.append([line("x", START + i * S) for i in range(95)])
    before = Histogram.of(store, Rows(store, None), 100)
    assert before is not None
    steps = []
    for i in range(95, 600):
        store.append([line("x", START + i * S)])
        if len(store) > 102:
            store.drop_oldest(5)
        before = Histogram.of(store, Rows(store, None), 100, utc, before)
        assert before is not None
        steps.append(before.step_ns)
    assert steps == sorted(steps)


def axis_of(histogram: Histogram, columns: int, *, colors: bool = True) -> str:
    bar = HistogramBar(Log())
    bar.zone = utc
    bar.palette = DARK if colors else COLORLESS
    return text_of(bar._axis(histogram, columns, DARK.accent))


def test_the_scale_can_be_read() -> None:
    bars = (Bar(others=15), Bar(), Bar(others=3))
    words = axis_of(Histogram(START, S, bars, 8), 80)
    assert words.startswith("14:13:20        14:13:23")
    assert words.endswith("max 15 per 1 s")
    assert "max 2,002 per 5 min" in axis_of(Histogram(START, 300 * S, (Bar(others=2002),) * 70), 80)
    assert "14:13:20.0 " in axis_of(Histogram(START, S // 10, bars * 20), 80)
    for columns in range(1, 120):
        assert len(axis_of(Histogram(START, S, bars * (columns // 3)), columns)) == columns


def test_case_no_color_histogram_tells_errors_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def check(c: Client) -> None:
        bar = c.pane.bar
        bars = (Bar(others=9), Bar(2, 1, 3), Bar(warnings=1), Bar())
        bar.histogram = Histogram(START, S, bars, 2)
        rows = [text_of(bar.render_line(y)) for y in range(4)]
        assert rows[2].rstrip() == "  E W"
        assert rows[0].startswith("██")
        assert "E error, W warning" in rows[3]

    with_client(check)


def test_each_error_is_seen_in_a_bar() -> None:
    bar = HistogramBar(Log())
    cell = bar._cell(Bar(errors=1, others=10_000), 24, 0, DARK.accent, 1)
    assert cell.style is not None
    assert cell.style.color == DARK.bar_errors


def test_lines_of_a_container_without_a_name_are_drawn() -> None:
    drawn = Drawer().draw(0, line("x", 1, REF), 0)
    assert text_of(drawn.rows[0]) == "x"

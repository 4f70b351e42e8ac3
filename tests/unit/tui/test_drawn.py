"""What is drawn of a log means what it looks like: the map, the bars, the marks before lines."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.segment import Segment
from textual.widgets import OptionList

from lobtail.engine.objects.stats import Stats
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from lobtail.render.stamps import find_zone, utc
from lobtail.render.table import width
from lobtail.session.pages import Page
from lobtail.tui.state.histogram import Bar, Histogram, duration_words
from lobtail.tui.state.log import Log
from lobtail.tui.state.names import tell_apart
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import Store
from lobtail.tui.state.target import Target
from lobtail.tui.state.usage import Usage, plot, sparkline, top_of
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.widgets.drawing import Drawer
from lobtail.tui.widgets.histogram_bar import HistogramBar
from lobtail.tui.widgets.list_panel import ListPanel
from lobtail.tui.widgets.palette import COLORLESS, DARK
from lobtail.tui.widgets.panes import StatsPane
from lobtail.tui.widgets.ruler import RULER
from lobtail.tui.widgets.segments import text_of, width_of
from support.chance import examples
from unit.tui.apps import Client, with_client
from unit.tui.items import REF, line
from unit.tui.scripted import REFS, START, S, ScriptedEngine, summary_of

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


@pytest.mark.parametrize(
    ("wrap", "sizes"), [(False, [(40, 12), (200, 50), (80, 24)]), (True, SIZES[::2])]
)
def test_case_chosen_line_stays_visible(wrap: bool, sizes: list[tuple[int, int]]) -> None:
    """The detail took the rows at the bottom, where the chosen line stood."""
    items: list[Item] = [line(f"number {i} " + "x" * (i % 9 * 40), START + i) for i in range(500)]

    def shown(c: Client) -> bool:
        return c.view.view.cursor in [place.number for place in c.view._places]

    async def check(c: Client) -> None:
        await c.press("0", "up", "up", "enter")
        cursor = c.view.view.cursor
        assert c.view.log_.store.item(cursor).raw.startswith(b"number 497 ")
        await c.until(lambda: c.pane.detail.size.height)
        for size in sizes:
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
            assert text_of(strip)[-RULER:] in ("▕▏", "▕▎")

    with_client(check, Target(names=("proxy",)), engine=ScriptedEngine(items))


def test_a_log_that_is_all_on_the_screen_has_no_map() -> None:
    items: list[Item] = [line("ERROR bad", START, PROXY), line("INFO good", START + 1, PROXY)]

    async def check(c: Client) -> None:
        for y in range(c.view.size.height):
            assert text_of(c.view.render_line(y)).endswith("▕ ")

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
    log.add_older(Page([write(only, Stream.STDOUT, b"zero")], None))
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


@settings(max_examples=examples(30))
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


# --- what containers use ----------------------------------------------------------------------


def stats_of(used: int, limit: int, *, cpu: float = 1.0, at: int = START) -> Stats:
    return Stats(
        id="1" * 64,
        time_ns=at,
        cpu_percent=cpu,
        cpus=4,
        memory_used=used,
        memory_limit=limit,
        network_received_rate=0.0,
        network_sent_rate=0.0,
        disk_read_rate=0.0,
        disk_written_rate=0.0,
        pids=1,
    )


def test_case_stats_have_a_scale() -> None:
    """The graph of 456K of 24G was half full, and said nothing of its height."""
    usage = Usage()
    for i in range(91):
        usage.add(stats_of(456 << 10, 24 << 30, at=START + i * S))

    async def check(c: Client) -> None:
        pane = c.main.contents._stats
        await c.press("2", "j", "right_square_bracket")
        pane.show([("x", usage)])
        lines = pane._one(usage).plain.split("\n")
        at = next(i for i, text in enumerate(lines) if text.startswith("Memory"))
        assert lines[at] == "Memory  456K of 24G (<0.1%)"
        rows = [text for text in lines[at + 1 :] if "┤" in text or "│" in text]
        rows = rows[: next(i for i, text in enumerate(rows) if "    0 ┤" in text) + 1]
        assert rows[0].startswith("   64M ┤ ")
        assert set(rows[0][8:]) == {" "}
        assert rows[-1].startswith("     0 ┤")
        assert set(rows[-1][8:].strip()) == {"▁"}
        axis = next(text for text in lines[at:] if "└" in text)
        assert axis.endswith("now")
        assert " s ago" in axis
        assert lines[0] == "CPU  1.0% of 400%"
        assert lines[1].startswith("  100% ┤ ")

    with_client(check)


@given(st.lists(st.floats(0, 1e15), max_size=20), st.floats(1, 1e9), st.floats(0, 1e15))
def test_scales_hold_all_values(values: list[float], least: float, most: float) -> None:
    top = top_of(values, least, most)
    assert top >= max(values, default=0)
    assert top > 0 or not most
    for row in plot(values, 30, 3, top):
        assert len(row) == 30


def test_scales_are_those_of_the_limit_or_steady() -> None:
    assert top_of([1 << 20], 64 << 20, 32 << 20) == 32 << 20
    assert top_of([100 << 20], 64 << 20, 24 << 30) == 128 << 20
    assert top_of([90.0], 100, 400) == top_of([10.0], 100, 400) == 100
    assert top_of([450.0], 100, 400) == 800
    assert top_of([], 64) == 64


def test_little_is_shown_as_little_in_a_row() -> None:
    assert sparkline([0.0, 0.2, 2.5, 50.0, 100.0], 6, most=100.0) == "  ▁▁▄█"


def test_a_container_without_samples_says_so() -> None:
    assert StatsPane()._one(None).plain == "Not running, or no sample yet."


# --- small screens ----------------------------------------------------------------------------

LONG = "a-very-long-project-production"


@pytest.mark.parametrize(
    ("names", "columns", "shown"),
    [
        (["shop-web-1", "shop-db-1"], 20, ["web-1", "db-1"]),
        (["web-1", "web-2"], 20, ["web-1", "web-2"]),
        (["shop-web-1"], 20, ["shop-web-1"]),
        ([f"{LONG}-web-1", f"{LONG}-worker-1", "proxy"], 10, ["…web-1", "…worker-1", "proxy"]),
        (["a-long-one-web-1", "b-long-one-web-1"], 10, ["a-lon…eb-1", "b-lon…eb-1"]),
        ([LONG + "1" + LONG, LONG + "2" + LONG], 8, ["…1a-…ion", "…2a-…ion"]),
        (["日本語日本語-1", "日本語日本語-2"], 8, ["日本…-1", "日本…-2"]),
        (["app", "app-db"], 20, ["app", "app-db"]),
        ([], 10, []),
    ],
)
def test_case_names_without_their_common_prefix(
    names: list[str], columns: int, shown: list[str]
) -> None:
    """Of 26 columns, elided names took most, and looked alike."""
    assert tell_apart(names, columns, strip=True) == dict(zip(names, shown, strict=True))


def test_names_that_fit_are_whole_where_there_is_room() -> None:
    assert tell_apart(["shop-web-1", "shop-db-1"], 20)["shop-db-1"] == "shop-db-1"
    assert tell_apart(["shop-web-1", "shop-db-1"], 9)["shop-db-1"] == "db-1"


@given(
    st.sets(st.text(alphabet="ab1-_./日", min_size=1, max_size=14), max_size=12),
    st.integers(1, 16),
    st.booleans(),
)
def test_shortened_names_are_no_wider(names: set[str], columns: int, strip: bool) -> None:
    shown = tell_apart(sorted(names), columns, strip=strip)
    assert shown.keys() == names
    assert all(0 < width(text) <= columns for text in shown.values() if text != "…")
    if columns > 14 * 2:
        assert len(set(shown.values())) == len(names)


def head_of(width: int, *, names: tuple[str, ...] = (), name: str = "shop-web-1") -> str:
    drawer = Drawer()
    drawer.set(ViewOptions(zone=utc), None, width, frozenset(), names)
    ref = replace(REF, name=name)
    return text_of(drawer.draw(0, line("text", START, ref), 0).head)


def test_case_small_screens_leave_room_for_the_text() -> None:
    names = ("shop-web-1", "shop-db-1")
    assert head_of(98, names=names) == "14:13:20.000 shop-web-1    │ "
    assert head_of(78, names=names) == "14:13:20 web-1  │ "
    assert head_of(38, names=names) == "14:13 web-1 │ "
    # One that nobody told of is shown as well, and others beside it.
    assert head_of(78, names=names, name="proxy") == "14:13:20 proxy       │ "


def on_screen(c: Client, word: str) -> bool:
    return any(word in row for row in rows_of(c))


def rows_of(c: Client) -> list[str]:
    return [strip.text for strip in c.app.screen._compositor.render_strips()]


@pytest.mark.parametrize(("size", "alone"), [(size, size[0] < 100) for size in SIZES])
def test_case_log_first_on_small_screens(size: tuple[int, int], alone: bool) -> None:
    async def check(c: Client) -> None:
        panel: ListPanel = c.main.panels[1]
        # The log is there at once, and has the screen to itself where that is narrow.
        assert (c.app.focused is c.view) is alone
        assert c.view.size.width >= (size[0] if alone else size[0] - 46)
        text = c.view.text_columns - width_of(c.view.drawn(c.view._places[-1].number).head)
        assert text >= min(size[0] - 26, 34)
        assert c.view.size.height >= size[1] // 2
        # To the lists and back.
        await c.press("2")
        assert c.app.focused is panel
        await c.until(lambda: panel.size.height and panel.size.width)
        assert any("shop-db-1" in row for row in rows_of(c))
        assert (not c.view.region) is (size[0] < 70)
        await c.press("j", "enter")
        await c.until(lambda: c.view.has_focus and c.view.region)
        assert c.main.has_class("zoomed") is alone

    with_client(check, size=size)


def test_the_lists_come_and_go_with_the_room() -> None:
    async def check(c: Client) -> None:
        async def resize(*size: int) -> None:
            await c.pilot.resize_terminal(*size)
            await c.until(lambda: c.main.size == size)

        assert not c.main.has_class("zoomed")
        await c.press("0")
        await resize(80, 24)
        assert c.main.has_class("zoomed")
        # A question keeps what there is.
        await c.press("slash")
        assert c.main.has_class("zoomed")
        await c.press("escape")
        # Both, if that is wanted.
        await c.press("z")
        assert not c.main.has_class("zoomed")
        await resize(40, 12)
        assert c.main.has_class("zoomed")
        await c.press("z")
        assert c.app.focused is c.main.panels[1]
        assert c.main.has_class("listed")
        await resize(120, 40)
        assert not c.main.has_class("listed")
        await c.press("z")
        assert c.main.has_class("zoomed")
        assert c.app.focused is c.view

    with_client(check)


def test_the_histogram_is_left_out_on_few_rows_until_it_is_asked_for() -> None:
    async def check(c: Client) -> None:
        await c.press("0")
        assert not c.pane.bar.display
        await c.press("H")
        await c.until(lambda: c.pane.bar.display and c.pane.bar.size.height)
        await c.press("H")
        await c.until(lambda: not c.pane.bar.display)

    with_client(check, size=(60, 14))


@pytest.mark.parametrize("size", [(40, 12), (60, 14), (80, 24)])
def test_questions_and_menus_show_their_answers_on_small_screens(size: tuple[int, int]) -> None:
    name = "acme-storefront-production-checkout-with-a-long-name-1"
    engine = ScriptedEngine()
    row = (name, "", "x", "exited", "Exited (0) 1 hour ago")
    engine.listed = [summary_of(row, 1)]

    async def check(c: Client) -> None:
        await c.press("2", "j", "d")
        await c.until(lambda: any("Yes (y)" in row and "No (n)" in row for row in rows_of(c)))
        await c.press("escape", "x")
        await c.until(lambda: any("start" in row for row in rows_of(c)))
        # The cursor is to be seen wherever it goes.
        menu = c.app.screen.query_one(OptionList)
        for _ in range(menu.option_count):
            await c.press("j")
            here = menu.highlighted
            assert here is not None
            word = str(menu.get_option_at_index(here).prompt).split()[0]
            await c.until(partial(on_screen, c, word))

    with_client(check, size=size, engine=engine)

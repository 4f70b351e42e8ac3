"""What keys of the log view say and do beside the table: fields, search, levels, the side."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest

from lobtail.api import Engine
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from lobtail.model.levels import Level
from lobtail.tui.app import ClientSettings, LobtailApp
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.screens.questions import HelpScreen, help_text
from lobtail.tui.state.keys import TITLES
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.prompt import Prompt
from lobtail.tui.widgets.status import LogStatus, LogStatusLine
from unit.tui.apps import Client, with_client
from unit.tui.hurried import run_hurried
from unit.tui.scripted import REFS, START, S, ScriptedEngine

use = partial(with_client, pressed=("0",))  # in the log


def has_focus(c: Client, widget: Any) -> bool:
    return c.app.focused is widget


def engine_of(*texts: str) -> ScriptedEngine:
    items: list[Item] = [
        Line(REFS["proxy"], Stream.STDOUT, START + i * S, text.encode())
        for i, text in enumerate(texts)
    ]
    return ScriptedEngine(items)


PROXY = Target(names=("proxy",))


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_prompt_shows_its_hint(columns: int) -> None:
    async def steps(c: Client) -> None:
        hint = c.main.query_one(Prompt).query_one(".hint")
        for key, words in (("f", "level>=warn"), ("@", "-10m"), ("S", ".jsonl")):
            await c.press("at" if key == "@" else key)
            shown = "".join(segment.text for segment in hint.render_line(0))
            assert words in shown
            assert hint.region.right <= columns
            assert c.main.query_one("Input").region.width > columns // 5
            await c.press("escape")
        # What is typed has the room in the end.
        await c.press("f")
        c.main.query_one("Input").value = " and ".join(["not level>=warn", "status>=500"] * 2)
        await c.until(lambda: not hint.display)

    use(steps, size=(columns, 24))


def test_the_fields_of_a_line_are_moved_in_with_the_letters() -> None:
    async def steps(c: Client) -> None:
        detail = c.pane.detail
        tree = detail.fields
        await c.press("k", "e", "E", "enter")
        assert has_focus(c, tree)
        item = c.view.cursor_item
        await c.press("j", "j")
        assert tree.cursor_line == 2
        assert c.view.cursor_item is item
        await c.press("k")
        assert tree.cursor_line == 1
        await c.press("G")
        assert tree.cursor_line == tree.last_line
        await c.press("g")
        assert tree.cursor_line == 0
        # The container has fields of its own.
        while tree.node.name != "container":
            await c.press("j")
        assert not tree.cursor_node.is_expanded
        await c.press("l", "l")
        assert tree.node.name == tree.cursor_node.parent.data.children[0].name
        await c.press("h")
        assert tree.node.name == "container"
        await c.press("h")
        assert not tree.cursor_node.is_expanded
        await c.press("l")
        assert tree.cursor_node.is_expanded
        footer = [entry[0] for entry in c.main.keys._shown]
        assert footer.count("f") == 1
        # What cannot be filtered by says so.
        while tree.node.name != "labels":
            await c.press("j")
        await c.press("f")
        assert not c.pane.model.filter
        assert "labels has no value to filter by: go to one of its fields" in c.notices
        await c.press("g", "l", "j", "y")
        assert tree.node.value
        assert c.app.clipboard == tree.node.value
        assert f"copied {tree.node.value}" in c.notices
        # Other lines of the log, without leaving.
        before = c.view.view.cursor
        await c.press("K")
        assert c.view.view.cursor < before
        await c.press("J")
        assert c.view.view.cursor == before
        assert has_focus(c, tree)
        await c.press("q")
        assert has_focus(c, c.view)

    use(steps)


def test_help_has_the_keys_of_fields_and_bars() -> None:
    async def steps(c: Client) -> None:
        await c.press("question_mark")
        await c.until(lambda: isinstance(c.app.screen, HelpScreen))
        text = str(c.app.screen.query_one("Static").render())
        for words in ("show only lines with this value", "copy the value", "at the next bar"):
            assert words in text

    use(steps)


def test_case_help_begins_with_the_part_that_has_the_focus() -> None:
    async def steps(c: Client) -> None:
        def shown() -> str:
            return str(c.app.screen._table.render())  # type: ignore[attr-defined]

        for keys, title in ((("0",), "In a log"), (("2",), "In a list")):
            await c.press(*keys, "question_mark")
            await c.until(lambda: isinstance(c.app.screen, HelpScreen))
            assert shown().split("\n")[2] == title
            await c.press("escape")
            await c.until(lambda: c.app.screen is c.main)
        # It can be searched; what is typed there does nothing else.
        await c.press("question_mark")
        await c.until(lambda: isinstance(c.app.screen, HelpScreen))
        await c.press("slash")
        await c.type("kill q")
        assert shown().endswith("no match")
        await c.press("backspace", "backspace")
        assert [line for line in shown().split("\n")[2:] if line.strip()] == [
            "In a list",
            "  K                       kill (asks first)",
        ]
        await c.press("enter", "escape")
        assert "one row down" in shown()
        await c.press("q")
        await c.until(lambda: c.app.screen is c.main)
        assert not c.engine.asked

    use(steps)


@pytest.mark.parametrize("columns", [30, 40, 77])
def test_words_of_help_stand_below_each_other(columns: int) -> None:
    text = str(help_text(list(TITLES), "", {}, columns))
    assert max(map(len, text.split("\n"))) <= columns
    rows = [line for line in text.split("\n")[1:] if line.startswith("    ")]
    indents = {len(line) - len(line.lstrip()) for line in rows}
    assert len(indents) == 1


def test_a_search_says_where_it_wraps_and_that_it_finds_nothing() -> None:
    async def steps(c: Client) -> None:
        await c.press("n")
        assert "nothing is searched: / asks what" in c.notices
        await c.press("slash")
        await c.type("hit")
        await c.press("enter")
        await c.until(lambda: c.pane.model.complete)
        await c.press("g", "n")
        assert not any("wrapped" in notice for notice in c.notices)
        await c.press("n")
        assert c.view.cursor_item.raw == b"hit two"
        await c.press("n")
        assert c.view.cursor_item.raw == b"hit one"
        assert "search wrapped: from the first on" in c.notices
        await c.press("N")
        assert c.view.cursor_item.raw == b"hit two"
        assert "search wrapped: from the last back" in c.notices
        await c.press("slash")
        await c.type("nowhere")
        await c.press("enter", "n")
        assert "not found: nowhere" in c.notices

    use(steps, PROXY, engine=engine_of("none", "hit one", "hit two", "none"))


def test_no_notice_hides_the_line_below_the_log() -> None:
    async def main() -> None:
        fleet = EngineGroup({"": cast(Engine, ScriptedEngine())})
        app = LobtailApp(fleet, Target(), ClientSettings(timezone="UTC"))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            c = Client(app, pilot, ScriptedEngine())
            await c.settle()
            app.notify("not found: nowhere")
            await c.until(lambda: app.screen.query("Toast"))
            await pilot.pause()
            toast = app.screen.query("Toast").last()
            assert toast.region.bottom <= c.pane._status.region.y

    run_hurried(main())


def test_levels_rise_step_by_step_and_go_back() -> None:
    rising = [Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL, Level.UNKNOWN]

    async def steps(c: Client) -> None:
        seen = []
        for _ in rising:
            await c.press("L")
            seen.append(c.pane.model.filter.level)
        assert seen == rising
        for level in [Level.FATAL, Level.ERROR]:
            await c.press("ctrl+l")
            assert c.pane.model.filter.level is level

    use(steps)


def test_long_lines_are_passed_quickly() -> None:
    async def steps(c: Client) -> None:
        def shown() -> str:
            return "".join(segment.text for segment in c.view.render_line(2))

        await c.press("dollar_sign")
        assert "the end" in shown()
        whole = c.view.left
        await c.press("left_parenthesis")
        assert 20 < whole - c.view.left < c.view.size.width
        await c.press("right_parenthesis")
        assert abs(whole - c.view.left) < 8
        await c.press("0")
        assert c.view.left == 0
        assert "begins" in shown()
        await c.press("shift+right")
        assert c.view.left > 20
        await c.press("circumflex_accent")
        assert c.view.left == 0
        # From beside the log 0 goes to it.
        c.main.set_focus(c.pane.bar)
        await c.press("0")
        assert has_focus(c, c.view)

    use(steps, PROXY, engine=engine_of("short", "begins" + "-" * 9_000 + "the end"))


def line_of(columns: int, **parts: Any) -> str:
    shown: list[str] = []

    class Line(LogStatusLine):
        size = property(lambda _: type("Size", (), {"width": columns})())

        def update(self, content: Any = "", **_: Any) -> None:
            shown.append(str(content))

    Line().show(LogStatus(rows=93, lines=1400, time="2026-11-25 15:04:05", rate=12, **parts))
    return shown[0]


def test_the_count_of_a_filter_goes_last() -> None:
    assert line_of(100, filter="stderr").endswith("93 of 1,400 lines  12/s  2026-11-25 15:04:05")
    assert "93 of 1,400 lines  15:04:05" in line_of(58, filter="stderr")
    assert "93/1,400" in line_of(54, filter="level>=warn and status>=500")
    # A long filter is cut, an error is not.
    assert "93/1,400" in line_of(54, filter="level>=warn and status>=500 " * 4)
    assert "93" not in line_of(54, error="cannot connect to the engine, which is away " * 2)
    assert "1,400 lines" in line_of(54)


def test_the_line_says_what_is_not_searched_of_long_lines() -> None:
    assert "  long lines searched to 39K  where /x.*y/" in line_of(
        100, reach=40_000, filter="/x.*y/"
    )
    assert "long lines" not in line_of(100, filter="/x.*y/")

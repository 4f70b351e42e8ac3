"""Each key does what the table says: pressed in a client, on a scripted engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import Line, Mark
from lobtail.model.levels import Level
from lobtail.render.stamps import utc
from lobtail.tui.screens.questions import ConfirmScreen, HelpScreen, MenuScreen
from lobtail.tui.state.keys import keys_of
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.list_panel import ListPanel
from lobtail.tui.widgets.prompt import Prompt
from unit.tui.pressed import Pressed, in_client


def test_keys_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.timezone", -3600)  # of a system that is not in UTC

    async def use(c: Pressed) -> None:
        view, pane, model = c.view, c.pane, c.pane.model
        await c.press("0")
        assert c.has_focus(view)
        last = model.rows.number(len(model.rows) - 1)
        # Moving.
        assert view.view.following
        await c.press("k")
        assert not view.view.following
        assert view.view.cursor == last - 1
        await c.press("j")
        assert view.view.cursor == last
        await c.press("ctrl+u")
        half = view.span[0]
        await c.press("pageup")
        assert view.span[0] < half
        above = view.span[0]
        await c.press("pagedown")
        assert view.span[0] > above
        await c.press("ctrl+d")
        await c.press("G")
        assert view.view.following
        await c.press("g")
        assert view.at_top
        assert view.view.cursor == model.store.first
        await c.press("right")
        assert view.left > 0
        await c.press("left")
        assert view.left == 0
        await c.press("dollar_sign")
        end = view.left
        await c.press("left_parenthesis", "right_parenthesis")
        assert 0 < view.left <= end + 8
        await c.press("circumflex_accent")
        assert view.left == 0
        await c.press("space")
        assert view.view.following
        await c.press("space")
        assert not view.view.following
        # Errors, marks.
        await c.press("g", "e")
        assert isinstance(view.cursor_item, Line)
        assert view.cursor_item.level is Level.ERROR
        first = view.view.cursor
        await c.press("e")
        assert view.view.cursor > first
        await c.press("E")
        assert view.view.cursor == first
        await c.press("m")
        assert isinstance(view.cursor_item, Mark)
        mark = view.view.cursor
        await c.press("m", "M")
        assert view.view.cursor == mark
        # A jump to a time.
        await c.press("colon")
        await c.type("-10s")
        await c.press("enter")
        assert model.store.time(view.view.cursor) < model.store.time(mark)
        # A search, and its hits.
        await c.press("slash")
        await c.type("timed out")
        await c.press("enter")
        await c.until(lambda: model.complete)
        assert len(model.hits) > 3
        await c.press("n")
        hit = view.view.cursor
        assert model.hits.holds(hit)
        await c.press("n")
        assert view.view.cursor != hit
        await c.press("N")
        assert view.view.cursor == hit
        await c.press("asterisk")
        await c.type("ann")
        await c.press("enter")
        assert view.look.highlight.pattern == "ann"
        await c.press("escape")
        assert model.pattern is None
        await c.press("escape")
        assert view.look.highlight is None
        # A filter, what it hides, and back.
        await c.press("f")
        await c.type("status>=500")
        await c.press("enter")
        await c.until(lambda: model.complete)
        rows = len(model.rows)
        assert 0 < rows < len(model.store)
        await c.press("c")
        await c.until(lambda: model.complete)
        assert len(model.rows) == len(model.store)
        await c.press("c")
        await c.until(lambda: model.complete)
        assert len(model.rows) == rows
        await c.press("escape")
        assert not model.filter
        await c.press("L", "L", "L", "L", "ctrl+l")
        assert model.filter.level is Level.WARN
        await c.press("L", "L", "L", "s")
        assert model.filter.stream is Stream.STDOUT
        await c.press("s", "s")
        assert not model.filter
        # How it looks.
        await c.press("w")
        assert view.look.wrap
        await c.press("F")
        assert view.look.fields == "raw"
        await c.press("F")
        assert view.look.fields == "compact"
        await c.press("w", "t")
        assert view.look.stamp == "full"
        assert view.look.zone is utc
        await c.press("T")
        assert view.look.zone is not utc
        await c.press("T", "o")
        assert not view.look.names
        await c.press("o", "H")
        assert pane.bar.has_class("hidden")
        await c.press("H")
        assert not pane.bar.has_class("hidden")
        # Entries: these are single lines.
        await c.press("u")
        assert "this is a single line" in c.notices
        await c.press("U")
        assert view.folding.unfolds
        await c.press("U")
        assert not view.folding.unfolds
        # A line closely, and a field as a filter.
        await c.press("G", "k", "e", "E", "enter")
        assert pane.detail.has_class("open")
        assert c.has_focus(pane.detail.fields)
        await c.press("down", "down", "f")
        assert model.filter.query == "stream=stdout"
        await c.press("F")
        assert model.filter.query == "stream=stdout and stream!=stdout"
        await c.press("escape")
        assert not pane.detail.has_class("open")
        assert c.has_focus(view)
        await c.press("escape")
        # Selecting, copying, saving, the command.
        await c.press("v", "k", "k")
        assert len(view.selected_items()) == 3
        await c.press("y")
        assert c.app.clipboard.count("\n") == 2
        await c.press("Y")
        assert "\n" not in c.app.clipboard
        assert view.selection is None
        await c.press("C")
        assert c.app.clipboard.startswith("lobtail tail")
        path = tmp_path / "saved.jsonl"
        await c.press("S")
        prompt = c.main.query_one(Prompt)
        prompt.query_one("Input").value = str(path)
        await c.press("enter")
        await c.until(path.exists)
        assert len(path.read_text().splitlines()) == len(model.store)
        # With nothing left to let go of, back to the list.
        await c.press("escape")
        assert isinstance(c.app.focused, ListPanel)

    assert in_client("log", use) >= {key.name for key in keys_of("log")}


def test_keys_of_lists() -> None:
    async def use(c: Pressed) -> None:
        panel = c.main.panels[1]
        asked: Any = c.engine.asked
        rows = [row.name for row in panel._rows]
        assert rows == ["All running", *sorted(rows[1:])]
        await c.press("j")
        assert panel.row.name == rows[1]
        await c.press("k", "ctrl+d", "G")
        assert panel.row.name == rows[-1]
        await c.press("ctrl+u", "g")
        assert panel.row.name == rows[0]
        # What the cursor rests on is shown.
        panel.point_at("2" * 64)
        await c.until(lambda: c.pane.feed.target == Target(names=("shop-web-1",)))
        await c.press("enter")
        assert c.has_focus(c.view)
        await c.press("2", "space")
        assert panel.marked == {("", "2" * 64)}
        await c.press("space")
        await c.until(lambda: c.pane.feed.target.names == ("shop-web-1", "shop-web-2"))
        await c.press("escape")
        assert not panel.marked
        await c.press("slash")
        await c.type("web-2")
        await c.press("enter")
        assert [row.name for row in panel._rows] == ["shop-web-2"]
        await c.press("escape")
        assert len(panel._rows) == len(rows)
        await c.press("o", "o")
        assert c.watches[0].inventory.sort == "cpu"
        await c.press("e")
        assert "backup" not in [row.name for row in panel._rows]
        await c.press("e")
        # What a key does to a container is confirmed.
        panel.point_at("2" * 64)
        await c.press("p", "n")
        assert not asked
        await c.press("p", "y")
        await c.until_asked("pause", "2" * 64)
        for key, what in (("s", "stop"), ("r", "restart"), ("K", "kill"), ("d", "remove")):
            await c.press(key)
            await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
            await c.press("n")
            await c.until(lambda: c.app.screen is c.main)
            assert not [a for a in asked if a[0] == what]
            await c.press(key)
            await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
            await c.press("y")
            await c.until_asked(what, "2" * 64)
        assert asked[-1] == ("remove", "2" * 64, "force=True")
        await c.press("D", "y")
        await c.until(lambda: asked[-1] == ("remove", "2" * 64, "force=True", "volumes=True"))
        panel.point_at("7" * 64)
        await c.press("u", "y")
        await c.until_asked("start", "7" * 64)
        await c.press("R")
        await c.press("backspace")
        await c.type("ion")
        await c.press("enter")
        await c.until_asked("rename", "7" * 64, "migration")
        await c.press("E", "y", "a", "y")  # there is no terminal to lend here: see tests/engine
        await c.until(lambda: sum("no terminal" in notice for notice in c.notices) == 2)
        await c.press("x")
        await c.until(lambda: isinstance(c.app.screen, MenuScreen))
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main)
        await c.press("3", "P")
        await c.type("busybox:1.36")
        await c.press("enter")
        await c.until_asked("pull", "busybox:1.36")
        await c.until(lambda: any("pulled busybox:1.36" in notice for notice in c.notices))
        assert not c.main.header.pulls
        for number, kind in ((3, "image"), (4, "volume"), (5, "network")):
            await c.press(str(number), "d")
            await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
            await c.press("y")
            await c.until_asked(f"{kind}-remove")
            await c.press("b")
            await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
            await c.press("y")
            await c.until_asked("prune", kind)

    assert in_client("list", use) >= {key.name for key in keys_of("list")}


def test_keys_that_hold_everywhere() -> None:
    async def use(c: Pressed) -> None:
        for number in (1, 3, 4, 5, 2):
            await c.press(str(number))
            assert c.has_focus(c.main.panels[number - 1])
        await c.until(lambda: c.main.contents.tab == "logs")
        await c.press("0")
        assert c.has_focus(c.view)
        await c.press("shift+tab")
        assert c.has_focus(c.pane.bar)
        await c.press("tab")
        assert c.has_focus(c.view)
        await c.press("2")
        c.main.panels[1].point_at("2" * 64)
        await c.until(lambda: "env" in c.main.contents.tabs)
        await c.press("right_square_bracket")
        assert c.main.contents.tab == "stats"
        await c.press("left_square_bracket")
        assert c.main.contents.tab == "logs"
        await c.press("z")
        assert c.main.has_class("zoomed")
        assert c.has_focus(c.view)
        await c.press("z")
        assert not c.main.has_class("zoomed")
        theme = c.app.theme
        await c.press("ctrl+t")
        assert c.app.theme != theme
        await c.press("question_mark")
        await c.until(lambda: isinstance(c.app.screen, HelpScreen))
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main)
        # The palette does what a key does.
        assert not c.main.has_class("zoomed")
        await c.press("ctrl+p")
        await c.until(lambda: c.app.screen is not c.main)
        await c.type("whole screen")
        await c.pilot.pause(0.5)
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.main and c.main.has_class("zoomed"))
        await c.press("ctrl+z")  # there is no terminal to give back here: see tests/engine
        # From the log it leads back to the lists.
        await c.press("q")
        assert not c.main.has_class("zoomed")
        assert c.has_focus(c.main.panels[1])
        assert not c.app._exit
        await c.press("ctrl+q")
        await c.until(lambda: not c.app._running or c.app._exit)

    assert in_client("app", use) >= {key.name for key in keys_of("app")}

"""The client on engines that refuse, are away, are several; other keys; the mouse."""

from __future__ import annotations

import pytest

from lobtail.errors import EngineError
from lobtail.tui.screens.questions import MenuScreen
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.prompt import Prompt
from unit.tui.pressed import Pressed, in_client
from unit.tui.scripted import ScriptedEngine


def test_read_only_forbids_what_changes_something() -> None:
    async def use(c: Pressed) -> None:
        c.main.panels[1].point_at("2" * 64)
        for key in ("u", "s", "r", "p", "K", "d", "R", "E", "a", "P", "b"):
            await c.press(key)
            assert c.app.screen is c.main
            assert not c.main.query_one(Prompt).open
        assert not c.engine.asked
        assert any("read-only" in notice for notice in c.notices)
        await c.press("x")
        await c.until(lambda: isinstance(c.app.screen, MenuScreen))

    in_client("list", use, read_only=True)


def test_what_the_engine_refuses_is_said() -> None:
    engine = ScriptedEngine()
    engine.refusal = EngineError(409, "You cannot remove a running container\x1b]0;owned\x07")

    async def use(c: Pressed) -> None:
        c.main.panels[1].point_at("2" * 64)
        await c.press("p", "y")
        await c.until(lambda: any("You cannot remove" in notice for notice in c.notices))
        assert not any("\x1b" in notice for notice in c.notices)

    in_client("list", use, engine=engine)


def test_several_engines_are_looked_at_as_one() -> None:
    engines = {"one": ScriptedEngine(), "two": ScriptedEngine()}

    async def use(c: Pressed) -> None:
        panel = c.main.panels[1]
        names = [row.full_name for row in panel._rows]
        assert names[0] == "All running"
        assert panel.row.note == "10"
        assert {"one/proxy", "two/proxy"} < set(names)
        # What is done is done on the engine of its row.
        await c.press("2")
        panel._go_to(names.index("two/shop-web-1"))
        await c.press("p", "y")
        await c.until(lambda: engines["two"].asked == [("pause", "2" * 64)])
        assert not engines["one"].asked
        await c.press("R")
        await c.press("backspace")
        await c.type("7")
        await c.press("enter")
        await c.until(lambda: engines["two"].asked[1:] == [("rename", "2" * 64, "shop-web-7")])
        await c.until(lambda: c.pane.feed.target == Target(names=("shop-web-1",), host="two"))

    in_client("list", use, target=Target(host="one"), engines=engines)


def test_keys_can_be_others() -> None:
    async def use(c: Pressed) -> None:
        await c.press("0")
        assert not c.view.look.wrap
        await c.press("w")
        assert not c.view.look.wrap
        await c.press("ctrl+w")
        assert c.view.look.wrap

    in_client("log", use, keys={"wrap": "ctrl+w"})


def test_an_engine_that_is_away_is_said_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobtail.tui.engine_monitor._BACK_OFF", (0.05,))
    engine = ScriptedEngine()
    engine.away = True

    async def use(c: Pressed) -> None:
        watch = c.watches[0]
        await c.until(lambda: watch.error)
        assert "nobody answers" in watch.error
        assert not watch.connected
        engine.away = False
        await c.until(lambda: watch.connected)
        assert not watch.error
        await c.until(lambda: c.main.panels[1].count > 1)

    in_client("list", use, engine=engine)


def test_lists_that_cannot_be_read_for_once_are_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lobtail.tui.engine_monitor._BACK_OFF", (0.05,))
    engine = ScriptedEngine()

    async def use(c: Pressed) -> None:
        watch = c.watches[0]
        engine.unreadable = EngineError(500, "no such container")
        watch.refresh("volume")
        await c.until(lambda: watch.error)
        assert watch.connected
        watch.inventory.volumes = []
        engine.unreadable = None
        await c.until(lambda: not watch.error)
        assert watch.inventory.volumes

    in_client("list", use, engine=engine)


def test_the_mouse_points_selects_and_jumps() -> None:
    async def use(c: Pressed) -> None:
        view, pane = c.view, c.pane
        await c.press("0")
        await c.pilot.click(view, offset=(30, 5))
        assert not view.view.following
        assert view.view.cursor == view._places[5].number
        await c.pilot.mouse_down(view, offset=(30, 3))
        await c.pilot.hover(view, offset=(45, 4))
        assert view.selection is not None
        await c.pilot.mouse_up(view, offset=(45, 4))
        await c.press("y")
        assert c.app.clipboard.count("\n") == 1
        await c.pilot.click(pane.bar, offset=(2, 1))
        first = pane.model.store.time(pane.model.store.first)
        assert pane.model.store.time(view.view.cursor) - first < 10_000_000_000
        await c.pilot.click(view, offset=(view.size.width - 1, view.size.height - 1))
        assert view.span[1] > len(pane.model.rows) * 0.8
        await c.pilot.click(c.main.panels[1], offset=(5, 4))
        await c.until(lambda: c.pane.feed.target.names == ("proxy",))
        await c.pilot.click(c.main.contents.bar, offset=(8, 0))
        assert c.main.contents.tab == "stats"

    in_client("log", use)


def test_the_bars_are_moved_along_with_the_arrows() -> None:
    async def use(c: Pressed) -> None:
        await c.press("0", "g")
        await c.pilot.pause(0.4)
        c.main.set_focus(c.pane.bar)
        before = c.view.view.cursor
        await c.press("right", "right")
        await c.until(lambda: c.view.view.cursor > before)

    in_client("log", use)

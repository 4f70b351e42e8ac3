"""What can be done with what lists choose: menus, questions, the line of keys, the palette."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList, Static

from lobtail.errors import EngineError
from lobtail.tui.screens.questions import ConfirmScreen, MenuScreen
from lobtail.tui.state.keymap import check_keymap
from unit.tui.apps import Client, with_client
from unit.tui.scripted import ScriptedEngine


async def question(c: Client) -> str:
    await c.until(lambda: isinstance(c.app.screen, ConfirmScreen) and c.app.screen.query(Static))
    return str(c.app.screen.query(Static).first().content)


async def menu(c: Client) -> list[str]:
    await c.press("x")
    await c.until(lambda: isinstance(c.app.screen, MenuScreen) and c.app.screen.query(OptionList))
    options = c.app.screen.query_one(OptionList)
    texts = [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]
    await c.press("escape")
    await c.until(lambda: c.app.screen is c.main)
    return texts


def footer(c: Client) -> str:
    return str(c.main.keys.render_line(0).text)


def test_projects_and_services_are_steered_as_their_containers() -> None:
    async def use(c: Client) -> None:
        await c.press("1", "s")
        assert await question(c) == "Stop 4 containers of shop?"
        await c.press("y")
        await c.until(lambda: len(c.engine.asked) == 4)
        assert c.engine.asked == [("stop", f"{number}" * 64) for number in (1, 2, 3, 4)]
        # One service, of which one container is paused.
        c.engine.asked.clear()
        await c.press("G", "p", "y")
        await c.until(lambda: c.engine.asked == [("unpause", "4" * 64)])
        c.engine.asked.clear()
        await c.press("k", "d")
        assert (await question(c)).startswith("Remove 2 containers of shop/web? Its filesystem")
        await c.press("y")
        await c.until(lambda: len(c.engine.asked) == 2)
        assert {what[0] for what in c.engine.asked} == {"remove"}
        texts = await menu(c)
        assert texts[0].endswith("  stop 2 containers of shop/web")

    with_client(use)


def test_the_menu_says_what_is_done_with_what() -> None:
    async def use(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        words = [text.split("  ")[-1].strip() for text in await menu(c)]
        assert words[:5] == [
            "stop shop-web-1",
            "restart shop-web-1",
            "open a shell in shop-web-1 (exit to return)",
            "remove shop-web-1",
            "remove shop-web-1 with its anonymous volumes",
        ]
        assert words[-3] == "filter by name"
        await c.press("3")
        assert "remove alpine:3.20" in [text[12:] for text in await menu(c)]

    with_client(use)


@pytest.mark.parametrize("podman", [False, True])
def test_an_image_that_is_used_goes_by_force_after_a_second_question(podman: bool) -> None:
    engine = ScriptedEngine()
    engine.refusal = EngineError(409, "conflict: unable to remove (must force) - it is used")

    async def is_podman() -> bool:
        return podman

    engine.is_podman = is_podman  # type: ignore[method-assign]

    async def use(c: Client) -> None:
        await c.press("3", "d")
        assert await question(c) == "Remove alpine:3.20?"
        await c.press("y")
        await c.until(lambda: engine.asked)
        await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
        asked = await question(c)
        assert "alpine:3.20: conflict: unable to remove" in asked
        assert "Remove alpine:3.20 by force?" in asked
        assert ("The containers that use it go with it." in asked) == podman
        engine.refusal = None
        await c.press("y")
        await c.until(lambda: engine.asked[-1] == ("image-remove", "alpine:3.20", "force=True"))

    with_client(use, engine=engine)


def test_what_cannot_be_forced_is_said() -> None:
    engine = ScriptedEngine()
    engine.refusal = EngineError(409, "conflict: (cannot be forced) - alpine:3.20: runs")

    async def use(c: Client) -> None:
        await c.press("3", "d", "y")
        await c.until(lambda: "conflict: (cannot be forced) - alpine:3.20: runs" in c.notices)
        assert c.app.screen is c.main

    with_client(use, engine=engine)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_help_and_quit_stand_at_the_end_of_the_keys(columns: int) -> None:
    async def use(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        for key in ("2", "0", "1", "3"):
            await c.press(key)
            line = footer(c)
            assert line.endswith(" ? help  q quit "), line
            assert len(line) == columns
            for entry in line.strip().split("  "):
                assert entry == "" or len(entry.split()) == 2, line

    with_client(use, size=(columns, 24))


def test_the_keys_are_those_of_what_the_cursor_is_on() -> None:
    async def use(c: Client) -> None:
        panel = c.main.panels[1]
        await c.press("2")
        assert " stop " not in footer(c)
        panel.point_at("2" * 64)
        await c.until(lambda: " s stop " in footer(c) and " E shell " in footer(c))
        assert " start " not in footer(c)
        panel.point_at("7" * 64)
        await c.until(lambda: " u start " in footer(c))
        assert " stop " not in footer(c)
        await c.press("3")
        await c.until(lambda: " stop " not in footer(c) and " d remove " in footer(c))
        assert " start " not in footer(c)

    with_client(use, size=(120, 30))


def test_keys_that_are_forbidden_are_not_offered() -> None:
    async def use(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        await c.pilot.pause()
        for words in ("stop", "start", "restart", "remove", "shell"):
            assert f" {words} " not in footer(c)
        assert " / filter " in footer(c)

    with_client(use, size=(120, 30), read_only=True)


def test_the_palette_has_the_commands_of_the_list_it_was_called_from() -> None:
    async def use(c: Client) -> None:
        await c.press("2")
        c.main.panels[1].point_at("2" * 64)
        await c.press("ctrl+p")
        await c.until(lambda: isinstance(c.app.screen, CommandPalette))
        titles = [command.title for command in c.app.get_system_commands(c.main)]
        assert "Restart (asks first)" in titles
        assert "Wrap long lines" not in titles
        await c.type("restart")
        await c.pilot.pause(0.5)
        await c.press("enter")
        assert await question(c) == "Restart shop-web-1?"
        await c.press("n")
        await c.until(lambda: c.app.screen is c.main)
        await c.press("0", "ctrl+p")
        await c.until(lambda: isinstance(c.app.screen, CommandPalette))
        assert "Wrap long lines" in [each.title for each in c.app.get_system_commands(c.main)]

    with_client(use)


def test_notices_are_three_at_most_and_escape_takes_them_away() -> None:
    async def use(c: Client) -> None:
        await c.press("0")
        for number in range(5):
            c.app.notify(f"fault {number}", severity="error", timeout=60)
        await c.until(lambda: c.notices == ["fault 2", "fault 3", "fault 4"])
        await c.press("escape")
        assert not c.notices
        assert c.app.focused is c.view
        # One that asks for nothing goes beside what the key does.
        c.app.notify("all is well", timeout=60)
        await c.until(lambda: c.notices == ["all is well"])
        await c.press("escape")
        assert not c.notices
        assert c.app.focused is not c.view

    with_client(use)


def test_keys_that_change_places_do() -> None:
    async def use(c: Client) -> None:
        await c.press("0", "t")
        assert c.view.look.wrap
        stamp = c.view.look.stamp
        await c.press("w")
        assert c.view.look.wrap
        assert c.view.look.stamp != stamp

    with_client(use, keys=check_keymap({"wrap": "t", "timestamps": "w"}))

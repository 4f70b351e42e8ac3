"""Whatever is typed in a prompt, or clicked beside it, does nothing to any container."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest
from textual import events
from textual.app import App

from lobtail.errors import EngineError
from lobtail.tui.screens.questions import ConfirmScreen
from lobtail.tui.widgets.list_panel import ListPanel
from support.chance import examples
from unit.tui.apps import Client, with_client
from unit.tui.scripted import ScriptedEngine, history

LETTERS: Final = [chr(code) for code in range(33, 127)]
UNPRINTABLE: Final = [
    *("tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("backspace", "delete", "insert", "f1", "f2", "f5", "f12", "shift+left", "ctrl+left"),
    *("shift+up", "alt+p", "alt+s", "ctrl+at", "ctrl+backslash", "ctrl+underscore"),
    # Those that quit and suspend do so everywhere.
    *(f"ctrl+{letter}" for letter in "abdefghjklmnoprstuvwxy"),
]
EVENTS: Final = examples(10_000)
PROMPTS: Final = {
    "list-filter": ("2", "slash"),
    "rename": ("2", "R"),
    "pull": ("3", "P"),
    "search": ("0", "slash"),
    "highlight": ("0", "asterisk"),
    "filter": ("0", "f"),
    "jump": ("0", "at"),
    "save": ("0", "S"),
}


def happenings(
    seed: str, columns: int, rows: int
) -> Iterator[events.Key | events.Paste | events.MouseEvent]:
    """Give what a cat on the keyboard and the mouse does, the same each time."""
    chance = random.Random(seed)
    for _ in range(EVENTS):
        what = chance.random()
        if what < 0.75:
            letter = chance.choice(LETTERS + [" "] * 8)
            yield events.Key("space" if letter == " " else letter, letter)
        elif what < 0.98:
            yield events.Key(chance.choice(UNPRINTABLE), None)
        elif what < 0.99:
            yield events.Paste("sdpKE\ny")
        else:
            x, y = chance.randrange(columns), chance.randrange(rows)
            for kind in (events.MouseDown, events.MouseUp):
                yield kind(None, x, y, 0, 0, 1, False, False, False, x, y)


async def drive(c: Client, name: str) -> int:
    """Let all of that happen, and open the prompt anew whenever it was closed; return how often."""
    app: App[Any] = c.app
    prompt = c.main.prompt
    opened = 0
    for number, event in enumerate(happenings(name, *app.size)):
        if not prompt.open:
            # Where a click has closed it, nothing else has changed.
            assert app.screen is c.main
            for key in PROMPTS[name]:
                await app.on_event(events.Key(key, None))
            assert prompt.open
            opened += 1
        event.set_sender(app)
        await app.on_event(event)
        if number % 250 == 0:
            await asyncio.sleep(0)  # for widgets, and for the screen
    await c.pilot.pause()
    return opened


@pytest.mark.parametrize("name", PROMPTS)
def test_case_no_key_of_a_prompt_acts_on_a_container(name: str) -> None:
    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        opened = await drive(c, name)
        assert opened > EVENTS / 500
        assert not c.engine.asked

    with_client(steps, engine=ScriptedEngine(history()[:20]))


def test_case_tab_in_a_filter_prompt() -> None:
    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        await c.press("0", "f", "s", "t", "a", "tab", "tab", "h", "t", "t", "p")
        assert c.main.prompt.open
        assert c.main.prompt._field.value == "stahttp"
        await c.press("f1", "ctrl+p", "ctrl+t", "pagedown", "question_mark")
        assert c.app.focused is c.main.prompt._field
        await c.press("escape")
        assert not c.main.prompt.open
        assert c.app.focused is c.view
        assert not c.engine.asked

    with_client(steps)


def test_a_click_elsewhere_closes_a_prompt_and_does_nothing_else() -> None:
    async def steps(c: Client) -> None:
        cursor = c.main.panels[1]._cursor
        await c.press("0", "f")
        await c.type("checkpoint")
        await c.pilot.click(c.main.panels[1], offset=(5, 4))
        assert not c.main.prompt.open
        assert c.app.focused is c.view
        assert c.main.panels[1]._cursor == cursor
        # What had been applied while it was typed stays, and can be called up again.
        assert c.pane.model.filter.query == "checkpoint"
        await c.press("escape", "f", "up")
        assert c.main.prompt._field.value == "checkpoint"
        # A click into what is typed is none elsewhere.
        await c.pilot.click(c.main.prompt._field, offset=(3, 0))
        assert c.main.prompt.open
        await c.press("escape")
        # Of what takes effect at Enter only, nothing happens.
        await c.press("2")
        c.main.panels[1].point_at("2" * 64)
        await c.press("R", "x")
        await c.pilot.click(c.main.header, offset=(1, 0))
        assert not c.main.prompt.open
        await c.press("R")
        assert c.main.prompt._field.value == "shop-web-1"
        assert not c.engine.asked

    with_client(steps)


def test_a_prompt_that_loses_the_focus_closes() -> None:
    async def steps(c: Client) -> None:
        await c.press("0", "f", "s")
        c.main.set_focus(c.main.panels[1])
        await c.until(lambda: not c.main.prompt.open)
        assert c.app.focused is c.main.panels[1]
        # Not where the terminal's own window does.
        await c.press("0", "f", "s")
        c.app.post_message(events.AppBlur())
        await c.pilot.pause()
        assert c.main.prompt.open
        c.app.post_message(events.AppFocus())
        await c.press("t")
        assert c.main.prompt._field.value.endswith("st")

    with_client(steps)


def test_what_is_typed_ahead_stays_in_the_prompt_that_a_click_closes() -> None:
    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("2" * 64)
        await c.press("2", "slash")
        x, y, *_ = c.main.panels[1].region
        for event in (
            *(events.Key(letter, letter) for letter in "sp"),
            events.MouseDown(None, x + 5, y + 3, 0, 0, 1, False, False, False, x + 5, y + 3),
            events.MouseUp(None, x + 5, y + 3, 0, 0, 1, False, False, False, x + 5, y + 3),
        ):
            c.app.post_message(event)
        await c.until(lambda: not c.main.prompt.open)
        await c.pilot.pause()
        assert c.app.screen is c.main
        assert not c.engine.asked

    with_client(steps)


def test_one_prompt_is_not_given_the_text_of_another() -> None:
    async def steps(c: Client) -> None:
        await c.press("0", "f")
        for event in (
            *(events.Key(letter, letter) for letter in "foo"),
            events.Key("enter", None),
            events.Key("slash", "/"),
        ):
            c.app.post_message(event)
        await c.until(lambda: c.main.prompt._ask and c.main.prompt._ask.title == "search")
        await c.pilot.pause()
        assert c.pane.model.filter.query == "foo"
        assert c.pane.model.pattern is None

    with_client(steps)


@pytest.mark.parametrize("key", ["s", "E", "p", "K", "u", "r", "d", "D", "a", "b"])
def test_case_one_escape_too_many_in_a_log(key: str) -> None:
    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("7" * 64 if key == "u" else "2" * 64)
        await c.press("enter", "escape", "escape", "escape", key)
        assert isinstance(c.app.screen, ConfirmScreen)
        await c.press("enter")  # the answer at hand is no
        assert c.app.screen is c.main
        assert not c.engine.asked
        assert not c.notices

    with_client(steps)


def test_escape_does_not_take_the_focus_from_the_next_prompt() -> None:
    async def steps(c: Client) -> None:
        await c.press("0")
        for key, letter in (("escape", None), ("0", "0"), ("f", "f"), ("s", "s"), ("p", "p")):
            c.app.post_message(events.Key(key, letter))
        await c.until(lambda: c.main.prompt._field.value == "sp")
        await c.pilot.pause()
        assert c.main.prompt.open
        assert not c.engine.asked

    with_client(steps)


def test_no_question_comes_up_where_something_else_is_typed() -> None:
    engine = ScriptedEngine()
    engine.refusal = EngineError(409, "conflict: unable to remove (must force) - it is used")

    async def steps(c: Client) -> None:
        answered = asyncio.Event()
        refuse = engine.images.remove

        async def remove(*args: Any, **kwargs: Any) -> None:
            await answered.wait()
            await refuse(*args, **kwargs)

        engine.images.remove = remove
        await c.press("3", "d", "y", "2", "slash")
        answered.set()
        await c.until(lambda: any("must force" in notice for notice in c.notices))
        await c.press("y")
        assert c.main.prompt._field.value == "y"
        assert len(engine.asked) == 1

    with_client(steps, engine=engine)


def test_a_key_that_acts_is_confirmed_but_not_the_menu() -> None:
    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("7" * 64)
        await c.press("x")
        await c.until(lambda: c.app.screen.query("OptionList"))
        await c.press("enter")  # start
        await c.until(lambda: c.engine.asked == [("start", "7" * 64)])

    with_client(steps)


def test_q_leaves_what_is_shown_before_it_quits() -> None:
    async def steps(c: Client) -> None:
        await c.press("0", "L", "L", "L", "k", "k", "q")
        assert isinstance(c.app.focused, ListPanel)
        assert not c.app._exit
        cursor = c.view.view.cursor
        await c.press("0")
        assert c.pane.model.filter.level == 40
        assert c.view.view.cursor == cursor
        await c.press("q", "q")
        await c.until(lambda: c.app._exit)

    with_client(steps)

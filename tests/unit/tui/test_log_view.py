"""What is shown of a log: where nothing is, when it is hidden, when the filter changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from lobtail.model.items import Item, Line
from lobtail.tui.log_loader import LogLoader
from lobtail.tui.state.target import Target
from unit.tui.apps import Client, running, with_client
from unit.tui.hurried import run_hurried
from unit.tui.items import line
from unit.tui.scripted import REFS, START, S, ScriptedEngine


def numbered(count: int) -> list[Item]:
    """Lines a second apart; each 10th is an error."""
    ref = REFS["proxy"]
    texts = (f"{'ERROR' if i % 10 == 0 else 'INFO'} number {i}" for i in range(count))
    return [line(text, START + i * S, ref) for i, text in enumerate(texts)]


def screen_of(client: Client) -> str:
    strips = client.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


def show(
    check: Callable[[Client], Awaitable[None]],
    items: list[Item] | None = None,
    name: str = "proxy",
) -> None:
    with_client(check, Target(names=(name,)), engine=ScriptedEngine(items))


def test_a_log_that_grows_while_it_is_hidden() -> None:
    """The ruler was measured for a height of nothing, and drawn with the real one."""

    async def check(client: Client) -> None:
        await client.press("L")
        await client.press("slash", "n", "u", "m", "enter", "right_square_bracket")
        await client.until(lambda: not client.view.size.height)
        for _ in range(5):
            client.pane.model.add(numbered(1000))
            client.pane.touch()
            client.pane._tick()
        await client.press("left_square_bracket")
        await client.until(lambda: client.view.size.height and "number 9" in screen_of(client))

    show(check, numbered(1000))


def test_a_filter_keeps_the_place_in_a_long_log() -> None:
    """It is applied from the newest line on, and the place is far away from there."""

    async def check(client: Client) -> None:
        view = client.view
        view.go_to(client.pane.model.store.first + 1501)
        assert b"number 1501" in view.cursor_item.raw
        client.pane.refilter(query="level>=error")
        await client.until(lambda: client.pane.model.complete and client.pane._anchor is None)
        assert b"number 1510" in view.cursor_item.raw
        client.pane.refilter(query="")
        await client.until(lambda: client.pane._anchor is None)
        assert b"number 1510" in view.cursor_item.raw

    show(check, numbered(30_000))


def test_somebody_who_moves_while_a_filter_is_applied_is_not_moved_back() -> None:
    async def check(client: Client) -> None:
        view = client.view
        view.go_to(client.pane.model.store.first + 1501)
        client.pane.refilter(query="level>=error")
        view.go_to(client.pane.model.store.end)
        await client.until(lambda: client.pane.model.complete and client.pane._anchor is None)
        assert b"number 29990" in view.cursor_item.raw

    show(check, numbered(30_000))


@pytest.mark.parametrize(
    ("name", "said"),
    [("proxy", "nothing written yet"), ("nosuch", "no container is called nosuch")],
)
def test_why_there_is_nothing(name: str, said: str) -> None:
    async def check(client: Client) -> None:
        await client.until(lambda: said in screen_of(client))

    show_unsettled(check, name)


def show_unsettled(check: Callable[[Client], Awaitable[None]], name: str) -> None:
    async def main() -> None:
        engine = ScriptedEngine([])
        engine.away = True  # so that nobody waits for lines that never come
        async with running(Target(names=(name,)), engine=engine) as client:
            await check(client)

    run_hurried(main())


def test_a_filter_that_matches_nothing_held_finds_what_is_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = LogLoader.begin_at_time

    async def check(client: Client) -> None:
        model = client.pane.model
        begin(client.pane.feed, START + 900 * S)
        await client.until(lambda: len(model.store) == 100 and client.pane.feed.settled)
        client.view.follow(False)
        client.pane.refilter(query="/number 123$/")
        await client.until(lambda: len(model.rows) == 1)
        assert model.since_ns is None or model.since_ns < START + 124 * S
        # What is held between is not all there is: the context is read from there.
        client.view.go_to_top()
        await client.press("c")
        await client.until(lambda: not model.filter and len(model.rows) > 100)
        item = client.view.cursor_item
        assert isinstance(item, Line)
        assert item.raw == b"INFO number 123"

    show(check, numbered(1000))


def test_an_error_before_what_is_held_is_gone_to() -> None:
    items = numbered(40_000)
    items[3] = line("ERROR number 3", START + 3 * S, REFS["proxy"])
    plain = [
        item if i == 3 else line(f"INFO number {i}", item.time_ns or 0, REFS["proxy"])
        for i, item in enumerate(items)
    ]

    async def check(client: Client) -> None:
        model = client.pane.model
        client.pane.feed.begin_at_time(START + 39_000 * S)
        await client.until(lambda: len(model.store) == 1000 and client.pane.feed.settled)
        await client.press("E")
        await client.until(lambda: client.view.cursor_item.raw == b"ERROR number 3")
        await client.press("E")
        await client.until(lambda: "no error that way" in client.notices)
        assert not client.pane.seeking.active

    show(check, plain)


def test_what_is_searched_is_found_before_what_is_held() -> None:
    async def check(client: Client) -> None:
        model = client.pane.model
        client.pane.feed.begin_at_time(START + 39_000 * S)
        await client.until(lambda: len(model.store) == 1000 and client.pane.feed.settled)
        await client.press("slash", *"number", "space", *"77777"[:4], "enter")
        await client.until(lambda: client.view.cursor_item.raw == b"INFO number 7777")
        await client.press("N")
        await client.until(lambda: "not found: number 7777" in client.notices)
        assert client.view.cursor_item.raw == b"INFO number 7777"
        await client.press("slash", *"nowhere", "enter", "escape")
        assert not client.pane.seeking.active
        assert not client.pane.view.view.following

    show(check, numbered(40_000))

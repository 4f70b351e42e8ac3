"""What the log view says it did: jumps, words as filters, commands, copies, files, rates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lobtail import tail_files
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from lobtail.render.stamps import utc
from lobtail.tui.screens.questions import ConfirmScreen, MenuScreen
from lobtail.tui.state.filters import Filter, meaning
from lobtail.tui.state.histogram import Bar, Histogram
from lobtail.tui.state.jump import jump_words, parse_jump
from lobtail.tui.state.log import Log
from lobtail.tui.state.target import Target
from lobtail.tui.state.viewport import ABOVE
from lobtail.tui.widgets.prompt import Prompt
from unit.tui import scripted
from unit.tui.apps import Client, with_client
from unit.tui.items import line
from unit.tui.scripted import REFS, START, S, ScriptedEngine, history

NOW = START  # 2026-09-21T14:13:20Z


use = partial(with_client, pressed=("0",))  # in the log


def told(c: Client) -> str:
    """Return what the prompt says below what is typed."""
    fault = c.main.query_one(Prompt).query_one(".fault")
    return str(fault.render()) if fault.display else ""


async def answer(c: Client, text: str) -> None:
    c.main.query_one("Input").value = text
    await c.pilot.pause()
    await c.press("enter")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@12:30", "2026-09-21 12:30:00"),
        ("23:59", "yesterday, 2026-09-20 23:59:00"),
        ("-10m", "2026-09-21 14:03:20"),
        ("-1d", "2026-09-20 14:13:20"),
        ("2030-01-01", "2030-01-01 00:00:00 is in the future"),
    ],
)
def test_a_jump_says_which_time_it_takes(text: str, words: str) -> None:
    if text == "-1d":
        time_ns = NOW - 86_400 * S
    else:
        time_ns = parse_jump(text, now_ns=NOW, here_ns=NOW, zone=utc)
    assert jump_words(text, time_ns, now_ns=NOW, zone=utc) == words


def test_a_jump_into_the_future_goes_to_the_end() -> None:
    async def steps(c: Client) -> None:
        await c.press("g", "at")
        await c.type("2099-01-01")
        assert told(c) == "2099-01-01 00:00:00 is in the future"
        await c.press("enter")
        assert c.view.view.following
        assert "2099-01-01 00:00:00 is in the future: these are the newest lines" in c.notices

    use(steps)


def test_a_word_is_a_filter_and_says_what_it_means() -> None:
    async def steps(c: Client) -> None:
        await c.press("f")
        await c.type("checkpoint")
        assert told(c).startswith('lines with the text "checkpoint"')
        await c.press("enter")
        await c.until(lambda: c.pane.model.complete)
        assert len(c.pane.model.rows) > 10
        # What belongs to it is said also while it is suspended.
        await c.press("k", "c")
        assert c.pane.filter_words == "checkpoint (suspended)"
        await c.press("c")
        # It stays when another container is chosen, and that is said, once.
        for name in ("shop-web-2", "shop-web-1"):
            c.pane.open(c.main.fleet, Target(names=(name,)))
            await c.settle()
        said = [notice for notice in c.notices if "still only lines where checkpoint" in notice]
        assert len(said) == 1
        lines = len(c.pane.model.store)
        assert f"the filter hides all {lines:,} lines" in c.pane._edges[c.view._places[0]]

    use(steps)


def test_only_a_word_is_explained() -> None:
    assert "re" in meaning("re")
    for query in ("", "a=1", '"a b"', "/x/", "a and b", "not a"):
        assert not meaning(query)


def test_the_command_begins_where_the_view_does() -> None:
    async def steps(c: Client) -> None:
        await c.press("C")
        assert c.app.clipboard.startswith("lobtail tail --tail all")
        c.pane.model.begin_at(START + 30 * S)
        await c.press("C")
        assert "--since 2026-09-21T14:13:50.000000000Z" in c.app.clipboard
        c.pane.model.detached = True
        await c.press("C")
        assert "--until 2026-09-21T14:15" in c.app.clipboard

    use(steps)


def test_lines_are_copied_as_shown_or_as_they_are() -> None:
    ref = REFS["shop-db-1"]
    items: list[Item] = [
        Line(REFS["proxy"], Stream.STDOUT, START, b"one"),
        Line(ref, Stream.STDERR, START + S, b"two"),
    ]

    async def steps(c: Client) -> None:
        await c.press("g", "v", "j", "y")
        expected = ["14:13:20.000 proxy      │ one", "14:13:21.000 shop-db-1  │ two"]
        assert c.app.clipboard.split("\n") == expected
        await c.press("g", "v", "j", "Y")
        assert c.app.clipboard == "one\ntwo"
        await c.press("o", "g", "v", "j", "y")
        assert c.app.clipboard == "one\ntwo"

    use(steps, engine=ScriptedEngine(items))


def test_saving_asks_before_it_replaces_and_says_what_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "saved.log"
    path.write_text("before")

    async def steps(c: Client) -> None:
        await c.press("S")
        assert told(c).startswith(f"text: {Path.cwd()}/lobtail-")
        await answer(c, str(tmp_path / "none" / "x"))
        assert told(c) == f"there is no folder {tmp_path / 'none'}"
        await answer(c, str(tmp_path))
        assert told(c) == f"{tmp_path} is a folder"
        await answer(c, "/dev/null")
        assert told(c) == "/dev/null is not a regular file (device)"
        await answer(c, "~nobody-of-this-name/x")
        assert told(c).startswith("cannot write ~nobody-of-this-name/x: ")
        await answer(c, str(path))
        await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
        await c.press("n")
        assert path.read_text() == "before"
        await c.press("S")
        await answer(c, str(path))
        await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
        await c.press("y")
        lines = len(c.pane.model.store)
        await c.until(lambda: any(f"{lines:,} lines, " in notice for notice in c.notices))
        assert len(path.read_text().splitlines()) == lines

    use(steps)


def test_nothing_is_not_saved() -> None:
    async def steps(c: Client) -> None:
        c.pane.set_filter(Filter(query="nowhere"))
        await c.until(lambda: c.pane.model.complete)
        await c.press("S")
        assert "nothing to save: no line is shown" in c.notices
        assert not c.main.query_one(Prompt).open

    items: list[Item] = [Line(REFS["proxy"], Stream.STDOUT, START, b"one")]
    use(steps, engine=ScriptedEngine(items))


def test_all_is_saved_that_the_engine_has(tmp_path: Path) -> None:
    path = tmp_path / "saved.jsonl"

    async def steps(c: Client) -> None:
        everything = [item for item in c.engine.items if b"checkpoint" in getattr(item, "raw", b"")]
        c.pane.model.begin_at(START + 60 * S)
        c.pane.set_filter(Filter(query="checkpoint"))
        await c.until(lambda: c.pane.model.complete)
        await c.press("S")
        await c.until(lambda: isinstance(c.app.screen, MenuScreen))
        await c.press("j", "enter")
        await c.until(lambda: c.main.query_one(Prompt).open)
        await answer(c, str(path))
        await c.until(path.exists)
        saved = path.read_text().splitlines()
        lines = [saved_line for saved_line in saved if "checkpoint" in saved_line]
        assert len(lines) == len(everything)
        async with tail_files(str(path)) as tail:
            again = [item.raw async for item in tail if isinstance(item, Line)]
        assert again == [item.raw for item in everything if isinstance(item, Line)]
        assert not c.pane.beside

    use(steps)


def half_read(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """Return an engine of which the second half of the log has not come yet."""
    engine = ScriptedEngine()
    whole = engine.items

    def half(asked: Any) -> Any:
        follow = all(request.options.follow for _, request in asked.values())
        engine.items = whole[: len(whole) // 2] if follow else whole
        return scripted.open_tail(asked)

    monkeypatch.setattr("lobtail.tui.engine_group.open_tail", half)
    return engine


def test_case_all_is_saved_of_a_log_that_is_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lobtail.tui.log_loader._QUIET", 1000)
    path = tmp_path / "saved.jsonl"

    async def steps(c: Client) -> None:
        await c.until(lambda: len(c.pane.model.store))
        await c.press("S", "enter")
        await c.until(lambda: c.main.prompt.open)
        await answer(c, str(path))
        await c.until(path.exists)
        assert len(path.read_text().splitlines()) == len(history())

    use(steps, engine=half_read(monkeypatch), settled=False)


def test_all_is_saved_where_the_rest_of_the_log_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lobtail.tui.log_loader._SURE", 1000)
    path = tmp_path / "saved.jsonl"

    async def steps(c: Client) -> None:
        await c.press("S")
        assert c.main.prompt.open
        await answer(c, str(path))
        await c.until(path.exists)
        assert len(path.read_text().splitlines()) == len(history())

    use(steps, engine=half_read(monkeypatch))


def test_saving_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "saved.log"

    async def endless() -> AsyncIterator[list[Item]]:
        yield [line("x", 1)]
        await asyncio.Event().wait()

    async def steps(c: Client) -> None:
        await c.press("S")
        c.pane._saving._containers = []
        await c.press("escape")
        c.pane._saving._ask_where("all lines", endless)
        await answer(c, str(path))
        await c.until(lambda: c.pane.beside == "saving: 1 lines …")
        assert "saving" in c.pane._status._shown.task
        await c.press("S")
        await c.until(lambda: isinstance(c.app.screen, ConfirmScreen))
        await c.press("y")
        await c.until(lambda: not c.pane.beside)
        assert not list(tmp_path.iterdir())

    use(steps)


def test_history_is_no_rate() -> None:
    log = Log()
    log.live_ns = 10 * S
    log.add([line("a", 1), line("b", 2)])
    assert log.received == 0
    log.add([line("c", 9 * S), line("d", 10 * S), line("e", 11 * S)])
    assert log.received == 2


def test_a_burst_leaves_the_rest_to_be_seen() -> None:
    even = Histogram(0, S, (Bar(others=5), Bar(others=20), Bar()))
    assert not even.logarithmic
    assert even.height(10, 24, False) == 12
    burst = Histogram(0, S, (Bar(others=20), Bar(others=10), Bar(others=200_000)))
    assert burst.logarithmic
    assert 4 < burst.height(10, 24, True) < burst.height(20, 24, True) < 8
    assert burst.height(200_000, 24, True) == 24

    async def steps(c: Client) -> None:
        c.pane.bar.histogram = burst
        shown = "".join(s.text for s in c.pane.bar.render_line(c.pane.bar.size.height - 1))
        assert "max 200,000 per 1 s" in shown
        assert "log scale" in shown

    use(steps)


def test_case_a_filter_names_a_field_that_no_line_has() -> None:
    hint = "no line has statusCode; did you mean res.statusCode?"
    items: list[Item] = [
        Line(REFS["proxy"], Stream.STDOUT, START + i * S, b'{"res":{"statusCode":502}}')
        for i in range(20)
    ]

    async def steps(c: Client) -> None:
        await c.press("f")
        await c.type("statusCode>=500")
        assert told(c) == hint
        await c.press("enter")
        assert hint in c.notices
        assert c.pane._edges[ABOVE] == hint
        await c.press("f")
        await answer(c, "res.statusCode>=500")
        assert not c.pane.field_hint
        assert len(c.pane.model.rows) == len(items)
        await c.press("f")
        await answer(c, "")
        assert not c.pane.field_hint

    use(steps, Target(names=("proxy",)), engine=ScriptedEngine(items))

"""Every screen looks as it is drawn in the documents: these pictures are made here.

`LOBTAIL_UPDATE=1` draws them anew; look at them before you keep them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from lobtail.model.entries import make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from unit.tui import scripted
from unit.tui.apps import Client, running
from unit.tui.hurried import run_hurried

FOLDER = Path(__file__).parents[3] / "docs" / "images"
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono'"


async def nothing(_client: Client) -> None:
    pass


async def filtered(client: Client) -> None:
    await client.press("0", "f")
    await client.type("level>=warn and ")
    client.main.query_one(Input).cursor_blink = False


async def searched(client: Client) -> None:
    await client.press("escape", "slash")
    await client.type("timed out")
    await client.press("enter", "N", "N")


async def detailed(client: Client) -> None:
    await client.press("escape", "enter")


async def marks(client: Client) -> None:
    await client.press("escape", "M", "w")


def tab(name: str) -> Callable[[Client], Awaitable[None]]:
    async def open_tab(client: Client) -> None:
        await client.press("2")
        client.main.panels[1].point_at("2" * 64)
        await client.until(lambda: "env" in client.main.contents.tabs)
        client.main.contents.open_tab(name)

    return open_tab


async def menu(client: Client) -> None:
    await client.press("x")


async def question(client: Client) -> None:
    await client.press("escape", "d")


async def unfolded(client: Client) -> None:
    await client.press("0", "E", "u")


async def all_keys(client: Client) -> None:
    await client.press("n", "question_mark")


async def at_a_mark(client: Client) -> None:
    await client.press("0", "M")


def with_trace() -> list[Item]:
    """Return the usual log, and near its end a stack trace."""
    web, items = scripted.REFS["shop-web-1"], scripted.history()
    texts = (
        "ERROR c.e.shop.OrderController: order 1180 was not placed",
        "java.lang.IllegalStateException: no stock for item 42",
        "\tat com.example.shop.Stock.take(Stock.java:42)",
        "\tat com.example.shop.OrderController.place(OrderController.java:17)",
        "Caused by: java.sql.SQLException: connection reset",
        "\t... 12 common frames omitted",
    )
    time_ns = items[-4].time_ns
    lines = [Line(web, Stream.STDOUT, time_ns, text.encode()) for text in texts]
    return [*items[:-3], make_entry(lines), *items[-3:]]


Steps = dict[str, Callable[[Client], Awaitable[None]]]
# What is done in one client, picture by picture.
GROUPS: list[tuple[dict[str, Any], Steps]] = [
    ({"size": (120, 34)}, {"main": nothing}),
    (
        {},
        {
            "filter": filtered,
            "search": searched,
            "detail": detailed,
            "marks": marks,
            "stats": tab("stats"),
            "config": tab("config"),
            "env": tab("env"),
            "top": tab("top"),
            "menu": menu,
            "question": question,
            "help": all_keys,
        },
    ),
    ({"engine": scripted.ScriptedEngine(with_trace())}, {"entries": unfolded}),
    ({"theme": "light"}, {"light": nothing}),
    ({"size": (80, 24)}, {"80x24": at_a_mark}),
]
NAMES = [name for _, steps in GROUPS for name in steps]


async def draw() -> dict[str, str]:
    pictures = {}
    for options, steps in GROUPS:
        async with running(**options) as client:
            for name, prepare in steps.items():
                await prepare(client)
                await client.quiet()
                await client.pilot.pause(0.2)
                await client.quiet()
                pictures[name] = clean(client.app.export_screenshot(title="lobtail ui"))
    return pictures


def clean(svg: str) -> str:
    # A picture in a document loads nothing from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", FONTS)
    return re.sub(r"terminal-\d+", "terminal", svg)


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr("lobtail.tui.engine_group.open_tail", scripted.open_tail)
        return run_hurried(draw())


@pytest.mark.parametrize("name", NAMES)
def test_screen(name: str, pictures: dict[str, str]) -> None:
    path = FOLDER / f"ui-{name}.svg"
    if os.environ.get("LOBTAIL_UPDATE"):
        path.write_text(pictures[name])
    assert pictures[name] == path.read_text(), "another picture: see LOBTAIL_UPDATE above"

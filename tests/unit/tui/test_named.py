"""What is named on the command line is what the lists point at."""

from __future__ import annotations

from typing import Any

import pytest

from lobtail.tui.state.target import Target
from unit.tui.apps import Client, running
from unit.tui.hurried import run_hurried
from unit.tui.scripted import CONTAINERS, ScriptedEngine

ID = next(container.id for container in CONTAINERS if container.name == "shop-web-2")


def look(target: Target, **options: Any) -> tuple[int, str, Target, tuple[str, ...]]:
    """Return the list that one comes back to, its row, whose log is shown then, and the tabs."""

    async def main() -> tuple[int, str, Target, tuple[str, ...]]:
        async with running(target, settled=False, **options) as client:  # some have no log
            await client.until(lambda: client.main.panels[1].count > 1)
            tabs = client.main.contents.tabs
            await client.press("escape")
            panel: Any = client.app.focused
            contents = client.main.contents
            await client.until(lambda: contents._rows == [panel.row])  # the cursor rests
            return client.main.panels.index(panel), panel.row.name, client.pane.feed.target, tabs

    return run_hurried(main())


ALL = ("logs", "stats", "env", "config", "top", "events")


@pytest.mark.parametrize(
    ("target", "at", "name", "tabs"),
    [
        (Target(names=("shop-web-2",)), 1, "shop-web-2", ALL),
        (Target(names=("migrate",)), 1, "migrate", ALL),  # it does not run
        (Target(projects=("shop",)), 0, "shop", ("logs", "stats", "events")),
        (Target(projects=("shop",), services=("web",)), 0, "web", ("logs", "stats", "events")),
    ],
)
def test_the_cursor_stands_on_what_is_named(
    target: Target, at: int, name: str, tabs: tuple[str, ...]
) -> None:
    assert look(target) == (at, name, target, tabs)


def test_a_container_may_be_named_by_its_id() -> None:
    at, name, target, _ = look(Target(names=(ID[:12],)))
    assert (at, name, target) == (1, "shop-web-2", Target(names=("shop-web-2",)))


@pytest.mark.parametrize("names", [("shop-*",), ("proxy", "backup"), ("none",)])
def test_what_is_no_single_thing_has_no_cursor(names: tuple[str, ...]) -> None:
    assert look(Target(names=names))[:2] == (1, "All running")


def test_a_name_that_two_engines_have_points_at_neither() -> None:
    engines = {"a": ScriptedEngine(), "b": ScriptedEngine()}
    assert look(Target(names=("proxy",)), engines=engines)[:2] == (1, "All running")


def test_whoever_has_gone_to_a_list_is_left_there() -> None:
    async def main() -> None:
        async with running(Target(names=("proxy",))) as client:
            assert isinstance(client, Client)
            client.main._unmet = True
            client.main.panels[1].point_at("")
            await client.press("2")
            client.main.show_lists()
            assert client.main.panels[1].row.name == "All running"

    run_hurried(main())

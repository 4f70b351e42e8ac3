"""What lists show, and what they have shown beside them."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from lobtail.core.query import Query
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.target import Target, command_for, joined
from unit.tui.apps import Client, running
from unit.tui.items import REF, line
from unit.tui.scripted import CONTAINERS, START, S, ScriptedEngine, ref_of, summary_of

BLOG = [
    summary_of((f"blog-{name}-1", name, "blog:1", "running", "Up 1 hour"), number, "blog")
    for number, name in ((8, "api"), (9, "web"))
]


def with_blog() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.containers = [*CONTAINERS, *BLOG]
    refs = [ref_of(summary) for summary in BLOG]
    more = [line("hello", START + i * S + 7, ref) for i in range(5) for ref in refs]
    engine.items = sorted([*engine.items, *more], key=lambda item: item.time_ns or 0)
    return engine


def in_client(use: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as client:
            await use(client)

    asyncio.run(main())


def shown(client: Client) -> set[str]:
    return {item.container.name for item in client.pane.model.store.items}


def test_the_log_of_what_is_marked_is_that_of_each() -> None:
    async def use(c: Client) -> None:
        panel = c.main.panels[0]
        await c.press("1")
        names = [row.name for row in panel._rows]
        assert names == ["blog", "api", "web", "shop", "db", "web", "worker"]
        # A project, and a service of another that has one of the same name.
        await c.press("space")
        panel._go_to(4)
        await c.press("space")
        await c.until(lambda: shown(c) == {"blog-api-1", "blog-web-1", "shop-db-1"})
        assert c.main.contents.bar.title == "blog, db"
        # Two services of one name.
        await c.press("escape", "g", "j", "j", "space")
        panel._go_to(5)
        await c.press("space")
        await c.until(lambda: shown(c) == {"blog-web-1", "shop-web-1", "shop-web-2"})

    in_client(use, engine=with_blog())


def of(project: str, *services: str, host: str = "") -> Target:
    return Target(projects=(project,), services=services, host=host)


def test_what_is_alike_is_read_together() -> None:
    assert joined([of("a"), of("b")]) == Target(projects=("a", "b"))
    assert joined([of("a", "x"), of("a", "y")]) == of("a", "x", "y")
    assert joined([of("a"), of("a", "x")]) == of("a")
    assert joined([Target(names=("a",)), Target(names=("b",))]) == Target(names=("a", "b"))
    assert joined([of("a"), of("b", "x")]) == Target(parts=(of("a"), of("b", "x")))
    hosts = [of("a", host="one"), of("a", "x", host="two")]
    assert joined(hosts) == Target(parts=tuple(hosts))
    assert joined(hosts).title == "a, a/x"
    assert not joined(hosts).single


def test_the_command_for_what_is_marked_says_the_same() -> None:
    target = joined([of("blog"), of('sh"op', "api", "db")])
    said = command_for(target, Filter(query="a=1 or b=2"))
    parts = """project in ("blog") or project in ("sh\\"op") and service in ("api", "db")"""
    words = shlex.split(said)
    assert words[:-1] == ["lobtail", "tail", "--all", "--where"]
    assert words[-1] == f"({parts}) and (a=1 or b=2)"
    query = Query(words[-1])
    blog, other = (replace(REF, project=name, service="web") for name in ("blog", 'sh"op'))
    assert query.matches(line("a=1", 1, blog))
    assert not query.matches(line("a=2", 1, blog))
    assert not query.matches(line("a=1", 1, other))
    assert query.matches(line("a=1", 1, replace(other, service="api")))

"""What lists show, and what they have shown beside them."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail.query.query import Query
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.room import share
from lobtail.tui.state.target import Target, command_for, joined
from unit.tui.apps import Client, with_client
from unit.tui.items import REF, line
from unit.tui.scripted import CONTAINERS, START, S, ScriptedEngine, ref_of, summary_of

BLOG = [
    summary_of((f"blog-{name}-1", name, "blog:1", "running", "Up 1 hour"), number, "blog")
    for number, name in ((8, "api"), (9, "web"))
]


def with_blog() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.listed = [*CONTAINERS, *BLOG]
    refs = [ref_of(summary) for summary in BLOG]
    more = [line("hello", START + i * S + 7, ref) for i in range(5) for ref in refs]
    engine.items = sorted([*engine.items, *more], key=lambda item: item.time_ns or 0)
    return engine


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
        assert c.main.contents.bar.title == "blog, shop/db"
        # Two services of one name.
        await c.press("escape", "g", "j", "j", "space")
        panel._go_to(5)
        await c.press("space")
        await c.until(lambda: shown(c) == {"blog-web-1", "shop-web-1", "shop-web-2"})

    with_client(use, engine=with_blog())


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


def line_of(c: Client, panel: int, row: int) -> str:
    return str(c.main.panels[panel].render_line(row).text)


def test_titles_count_objects() -> None:
    async def use(c: Client) -> None:
        assert line_of(c, 0, 0).endswith(" 2 ─")
        assert line_of(c, 1, 0).endswith(f" {len(CONTAINERS) + 2} ─")
        await c.press("2", "slash")
        await c.type("nothing is called so")
        await c.press("enter")
        assert line_of(c, 1, 0).endswith(" 0 ─")

    with_client(use, engine=with_blog())


def test_notes_are_whole_beside_short_names() -> None:
    engine = ScriptedEngine()
    statuses = {
        "looping": ("restarting", "Restarting (2) 35 seconds ago", "↻ looping", "exit 2"),
        "a-rather-long-name-of-it": ("exited", "Exited (137) 3 days ago", "○ a-", "exit 137"),
        "sick": ("running", "Up 3 hours (health: starting)", "● sick", "health: starting"),
    }
    engine.listed = [
        summary_of((name, "", "x", state, status), number)
        for number, (name, (state, status, *_)) in enumerate(statuses.items(), 10)
    ]

    async def use(c: Client) -> None:
        await c.press("2")
        await c.until(lambda: c.main.panels[1].size.width)
        for watch in c.watches:
            watch.inventory.usage.clear()
        c.main.show_lists()
        lines = [line_of(c, 1, row).strip() for row in range(2, 5)]
        for _, _, begin, end in statuses.values():
            assert [line for line in lines if line.startswith(begin) and line.endswith(f" {end}")]

    with_client(use, engine=engine, size=(80, 24))


def test_the_order_and_what_it_goes_by_are_shown() -> None:
    async def use(c: Client) -> None:
        await c.press("2")
        for order, note in (("state", "%"), ("cpu", "%"), ("memory", "M"), ("age", "d")):
            await c.press("o")
            assert line_of(c, 1, 0).startswith(f" 2 Containers by {order} ─")
            assert line_of(c, 1, 2).rstrip().endswith(note)
        await c.press("o")
        assert line_of(c, 1, 0).startswith(" 2 Containers ─")

    with_client(use)


def test_what_was_known_of_an_engine_that_is_away_is_not_shown_as_if_it_were_so_now() -> None:
    async def use(c: Client) -> None:
        assert "%" in line_of(c, 1, 6)
        watch = c.watches[0]
        watch.connected, watch.error = False, "nobody answers"
        c.main._changed("lists")
        c.main._tick()
        assert line_of(c, 1, 0).startswith(" 2 Containers (stale) ─")
        assert not any("%" in line_of(c, 1, row) for row in range(1, 9))
        assert "5 of 7 running when last seen" in str(c.main.header.render())
        watch.connected, watch.error = True, ""
        c.main._changed("lists")
        c.main._tick()
        assert "stale" not in line_of(c, 1, 0)
        assert "%" in line_of(c, 1, 6)

    with_client(use)


def test_what_is_shown_follows_the_cursor_when_its_object_is_gone() -> None:
    engine = ScriptedEngine()

    async def use(c: Client) -> None:
        await c.press("2", "slash")
        await c.type("proxy")
        await c.press("enter")
        await c.until(lambda: c.main.contents.bar.title == "proxy")
        engine.listed = [each for each in CONTAINERS if each.name != "proxy"]
        c.watches[0].refresh("container")
        await c.until(lambda: not c.main.panels[1].count)
        await c.press("escape")
        assert c.main.panels[1].row.name == "All running"
        await c.until(lambda: c.pane.feed.target == Target())
        await c.until(lambda: c.main.contents.bar.title == "All running")

    with_client(use, engine=engine)


def test_engines_are_shortened_before_containers_are() -> None:
    hosts = ("/tmp/qa/bookworm/docker.sock", "/tmp/qa/trixie/docker.sock")
    engines = {host: ScriptedEngine() for host in hosts}

    async def use(c: Client) -> None:
        lines = [line_of(c, 1, row) for row in range(1, c.main.panels[1].size.height)]
        for summary in CONTAINERS:
            assert sum(f"/{summary.name} " in line for line in lines) == 2, lines
        assert any(" bookworm/proxy " in line for line in lines)
        assert any(" trixie/proxy " in line for line in lines)

    with_client(use, engines=engines, target=Target(host=hosts[0]), size=(100, 50))


def test_tables_are_as_wide_as_their_cells() -> None:
    async def use(c: Client) -> None:
        pane = c.main.contents._text
        pane.show_table(("A", "B"), [("漢字", "x"), ("abcd", "y")])
        assert str(pane.query_one("Static").content) == "A     B\n漢字  x\nabcd  y\n"

    with_client(use)


@given(
    st.integers(1, 60),
    st.lists(st.integers(0, 40), min_size=5, max_size=5),
    st.integers(0, 4),
    st.booleans(),
)
def test_case_free_rows_are_shared(room: int, needs: list[int], current: int, low: bool) -> None:
    given = share(room, needs, current, low=low)
    assert sum(given) == room
    assert all(rows >= 0 for rows in given)
    short = [i for i, need in enumerate(needs) if given[i] < need]
    # No row is blank while another list could fill it.
    assert not short or all(rows <= need for rows, need in zip(given, needs, strict=True))
    if not low and sum(min(need, 4) for need in needs) <= room:
        assert all(rows >= min(need, 4) for rows, need in zip(given, needs, strict=True))


def test_case_two_projects_at_140x40() -> None:
    """The second stood below a box of four rows, with blank rows beneath."""

    async def use(c: Client) -> None:
        shown = [line_of(c, 0, row) for row in range(c.main.panels[0].size.height)]
        assert len(shown) == 1 + 7
        assert "shop" in shown[4]
        # No list but the one that has what is left has a blank row.
        assert [
            panel.size.height - 1 - panel.count
            for panel in c.main.panels
            if panel.kind != "container"
        ] == [0] * 4

    with_client(use, engine=with_blog(), size=(140, 40))


def test_case_a_chosen_project_narrows_the_containers() -> None:
    async def use(c: Client) -> None:
        panel = c.main.panels[1]
        everything = len(CONTAINERS) + 2
        assert panel.objects == everything
        await c.press("1")
        await c.until(lambda: [row.name for row in panel._rows[1:]] == ["blog-api-1", "blog-web-1"])
        assert line_of(c, 1, 0).startswith(" 2 Containers of blog ")
        await c.press("j")
        await c.until(lambda: panel.objects == 1)
        assert line_of(c, 1, 0).startswith(" 2 Containers of blo…api ")
        # It stays so among the containers, also when they are listed anew; Esc shows all.
        await c.press("2")
        c.main.show_lists()
        assert panel.objects == 1
        await c.press("escape")
        assert panel.objects == everything
        c.main.show_lists()
        assert panel.objects == everything
        # A project that is gone has no containers to choose from.
        await c.press("1", "g")
        await c.until(lambda: panel.objects == 2)
        c.watches[0].inventory.containers = list(CONTAINERS)
        await c.press("2")
        c.main.show_lists()
        assert panel.objects == len(CONTAINERS)

    with_client(use, engine=with_blog())


def test_case_a_list_filter_without_a_match() -> None:
    async def use(c: Client) -> None:
        panel = c.main.panels[1]
        panel.point_at("2" * 64)
        await c.press("2")
        await c.until(lambda: c.pane.feed.target.names == ("shop-web-1",))
        feed = c.pane.feed
        for left in (("escape",), ("enter", "escape"), (*["backspace"] * 3, "enter")):
            await c.press("slash", "d", "z", "z")
            assert "no match" in line_of(c, 1, 0)
            assert not panel._rows
            await c.press(*left)
            assert panel.row.name == "shop-web-1"
            assert not panel.filter
        # Nor does the cursor stay where the filter had led.
        await c.press("slash", "d", "b", "escape")
        assert panel.row.name == "shop-web-1"
        await c.pilot.pause(0.2)
        assert c.pane.feed is feed

    with_client(use)

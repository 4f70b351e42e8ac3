"""What is shown of silent engines, of containers that have ended, and of what happened."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lobtail.engine.objects.container import State
from lobtail.engine.objects.event import Actor, Event
from lobtail.tui.state.ending import Ending, ago
from lobtail.tui.state.target import Target
from lobtail.tui.state.viewport import ABOVE
from unit.tui.apps import Client, with_client
from unit.tui.scripted import CONTAINERS, START, S, ScriptedEngine

OOM = State(
    status="exited",
    exit_code=137,
    oom_killed=True,
    started_at="2026-09-21T10:00:00Z",
    finished_at="2026-09-21T14:01:20Z",
)
NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (OOM, "■ stopped, exit code 137, out of memory, 12 min ago"),
        (
            State(
                status="exited",
                started_at="2026-09-20T00:00:00Z",
                finished_at="2026-09-20T14:00:00Z",
            ),
            "■ stopped, exit code 0, 1 d ago",
        ),
        (
            State(
                status="created",
                exit_code=127,
                error="exec: no\x1b[2J",
                started_at=NEVER,
                finished_at=NEVER,
            ),
            "■ never started, exec: no␛[2J",
        ),
    ],
)
def test_case_a_stopped_container_says_when_and_why(state: State, words: str) -> None:
    assert Ending.inspected(state).words(START) == words


def test_what_lists_say_of_an_ending_does_until_more_is_known() -> None:
    backup, migrate = (Ending.listed(each).words(START) for each in CONTAINERS[-2:])
    assert (backup, migrate) == ("■ stopped, exit code 0", "■ stopped, exit code 3")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago"), (2e5, "2 d ago")],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago(START - int(seconds) * S, START) == words


def edges(c: Client) -> str:
    rows = [c.view.render_line(y) for y in range(c.view.size.height)]
    return "\n".join("".join(segment.text for segment in row) for row in rows)


def test_case_a_stopped_container_is_not_followed() -> None:
    engine = ScriptedEngine()
    engine.states = {"6" * 64: OOM}

    async def steps(c: Client) -> None:
        await c.until(lambda: "■ stopped, exit code 137, out of memory" in edges(c))
        c.pane.show_status()
        status = str(c.pane._status.render())
        assert "■ stopped" in status
        assert "following" not in status
        # It ends the log also where somebody moves in it, and goes when the container runs.
        await c.press("k", "end")
        assert "out of memory" in edges(c)
        engine.listed = [
            each
            if each.name != "backup"
            else CONTAINERS[4].__class__(
                id="6" * 64, names=["/backup"], state="running", status="Up 1 second"
            )
            for each in CONTAINERS
        ]
        c.watches[0].refresh("container")
        await c.until(lambda: "out of memory" not in edges(c))
        await c.until(lambda: "following" in str(c.pane._status.render()))

    with_client(steps, Target(names=("backup",)), engine=engine, settled=False)


def test_a_project_of_which_all_is_stopped_is_not_followed() -> None:
    engine = ScriptedEngine()
    engine.listed = [
        msgspec.structs.replace(each, state="exited", status="Exited (0) 1 hour ago")
        for each in CONTAINERS
    ]

    async def steps(c: Client) -> None:
        await c.until(lambda: "■ all 4 containers stopped" in edges(c))
        c.pane.show_status()
        assert "following" not in str(c.pane._status.render())

    with_client(steps, Target(projects=("shop",)), engine=engine)


def test_a_container_that_was_out_of_memory_is_listed_as_that() -> None:
    engine = ScriptedEngine()
    killed = CONTAINERS[6].__class__(
        id="7" * 64, names=["/migrate"], state="exited", status="Exited (137) 2 hours ago"
    )
    engine.listed = [*CONTAINERS[:6], killed]
    engine.states = {"7" * 64: OOM}

    async def steps(c: Client) -> None:
        panel = c.main.panels[1]
        await c.until(
            lambda: [row.note for row in panel._rows if row.name == "migrate"] == ["OOM 137"]
        )

    with_client(steps, engine=engine)


def test_case_an_engine_that_is_stopped_is_not_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobtail.tui.engine_monitor._PULSE", 0.01)
    monkeypatch.setattr("lobtail.tui.engine_monitor._SILENT", 0)
    engine = ScriptedEngine()

    async def steps(c: Client) -> None:
        watch = c.watches[0]
        for meter in watch._meters.values():
            meter.cancel()  # what is measured is heard, too
        engine.answers.clear()
        watch._heard_at -= 8
        await c.until(lambda: "not answering for 8 s" in str(c.main.header.render()))
        assert "●" not in str(c.main.header.render())
        await c.until(lambda: "not answering for" in str(c.pane._status.render()))
        c.pane.feed.settled = False
        assert "has not answered for" in c.pane._edges[ABOVE]
        engine.answers.set()
        monkeypatch.setattr("lobtail.tui.engine_monitor._SILENT", 3)
        await c.until(lambda: "●" in str(c.main.header.render()))

    with_client(steps, engine=engine)


def died(number: int) -> Event:
    attributes = {"name": "backup", "exitCode": "137"}
    return Event("container", "die", Actor("6" * 64, attributes), time_nano=START + number * S)


async def text_of(c: Client, tab: str) -> str:
    c.main.contents.open_tab(tab)
    await c.until(lambda: c.main.contents._text.query_one("Static").render())
    await c.pilot.pause(0.2)
    return str(c.main.contents._text.query_one("Static").render())


def test_case_events_begin_with_the_last_hour() -> None:
    engine = ScriptedEngine()
    engine.happened = [died(number) for number in range(5)]
    asked: list[dict[str, Any]] = []
    events = engine.events

    def noted(**arguments: Any) -> Any:
        asked.append(arguments)
        return events()

    engine.events = noted  # type: ignore[method-assign]

    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("6" * 64)
        await c.until(lambda: "env" in c.main.contents.tabs)
        assert (await text_of(c, "events")).count("exit code 137") == 5
        assert asked[0] == {"since": "1h"}
        # What comes again after a broken connection is there once.
        c.watches[0]._take(died(4))
        c.watches[0]._take(died(5))
        assert len(c.watches[0].events) == 6

    with_client(steps, engine=engine)


def test_case_tabs_without_content_say_so() -> None:
    engine = ScriptedEngine()
    engine.env = []

    async def steps(c: Client) -> None:
        c.main.panels[1].point_at("6" * 64)
        await c.until(lambda: "env" in c.main.contents.tabs)
        assert await text_of(c, "events") == "No events in the last hour. New ones appear here."
        assert await text_of(c, "env") == "No environment variables."
        assert await text_of(c, "top") == "Not running, so there are no processes."

    with_client(steps, engine=engine)

"""A container for which the engine does not answer holds up no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from faults.fake_engine import LAST, Script, await_event, chunk, json_answer, log_head, stall
from faults.fake_host import Box, FakeHost, line
from lobtail import Engine, Gap, Item, Line
from lobtail.follow import patience
from lobtail.session import engine_session

LOUD = Box("loud", [line(f"loud {i}", 10 + i) for i in range(5)])
QUIET = Box("quiet", number=7)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    monkeypatch.setattr(patience, "LOOK", 0.05)
    monkeypatch.setattr(engine_session, "PATIENCE", 0.2)


def lines(items: list[Item], name: str) -> list[str]:
    return [i.text for i in items if isinstance(i, Line) and i.container.name == name]


def gaps(items: list[Item], name: str) -> list[str]:
    return [i.reason for i in items if isinstance(i, Gap) and i.container.name == name]


def read(
    host: str, step: Callable[[list[Item]], bool], *, timeout: float = 10, **options: Any
) -> list[Item]:
    """Tail all containers until ``step`` says that it is enough, or the tail ends."""

    async def main() -> list[Item]:
        items: list[Item] = []
        async with (
            asyncio.timeout(30),
            Engine(host, timeout=timeout) as engine,
            engine.tail(**options) as tail,
        ):
            async for batch in tail.batches():
                items += batch
                if step(items):
                    break
        return items

    return asyncio.run(main())


@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("options", [{"tail": 5}, {"since": "1h"}, {"tail": "all"}])
def test_case_emptied_log(headed: bool, options: dict[str, Any]) -> None:
    answers = threading.Event()
    late = [chunk(line("quiet at last")), LAST]
    script: Script = [log_head(), await_event(answers), *late]
    if not headed:
        script = [await_event(answers), log_head(), *late]

    def step(items: list[Item]) -> bool:
        if len(lines(items, "loud")) == 5:
            assert answers.is_set() or not lines(items, "quiet")
            asked = [target for target in engine.requests if f"/{QUIET.id}/logs" in target]
            assert answers.is_set() or len(asked) == 1, "it is not asked again while it is silent"
            answers.set()
        return bool(lines(items, "quiet"))

    with FakeHost(LOUD, QUIET, answers={f"/{QUIET.id}/logs": script}) as engine:
        items = read(engine.host, step, **options)
    (gap,) = gaps(items, "quiet")
    assert gap.startswith("no answer from the engine for")
    assert lines(items, "quiet") == ["quiet at last"]
    (shown,) = (i for i in items if isinstance(i, Line) and i.container.name == "quiet")
    assert shown.late
    assert gaps(items, "loud") == []
    assert not any(i.late for i in items if isinstance(i, Line) and i.container.name == "loud")


def test_more_silent_containers_than_histories_are_read_at_once() -> None:
    quiet = [Box(f"a{i}", number=100 + i) for i in range(20)]
    answers: dict[str, Script] = {f"/{box.id}/logs": [log_head(), stall] for box in quiet}
    with FakeHost(*quiet, LOUD, answers=answers) as engine:
        items = read(engine.host, lambda items: len(lines(items, "loud")) == 5)
    assert lines(items, "loud") == [f"loud {i}" for i in range(5)]


def test_case_emptied_log_without_follow_ends() -> None:
    answers: dict[str, Script] = {f"/{QUIET.id}/logs": [log_head(), stall]}
    with FakeHost(LOUD, QUIET, answers=answers) as engine:
        items = read(engine.host, lambda _: False, timeout=0.5, follow=False, tail=5)
        asked = [target for target in engine.requests if f"/{QUIET.id}/logs" in target]
    assert len(asked) == 1
    assert lines(items, "loud") == [f"loud {i}" for i in range(5)]
    assert [reason.partition(" for ")[0] for reason in gaps(items, "quiet")] == [
        "no answer from the engine",
        "the engine sent nothing",
    ]


def test_a_history_that_stops_in_the_middle() -> None:
    begun: Script = [log_head(), chunk(line("quiet begins", 1)), stall]
    with FakeHost(LOUD, QUIET, answers={f"/{QUIET.id}/logs": begun}) as engine:
        items = read(engine.host, lambda items: len(lines(items, "loud")) == 5)
    assert lines(items, "quiet") == ["quiet begins"]
    assert len(gaps(items, "quiet")) == 1


@pytest.mark.parametrize("follow", [True, False])
def test_a_container_that_cannot_be_inspected_holds_up_no_other(follow: bool) -> None:
    answers = threading.Event()
    script = [await_event(answers), *json_answer(QUIET.inspect())]

    def step(items: list[Item]) -> bool:
        if len(lines(items, "loud")) == 5:
            answers.set()
        return bool(lines(items, "quiet"))

    quiet = Box("quiet", [line("quiet at last")], number=7)
    with FakeHost(quiet, LOUD, answers={f"/{QUIET.id}/json": script}) as engine:
        items = read(engine.host, step, follow=follow, timeout=30)
    assert lines(items, "quiet") == ["quiet at last"]
    assert lines(items, "loud") == [f"loud {i}" for i in range(5)]
    assert len(gaps(items, "quiet")) == 1

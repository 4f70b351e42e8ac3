"""A container that its restart policy starts again, while its engine is slow to show it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import datetime

import pytest

from faults.fake_engine import (
    LAST,
    Connection,
    Script,
    Step,
    await_event,
    chunk,
    json_answer,
    stall,
)
from faults.fake_host import Box, FakeHost, line, stamp
from lobtail import Engine
from lobtail.follow import intake
from lobtail.model.items import Item, Line, Started, Stopped


class Crasher(FakeHost):
    """Has one container, whose program ends when ``over`` is set.

    ``state`` is what inspect shows of it then, once ``shown`` is set, and ``later`` what stands in
    its log behind the first run. ``follows`` counts the streams that were opened; ``read`` is set
    when the log is read once more behind the end, the last step before that is told, and
    ``last`` are the events that come only then.
    """

    def __init__(
        self, state: dict[str, object], *events: Step, later: list[bytes], last: Script = ()
    ) -> None:
        self.over = threading.Event()
        self.shown = threading.Event()
        self.followed = threading.Event()
        self.read = threading.Event()
        self.state: dict[str, object] = {"Running": True, "StartedAt": stamp(-1)}
        self._then = state
        self._later = later
        self.follows = 0
        super().__init__(
            Box("web"), events=(await_event(self.over), *events, *self._behind(last), stall)
        )

    def _behind(self, last: Script) -> Script:
        return (await_event(self.read), *last) if last else ()

    def _script(self, target: str) -> Script:
        box = self.boxes[0]
        box.history = [line("run 1"), *(self._later if self.over.is_set() else ())]
        if target.partition("?")[0].endswith("/logs") and "follow=1" in target:
            self.follows += 1
            self.followed.set()
            # An engine ends the stream at once where the program does not run.
            box.live = (LAST,) if self.state.get("Restarting") else (await_event(self.over), LAST)
        elif target.partition("?")[0].endswith("/logs") and self.over.is_set():
            self.read.set()
        if target.endswith(f"/{box.id}/json") and self.over.is_set():
            self.shown.wait(30)
            self.state = self._then
        if target.endswith(f"/{box.id}/json"):
            return json_answer({"Id": box.id, "Name": "/web", "State": self.state})
        return super()._script(target)


def event(action: str, second: float, code: int | None = None) -> Step:
    """Make an event of the container."""
    nanoseconds = (
        int(datetime.fromisoformat(stamp(second)[:26] + "+00:00").timestamp() * 1e6) * 1000
    )
    attributes = {} if code is None else {"exitCode": str(code)}
    actor = {"ID": Box("web", number=1).id, "Attributes": attributes}
    text = json.dumps({"Action": action, "Actor": actor, "timeNano": nanoseconds})
    return chunk(text.encode() + b"\n")


def told(items: list[Item]) -> list[str]:
    """Return lines and marks as words."""
    words = []
    for item in items:
        if isinstance(item, Line):
            words.append(item.text)
        else:
            words.append(
                f"{item.kind} {item.exit_code}" if isinstance(item, Stopped) else item.kind
            )
    return words


async def follow(host: Crasher, last: type[Item], count: int) -> list[Item]:
    """Follow until so many marks of a kind have come; the first run ends behind its line."""
    items: list[Item] = []
    async with asyncio.timeout(30), Engine(host.host) as engine, engine.tail("web") as tail:
        async for batch in tail.batches():
            items += batch
            if any(isinstance(item, Line) for item in batch):
                await asyncio.to_thread(host.followed.wait, 30)
                host.over.set()
            if sum(isinstance(item, last) for item in items) == count:
                break
    return items


def test_an_end_is_told_while_the_next_start_is_awaited() -> None:
    waiting: dict[str, object] = {
        "Status": "restarting",
        "Running": True,
        "Restarting": True,
        "StartedAt": stamp(-1),
        "FinishedAt": stamp(1),
        "ExitCode": 4,
    }
    with Crasher(waiting, event("die", 1.1, 4), later=[line("end", 0.9)]) as host:
        host.shown.set()
        items = asyncio.run(follow(host, Stopped, 1))
        follows = host.follows
    assert told(items) == ["run 1", "end", "stopped 4"]
    assert follows == 1


def test_runs_that_come_and_go_before_a_look_are_told_with_their_lines() -> None:
    running: dict[str, object] = {
        "Status": "running",
        "Running": True,
        "StartedAt": stamp(5),
        "FinishedAt": stamp(4),
    }
    later = [line("end", 0.9), line("run 2", 2), line("run 3", 3.5), line("run 4", 5)]
    events = [
        *(event("die", 1, 1), event("start", 2.1), event("die", 2.5, 2)),
        *(event("start", 3.4), event("die", 4, 3), event("start", 5.1)),
    ]
    with Crasher(running, *events, later=later) as host:
        host.shown.set()
        items = asyncio.run(follow(host, Line, 5))
    assert told(items) == [
        *("run 1", "end", "stopped 1"),
        *("started", "run 2", "stopped 2"),
        *("started", "run 3", "stopped 3"),
        *("started", "run 4"),
    ]
    assert all(item.time_ns for item in items if isinstance(item, Started))


def late(_: Connection) -> None:
    """Be as late as a busy engine with what comes next."""
    time.sleep(0.1)


def test_want_of_memory_is_told_of_an_end_whose_event_came_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "HEARING", 30)
    ended: dict[str, object] = {
        "Status": "exited",
        "Running": False,
        "StartedAt": stamp(-1),
        "FinishedAt": stamp(1),
        "ExitCode": 137,
    }
    with Crasher(ended, event("die", 1.1, 137), later=[], last=[late, event("oom", 1.2)]) as host:
        host.shown.set()
        items = asyncio.run(follow(host, Stopped, 1))
    assert told(items) == ["run 1", "stopped 137"]
    assert [item.oom for item in items if isinstance(item, Stopped)] == [True]

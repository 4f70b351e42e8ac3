"""Containers that their restart policy starts again and again: each run told of when it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import pytest

from engine.test_tail import marks, texts
from lobtail import Engine
from lobtail.follow.options import Source
from lobtail.model.items import Item, Line, Removed, Started, Stopped
from support.engines import WAIT, TestEngine, until

# A run of some milliseconds; its last line has no end, which engines before 23 keep back.
RUN = (
    "n=$(cat /n 2>/dev/null || echo 0); n=$((n+1)); echo $n >/n;"
    "echo run $n; echo error >&2; printf end; exit 4"
)

# From the API, from files, and compressed from the API: by polling of 20.10.
LOGS: dict[str, tuple[Source, tuple[str, ...]]] = {
    "api": ("api", ()),
    "files": ("files", ()),
    "rotated files": ("files", ("max-size=1k", "max-file=9")),
    "compressed": ("api", ("max-size=20k", "max-file=3", "compress=true")),
}


def stopped(items: list[Item]) -> int:
    return marks(items).count(Stopped)


def create(engine: TestEngine, policy: str, script: str = RUN, *options: str) -> str:
    """Make a container that is not started yet; return its name."""
    name = f"t-{len(engine.containers)}-restarting"
    return engine.create(script, "--restart", policy, *options, name=name)


def told(items: list[Item]) -> list[list[str]]:
    """Return what was told of each run; first of what was there before, if anything was.

    What ends with stdout's and stderr's lines is sorted: between streams there is no order.
    """
    found: list[list[str]] = [[]]
    for item in items:
        if isinstance(item, Started):
            found.append(["started"])
        elif isinstance(item, Stopped):
            found[-1].append(f"stopped {item.exit_code}")
        elif isinstance(item, Line):
            found[-1].append(item.text)
        else:  # a gap, or a log that had to be resumed
            found[-1].append(item.kind)
    for run in found:
        first, last = run[:1] == ["started"], bool(run) and run[-1].startswith("stopped")
        lines = slice(int(first), len(run) - int(last))
        run[lines] = sorted(run[lines])
    return found if found[0] else found[1:]


def run_of(number: int) -> list[str]:
    return ["started", *sorted(["error", "end", f"run {number}"]), "stopped 4"]


async def follow(
    engine: TestEngine,
    name: str,
    count: int,
    *actions: tuple[int, Callable[[], object]],
    source: Source = "api",
) -> list[Item]:
    """Follow a container until so many runs have ended; act when as many have as an action says."""
    items: list[Item] = []
    left = list(actions)
    async with (
        asyncio.timeout(40),
        Engine(engine.host) as client,
        client.tail(name, all=True, tail="all", source=source) as tail,
    ):

        async def act() -> None:
            while left and left[0][0] <= stopped(items):
                await asyncio.to_thread(left.pop(0)[1])

        await act()
        async for batch in tail.batches():
            items += batch
            await act()
            if not left and stopped(items) >= count:
                break
    return items


def followed_crashes(
    engine: TestEngine, name: str, *then: tuple[int, Callable[[], object]], source: Source = "api"
) -> list[list[str]]:
    """Start a container while it is followed; return what was told of its first four runs."""
    start = (0, partial(engine.act, "start", name))
    return told(asyncio.run(follow(engine, name, 4, start, *then, source=source)))


def state_of(engine: TestEngine, name: str) -> str:
    container = engine.inspect(name)
    return f"{container['State']['Status']} {container['RestartCount']}"


def set_policy(engine: TestEngine, name: str, policy: str) -> None:
    wanted = {"RestartPolicy": {"Name": policy}}
    engine.api.call("POST", f"/containers/{name}/update", wanted)


@pytest.mark.parametrize("log", LOGS)
def test_each_run_is_told_of_when_it_ends(engine: TestEngine, log: str) -> None:
    source, options = LOGS[log]
    name = create(engine, "no", RUN, *(f"--log-opt={option}" for option in options))
    engine.act("start", name)  # there are no files before
    engine.wait(name)
    set_policy(engine, name, "always")
    found = followed_crashes(engine, name, (4, partial(engine.act, "stop", name)), source=source)
    state = state_of(engine, name)
    engine.remove(name)
    assert found == [run_of(1)[1:-1], *(run_of(i) for i in range(2, 6))]
    # The end of the last run was told before the next, or there were one.
    assert state == "exited 4"


def test_runs_that_a_policy_starts_until_it_gives_up(any_engine: TestEngine) -> None:
    engine = any_engine
    name = create(engine, "on-failure:3", "echo line; exit 4")
    items = asyncio.run(follow(engine, name, 4, (0, partial(engine.act, "start", name))))
    kept = engine.run("docker", "logs", name).stdout.decode().split()
    engine.remove(name)
    assert marks(items) == [Started, Stopped] * 4
    assert [item.exit_code for item in items if isinstance(item, Stopped)] == [4] * 4
    assert kept
    assert texts(items) == kept
    if engine.suite != "podman":  # whose stamps are of whole seconds
        assert told(items) == [["started", "line", "stopped 4"]] * 4


@pytest.mark.parametrize(
    "act",
    [lambda engine, name: engine.act("restart", name), partial(set_policy, policy="no")],
    ids=["restarted", "not any more"],
)
def test_what_is_done_while_it_waits_to_be_started(
    engine: TestEngine, act: Callable[[TestEngine, str], None]
) -> None:
    name = create(engine, "always")
    found = followed_crashes(engine, name, (3, partial(act, engine, name)))
    engine.remove(name)
    # By the time that the request is answered, more of them may have begun.
    assert found[:4] == [run_of(i) for i in range(1, 5)]


def test_following_begins_while_it_waits_to_be_started(engine: TestEngine) -> None:
    name = create(engine, "always")
    engine.act("start", name)
    until(lambda: state_of(engine, name) in ("restarting 4", "restarting 5"), "some runs")
    before = int(state_of(engine, name)[-1])
    items = asyncio.run(follow(engine, name, 1))
    engine.remove(name)
    earlier = [text for run in range(1, before + 1) for text in run_of(run)[1:-1]]
    assert told(items) == [sorted(earlier), run_of(before + 1)]


def events_of(engine: TestEngine, name: str, format: str) -> list[str]:
    """Return what has happened to a container, as the engine tells it."""
    now = "{}.{:09}".format(*divmod(time.time_ns(), 10**9))  # docker cuts others to whole seconds
    told = ("events", "--since", "1h", "--until", now, "--filter", f"container={name}")
    return engine.docker(*told, "--format", format).splitlines()


def ooms_by_events(engine: TestEngine, name: str) -> list[bool]:
    """Return of each run whether the engine's events say that it ran out of memory."""
    runs: list[bool] = []
    for action in events_of(engine, name, "{{.Action}}"):
        if action == "start":
            runs.append(False)
        elif action == "oom":
            runs[-1] = True
    return runs


def test_what_killed_it_is_told_of_each_run(engine: TestEngine) -> None:
    """As the engine tells it, which it does not of each (docs/decisions/068-want-of-memory.md)."""
    script = "echo run; exec tail -c 100m /dev/zero"
    name = create(engine, "on-failure:3", script, "-m", "16m")
    items = asyncio.run(follow(engine, name, 4, (0, partial(engine.act, "start", name))))
    by_events = ooms_by_events(engine, name)
    engine.remove(name)
    assert told(items) == [["started", "run", "stopped 137"]] * 4
    assert [item.oom for item in items if isinstance(item, Stopped)] == by_events


def test_what_killed_it_is_told_of_a_container_that_is_removed(engine: TestEngine) -> None:
    script = f"{WAIT}; exec tail -c 100m /dev/zero"
    name = engine.start(script, "--rm", "-m", "16m")
    items: list[Item] = []

    async def main() -> None:
        async with (
            asyncio.timeout(40),
            Engine(engine.host) as client,
            client.tail(name, tail="all") as tail,
        ):
            await asyncio.to_thread(engine.go, name)
            async for batch in tail.batches():
                items.extend(batch)
                if Removed in marks(items):
                    return

    asyncio.run(main())
    (stopped,) = (item for item in items if isinstance(item, Stopped))
    assert [stopped.oom] == ooms_by_events(engine, name)
    assert stopped.exit_code == 137


@pytest.mark.parametrize(
    ("verb", "query"), [("kill", {}), ("stop", {"t": 0}), ("restart", {"t": 0})]
)
def test_the_event_of_a_signal_that_a_user_sends(
    engine: TestEngine, verb: str, query: dict[str, int]
) -> None:
    """It explains the end: no other event is waited for that might."""
    name = create(engine, "no", "echo run; exec sleep 600")
    items = asyncio.run(
        follow(
            engine,
            name,
            1,
            (0, partial(engine.act, "start", name)),
            (0, partial(engine.act, verb, name, **query)),
        )
    )
    signals = events_of(engine, name, "{{.Action}} {{.Actor.Attributes.signal}}")
    engine.remove(name)
    assert "kill 9" in signals
    (stopped, *_) = (item for item in items if isinstance(item, Stopped))
    assert (stopped.exit_code, stopped.oom) == (137, False)

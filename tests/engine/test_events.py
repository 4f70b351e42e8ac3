"""The events of an engine, beside what the docker CLI makes happen."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from lobtail import Engine
from lobtail.docker import Event, EventStream
from support.engines import IMAGE, TestEngine


async def take(events: EventStream, count: int) -> list[Event]:
    found: list[Event] = []
    async for event in events:
        found.append(event)
        if len(found) == count:
            break
    return found


async def docker(engine: TestEngine, *args: str, check: bool = True) -> str:
    return await asyncio.to_thread(engine.docker, *args, check=check)


def test_what_happens_to_a_container(any_engine: TestEngine) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    podman = any_engine.suite == "podman"
    filters = {
        "type": "container",
        "event": ["create", "start", "die", "died", "destroy", "remove"],
    }

    async def scenario() -> None:
        async with (
            Engine(any_engine.host) as engine,
            engine.events(filters=filters) as events,
        ):
            run = ("run", "--name", name, "--network=none", IMAGE, "sh", "-c", "exit 3")
            await docker(any_engine, *run, check=False)
            await docker(any_engine, "rm", name)
            found = await take(events, 4)
            last = "remove" if podman else "destroy"
            assert [event.action for event in found] == ["create", "start", "die", last]
            assert {event.name for event in found} == {name}
            assert len({event.id for event in found}) == 1
            assert all(event.type == "container" for event in found)
            assert found[2].exit_code == 3
            assert found[0].time_ns < found[3].time_ns <= time.time_ns()
            assert IMAGE in found[0].attributes["image"]

    asyncio.run(scenario())


def test_what_happens_to_volumes_and_images(any_engine: TestEngine) -> None:
    name = f"v{uuid.uuid4().hex[:10]}"

    async def scenario() -> None:
        async with Engine(any_engine.host) as engine:
            async with engine.events(filters={"type": ["volume", "image"]}) as events:
                await docker(any_engine, "volume", "create", name)
                await docker(any_engine, "tag", IMAGE, f"{name}:1")
                found = await take(events, 2)
            await docker(any_engine, "volume", "rm", name)
            await docker(any_engine, "rmi", f"{name}:1")
            assert [(event.type, event.action) for event in found] == [
                ("volume", "create"),
                ("image", "tag"),
            ]
            assert (found[0].id, found[0].name) == (name, name)
            assert name in found[1].name

    asyncio.run(scenario())


def test_a_range_of_time_ends(any_engine: TestEngine) -> None:
    before = time.time_ns()
    name = any_engine.start("true")
    any_engine.wait(name)

    async def scenario() -> None:
        async with Engine(any_engine.host) as engine:
            # Podman counts whole seconds.
            after = time.time_ns() + 1_000_000_000
            stream = engine.events(
                filters={"container": name}, since=before - 1_000_000_000, until=after
            )
            actions = [event.action async for event in stream]
            assert "start" in actions
            assert "die" in actions
            with pytest.raises(RuntimeError, match="the stream has been read"):
                await stream.__aenter__()

    asyncio.run(scenario())


def test_breaking_out_of_the_loop_ends_the_connection(any_engine: TestEngine) -> None:
    async def scenario() -> None:
        async with Engine(any_engine.host) as engine:
            stream = engine.events(since=0)
            await asyncio.gather(take(stream, 1), docker(any_engine, "tag", IMAGE, IMAGE))
            for _ in range(100):  # the loop closes the generator when it has its turn
                if stream._response is None:
                    break
                await asyncio.sleep(0)
            assert stream._response is None
            assert engine._requests._idle == [c for c in engine._requests._idle if c.reusable]

    asyncio.run(scenario())

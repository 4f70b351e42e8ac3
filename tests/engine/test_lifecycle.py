"""Containers started, stopped, renamed and removed; what the docker CLI then shows."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from lobtail import ConfigError, Engine, EngineError
from support.engines import TestEngine, until

T = TypeVar("T")

NO_SUCH = re.compile("no such container", re.IGNORECASE)

# It can be stopped at once, and forever waits.
IDLE = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"


def use(engine: TestEngine, scenario: Callable[[Engine], Awaitable[T]]) -> T:
    async def main() -> T:
        async with Engine(engine.host, timeout=20) as client:
            return await scenario(client)

    return asyncio.run(main())


def state(engine: TestEngine, name: str) -> str:
    return engine.docker("inspect", "-f", "{{.State.Status}}", name)


def ready(engine: TestEngine, *options: str) -> str:
    """Return a container whose trap is set."""
    name = engine.start(IDLE, *options)
    until(lambda: b"ready" in engine.logs(name), "the container is ready")
    return name


def test_from_start_to_removal(any_engine: TestEngine) -> None:
    name = ready(any_engine)

    async def scenario(engine: Engine) -> None:
        assert await engine.containers.start(name) is False  # it runs
        await engine.containers.pause(name)
        assert (await engine.containers.inspect(name)).state.paused
        with pytest.raises(EngineError, match="already paused"):
            await engine.containers.pause(name)
        await engine.containers.unpause(name)
        assert (await engine.containers.inspect(name)).state.status == "running"

        ended = asyncio.create_task(engine.containers.wait(name, "next-exit"))
        for _ in range(5):  # the engine has it before what is asked after it
            await engine.containers.inspect(name)
        assert await engine.containers.stop(name, timeout=10) is True
        assert await engine.containers.stop(name, timeout=10) is False  # it was so already
        assert await ended == 3
        assert await engine.containers.wait(name) == 3
        with pytest.raises(EngineError, match=r"not running|only kill running|state improper"):
            await engine.containers.kill(name)

        assert await engine.containers.start(name) is True
        await engine.containers.restart(name, timeout=0)
        assert (await engine.containers.inspect(name)).state.running
        await engine.containers.kill(name, "SIGKILL")
        assert await engine.containers.wait(name) == 137

        await engine.containers.rename(name, f"{name}-renamed")
        assert (await engine.containers.inspect(f"/{name}-renamed")).name == f"/{name}-renamed"
        gone = asyncio.create_task(engine.containers.wait(f"{name}-renamed", "removed"))
        await engine.containers.start(f"{name}-renamed")
        with pytest.raises(EngineError, match="running"):
            await engine.containers.remove(f"{name}-renamed")
        await engine.containers.remove(f"{name}-renamed", force=True)
        await gone
        with pytest.raises(EngineError, match=NO_SUCH) as caught:
            await engine.containers.remove(f"{name}-renamed")
        assert caught.value.status == 404

    use(any_engine, scenario)
    assert name not in any_engine.docker("ps", "-a", "--format", "{{.Names}}")


def test_every_call_names_what_is_not_there(any_engine: TestEngine) -> None:
    async def scenario(engine: Engine) -> None:
        calls = (
            engine.containers.start("nope"),
            engine.containers.stop("nope"),
            engine.containers.stop("nope", timeout=1),
            engine.containers.restart("nope", timeout=1),
            engine.containers.kill("nope"),
            engine.containers.pause("nope"),
            engine.containers.unpause("nope"),
            engine.containers.rename("nope", "other"),
            engine.containers.remove("nope"),
            engine.containers.wait("nope"),
            engine.containers.top("nope"),
            engine.containers.inspect_raw("nope"),
            engine.containers.stats_once("nope"),
        )
        for call in calls:
            with pytest.raises(EngineError) as caught:
                await call
            assert caught.value.status == 404, call

    use(any_engine, scenario)


def test_stop_waits_as_long_as_the_container_may_take(any_engine: TestEngine) -> None:
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    name = any_engine.start(stubborn, "--stop-timeout", "2")
    until(lambda: b"ready" in any_engine.logs(name), "the container is ready")

    async def scenario() -> None:
        # Its own grace is longer than the silence that is borne elsewhere.
        async with Engine(any_engine.host, timeout=1) as engine:
            assert await engine.containers.stop(name) is True
            assert await engine.containers.wait(name) == 137

    asyncio.run(scenario())


def test_the_signal_to_stop_with(any_engine: TestEngine) -> None:
    name = any_engine.start(
        "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done",
    )
    until(lambda: b"ready" in any_engine.logs(name), "the container is ready")

    async def scenario(engine: Engine) -> None:
        if await engine.api_version() >= (1, 42):
            assert await engine.containers.stop(name, signal="USR1") is True
        else:
            with pytest.raises(ConfigError, match=r"the engine's API 1\.41 cannot be told"):
                await engine.containers.stop(name, signal="USR1")
            await engine.containers.kill(name, "USR1")
        assert await engine.containers.wait(name) == 7

    use(any_engine, scenario)


def test_a_wait_that_is_given_up_closes_its_connection(any_engine: TestEngine) -> None:
    name = ready(any_engine)

    async def scenario(engine: Engine) -> None:
        for condition in ("not-running", "next-exit", "removed"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await engine.containers.wait(name, condition)
        assert not engine._requests._idle or all(c.reusable for c in engine._requests._idle)
        assert (await engine.containers.inspect(name)).state.running
        await engine.containers.remove(name, force=True, volumes=True)

    use(any_engine, scenario)


def test_processes(any_engine: TestEngine) -> None:
    name = ready(any_engine)

    async def scenario(engine: Engine) -> None:
        top = await engine.containers.top(name)
        assert top.titles
        assert "PID" in top.titles
        assert top.processes
        assert all(len(row) == len(top.titles) for row in top.processes)
        assert any("trap" in row[-1] for row in top.processes)
        chosen = await engine.containers.top(name, "-o pid,args")
        assert chosen.titles == ["PID", "COMMAND"]
        await engine.containers.kill(name)
        await engine.containers.wait(name)
        with pytest.raises(EngineError, match=r"not running|top of running"):
            await engine.containers.top(name)

    use(any_engine, scenario)


def test_sizes_are_measured_if_asked_for(any_engine: TestEngine) -> None:
    name = any_engine.start("dd if=/dev/zero of=/big bs=1000 count=50; echo ready")
    any_engine.wait(name)

    async def scenario(engine: Engine) -> None:
        plain = await engine.containers.inspect(name)
        assert not plain.size_rw
        assert not plain.size_root_fs
        sized = await engine.containers.inspect(name, size=True)
        assert sized.size_rw is not None
        assert sized.size_rw >= 50_000
        assert sized.size_root_fs is not None
        assert sized.size_root_fs > sized.size_rw
        filters = {"name": name, "status": ["exited"]}
        [listed] = await engine.containers.list(all=True, size=True, filters=filters)
        assert (listed.name, listed.size_rw) == (name, sized.size_rw)
        [unsized] = await engine.containers.list(all=True, filters=filters)
        assert not unsized.size_rw
        assert not unsized.size_root_fs

    use(any_engine, scenario)


def test_inspect_tells_what_a_client_shows(any_engine: TestEngine) -> None:
    name = ready(
        any_engine, "-e", "COLOR=red", "-v", "/data", "-w", "/tmp", "--restart=on-failure:2"
    )

    async def scenario(engine: Engine) -> None:
        raw = await engine.containers.inspect_raw(name)
        assert raw == json.loads(any_engine.docker("inspect", name))[0]
        found = await engine.containers.inspect(name)
        assert found.id == raw["Id"]
        assert found.config.env is not None
        assert "COLOR=red" in found.config.env
        assert found.config.cmd == ["sh", "-c", IDLE]
        assert found.config.working_dir == "/tmp"
        assert found.state.pid > 0
        assert found.host_config.restart_policy.name == "on-failure"
        assert found.host_config.restart_policy.maximum_retry_count == 2
        assert found.mounts is not None
        assert [(m.type, m.destination, m.rw) for m in found.mounts] == [("volume", "/data", True)]
        [listed] = await engine.containers.list(filters={"id": found.id})
        assert listed.image_id == found.image
        await engine.containers.remove(name, force=True, volumes=True)
        volumes = any_engine.docker("volume", "ls", "-q").split()
        assert found.mounts[0].name not in volumes

    use(any_engine, scenario)


def test_pruning(any_engine: TestEngine) -> None:
    label = f"prune{time.monotonic_ns()}"
    kept, gone = ready(any_engine, "--label", label), any_engine.start("true", "--label", label)
    any_engine.wait(gone)

    async def scenario(engine: Engine) -> None:
        identifier = (await engine.containers.inspect(gone)).id
        pruned = await engine.containers.prune(filters={"label": label})
        assert pruned.deleted == [identifier]
        assert (await engine.containers.inspect(kept)).state.running
        assert not (await engine.containers.prune(filters={"label": [label]})).deleted
        await engine.containers.remove(kept, force=True)

    use(any_engine, scenario)

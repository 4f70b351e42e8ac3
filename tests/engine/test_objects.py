"""Volumes, networks, and what the engine says of itself; beside the docker CLI."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable

import pytest

from lobtail import ConfigError, Engine, EngineError
from lobtail.docker import DiskUsage, Usage
from support.engines import TestEngine


def use(engine: TestEngine, scenario: Callable[[Engine], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Engine(engine.host, timeout=20) as client:
            await scenario(client)

    asyncio.run(main())


def fresh() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


def test_volumes(any_engine: TestEngine) -> None:
    name = fresh()

    async def scenario(engine: Engine) -> None:
        made = await engine.volumes.create(name, labels={"for": name})
        assert (made.name, made.driver) == (name, "local")
        assert made.labels == {"for": name}
        found = await engine.volumes.inspect(name)
        assert found.mountpoint.startswith("/")
        assert (found.name, found.mountpoint) == (made.name, made.mountpoint)
        raw = await engine.volumes.inspect_raw(name)
        assert raw == json.loads(any_engine.docker("volume", "inspect", name))[0]
        assert found in await engine.volumes.list()
        assert await engine.volumes.list(filters={"label": f"for={name}"}) == [found]

        holder = any_engine.start("sleep 1000", "-v", f"{name}:/data")
        with pytest.raises(EngineError) as caught:
            await engine.volumes.remove(name)
        assert caught.value.status == 409
        await engine.containers.remove(holder, force=True)
        await engine.volumes.remove(name)
        with pytest.raises(EngineError) as caught:
            await engine.volumes.remove(name)
        assert caught.value.status == 404
        await engine.volumes.remove(name, force=True)  # it was so already
        assert (await engine.volumes.create()).name  # the engine's choice

    use(any_engine, scenario)


def test_pruning_volumes(any_engine: TestEngine) -> None:
    name = fresh()
    only = {"label": f"for={name}"}

    async def scenario(engine: Engine) -> None:
        await engine.volumes.create(name, labels={"for": name})
        if await engine.api_version() >= (1, 42):
            assert not (await engine.volumes.prune(filters=only)).deleted
        else:  # it would be removed although it has a name
            with pytest.raises(ConfigError, match="all=True"):
                await engine.volumes.prune(filters=only)
        assert (await engine.volumes.inspect(name)).name == name
        assert (await engine.volumes.prune(all=True, filters=only)).deleted == [name]

    use(any_engine, scenario)


def test_networks(any_engine: TestEngine) -> None:
    name = fresh()

    async def scenario(engine: Engine) -> None:
        identifier = await engine.networks.create(name, internal=True, labels={"for": name})
        try:
            found = await engine.networks.inspect(name)
            assert (found.id, found.name, found.internal) == (identifier, name, True)
            assert found.driver == "bridge"
            assert found.ipam.config
            assert found.ipam.config[0].subnet
            raw = await engine.networks.inspect_raw(identifier)
            assert raw == json.loads(any_engine.docker("network", "inspect", name))[0]
            [listed] = await engine.networks.list(filters={"label": f"for={name}"})
            assert listed.id == identifier
            with pytest.raises(EngineError) as caught:
                await engine.networks.create(name)
            assert caught.value.status == (500 if any_engine.suite == "podman" else 409)
        finally:
            await engine.networks.remove(identifier)
        with pytest.raises(EngineError) as caught:
            await engine.networks.inspect(name)
        assert caught.value.status == 404

    use(any_engine, scenario)


def test_pruning_networks(any_engine: TestEngine) -> None:
    name = fresh()

    async def scenario(engine: Engine) -> None:
        await engine.networks.create(name, internal=True, labels={"for": name})
        pruned = await engine.networks.prune(filters={"label": f"for={name}"})
        assert pruned.deleted == [name]
        assert name not in [network.name for network in await engine.networks.list()]

    use(any_engine, scenario)


def test_what_the_engine_says_of_itself(any_engine: TestEngine) -> None:
    async def scenario(engine: Engine) -> None:
        info, version, ping = await asyncio.gather(engine.info(), engine.version(), engine.ping())
        shown = json.loads(any_engine.docker("info", "--format", "{{json .}}"))
        assert (info.name, info.ncpu) == (shown["Name"], shown["NCPU"])
        assert info.id
        assert info.driver == shown["Driver"] in ("overlay2", "vfs")
        assert info.mem_total > 0
        assert info.swarm.local_node_state == "inactive"
        assert info.containers >= info.containers_running
        server = json.loads(any_engine.docker("version", "--format", "{{json .Server}}"))
        assert version.version == server["Version"] == info.server_version
        assert version.api_version == ping.api_version == server["ApiVersion"]
        assert version.components
        assert version.components[0].name in ("Engine", "Podman Engine")

    use(any_engine, scenario)


def test_the_disk_as_docker_counts_it(any_engine: TestEngine) -> None:
    name = fresh()
    any_engine.docker("volume", "create", name)
    stopped = any_engine.start("dd if=/dev/zero of=/big bs=1000 count=70")
    holder = any_engine.start("sleep 1000", "-v", f"{name}:/data")
    any_engine.wait(stopped)

    async def scenario(engine: Engine) -> None:
        usage = await engine.disk_usage()
        lines = any_engine.docker("system", "df", "--format", "{{json .}}").splitlines()
        shown = {line["Type"]: line for line in map(json.loads, lines)}
        kinds = {
            "Images": usage.image_usage,
            "Containers": usage.container_usage,
            "Local Volumes": usage.volume_usage,
            "Build Cache": usage.build_cache_usage,
        }
        for kind, counted in kinds.items():
            assert shown[kind]["TotalCount"] == str(counted.total), kind
            assert shown[kind]["Active"] == str(counted.active), kind
            if kind == "Images" and any_engine.suite == "podman":
                continue  # docker's figures are negative there
            assert near(shown[kind]["Size"], counted.size), kind
            assert near(shown[kind]["Reclaimable"].split()[0], counted.reclaimable), kind
        assert usage.container_usage.reclaimable >= 70_000
        assert usage.image_usage.size >= 1_000_000
        assert any(volume.name == name for volume in usage.volumes or ())
        await engine.containers.remove(holder, force=True)
        await engine.volumes.remove(name)

    use(any_engine, scenario)


def near(shown: str, size: int) -> bool:
    """Tell whether docker's four digits are those of a size."""
    for unit, factor in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("B", 1)):
        if shown.endswith(unit):
            return shown.removesuffix(unit) == f"{size / factor:.4g}"
    return False


def test_the_disk_of_an_engine_that_says_nothing() -> None:
    nothing = DiskUsage()
    assert nothing.image_usage == nothing.container_usage == Usage()
    assert nothing.volume_usage == nothing.build_cache_usage == Usage()

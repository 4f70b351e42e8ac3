"""What containers use, beside what the docker CLI shows."""

from __future__ import annotations

import asyncio
import json

import pytest

from faults.fake_engine import ID, FakeEngine, json_answer
from lobtail import Engine, EngineError
from lobtail.docker import Stats
from support.engines import TestEngine

BUSY = "while :; do :; done"


def test_a_busy_container(any_engine: TestEngine) -> None:
    name = any_engine.start(BUSY, "--memory", "50m")
    podman = any_engine.suite == "podman"

    async def scenario() -> list[Stats]:
        found: list[Stats] = []
        async with Engine(any_engine.host) as engine:
            once, shot = await asyncio.gather(
                engine.containers.stats_once(name),
                engine.containers.stats_once(name, one_shot=True),
            )
            assert shot.cpu_percent is None
            assert once.cpu_percent is not None
            async for stats in engine.containers.stats(name):
                found.append(stats)
                if podman or len(found) == 2:  # Podman's next would come in five seconds
                    break
            assert (await engine.containers.inspect(name)).id == found[0].id == once.id == shot.id
            return [once, *found]

    found = asyncio.run(scenario())
    for stats in found:
        assert stats.running
        assert stats.name == name
        assert stats.cpus >= 1
        assert 0 < stats.memory_used < stats.memory_limit == 50 << 20
        assert 0 < stats.memory_percent < 100
        assert stats.pids >= 1
    for stats in found[0], *found[2:]:
        assert stats.cpu_percent is not None
        assert 0 < stats.cpu_percent < 100 * stats.cpus * 1.5
    assert found[1].network_received_rate is None
    for stats in found[2:]:
        assert stats.network_received_rate == 0.0
        assert stats.disk_written_rate is not None
    any_engine.remove(name)


READ, BEFORE, NEVER = "2026-11-24T10:00:01Z", "2026-11-24T10:00:00Z", "0001-01-01T00:00:00Z"
V1 = {"cache": 1 << 20, "total_inactive_file": 3 << 20, "inactive_file": 1 << 20}
V2 = {"file": 1 << 20, "inactive_file": 2 << 20}


def sample(**more: object) -> dict[str, object]:
    return {
        "read": READ,
        "preread": BEFORE,
        "name": "/web",
        "id": ID,
        "cpu_stats": {
            "cpu_usage": {"total_usage": 700_000_000, "percpu_usage": [1, 2, 3, 4]},
            "system_cpu_usage": 9_000_000_000,
            "online_cpus": 4,
        },
        "precpu_stats": {
            "cpu_usage": {"total_usage": 100_000_000},
            "system_cpu_usage": 5_000_000_000,
            "online_cpus": 4,
        },
        "memory_stats": {"usage": 10 << 20, "limit": 64 << 20, "stats": V1},
        "networks": {
            "eth0": {"rx_bytes": 1000, "tx_bytes": 1},
            "eth1": {"rx_bytes": 500, "tx_bytes": 2},
        },
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"op": "Read", "value": 2_000_000},
                {"op": "write", "value": 7000},
                {"op": "Total", "value": 9},
            ]
        },
        "pids_stats": {"current": 12},
        **more,
    }


@pytest.mark.parametrize(
    "sent",
    [
        sample(),
        sample(memory_stats={"usage": 10 << 20, "limit": 64 << 20, "stats": V2}),
        sample(memory_stats={"usage": 1 << 20, "limit": 64 << 20, "stats": V1}),
        sample(memory_stats={"usage": 10 << 20}, networks=None, blkio_stats={}),
        sample(precpu_stats=sample()["cpu_stats"]),
        sample(cpu_stats={**sample()["cpu_stats"], "online_cpus": 0}),  # type: ignore[dict-item]
        sample(read=NEVER, preread=NEVER, cpu_stats={}, precpu_stats={}, memory_stats={}),
    ],
)
def test_the_figures_are_those_of_docker(sent: dict[str, object]) -> None:
    # The very same sample for both: a container's memory is not the same a second later.
    with FakeEngine(
        answers={"/stats": json_answer(sent)}, inspect={"Id": ID, "Name": "/web"}
    ) as fake:

        async def scenario() -> Stats:
            async with Engine(fake.host) as engine:
                return await engine.containers.stats_once("web")

        stats = asyncio.run(scenario())
        docker = TestEngine("fake", fake.host)
        shown = json.loads(docker.docker("stats", "--no-stream", "--format", "{{json .}}", "web"))
    assert shown["Name"] == stats.name
    assert shown["PIDs"] == str(stats.pids)
    assert shown["CPUPerc"] == f"{stats.cpu_percent:.2f}%"
    assert shown["MemPerc"] == f"{stats.memory_percent:.2f}%"
    used, limit = (float(text.rstrip("MiB")) for text in shown["MemUsage"].split(" / "))
    assert (used, limit) == (stats.memory_used / (1 << 20), stats.memory_limit / (1 << 20))
    assert shown["NetIO"] == human(stats.network_received, stats.network_sent)
    assert shown["BlockIO"] == human(stats.disk_read, stats.disk_written)


def human(*sizes: int) -> str:
    """Return sizes as docker shows them, with powers of 1000."""
    units = ("B", "kB", "MB")
    shown = []
    for size in sizes:
        power = 2 if size >= 10**6 else 1 if size >= 1000 else 0
        shown.append(f"{size / 1000**power:.3g}{units[power]}")
    return " / ".join(shown)


def test_what_does_not_run_uses_nothing(any_engine: TestEngine) -> None:
    name = any_engine.ended("true", "true")

    async def scenario() -> None:
        async with Engine(any_engine.host) as engine:
            for one_shot in (True, False):
                stats = await engine.containers.stats_once(name, one_shot=one_shot)
                assert not stats.running
                assert (stats.name, stats.cpu_percent, stats.memory_used) == (name, 0.0, 0)
                assert stats.id == (await engine.containers.inspect(name)).id

    asyncio.run(scenario())


def test_the_stream_ends_with_the_container(any_engine: TestEngine) -> None:
    name = any_engine.start("sleep 1000")

    async def scenario() -> None:
        async with Engine(any_engine.host) as engine, engine.containers.stats(name) as stream:
            removed = False
            async for _ in stream:
                if not removed:
                    await engine.containers.remove(name, force=True)
                    removed = True
            assert removed
            with pytest.raises(EngineError) as caught:
                await engine.containers.stats(name).__aenter__()
            assert caught.value.status == 404

    asyncio.run(scenario())

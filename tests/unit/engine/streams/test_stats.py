"""What samples say: cgroups of both versions, Docker and Podman."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lobtail.docker import Stats
from lobtail.engine.objects.answer import decode
from lobtail.engine.objects.stats import Sample, compute

READ = "2026-11-24T23:51:43.500000000Z"
NEXT = "2026-11-24T23:51:45.500000000Z"


def sample(**more: Any) -> Sample:
    return decode(
        json.dumps({"read": READ, "name": "/web", "id": "x", **more}).encode(), Sample, "/"
    )


def cpu(used: int, system: int = 0, cpus: int = 2, per: int = 0) -> dict[str, Any]:
    return {
        "cpu_usage": {"total_usage": used, "percpu_usage": [0] * per or None},
        "system_cpu_usage": system,
        "online_cpus": cpus,
    }


def test_cpu_as_docker_counts_it() -> None:
    # Half of a host of two CPUs is one CPU.
    stats = compute(sample(preread=READ, cpu_stats=cpu(500, 1000), precpu_stats=cpu(0)))
    assert stats.cpu_percent == 100.0
    assert stats.cpus == 2


def test_cpus_are_counted_where_an_old_engine_does_not() -> None:
    now = cpu(250, 1000, cpus=0, per=4)
    assert compute(sample(preread=READ, cpu_stats=now)).cpu_percent == 100.0


@pytest.mark.parametrize(("used", "system"), [(0, 1000), (-5, 1000), (5, 0), (5, -1)])
def test_cpu_where_nothing_was_used_or_the_counts_began_anew(used: int, system: int) -> None:
    before, now = cpu(1000, 1000), cpu(1000 + used, 1000 + system)
    stats = compute(sample(preread=READ, cpu_stats=now, precpu_stats=before))
    assert stats.cpu_percent == 0.0


def test_cpu_needs_something_to_compare_with() -> None:
    first = sample(preread="0001-01-01T00:00:00Z", cpu_stats=cpu(500, 1000))
    assert compute(first).cpu_percent is None
    later = sample(preread="0001-01-01T00:00:00Z", cpu_stats=cpu(750, 2000))
    assert compute(later, first).cpu_percent == 50.0


def test_podmans_cpu_is_counted_by_the_time_that_passed() -> None:
    first = sample(cpu_stats=cpu(10**9, 7), preread="2026-11-24T23:51:43.497Z")
    assert compute(first, podman=True).cpu_percent is None  # three milliseconds say nothing
    later = sample(read=NEXT, cpu_stats=cpu(2 * 10**9, 8), preread=READ)
    assert compute(later, first, podman=True).cpu_percent == 50.0


@pytest.mark.parametrize(
    ("memory", "used"),
    [
        ({"usage": 100, "stats": {"total_inactive_file": 30, "inactive_file": 20}}, 70),
        ({"usage": 100, "stats": {"inactive_file": 20}}, 80),
        ({"usage": 100, "stats": {"inactive_file": 100}}, 100),
        ({"usage": 100, "stats": {"total_inactive_file": 200, "inactive_file": 20}}, 80),
        ({"usage": 100, "stats": {"cache": 20}}, 100),
        ({"usage": 100, "stats": None}, 100),
        ({}, 0),
    ],
)
def test_memory_without_what_can_be_dropped(memory: dict[str, Any], used: int) -> None:
    assert compute(sample(memory_stats=memory)).memory_used == used


def test_memory_in_percent() -> None:
    stats = compute(sample(memory_stats={"usage": 25, "limit": 200}))
    assert (stats.memory_limit, stats.memory_percent) == (200, 12.5)
    assert Stats().memory_percent == 0.0


def test_totals_and_rates() -> None:
    def at(read: str, count: int) -> Sample:
        eth = {"rx_bytes": count, "tx_bytes": 2 * count}
        disk = [{"op": "Read", "value": count}, {"op": "write", "value": 3 * count}]
        other = [{"op": "Total", "value": 9}, {"op": "", "value": 9}]
        return sample(
            read=read,
            networks={"eth0": eth, "eth1": eth},
            blkio_stats={"io_service_bytes_recursive": [*disk, *disk, *other]},
        )

    first = compute(at(READ, 100))
    assert (first.network_received, first.network_sent) == (200, 400)
    assert (first.disk_read, first.disk_written) == (200, 600)
    assert first.network_received_rate is first.disk_written_rate is None
    later = compute(at(NEXT, 150), at(READ, 100))
    assert (later.network_received_rate, later.network_sent_rate) == (50.0, 100.0)
    assert (later.disk_read_rate, later.disk_written_rate) == (50.0, 150.0)
    # The container was started anew, or the clock was set back.
    assert compute(at(NEXT, 10), at(READ, 100)).disk_read_rate == 0.0
    assert compute(at(READ, 150), at(NEXT, 100)).disk_read_rate is None


def test_what_does_not_run() -> None:
    data: dict[str, Any] = {"networks": None, "blkio_stats": {"io_service_bytes_recursive": None}}
    stats = compute(sample(read="0001-01-01T00:00:00Z", **data))
    assert (stats.time_ns, stats.running, stats.cpu_percent) == (None, False, 0.0)
    assert (stats.id, stats.name) == ("x", "web")
    assert compute(sample(read="never")).time_ns is None


def test_names_and_ids_of_both_engines() -> None:
    assert compute(sample(id="", Id="y", name="web")).id == "y"

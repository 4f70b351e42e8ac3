"""What a container uses: CPU, memory, network and disk, as the engine samples it.

The figures are those that the docker CLI shows (docker/cli, ``stats_helpers.go``):

- *CPU*: the share of one CPU, in percent: 200 is two CPUs. Docker counts the CPU time of the whole
  host as well, which makes it a ratio of two counters.
- *memory*: what is used without the page cache that can be dropped at once: without
  ``total_inactive_file`` on cgroup v1, ``inactive_file`` on v2.
- *network* and *disk*: totals of all interfaces and devices since the start.

Podman's count of the host's time leaves out when the host was idle, so for Podman CPU time is
measured by the time that passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.errors import ProtocolError
from lobtail.model.timestamps import parse_rfc3339

if TYPE_CHECKING:
    pass

__all__ = ["Sample", "Stats", "compute", "moment"]

# Podman stamps the two halves of its first sample milliseconds apart: too short to measure in.
SHORTEST_NS: Final = 200_000_000


class CpuUsage(msgspec.Struct, frozen=True):
    """CPU time of a container, in nanoseconds since its start."""

    total_usage: int = 0
    percpu_usage: list[int] | None = None
    usage_in_kernelmode: int = 0
    usage_in_usermode: int = 0


class CpuStats(msgspec.Struct, frozen=True):
    """CPU time of a container and of its host."""

    cpu_usage: CpuUsage = CpuUsage()
    system_cpu_usage: int = 0
    online_cpus: int = 0


class MemoryStats(msgspec.Struct, frozen=True):
    """Memory of a container, in bytes; ``stats`` are the kernel's counters."""

    usage: int = 0
    max_usage: int = 0
    limit: int = 0
    stats: dict[str, int] | None = None


class DiskCount(msgspec.Struct, frozen=True):
    """Bytes read from or written to one device."""

    op: str = ""
    value: int = 0


class DiskStats(msgspec.Struct, frozen=True):
    """What a container reads and writes."""

    io_service_bytes_recursive: list[DiskCount] | None = None


class NetworkStats(msgspec.Struct, frozen=True):
    """What one interface of a container received and sent."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class PidsStats(msgspec.Struct, frozen=True):
    """How many processes and threads a container has, and may have."""

    current: int = 0
    limit: int = 0


class Sample(msgspec.Struct, frozen=True):
    """One sample, as the engine sends it."""

    read: str = ""
    preread: str = ""
    name: str = ""
    id: str = ""
    podman_id: str = msgspec.field(default="", name="Id")
    cpu_stats: CpuStats = CpuStats()
    precpu_stats: CpuStats = CpuStats()
    memory_stats: MemoryStats = MemoryStats()
    blkio_stats: DiskStats = DiskStats()
    networks: dict[str, NetworkStats] | None = None
    pids_stats: PidsStats = PidsStats()


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What a container uses at one moment.

    Bytes and seconds; rates are those since the sample before it in the same stream, and None in
    the first. Of a container that does not run everything is 0, and ``time_ns`` is None.
    """

    id: str = ""
    name: str = ""
    time_ns: int | None = None
    """When it was sampled, by the engine's clock."""
    cpu_percent: float | None = None
    """100 is one CPU; None where there was nothing to compare with."""
    cpus: int = 0
    """The CPUs of the host."""
    memory_used: int = 0
    """Without the page cache that can be dropped."""
    memory_limit: int = 0
    """The host's memory if the container has no limit of its own."""
    network_received: int = 0
    network_sent: int = 0
    disk_read: int = 0
    disk_written: int = 0
    network_received_rate: float | None = None
    """Bytes a second, like those below."""
    network_sent_rate: float | None = None
    disk_read_rate: float | None = None
    disk_written_rate: float | None = None
    pids: int = 0
    sample: Sample = Sample()
    """All that the engine said."""

    @property
    def memory_percent(self) -> float:
        """The used share of ``memory_limit``, in percent."""
        return 100 * self.memory_used / self.memory_limit if self.memory_limit else 0.0

    @property
    def running(self) -> bool:
        """Whether the container ran."""
        return self.time_ns is not None


def compute(sample: Sample, before: Sample | None = None, *, podman: bool = False) -> Stats:
    """Work out what a sample says; ``before`` is the one before it, if there is one."""
    time_ns = moment(sample.read)
    received, sent = _network(sample)
    read, written = _disk(sample)
    then_ns = moment(before.read) if before is not None else None
    rates: list[float | None] = [None] * 4
    if before is not None and time_ns is not None and then_ns is not None and time_ns > then_ns:
        seconds = (time_ns - then_ns) / 1e9
        earlier = (*_network(before), *_disk(before))
        # The counts begin anew when the container does.
        rates = [
            max(now - then, 0) / seconds
            for now, then in zip((received, sent, read, written), earlier, strict=True)
        ]
    return Stats(
        id=sample.id or sample.podman_id,
        name=sample.name.removeprefix("/"),
        time_ns=time_ns,
        cpu_percent=_cpu(sample, before, podman=podman) if time_ns is not None else 0.0,
        cpus=_cpus(sample.cpu_stats),
        memory_used=_memory(sample.memory_stats),
        memory_limit=sample.memory_stats.limit,
        network_received=received,
        network_sent=sent,
        disk_read=read,
        disk_written=written,
        network_received_rate=rates[0],
        network_sent_rate=rates[1],
        disk_read_rate=rates[2],
        disk_written_rate=rates[3],
        pids=sample.pids_stats.current,
        sample=sample,
    )


def _cpu(sample: Sample, before: Sample | None, *, podman: bool) -> float | None:
    now, then = sample.cpu_stats, sample.precpu_stats
    since, until = moment(sample.preread), moment(sample.read)
    if before is not None and (podman or since is None):
        then, since = before.cpu_stats, moment(before.read)
    if since is None or until is None:
        return None
    used = now.cpu_usage.total_usage - then.cpu_usage.total_usage
    if podman:
        elapsed = until - since
        return max(100 * used / elapsed, 0.0) if elapsed >= SHORTEST_NS else None
    passed = now.system_cpu_usage - then.system_cpu_usage
    return 100 * used / passed * _cpus(now) if used > 0 and passed > 0 else 0.0


def _cpus(stats: CpuStats) -> int:
    return stats.online_cpus or len(stats.cpu_usage.percpu_usage or ())


def _memory(memory: MemoryStats) -> int:
    counters = memory.stats or {}
    for name in ("total_inactive_file", "inactive_file"):
        if name in counters and counters[name] < memory.usage:
            return memory.usage - counters[name]
    return memory.usage


def _network(sample: Sample) -> tuple[int, int]:
    interfaces = (sample.networks or {}).values()
    return sum(i.rx_bytes for i in interfaces), sum(i.tx_bytes for i in interfaces)


def _disk(sample: Sample) -> tuple[int, int]:
    counts = sample.blkio_stats.io_service_bytes_recursive or ()
    return (
        sum(count.value for count in counts if count.op[:1] in ("r", "R")),
        sum(count.value for count in counts if count.op[:1] in ("w", "W")),
    )


def moment(stamp: str) -> int | None:
    """Return a stamp in nanoseconds; None for year 1, Go's zero time."""
    if not stamp or stamp.startswith("0001-"):
        return None
    try:
        return parse_rfc3339(stamp)
    except ProtocolError:
        return None

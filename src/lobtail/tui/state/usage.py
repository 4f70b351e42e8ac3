"""What a container uses, over the last minutes; and pictures of such series in one row of text."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from lobtail.engine.objects.stats import Stats

__all__ = ["KEPT", "Usage", "plot", "sparkline", "top_of"]

# Samples: one a second from Docker, so five minutes.
KEPT: Final = 300
_BARS: Final = " ▁▂▃▄▅▆▇█"


class Usage:
    """Series of what one container uses; the newest last."""

    def __init__(self) -> None:
        self.cpu: deque[float] = deque(maxlen=KEPT)
        """Percent of one CPU."""
        self.memory: deque[float] = deque(maxlen=KEPT)
        """Bytes."""
        self.received: deque[float] = deque(maxlen=KEPT)
        """Bytes a second, like those below."""
        self.sent: deque[float] = deque(maxlen=KEPT)
        self.read: deque[float] = deque(maxlen=KEPT)
        self.written: deque[float] = deque(maxlen=KEPT)
        self.times: deque[int] = deque(maxlen=KEPT)
        """When samples were taken."""
        self.last: Stats | None = None

    def add(self, stats: Stats) -> None:
        """Take a sample."""
        self.last = stats
        self.memory.append(stats.memory_used)
        if stats.time_ns is not None:
            self.times.append(stats.time_ns)
        for series, value in (
            (self.cpu, stats.cpu_percent),
            (self.received, stats.network_received_rate),
            (self.sent, stats.network_sent_rate),
            (self.read, stats.disk_read_rate),
            (self.written, stats.disk_written_rate),
        ):
            if value is not None:
                series.append(value)


def sparkline(values: Sequence[float], columns: int, most: float = 0.0) -> str:
    """Return the newest values as bars, one a column; ``most`` is the least height of the scale."""
    shown = list(values)[-columns:] if columns > 0 else []
    top = max([most, *shown]) or 1.0
    bars = "".join(
        _BARS[min(8, max(round(value / top * 8), 1 if value > 0 else 0))] for value in shown
    )
    return bars.rjust(columns)


def top_of(values: Sequence[float], least: float, most: float = 0.0) -> float:
    """Return the value at the top of a scale: ``least``, or as often twice that as is needed.

    It is steady while values vary, and little looks like little. ``most`` is a limit that values
    cannot exceed, and so is no part of the scale.
    """
    highest = max(values, default=0.0)
    top = least
    while top < highest:
        top *= 2
    return min(top, most) if most >= highest and most else top


def plot(values: Sequence[float], columns: int, rows: int, top: float) -> list[str]:
    """Return the newest values as bars of several rows, one a column, highest row first."""
    shown = list(values)[-columns:]
    # Whatever is there is seen, be it little.
    eighths = [max(round(value / top * rows * 8), 1 if value else 0) for value in shown]
    return [
        "".join(_BARS[min(max(height - level * 8, 0), 8)] for height in eighths).rjust(columns)
        for level in range(rows - 1, -1, -1)
    ]

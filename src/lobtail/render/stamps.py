"""Show the time of a line: in full, short, or how long ago, in the zone that is asked for."""

from __future__ import annotations

import re
import time
from typing import Final, Literal, TypeAlias

from lobtail.errors import ConfigError
from lobtail.model.timestamps import Zone, format_rfc3339

__all__ = ["STAMP_STYLES", "UNKNOWN", "StampStyle", "Stamper", "Zone", "find_zone", "local", "utc"]

StampStyle: TypeAlias = Literal["rfc3339", "short", "relative"]
STAMP_STYLES: Final = ("rfc3339", "short", "relative")

UNKNOWN: Final = "-"
"""What stands for a time that is not known, or that no calendar has."""

_SECOND: Final = 1_000_000_000
_WIDTHS: Final = {"short": 12, "relative": 7}
_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")


def utc(_seconds: int) -> int:
    """Return the offset of UTC, at any time."""
    return 0


def local(seconds: int) -> int:
    """Return the offset that the system's zone has at that time."""
    try:
        return time.localtime(seconds).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0


def find_zone(name: str) -> Zone:
    """Return the zone called ``name``: ``UTC``, ``local``, ``+02:00`` or ``Europe/Berlin``.

    Raises:
        ConfigError: there is no such zone, or the system has no table of zones.
    """
    if name.lower() in ("utc", "z"):
        return utc
    if name.lower() == "local":
        return local if time.timezone or time.daylight else utc  # whose times are shorter
    if match := _OFFSET.fullmatch(name):
        offset = (int(match[2]) * 60 + int(match[3])) * (-60 if match[1] == "-" else 60)
        return (lambda _: offset) if offset else utc
    # Neither is needed by those who ask for no zone, and both are slow to import.
    import datetime as dt
    import zoneinfo

    try:
        info = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        missing = (
            "" if zoneinfo.available_timezones() else " (this system has none: install tzdata)"
        )
        raise ConfigError(
            f"no time zone {name!r}{missing}; give UTC, local, +02:00 or a name like Europe/Berlin"
        ) from exc

    if info.utcoffset(None) == dt.timedelta(0):  # Etc/UTC and other names of it
        return utc

    def offset_at(seconds: int) -> int:
        try:
            moment = dt.datetime.fromtimestamp(seconds, info)
        except (OverflowError, OSError, ValueError):
            return 0
        return int((moment.utcoffset() or dt.timedelta()).total_seconds())

    return offset_at


class Stamper:
    """Show times in one style and one zone. Cheap where neighbours share their second."""

    def __init__(self, style: StampStyle = "rfc3339", zone: Zone = utc) -> None:
        self._zone = zone
        self._show = {"rfc3339": self._rfc3339, "short": self._short, "relative": _relative}[style]
        self.width = _WIDTHS.get(style) or (30 if zone is utc else 35)
        """Columns that a time takes; only times older or younger than 100 days take more."""
        self._second: int | None = None
        self._head = ""
        self._tail = ""

    def show(self, time_ns: int | None, now_ns: int) -> str:
        """Return the time as text; ``UNKNOWN`` for none.

        ``relative`` counts from ``now_ns``; the other styles do not look at it.
        """
        if time_ns is None:
            return UNKNOWN
        try:
            return self._show(time_ns, now_ns)
        except ConfigError:  # years that RFC 3339 does not have
            return UNKNOWN

    def pad(self, time_ns: int | None, now_ns: int) -> str:
        """Return the time as text of at least ``width`` columns."""
        text = self.show(time_ns, now_ns)
        return text.rjust(self.width) if self._show is _relative else text.ljust(self.width)

    def _rfc3339(self, time_ns: int, _now_ns: int) -> str:
        second, fraction = divmod(time_ns, _SECOND)
        if second != self._second:
            self._turn(second)
        return f"{self._head}{fraction:09}{self._tail}"

    def _short(self, time_ns: int, _now_ns: int) -> str:
        second, fraction = divmod(time_ns, _SECOND)
        if second != self._second:
            self._turn(second)
        return f"{self._head[11:]}{fraction // 1_000_000:03}"

    def _turn(self, second: int) -> None:
        """Make the parts that all times of a second share."""
        try:
            text = format_rfc3339(second * _SECOND, 9, self._zone(second))
        except ConfigError:  # the offset leads into the year 10000, or before 0
            text = format_rfc3339(second * _SECOND, 9)
        self._second = second
        self._head, self._tail = text[:20], text[29:]


def _relative(time_ns: int, now_ns: int) -> str:
    tenths = (time_ns - now_ns) // 100_000_000 if time_ns > now_ns else 0
    sign = "+" if tenths else "-"
    tenths = tenths or max(0, (now_ns - time_ns) // 100_000_000)
    seconds = tenths // 10
    if seconds < 60:
        return f"{sign}{seconds}.{tenths % 10}s"
    if seconds < 3600:
        return f"{sign}{seconds // 60}m{seconds % 60:02}s"
    if seconds < 86_400:
        return f"{sign}{seconds // 3600}h{seconds // 60 % 60:02}m"
    return f"{sign}{seconds // 86_400}d{seconds // 3600 % 24:02}h"

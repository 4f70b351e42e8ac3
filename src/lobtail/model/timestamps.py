"""RFC 3339, as integers of nanoseconds since the Unix epoch.

Integers, because a float of seconds is exact to a quarter of a microsecond only, and the resume
rule compares stamps for equality. Own calendar arithmetic, because engines write the year 0 and
``datetime`` begins with 1 and ends at microseconds.

:func:`parse_rfc3339` reads what an engine wrote and is strict, since it also decides whether a line
begins with a stamp at all; what people type is read by ``query.time_arguments``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from lobtail.errors import ConfigError, ProtocolError

__all__ = [
    "LONGEST_STAMP",
    "Zone",
    "as_zone",
    "civil_date",
    "civil_seconds",
    "format_rfc3339",
    "format_wire_time",
    "in_range",
    "parse_go_time",
    "parse_rfc3339",
    "wall_to_unix",
]

Zone: TypeAlias = Callable[[int], int]
"""From seconds since the epoch to the offset that holds then, in seconds east of UTC."""

# With an offset, as log plugins and Podman write it: 2006-01-02T15:04:05.123456789+07:00
LONGEST_STAMP: Final = 35

_SECOND: Final = 1_000_000_000
_DAY_SECONDS: Final = 86_400

# Days before each month of a common year and of a leap year.
_BEFORE_MONTH: Final = (
    (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365),
    (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366),
)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_before_year(year: int) -> int:
    """Count the days from 0001-01-01 to the first of January; the year 0 is a leap year."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400


_EPOCH_DAYS: Final = _days_before_year(1970)
_FIRST_SECOND: Final = (_days_before_year(0) - _EPOCH_DAYS) * _DAY_SECONDS
_END_SECOND: Final = (_days_before_year(10_000) - _EPOCH_DAYS) * _DAY_SECONDS


def civil_seconds(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> int:
    """Return the seconds since the epoch; ValueError names the field that is out of range."""
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    before = _BEFORE_MONTH[_is_leap(year)]
    if not 1 <= day <= before[month] - before[month - 1]:
        raise ValueError(f"that month has no day {day}")
    for value, limit, unit in ((hour, 24, "hour"), (minute, 60, "minute"), (second, 60, "second")):
        # As in Go, 60 is no second: a leap second has no place in Unix time.
        if value >= limit:
            raise ValueError(f"there is no {unit} {value}")
    days = _days_before_year(year) - _EPOCH_DAYS + before[month - 1] + day - 1
    return days * _DAY_SECONDS + hour * 3600 + minute * 60 + second


# --- RFC 3339, as engines write it -----------------------------------------------------------

_STAMP_SECOND: Final = re.compile(
    rb"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
)
_STAMP_REST: Final = re.compile(rb"(?:\.([0-9]+))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))")


# Consecutive lines mostly share their second. A plain dict: lru_cache costs 35 ns more per line.
_MAX_SECONDS: Final = 4096  # a busy hour; a miss costs two microseconds
_seconds: Final[dict[bytes, int]] = {}


def _second_ns(text: bytes) -> int:
    match = _STAMP_SECOND.fullmatch(text)
    if match is None:
        raise ValueError("not a date and time")
    year, month, day, hour, minute, second = map(int, match.groups())
    ns = civil_seconds(year, month, day, hour, minute, second) * _SECOND
    if len(_seconds) >= _MAX_SECONDS:
        _seconds.clear()
    _seconds[text] = ns
    return ns


def parse_rfc3339(stamp: bytes | str) -> int:
    """Return an RFC 3339 time as nanoseconds since the epoch.

    Years 0000–9999, any number of fraction digits or none, ``Z`` or an offset. Digits after the
    ninth are dropped, not rounded, as Go's ``time.Parse`` does. Unlike Go, which also takes
    ``T5:04``, ``,5`` and ``+24:60``, only what RFC 3339 allows, with ``T`` and ``Z`` in capitals.

    ProtocolError names what is not such a time.
    """
    # The form that dockerd writes, in a second that was seen before. int() alone would take
    # spaces, signs and underscores.
    if isinstance(stamp, bytes) and len(stamp) == 30 and stamp[29] == 0x5A and stamp[19] == 0x2E:
        known = _seconds.get(stamp[:19])
        digits = stamp[20:29]
        if known is not None and digits.isdigit():
            return known + int(digits)
    data = stamp if isinstance(stamp, bytes) else stamp.encode("utf-8", "backslashreplace")
    try:
        rest = _STAMP_REST.fullmatch(data, 19)
        if rest is None:
            raise ValueError("not RFC 3339")
        fraction, sign, hours, minutes = rest.groups()
        second = data[:19]
        ns = _seconds.get(second)
        if ns is None:
            ns = _second_ns(second)
    except ValueError as exc:
        raise ProtocolError(f"not an RFC 3339 time: {_shown(stamp)} ({exc})") from None
    if fraction is not None:
        ns += int(fraction[:9].ljust(9, b"0"))
    if sign is not None:
        offset = (int(hours) * 60 + int(minutes)) * 60 * _SECOND
        ns += offset if sign == b"-" else -offset
    return ns


def civil_date(days: int) -> tuple[int, int, int]:
    """Return year, month and day of a day that is counted from the epoch."""
    days += _EPOCH_DAYS
    # The mean Gregorian year is at most one year off.
    year = days * 400 // 146_097 + 1
    while _days_before_year(year) > days:
        year -= 1
    while _days_before_year(year + 1) <= days:
        year += 1
    day = days - _days_before_year(year)
    before = _BEFORE_MONTH[_is_leap(year)]
    month = bisect_right(before, day)
    return year, month, day - before[month - 1] + 1


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    days, clock = divmod(seconds, _DAY_SECONDS)
    year, month, day = civil_date(days)
    minutes, second = divmod(clock, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def in_range(ns: int) -> int:
    """Return a time that has a year from 0000 to 9999; ValueError for any other."""
    if not _FIRST_SECOND <= ns // _SECOND < _END_SECOND:
        raise ValueError("that is outside the years 0000 to 9999")
    return ns


def as_zone(zone: int | Zone) -> Zone:
    """Return the zone that is always so many seconds east of UTC, or the one that is given."""
    return (lambda _: zone) if isinstance(zone, int) else zone


def wall_to_unix(wall: int, zone: Zone) -> int:
    """Return when a clock in ``zone`` shows ``wall``, seconds as if it were in UTC.

    A time that the clock skips counts from before the change; one that it shows twice is the first.
    """
    # Changes are days apart, so one of these two holds at that time.
    before, after = zone(wall - _DAY_SECONDS), zone(wall + _DAY_SECONDS)
    if zone(wall - before) != before and zone(wall - after) == after:
        return wall - after
    return wall - before


def format_rfc3339(ns: int, digits: int = 9, offset: int = 0) -> str:
    """Return nanoseconds since the epoch as RFC 3339 with ``digits`` (0–9) fraction digits.

    ``offset`` is in seconds east, less than a day; 0 gives ``Z``. RFC 3339 has whole minutes
    there, so the seconds that some zones had before 1972 are dropped from the offset *and* the
    clock: the text still names the same instant. Digits left out are cut, so it never names a
    later one. ConfigError for what RFC 3339 can't say: years outside 0000–9999.
    """
    if not 0 <= digits <= 9:
        raise ConfigError(f"fraction digits must be 0 to 9, not {digits}")
    if not -_DAY_SECONDS < offset < _DAY_SECONDS:
        raise ConfigError(f"a zone offset is less than a day, not {offset} s")
    seconds, fraction = divmod(ns, _SECOND)
    zone = "Z"
    minutes = abs(offset) // 60
    if minutes:
        zone = f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
        seconds += -minutes * 60 if offset < 0 else minutes * 60
    if not _FIRST_SECOND <= seconds < _END_SECOND:
        raise ConfigError(f"{ns} ns is outside the years 0000 to 9999 of RFC 3339")
    text = _second_text(seconds)
    return f"{text}.{f'{fraction:09}'[:digits]}{zone}" if digits else text + zone


def format_wire_time(ns: int) -> str:
    """Return what the engine API takes for ``since`` and ``until``: seconds, nine digits."""
    seconds, fraction = divmod(ns, _SECOND)
    return f"{seconds}.{fraction:09}"


def parse_go_time(text: str) -> int | None:
    """Return a time of an engine's answer in nanoseconds; None for Go's zero time, year 1."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return parse_rfc3339(text)
    except ProtocolError:
        return None


def _shown(value: bytes | str) -> str:
    """Quote what was given on one line, short, with nothing in it that acts on a terminal."""
    return repr(value) if len(value) <= 60 else f"{value[:57]!r}…"

"""Read times and durations as the docker CLI takes them: ``10m``, ``2026-11-30T04:10``.

They mean the same here: moby's ``api/types/time/timestamp.go`` on Go's ``time.Parse`` and
``time.ParseDuration``. What docker refuses may still be a time as people write it
(``query.moments``).
"""

from __future__ import annotations

import re
from typing import Final

from lobtail.errors import ConfigError
from lobtail.model.timestamps import Zone, as_zone, civil_seconds, wall_to_unix

__all__ = ["parse_duration", "parse_time_argument"]

_SECOND: Final = 1_000_000_000
_INT64_MAX: Final = (1 << 63) - 1

# moby picks one of eight layouts by counting "T", ":", "-" and looking for ".", "Z" and "+". A
# value fits the layout picked for it exactly when it has this shape, with Go's leniencies: an hour
# of one digit, a comma for the point, and a fraction wherever seconds stand.
_TIME: Final = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?)?)?"
    r"(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?"
)
_UNIX: Final = r"\+?([0-9]+)(?:\.(\+?([0-9]+)))?"
_DURATION: Final = r"([+-]?)((?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)[^0-9.]++)++)"
_DURATION_PART: Final = r"([0-9]*)\.?([0-9]*)([^0-9.]+)"
_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek letter mu
    "ms": 1_000_000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}


def parse_time_argument(
    value: str, *, now_ns: int, local_offset: int | Zone, option: str = "since"
) -> int:
    """Return what ``--since VALUE`` or ``--until VALUE`` means, in nanoseconds since the epoch.

    What docker's CLI takes:

    - A Go duration (``10m``, ``1h30m``, ``-10m``) counts back from ``now_ns``, and the *result*
      is cut to the whole second.
    - A time is RFC 3339, or its date alone, or a date and ``T15`` or ``T15:04``. Without a zone,
      it is at ``local_offset``: seconds east of UTC, or what gives them for a time. (docker takes
      today's offset also for a date in summer, and is an hour off there.)
    - Seconds since the epoch, with or without a fraction.

    Besides, what ``query.moments`` reads: ``1d12h``, ``2026-11-30 04:10``, ``yesterday``. With
    ``option`` ``until`` a time of day is today's, with any other the last that has come.

    ConfigError otherwise. An empty value means "not given" to docker, so leave it out. ``0`` is
    the epoch; note that engines read the bare ``0`` of ``--until 0`` as no limit, but not
    ``0.000000000``. The one known difference: ``-9223372036854775808ns``, which overflows in docker
    into the past, is refused.
    """
    fault = ""
    try:
        # "0" is the one duration that docker takes for a time.
        duration = None if value == "0" else parse_duration(value)
        if duration is not None:
            return (now_ns - duration) // _SECOND * _SECOND
        ns = _go_time(value, local_offset)
        if ns is None and "-" not in value:
            ns = _unix_time(value)
        if ns is None:
            # Loaded for those who give a time of that kind.
            from lobtail.query.moments import parse_moment

            until = option == "until"
            ns = parse_moment(value, now_ns=now_ns, zone=local_offset, end_of_range=until)
        if ns is not None:
            return ns
    except ValueError as exc:
        fault = f": {exc}"
    raise ConfigError(
        f"invalid value for `{option}`: {_shown(value)} is not a time{fault}; use for example "
        "10m, 1d12h, yesterday, '2026-11-30 04:10', 2026-11-30T04:10:05Z or 1500000000.5"
    )


def _go_time(value: str, local_offset: int | Zone) -> int | None:
    match = re.fullmatch(_TIME, value)
    if match is None:
        return None
    *civil, fraction, utc, sign, hours, minutes = match.groups()
    wall = civil_seconds(*(int(field or 0) for field in civil))
    if sign:
        # Go takes offsets up to 24:60, "as some people do write" them.
        if int(hours) > 24 or int(minutes) > 60:
            raise ValueError(f"there is no zone {sign}{hours}:{minutes}")
        local_offset = (int(hours) * 60 + int(minutes)) * (-60 if sign == "-" else 60)
    elif utc:
        local_offset = 0
    seconds = wall_to_unix(wall, as_zone(local_offset))
    return seconds * _SECOND + int((fraction or "")[:9].ljust(9, "0"))


def _unix_time(value: str) -> int | None:
    match = re.fullmatch(_UNIX, value)
    if match is None:
        return None
    seconds = _bounded(match[1], _INT64_MAX)
    if match[2] is None:
        return seconds * _SECOND
    # The engine scales the fraction by its length, a sign included, in float64: 10^-400 is 0.
    fraction = _bounded(match[3], _INT64_MAX)
    return seconds * _SECOND + int(fraction * 10.0 ** max(9 - len(match[2]), -400))


def parse_duration(value: str) -> int | None:
    """Return the nanoseconds of what Go's ``time.ParseDuration`` accepts, else None."""
    if value in ("0", "+0", "-0"):
        return 0
    match = re.fullmatch(_DURATION, value)
    if match is None:
        return None
    total = 0
    for whole, fraction, unit in re.findall(_DURATION_PART, match[2]):
        scale = _UNITS.get(unit)
        if scale is None:
            return None
        total += _bounded(whole or "0", _INT64_MAX + 1) * scale + _go_fraction(fraction, scale)
        if total > _INT64_MAX:
            raise ValueError("more than 292 years")
    return -total if match[1] == "-" else total


def _go_fraction(digits: str, scale: int) -> int:
    """Return the fraction of a unit, rounded as Go does: in float64, from what fits an int64."""
    kept, divisor = 0, 1.0
    for digit in digits:
        if kept > _INT64_MAX // 10 or kept * 10 + int(digit) > _INT64_MAX + 1:
            break
        kept = kept * 10 + int(digit)
        divisor *= 10.0
    return int(float(kept) * (float(scale) / divisor))


def _bounded(digits: str, limit: int) -> int:
    """Return the digits' value; ValueError above the limit. int() itself has one at 4300 digits."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > 19 or int(digits) > limit:
        raise ValueError("the number is too large")
    return int(digits)


def _shown(value: str) -> str:
    """Quote what was given on one line, short, with nothing in it that acts on a terminal."""
    return repr(value) if len(value) <= 60 else f"{value[:57]!r}…"

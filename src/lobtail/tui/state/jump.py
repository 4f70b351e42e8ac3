"""Read where somebody wants to jump to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lobtail.core.timestamps import format_rfc3339, parse_duration, parse_time_argument
from lobtail.errors import ConfigError
from lobtail.render.stamps import Stamper, Zone

__all__ = ["jump_words", "parse_jump"]

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(\.[0-9]{1,9})?)?")
_HELP: Final = "a time: @12:30, 12:30:05.2, -10m, +30s, or 2026-01-02T15:04:05"


def jump_words(text: str, time_ns: int, *, now_ns: int, zone: Zone) -> str:
    """Say which time ``text`` was taken for."""
    moment = Stamper("rfc3339", zone).show(time_ns, 0)[:19].replace("T", " ")
    if time_ns > now_ns:
        return f"{moment} is in the future"
    day, today = ((ns // _SECOND + zone(now_ns // _SECOND)) // _DAY for ns in (time_ns, now_ns))
    clock = _CLOCK.fullmatch(text.strip().removeprefix("@").strip())
    return f"yesterday, {moment}" if clock and day < today else moment


def parse_jump(text: str, *, now_ns: int, here_ns: int, zone: Callable[[int], int]) -> int:
    """Return the time that ``text`` means.

    ``@12:30`` is the last time that it was half past twelve, ``-10m`` ten minutes before
    ``here_ns``, ``+10m`` after it; all else is as for ``--since``. ``zone`` gives the offset of the
    times that are shown, in seconds east of UTC.

    Raises:
        ConfigError: it is no time.
    """
    text = text.strip().removeprefix("@").strip()
    if match := _CLOCK.fullmatch(text):
        offset = zone(now_ns // _SECOND)
        today = (now_ns // _SECOND + offset) // _DAY * _DAY - offset
        clock = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
        fraction = int((match[4] or ".")[1:].ljust(9, "0"))
        time_ns = (today + clock) * _SECOND + fraction
        return time_ns if time_ns <= now_ns else time_ns - _DAY * _SECOND
    if text[:1] in ("-", "+"):
        try:
            span = parse_duration(text[1:])
        except ValueError:
            span = None
        if span is None:
            raise ConfigError(f"{text!r} is no duration: -10m, +1h30m")
        return here_ns - span if text[0] == "-" else here_ns + span
    try:
        offset = zone(now_ns // _SECOND)
        time_ns = parse_time_argument(text, now_ns=now_ns, local_offset=offset)
        format_rfc3339(time_ns)
    except ConfigError as exc:
        raise ConfigError(f"{text!r} is no time; give {_HELP}") from exc
    return time_ns

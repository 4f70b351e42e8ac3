"""Read where somebody wants to jump to."""

from __future__ import annotations

import re
from typing import Final

from lobtail.errors import ConfigError
from lobtail.model.timestamps import Zone, format_rfc3339
from lobtail.query.moments import parse_moment
from lobtail.query.time_arguments import parse_duration, parse_time_argument
from lobtail.render.stamps import Stamper

__all__ = ["jump_words", "parse_jump"]

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400
_CLOCK: Final = re.compile(
    r"([01]?[0-9]|2[0-3])(?::([0-5][0-9])(?::([0-5][0-9])(\.[0-9]{1,9})?)?)?"
)
_NUMBER: Final = re.compile(r"[0-9.]+")
_HELP: Final = "use 12:30, -10m, +1h, yesterday 04:10 or 2026-11-30 04:12"


def jump_words(text: str, time_ns: int, *, now_ns: int, zone: Zone) -> str:
    """Say which time ``text`` was taken for."""
    moment = Stamper("rfc3339", zone).show(time_ns, 0)[:19].replace("T", " ")
    if time_ns > now_ns:
        return f"{moment} is in the future"
    day, today = ((ns // _SECOND + zone(now_ns // _SECOND)) // _DAY for ns in (time_ns, now_ns))
    clock = _CLOCK.fullmatch(text.strip().removeprefix("@").strip())
    return f"yesterday, {moment}" if clock and day < today else moment


def parse_jump(text: str, *, now_ns: int, here_ns: int, zone: Zone) -> int:
    """Return the time that ``text`` means.

    ``@12:30``, or ``@12`` for 12:00, is the last time that the clock has shown that; ``-10m`` is
    ten minutes before ``here_ns``, ``+10m`` after it; all else is as for ``--since``. ``zone`` is
    that of the times that are shown.

    Raises:
        ConfigError: it is not a time.
    """
    text = text.strip().removeprefix("@").strip()
    try:
        if text[:1] in ("-", "+"):
            time_ns = _from_here(text, here_ns, zone)
        elif _NUMBER.fullmatch(text):
            # --since has docker's Unix seconds; nobody jumps to the first minutes of 1970.
            time_ns = _known(parse_moment(text, now_ns=now_ns, zone=zone))
        else:
            time_ns = parse_time_argument(text, now_ns=now_ns, local_offset=zone)
        format_rfc3339(time_ns)
    except (ConfigError, ValueError) as exc:
        raise ConfigError(f"not a time: {text!r}; {_HELP}") from exc
    return time_ns


def _from_here(text: str, here_ns: int, zone: Zone) -> int:
    """Return the time that is a span after ``here_ns`` (``+1d``) or before it."""
    span = parse_duration(text[1:])
    if span is not None:
        return here_ns - span if text[0] == "-" else here_ns + span
    words = f"{text[1:]} ago" if text[0] == "-" else f"in {text[1:]}"
    return _known(parse_moment(words, now_ns=here_ns, zone=zone))


def _known(time_ns: int | None) -> int:
    if time_ns is None:
        raise ValueError
    return time_ns

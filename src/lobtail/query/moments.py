"""Read a time as people write it: ``yesterday``, ``10 minutes ago``, ``2026-11-30 04:10 +0200``.

This is what remains once docker's own forms are tried (``model.timestamps.parse_time_argument``),
and what the terminal client's ``@`` takes. Capitals and the number of blanks do not matter.

A span (``1d12h``, ``2 weeks``, ``an hour ago``) counts back from now, or ahead with ``in …``. Days
have 24 hours and weeks seven days; months and years are those of the calendar. A day without a
time begins at midnight. A time of day without a date is the last one that has come, or today's
where it is the end of a range. Wall-clock times follow the rules that the zone has on that day: a
time that the clocks skip counts from before the change, and one that comes twice is the first.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from lobtail.model.timestamps import (
    Zone,
    as_zone,
    civil_date,
    civil_seconds,
    in_range,
    wall_to_unix,
)

__all__ = ["parse_moment"]

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400

# More than anybody types, and little enough for any pattern below.
_LONGEST: Final = 80
# No span within the calendar's ten thousand years needs more digits, also in nanoseconds.
_MOST_DIGITS: Final = 21

_UNITS: Final = {
    name: scale
    for names, scale in {
        "ns nanosecond": 1,
        "us µs μs microsecond": 1_000,
        "ms msec millisecond": 1_000_000,
        "s sec second": _SECOND,
        "m min minute": 60 * _SECOND,
        "h hr hour": 3600 * _SECOND,
        "d day": _DAY * _SECOND,
        "w wk week": 7 * _DAY * _SECOND,
    }.items()
    for word in names.split()
    for name in (word, f"{word}s")
}
_MONTHS_IN: Final = {"mo": 1, "month": 1, "y": 12, "yr": 12, "year": 12}
_MONTHS_IN.update({f"{name}s": months for name, months in tuple(_MONTHS_IN.items())})

_COUNT: Final = r"(?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)\s?|an? |one |half an? )"
_PART: Final = rf"({_COUNT})([a-zµμ]++)"
_SPAN: Final = re.compile(
    rf"(?:(?P<ahead>in)\s|(?:the\s)?(?:last|past)\s)?(?P<sign>[+-]?)"
    rf"(?P<span>{_COUNT}[a-zµμ]++(?:(?:\s?,?\s?and\s|\s?,\s?|\s)?{_COUNT}[a-zµμ]++)*+)"
    r"(?:\s(?P<after>ago|back|from\snow))?"
)
_BARE_UNIT: Final = re.compile(r"(?:last|past)\s([a-z]++)")
_SPAN_PART: Final = re.compile(_PART)
_HALF: Final = "half "
# systemd's month, and a slip for a minute: whichever was meant, the other would be wrong.
_CAPITAL_M: Final = re.compile(r"[0-9]\s?M(?![A-Za-z])")

_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH: Final = rf"(?:{_MONTHS})[a-z]*+"
_WEEKDAY: Final = rf"(?:{'|'.join(_WEEKDAYS)})(?:day|sday|nesday|rsday|urday|s|rs|r)?+"
_DATE: Final = (
    r"(?P<near>today|yesterday|tomorrow)"
    rf"|(?P<last>last\s)?(?P<weekday>{_WEEKDAY})"
    r"|(?P<year>[0-9]{4})(?P<dash>[-/])(?P<month>[0-9]{1,2})(?P=dash)(?P<day>[0-9]{1,2})"
    rf"|(?:{_WEEKDAY},?\s)?(?:"
    rf"(?P<day2>[0-9]{{1,2}})(?P<bar>[\s/-])(?P<month2>{_MONTH})(?:(?P=bar)(?P<year2>[0-9]{{4}}))?"
    rf"|(?P<month3>{_MONTH})\s(?P<day3>[0-9]{{1,2}})(?:,?\s(?P<year3>[0-9]{{4}}))?)"
)
_CLOCK: Final = (
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,30}))?)?)?(?:\s?(?P<half>[ap])\.?m\.?)?|(?P<named>noon|midnight)"
)
_ZONE: Final = (
    r"(?:\s?(?P<utc>z|utc|gmt)"
    r"|\s?(?P<east>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?"
    r"(?:\s[a-z]{3,5})?)"  # as Go writes it: +0200 CEST
)
_MOMENT: Final = re.compile(
    rf"(?:{_DATE})(?:(?:\sat\s|,?\s|t|:)(?:{_CLOCK}){_ZONE}?|\s?(?P<only_utc>z|utc|gmt))?"
)
_CLOCK_FIRST: Final = re.compile(rf"(?:at\s)?(?:{_CLOCK}){_ZONE}?(?:(?:\son|,)?\s(?:{_DATE}))?")
# As date(1) and ctime(3) write it: Mon Nov 30 04:10:05 UTC 2026
_YEAR_LAST: Final = re.compile(
    rf"((?:{_WEEKDAY}\s)?{_MONTH}\s[0-9]{{1,2}})\s([0-9:]{{7,8}}(?:\s[ap]m)?(?:\s(?:utc|gmt))?)\s"
    r"([0-9]{4})"
)
_UNIX: Final = re.compile(r"@?([0-9]{9,19})(?:\.([0-9]{1,9}))?|@([0-9]{1,19})")

_Fields: TypeAlias = dict[str, str | None]


def parse_moment(
    text: str, *, now_ns: int, zone: int | Zone, end_of_range: bool = False
) -> int | None:
    """Return what ``text`` means in nanoseconds since the epoch; None if it is no time.

    ``zone`` is that of the wall clock: seconds east of UTC, or what gives them for a Unix second.
    A number alone of at most 23 is an hour (``12`` is 12:00), one of nine digits and more counts
    seconds since the epoch.

    Raises:
        ValueError: it has the form of a time, but names none, such as the 31st of June.
    """
    words = " ".join(text.lower().split()) if len(text) <= _LONGEST else ""
    if not words or _CAPITAL_M.search(text):
        return None
    if words == "now":
        return now_ns
    zone = as_zone(zone)
    span = _span(words, now_ns, zone)
    if span is not None:
        return span
    if match := _UNIX.fullmatch(words):
        seconds = int(match[1] or match[3])
        return in_range(seconds * _SECOND + int((match[2] or "").ljust(9, "0")))
    words = _YEAR_LAST.sub(r"\1 \3 \2", words)
    match = _MOMENT.fullmatch(words) or _CLOCK_FIRST.fullmatch(words)
    if match is None:
        return None
    return _civil(match.groupdict(), now_ns, zone, end_of_range=end_of_range)


# --- so long ago ------------------------------------------------------------------------------


def _span(words: str, now_ns: int, zone: Zone) -> int | None:
    """Return now less a span, to the whole second, as docker counts."""
    if match := _BARE_UNIT.fullmatch(words):  # last hour
        words = f"1 {match[1]}"
    match = _SPAN.fullmatch(words)
    if match is None:
        return None
    ahead = match["ahead"] is not None or match["after"] == "from now"
    if match["sign"] and (match["ahead"] or match["after"]):
        return None
    if match["ahead"] and match["after"]:
        return None
    total, months = 0, 0
    for count, unit in _SPAN_PART.findall(match["span"]):
        if unit in _UNITS:
            total += _counted(count.strip(), _UNITS[unit])
        elif unit in _MONTHS_IN:
            twelfths = _counted(count.strip(), _MONTHS_IN[unit] * 2)
            if twelfths % 2:
                raise ValueError("there is no half of a month")
            months += twelfths // 2
        else:
            return None
    if ahead or match["sign"] == "-":
        total, months = -total, -months
    if months:
        now_ns = _months_before(now_ns, months, zone)
    return in_range((now_ns - total) // _SECOND * _SECOND)


def _counted(count: str, scale: int) -> int:
    if count.startswith(_HALF):
        return scale // 2
    if count in ("a", "an", "one"):
        return scale
    whole, _, fraction = count.partition(".")
    whole, fraction = whole.lstrip("0"), fraction[:_MOST_DIGITS]
    if len(whole) > _MOST_DIGITS:
        raise ValueError("that is more than ten thousand years")
    parts: int = 10 ** len(fraction)
    return int(whole or "0") * scale + int(fraction or "0") * scale // parts


def _months_before(now_ns: int, months: int, zone: Zone) -> int:
    """Return the same day and time of another month; its last day where it has no such day."""
    seconds, rest = divmod(now_ns, _SECOND)
    days, clock = divmod(seconds + zone(seconds), _DAY)
    year, month, day = civil_date(days)
    year, month = divmod(year * 12 + month - 1 - months, 12)
    if not 0 <= year <= 9999:
        raise ValueError("that is more than ten thousand years")
    while True:
        try:
            wall = civil_seconds(year, month + 1, day) + clock
        except ValueError:
            day -= 1
        else:
            return wall_to_unix(wall, zone) * _SECOND + rest


# --- dates and times of day -------------------------------------------------------------------


def _civil(fields: _Fields, now_ns: int, zone: Zone, *, end_of_range: bool) -> int | None:
    clock = _clock(fields)
    dated = any(fields[name] for name in ("near", "weekday", "month", "month2", "month3"))
    if clock is None and not dated:
        return None
    offset = _offset(fields)
    if offset is not None:
        zone = as_zone(offset)
    now = now_ns // _SECOND
    today = (now + zone(now)) // _DAY
    seconds, fraction = clock or (0, 0)

    def at(day: int) -> int:
        return in_range(wall_to_unix(day * _DAY + seconds, zone) * _SECOND + fraction)

    if not dated:
        time_ns = at(today)
        return at(today - 1) if time_ns > now_ns and not end_of_range else time_ns
    return at(_day(fields, today))


def _clock(fields: _Fields) -> tuple[int, int] | None:
    """Return the second of the day, and nanoseconds; None if no clock time was given."""
    if fields["named"]:
        return (_DAY // 2 if fields["named"] == "noon" else 0), 0
    if fields["hour"] is None:
        return None
    hour, half = int(fields["hour"]), fields["half"]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no hour {hour} {half}m")
        hour = hour % 12 + (12 if half == "p" else 0)
    second = civil_seconds(1970, 1, 1, hour, int(fields["minute"] or 0), int(fields["second"] or 0))
    return second, int((fields["fraction"] or "")[:9].ljust(9, "0"))


def _offset(fields: _Fields) -> int | None:
    """Return the seconds east of UTC that were given; None for the zone of the wall clock."""
    if fields["utc"] or fields.get("only_utc"):
        return 0
    if not fields["east"]:
        return None
    hours, minutes = int(fields["hours"] or 0), int(fields["minutes"] or 0)
    if hours > 24 or minutes > 59:
        raise ValueError(f"there is no zone {fields['east']}{hours:02}:{minutes:02}")
    return (hours * 60 + minutes) * (-60 if fields["east"] == "-" else 60)


def _day(fields: _Fields, today: int) -> int:
    """Return which day was given, counted from the epoch."""
    if near := fields["near"]:
        return today + ("yesterday", "today", "tomorrow").index(near) - 1
    if weekday := fields["weekday"]:
        # The epoch was a Thursday.
        back = (today + 3 - _WEEKDAYS.index(weekday[:3])) % 7
        return today - (back or (7 if fields["last"] else 0))
    month = _month(fields)
    day = int(fields["day"] or fields["day2"] or fields["day3"] or 0)
    year = fields["year"] or fields["year2"] or fields["year3"]
    if year is not None:
        return civil_seconds(int(year), month, day) // _DAY
    # As in syslog: the last such day, which for the 29th of February may be years ago.
    this_year = civil_date(today)[0]
    fault: ValueError | None = None
    for candidate in range(this_year, this_year - 9, -1):
        try:
            found = civil_seconds(candidate, month, day) // _DAY
        except ValueError as exc:
            fault = exc
        else:
            if found <= today:
                return found
    assert fault is not None
    raise fault


def _month(fields: _Fields) -> int:
    if fields["month"]:
        return int(fields["month"])
    name = fields["month2"] or fields["month3"] or ""
    return _MONTHS.index(name[:3]) // 4 + 1

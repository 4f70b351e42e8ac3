"""Times as people write them, by a clock and a zone that the test sets."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.query.moments import parse_moment
from lobtail.query.time_arguments import parse_time_argument

SECOND = 1_000_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def zone(seconds: int) -> int:
    try:
        delta = datetime.fromtimestamp(seconds, BERLIN).utcoffset()
    except (OverflowError, OSError, ValueError):
        return 0
    return int(delta.total_seconds()) if delta else 0


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


# A Monday, in winter.
NOW = at("2026-11-30T07:30:15+01:00") + 500_000_000

# What --since, --until, time> and the client's @ take alike.
MOMENTS = {
    "1d": "2026-11-29T07:30:15+01:00",
    "2w": "2026-11-16T07:30:15+01:00",
    "1d12h": "2026-11-28T19:30:15+01:00",
    "1d 12h": "2026-11-28T19:30:15+01:00",
    "1.5d": "2026-11-28T19:30:15+01:00",
    "1h 30m": "2026-11-30T06:00:15+01:00",
    "10 minutes ago": "2026-11-30T07:20:15+01:00",
    "10m ago": "2026-11-30T07:20:15+01:00",
    "1 hour and 30 minutes ago": "2026-11-30T06:00:15+01:00",
    "an hour ago": "2026-11-30T06:30:15+01:00",
    "half an hour ago": "2026-11-30T07:00:15+01:00",
    "last hour": "2026-11-30T06:30:15+01:00",
    "Last 2 Weeks": "2026-11-16T07:30:15+01:00",
    "in 5 minutes": "2026-11-30T07:35:15+01:00",
    "5 min from now": "2026-11-30T07:35:15+01:00",
    "-1d": "2026-12-01T07:30:15+01:00",  # as docker's -24h
    "1 month ago": "2026-10-30T07:30:15+01:00",
    "9 months": "2026-02-28T07:30:15+01:00",
    "6 months ago": "2026-05-30T07:30:15+02:00",  # the same time of day, in summer
    "1y": "2025-11-30T07:30:15+01:00",
    "yesterday": "2026-11-29T00:00:00+01:00",
    "today": "2026-11-30T00:00:00+01:00",
    "tomorrow": "2026-12-01T00:00:00+01:00",
    "yesterday 04:10": "2026-11-29T04:10:00+01:00",
    "04:10 yesterday": "2026-11-29T04:10:00+01:00",
    "yesterday at 4:10 pm": "2026-11-29T16:10:00+01:00",
    "monday": "2026-11-30T00:00:00+01:00",
    "last monday": "2026-11-23T00:00:00+01:00",
    "Sunday 09:00": "2026-11-29T09:00:00+01:00",
    "04:10": "2026-11-30T04:10:00+01:00",
    "4:10:05": "2026-11-30T04:10:05+01:00",
    "7am": "2026-11-30T07:00:00+01:00",
    "midnight": "2026-11-30T00:00:00+01:00",
    "04:10 +0200": "2026-11-30T04:10:00+02:00",
    "2026-11-30 04:10": "2026-11-30T04:10:00+01:00",
    " 2026-11-30   04:10:05 ": "2026-11-30T04:10:05+01:00",
    "2026-11-30 04:10 UTC": "2026-11-30T04:10:00+00:00",
    "2024-03-31 09:00": "2024-03-31T09:00:00+02:00",
    "2024-03-31T10:00:00+0200": "2024-03-31T10:00:00+02:00",
    "2024-03-31t10:00:00z": "2024-03-31T10:00:00+00:00",
    "2026/11/30 04:10": "2026-11-30T04:10:00+01:00",
    "2026-1-2": "2026-01-02T00:00:00+01:00",
    "Nov 30 04:10:05": "2026-11-30T04:10:05+01:00",
    "Dec 31 23:00": "2025-12-31T23:00:00+01:00",
    "feb 29": "2024-02-29T00:00:00+01:00",
    "30/Nov/2026:04:10:05 +0200": "2026-11-30T04:10:05+02:00",
    "Mon, 30 Nov 2026 04:10:05 GMT": "2026-11-30T04:10:05+00:00",
    "Mon Nov 30 04:10:05 UTC 2026": "2026-11-30T04:10:05+00:00",
    "Mon Nov  9 04:10:05 2026": "2026-11-09T04:10:05+01:00",
    "2026-11-30 04:10:05.0 +0000 UTC": "2026-11-30T04:10:05+00:00",
    "2026-11-30 04:10:05 +0200 CEST": "2026-11-30T04:10:05+02:00",
    "@1764475800": "2025-11-30T05:10:00+01:00",
    " 1764475800 ": "2025-11-30T05:10:00+01:00",
}


@pytest.mark.parametrize(("text", "right"), MOMENTS.items())
def test_case_since_forms(text: str, right: str) -> None:
    assert parse_time_argument(text, now_ns=NOW, local_offset=zone) == at(right)
    assert parse_moment(text, now_ns=NOW, zone=zone) == at(right)


@pytest.mark.parametrize(
    ("text", "right"),
    {
        # docker's own form, but not its hour: the offset is that of the day.
        "2026-07-01T12:00": "2026-07-01T12:00:00+02:00",
        "2026-07-01 12:00": "2026-07-01T12:00:00+02:00",
        "2026-07-01": "2026-07-01T00:00:00+02:00",
        "2026-03-29 02:30": "2026-03-29T03:30:00+02:00",  # there was no such time
        "2026-10-25 02:30": "2026-10-25T02:30:00+02:00",  # the first of two
        "2026-10-25 03:00": "2026-10-25T03:00:00+01:00",
    }.items(),
)
def test_wall_clock_times_follow_summer_time(text: str, right: str) -> None:
    assert parse_time_argument(text, now_ns=NOW, local_offset=zone) == at(right)


def test_a_time_of_day_to_come_was_yesterday_but_ends_a_range_today() -> None:
    for option, day in (("since", 29), ("until", 30)):
        given_as = parse_time_argument("23:50", now_ns=NOW, local_offset=zone, option=option)
        assert given_as == at(f"2026-11-{day}T23:50:00+01:00")


def test_now_is_this_very_moment() -> None:
    assert parse_time_argument("now", now_ns=NOW, local_offset=zone) == NOW


def test_a_number_alone_is_docker_s_unix_second_but_an_hour_where_one_jumps() -> None:
    assert parse_time_argument("12", now_ns=NOW, local_offset=zone) == 12 * SECOND
    assert parse_moment("12", now_ns=NOW, zone=zone) == at("2026-11-29T12:00:00+01:00")
    assert parse_moment("7", now_ns=NOW, zone=zone) == at("2026-11-30T07:00:00+01:00")
    assert parse_moment("2026", now_ns=NOW, zone=zone) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ago", "in 5m ago", "10 parsecs", "1d12", "1d-2h", "10M", "last", "at", "004"),
        *("2026-11-30 04:10 CET", "30.11.2026", "11/30/2026", "2026-11", "x" * 9999, "1d" * 999),
    ],
)
def test_what_is_no_moment(text: str) -> None:
    assert parse_moment(text, now_ns=NOW, zone=zone) is None


@pytest.mark.parametrize(
    "text",
    [
        *("1" + "0" * 30 + "w", "99999999w", "9999y", "24", "25:00", "12:60", "13pm"),
        *("2026-02-30 10:00", "9999-12-31 23:59 -0200", "0000-01-01 00:00 +0200"),
        "@9999999999999999999",
    ],
)
def test_what_has_the_form_but_names_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"there is no|that is|that month"):
        parse_moment(text, now_ns=NOW, zone=zone)


PIECES = [
    *(
        "1",
        "10",
        "9999",
        "d",
        "w",
        "month",
        " ",
        "ago",
        "last",
        "in",
        "an",
        "half",
        "-",
        "+",
        "mon",
    ),
    *("yesterday", "nov", "2026-11-30", "04:10", "pm", "Z", "+0200", "T", ".", ","),
]


@given(
    st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.sampled_from([0, NOW, 253_402_300_799 * SECOND, -62_167_219_200 * SECOND]),
)
def test_only_our_errors_escape(text: str, now_ns: int) -> None:
    with suppress(ValueError):
        parse_moment(text, now_ns=now_ns, zone=zone)
    with suppress(ConfigError):
        parse_time_argument(text, now_ns=now_ns, local_offset=zone)

"""The time of a line, in three styles and in any zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.model.timestamps import parse_rfc3339
from lobtail.render.stamps import STAMP_STYLES, UNKNOWN, Stamper, StampStyle, find_zone, local, utc

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NOW = 1_714_564_800 * SECOND


def ns(text: str) -> int:
    value = parse_rfc3339(text.encode())
    assert value is not None
    return value


def show(text: str, style: StampStyle = "rfc3339", zone: str = "UTC") -> str:
    return Stamper(style, find_zone(zone)).show(ns(text), NOW)


@contextmanager
def system_zone(rule: str) -> Iterator[None]:
    """Let the system's zone be what a POSIX rule says."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", rule)
            time.tzset()
            yield
    finally:
        time.tzset()


@pytest.mark.parametrize(
    ("text", "full", "short"),
    [
        ("2024-05-01T12:34:56.123456789Z", "2024-05-01T12:34:56.123456789Z", "12:34:56.123"),
        ("2024-05-01T12:34:56Z", "2024-05-01T12:34:56.000000000Z", "12:34:56.000"),
        ("2024-05-01T12:34:56.9999Z", "2024-05-01T12:34:56.999900000Z", "12:34:56.999"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000000Z", "23:59:59.500"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000000Z", "00:00:00.000"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", "23:59:59.999"),
    ],
)
def test_in_full_and_short(text: str, full: str, short: str) -> None:
    assert show(text) == full
    assert show(text, "short") == short


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (0, "-0.0s"),
        (99_999_999, "-0.0s"),
        (100_000_000, "-0.1s"),
        (1_500_000_000, "-1.5s"),
        (59_999_999_999, "-59.9s"),
        (MINUTE, "-1m00s"),
        (HOUR - 1, "-59m59s"),
        (HOUR, "-1h00m"),
        (DAY - 1, "-23h59m"),
        (DAY, "-1d00h"),
        (100 * DAY - 1, "-99d23h"),
        (400 * DAY, "-400d00h"),
        # The engine's clock may be ahead of ours.
        (-99_999_999, "-0.0s"),
        (-1_500_000_000, "+1.5s"),
        (-HOUR, "+1h00m"),
    ],
)
def test_how_long_ago(ago: int, text: str) -> None:
    assert Stamper("relative").show(NOW - ago, NOW) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        *[(name, "2024-05-01T22:30:00.000000000Z") for name in ("UTC", "utc", "Z", "+00:00")],
        ("+02:00", "2024-05-02T00:30:00.000000000+02:00"),
        ("+0200", "2024-05-02T00:30:00.000000000+02:00"),
        ("-09:30", "2024-05-01T13:00:00.000000000-09:30"),
        ("+23:59", "2024-05-02T22:29:00.000000000+23:59"),
        ("Europe/Berlin", "2024-05-02T00:30:00.000000000+02:00"),
        ("Asia/Kathmandu", "2024-05-02T04:15:00.000000000+05:45"),
    ],
)
def test_a_zone_by_offset_or_by_name(zone: str, text: str) -> None:
    assert show("2024-05-01T22:30:00Z", zone=zone) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-03-31T00:59:59Z", "2024-03-31T01:59:59.000000000+01:00"),
        ("2024-03-31T01:00:00Z", "2024-03-31T03:00:00.000000000+02:00"),
        ("2024-10-27T00:59:59Z", "2024-10-27T02:59:59.000000000+02:00"),
        ("2024-10-27T01:00:00Z", "2024-10-27T02:00:00.000000000+01:00"),
    ],
)
def test_daylight_saving_switches_between_two_lines(text: str, shown: str) -> None:
    stamper = Stamper("rfc3339", find_zone("Europe/Berlin"))
    for before in ("2024-03-31T00:59:59Z", "2024-10-27T00:59:59Z", "2024-01-01T00:00:00Z"):
        stamper.show(ns(before), NOW)
        assert stamper.show(ns(text), NOW) == shown


@pytest.mark.parametrize("name", ["UTC", "utc", "Z", "+00:00", "-0000", "Etc/UTC", "Zulu", "local"])
def test_times_of_utc_by_any_name_need_no_room_for_an_offset(name: str) -> None:
    with system_zone("XYZ0"):
        zone = find_zone(name)
    assert zone is utc
    assert Stamper("rfc3339", zone).width == len("2026-09-21T14:13:20.000000000Z")


def test_a_zone_that_is_that_of_utc_in_winter_is_another() -> None:
    assert find_zone("Europe/London") is not utc
    with system_zone("GMT0BST,M3.5.0/1,M10.5.0"):
        assert find_zone("local") is local


@pytest.mark.parametrize("name", ["local", "Local"])
def test_the_zone_of_the_system(name: str) -> None:
    with system_zone("HST10"):
        assert show("2024-05-01T02:00:00Z", zone=name) == "2024-04-30T16:00:00.000000000-10:00"
        assert show("2024-05-01T02:00:00Z", "short", name) == "16:00:00.000"


def test_the_zone_of_the_system_is_asked_again_for_each_second() -> None:
    stamper = Stamper("short", local)
    with system_zone("CET-1CEST,M3.5.0,M10.5.0/3"):
        assert stamper.show(ns("2024-03-31T00:59:59Z"), NOW) == "01:59:59.000"
        assert stamper.show(ns("2024-03-31T01:00:00Z"), NOW) == "03:00:00.000"


@pytest.mark.parametrize("style", STAMP_STYLES)
def test_no_time_is_a_dash_of_full_width(style: StampStyle) -> None:
    stamper = Stamper(style)
    assert stamper.show(None, NOW) == UNKNOWN
    assert stamper.pad(None, NOW).strip() == UNKNOWN
    assert len(stamper.pad(None, NOW)) == stamper.width


@pytest.mark.parametrize("style", STAMP_STYLES)
@pytest.mark.parametrize("zone", ["UTC", "+02:00", "Europe/Berlin", "local"])
def test_times_of_lines_take_the_same_columns(style: StampStyle, zone: str) -> None:
    stamper = Stamper(style, find_zone(zone))
    for ago in (0, 1, SECOND, MINUTE, HOUR, DAY, 99 * DAY, -HOUR):
        assert len(stamper.pad(NOW - ago, NOW)) == stamper.width


@pytest.mark.parametrize("zone", ["UTC", "+02:00", "-02:00", "Europe/Berlin", "local"])
@pytest.mark.parametrize("seconds", [1 << 40, -(1 << 40), 1 << 80, -(1 << 80)])
def test_row_16_years_that_no_calendar_has_are_unknown(zone: str, seconds: int) -> None:
    for style in ("rfc3339", "short"):
        stamper = Stamper(style, find_zone(zone))
        assert stamper.show(seconds * SECOND, NOW) == UNKNOWN
        # And the next time is right again.
        assert stamper.show(NOW, NOW) != UNKNOWN


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("9999-12-31T23:00:00.000000000Z", "+02:00"),
        ("0000-01-01T00:30:00.000000000Z", "-01:00"),
    ],
)
def test_row_16_a_zone_that_leads_out_of_the_calendar_is_left_out(text: str, zone: str) -> None:
    assert show(text, zone=zone) == text


def test_row_16_a_clock_that_goes_back_is_shown_as_it_goes() -> None:
    stamper = Stamper("short")
    times = [NOW, NOW + SECOND, NOW, NOW - 1, NOW]
    assert [stamper.show(at, NOW)[6:] for at in times] == [
        *("00.000", "01.000", "00.000", "59.999", "00.000")
    ]


@given(st.integers(ns("1972-01-01T00:00:00Z"), ns("9998-01-01T00:00:00Z")))
@pytest.mark.parametrize("zone", ["UTC", "+02:00", "-11:30", "Europe/Berlin"])
def test_what_is_shown_in_full_names_the_very_instant(zone: str, at: int) -> None:
    assert ns(Stamper("rfc3339", find_zone(zone)).show(at, NOW)) == at


@pytest.mark.parametrize(
    "name",
    [
        *("", "Mars/Base", "Europe", "../etc/passwd", "/etc/passwd", "+2", "+24:00", "+02:60"),
        *("02:00", "a\0b", "x" * 5000, "\ud800", "zone.tab", "+٠٢:٠٠", "UTC\n", "."),
    ],
)
def test_a_zone_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match="no time zone") as caught:
        find_zone(name)
    assert "Europe/Berlin" in str(caught.value)
    assert "tzdata" not in str(caught.value), "this system has zones"
    assert str(caught.value).isprintable()


@given(st.text(max_size=12))
@example("__pycache__")
def test_any_name_gives_a_zone_or_a_config_error(name: str) -> None:
    try:
        zone = find_zone(name)
    except ConfigError:
        return
    assert abs(zone(0)) < 86_400


def test_a_system_without_zones_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.TZPATH", ())
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    with pytest.raises(ConfigError, match="install tzdata"):
        find_zone("Mars/Base")


def test_utc_is_nowhere_an_offset() -> None:
    assert utc(0) == utc(1 << 60) == 0

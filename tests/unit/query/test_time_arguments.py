"""--since and --until against what the docker CLI was seen to do."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.model.timestamps import format_rfc3339, format_wire_time
from lobtail.query.time_arguments import parse_time_argument

SECOND = 1_000_000_000
FIRST = -62_167_219_200 * SECOND  # 0000-01-01T00:00:00Z
LAST = 253_402_300_800 * SECOND - 1  # 9999-12-31T23:59:59.999999999Z

NOW = 1_700_000_000 * SECOND + 750_000_000
KOLKATA = 19_800
ST_JOHNS_IN_WINTER = -12_600


def argument(value: str, *, local_offset: int = 0) -> int:
    return parse_time_argument(value, now_ns=NOW, local_offset=local_offset)


# Golden facts: what docker CLI 28.2.2 (Go 1.24.3) put into the query of /containers/x/logs for
# `docker logs --since=VALUE x`, seen with an engine that records its requests; TZ=UTC.
# The CLI passes seconds since the epoch on as they were typed; here stands what moby's
# parseTimestamp makes of them.
SEEN = {
    "0": "0.000000000",
    "00": "0.000000000",
    "0.0": "0.000000000",
    "0.5": "0.500000000",
    "1": "1.000000000",
    "10": "10.000000000",
    "2013": "2013.000000000",  # seconds, not a year
    "20130102": "20130102.000000000",
    "1500000000": "1500000000.000000000",
    "+1500000000": "1500000000.000000000",
    "000000000000000000000000001": "1.000000000",
    "9223372036854775807": "9223372036854775807.000000000",
    "1500000000.5": "1500000000.500000000",
    "1500000000.123456789": "1500000000.123456789",
    "1500000000.1234567899": "1500000000.123456789",
    "1500000000.00000000001": "1500000000.000000000",
    "1500000000.+5": "1500000000.050000000",
    "1.9223372036854775807": "1.922337203",
    "2013-01-02": "1357084800.000000000",
    "2013-01-02Z": "1357084800.000000000",
    "2013-01-02+05:30": "1357065000.000000000",
    "2013-01-02-05:30": "1357104600.000000000",
    "2013-01-02T15": "1357138800.000000000",
    "2013-01-02T5": "1357102800.000000000",
    "2013-01-02T15Z": "1357138800.000000000",
    "2013-01-02T15+05:30": "1357119000.000000000",
    "2013-01-02T15-05:30": "1357158600.000000000",
    "2013-01-02T15:04": "1357139040.000000000",
    "2013-01-02T5:04": "1357103040.000000000",
    "2013-01-02T15:04Z": "1357139040.000000000",
    "2013-01-02T15:04+05:30": "1357119240.000000000",
    "2013-01-02T15:04-05:30": "1357158840.000000000",
    "2013-01-02T15:04:05": "1357139045.000000000",
    "2013-01-02T15:04:05.5": "1357139045.500000000",
    "2013-01-02T15:04:05,5": "1357139045.500000000",
    "2013-01-02T15:04:05.1234567899": "1357139045.123456789",
    "2013-01-02T15:04:05Z": "1357139045.000000000",
    "2013-01-02T15:04:05.123456789Z": "1357139045.123456789",
    "2013-01-02T15:04:05,123456789Z": "1357139045.123456789",
    "2013-01-02T15:04:05+05:30": "1357119245.000000000",
    "2013-01-02T15:04:05-05:30": "1357158845.000000000",
    "2013-01-02T15:04:05.5-05:30": "1357158845.500000000",
    "2013-01-02T15:04:05-00:00": "1357139045.000000000",
    "2013-01-02T15:04:05+24:00": "1357052645.000000000",
    "2013-01-02T15:04:05-24:60": "1357229045.000000000",
    "2012-02-29": "1330473600.000000000",
    "2000-02-29": "951782400.000000000",
    "1970-01-01T00:00:00Z": "0.000000000",
    "1969-12-31T23:59:59.5Z": "-1.500000000",
    "0000-01-01": "-62167219200.000000000",
    "0000-01-01T00:00:00Z": "-62167219200.000000000",
    "0000-02-29": "-62162121600.000000000",
    "0001-01-01Z": "-62135596800.000000000",
    "9999-12-31T23:59:59.999999999Z": "253402300799.999999999",
}

# The same with TZ=Asia/Kolkata, and in November with TZ=America/St_Johns, which is at -03:30 then:
# the CLI uses the offset of *now*, so the July date is an hour off for those who live there.
SEEN_IN_ZONE = {
    ("2013-01-02", KOLKATA): "1357065000.000000000",
    ("2013-01-02Z", KOLKATA): "1357084800.000000000",
    ("2013-07-01T12:00:00.5", KOLKATA): "1372660200.500000000",
    ("1500000000", KOLKATA): "1500000000.000000000",
    ("2013-01-02", ST_JOHNS_IN_WINTER): "1357097400.000000000",
    ("2013-07-01", ST_JOHNS_IN_WINTER): "1372649400.000000000",
}

# docker CLI 28.2.2: a duration, and what it stands for in nanoseconds before now.
SEEN_DURATIONS = {
    "+0": 0,  # only a bare "0" is 1970
    "-0": 0,
    "0s": 0,
    "10m": 600 * SECOND,
    "+10m": 600 * SECOND,
    "-10m": -600 * SECOND,
    "1h30m": 5400 * SECOND,
    "1.5h": 5400 * SECOND,
    "1h1h": 7200 * SECOND,
    "1s1h": 3601 * SECOND,
    "300ms": 300_000_000,
    "1us": 1000,
    "1\u00b5s": 1000,
    "1\u03bcs": 1000,
    "1ns": 1,
    ".5s": SECOND // 2,
    "5.s": 5 * SECOND,
    "-.5s": -SECOND // 2,
    "0.3333333333333333333h": 1_200_000_000_000,
    "1.00000000000000000000000000000000000001h": 3600 * SECOND,
    "2562047h": 2_562_047 * 3600 * SECOND,
    "-2562047h": -2_562_047 * 3600 * SECOND,
    "9223372036854775807ns": 9_223_372_036_854_775_807,
}

# docker CLI 28.2.2: `invalid value for "since": …`, exit 1, no request; and no time here either.
SEEN_REFUSED = [
    *("-1", "-1.5", "1500000000.", ".5", "1500000000.5.5", "1e9", "1_000", "0x10"),
    *("9223372036854775808", "1.9223372036854775808", ".s", "10M", "10 M", "1m1", "1e3s"),
    *("2562048h", "T15", "2013-01", "10000-01-01", "+2013-01-02", "2013-01-02T"),
    *("2013-01-02T15:4", "2013-01-02T15:04:5", "2013-01-02T15:04:05.", "2013-01-02T15:04.5"),
    *("2013-01-02T15.5", "2013-01-02.5", "2013-01-02T15:04:05Z+05:30"),
    *("2013-01-02T15:04:05+25:00", "2013-01-02T15:04:05+23:61", "2013-13-01", "2013-00-01"),
    *("2013-02-29", "2013-02-00", "1900-02-29", "2013-01-02T24", "2013-01-02T24:00:00Z"),
    *("2013-01-02T23:60:00Z", "2013-01-02T23:59:60Z", "٢٠١٣-01-02", "١٥٠٠"),
]


@pytest.mark.parametrize(("value", "wire"), SEEN.items())
def test_times_mean_what_docker_means(value: str, wire: str) -> None:
    assert format_wire_time(argument(value)) == wire


@pytest.mark.parametrize(("given_as", "wire"), SEEN_IN_ZONE.items())
def test_a_time_without_zone_is_local_now(given_as: tuple[str, int], wire: str) -> None:
    value, offset = given_as
    assert format_wire_time(argument(value, local_offset=offset)) == wire


@pytest.mark.parametrize(("value", "duration"), SEEN_DURATIONS.items())
def test_durations_count_back_from_now_to_a_whole_second(value: str, duration: int) -> None:
    assert argument(value) == (NOW - duration) // SECOND * SECOND


def test_the_cut_to_a_second_goes_down_on_both_sides_of_1970() -> None:
    assert parse_time_argument("1ns", now_ns=0, local_offset=0) == -SECOND
    assert parse_time_argument("-1ns", now_ns=0, local_offset=0) == 0


@pytest.mark.parametrize("value", SEEN_REFUSED)
def test_row_20_what_docker_refuses_is_refused_with_the_forms_that_work(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_time_argument(value, now_ns=NOW, local_offset=0, option="until")
    message = str(caught.value)
    assert message.startswith(f"invalid value for `until`: {value!r} is not a time")
    assert "use for example 10m, 1d12h, yesterday" in message
    assert message.isprintable()


def test_row_20_the_message_in_full() -> None:
    with pytest.raises(ConfigError) as caught:
        argument("lately")
    assert str(caught.value) == (
        "invalid value for `since`: 'lately' is not a time; use for example 10m, 1d12h, "
        "yesterday, '2026-11-30 04:10', 2026-11-30T04:10:05Z or 1500000000.5"
    )
    with pytest.raises(ConfigError, match="'2013-13-01' is not a time: there is no month 13; use"):
        argument("2013-13-01")


@pytest.mark.parametrize(
    "value",
    [
        "",  # docker: as if the flag was not given; the caller's to see
        # docker overflows to 292 years in the wrong direction.
        "-9223372036854775808ns",
        "1" * 100_000,
        "1" * 100_000 + "h",
        "0." + "1" * 100_000,
        "1h" * 50_000 + "x",
        "\ud800",
        "\x1b[2J",
    ],
)
def test_row_20_hostile_values_are_refused_briefly(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        argument(value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_fraction_of_many_zeros_is_no_time_at_all() -> None:
    zeros = "0" * 5000
    assert argument(f"1.{zeros}1") == SECOND
    assert argument(f"0.{zeros}1h") == NOW // SECOND * SECOND


@given(st.text(alphabet="0123456789.,:-+TZhmsnuµ ", max_size=40) | st.text(max_size=40))
def test_only_our_error_escapes_from_an_argument(value: str) -> None:
    with suppress(ConfigError):
        assert isinstance(argument(value), int)


@given(st.integers(FIRST, LAST), st.integers(-86_399, 86_399))
def test_a_formatted_time_means_itself_and_so_does_its_wire_form(ns: int, offset: int) -> None:
    assert argument(format_rfc3339(ns), local_offset=offset) == ns
    seconds, _, fraction = format_wire_time(ns).partition(".")
    assert int(seconds) * SECOND + int(fraction) == ns
    assert len(fraction) == 9

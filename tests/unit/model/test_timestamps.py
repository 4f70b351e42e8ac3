"""RFC 3339 both ways."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ConfigError, ProtocolError
from lobtail.model import timestamps
from lobtail.model.timestamps import (
    format_rfc3339,
    parse_rfc3339,
)

SECOND = 1_000_000_000
FIRST = -62_167_219_200 * SECOND  # 0000-01-01T00:00:00Z
LAST = 253_402_300_800 * SECOND - 1  # 9999-12-31T23:59:59.999999999Z
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KOLKATA = 19_800
ST_JOHNS_IN_WINTER = -12_600


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (b"1970-01-01T00:00:00Z", 0),
        (b"1970-01-01T00:00:00.000000001Z", 1),
        (b"1969-12-31T23:59:59.999999999Z", -1),
        (b"2006-01-02T15:04:05.123456789Z", 1_136_214_245_123_456_789),
        (b"2006-01-02T15:04:05.1Z", 1_136_214_245_100_000_000),
        # Podman 4.3 writes whole seconds; log plugins and Podman a local offset.
        (b"2026-11-23T21:17:44Z", 1_795_468_664 * SECOND),
        (b"2026-11-24T02:47:44+05:30", 1_795_468_664 * SECOND),
        (b"2026-11-23T17:47:44.5-03:30", 1_795_468_664 * SECOND + SECOND // 2),
        (b"2026-11-23T21:17:44-00:00", 1_795_468_664 * SECOND),
        # Row 16: the years 0 and 9999.
        (b"0000-01-01T00:00:00Z", FIRST),
        (b"0000-02-29T00:00:00Z", -62_162_121_600 * SECOND),
        (b"0000-01-01T00:00:00+23:59", FIRST - 86_340 * SECOND),
        (b"9999-12-31T23:59:59.999999999Z", LAST),
        (b"2000-02-29T00:00:00Z", 951_782_400 * SECOND),
        # Beyond nine digits Go's time.Parse cuts, it doesn't round.
        (b"1970-01-01T00:00:00.9999999999Z", SECOND - 1),
        (b"1970-01-01T00:00:00." + b"1" * 5000 + b"Z", 111_111_111),
    ],
)
def test_row_16_rfc3339_is_read_to_the_nanosecond(stamp: bytes, expected: int) -> None:
    # Twice: the second time the second is known.
    for _ in range(2):
        assert parse_rfc3339(stamp) == expected
        assert parse_rfc3339(stamp.decode()) == expected


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "2006-01-02",
        "2006-01-02T15:04:05",
        "2006-01-02T15:04:05.Z",
        "2006-01-02T15:04:05,5Z",
        "2006-01-02T5:04:05Z",
        "2006-01-02t15:04:05Z",
        "2006-01-02T15:04:05z",
        "2006-01-02 15:04:05Z",
        "2006-01-02T15:04:05+0530",
        "2006-01-02T15:04:05+24:00",
        "2006-01-02T15:04:05+05:60",
        "2006-00-02T15:04:05Z",
        "2006-13-02T15:04:05Z",
        "2006-01-00T15:04:05Z",
        "2006-02-29T15:04:05Z",
        "1900-02-29T15:04:05Z",
        "2006-04-31T15:04:05Z",
        "2006-01-02T24:00:00Z",
        "2006-01-02T15:60:05Z",
        "2016-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        # int() would take these.
        "2006-01-02T15:04:05. 12345678Z",
        "2006-01-02T15:04:05.+12345678Z",
        "2006-01-02T15:04:05.1_2345678Z",
        "2006-01-02T15:04:05.12345678 Z",
        "+006-01-02T15:04:05.123456789Z",
        "2006-01-02T15:04:05.12345678٣Z",
        "2006-01-02T15:04:05.123456789Z\n",
        "2006-01-02T15:04:05.123456789Z x",
        "\ud800006-01-02T15:04:05.123456789Z",
        "x" * 5000,
    ],
)
def test_row_16_anything_else_is_a_protocol_error(stamp: str) -> None:
    parse_rfc3339("2006-01-02T15:04:05.123456789Z")
    for given_as in (stamp, stamp.encode(errors="surrogatepass")):
        with pytest.raises(ProtocolError) as caught:
            parse_rfc3339(given_as)
        message = str(caught.value)
        assert message.startswith("not an RFC 3339 time: ")
        assert message.isprintable()
        assert len(message) < 400


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_only_our_error_escapes_from_a_stamp(stamp: bytes | str) -> None:
    with suppress(ProtocolError):
        assert isinstance(parse_rfc3339(stamp), int)


@given(st.data())
def test_a_stamp_with_one_byte_changed_is_read_alike_with_and_without_the_shortcut(
    data: st.DataObject,
) -> None:
    stamp = bytearray(b"2006-01-02T15:04:05.123456789Z")
    stamp[data.draw(st.integers(0, 29))] = data.draw(st.integers(0, 255))

    def outcome() -> int | None:
        try:
            return parse_rfc3339(bytes(stamp))
        except ProtocolError:
            return None

    timestamps._seconds.clear()
    unknown = outcome()
    parse_rfc3339(b"2006-01-02T15:04:05Z")
    assert outcome() == unknown


def test_the_known_seconds_are_bounded() -> None:
    for second in range(3 * timestamps._MAX_SECONDS):
        assert parse_rfc3339(format_rfc3339(second * SECOND)) == second * SECOND
        assert len(timestamps._seconds) <= timestamps._MAX_SECONDS


@given(st.integers(FIRST, LAST))
def test_every_nanosecond_survives_a_round_trip(ns: int) -> None:
    text = format_rfc3339(ns)
    assert len(text) == 30
    assert parse_rfc3339(text) == ns


@given(
    st.integers(FIRST + 86_400 * SECOND, LAST - 86_400 * SECOND),
    st.integers(0, 9),
    st.integers(-86_399, 86_399),
)
def test_offsets_and_digits_name_the_same_instant(ns: int, digits: int, offset: int) -> None:
    unit = 10 ** (9 - digits)
    assert parse_rfc3339(format_rfc3339(ns, digits, offset)) == ns // unit * unit


@given(st.datetimes(timezones=st.just(UTC)))
def test_the_calendar_agrees_with_datetime(moment: datetime) -> None:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    text = moment.strftime("%m-%dT%H:%M:%S.%f")
    assert format_rfc3339(micros * 1000, 6) == f"{moment.year:04}-{text}Z"


def test_each_month_of_ten_thousand_years_begins_where_the_last_one_ended() -> None:
    day = FIRST // SECOND // 86_400
    for year in range(10_000):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        for month, length in enumerate(lengths, 1):
            last = day + length - 1
            assert format_rfc3339(day * 86_400 * SECOND, 0)[:10] == f"{year:04}-{month:02}-01"
            assert format_rfc3339(last * 86_400 * SECOND, 0)[8:10] == str(length)
            day += length
    assert day * 86_400 * SECOND == LAST + 1


@pytest.mark.parametrize(
    ("ns", "digits", "offset", "expected"),
    [
        (0, 9, 0, "1970-01-01T00:00:00.000000000Z"),
        (-1, 9, 0, "1969-12-31T23:59:59.999999999Z"),
        (-1, 0, 0, "1969-12-31T23:59:59Z"),
        (-1, 3, 0, "1969-12-31T23:59:59.999Z"),
        (0, 0, KOLKATA, "1970-01-01T05:30:00+05:30"),
        (0, 0, ST_JOHNS_IN_WINTER, "1969-12-31T20:30:00-03:30"),
        # Seconds in an offset go from both sides of it.
        (0, 0, 5 * 3600 + 53 * 60 + 28, "1970-01-01T05:53:00+05:53"),
        (0, 0, -59, "1970-01-01T00:00:00Z"),
    ],
)
def test_format(ns: int, digits: int, offset: int, expected: str) -> None:
    assert format_rfc3339(ns, digits, offset) == expected


@pytest.mark.parametrize(
    ("ns", "digits", "offset"),
    [
        (FIRST - 1, 9, 0),
        (LAST + 1, 9, 0),
        (FIRST, 9, -60),
        (LAST, 9, 60),
        (0, -1, 0),
        (0, 10, 0),
        (0, 9, 86_400),
    ],
)
def test_what_rfc3339_cannot_say_is_refused(ns: int, digits: int, offset: int) -> None:
    with pytest.raises(ConfigError):
        format_rfc3339(ns, digits, offset)

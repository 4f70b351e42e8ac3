"""Lines and what follows from their bytes."""

from __future__ import annotations

import pytest

from lobtail import ContainerRef, Level, Line, Stream

WEB = ContainerRef("a" * 64, "web")


def line(raw: bytes, details: bytes = b"") -> Line:
    return Line(WEB, Stream.STDOUT, 0, raw, raw_details=details)


def test_a_line_is_a_value() -> None:
    one, two = line(b"x"), line(b"x")
    assert one.level is Level.UNKNOWN
    with pytest.raises(AttributeError):
        one.raw = b"y"  # type: ignore[misc]
    assert one == two
    assert hash(one) == hash(two)
    assert one != line(b"y")
    assert repr(two).endswith("time_ns=0, raw=b'x')")


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"a\r", "a"), (b"a\rb", "a\rb"), (b"\xff\xe2\x82", "��"), (b"", ""), (b"\0", "\0")],
)
def test_rows_11_and_12_text_never_fails(raw: bytes, text: str) -> None:
    assert line(raw).text == text


def test_details_are_unescaped() -> None:
    assert line(b"x", b"a=1+2,b=%2C%C3%B6,c=").details == {"a": "1 2", "b": ",ö", "c": ""}
    assert line(b"x").details == {}


def test_fields_of_a_json_line() -> None:
    assert line(b'{"msg":"hi","n":{"x":[1]}}').fields == {"msg": "hi", "n": {"x": [1]}}


@pytest.mark.parametrize(
    "raw", [b"text", b"{", b"[1]", b'{"a":1e400', b"[" * 10_000, b'{"a":' * 10_000, b"\xff{}"]
)
def test_row_15_what_is_no_json_object_has_no_fields(raw: bytes) -> None:
    assert line(raw).fields == {}


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (b"2019-02-07T03:53:08.512874Z 0 [Warning] TIMESTAMP", Level.WARN),
        (b"2023/01/01 00:00:00 [error] 7#7: *3 connect() failed", Level.ERROR),
        (b"INFO:     Started server process [1]", Level.INFO),
        (b'time="2023" level=fatal msg="x"', Level.FATAL),
        (b'{"level":"debug","msg":"job"}', Level.DEBUG),
        (b'172.17.0.1 - - "GET /error HTTP/1.1" 200', Level.UNKNOWN),
        (b"no error occurred, for your information", Level.UNKNOWN),
    ],
)
def test_levels(raw: bytes, level: Level) -> None:
    assert line(raw).level is level

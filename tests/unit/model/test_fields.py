"""The fields of JSON and logfmt lines, and looking them up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.fields import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_PAIRS,
    MISSING,
    lookup,
    parse_fields,
    value_text,
)
from lobtail.model.levels import Level, detect_level


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b'{"msg":"hi","n":{"x":[1]}}', {"msg": "hi", "n": {"x": [1]}}),
        (b' \t{"a":null} \r', {"a": None}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'\xef\xbb\xbf {"a":1}', {"a": 1}),
        (b"{}", {}),
        (b'{"a":"x=1 y=2"}', {"a": "x=1 y=2"}),
        (b'app {"a":1}', {}),
    ],
)
def test_json(raw: bytes, fields: dict[str, Any]) -> None:
    assert parse_fields(raw) == fields


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (
            b'time="2024-05-01T12:00:00Z" level=error msg="no \\"x\\" here" err=EOF',
            {"time": "2024-05-01T12:00:00Z", "level": "error", "msg": 'no "x" here', "err": "EOF"},
        ),
        (
            b"ts=2024-05-01T12:00:00.000Z caller=main.go:12 level=info component=tsdb",
            {
                "ts": "2024-05-01T12:00:00.000Z",
                "caller": "main.go:12",
                "level": "info",
                "component": "tsdb",
            },
        ),
        (b"2024-01-01 12:00 started user=5 in 3ms", {"user": "5"}),
        (b'at=info method=GET path="/a b?x=1" empty= q="" z=1', {
            "at": "info", "method": "GET", "path": "/a b?x=1", "empty": "", "q": "", "z": "1"}),
        (b"flag a=1 other", {"a": "1"}),
        (b"a=1, b=2; c=3,4", {"a": "1", "b": "2", "c": "3,4"}),
        (b"a=1 a=2", {"a": "2"}),
        (b"token=abc== url=http://x/?a=1&b=2", {"token": "abc==", "url": "http://x/?a=1&b=2"}),
        (b"log.level=warn app.kubernetes.io/name=x", {
            "log.level": "warn", "app.kubernetes.io/name": "x"}),
        (b'a="x\\ty\\u00e9\\ud83d\\ude00" b="\\x1b[0m\\a\\z"', {
            "a": "x\ty\u00e9\U0001f600", "b": "\x1b[0m\az"}),
        (b"\x1b[36mINFO\x1b[0m[0000] hi  \x1b[36muser\x1b[0m=5", {"user": "5"}),
        ("größe=1 b=ü".encode(), {"größe": "1", "b": "ü"}),
        (b"a=\xff\r", {"a": "\ufffd"}),
        (b'a="open b=1', {"a": "", "b": "1"}),
        (b'msg="level=error user=7" user=8', {"msg": "level=error user=7", "user": "8"}),
        (b"x=1\ty=2\0z=3", {"x": "1", "y": "2", "z": "3"}),
    ],
)  # fmt: skip
def test_logfmt(raw: bytes, fields: dict[str, Any]) -> None:
    assert parse_fields(raw) == fields


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Listening on port 80",
        b"GET /find?q=1&lang=en HTTP/1.1",
        b"see https://example.com/?a=b",
        b"if a == b or c = d or =e",
        b"Point(x=1)",
        b"serve --port=80 -v=1",
        b"=",
        b"==== Title ====",
        b"[1]",
        b"text",
    ],
)
def test_text_has_no_fields(raw: bytes) -> None:
    assert parse_fields(raw) == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a":NaN,"b":"\\ud800"}',
        b'{"a":NaNo}',
        b'{"a":Infinity',
        b'{"a":' + b"[" * 10_000 + b"NaN" + b"]" * 10_000 + b"}",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":1}{"a":2}',
        b'{"a":' * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a":"' + b"x" * (10 << 20) + b'"}',
        b"{" * MAX_BYTES,
        b'{"' * (MAX_BYTES // 2),
    ],
    ids=lambda raw: raw[:20].decode("latin-1"),
)
def test_row_15_what_is_not_json_within_bounds_is_plain_text(raw: bytes) -> None:
    assert parse_fields(raw) == {}


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (b"1e400", float("inf")),
        (b"-1e400", float("-inf")),
        (b"1e-400", 0.0),
        (b"-Infinity", float("-inf")),
        (b"9" * 10_000, float("inf")),
        (b"1" + b"0" * 399, 10**399),
        (b"1196485142321321728", 1196485142321321728),
        (b"18446744073709551616", 1 << 64),
    ],
    ids=lambda value: str(value)[:20],
)
def test_case_json_numbers_beyond_json(number: bytes, value: float) -> None:
    assert parse_fields(b'{"a":' + number + b',"b":"NaN"}') == {"a": value, "b": "NaN"}


def test_case_json_numbers_nan() -> None:
    fields = parse_fields(b'{"a":NaN,"b":[NaN,-Infinity],"NaN":1}')
    assert value_text(fields["a"]) == "NaN"
    assert fields["b"][1] == float("-inf")
    assert fields["NaN"] == 1
    assert value_text(float("inf")) == "Infinity"
    assert value_text(fields["b"]) == "[null,null]"
    assert value_text(10**399) == str(10**399)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", [b".", b"1", b"-", b"1e", b'"\\', b"1" * 349 + b",", b"NaN,", b"1.e+"]
)
def test_row_15_text_full_of_numbers_takes_linear_time(piece: bytes) -> None:
    raw = b"{" + piece * ((MAX_BYTES - 2) // len(piece)) + b"}"
    assert parse_fields(raw) == {}
    assert detect_level(raw) is Level.UNKNOWN


def test_row_15_of_equal_keys_the_last_wins() -> None:
    assert parse_fields(b'{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_row_15_the_bounds_are_exact() -> None:
    assert parse_fields(nested(MAX_DEPTH))
    assert parse_fields(nested(MAX_DEPTH + 1)) == {}
    # Many brackets are not deep, and those in strings do not count.
    assert len(parse_fields(b'{"a":[' + b"[]," * 999 + b'[]],"b":"' + b"[" * 999 + b'"}')) == 2
    frame = len(b'{"a":""}')
    assert parse_fields(b'{"a":"' + b"x" * (MAX_BYTES - frame) + b'"}')
    assert parse_fields(b'{"a":"' + b"x" * (MAX_BYTES - frame + 1) + b'"}') == {}
    assert parse_fields(b"a=" + b"x" * MAX_BYTES) == {}


def test_only_the_first_pairs_of_a_long_logfmt_line_are_read() -> None:
    fields = parse_fields(b" ".join(b"k%d=%d" % (n, n) for n in range(MAX_PAIRS + 9)))
    assert fields == {f"k{n}": str(n) for n in range(MAX_PAIRS)}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [b"a", b" ", b"=", b'"', b"\\", b' a="', b" a=\\", b'="\\', b"a =", b" a", b"\x1b[", b'{"'],
)
def test_no_line_takes_more_than_linear_time(unit: bytes) -> None:
    # Quadratic time for 256 KiB would be minutes: the timeout is the assertion.
    raw = unit * (MAX_BYTES // len(unit))
    for head, tail in ((b"", b""), (b"", b"="), (b"", b'"'), (b"{" * 99 + b'"', b"")):
        assert len(parse_fields((head + raw)[: MAX_BYTES - len(tail)] + tail)) <= MAX_PAIRS


@pytest.mark.parametrize(
    ("fields", "path", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": None}, "a", None),
        ({"a": 1}, "b", MISSING),
        ({"a": 1}, "a.b", MISSING),
        ({"a": 1}, "", MISSING),
        ({"": 1}, "", 1),
        ({"http.status": 500}, "http.status", 500),
        ({"http": {"status": 500}}, "http.status", 500),
        ({"http": {"status": 500}, "http.status": 404}, "http.status", 404),
        ({"http": {"x": 1}, "http.a": {"status": 2}}, "http.a.status", 2),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a.b": {"x": 1}, "a": {"b": {"c": 2}}}, "a.b.c", 2),
        ({"a": [{"b": 1}, 7]}, "a.0.b", 1),
        ({"a": [{"b": 1}, 7]}, "a.1", 7),
        ({"a": [{"b": 1}, 7]}, "a.2", MISSING),
        ({"a": [1]}, "a.-1", MISSING),
        ({"a": [1]}, "a.²", MISSING),
        ({"a": [1]}, "a." + "0" * 9999, MISSING),
        ({"a": {"0": 1}}, "a.0", 1),
        ({"a": "xyz"}, "a.0", MISSING),
        ({"a": 1}, "." * 9999, MISSING),
    ],
)
def test_lookup(fields: dict[str, Any], path: str, value: object) -> None:
    assert lookup(fields, path) == value


def test_missing_names_itself() -> None:
    assert repr(lookup({}, "a")) == "MISSING"


@given(st.binary() | st.text('{}[]":,= \\ax\n').map(str.encode))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    fields = parse_fields(raw)
    assert all(isinstance(key, str) for key in fields)


KEYS = st.text("ab01.", max_size=4)
VALUES = st.recursive(
    st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(st.dictionaries(KEYS, VALUES), st.text("ab01.²") | st.text())
def test_no_path_makes_lookup_fail(fields: dict[str, Any], path: str) -> None:
    found = lookup(fields, path)
    assert found == fields.get(path, found)


@given(
    st.dictionaries(
        st.text("abc.", min_size=1).filter(lambda k: k[0] != "."), st.text(), min_size=1
    )
)
def test_what_is_quoted_comes_back(pairs: dict[str, str]) -> None:
    def quote(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"')

    raw = " ".join(f'{key}="{quote(value)}"' for key, value in pairs.items()).encode()
    if "\x1b" not in raw.decode():
        assert parse_fields(raw) == pairs

"""The request of an access log's line: as programs write it, and in no other line."""

from __future__ import annotations

import pytest

from lobtail.model.access import access_fields
from lobtail.model.fields import parse_fields
from support.programs import Entry, programs

ASKED = ("method", "path", "status")
CASES = [
    pytest.param(entry, id=f"{program.name}-{number}")
    for program in programs()
    for number, entry in enumerate(program.entries)
    if set(entry.fields) & set(ASKED) and not entry.text.startswith(b"{")
]


@pytest.mark.parametrize("entry", CASES)
def test_programs(entry: Entry) -> None:
    found = parse_fields(entry.text)
    for name in set(entry.fields) & set(ASKED):
        assert found[name] == entry.fields[name]


@pytest.mark.parametrize(
    ("raw", "duration"),
    [
        (
            b'10.0.0.9 - - [01/May/2024:12:00:00 +0] "GET / HTTP/2.0" 200 1 "-" "-" 1 "r" "u" 12ms',
            "12ms",
        ),
        (b'[GIN] 2024/05/01 - 12:00:00 | 200 |  1.5\xc2\xb5s | 10.0.0.9 | GET      "/"', "1.5us"),
        (
            b'1.2.3.4:1 [01/May/2024:12:00:00.123] in b/s 0/0/1/12/13 200 6 - - -- 1 "GET / X"',
            "13ms",
        ),
    ],
)
def test_durations(raw: bytes, duration: str) -> None:
    assert access_fields(raw)["duration"] == duration


@pytest.mark.parametrize(
    "raw", [b"", b'said "hello" to 404 people', b'x "GET"', b'"a" 1234', b'"' * 20_000]
)
def test_other_lines(raw: bytes) -> None:
    assert access_fields(raw) == {}

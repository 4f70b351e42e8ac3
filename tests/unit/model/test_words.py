"""Lines and marks in words, as print() shows them: one line in which nothing acts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    Gap,
    Line,
    Mark,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
    encode_details,
    forget_parsed,
    level_of,
    parse_details,
)
from lobtail.model.levels import Level

REF = ContainerRef("3f" * 32, "web")
NOON = 1_714_564_800_123_456_789


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Started(REF, None), "started"),
        (Stopped(REF, None, None, False), "stopped"),
        (Stopped(REF, None, 137, True), "stopped, exit code 137, out of memory"),
        (Removed(REF, None), "removed"),
        (Gap(REF, None, "lost\n\x1b[2J"), "lines may be missing here: lost␊␛[2J"),
        (Gap(REF, None, ""), "lines may be missing here"),
        (Resumed(REF, None, "cut"), "resumed: cut"),
        (Dropped(REF, None, 1), "1 line dropped"),
        (Skipped(REF, None, 2), "2 lines left out"),
        (Mark(REF, None), "mark"),
    ],
)
def test_marks(mark: Mark, words: str) -> None:
    assert str(mark) == f"web: {words}"


def test_a_line() -> None:
    line = Line(REF, Stream.STDOUT, NOON, b"\x1b[31mred\x1b[0m\x07 end\r")
    assert str(line) == "web: red␇ end"
    assert str(Line(ContainerRef("3f" * 32, "", host="far"), Stream.STDOUT, None, b"a\nb")) == (
        "far/3f3f3f3f3f3f: a␊b"
    )


def test_a_time() -> None:
    def time(time_ns: int | None) -> datetime | None:
        return Line(REF, Stream.STDOUT, time_ns, b"").time

    assert time(NOON) == datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert time(None) is None
    assert time(10**21) is None
    assert Started(REF, NOON).time == time(NOON)


def test_details() -> None:
    attrs = {"b": "x y", "a": "1,2=3"}
    assert encode_details(attrs) == b"a=1%2C2%3D3,b=x+y"
    assert parse_details(encode_details(attrs)) == attrs
    assert Line(REF, Stream.STDOUT, None, b"", raw_details=b"k=v").details == {"k": "v"}


def test_what_is_found_can_be_forgotten() -> None:
    line = Line(REF, Stream.STDOUT, None, b"ERROR: user=5")
    assert level_of(line) is Level.ERROR
    assert line.level is Level.ERROR
    assert level_of(line) is Level.ERROR
    assert line.fields == {"user": "5"}
    forget_parsed(line)
    assert line.fields == {"user": "5"}
    forget_parsed(line)
    forget_parsed(line)
    assert hash(line) == hash(Line(REF, Stream.STDOUT, None, b"ERROR: user=5"))

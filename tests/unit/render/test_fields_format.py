"""Structured lines as people read them, byte by byte; and nothing in them acts."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.entries import make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.render.pretty import PrettyFormatter
from lobtail.render.style import Style

REF = ContainerRef("3f9c00000000" + "0" * 52, "web")


def line(raw: bytes | str | dict[str, object]) -> Line:
    if isinstance(raw, dict):
        raw = json.dumps(raw, separators=(",", ":"))
    return Line(REF, Stream.STDOUT, 0, raw.encode() if isinstance(raw, str) else raw)


def shown(*lines: Line, **style: object) -> bytes:
    made = Style(**{"fields": "compact", "prefix": False, **style})  # type: ignore[arg-type]
    return b"".join(chunk.data for chunk in PrettyFormatter(made).render([*lines]))


PINO = line(
    '{"level":50,"time":1714564800125,"pid":1,"hostname":"3f9c00000000","reqId":"req-2",'
    '"res":{"statusCode":500},"err":{"type":"Error","message":"no stock",'
    '"stack":"Error: no stock\\n    at accept (/app/server.js:12:11)"},"msg":"no stock"}'
)


class TestCompact:
    def test_message_first_then_fields_then_the_stack(self) -> None:
        assert shown(PINO) == (
            b"ERROR no stock  reqId=req-2 res.statusCode=500 err.type=Error\n"
            b"    Error: no stock\n"
            b"        at accept (/app/server.js:12:11)\n"
        )

    def test_in_colour(self) -> None:
        assert shown(line({"level": "warn", "msg": "slow", "ms": 7}), color=True) == (
            b"\x1b[38;5;136mWARN\x1b[0m  slow  \x1b[38;5;244mms=\x1b[0m7\n"
        )

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            ('{"message":"a b","n":1.5,"ok":true,"no":null}', "a b  n=1.5 ok=true no=null"),
            ('{"@t":"2024-01-01T00:00:00Z","@m":"hi","User":"ann b"}', 'INFO  hi  User="ann b"'),
            ('{"severity":"ERROR","event":"x","list":[1,2]}', "ERROR x  list=[1,2]"),
            ('{"level":"info","a":{"b":{"c":"d"}}}', "INFO  a.b.c=d"),
            ("level=info ts=2024-01-01T00:00:00Z msg=hello user=5", "INFO  hello  user=5"),
            ("a=1 b=2", "a=1 b=2"),
            ('{"level":"debug","msg":"two\\nlines"}', "DEBUG two\n    lines"),
            ('{"a":"x=y"}', 'a="x=y"'),
            ('{"a":"' + "x" * 200 + '"}', f"a={'x' * 80}…{'x' * 36}"),
        ],
    )
    def test_forms(self, raw: str, expected: str) -> None:
        assert shown(line(raw)).decode() == expected + "\n"

    @pytest.mark.parametrize(
        "raw", ["{", '{"a":', "plain text", "took=3 ms", "{}", "[1]", "x a=1 b=2"]
    )
    def test_other_lines_stay_as_they_are(self, raw: str) -> None:
        assert shown(line(raw)).decode() == raw + "\n"

    def test_a_pretty_printed_document_is_one_line(self) -> None:
        entry = make_entry(
            [line("{"), line('  "level": "error",'), line('  "msg": "x"'), line("}")]
        )
        assert shown(entry) == b"ERROR x\n"

    def test_plain_lines_keep_their_place_between(self) -> None:
        assert shown(line("one"), PINO, line("two")).split(b"\n")[0::4] == [b"one", b"two"]

    def test_each_row_has_the_prefix(self) -> None:
        assert [row[:5] for row in shown(PINO, prefix=True).splitlines()] == [b"web  "] * 3


class TestColumns:
    def test_fields_stand_below_each_other(self) -> None:
        lines = [
            line({"level": 30, "msg": "a", "id": "x-10"}),
            line({"level": 30, "msg": "b", "id": 7}),
        ]
        assert shown(*lines, fields="columns", columns=("id",)) == b"INFO  x-10  a\nINFO  7     b\n"

    def test_without_fields_to_show_it_is_compact(self) -> None:
        assert shown(line({"msg": "a", "b": 1}), fields="columns") == b"a  b=1\n"


def test_raw_is_the_line() -> None:
    assert shown(PINO, fields="raw") == PINO.raw + b"\n"


ACTING = re.compile(rb"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]|\x1b(?!\[[0-9;]*m)|\xc2[\x80-\x9f]")
HOSTILE = st.text(alphabet=st.sampled_from("a \x1b[]0;\x07\x9b\x85\u202e\n\r\t\"'=m"), max_size=30)
VALUES = st.recursive(
    HOSTILE | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner),
    max_leaves=5,
)


@given(st.dictionaries(HOSTILE | st.sampled_from(["msg", "stack", "level"]), VALUES), st.booleans())
def test_nothing_in_fields_acts(fields: dict[str, object], color: bool) -> None:
    """Not even where the output is no terminal: JSON had it escaped."""
    out = shown(line(fields), color=color)
    assert not ACTING.search(out)
    if not color:
        assert b"\x1b" not in out
    assert "\u202e" not in out.decode()

"""A field that a query names and no line has."""

from __future__ import annotations

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line
from lobtail.query.field_watch import FieldWatch
from lobtail.query.query import Query

REF = ContainerRef("0" * 64, "web")


def lines(*raw: str) -> list[Item]:
    return [Line(REF, Stream.STDOUT, 1, text.encode()) for text in raw]


def hints(query: str, *raw: str, only_similar: bool = False) -> list[str]:
    watch = FieldWatch([Query(query).term])
    watch.see([Gap(REF, 1), *lines(*raw)])
    return watch.hints(only_similar=only_similar)


NESTED = '{"res":{"statusCode":500,"headers":{"x-id":1}},"user_name":"bob","msg":"x"}'


@pytest.mark.parametrize(
    ("query", "hint"),
    {
        "statusCode>=500": "no line has statusCode; did you mean res.statusCode?",
        "status_code>=500": "no line has status_code; did you mean res.statusCode?",
        "res.statuscode=1": "no line has res.statuscode; did you mean res.statusCode?",
        "req.statusCode=1": "no line has req.statusCode; did you mean res.statusCode?",
        "not userName=bob": "no line has userName; did you mean user_name?",
        "usre_name=bob": "no line has usre_name; did you mean user_name?",
        "x-id=1": "no line has x-id; did you mean res.headers.x-id?",
        "a.user_name=1": "no line has a.user_name; did you mean user_name?",
        "level>=warn or has elsewhere": "no line has elsewhere",
        ".level=warn": "no line has level",
    }.items(),
)
def test_case_field_that_no_line_has(query: str, hint: str) -> None:
    assert hints(query, NESTED, "plain text") == [hint]


def test_a_field_of_any_line_is_there() -> None:
    assert hints("msg=y and res.statusCode>=500", "a=1", NESTED) == []
    assert hints("level>=warn and text contains x and label.a=b", "a=1") == []


def test_each_field_is_named_once() -> None:
    found = hints("nope=1 and (nope=2 or neither=3)", "a=1")
    assert found == ["no line has nope", "no line has neither"]


def test_lines_without_any_fields_are_named() -> None:
    assert hints("foo=1", "plain text") == [
        "no line has foo; no line is JSON or has key=value pairs"
    ]


def test_nothing_is_said_before_there_is_a_line_or_where_few_were_read() -> None:
    assert hints("foo=1") == []
    assert hints("foo=1", "a=1", only_similar=True) == []
    assert hints("userName=1", NESTED, only_similar=True) != []


def test_it_is_false_once_all_were_seen() -> None:
    watch = FieldWatch([Query("a=1 and b=2").term])
    assert watch
    watch.see(lines("a=1"))
    assert watch
    watch.see(lines("b=1"))
    assert not watch
    assert not FieldWatch([Query("level>=warn").term])


def test_hostile_lines_are_bounded() -> None:
    deep = '{"a":' * 60 + "1" + "}" * 60
    wide = "{" + ",".join(f'"k{i}":{i}' for i in range(5000)) + "}"
    assert len(hints("nope.nowhere=1", deep, wide, '{"' + "x" * 9999 + '":1}')) == 1

"""The user's own format, and what is said about a bad one."""

from __future__ import annotations

import pytest

from lobtail.errors import QueryError
from lobtail.model.items import Item, Line, Stopped
from lobtail.render.stamps import find_zone
from lobtail.render.style import Style
from lobtail.render.template import FIELDS, TemplateFormatter
from support.golden import golden
from support.items import DB, EVIL, HOSTILE, ITEMS, NOW_NS, START_NS, WEB, line


def render(template: str, *items: Item, style: Style | None = None) -> bytes:
    chunks = TemplateFormatter(style or Style(), template).render(list(items), NOW_NS)
    return b"".join(chunk.data for chunk in chunks if not chunk.stderr)


ALL = (
    "{time} {container:<10.10}|{id:.4}|{image}|{project}|{service}|{host}|{stream}|{level:>5}|"
    "{text}"
)


def test_golden() -> None:
    golden("template.txt", render(ALL, *ITEMS))


def test_golden_on_a_terminal() -> None:
    golden("template-terminal.txt", render(ALL, *ITEMS, style=Style(safe=True, color=True)))


def test_the_template_of_the_help() -> None:
    shown = render("{time} {container} {text}", line(b"hello"))
    assert shown == b"2024-05-01T11:59:59.123456789Z app-web-1 hello\n"


def test_every_field_can_be_used() -> None:
    for name in FIELDS:
        render(f"{{{name}}}", line(b"x"))


def test_fields_of_lines_and_labels() -> None:
    json = line(b'{"user":{"id":7},"ok":true,"tags":["a"],"none":null}')
    assert render("{.user.id} {.ok} {.tags} {.none}{.missing}{label.tier}", json) == (
        b'7 true ["a"] front\n'
    )
    assert render("{.status}", line(b"status=200 ok")) == b"200\n"


def test_widths_are_pythons() -> None:
    assert render("{level:>6}|{level:*^7}|{container:.3}|", line(b"ERROR: x")) == (
        b" error|*error*|app|\n"
    )


def test_braces_and_escapes() -> None:
    assert render(r"{{{text}}}\t\\t\n.", line(b"x")) == b"{x}\t\\t\n.\n"


def test_times_have_the_style_and_the_zone_that_are_asked_for() -> None:
    style = Style(timestamps="short", zone=find_zone("+02:00"))
    assert render("{time}", line(b"x"), style=style) == b"13:59:59.123\n"
    assert render("{time}", line(b"x"), style=Style(timestamps="relative")) == b"-1m30s\n"
    assert render("{time}", line(b"x", time_ns=None)) == b"-\n"


def test_marks_go_to_stderr() -> None:
    chunks = TemplateFormatter(Style(), "{text}").render([line(b"x"), Stopped(DB, START_NS, 1)])
    assert [(chunk.stderr, chunk.data) for chunk in chunks] == [
        (False, b"x\n"),
        (True, b"-- app-db-1: stopped, exit code 1\n"),
    ]


def test_row_12_bytes_that_are_not_utf8_go_through_a_pipe() -> None:
    assert render("<{text}>", line(b"caf\xe9 \xed\xa0\x80")) == b"<caf\xe9 \xed\xa0\x80>\n"


def test_row_13_nothing_acts_on_a_terminal() -> None:
    items = [line(raw, EVIL) for raw in HOSTILE]
    shown = render("{container} {image} {text}", *items, style=Style(safe=True)).decode()
    assert all(character == "\n" or character.isprintable() for character in shown)


@pytest.mark.parametrize(
    ("template", "at", "words"),
    [
        ("{nope}", 1, "there is no field nope; there are time, container"),
        ("{time} {}", 8, "there is no field"),
        ("{text", 0, "has no }"),
        ("text}", 4, "has no {"),
        ("{text!r}", 5, "!r is no width"),
        ("{text:d}", 5, ":d is no width"),
        ("{text:{level}}", 5, "is no width"),
        ("{.}", 1, "there is no field"),
        ("{label.}", 1, "there is no field"),
        ("{text.x}", 1, "there is no field"),
    ],
)
def test_row_20_a_bad_template_is_pointed_at(template: str, at: int, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        TemplateFormatter(Style(), template)
    assert words in caught.value.message
    assert caught.value.position == at


def test_the_container_is_that_of_the_line() -> None:
    items: list[Line] = [line(b"1", WEB), line(b"2", DB)]
    assert render("{container}={text}", *items) == b"app-web-1=1\napp-db-1=2\n"

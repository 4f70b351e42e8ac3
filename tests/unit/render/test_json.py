"""The JSON format: one documented object a line, for lines as for marks."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail.core.model import Gap, Item, Line, Mark, Stopped
from lobtail.render.json import JsonFormatter
from lobtail.render.style import Style
from support.golden import golden
from support.items import DB, EVIL, HOSTILE, ITEMS, START_NS, WEB, line


def render(*items: Item, style: Style | None = None) -> bytes:
    chunks = JsonFormatter(style or Style()).render(list(items))
    assert not any(chunk.stderr for chunk in chunks)
    return b"".join(chunk.data for chunk in chunks)


def objects(*items: Item) -> list[dict[str, Any]]:
    return [json.loads(text) for text in render(*items).decode().split("\n")[:-1]]


def test_golden() -> None:
    golden("json.txt", render(*ITEMS))


def test_a_line() -> None:
    (found,) = objects(line(b"level=error msg=x", stderr=True))
    assert list(found.items()) == [
        ("v", 1),
        ("time", "2024-05-01T11:59:59.123456789Z"),
        ("container", "app-web-1"),
        ("id", "a" * 64),
        ("image", "web:1"),
        ("project", "app"),
        ("service", "web"),
        ("host", ""),
        ("stream", "stderr"),
        ("line", "level=error msg=x"),
        ("level", "error"),
        ("partial", False),
    ]


def test_what_is_not_known_is_null() -> None:
    (found,) = objects(line(b"x", time_ns=None))
    assert (found["time"], found["level"]) == (None, None)


def test_flags_and_details_are_there_where_they_hold() -> None:
    part = line(b"x", partial=True, unterminated=True, late=True)
    (found,) = objects(replace(part, raw_details=b"a=1,b+c=d%2Ce"))
    assert found["partial"] is True
    assert found["unterminated"] is True
    assert found["late"] is True
    assert found["details"] == {"a": "1", "b c": "d,e"}
    (plain,) = objects(line(b"x"))
    assert not {"unterminated", "late", "details", "line_base64"} & set(plain)


def test_bytes_that_are_not_utf8_come_in_base64_as_well() -> None:
    (found,) = objects(line(b"caf\xe9\r"))
    assert found["line"] == "caf\ufffd"
    assert b64decode(found["line_base64"]) == b"caf\xe9\r"


def test_the_cr_of_a_tty_is_left_out() -> None:
    assert objects(line(b"10%\r20%\r"))[0]["line"] == "10%\r20%"


@pytest.mark.parametrize("mark", [item for item in ITEMS if isinstance(item, Mark)])
def test_marks_are_objects(mark: Mark) -> None:
    (found,) = objects(mark)
    assert found["mark"] == mark.kind
    assert found["container"] == mark.container.name
    assert found["id"] == mark.container.id
    assert "line" not in found
    assert "stream" not in found


def test_a_mark_has_its_own_keys() -> None:
    (found,) = objects(Stopped(WEB, START_NS, 137, oom=True))
    assert (found["exit_code"], found["oom"]) == (137, True)
    assert found["time"] == "2024-05-01T11:59:59.123456789Z"
    assert objects(Gap(DB, None, "why"))[0]["reason"] == "why"


def test_marks_can_be_left_out() -> None:
    assert render(Stopped(WEB, 1, 0), style=Style(marks=False)) == b""


def test_a_container_that_is_renamed_has_its_new_name() -> None:
    formatter = JsonFormatter(Style())
    renamed = replace(WEB, name="new")
    names = [
        json.loads(formatter.render([line(b"x", container)])[0].data)["container"]
        for container in (WEB, renamed, WEB)
    ]
    assert names == ["app-web-1", "new", "app-web-1"]


def test_row_13_nothing_in_json_acts_or_hides() -> None:
    items = [line(raw, EVIL) for raw in HOSTILE] + [line("\U000e0041\u2028\xad".encode(), EVIL)]
    data = render(*items, Gap(EVIL, None, "\u202e\x9b\x7f"))
    for character in data.decode():
        assert character == "\n" or (character.isprintable() and character != "\x7f")
    for found, item in zip(objects(*items), items, strict=True):
        assert found["line"] == item.text
        assert found["container"] == EVIL.name


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_row_12_any_bytes_come_back(raws: list[bytes]) -> None:
    items = [line(raw) for raw in raws]
    for item, found in zip(items, objects(*items), strict=True):
        assert found["line"] == item.text
        if "line_base64" in found:
            assert b64decode(found["line_base64"]) == item.raw
        else:
            assert found["line"].encode() == item.raw.removesuffix(b"\r")


def test_a_line_per_item() -> None:
    assert render(*ITEMS).count(b"\n") == len(ITEMS)
    assert all(isinstance(item, Line | Mark) for item in ITEMS)

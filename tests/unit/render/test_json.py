"""The JSON format: one documented object a line, for lines as for marks."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail.model.items import Gap, Item, Line, Mark, Stopped
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
        ("v", 2),
        ("time", "2024-05-01T11:59:59.123456789Z"),
        ("container", "app-web-1"),
        ("id", "a" * 64),
        ("image", "web:1"),
        ("project", "app"),
        ("service", "web"),
        ("host", ""),
        ("labels", {"tier": "front"}),
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
    seldom = {"unterminated", "late", "details", "details_base64", "line_base64", "cr", "time_ns"}
    assert not seldom & set(plain)


def test_details_that_are_not_as_an_engine_writes_them_come_in_base64_as_well() -> None:
    (found,) = objects(replace(line(b"x"), raw_details=b"b=1,a=2"))
    assert list(found["details"].items()) == [("b", "1"), ("a", "2")]
    assert b64decode(found["details_base64"]) == b"b=1,a=2"
    (found,) = objects(replace(line(b"x"), raw_details=b"a=\xff"))
    assert found["details"] == {"a": "\ufffd"}
    assert b64decode(found["details_base64"]) == b"a=\xff"


def test_names_that_are_not_unicode_come_in_base64_as_well() -> None:
    ref = replace(DB, name="a\udcff", id="/logs/a\udcff")
    (found,) = objects(Gap(ref, None, "a\udcff"))
    shown = [found[key] for key in ("container", "id", "reason")]
    assert shown == ["a\ufffd", "/logs/a\ufffd", "a\ufffd"]
    for key in ("container", "reason"):
        assert b64decode(found[f"{key}_base64"]).decode("utf-8", "surrogatepass") == "a\udcff"
    assert "image_base64" not in found


def test_a_time_that_no_calendar_has() -> None:
    (found,) = objects(line(b"x", time_ns=10**21))
    assert (found["time"], found["time_ns"]) == (None, 10**21)


def test_bytes_that_are_not_utf8_come_in_base64_as_well() -> None:
    (found,) = objects(line(b"caf\xe9\r"))
    assert found["line"] == "caf\ufffd"
    assert b64decode(found["line_base64"]) == b"caf\xe9\r"


def test_the_cr_of_a_tty_is_no_part_of_the_text() -> None:
    with_cr, without = objects(line(b"10%\r20%\r"), line(b"30%"))
    assert (with_cr["line"], with_cr["cr"]) == ("10%\r20%", True)
    assert "cr" not in without


def test_labels_are_said_once_and_where_they_change() -> None:
    formatter = JsonFormatter(Style())
    changed = replace(WEB, labels={"tier": "back"})
    bare = replace(WEB, labels={})
    stopped = Stopped(WEB, START_NS)
    items: list[Item] = [line(b"a", DB), line(b"b"), line(b"c"), stopped, line(b"d", stderr=True)]
    items += [line(b"e", changed), Stopped(bare, START_NS), line(b"f", bare), stopped, line(b"g")]
    data = b"".join(formatter.render([item])[0].data for item in items)
    front = {"tier": "front"}
    expected = [None, front, None, None, None, {"tier": "back"}, {}, None, front, None]
    assert [json.loads(each).get("labels") for each in data.splitlines()] == expected
    assert data == render(*items), "whatever stands in a batch"


def test_labels_that_a_mark_has_changed_are_said_anew_with_the_next_line() -> None:
    bare = replace(WEB, labels={})
    found = objects(line(b"a"), line(b"b"), Stopped(bare, START_NS), line(b"c"), line(b"d"))
    front = {"tier": "front"}
    assert [each.get("labels") for each in found] == [front, None, {}, front, None]


def test_labels_are_not_said_with_a_mark_that_is_not_shown() -> None:
    items: list[Item] = [Stopped(WEB, START_NS), line(b"a")]
    (found,) = render(*items, style=Style(marks=False)).splitlines()
    assert json.loads(found)["labels"] == {"tier": "front"}


def test_labels_are_said_again_when_many_containers_were_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lobtail.render.json._MAX_CACHED", 2)
    refs = [replace(WEB, id=f"{number}") for number in range(4)]
    found = objects(*(line(b"x", ref) for ref in (*refs, *refs, DB)))
    assert all(each["labels"] == {"tier": "front"} for each in found[:-1])
    assert found[-1]["labels"] == {}, "what was said of it before is not known"


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

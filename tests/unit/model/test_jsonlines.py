"""What `-o json` has written is read back, all of it; nothing else is taken for it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail.errors import CodecError
from lobtail.model import jsonlines
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line, Started
from lobtail.model.jsonlines import JsonDecoder
from lobtail.render.json import VERSION, JsonFormatter
from lobtail.render.style import Style
from support.any_items import any_items
from support.golden import GOLDEN
from support.items import DB, EVIL, ITEMS, OLD_ITEMS, START_NS, WEB, line


def saved(batches: list[list[Item]]) -> bytes:
    formatter = JsonFormatter(Style())
    return b"".join(chunk.data for items in batches for chunk in formatter.render(items))


def read(data: bytes) -> list[Item | None]:
    return JsonDecoder().decode_lines(data)


@given(st.lists(any_items, max_size=3))
def test_all_of_an_item_comes_back(batches: list[list[Item]]) -> None:
    data = saved(batches)
    items = read(data)
    assert items == [item for items in batches for item in items]
    assert saved([items]) == data  # type: ignore[list-item]


@given(any_items)
def test_the_order_of_keys_does_not_matter(items: list[Item]) -> None:
    sort = [json.dumps(json.loads(each), sort_keys=True) for each in saved([items]).splitlines()]
    decoder = JsonDecoder()
    assert [decoder.decode(each.encode()) for each in sort] == items


def test_the_version_that_is_written_can_be_read() -> None:
    assert jsonlines.VERSIONS[-1] == VERSION
    assert read((GOLDEN / "json.txt").read_bytes()) == [*ITEMS]


def test_version_1_can_be_read() -> None:
    """It had no labels, and left the CR of a TTY out."""

    def expected(item: Item) -> Item:
        item = replace(item, container=replace(item.container, labels={}))
        if isinstance(item, Line) and b"\xff" not in item.raw:
            item = replace(item, raw=item.raw.removesuffix(b"\r"))
        return item

    assert read((GOLDEN / "json-1.txt").read_bytes()) == [*map(expected, OLD_ITEMS)]


def test_details_of_version_1() -> None:
    data = b'{"v":1,"id":"a","container":"a","line":"x","details":{"b":"1, 2","a":"3"}}'
    item = JsonDecoder().decode(data)
    assert isinstance(item, Line)
    assert item == Line(
        ContainerRef("a", "a"), Stream.STDOUT, None, b"x", raw_details=b"a=3,b=1%2C+2"
    )


def test_lines_of_one_container_are_of_one_object() -> None:
    items = read(
        saved([[line(b"a"), line(b"b", DB), Started(WEB, 1), line(b"c", EVIL), line(b"d")]])
    )
    one, other, two, _, three = (item.container for item in items if item)
    assert one is two is three
    assert one.labels == WEB.labels
    assert other == DB


def test_what_is_said_of_containers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "_MAX_CONTAINERS", 3)
    decoder = JsonDecoder()
    items: list[Item] = [line(b"x", replace(DB, id=f"{number}")) for number in range(10)]
    assert decoder.decode_lines(saved([items])) == items
    assert len(decoder._containers) <= 3


GOOD = saved([[line(b"hello")]]).rstrip()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `v`"),
        (b'{"v":3,"id":"a","container":"a","line":"x"}', "version 3 is none of 1, 2"),
        (b'{"v":2,"id":"a","container":"a"}', "neither a line nor a mark"),
        (b'{"v":2,"id":"a","container":"a","line":"x","mark":"gap"}', "neither a line nor a mark"),
        (b'{"v":2,"id":"a","container":"a","mark":"party"}', "party"),
        (b'{"v":2,"id":"a","container":"a","line":"x","stream":"stdmid"}', "stdmid"),
        (b'{"v":2,"id":"a","container":"a","line":"x","time":"yesterday"}', "yesterday"),
        (b'{"v":2,"id":"a","container":"a","line":"x","time":"2026-13-01T00:00:00Z"}', "month 13"),
        (b'{"v":2,"id":"a","container":"a","line":"x","line_base64":"*"}', "ase64"),
        (b'{"v":2,"id":"a","container":"a","line":"x","id_base64":"/w=="}', "utf-8"),
        (b'{"v":2,"id":"a","container":"a","line":"\xff"}', "UTF-8"),
        (b'{"v":2,"id":"a","container":"a","line":"x","labels":[]}', "Expected `object"),
        (b'{"v":2,"id":"a","container":"a","mark":"stopped","exit_code":1e99}', "Expected `int"),
        (b'{"v":' + b"9" * 10_000 + b"}", "out of range"),
        (b'{"v":2,"id":"a","container":"a","line":"x","y":' + b"[" * 200_000, "recursion"),
        (b"[" * 200_000, "Expected `object`"),
        (GOOD[:-1], "truncated"),
        (GOOD + GOOD, "trailing characters"),
    ],
)
def test_what_is_no_item(data: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        JsonDecoder().decode(data)
    first, broken, last = JsonDecoder().decode_lines(GOOD + b"\n" + data + b"\n" + GOOD + b"\n")
    assert first == last == line(b"hello"), "those around it are read"
    assert broken is None


@given(st.binary(max_size=60))
def test_any_bytes_are_items_or_an_error(data: bytes) -> None:
    with suppress(CodecError):
        JsonDecoder().decode(data)


@given(any_items, st.data())
def test_damaged_lines_are_items_or_an_error(items: list[Item], data: st.DataObject) -> None:
    text = bytearray(saved([items]) + b"\n")
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    found = read(bytes(text) + b"\n")
    assert len(found) == text.count(b"\n") + 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


@given(
    st.dictionaries(st.sampled_from(jsonlines._Object.__struct_fields__), _json),
    st.sampled_from([line(b"x"), Gap(DB, 1, "why")]),
)
def test_any_values_are_items_or_an_error(values: dict[str, object], item: Item) -> None:
    found = json.loads(saved([[item]]))
    with suppress(CodecError):
        JsonDecoder().decode(json.dumps(found | values).encode())


def test_times_that_others_write() -> None:
    decoder = JsonDecoder()
    for stamp, expected in (
        ("2024-05-01T11:59:59.123456789Z", START_NS),
        ("2024-05-01T13:59:59.123456789+02:00", START_NS),
        ("2024-05-01T11:59:59Z", START_NS // 10**9 * 10**9),
        ("2024-05-01T11:59:59.5Z", START_NS // 10**9 * 10**9 + 5 * 10**8),
    ):
        data = json.dumps({"v": 2, "id": "a", "container": "a", "line": "x", "time": stamp})
        assert decoder.decode(data.encode()).time_ns == expected

"""Batches: every item comes back as it was, and nothing else is taken for one."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from lobtail.errors import CodecError
from lobtail.model import codec
from lobtail.model.codec import Batch, Decoder, Encoder
from lobtail.model.items import ContainerRef, Item, Line, Started
from support.any_items import any_items
from support.golden import GOLDEN
from support.items import DB, ITEMS, OLD_ITEMS, WEB, line


def decode(data: bytes) -> Batch:
    return Decoder().decode(data)


@given(any_items, st.binary(max_size=20))
def test_all_of_an_item_comes_back(items: list[Item], position: bytes) -> None:
    assert decode(Encoder().encode(items, position)) == (items, position)


@given(st.lists(any_items, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_batches_are_a_sequence(batches: list[list[Item]], again: list[bool]) -> None:
    encoder, decoder = Encoder(), Decoder()
    for items, twice in zip(batches, again, strict=False):
        assert decoder.decode(encoder.encode(items)).items == items
        if twice:
            assert decoder.decode(encoder.encode(items)).items == items


def test_all_marks_have_a_name() -> None:
    items = list(ITEMS)
    assert decode(Encoder().encode(items)).items == items
    assert {type(item) for item in items} == {Line, *codec.MARKS.values()}


def test_a_container_is_written_once() -> None:
    labelled = ContainerRef("c" * 64, "web", labels={"label": "x" * 1000})
    encoder = Encoder()
    sizes = [len(encoder.encode([line(b"x", labelled)] * count)) for count in (1, 1, 1000)]
    assert sizes[0] > 1000
    assert sizes[1] < 50
    assert sizes[2] < 1000 * 6, "head, time, size and text"


def test_lines_of_one_container_are_of_one_container_again() -> None:
    items = decode(
        Encoder().encode([line(b"a"), Started(WEB, 1), line(b"b"), line(b"c", DB)])
    ).items
    assert items[0].container is items[1].container is items[2].container


def test_numbers_of_containers_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_CONTAINERS", 3)
    encoder, decoder = Encoder(), Decoder()
    for number in range(20):
        items: list[Item] = [line(b"x", ContainerRef(f"{number}", "a")), line(b"y", WEB)]
        assert decoder.decode(encoder.encode(items)).items == items
    assert len(decoder._containers) <= 5
    assert len(encoder._containers) <= 5


def test_a_batch_that_is_not_the_next_one() -> None:
    encoder = Encoder()
    first, second = encoder.encode([line(b"a")]), encoder.encode([line(b"b"), line(b"c", DB)])
    with pytest.raises(CodecError, match="a batch before it is missing"):
        decode(second)
    decoder = Decoder()
    decoder.decode(first)
    for cut in range(len(second)):
        with pytest.raises(CodecError):
            decoder.decode(second[:cut])
    assert decoder.decode(second).items == [line(b"b"), line(b"c", DB)], "as if nothing was"


def test_another_version() -> None:
    with pytest.raises(CodecError, match="found version 2, expected 1"):
        decode(b"\x02" + Encoder().encode([])[1:])
    with pytest.raises(CodecError, match="found nothing"):
        decode(b"")


def test_what_version_1_has_saved_is_readable_for_ever() -> None:
    saved = GOLDEN / "batch-1.bin"
    if os.environ.get("LOBTAIL_UPDATE_GOLDEN") == "1":
        saved.write_bytes(Encoder().encode([*OLD_ITEMS], b"position"))
    assert decode(saved.read_bytes()) == ([*OLD_ITEMS], b"position")


@given(st.binary(max_size=200))
def test_any_bytes_are_items_or_an_error(data: bytes) -> None:
    for each in (data, b"\x01" + data):
        with contextlib.suppress(CodecError):
            decode(each)


@given(any_items, st.data())
def test_damaged_batches_are_items_or_an_error(items: list[Item], data: st.DataObject) -> None:
    batch = bytearray(Encoder().encode(items))
    place = data.draw(st.integers(0, len(batch) - 1))
    batch[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CodecError):
        decode(bytes(batch))


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-2, 2), inner),
)


@given(st.lists(_values, min_size=9, max_size=9))
def test_any_values_are_items_or_an_error(values: list[object]) -> None:
    batch = msgpack.decode(Encoder().encode([line(b"x"), Started(WEB, 1)], b"p")[1:])
    for i, value in enumerate(values):
        changed = [*batch[:i], value, *batch[i + 1 :]]
        with contextlib.suppress(CodecError):
            decode(b"\x01" + msgpack.encode(changed))


@pytest.mark.parametrize(
    "data",
    [
        b"\x91" * 100_000,
        b"\x99\x00\x90\x90\x90\x90\x80\x90\x90" + b"\x91" * 100_000,
        b"\x9a\x00\x90\x90\x90\x90\x80\x90\x90\xc4\x00" + b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\x99\x00\xdd\xff\xff\xff\xff",
        b"\x99\x00\x90\x90\x90\x90\x80\xdd\xff\xff\xff\xff",
        b"\x99\x00\x90\x90\x90\x90\xdf\xff\xff\xff\xff",
        b"\x99\x00\x90\x90\x90\x90\x80\x90\x90\xc6\xff\xff\xff\xff",
    ],
)
def test_deep_and_large_claims_are_errors(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(b"\x01" + data)


def test_more_than_a_batch() -> None:
    with pytest.raises(CodecError, match="larger than"):
        decode(b"\x01" + bytes(codec.MAX_BATCH))

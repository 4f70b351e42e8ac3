"""JSON of reports and lists: as JSON it is what it was, and on a terminal nothing in it acts."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.frame_inspector import WireFrame
from lobtail.model.sanitize import sanitize
from lobtail.render.escaped import encode_json
from lobtail.render.frames import as_json

EVIL = "\x1b[2J\x1b]0;title\x07\x9b2J\x7f\u202e\u200b\u2028\U000e0001"


class Row(msgspec.Struct):
    name: str
    more: list[str]


@given(st.text(st.characters(codec="utf-8")))
def test_it_is_the_same_value_and_safe_on_a_terminal(text: str) -> None:
    for name in (text, text + EVIL):
        data = encode_json(Row(name, [name])).decode()
        assert json.loads(data) == {"name": name, "more": [name]}
        assert sanitize(data) == data


def test_bytes_that_are_no_text() -> None:
    # As a path or an argument has them.
    path = b"/x\xff".decode("utf-8", "surrogateescape")
    data = encode_json({"row": Row(path, [path + EVIL, "ä"]), "n": 1})
    expected = {"name": "/x\ufffd", "more": ["/x\ufffd" + EVIL, "ä"]}
    assert json.loads(data) == {"row": expected, "n": 1}
    assert sanitize(data.decode()) == data.decode()


def test_a_frame() -> None:
    data = as_json(WireFrame(0, b"\1\0\0\0\0\0\0\1", 1, EVIL.encode())).removesuffix("\n")
    assert json.loads(data)["preview"] == EVIL
    assert sanitize(data) == data

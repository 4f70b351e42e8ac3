"""json-file: every record as the API sends it, in bulk and one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.files.formats import Show, joined
from lobtail.files.jsonfile import JsonFile
from lobtail.model.records import Record
from support.log_files import START, Message, json_record
from support.records import sent, text_of
from unit.files.messages import as_stored, messages

FORM = JsonFile()


def decode(data: bytes, *, details: bool = False) -> list[Record]:
    decoded = FORM.messages(data, 0, details=details)
    assert not decoded.holes
    assert decoded.used == len(data)
    return decoded.records


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b'a "quoted" text',
        rb"C:\new\table",
        b"C:\\",
        b"tab\tbell\x07nul\x00esc\x1b[31m",
        b"carriage\r",
        b"<html>&amp;",
        "größer als ünïcode \u2028 \u2029 \U0001f40b".encode(),
        b"not \xff UTF-8 \xc3",
        b'","stream":"stdout","time":"2006-01-02T15:04:05.1Z"}\n{"log":"',
        b"\\n",
        b"\\\\n",
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_texts(text: bytes, ended: bool) -> None:
    message = as_stored(Message(text, ended=ended), "json-file")
    line = json_record(message)
    for data in (line, line * 3, json_record(Message(b"before")) + line):
        assert decode(data)[-1] == message.record()


@pytest.mark.parametrize(
    ("time_ns", "stamp"),
    [
        (START, b"2023-11-14T22:13:20.000000000Z"),
        (START + 1, b"2023-11-14T22:13:20.000000001Z"),
        (START + 120_000_000, b"2023-11-14T22:13:20.120000000Z"),
    ],
)
def test_stamps_have_nine_digits(time_ns: int, stamp: bytes) -> None:
    line = json_record(Message(b"x", time_ns=time_ns))
    assert (b".000" in line) == (stamp[20:23] == b"000" and stamp[28:29] != b"0")
    assert [sent(frame) for frame in decode(line * 2)] == [stamp + b" x\n"] * 2


def test_details_are_sorted_and_escaped() -> None:
    attrs = {"tag": "a b", "env": "x,y=z", "Label": "ä~*"}
    message = Message(b"x", attrs=attrs)
    assert decode(json_record(message), details=True) == [message.record(details=True)]
    assert b" Label=%C3%A4~%2A,env=x%2Cy%3Dz,tag=a+b x\n" in message.payload(details=True)
    assert decode(json_record(message)) == [message.record()]
    assert decode(json_record(Message(b"x")), details=True)[0].details == b""


@given(st.lists(messages("json-file"), max_size=12))
def test_in_bulk_is_as_one_by_one(batch: list[Message]) -> None:
    data = b"".join(map(json_record, batch))
    exact = FORM.exact(data, 0, details=False)
    assert exact.records == [message.record() for message in batch]
    assert FORM.messages(data, 0, details=False) == exact
    for show in (Show(), Show(stderr=False), Show(stdout=False), Show(timestamps=True)):
        assert FORM.runs(data, len(data), 0, show) == joined(exact, show)
    detailed = FORM.messages(data, 0, details=True)
    assert detailed.records == [message.record(details=True) for message in batch]


def test_what_go_mends_is_mended() -> None:
    time = b'"stream":"stdout","time":"2023-11-14T22:13:20.5Z"}\n'
    lines = {
        b'{"log":"a\xffb\\n",': "a\ufffdb\n",
        b'{"log":"a\xe2\x28\xa1\\n",': "a\ufffd(\ufffd\n",
        b'{"log":"\\ud800x\\n",': "\ufffdx\n",
        b'{"log":"\\\\ud800\\ud83d\\udc0b\\n",': "\\ud800\U0001f40b\n",
        b'{"log":"a\x01b\\n",': "a\x01b\n",
        b'{"log":"\\b\\f\\t\\/\\u003C\\n",': "\b\f\t/<\n",
    }
    for line, text in lines.items():
        assert [text_of(f) for f in decode(line + time)] == [text.encode()], line
    assert [text_of(f) for f in decode(time.replace(b'"stream', b'{"stream', 1))] == [b""]

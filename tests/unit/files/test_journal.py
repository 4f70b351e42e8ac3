"""What journalctl has written, as JSON or as an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.files import Damage, open_log
from lobtail.files import log_file as part_module
from lobtail.files.detect import make_format
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from support.chance import examples
from support.records import sent, text_of

MICROS = 1767225600500000
STAMP = b"2026-01-01T00:00:00.500000000Z "


def as_json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def as_export(fields: dict[str, Any]) -> bytes:
    out = b"__CURSOR=s=1;i=2\n"
    for name, value in fields.items():
        data = value if isinstance(value, bytes) else str(value).encode()
        if b"\n" in data or not data.isascii():
            out += b"%b\n%b%b\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
        else:
            out += b"%b=%b\n" % (name.encode(), data)
    return out + b"\n"


def entry(text: Any, number: int = 0, **more: Any) -> dict[str, Any]:
    realtime = str(MICROS + number)
    return {"__REALTIME_TIMESTAMP": realtime, "_COMM": "app", **more, "MESSAGE": text}


def read(path: Path, **options: Any) -> tuple[list[Record], list[Damage]]:
    with open_log(path) as files:
        assert files.driver == "journald"
        items = list(files.messages(**options))
    frames = [frame for item in items if isinstance(item, list) for frame in item]
    return frames, [item for item in items if isinstance(item, Damage)]


def texts(path: Path, **options: Any) -> list[bytes]:
    return [text_of(frame) for frame in read(path, **options)[0]]


def test_case_log_names_journalctl(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_bytes(as_json(entry("from journald", PRIORITY="3")))
    frames, damages = read(path)
    assert frames == [record_of(Stream.STDERR, STAMP + b"from journald\n")]
    assert not damages


@pytest.mark.parametrize("write", [as_json, as_export])
def test_what_entries_mean(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "journal"
    entries = [
        entry("info", PRIORITY="6"),
        entry("warning", PRIORITY="4"),
        entry("fatal", PRIORITY="0"),
        entry("none"),
        entry("two\nlines"),
        entry("half ", CONTAINER_PARTIAL_MESSAGE="true"),
        entry("whole"),
        entry("exact", SYSLOG_TIMESTAMP="2026-01-01T00:00:00.123456789Z", CONTAINER_ID="ab"),
        entry("", SYSLOG_TIMESTAMP="Jan  1 00:00:00 "),
        entry("ünï", MY_FIELD="a b", CONTAINER_NAME="web"),
    ]
    path.write_bytes(b"".join(map(write, entries)))
    frames, damages = read(path)
    assert not damages
    assert [sent(frame).partition(b" ")[2] for frame in frames] == [
        b"info\n",
        b"warning\n",
        b"fatal\n",
        b"none\n",
        b"two\n",
        b"lines\n",
        b"half ",
        b"whole\n",
        b"exact\n",
        b"\n",
        "ünï\n".encode(),
    ]
    assert [i for i, frame in enumerate(frames) if frame.stream is Stream.STDERR] == [2]
    assert sent(frames[8]) == b"2026-01-01T00:00:00.123456789Z exact\n"
    assert sent(frames[9]) == STAMP + b"\n"
    detailed, _ = read(path, details=True)
    assert sent(detailed[-1], details=True) == STAMP + b"MY_FIELD=a+b " + "ünï\n".encode()
    assert sent(detailed[0], details=True) == STAMP + b" info\n"


def test_values_of_json(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    values = [
        [104, 105, 255],
        ["first", "second"],
        [[104, 105], "x"],
        None,
        {"a": 1},
        [300],
        [True],
    ]
    path.write_bytes(b"".join(as_json(entry(value)) for value in values) + b"rubbish\n")
    frames, damages = read(path)
    assert [text_of(frame) for frame in frames] == [b"hi\xff\n", b"first\n", b"hi\n"]
    assert "--all" in damages[0].reason
    assert sum(damage.size for damage in damages) == sum(
        len(as_json(entry(value))) for value in values[3:]
    ) + len(b"rubbish\n")


@pytest.mark.parametrize("before", [b"\x1e", b"data: "])
def test_what_may_stand_before_objects(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "journal.json"
    path.write_bytes(b"".join(before + as_json(entry(f"line {i}", i)) + b"\n" for i in range(9)))
    assert texts(path) == [b"line %d\n" % i for i in range(9)]
    assert read(path)[1] == []


@pytest.mark.parametrize("write", [as_json, as_export])
def test_ends_and_moments(tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    pad = "x" * 300
    batch = [entry(f"line {i}\n{pad}", i * 1000, PAD=pad) for i in range(2000)]
    data = b"".join(map(write, batch))
    path.write_bytes(data)
    expected = [line for i in range(2000) for line in (b"line %d\n" % i, pad.encode() + b"\n")]
    assert texts(path) == expected
    for count in (1, 2, 3, 1001, 3999, 4000, 5000):
        assert texts(path, tail=count) == expected[-count:]
    since = (MICROS + 1500 * 1000) * 1000
    assert texts(path, since=since) == expected[3000:]
    assert texts(path, until=since - 1) == expected[:3000]
    path.write_bytes(data[:-1])
    assert texts(path) == expected
    for size in (1, 7, 100, 1000):
        monkeypatch.setattr(part_module, "BLOCK", size)
        path.write_bytes(b"".join(map(write, batch[:20])))
        assert texts(path) == expected[:40]


@pytest.mark.parametrize("write", [as_json, as_export])
@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_damaged_entries(write: Any, data: st.DataObject) -> None:
    form = make_format("journald" if write is as_json else "journald-export")
    batch = [entry(f"line {i}" + "\nmore" * (i % 3 == 0), i) for i in range(30)]
    records = [write(one) for one in batch]
    whole = b"".join(records)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 200)))
    token = st.sampled_from(
        [b"\n\n", b"MESSAGE\n" + b"\xff" * 8, b"=", bytes(9), b"[" * 5000, b"\xff"]
    )
    new = data.draw(st.one_of(st.binary(max_size=20), token))
    damaged = whole[:start] + new + whole[stop:]
    decoded = form.messages(damaged, 0, details=data.draw(st.booleans()))
    rest = form.remainder(damaged[decoded.used :], decoded.used, live=False, details=False)
    frames = decoded.records + rest.records
    found = {text_of(frame).strip() for frame in frames}
    offset = 0
    for i, record in enumerate(records):
        end = offset + len(record)
        # A size may take the next entry along, and the end of one the beginning of the next.
        near = 2 * len(record)
        if end + near <= start or offset - near >= stop:
            assert b"line %d" % i in found, (damaged, frames)
        offset = end

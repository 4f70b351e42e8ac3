"""Whatever bytes a log file holds: each way to read it gives its records, and our errors only."""

from __future__ import annotations

import tempfile
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.errors import LogFileError
from lobtail.files import Damage, LogFiles, MissingRecords, SkippedRecords, open_log
from lobtail.files import log_file as part_module
from lobtail.files.detect import make_format
from lobtail.model.records import Record
from lobtail.query.literals import Literals
from support.chance import examples
from support.log_files import START, WRITERS, Message, compressed, local_record, varint
from support.records import sent, text_of
from unit.files.messages import as_stored

NAMES = {
    "json-file": "c-json.log",
    "local": "container.log",
    "k8s-file": "ctr.log",
    "stream": "capture",
}
EXAMPLES = examples(30)
STAMP = b"2023-11-14T22:13:20.000000000Z"
DEEP = b"[" * 20_000
DIGITS = b"9" * 5000
STAMPS = [
    b"0000-01-01T00:00:00Z",
    b"9999-12-31T23:59:59.999999999-23:59",
    b"0000-01-01T00:00:00+23:59",
    b"2026-13-41T25:61:61Z",
    b"2026-01-01T00:00:00." + DIGITS + b"Z",
    b"2026-01-01T00:00:00+99:99",
    "٢٠٢٦-01-01T00:00:00Z".encode(),
    b"",
]
JSON = b'{"log":%b,"stream":%b,"time":%b}\n'
TEXT, OUT, TIME = b'"x\\n"', b'"stdout"', b'"2026-01-01T00:00:00Z"'


def of_json() -> list[bytes]:
    odd = [b"null", b"1", DIGITS, b"-" + DIGITS, b"1e999", b"NaN", b'"\\ud800"', b'"\xff\n', DEEP]
    odd += [b"[" * 500 + b"]" * 500, b'{"a":' * 300 + b"1" + b"}" * 300, b'"\\u0000"', b"{}"]
    records = [JSON % (value, OUT, TIME) for value in odd]
    records += [JSON % (TEXT, value, TIME) for value in [*odd, b'"stdin"', b'"stdout\\u0000"']]
    records += [JSON % (TEXT, OUT, value) for value in odd]
    records += [JSON % (TEXT, OUT, b'"%b"' % value) for value in STAMPS]
    for value in (*odd, b'{"a":1}', b'{"a":"\\ud800"}', b'{"\xff":"b"}'):
        records.append(JSON.replace(b"time", b'attrs":%b,"time') % (TEXT, OUT, value, TIME))
        records.append(JSON.replace(b"time", b'other":%b,"time') % (TEXT, OUT, value, TIME))
    return [*records, b'{"log":"' * 50, b'{"log":"\\' * 9, b'{"stream":"stdout","attrs":{"":"' * 9]


def of_local() -> list[bytes]:
    def record(entry: bytes) -> bytes:
        size = len(entry).to_bytes(4, "big")
        return size + entry + size

    head = b"\n\x06stdout\x10"
    times = [b"\xff" * 9, b"\xff" * 8 + b"\x7f", b"\xff" * 20, b"\x00", varint(-1), varint(1 << 63)]
    entries = [head + time + b"\x1a\x01x" for time in times]
    good = head + varint(START)
    ends = (b"\x1a\xff", b"\x1a" + b"\xff" * 10, b"\x2a\x02\x08\x01", b"\x0b\x0c", b"\x32\x01\x0a")
    entries += [good + rest for rest in ends]
    entries += [good + b"\x32\x04\x08\x01\x10\x01", good + b"\x10\x01", good + b"\x1a\x05ab"]
    sizes = [b"\x00\x1f\xff\xff", b"\x00\x20\x00\x00", b"\xff" * 4, bytes(4), b"\x00\x00\x00\x11"]
    return [*map(record, entries), *(size + head for size in sizes), local_record(Message(b"in"))]


def of_k8s() -> list[bytes]:
    records = [stamp + b" stdout F x\n" for stamp in STAMPS]
    records += [STAMP + rest for rest in (b"\n", b" stdout\n", b" stdin F x\n", b" stdout X x\n")]
    return [*records, STAMP + b" stdout F:" + DIGITS, STAMP * 40, b" stdout F ", b" stdout P \n"]


def of_capture() -> list[bytes]:
    heads = [
        b"\x01\0\0\0" + size for size in (b"\xff" * 4, b"\0\x1f\xff\xff", bytes(4), b"\0\0\0\1")
    ]
    return [*heads, b"\x03\0\0\0\0\0\0\x04\xff\n\0\x1b", b"\0" * 8, b"\x01", b"\x04\0\0\0\0\0\0\1x"]


SPECIAL = {
    "json-file": of_json(),
    "local": of_local(),
    "k8s-file": of_k8s(),
    "stream": of_capture(),
}
COMMON = [
    bytes(1),
    bytes(7),
    bytes(5000),
    b"\n",
    b"\r\n\r\n",
    b"\xff\xfe",
    b"x" * 5000,
    DEEP,
    b"\x1f\x8b",
]


@st.composite
def damages(draw: st.DrawFn, driver: str, data: bytes) -> tuple[bytes, int, int]:
    """Return a damaged file, and from where to where of what was written it is."""
    start = draw(st.integers(0, len(data)))
    stop = draw(st.one_of(st.just(start), st.integers(start, min(len(data), start + 200))))
    tokens = st.sampled_from(COMMON + SPECIAL[driver])
    other = st.one_of(st.binary(max_size=20), tokens, st.just(data[max(0, start - 90) : start]))
    new = b"".join(draw(st.lists(other, max_size=4)))
    return data[:start] + new + data[stop:], start, stop


def frames_of(items: list[object]) -> list[Record]:
    return [frame for item in items if isinstance(item, list) for frame in item]


def read_all(files: LogFiles, stamped: bool, middle: int) -> list[object]:
    """Read a log in every way, and hold them against one another; return what it holds."""
    whole: list[object] = list(files.messages())
    frames = frames_of(whole)
    lost = [item for item in whole if isinstance(item, Damage)]
    detailed = list(files.messages(details=True))
    assert len(frames_of([*detailed])) == len(frames)
    shown = list(files.runs())
    texts = b"".join(frame.payload for run in shown if isinstance(run, list) for frame in run)
    assert texts == b"".join(map(text_of, frames))
    assert [item for item in shown if isinstance(item, Damage)] == lost
    for count in (1, 7, len(frames) + 1):
        assert frames_of([*files.messages(tail=count)]) == frames[-count:]
    wanted = Literals((("line 7", "x"),))
    for context in (None, (1, 1)):
        found = frames_of([*files.messages(wanted=wanted, context=context)])
        assert [frame for frame in frames if b"line 7" in sent(frame)] == [
            frame for frame in found if b"line 7" in sent(frame)
        ]
    if stamped:
        since = frames_of([*files.messages(since=middle)])
        assert since == [frame for frame in frames if (frame.time_ns or 0) >= middle]
        list(files.messages(until=middle))
        list(files.messages(since=middle, wanted=wanted, tail=5))
    if files.paths[-1] not in {
        item.path for item in lost if item.reason.startswith("the compress")
    }:
        try:
            with files.tail() as tail:
                assert not [
                    item
                    for item in tail.read()
                    if isinstance(item, (MissingRecords, SkippedRecords))
                ]
        except LogFileError as exc:
            assert "nothing is written" in str(exc)  # noqa: PT017
    return whole


@pytest.mark.parametrize("driver", WRITERS)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_way_to_read_any_bytes(driver: str, data: st.DataObject) -> None:
    batch = [
        as_stored(Message(b"line %d" % i, time_ns=START + i * 10**9), driver) for i in range(40)
    ]
    records = [WRITERS[driver](message) for message in batch]
    damaged, start, stop = data.draw(damages(driver, b"".join(records)))
    rotated = data.draw(st.booleans())
    packed = data.draw(st.booleans()) and rotated
    stamped = driver != "stream"
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_module, "BLOCK", data.draw(st.sampled_from([61, 700, 1 << 18])))
        path = Path(folder, NAMES[driver])
        older = path.with_name(path.name + (".1.gz" if packed else ".1"))
        if rotated:
            older.write_bytes(compressed(damaged) if packed else damaged)
            path.write_bytes(WRITERS[driver](batch[-1]))
        else:
            path.write_bytes(damaged)
        with open_log(path, driver) as files:
            whole = read_all(files, stamped, batch[25].time_ns)
    found = frames_of(whole)
    ends = list(accumulate(map(len, records)))
    # Damage may take the record beside it along, for it may have its border; or be a frame's size.
    near = 1 if stamped else 20
    first = sum(end <= start for end in ends) - near
    behind = sum(end - len(record) < stop for end, record in zip(ends, records, strict=True)) + near
    kept = batch[: max(0, first)] + batch[behind:]
    if stamped:
        rest = iter(found)
        assert all(message.record() in rest for message in kept), (damaged, found)
    else:  # a frame whose size is damaged has others as its text
        text = b"".join(sent(frame) for frame in found)
        assert all(message.shown() in text for message in kept), (damaged, found)
    if driver in ("json-file", "k8s-file"):
        holes = [(d.offset, d.offset + d.size) for d in whole if isinstance(d, Damage)]
        form = make_format(driver)
        offset = 0
        for line in damaged.splitlines(keepends=True) if b"\r" not in damaged else []:
            end = offset + len(line)
            if (
                line.strip()
                and not form.messages(line.rstrip(b"\n") + b"\n", 0, details=False).records
            ):
                assert any(low < end and high > offset for low, high in holes), (line, holes)
            offset = end


@given(data=st.binary(max_size=400), driver=st.sampled_from([*WRITERS, "auto"]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_bytes_of_no_log(data: bytes, driver: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c-json.log")
        path.write_bytes(data)
        path.with_name("c-json.log.1.gz").write_bytes(b"\x1f\x8b" + data)
        try:
            files = open_log(path, driver)
        except LogFileError as exc:
            assert "\n" not in str(exc)  # noqa: PT017
            return
        with files:
            read_all(files, files.driver != "stream", START)

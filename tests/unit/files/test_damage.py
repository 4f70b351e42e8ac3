"""Damaged files: every intact record comes out, once, in order, and the rest is told."""

from __future__ import annotations

import gzip
import os
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.files import Damage, SkippedRecords, open_log
from lobtail.files import log_file as part_module
from lobtail.files.detect import make_format
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from lobtail.query.literals import Literals
from support.chance import examples
from support.log_files import START, WRITERS, Message, compressed, json_record, local_record
from support.records import sent, text_of
from unit.files.messages import as_stored, messages

DRIVERS = ["json-file", "local", "k8s-file"]
NAMES = {"json-file": "c-json.log", "local": "container.log", "k8s-file": "ctr.log"}


def read(data: bytes, driver: str, *, rotated: bytes | None = None) -> list[Record | Damage]:
    """Return what `messages` gives of a log; that `runs` gives the same is checked on the way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAMES.get(driver, "capture"))
        path.write_bytes(data)
        if rotated is not None:
            path.with_name(path.name + ".1").write_bytes(rotated)
        with open_log(path, driver) as files:
            items: list[Record | Damage] = []
            for item in files.messages():
                assert not isinstance(item, SkippedRecords)
                items += [item] if isinstance(item, Damage) else item
            shown: list[bytes | Damage] = []
            for run in files.runs():
                shown += [run] if isinstance(run, Damage) else [f.payload for f in run]
            texts = (text_of(x) for x in items if isinstance(x, Record))
            assert b"".join(x for x in shown if isinstance(x, bytes)) == b"".join(texts)
            assert [x for x in shown if isinstance(x, Damage)] == damages(items)
            return items


def frames(items: list[Record | Damage]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def damages(items: list[Record | Damage]) -> list[Damage]:
    return [item for item in items if isinstance(item, Damage)]


def is_subsequence(some: list[Record], of: list[Record]) -> bool:
    rest = iter(of)
    return all(frame in rest for frame in some)


@pytest.fixture(params=[7, 64, 1 << 18])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(part_module, "BLOCK", request.param)
    return int(request.param)


@pytest.mark.parametrize("driver", [*DRIVERS, "stream"])
def test_at_any_split(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [b"", b"a", b'"\\n"', b"x" * 300, b"\x00\xff", "ä\u2028".encode()]
    batch = [as_stored(Message(text, time_ns=START + i), driver) for i, text in enumerate(texts)]
    data = b"".join(map(WRITERS[driver], batch))
    expected = [record_of(m.stream, m.shown()) if driver == "stream" else m.record() for m in batch]
    for size in (1, 2, 3, 5, 13, 50, 100, len(data) - 1, len(data)):
        monkeypatch.setattr(part_module, "BLOCK", size)
        assert read(data, driver) == expected


@pytest.mark.parametrize("driver", [*DRIVERS, "stream"])
def test_case_last_record(driver: str) -> None:
    first, second = Message(b"first"), Message(b"second " * 20)
    whole, half = WRITERS[driver](first), WRITERS[driver](second)
    (expected,) = frames(read(whole, driver))
    for size in range(1, len(half)):
        for rotated in (False, True):
            if driver == "stream" and rotated:
                continue
            if rotated:
                items = read(whole, driver, rotated=whole + half[:size])
                assert items.pop() == expected
            else:
                items = read(whole + half[:size], driver)
            assert items.pop(0) == expected
            (last,) = items
            if size == len(half) - 1 and driver == "json-file":
                assert last == second.record()
            elif driver == "k8s-file" and isinstance(last, Record):
                # Nothing tells whether it is whole: what is there is shown, without a newline.
                assert second.payload().startswith(sent(last))
                assert b"stdout F " + text_of(last) == half[36:size]
            else:
                assert isinstance(last, Damage)
                assert (last.offset, last.size) == (len(whole), size)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_half_written_record_that_somebody_goes_on_with_is_left_out(
    driver: str, tmp_path: Path
) -> None:
    first, second = Message(b"first"), Message(b"second " * 20)
    path = tmp_path / NAMES[driver]
    data = WRITERS[driver](second)
    path.write_bytes(WRITERS[driver](first) + data[:60])
    with open_log(path, driver) as files:
        with path.open("ab") as file:
            file.write(data[60:70])
        assert list(files.messages()) == [[first.record()]]
        tail = files.tail()
    with tail, path.open("ab") as file:
        assert list(tail.read()) == []
        file.write(data[70:])
        file.flush()
        assert list(tail.read()) == [[second.record()]]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("count", [1, 3, 4096, 600_000])
def test_a_run_of_nul_bytes(driver: str, count: int) -> None:
    one, two = Message(b"one"), Message(b"two", time_ns=START + 1)
    before, behind = WRITERS[driver](one), WRITERS[driver](two)
    items = read(before + bytes(count) + behind, driver)
    assert frames(items) == [one.record(), two.record()]
    (damage,) = damages(items)
    assert (damage.offset, damage.size) == (len(before), count)
    assert damage.reason == "a run of NUL bytes"
    assert items.index(damage) == 1
    assert frames(read(bytes(count) + before, driver)) == [one.record()]
    assert frames(read(before + bytes(count), driver)) == [one.record()]


@pytest.mark.parametrize("driver", DRIVERS)
@given(data=st.data())
@settings(max_examples=examples(150), deadline=None)
def test_intact_records_come_out_once(driver: str, data: st.DataObject) -> None:
    batch = data.draw(st.lists(messages(driver), min_size=1, max_size=8))
    records = [WRITERS[driver](message) for message in batch]
    stream = b"".join(records)
    start = data.draw(st.integers(0, len(stream)))
    stop = data.draw(st.integers(start, min(len(stream), start + 300)))
    new = data.draw(
        st.one_of(
            st.just(b""),
            st.integers(1, 40).map(bytes),
            st.binary(max_size=30),
            st.just(b"\n"),
            st.just(b'{"log":"half'),
            st.just(records[0][: len(records[0]) // 2]),
        )
    )
    damaged = stream[:start] + new + stream[stop:]
    intact: list[Record] = []
    offset = 0
    for message, record in zip(batch, records, strict=True):
        # Only a newline tells where a record of this driver begins: one that comes behind half
        # another is its text.
        border = driver != "k8s-file" or offset != stop or new.endswith(b"\n")
        if offset + len(record) <= start or (offset >= stop and border):
            intact.append(message.record())
        offset += len(record)
    blocks = data.draw(st.sampled_from([11, 97, 1 << 18]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_module, "BLOCK", blocks)
        items = read(damaged, driver)
    found = frames(items)
    assert is_subsequence(intact, found), (damaged, found)
    assert len(found) <= len(batch) + (records[0] in new) + 1
    covered = sum(damage.size for damage in damages(items))
    assert covered <= len(damaged)


def test_a_newline_in_a_text_is_damage() -> None:
    """No such byte is ever written there."""
    good, bad = json_record(Message(b"good")), json_record(Message(b"ab", time_ns=START + 1))
    for other in (b"", json_record(Message(b"x", Stream.STDERR)), json_record(Message(b"\\\\"))):
        for start in (other, good, b""):
            data = start + bad.replace(b"ab", b"a\nb") + good + other
            items = read(data, "json-file")
            assert sum(damage.size for damage in damages(items)) == len(bad) + 1
            assert len(frames(items)) == data.count(b"\n") - 2


def test_records_that_lost_their_border() -> None:
    one, two = Message(b"one"), Message(b"two", attrs={"log": "x", "time": "y"})
    a, b = json_record(one)[:-1], json_record(two)
    assert read(a + b, "json-file") == [one.record(), two.record()]
    items = read(a[:30] + b + a + b"rubbish\n", "json-file")
    assert frames(items) == [two.record(), one.record()]
    assert [(d.offset, d.size) for d in damages(items)] == [(0, 30), (30 + len(b) + len(a), 8)]


def test_damage_of_several_blocks_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_module, "BLOCK", 64)
    monkeypatch.setattr(part_module, "MAX_RECORD", 500)
    good = Message(b"good")
    for driver in ("json-file", "local"):
        record = WRITERS[driver](good)
        long = b'{"log":"' + b"x" * 5000 + b"\n"
        items = read(record + long + record, driver)
        assert frames(items) == [good.record()] * 2
        assert [(d.offset, d.size) for d in damages(items)] == [(len(record), len(long))]


def test_a_wrong_size_of_the_local_driver() -> None:
    good = [Message(b"line %d" % i, time_ns=START + i) for i in range(50)]
    records = [local_record(message) for message in good]
    for size in (0, 1, 40, 500, 5000, 1 << 20, (1 << 32) - 1):
        wrong = size.to_bytes(4, "big") + records[1][4:]
        items = read(records[0] + wrong + b"".join(records[2:]), "local")
        assert frames(items) == [m.record() for m in [good[0], *good[2:]]], size
        assert [(d.offset, d.size) for d in damages(items)] == [(len(records[0]), len(wrong))]


def test_a_log_of_a_log() -> None:
    """The records that a line of the local driver holds are text."""
    inner = b"".join(local_record(Message(b"inner %d" % i)) for i in range(100))
    outer = [Message(inner.replace(b"\n", b"")), Message(inner, ended=False), Message(b"x")] * 20
    assert frames(read(b"".join(map(local_record, outer)), "local")) == [m.record() for m in outer]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_damaged_compressed_file(driver: str) -> None:
    rng = random.Random(3)
    batch = [Message(rng.randbytes(50).hex().encode(), time_ns=START + i) for i in range(5000)]
    packed = compressed(b"".join(map(WRITERS[driver], batch)))
    last = Message(b"last")
    live = WRITERS[driver](last)
    expected = [m.record() for m in batch]

    assert frames(read(live, driver, rotated=packed)) == [*expected, last.record()]
    items = read(live, driver, rotated=packed[: len(packed) // 2])
    some = frames(items)
    assert 1000 < len(some) < 4000
    assert some == [*expected[: len(some) - 1], last.record()]
    assert "cut off" in damages(items)[-1].reason

    broken = bytearray(packed)
    broken[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    items = read(live, driver, rotated=bytes(broken))
    some = frames(items)
    assert some[-1] == last.record()
    assert some[:500] == expected[:500]
    assert any("compressed" in damage.reason for damage in damages(items))
    two = gzip.compress(WRITERS[driver](batch[0])) + gzip.compress(WRITERS[driver](batch[1]))
    assert frames(read(live, driver, rotated=two)) == [*expected[:2], last.record()]


def test_behind_a_frame_that_is_none() -> None:
    record = WRITERS["stream"](Message(b"x"))
    items = read(record * 2 + b"\x09rubbish" + record, "stream")
    assert len(frames(items)) == 3
    assert [(d.offset, d.size) for d in damages(items)] == [(2 * len(record), 8)]
    # A size that is too large for the file, and one that is for any frame.
    for size in (b"\x00\x10\x00\x00", b"\xff\xff\xff\xff"):
        items = read(record + b"\x01\0\0\0" + size + b"half" + record * 4, "stream")
        assert len(frames(items)) == 5
        assert [(d.offset, d.size) for d in damages(items)] == [(len(record), 12)]
    # A last one that is half.
    (damage,) = damages(read(record + record[:9], "stream"))
    assert (damage.offset, damage.size) == (len(record), 9)
    items = read(record + b"\x09rubbish" + record[:9], "stream")
    assert len(frames(items)) == 1
    assert sum(d.size for d in damages(items)) == 17


def test_case_nul_head_stdin_frame() -> None:
    """A frame of stdin is shown as StdCopy does; one of the engine is an error of its own."""
    items = read(
        b"\0\0\0\0\0\0\0\6hello\n" + b"\3\0\0\0\0\0\0\4oops" + b"\1\0\0\0\0\0\0\3hi\n", "stream"
    )
    assert frames(items) == [
        record_of(Stream.STDOUT, b"hello\n"),
        record_of(Stream.STDOUT, b"hi\n"),
    ]
    assert [d.reason for d in damages(items)] == ["the engine reports: oops"]


SIZES = [1, 4095, 4096, 65536, 262_145, 3 << 20]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_case_nul_head(driver: str, size: int, tmp_path: Path) -> None:
    """All lines come, and the damage is named, however the log is read."""
    batch = [Message(b"line %d" % i, time_ns=START + i * 10**9) for i in range(10)]
    records = [WRITERS[driver](message) for message in batch]
    expected = [message.record() for message in batch]
    path = tmp_path / NAMES[driver]
    for at in (0, 5, 9):  # at the head, in the midst, before the last
        head, rest = b"".join(records[:at]), b"".join(records[at:])
        for sparse in (False, True):
            with path.open("wb") as file:
                file.write(head)
                if sparse:
                    file.truncate(len(head) + size)
                    file.seek(0, 2)
                else:
                    file.write(bytes(size))
                file.write(rest)
            with open_log(path) as files:  # told by its content
                assert files.driver == driver
                check(list(files.messages()), expected, (len(head), size))
                if at < 8:
                    check(list(files.messages(tail=2)), expected[-2:])
                    check(list(files.messages(since=batch[8].time_ns)), expected[8:])
                check(list(files.messages(tail=12)), expected, (len(head), size))
                found = files.messages(wanted=Literals((("line",),)), context=(1, 1))
                if driver == "json-file":
                    check(list(found), expected, (len(head), size))


def check(
    items: list[list[Record] | Damage | SkippedRecords] | list[list[Record] | Damage],
    expected: list[Record],
    damage: tuple[int, int] | None = None,
) -> None:
    """Hold what was read against messages, and one damage."""
    batches = [item for item in items if isinstance(item, list)]
    assert [frame for batch in batches for frame in batch] == expected
    found = [item for item in items if isinstance(item, Damage)]
    if damage is not None:
        assert [(d.offset, d.size, d.reason) for d in found] == [(*damage, "a run of NUL bytes")]


def test_a_log_of_nothing_but_nul_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.touch()
    os.truncate(path, 1 << 40)
    with open_log(path) as files:
        assert files.driver == "json-file"
        for tail, since in ((None, None), (5, None), (None, START)):
            check(list(files.messages(tail=tail, since=since)), [], (0, 1 << 40))
        check(list(files.messages(wanted=Literals((("x",),)))), [], (0, 1 << 40))


@pytest.mark.parametrize("name", ["zzz", "attrs", "log"])
@pytest.mark.parametrize("details", [False, True])
def test_case_deep_json(name: str, details: bool, tmp_path: Path) -> None:
    """One record that is nested deep is damage; the others are shown."""
    good = Message(b"good")
    record = json_record(good)
    deep = b"[" * 100_000 + b"]" * 100_000 if name != "attrs" else b'{"a":' * 50_000 + b"}" * 50_000
    bad = b'{"log":"x\\n","stream":"stdout","%b":%b,"time":"2026-01-01T00:01:00Z"}\n'
    bad %= name.encode(), deep
    path = tmp_path / "x-json.log"
    path.write_bytes(record * 50 + bad + record * 50)
    with open_log(path) as files:
        items = list(files.messages(details=details))
        shown = good.record(details=details)
        assert [f for x in items if isinstance(x, list) for f in x] == [shown] * 100
        found = [(d.offset, d.size) for d in items if isinstance(d, Damage)]
        assert found == [(50 * len(record), len(bad))]
        wanted = Literals((("good",),))
        assert sum(len(x) for x in files.messages(wanted=wanted) if isinstance(x, list)) == 100
        assert sum(len(x) for x in files.messages(tail=60) if isinstance(x, list)) == 60


def test_case_details_damage() -> None:
    """Damage of many short lines is one hole: what is kept of it does not grow with it."""
    form = make_format("json-file")
    rubbish = b"x\n\n}\n\0\n" * 1000
    decoded = form.messages(rubbish, 7, details=True)
    assert (decoded.records, decoded.used) == ([], len(rubbish))
    assert len(decoded.holes) <= 2
    assert sum(hole.size for hole in decoded.holes) == len(rubbish)
    # Attributes that are none are left out: the text is not damaged.
    odd = b'{"log":"x\\n","stream":"stdout","attrs":{"a":1},"time":"2026-01-01T00:01:00Z"}\n'
    (record,) = form.messages(odd, 0, details=True).records
    assert (record.raw, record.details) == (b"x", b"")

"""Searching: whatever is left out, no wanted line is lost, and no line around it."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.files import Damage, SkippedRecords, open_log
from lobtail.files import select as select_module
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.model.lines import LineAssembler
from lobtail.model.records import Record
from lobtail.query.literals import Literals
from support.chance import examples
from support.log_files import START, Message, write_rotated
from unit.files.messages import TEXTS, as_stored

REF = ContainerRef("a" * 64, "web")
NAMES = {"json-file": "c-json.log", "local": "container.log"}
BOTH = (Stream.STDOUT, Stream.STDERR)


@dataclass
class Found:
    frames: list[Record] = field(default_factory=list)
    passed: int = 0
    groups: list[list[Record]] = field(default_factory=list)
    """Frames between which nothing was passed over."""


def find(path: Path, wanted: Literals, **options: object) -> Found:
    found = Found(groups=[[]])
    with open_log(path) as files:
        for item in files.messages(wanted=wanted, **options):  # type: ignore[arg-type]
            assert not isinstance(item, Damage)
            if isinstance(item, SkippedRecords):
                assert item.count is None or item.count > 0
                found.passed += item.count or 0
                found.groups.append([])
            else:
                found.frames += item
                found.groups[-1] += item
    return found


def lines(frames: list[Record]) -> list[Line]:
    assembler = LineAssembler(REF)
    return assembler.receive(frames) + assembler.flush()


def contains(line: Line, wanted: Literals) -> bool:
    return all(any(text in line.text for text in group) for group in wanted.groups)


@st.composite
def logs(draw: st.DrawFn, driver: str, piece: int = 40) -> list[Message]:
    """Return lines, long ones in pieces, those of both streams among one another."""
    out: list[Message] = []
    for i in range(draw(st.integers(1, 10))):
        stream = draw(st.sampled_from(BOTH))
        time = START + i * 1000
        text = draw(TEXTS)
        if draw(st.integers(0, 4)) == 0:
            text = (text * 90)[: draw(st.integers(piece, piece * 4))]
        pieces = [text[j : j + piece] for j in range(0, len(text), piece)] or [b""]
        if len(pieces[-1]) == piece:
            pieces.append(b"")
        at = len(out)
        for n, part in enumerate(pieces):
            last = n == len(pieces) - 1
            message = Message(part, stream, time, ended=last, last=last and n > 0)
            # Lines of the other stream may stand between the pieces.
            other = [m for m in out[at:] if m.stream is not stream]
            out.insert(draw(st.integers(at, len(out))) if other else len(out), message)
            at = out.index(message) + 1
    return [as_stored(message, driver) for message in out]


@pytest.mark.parametrize("driver", ["json-file", "local"])
@given(data=st.data())
@settings(max_examples=examples(250), deadline=None)
def test_no_wanted_line_is_lost(driver: str, data: st.DataObject) -> None:
    batch = data.draw(logs(driver))
    all_lines = lines([message.record() for message in batch])
    text = data.draw(st.sampled_from(all_lines)).text
    start = data.draw(st.integers(0, len(text)))
    piece = text[start : start + data.draw(st.integers(1, 12))]
    groups: tuple[tuple[str, ...], ...] = ((piece, "nowhere"),)
    if data.draw(st.booleans()):
        groups += ((text[-3:], "x"),)
    wanted = Literals(groups)
    context = data.draw(st.sampled_from([None, (0, 0), (1, 0), (0, 1), (2, 2)]))
    streams = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(select_module, "LONG", 20)
        for kind in (select_module.JsonFilter, select_module.LocalFilter):
            patch.setattr(kind, "window", data.draw(st.sampled_from([64, 200, 5000])))
        path = Path(folder, NAMES[driver])
        cut = data.draw(st.integers(0, len(batch)))
        write_rotated(path, driver, [batch[:cut], batch[cut:]], compress=data.draw(st.booleans()))
        options = {"context": context, "stdout": streams[0], "stderr": streams[1]}
        found = find(path, wanted, **options)
    shown = {stream for stream, asked in zip(BOTH, streams, strict=True) if asked}
    expected = [line for line in all_lines if line.stream in shown]
    kept = lines(found.frames)
    before, behind = context or (0, 0)
    for i, line in enumerate(expected):
        if contains(line, wanted):
            for neighbour in expected[max(0, i - before) : i + behind + 1]:
                assert neighbour in kept
    if context is not None and shown == set(BOTH):
        assert len(found.frames) + found.passed == len(batch)
    everything = [m.record() for m in batch if m.stream in shown]
    for group in found.groups:
        if group and len(set(everything)) == len(everything):
            first = everything.index(group[0])
            assert group == everything[first : first + len(group)]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_text_across_two_pieces(driver: str, tmp_path: Path) -> None:
    rng = random.Random(5)
    batch = []
    for i in range(400):
        time = START + i * 1000
        batch.append(Message(b"line %d " % i + b"y" * rng.randrange(200), time_ns=time))
        if i in (100, 300):
            text = b"x" * 16380 + b"needle" + b"z" * 20_000
            pieces = [text[:16384], text[16384:32768], text[32768:]]
            for n, piece in enumerate(pieces):
                last = n == len(pieces) - 1
                batch.append(Message(piece, Stream.STDERR, time, last, last))
                batch += [Message(b"between", time_ns=time + k) for k in range(40)]
    path = tmp_path / NAMES[driver]
    write_rotated(path, driver, [batch])
    found = find(path, Literals((("needle",),)))
    assert sum(b"needle" in line.raw for line in lines(found.frames)) == 2
    if driver == "json-file":
        assert len(found.frames) < len(batch) / 2


def test_little_is_decoded(tmp_path: Path) -> None:
    batch = [Message(b"line %05d" % i, time_ns=START + i * 10**6) for i in range(20_000)]
    for driver in NAMES:
        path = tmp_path / NAMES[driver]
        write_rotated(path, driver, [batch[:9000], batch[9000:]])
        found = find(path, Literals((("line 12345",),)))
        assert batch[12345].record() in found.frames
        assert len(found.frames) < 20_000 / 2
    path = tmp_path / NAMES["json-file"]
    found = find(path, Literals((("line 12345",),)), context=(3, 2))
    assert found.frames == [m.record() for m in [*batch[12342:12348], *batch[-3:]]]
    assert [len(group) for group in found.groups] == [0, 6, 3]
    assert found.passed == len(batch) - 9
    found = find(path, Literals((("line 12345",), ("nowhere",))))
    assert (found.frames, len(found.groups)) == ([], 2)
    found = find(path, Literals((("line 1",),)), since=batch[15_000].time_ns, tail=6000)
    assert batch[15_000].record() in found.frames
    assert {f.time_ns for f in found.frames} <= {m.time_ns for m in batch[15_000:]}
    found = find(path, Literals((("line 1",),)), until=batch[15_000].time_ns)
    assert found.frames[-1] == batch[15_000].record()
    with open_log(path) as files:
        batches = [x for x in files.messages(wanted=Literals()) if isinstance(x, list)]
    assert sum(map(len, batches)) == 20_000

"""A second look at a log: what a follow stream left out is found, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.follow import gaps as module
from lobtail.follow.gaps import GapDetector, GapReport
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from lobtail.model.resume import ResumeState
from lobtail.model.timestamps import format_rfc3339
from support.chance import examples
from support.records import sent

T0 = 1_700_000_000_000_000_000
MS = 1_000_000


def message(ns: int, text: str = "x", stream: Stream = Stream.STDOUT) -> Record:
    return record_of(stream, f"{format_rfc3339(ns)} {text}\n".encode())


LOG = [message(T0 + i * MS, f"line {i}") for i in range(100)]


def memory_of(messages: list[Record], newest: int) -> ResumeState:
    memory = ResumeState()
    memory.add(messages, newest)
    return memory


def look(memory: ResumeState, proven: int | None, log: list[Record]) -> GapReport:
    audit = GapDetector(memory, proven)
    for i in range(0, len(log), 7):
        audit.receive(log[i : i + 7])
    return audit.finish()


def test_a_log_that_came_whole_misses_nothing() -> None:
    memory = memory_of(LOG[:60], T0 + 59 * MS)
    assert look(memory, T0 + 10 * MS, LOG) == GapReport([], False, T0 + 59 * MS)


def test_what_the_stream_left_out_is_found_in_order() -> None:
    memory = memory_of(LOG[:20] + LOG[50:60], T0 + 59 * MS)
    assert look(memory, T0 + 10 * MS, LOG) == GapReport(LOG[20:50], False, T0 + 59 * MS)


def test_what_is_on_its_way_is_not_missing() -> None:
    memory = memory_of(LOG[:20], T0 + 19 * MS)
    assert look(memory, T0 + 10 * MS, LOG).missed == []


def test_what_comes_during_the_look_is_not_missing() -> None:
    memory = memory_of(LOG[:20], T0 + 19 * MS)
    audit = GapDetector(memory, T0 + 10 * MS)
    audit.receive(LOG)
    memory.add(LOG[20:], T0 + 99 * MS)
    assert audit.finish() == GapReport([], False, T0 + 99 * MS)


def test_a_hole_where_the_log_begins_behind_what_was_proven() -> None:
    memory = memory_of(LOG[:20] + LOG[80:], T0 + 99 * MS)
    assert look(memory, T0 + 10 * MS, LOG[60:]) == GapReport(LOG[60:80], True, T0 + 99 * MS)


def test_a_hole_where_nothing_is_left() -> None:
    memory = memory_of(LOG[:20], T0 + 19 * MS)
    assert look(memory, T0 + 10 * MS, []).hole


def test_a_log_that_was_empty_is_whole_from_its_first_message_on() -> None:
    memory = memory_of(LOG, T0 + 99 * MS)
    assert not look(memory, None, LOG).hole
    assert look(memory, None, LOG[1:]).hole


def test_what_tail_left_out_is_not_missing() -> None:
    memory = memory_of(LOG[50:], T0 + 99 * MS)
    assert look(memory, T0 + 60 * MS, LOG) == GapReport([], False, T0 + 99 * MS)


def test_equal_messages_are_counted() -> None:
    piece = record_of(Stream.STDOUT, f"{format_rfc3339(T0 + MS)} {'x' * 16384}".encode())
    log = [LOG[0], piece, piece, piece, message(T0 + 2 * MS)]
    memory = memory_of([LOG[0], piece, log[-1]], T0 + 2 * MS)
    assert look(memory, T0, log).missed == [piece, piece]


def test_stamps_that_step_back_are_compared_by_their_place() -> None:
    log = [message(T0), message(T0 + 5 * MS), message(T0 + 4 * MS, "e", Stream.STDERR), LOG[9]]
    memory = memory_of([log[0], log[1], log[3]], T0 + 9 * MS)
    assert look(memory, T0 + 5 * MS, log).missed == [log[2]]


def test_what_is_not_remembered_is_not_missing() -> None:
    memory = ResumeState(limit=10)
    for i in range(100):
        memory.add([LOG[i]], T0 + i * MS)
    verdict = look(memory, T0 + 10 * MS, LOG)
    assert verdict.missed == []
    assert not verdict.hole


def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_of([LOG[0], LOG[-1]], T0 + 99 * MS)
    audit = GapDetector(memory, T0)
    size = len(sent(LOG[1]))
    monkeypatch.setattr(module, "MAX_KEPT", 3 * size)
    audit.receive(LOG[:10])
    assert audit.full


@settings(max_examples=examples(200))
@given(st.data())
def test_whatever_is_left_out_of_a_log_that_is_there_is_found(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 60))
    steps = data.draw(st.lists(st.integers(-3, 10), min_size=count, max_size=count))
    texts = data.draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    ns, log = T0, []
    for step, text in zip(steps, texts, strict=True):
        ns += step * 1000
        log.append(message(ns, text))
    left_out = data.draw(st.sets(st.integers(0, count - 1)))
    # Before and behind it stands something that came and equals nothing else.
    first, last = message(T0 - 1, "first"), message(ns + 1, "last")
    received = [m for i, m in enumerate(log) if i not in left_out]
    memory = memory_of([first, *received, last], ns + 1)
    # Equal messages stand for each other, so only how many of each are missing is certain.
    missed = look(memory, T0 - 1, [first, *log, last]).missed
    assert sorted(sent(m) for m in missed + received) == sorted(sent(m) for m in log)


def test_equal_lines_of_one_second_are_told_apart_by_nothing_but_their_number() -> None:
    # Of four, two were asked for, and the others are not remembered; later, one was left out.
    second = 1_000_000_000
    old, new = message(T0, "same"), message(T0 + second, "same")
    memory = memory_of([old, old, new, message(T0 + second, "end")], T0 + second)
    audit = GapDetector(memory, T0, floor_ns=T0 + second, rotates=False)
    audit.receive([old] * 4 + [new] * 2 + [message(T0 + second, "end")])
    assert audit.finish() == GapReport([new], False, T0 + second)


def test_a_log_that_is_not_rotated_has_no_hole() -> None:
    memory = memory_of(LOG[:20] + LOG[80:], T0 + 99 * MS)
    audit = GapDetector(memory, T0 + 10 * MS, rotates=False)
    audit.receive(LOG[60:])
    assert audit.finish() == GapReport(LOG[60:80], False, T0 + 99 * MS)

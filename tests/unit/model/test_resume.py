"""Resuming: every message once, after any cut, with equal messages and stamps out of order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.model import resume as module
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from lobtail.model.resume import (
    WINDOW_NS,
    RereadFilter,
    ResumeState,
    RotationReplayFilter,
    cost_of,
    key_of,
    keys_of,
)
from lobtail.model.timestamps import format_rfc3339
from support.chance import examples

T0 = 1_700_000_000_000_000_000
SECOND = 10**9


def message(ns: int, text: str = "x", stream: Stream = Stream.STDOUT) -> Record:
    return record_of(stream, f"{format_rfc3339(ns)} {text}\n".encode())


class Log:
    """A log as an engine keeps it, and `since` as it filters."""

    def __init__(self, stamps: list[int], texts: list[str]) -> None:
        self.entries = [(ns, message(ns, text)) for ns, text in zip(stamps, texts, strict=True)]

    def read(self, since: int | None) -> list[Record]:
        return [frame for ns, frame in self.entries if since is None or ns >= since]


@pytest.mark.parametrize(
    ("stream", "payload", "key"),
    [
        (Stream.STDOUT, b"", 0x4DC5B0CC826F6703),
        (Stream.STDOUT, b"2026-01-02T15:04:05.000000001Z GET /\n", 0x734310A936DD17DB),
        (Stream.STDERR, b"2026-01-02T15:04:05.000000001Z GET /\n", 0x5DCD76EC6BBFA8AD),
        (
            Stream.STDERR,
            b"2026-01-02T15:04:05.000000001Z " + b"x" * 16384,
            0xE6AF8E54F50947D8,
        ),
    ],
)
def test_a_key_is_the_same_in_every_process_and_version(
    stream: Stream, payload: bytes, key: int
) -> None:
    assert key_of(record_of(stream, payload)) == key
    assert keys_of([record_of(stream, payload)] * 2).tolist() == [key, key]


@pytest.mark.parametrize("size", [0, 1, 200, 300, 16384])
def test_stream_stamp_and_text_make_a_key(size: int) -> None:
    text = "x" * size
    messages = [
        message(T0, text),
        message(T0, text, Stream.STDERR),
        message(T0 + 1, text),
        message(T0, text + "y"),
    ]
    assert len(set(keys_of(messages))) == len(messages)


def test_nothing_received_means_nothing_to_leave_out() -> None:
    memory = ResumeState()
    assert memory.since_ns is None
    assert memory.overlap() is None


def test_the_overlap_is_left_out() -> None:
    stamps = [T0 + i * SECOND for i in range(10)]
    log = Log(stamps, [str(i) for i in range(10)])
    memory = ResumeState()
    memory.add(log.read(None)[:6], stamps[5])
    assert memory.since_ns == stamps[5] - WINDOW_NS
    overlap = memory.overlap()
    assert overlap is not None
    assert overlap.filter(log.read(memory.since_ns)) == log.read(None)[6:]
    assert overlap.matched == 3
    assert not overlap.gap


def test_equal_pieces_are_counted() -> None:
    piece = record_of(Stream.STDOUT, f"{format_rfc3339(T0)} {'x' * 16384}".encode())
    memory = ResumeState()
    memory.add([piece, piece], T0)
    overlap = memory.overlap()
    assert overlap is not None
    assert overlap.filter([piece] * 5) == [piece] * 3


def test_the_stream_belongs_to_a_message() -> None:
    memory = ResumeState()
    memory.add([message(T0)], T0)
    overlap = memory.overlap()
    assert overlap is not None
    other = message(T0, stream=Stream.STDERR)
    assert overlap.filter([message(T0), other]) == [other]


def test_what_was_left_out_on_purpose_stays_out() -> None:
    """`tail=3` of a fast log: what is asked for again begins long before that."""
    log = Log([T0 + i for i in range(100)], [str(i) for i in range(100)])
    memory = ResumeState()
    memory.add(log.read(None)[97:], T0 + 99)
    overlap = memory.overlap()
    assert overlap is not None
    new = message(T0 + 200, "new")
    assert overlap.filter([*log.read(memory.since_ns), new]) == [new]
    assert not overlap.gap


def test_however_much_stands_before_the_first_known_message_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`tail -n 3` of a log of which 300 000 lines were written within a second."""
    monkeypatch.setattr(module, "HELD_SIZE", 50 * cost_of(message(T0, "123")))
    log = [message(T0 + i, str(i)) for i in range(1000)]
    memory = ResumeState()
    memory.add(log[-3:], T0 + 999)
    overlap = memory.overlap()
    assert overlap is not None
    new = message(T0 + 1000, "new")
    assert overlap.filter([*log, new]) == [new]
    assert not overlap.gap
    other = memory.overlap()
    assert other is not None
    assert other.filter(log[:-3]) == []
    assert other.finish() == log[-53:-3]  # no more is held than that
    assert other.gap


def test_what_was_held_comes_out_if_nothing_is_known() -> None:
    memory = ResumeState()
    memory.add([message(T0 + 5, "known")], T0 + 5)
    for end in ([message(T0 + 9, "new")], []):
        overlap = memory.overlap()
        assert overlap is not None
        old = [message(T0, "a"), message(T0 + 1, "b")]
        assert [*overlap.filter([*old, *end]), *overlap.finish()] == [*old, *end]
        assert overlap.gap


def test_a_log_that_goes_on_elsewhere_is_a_gap() -> None:
    memory = ResumeState()
    memory.add([message(T0, "known")], T0)
    overlap = memory.overlap()
    assert overlap is not None
    assert overlap.filter([]) == []
    assert not overlap.gap
    overlap.filter([message(T0 + SECOND, "new")])
    assert overlap.gap


def test_whole_seconds_widen_the_window() -> None:
    memory = ResumeState()
    memory.whole_seconds = True
    memory.add([message(T0)], T0)
    assert memory.since_ns == T0 - WINDOW_NS - SECOND


def test_memory_is_bounded_and_still_exact() -> None:
    stamps = [T0 + i for i in range(1000)]  # far faster than the window can hold
    log = Log(stamps, [str(i) for i in range(1000)])
    memory = ResumeState(limit=100)
    for i in range(0, 900, 30):
        memory.add(log.read(None)[i : i + 30], stamps[i + 29])
    assert len(memory) <= 100
    overlap = memory.overlap()
    assert overlap is not None
    assert overlap.filter(log.read(memory.since_ns)) == log.read(None)[900:]
    assert not overlap.gap


@settings(max_examples=examples(200))
@given(
    steps=st.lists(st.integers(-WINDOW_NS // 4, SECOND), min_size=1, max_size=60),
    texts=st.lists(st.sampled_from("abc"), min_size=60, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    batch=st.integers(1, 20),
)
def test_any_cuts_in_any_log(
    steps: list[int], texts: list[str], cuts: list[int], batch: int
) -> None:
    """Stamps may step back by less than the window; messages and stamps may be equal."""
    stamps, now, newest = [], T0, T0
    for step in steps:
        # Out of order only against the newest, as two goroutines make it.
        now = max(now + step, newest - WINDOW_NS // 2)
        newest = max(newest, now)
        stamps.append(now)
    log = Log(stamps, texts[: len(stamps)])
    everything = log.read(None)
    stamp_of = {id(frame): ns for ns, frame in log.entries}

    memory = ResumeState()
    got: list[Record] = []
    top = 0
    for cut in [*sorted(cuts), len(everything)]:
        # The log has grown to `cut` messages when this connection ends.
        available = {id(frame) for frame in everything[:cut]}
        reread = [f for f in log.read(memory.since_ns) if id(f) in available]
        overlap = memory.overlap()
        for i in range(0, len(reread), batch):
            fresh = reread[i : i + batch]
            if overlap is not None:
                fresh = overlap.filter(fresh)
            if fresh:
                top = max(top, *(stamp_of[id(frame)] for frame in fresh))
                memory.add(fresh, top)
                got += fresh
        assert overlap is None or not overlap.gap
    assert got == everything


class Reader:
    """Reads a log that grows, over connections that each carry only so many messages."""

    def __init__(self, entries: list[tuple[int, Record]], *, latched: bool) -> None:
        self.entries = entries
        self.latched = latched
        self.memory = ResumeState()
        self.got: list[Record] = []
        self.narrower = 0
        self.gap = False

    def connect(self, written: int, carries: int) -> int:
        """Read what a connection carries of what is written; return how much of it was new."""
        since = self.memory.since(self.narrower, latched=self.latched) or 0
        log = self.entries[:written]
        if self.latched:
            first = next((i for i, (ns, _) in enumerate(log) if ns >= since), len(log))
            sent = [frame for _, frame in log[first:]]
        else:
            sent = [frame for ns, frame in log if ns >= since]
        overlap = self.memory.overlap()
        fresh = sent[:carries] if overlap is None else overlap.filter(sent[:carries])
        if fresh:
            newest = self.memory.newest_ns or 0
            stamps = {id(frame): ns for ns, frame in log}
            self.memory.add(fresh, max(newest, *(stamps[id(frame)] for frame in fresh)))
            self.got += fresh
        complete = overlap is None or overlap.complete
        if complete and not self.narrower:
            self.memory.met()
        self.narrower += not complete and not fresh
        self.gap = self.gap or (overlap is not None and overlap.gap)
        return len(fresh)


@settings(max_examples=12)
@given(
    latched=st.booleans(),
    early=st.lists(st.integers(0, 15_000_000), min_size=400, max_size=400),
    carries=st.lists(st.integers(40, 100), min_size=1, max_size=30),
)
def test_case_connections_that_end_before_the_overlap_is_read(
    latched: bool, early: list[int], carries: list[int]
) -> None:
    """500 lines a second, of which a connection carries less than is written in the window."""
    stamps = [T0 + i * SECOND // 500 - early[i % 400] for i in range(1800)]
    # A few lines are equal.
    entries = [(ns, message(ns, f"line {i % 7}")) for i, ns in enumerate(stamps)]
    reader = Reader(entries, latched=latched)
    reader.connect(1200, 1200)
    fruitless = 0
    for number, most in enumerate(carries):
        # Latched: what stands behind the newest, which may be 8 lines. Else: 30 ms, and these.
        fruitless = 0 if reader.connect(min(1200 + 10 * number, 1800), most) else fruitless + 1
        assert fruitless <= 3, "no more than it takes to find out how much a connection carries"
    reader.connect(1800, 1800)
    reader.connect(1800, 1800)
    assert reader.got == [frame for _, frame in entries]
    assert not reader.gap


@pytest.mark.parametrize("latched", [True, False])
def test_what_a_narrow_overlap_leaves_out_is_found_later(latched: bool) -> None:
    """Every tenth line is stamped half a second before the one that it stands behind."""
    stamps = [T0 + i * SECOND // 500 - (i % 10 == 0) * SECOND // 2 for i in range(4000)]
    entries = [(ns, message(ns, f"line {i}")) for i, ns in enumerate(stamps)]
    everything = [frame for _, frame in entries]
    reader = Reader(entries, latched=latched)
    reader.connect(1200, 1200)
    for number in range(1, 200):
        reader.connect(1200 + 10 * number, 100)
    assert len(reader.got) > 1500, "it makes progress meanwhile"
    reader.narrower = 0
    reader.connect(4000, 4000)
    assert sorted(map(hash, reader.got)) == sorted(map(hash, everything))
    assert latched == (reader.got == everything), "late, rather than never"
    assert not reader.gap
    reader.connect(4000, 4000)
    assert reader.memory.since_ns == max(stamps) - WINDOW_NS


@given(st.integers(1, 9), st.booleans())
def test_equal_stamps_are_never_divided(narrower: int, latched: bool) -> None:
    memory = ResumeState()
    memory.whole_seconds = True
    memory.add([message(T0)] * 3, T0)
    memory.add([message(T0 + SECOND)] * 2, T0 + SECOND)
    since = memory.since(narrower, latched=latched)
    assert since is not None
    assert since % SECOND == 0
    assert since <= T0 + SECOND


@pytest.mark.parametrize("latched", [True, False])
def test_what_follows_a_step_back_of_the_clock_is_read_again(latched: bool) -> None:
    hour = 3600 * SECOND
    stamps = [T0 + i * SECOND // 10 - (hour if i >= 50 else 0) for i in range(200)]
    entries = [(ns, message(ns, str(i))) for i, ns in enumerate(stamps)]
    reader = Reader(entries, latched=latched)
    # Of an engine that looks at each message by itself, the step must have been seen.
    for written in (40 if latched else 51, 52, 90, 90, 150, 200):
        reader.connect(written, 500)
    assert reader.got == [frame for _, frame in entries]
    assert not reader.gap


def test_a_replay_within_a_stream_is_left_out() -> None:
    log = [message(T0 + i, str(i)) for i in range(20)]
    replay = RotationReplayFilter()
    assert replay.filter(log[:10]) == log[:10]
    assert replay.filter(log[4:12]) == log[10:12]
    assert replay.filter(log[11:20]) == log[12:]


def test_a_replay_keeps_equal_pieces_and_inversions() -> None:
    piece = record_of(Stream.STDOUT, f"{format_rfc3339(T0)} {'x' * 100}".encode())
    inverted = [message(T0 + 5, "b"), message(T0 + 4, "a"), message(T0 + 6, "c")]
    replay = RotationReplayFilter()
    assert replay.filter([piece, piece, piece, *inverted]) == [piece, piece, piece, *inverted]


def test_the_last_line_once_more_is_left_out() -> None:
    log = [message(T0 + i, str(i)) for i in range(4)]
    replay = RotationReplayFilter()
    assert replay.filter([log[0], log[1], log[1], log[2]]) == log[:3]
    assert replay.filter([log[2], log[3]]) == log[3:]


def test_a_replay_that_steps_back_in_turn_is_left_out() -> None:
    """As 20.10 sends it when it rotates again while it reads on: 2920 came twice that way."""
    log = [message(T0 + i, str(i)) for i in range(40)]
    replay = RotationReplayFilter()
    assert replay.filter(log[:30]) == log[:30]
    assert replay.filter(log[20:28] + log[20:32]) == log[30:32]
    assert replay.filter([*log[31:32], *log[31:33], *log[30:33], *log[30:40]]) == log[32:]


@given(
    st.lists(st.sampled_from([Stream.STDOUT, Stream.STDERR]), min_size=5, max_size=40),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12),
    st.integers(1, 20),
)
def test_however_often_an_engine_steps_back_every_message_comes_once(
    streams: list[Stream], steps: list[tuple[float, float]], size: int
) -> None:
    log = [message(T0 + i, str(i), stream) for i, stream in enumerate(streams)]
    sent: list[Record] = []
    reached = 0
    for back, forward in steps:
        start = round(back * reached)
        stop = start + max(round(forward * (len(log) - start)), 1)
        sent += log[start:stop]
        reached = max(reached, min(stop, len(log)))
    sent += log[reached:]
    replay = RotationReplayFilter()
    got = [frame for i in range(0, len(sent), size) for frame in replay.filter(sent[i : i + size])]
    assert got == log


def test_what_a_second_look_found_is_left_out_of_a_replay() -> None:
    log = [message(T0 + i, str(i)) for i in range(20)]
    replay = RotationReplayFilter()
    assert replay.filter(log[:5] + log[8:12]) == log[:5] + log[8:12]
    replay.note(log[5:7])
    assert replay.filter(log[3:6]) == []
    replay.note(log[7:8])
    assert replay.filter(log[6:14]) == log[12:14]


def test_a_replay_of_what_came_before_the_stream_is_left_out() -> None:
    log = [message(T0 + i, str(i)) for i in range(20)]
    replay = RotationReplayFilter()
    replay.note(log[:10])
    assert replay.filter(log[10:12]) == log[10:12]
    assert replay.filter(log[3:14]) == log[12:14]


def test_pieces_of_both_streams_that_stand_between_one_another_are_no_replay() -> None:
    out = record_of(Stream.STDOUT, f"{format_rfc3339(T0)} {'x' * 100}".encode())
    err = record_of(Stream.STDERR, f"{format_rfc3339(T0 + 5)} {'x' * 100}".encode())
    replay = RotationReplayFilter()
    assert replay.filter([out, err, out, err, out]) == [out, err, out, err, out]


def test_what_is_kept_against_replays_is_bounded() -> None:
    replay = RotationReplayFilter(limit=50)
    log = [message(T0 + i, str(i)) for i in range(1000)]
    for i in range(0, 1000, 10):
        assert replay.filter(log[i : i + 10]) == log[i : i + 10]
    assert replay._size <= 50
    assert replay.filter(log[960:]) == []


@given(
    st.lists(st.sampled_from([Stream.STDOUT, Stream.STDERR]), min_size=1, max_size=60),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6),
    st.integers(1, 20),
    st.integers(0, 60),
)
def test_case_what_is_read_again_of_a_truncated_log(
    streams: list[Stream], cuts: list[tuple[float, float]], size: int, limit: int
) -> None:
    """As 20.10 does: what is left of the file is sent from its beginning on, however often."""
    log = [message(T0 + i, str(i), stream) for i, stream in enumerate(streams)]
    sent: list[Record] = []
    kept: list[Record] = []
    written = 0
    emptied = False
    for keep, forward in cuts:
        more = log[written : written + round(forward * (len(log) - written))]
        sent += more
        written += len(more)
        kept = kept + more
        kept = kept[: int(keep * len(kept))]
        emptied = emptied or not kept
        sent += kept
    sent += log[written:]
    # The beginning of a log that was emptied is no longer that of the stream, which is remembered.
    reread = RereadFilter() if emptied else RereadFilter(limit + 1)
    got = [frame for i in range(0, len(sent), size) for frame in reread.filter(sent[i : i + size])]
    assert got == log


def test_what_is_new_behind_a_truncation_or_stamped_by_a_clock_set_back_is_not_left_out() -> None:
    log = [message(T0 + i, str(i)) for i in range(10)]
    reread = RereadFilter()
    assert reread.filter(log) == log
    # Nothing of it was sent before, not even its first line.
    earlier = [message(T0 - 100 + i, str(i)) for i in range(10)]
    assert reread.filter(earlier) == earlier
    # One is the same but for its stamp; then the clock is set back once more.
    again = [message(T0 - 200, "5"), message(T0 - 300, "6")]
    assert reread.filter([*log[:5], *again]) == again


def test_equal_pieces_are_not_read_again() -> None:
    out = record_of(Stream.STDOUT, f"{format_rfc3339(T0)} {'x' * 100}".encode())
    err = record_of(Stream.STDERR, f"{format_rfc3339(T0 + 5)} {'x' * 100}".encode())
    end = message(T0, "end")
    reread = RereadFilter()
    assert reread.filter([out, err, out, err, out, end]) == [out, err, out, err, out, end]
    assert reread.filter([out, err, out, message(T0 + 9)]) == [message(T0 + 9)]


def test_what_is_remembered_of_a_stream_is_bounded() -> None:
    log = [message(T0 + i, str(i)) for i in range(100)]
    reread = RereadFilter(limit=20)
    assert reread.filter(log) == log
    assert len(reread._sent) == 20
    new = message(T0 + 200)
    assert reread.filter([*log[:70], new]) == [new]


def test_memory_keeps_what_is_to_be_looked_at_again() -> None:
    log = [message(T0 + i * SECOND, str(i)) for i in range(100)]
    memory = ResumeState()
    memory.keep_ns = T0 + 10 * SECOND
    for i, entry in enumerate(log):
        memory.add([entry], T0 + i * SECOND)
    assert len(memory) >= 90
    memory.keep_ns = T0 + 99 * SECOND
    memory.add([message(T0 + 100 * SECOND)], T0 + 100 * SECOND)
    assert len(memory) < 10

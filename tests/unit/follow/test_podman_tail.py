"""The beginning of a log whose equal lines are equal messages, for a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import EngineError
from lobtail.follow.podman_tail import Beginning, behind_lines, read_beginning
from lobtail.follow.skip_damage import EndOfLog
from lobtail.follow.steps import Pause, Steps
from lobtail.model.frames import Stream
from lobtail.model.records import Record, record_of
from lobtail.model.resume import ResumeState
from lobtail.model.timestamps import format_rfc3339
from support.simulated import Simulation

S = 1_000_000_000
T0 = 1_767_225_600 * S


class Log:
    """A log as Podman shows it: it finds lines by their true times, and tells whole seconds."""

    def __init__(self, times: list[int], later: int) -> None:
        self.times = [T0 + time for time in sorted(times)]
        self.later = later
        """How many are written behind the first look."""

    def messages(self, since: int | None) -> list[Record]:
        return [
            record_of(Stream.STDOUT, f"{format_rfc3339(t // S * S)[:19]}Z same\n".encode())
            for t in self.times
            if since is None or t > since
        ]

    def read(self, tail: str, since: int | None) -> EndOfLog:
        written = self.messages(None)
        known = self.messages(since)
        if tail != "all":
            known = known[len(known) - min(int(tail), len(written), len(known)) :]
        for _ in range(self.later):
            self.times.append(self.times[-1] + S // 3 if self.times else T0)
        self.later = 0
        return EndOfLog(known, True)


class Ends:
    """Gives ends of a log."""

    def __init__(self, read: Callable[[str, int | None], EndOfLog]) -> None:
        self._read = read

    def read(self, tail: str, since: int | None = None) -> Steps[EndOfLog]:
        yield Pause(0)
        return self._read(tail, since)


def begin(
    read: Callable[[str, int | None], EndOfLog],
    count: int,
    floor: int | None = None,
    *,
    ended: bool = False,
) -> Beginning:
    routine = read_beginning(count, floor, cast("Any", Ends(read)), ended=ended)
    return cast("Beginning", Simulation().run(routine))


@given(
    st.lists(st.integers(0, 9 * S), max_size=30),
    st.integers(0, 3),
    st.integers(0, 40),
    st.none() | st.integers(T0, T0 + 10 * S),
)
def test_what_a_live_stream_brings_again_is_known(
    times: list[int], later: int, count: int, floor: int | None
) -> None:
    log = Log(times, later)
    seen = log.messages(floor)
    left_out, shown, _ = begin(log.read, count, floor)
    # At least what there was at first, at most what there is now.
    assert min(count, len(seen)) <= len(shown) <= min(count, len(seen)) + later
    memory = ResumeState()
    for messages in (left_out, shown):
        if messages:
            memory.whole_seconds = True
            memory.add(messages, messages[-1].time_ns)
    if memory.newest_ns is None:
        assert not seen or not count
        return
    since = max(memory.since_ns or 0, floor or 0)
    overlap = memory.overlap()
    assert overlap is not None
    fresh = overlap.filter(log.messages(since - (since != floor)))
    # Either a look has shown it, or the stream does.
    missing = len(log.messages(floor)) - len(seen)
    assert len(fresh) <= missing
    total = len(shown) + len(fresh)
    assert min(count, len(seen)) <= total <= min(count, len(seen)) + missing
    if not missing:
        assert fresh == []
        assert shown == seen[len(seen) - min(count, len(seen)) :]


def test_lines_are_counted_and_not_their_pieces() -> None:
    pieces = ["one\n", "xxx", "xxx", "\n", "two\n", "yyy"]
    stamped = [record_of(Stream.STDOUT, f"2026-01-01T00:00:00Z {text}".encode()) for text in pieces]

    def read(tail: str, since: int | None) -> EndOfLog:
        if tail != "all":  # as Podman 4 shows it
            glued = ["onexxxxxx\n", "two\n", "yyy\n"][-int(tail) :]
            return EndOfLog(
                [record_of(Stream.STDOUT, f"2026-01-01T00:00:00Z {x}".encode()) for x in glued],
                True,
            )
        assert since == T0 - 3 * S - 1
        return EndOfLog(stamped, True)

    for count, first in ((0, 6), (1, 5), (2, 4), (3, 1), (4, 0), (5, 0)):
        beginning = begin(read, count)
        assert beginning == Beginning(stamped[:first], stamped[first:])


def test_a_log_that_ends_with_half_a_line() -> None:
    stamped = [record_of(Stream.STDOUT, b"2026-01-01T00:00:00Z %d\n" % i) for i in range(3)]

    def read(tail: str, since: int | None) -> EndOfLog:
        if tail != "all":
            raise EngineError(500, "'2026-01' is not a valid container log line")
        return EndOfLog(stamped, True)

    beginning = begin(read, 2)
    assert beginning == Beginning(stamped[:1], stamped[1:])


def test_a_container_that_is_gone() -> None:
    def read(tail: str, since: int | None) -> EndOfLog:
        raise EngineError(404, "no such container")

    with pytest.raises(EngineError, match="no such container"):
        begin(read, 2)


@pytest.mark.parametrize("half", [True, False])
def test_a_beginning_that_is_too_much_to_be_held_is_read_once_more(half: bool) -> None:
    pieces = ["one\n", "xxx", "xxx", "\n", "two\n", "yyy" if half else "yyy\n"]
    stamped = [record_of(Stream.STDOUT, f"2026-01-01T00:00:00Z {text}".encode()) for text in pieces]

    def read(tail: str, since: int | None) -> EndOfLog:
        if tail != "all":
            return EndOfLog(stamped[:1], True, 5, 3, stamped[-1])
        return EndOfLog(stamped[:2], True, 4, 3, stamped[-1])

    for count, first in ((1, 5), (2, 4), (3, 1), (4, 0), (5, 0)):
        left_out, shown, rest = begin(read, count)
        assert (left_out, shown) == ([], [])
        assert rest is not None
        assert behind_lines(stamped, rest.left_out) == first


def test_an_empty_log() -> None:
    def read(tail: str, since: int | None) -> EndOfLog:
        assert (tail, since) == ("5", None)
        return EndOfLog([], True)

    assert begin(read, 5) == Beginning([], [])

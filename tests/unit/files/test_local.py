"""local: every record as the API sends it, in bulk and one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.files.formats import Show, joined
from lobtail.files.local import Local
from lobtail.files.records import Decoded
from lobtail.model.records import Record
from support.log_files import START, Message, local_record
from support.records import text_of
from unit.files.messages import messages

FORM = Local()


def whole(decoded: Decoded[Record], data: bytes, details: bool = False) -> Decoded[Record]:
    """Add what a decoder leaves over for the next block."""
    rest = FORM.remainder(data[decoded.used :], decoded.used, live=True, details=details)
    assert not rest.holes
    return Decoded(decoded.records + rest.records, decoded.holes, len(data))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 255, 16383, 16384, 20_000])
@pytest.mark.parametrize("ended", [True, False])
def test_lengths(size: int, ended: bool) -> None:
    message = Message(b"\n" * size, ended=ended)
    other = Message(b"other", time_ns=START + 1)
    for batch in ([message], [message] * 4, [other, message, other], [message, other, other]):
        data = b"".join(map(local_record, batch))
        expected = [m.record() for m in batch]
        assert whole(FORM.messages(data, 0, details=False), data).records == expected
        assert whole(FORM.exact(data, 0, details=False), data).records == expected


@pytest.mark.parametrize(
    "time_ns", [0, 1, -1, 5 * 10**15, START, START + 999_999_999, (1 << 63) - 1, 10**18]
)
def test_times(time_ns: int) -> None:
    batch = [Message(b"x", time_ns=time_ns), Message(b"y", time_ns=time_ns)] * 2
    data = b"".join(map(local_record, batch))
    if time_ns > 1 << 56:
        assert whole(FORM.messages(data, 0, details=False), data).records == [
            m.record() for m in batch
        ]


def test_the_last_piece_of_a_line() -> None:
    pieces = [Message(b"x" * 10, ended=False), Message(b"end", ended=True, last=True)]
    data = b"".join(map(local_record, [*pieces, Message(b"next")]))
    texts = [text_of(f) for f in whole(FORM.messages(data, 0, details=False), data).records]
    assert texts == [b"x" * 10, b"end\n", b"next\n"]
    old = Local()
    old.legacy = True
    assert old.messages(data, 0, details=False).records[1].partial


@given(st.lists(messages("local"), max_size=12), st.integers(0, 60))
@settings(deadline=None)
def test_in_bulk_is_as_one_by_one(batch: list[Message], cut: int) -> None:
    data = b"".join(map(local_record, batch))
    expected = [message.record() for message in batch]
    for details in (False, True):
        exact = whole(FORM.exact(data, 0, details=details), data, details)
        assert exact.records == [message.record(details=details) for message in batch]
        assert whole(FORM.messages(data, 0, details=details), data, details) == exact
    part = FORM.messages(data[: len(data) - cut], 0, details=False)
    assert part.records == expected[: len(part.records)]
    for show in (Show(), Show(stderr=False), Show(stdout=False), Show(timestamps=True)):
        runs = FORM.runs(data, len(data), 0, show)
        exact = FORM.exact(data[: runs.used], 0, details=False)
        rest = FORM.remainder(data[exact.used : runs.used], 0, live=False, details=False)
        frames = exact.records + rest.records
        assert runs == joined(Decoded(frames, [], runs.used), show)

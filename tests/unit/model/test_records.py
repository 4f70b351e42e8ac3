"""Records: what is made of messages, and how they are shown as the API sends them."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ProtocolError
from lobtail.model.frames import Frame, FrameDecoder, Stream
from lobtail.model.records import Record, RecordDecoder, StampText, record_of, records_of
from lobtail.model.timestamps import format_rfc3339

T0 = 1_700_000_000_000_000_000
STAMP = format_rfc3339(T0).encode() + b" "
OUT, ERR = Stream.STDOUT, Stream.STDERR


def framed(frames: list[Frame]) -> bytes:
    heads = (struct.pack(">BxxxI", frame.stream, len(frame.payload)) for frame in frames)
    return b"".join(head + frame.payload for head, frame in zip(heads, frames, strict=True))


def decoded(data: bytes, cuts: list[int], *, details: bool) -> list[Record]:
    decoder = RecordDecoder(details=details)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = (data[start:stop] for start, stop in pairwise(places))
    return [record for part in parts for record in decoder.receive_records(part)]


TEXTS = st.sampled_from([b"x\n", b"\n", b"", b"x", b" ", b"a=1 x\n", b"  x\n", b"x" * 20 + b"\n"])
STAMPS = st.sampled_from(
    [
        STAMP,
        format_rfc3339(T0 + 1).encode() + b" ",
        format_rfc3339(T0 + 10**9).encode() + b" ",
        b"2023-11-14T22:13:20Z ",
        b"2023-11-14T23:13:20.000000001+01:00 ",
        b"2023-99-14T22:13:20.000000000Z ",
        b"2023-11-14T22:13:20.00000000xZ ",
        b"",
    ]
)
FRAMES = st.lists(
    st.builds(
        lambda stream, stamp, text: Frame(stream, stamp + text),
        st.sampled_from([Stream.STDIN, OUT, ERR]),
        STAMPS,
        TEXTS,
    )
)


@given(FRAMES, st.lists(st.integers(0, 10**6), max_size=4), st.booleans())
def test_messages_become_records_wherever_reads_cut_them(
    frames: list[Frame], cuts: list[int], details: bool
) -> None:
    assert decoded(framed(frames), cuts, details=details) == records_of(frames, details=details)


@given(FRAMES)
def test_what_docker_stamps_is_shown_as_it_was_sent(frames: list[Frame]) -> None:
    usual = [frame for frame in frames if frame.payload.startswith(STAMP[:20])]
    usual = [frame for frame in usual if frame.payload[20:29].isdigit()]
    text = StampText(timestamps=True, details=False)
    for frame in usual:
        assert text.show(records_of([frame])) == frame.payload
    assert text.show(records_of(usual)) == b"".join(frame.payload for frame in usual)


def test_a_record() -> None:
    assert record_of(OUT, STAMP + b"text\n") == Record(OUT, T0, b"text")
    assert record_of(ERR, STAMP + b"piece") == Record(ERR, T0, b"piece", partial=True)
    assert record_of(OUT, STAMP + b"a=1 x\n", details=True) == Record(OUT, T0, b"x", details=b"a=1")
    assert record_of(OUT, STAMP[:19] + b"Z x\n") == Record(OUT, T0, b"x", exact=False)
    assert record_of(OUT, b"no stamp\n") == Record(OUT, None, b"no stamp")


def test_details_are_shown_where_they_were_asked_for() -> None:
    record = Record(OUT, T0, b"x", details=b"a=1")
    assert StampText(timestamps=True, details=True).show([record]) == STAMP + b"a=1 x\n"
    assert StampText(timestamps=False, details=True).show([record]) == b"a=1 x\n"
    assert StampText(timestamps=False, details=False).show([record, record]) == b"x\nx\n"


@pytest.mark.parametrize("joined", [False, True])
def test_a_decoder_knows_of_an_error_of_the_daemon(joined: bool) -> None:
    data = framed([Frame(OUT, STAMP + b"x\n"), Frame(Stream.SYSTEMERR, b"broken")])
    decoder = FrameDecoder()
    decode = decoder.receive_runs if joined else decoder.receive_data
    assert len(decode(data[:-3])) == 1
    assert decode(data[-3:]) == [Frame(Stream.SYSTEMERR, b"broken")]
    assert decoder.has_error
    records = RecordDecoder()
    assert records.receive_records(data)[-1] == Record(Stream.SYSTEMERR, None, b"broken", True)
    assert records.has_error


def test_what_is_no_frame_is_an_error_behind_the_records_before_it() -> None:
    decoder = RecordDecoder()
    assert decoder.receive_records(framed([Frame(OUT, STAMP + b"x\n")]) + b"\7" * 8) == [
        Record(OUT, T0, b"x")
    ]
    with pytest.raises(ProtocolError, match="unrecognized stream"):
        decoder.receive_records(b"")

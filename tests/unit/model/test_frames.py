"""Frames: rows 1-5 of the catalogue of bad input, whole, byte by byte and at any split."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lobtail import Frame, FrameDecoder, Stream, TruncatedStream
from lobtail.docker import RawDecoder
from lobtail.errors import ProtocolError
from lobtail.model import frames as module
from lobtail.model.frame_inspector import PREVIEW_SIZE, FrameInspector

OUT, ERR = Stream.STDOUT, Stream.STDERR


def wire(stream: int, payload: bytes, padding: bytes = b"\0\0\0") -> bytes:
    return bytes([stream]) + padding + len(payload).to_bytes(4, "big") + payload


def encode(frames: Iterable[Frame]) -> bytes:
    return b"".join(wire(frame.stream, frame.payload) for frame in frames)


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def at(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def joined(frames: Iterable[Frame]) -> list[Frame]:
    """What `receive_runs` may be judged by: all bytes, neighbours of one stream as one."""
    runs: list[Frame] = []
    for frame in frames:
        if runs and runs[-1].stream == frame.stream:
            runs[-1] = Frame(frame.stream, runs[-1].payload + frame.payload)
        else:
            runs.append(frame)
    return runs


def check(
    data: bytes,
    expected: list[Frame],
    error: Callable[[ProtocolError], bool] | None = None,
    cuts: Iterable[int] = (),
) -> None:
    """Decode `data` whole, byte by byte and at `cuts`; expect the frames, then the error."""
    for reads in ([data], bytewise(data), at(data, cuts)):
        for method in ("receive_data", "receive_runs"):
            decoder = FrameDecoder()
            got: list[Frame] = []
            raised: ProtocolError | None = None
            try:
                for read in reads:
                    got += getattr(decoder, method)(read)
                decoder.receive_eof()
            except ProtocolError as exc:
                raised = exc
            if method == "receive_data":
                assert got == expected
            else:
                assert joined(got) == joined(expected)
            assert (raised is None) == (error is None), raised
            if error is not None and raised is not None:
                assert error(raised), raised


def truncated(part: str, got: int, wanted: int) -> Callable[[ProtocolError], bool]:
    return lambda exc: (
        isinstance(exc, TruncatedStream)
        and (exc.part, exc.got, exc.wanted) == (part, got, wanted)
        and f"got {got} of {wanted} {part} bytes" in str(exc)
    )


def test_a_mix_of_streams() -> None:
    frames = [Frame(OUT, b"a\n"), Frame(ERR, b"b\n"), Frame(OUT, b"c"), Frame(OUT, b"d\n")]
    check(encode(frames), frames)


def test_nothing_is_a_whole_stream() -> None:
    check(b"", [])


def test_all_four_types_are_frames() -> None:
    frames = [Frame(stream, stream.name.encode()) for stream in Stream]
    check(encode(frames), frames)


@pytest.mark.parametrize("kept", range(1, 8))
def test_row_1_eof_inside_a_header(kept: int) -> None:
    whole = [Frame(OUT, b"whole\n")]
    check(encode(whole) + wire(1, b"lost")[:kept], whole, truncated("header", kept, 8))


@pytest.mark.parametrize("kept", [0, 1, 3, 99])
def test_row_1_eof_inside_a_payload(kept: int) -> None:
    whole = [Frame(ERR, b"whole\n")]
    data = encode(whole) + wire(1, b"x" * 100)[: 8 + kept]
    check(data, whole, truncated("payload", kept, 100))


def test_row_1_the_fragment_is_not_lost() -> None:
    decoder = FrameDecoder()
    decoder.receive_data(wire(2, b"half a line\n")[:12])
    with pytest.raises(TruncatedStream) as caught:
        decoder.receive_eof()
    assert caught.value.fragment == b"half"


@pytest.mark.parametrize("kind", [4, 9, 255])
def test_row_2_an_unknown_type_names_byte_and_offset(kind: int) -> None:
    whole = [Frame(OUT, b"one\n")]
    check(
        encode(whole) + wire(kind, b"?"),
        whole,
        lambda exc: f"type {kind}" in str(exc) and "at byte 12" in str(exc),
    )


def test_row_2_text_taken_for_frames_names_the_likely_cause() -> None:
    text = b"2019-02-07T03:53:08 hello from a terminal\r\n"
    check(text, [], lambda exc: "'2'" in str(exc) and "at byte 0" in str(exc) and "TTY" in str(exc))


def test_row_2_a_decoder_stays_in_its_error() -> None:
    decoder = FrameDecoder()
    assert decoder.receive_data(wire(1, b"ok") + b"\xff" * 8) == [Frame(OUT, b"ok")]
    assert decoder.error is not None
    for call in (lambda: decoder.receive_data(wire(1, b"more")), decoder.receive_eof):
        with pytest.raises(ProtocolError, match="type 255"):
            call()


def test_row_3_padding_is_ignored() -> None:
    check(
        wire(1, b"a", b"\xff\x01\x80") + wire(2, b"b", b"abc"), [Frame(OUT, b"a"), Frame(ERR, b"b")]
    )


def test_row_3_size_0_is_a_frame() -> None:
    frames = [Frame(OUT, b""), Frame(ERR, b""), Frame(OUT, b"x"), Frame(OUT, b"")]
    check(encode(frames), frames)


def test_row_3_ten_thousand_frames_in_a_read() -> None:
    frames = [Frame(Stream(1 + i % 2), b"%d\n" % i) for i in range(10_000)]
    assert FrameDecoder().receive_data(encode(frames)) == frames


@pytest.mark.parametrize("size", [2**31, 0xFFFFFFFF])
@pytest.mark.parametrize("method", ["receive_data", "receive_runs"])
def test_row_4_memory_is_bounded_by_what_came(size: int, method: str) -> None:
    decoder = FrameDecoder()
    receive = getattr(decoder, method)
    read = b"x" * 65_536
    tracemalloc.start()
    try:
        assert receive(b"\1\0\0\0" + size.to_bytes(4, "big")) == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
        sent = 0
        while sent < 32 << 20:
            sent += len(read)
            for frame in receive(read):
                assert len(frame.payload) <= module.MAX_PAYLOAD + len(read)
        assert tracemalloc.get_traced_memory()[1] < 8 * module.MAX_PAYLOAD
    finally:
        tracemalloc.stop()
    with pytest.raises(TruncatedStream, match=f"got {sent} of {size} payload bytes"):
        decoder.receive_eof()


def test_row_4_a_long_payload_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAYLOAD", 16)
    payload = bytes(range(256))[:40]
    data = wire(1, payload) + wire(2, b"after")
    parts = [Frame(OUT, payload[:16]), Frame(OUT, payload[16:32]), Frame(OUT, payload[32:])]
    check(data, [*parts, Frame(ERR, b"after")])
    check(wire(1, payload[:32]), parts[:2])
    check(data[:38], parts[:1], truncated("payload", 30, 40))


def test_row_5_a_system_error_is_a_frame_to_the_decoder() -> None:
    frames = [Frame(OUT, b"a\n"), Frame(Stream.SYSTEMERR, b"Error grabbing logs: x\n")]
    check(encode(frames), frames)


frames_strategy = st.lists(
    st.builds(Frame, st.sampled_from(Stream), st.binary(max_size=200)), max_size=20
)
cuts_strategy = st.lists(st.integers(0, 4000), max_size=20)


@given(frames_strategy, cuts_strategy)
def test_any_frames_at_any_splits(frames: list[Frame], cuts: list[int]) -> None:
    check(encode(frames), frames, cuts=cuts)


@given(frames_strategy.filter(bool), st.data())
def test_any_truncation_is_told_and_loses_nothing_whole(
    frames: list[Frame], data: st.DataObject
) -> None:
    whole = encode(frames)
    kept = data.draw(st.integers(0, len(whole)))
    expected, end = [], 0
    for frame in frames:
        if end + 8 + len(frame.payload) > kept:
            break
        end += 8 + len(frame.payload)
        expected.append(frame)
    error = None if end == kept else (lambda exc: isinstance(exc, TruncatedStream))
    check(whole[:kept], expected, error, cuts=data.draw(cuts_strategy))


@given(st.lists(st.binary(max_size=300), max_size=20))
@example([b"\1\0\0\0\xff\xff\xff\xff", b"x"])
def test_fuzz_only_our_errors_escape(reads: list[bytes]) -> None:
    results: list[tuple[type | None, str]] = []
    for decoder in (FrameDecoder(), FrameDecoder(), FrameInspector()):
        receive = decoder.receive_runs if len(results) == 1 else decoder.receive_data  # type: ignore[union-attr]
        try:
            for read in reads:
                receive(read)
            decoder.receive_eof()
        except ProtocolError as exc:
            results.append((type(exc), str(exc)))
        else:
            results.append((None, ""))
    assert len(set(results[:2])) == 1


@given(frames_strategy, cuts_strategy)
def test_the_inspector_sees_the_same_frames(frames: list[Frame], cuts: list[int]) -> None:
    data = encode(frames)
    for reads in ([data], bytewise(data), at(data, cuts)):
        inspector = FrameInspector()
        seen = [row for read in reads for row in inspector.receive_data(read)]
        inspector.receive_eof()
        assert [(row.stream, row.size, row.preview) for row in seen] == [
            (f.stream.name.lower(), len(f.payload), f.payload[:PREVIEW_SIZE]) for f in frames
        ]
        for row in seen:
            assert data[row.offset : row.offset + 8] == row.header


def test_the_inspector_shows_what_it_waits_for() -> None:
    inspector = FrameInspector()
    assert inspector.receive_data(wire(1, b"ab\n") + wire(2, b"cdef", b"\1\2\3")[:10])[0].size == 3
    row = inspector.unfinished
    assert row is not None
    assert (row.offset, row.header.hex(), row.size, row.preview) == (
        11,
        "0201020300000004",
        4,
        b"cd",
    )
    with pytest.raises(TruncatedStream, match="got 2 of 4 payload bytes"):
        inspector.receive_eof()


def test_raw_bytes_are_stdout() -> None:
    decoder = RawDecoder()
    assert decoder.receive_data(b"\x1b[1mhi\r\n") == [Frame(OUT, b"\x1b[1mhi\r\n")]
    assert decoder.receive_data(b"") == []
    assert decoder.receive_runs(bytearray(b"x")) == [Frame(OUT, b"x")]
    assert decoder.offset == 9
    decoder.receive_eof()


def test_offset_and_mid_frame_follow_the_input() -> None:
    decoder = FrameDecoder()
    data = wire(1, b"abc") + wire(2, b"de")
    for i, byte in enumerate(bytewise(data), 1):
        decoder.receive_data(byte)
        assert decoder.mid_frame == (i not in (11, 21))
    assert decoder.offset == 21


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_any_buffer_will_do(form: type) -> None:
    assert FrameDecoder().receive_data(form(wire(1, b"x"))) == [Frame(OUT, b"x")]

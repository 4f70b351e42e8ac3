"""Lines from messages: pieces rejoined per stream, whatever the driver does to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.model.lines import LineAssembler
from lobtail.model.records import Record, record_of, records_of
from lobtail.model.timestamps import format_rfc3339
from lobtail.model.tty import MAX_LINE, PIECE, TtySplitter

OUT, ERR = Stream.STDOUT, Stream.STDERR
WEB = ContainerRef("a" * 64, "web")
T0 = 1_700_000_000_123_456_789


def message(stream: Stream, ns: int, text: bytes, digits: int = 9, offset: int = 0) -> Record:
    return record_of(stream, format_rfc3339(ns, digits, offset).encode() + b" " + text)


def pieces(stream: Stream, ns: int, line: bytes) -> list[Record]:
    """Cut as the daemon does: 16 KiB each, all with one stamp."""
    whole = line + b"\n"
    return [message(stream, ns, whole[i : i + PIECE]) for i in range(0, len(whole), PIECE)]


def shown(lines: list[Line]) -> list[tuple[Stream, bytes]]:
    return [(line.stream, line.raw) for line in lines]


def test_a_line_is_a_message() -> None:
    assembler = LineAssembler(WEB)
    (line,) = assembler.receive([message(OUT, T0, b"hello\n")])
    assert line == Line(WEB, OUT, T0, b"hello")
    assert assembler.newest_ns == T0
    assert not assembler.pending


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000])
def test_row_9_a_long_line_is_one_line(size: int) -> None:
    line = bytes(i % 251 % 10 + 48 for i in range(size))
    assert shown(LineAssembler(WEB).receive(pieces(OUT, T0, line))) == [(OUT, line)]


def test_row_9_interleaved_pieces_stay_in_their_streams() -> None:
    out, err = b"o" * 50_000, b"e" * 50_000
    a, b = pieces(OUT, T0, out), pieces(ERR, T0 + 5, err)
    mixed = [frame for pair in zip(a, b, strict=True) for frame in pair]
    assert shown(LineAssembler(WEB).receive(mixed)) == [(OUT, out), (ERR, err)]


def test_row_9_identical_pieces_are_all_kept() -> None:
    line = b"x" * (PIECE * 5 + 7)
    assert shown(LineAssembler(WEB).receive(pieces(OUT, T0, line))) == [(OUT, line)]


def test_another_stamp_ends_an_unterminated_line_of_a_file_driver() -> None:
    assembler = LineAssembler(WEB)
    assert assembler.receive([message(OUT, T0, b"end of run 1")]) == []
    assert assembler.pending
    first, second = assembler.receive([message(OUT, T0 + 1, b"start of run 2\n")])
    assert (first.raw, first.unterminated, first.time_ns) == (b"end of run 1", True, T0)
    assert (second.raw, second.unterminated) == (b"start of run 2", False)


def test_restamping_drivers_join_at_the_newline_alone() -> None:
    assembler = LineAssembler(WEB, restamped=True)
    lines = assembler.receive([message(OUT, T0, b"a"), message(OUT, T0 + 9, b"b\n")])
    assert [(line.raw, line.time_ns) for line in lines] == [(b"ab", T0)]


def test_flush_shows_what_is_there_and_the_rest_becomes_a_line() -> None:
    assembler = LineAssembler(WEB)
    assembler.receive([message(ERR, T0 + 1, b"prompt> "), message(OUT, T0, b"50%")])
    assert [(x.raw, x.unterminated) for x in assembler.flush()] == [
        (b"50%", True),
        (b"prompt> ", True),
    ]
    assert assembler.flush() == []
    assert [x.raw for x in assembler.receive([message(OUT, T0, b" done\n")])] == [b" done"]


def test_row_10_a_line_without_end_goes_out_in_parts() -> None:
    assembler = LineAssembler(WEB)
    total, piece = 0, b"x" * PIECE
    for _ in range(200):
        for line in assembler.receive([message(OUT, T0, piece)]):
            assert line.partial
            assert len(line.raw) == MAX_LINE
            total += len(line.raw)
    (last,) = assembler.receive([message(OUT, T0, b"end\n")])
    assert not last.partial
    assert total + len(last.raw) == 200 * PIECE + 3


@pytest.mark.parametrize("text", [b"\n", b"a\r\n", b"\xff\xfe\n", b"a\0b\n", b" lead\n", b"\x0c\n"])
def test_rows_11_and_12_bytes_are_kept(text: bytes) -> None:
    (line,) = LineAssembler(WEB).receive([message(OUT, T0, text)])
    assert line.raw == text[:-1]
    assert isinstance(line.text, str)
    assert not line.text.endswith("\r")


@pytest.mark.parametrize(("digits", "offset"), [(0, 0), (9, 7200), (3, -19800), (6, 0)])
def test_row_16_other_forms_of_stamps(digits: int, offset: int) -> None:
    assembler = LineAssembler(WEB)
    (line,) = assembler.receive([message(OUT, T0, b"x\n", digits, offset)])
    assert line.raw == b"x"
    assert line.time_ns == T0 // 10 ** (9 - digits) * 10 ** (9 - digits)
    assert assembler.whole_seconds == (digits == 0)


def test_row_16_without_a_stamp_the_time_is_unknown() -> None:
    (line,) = LineAssembler(WEB).receive([record_of(OUT, b"no stamp here\n")])
    assert (line.raw, line.time_ns) == (b"no stamp here", None)
    assert LineAssembler(WEB).receive([record_of(OUT, b"")]) == []


def test_details_stand_between_stamp_and_text() -> None:
    assembler = LineAssembler(WEB)
    lines = assembler.receive(
        [
            record_of(OUT, STAMP + b"env=a+b,team=c%2Cd text here\n", details=True),
            record_of(OUT, STAMP + b" no details\n", details=True),
        ]
    )
    assert [line.raw for line in lines] == [b"text here", b"no details"]
    assert [line.details for line in lines] == [{"env": "a b", "team": "c,d"}, {}]


texts = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"") + b"\n"), max_size=30)


@given(texts, st.lists(st.sampled_from([OUT, ERR]), min_size=30, max_size=30), st.data())
def test_any_cut_into_batches_gives_the_same_lines(
    texts: list[bytes], streams: list[Stream], data: st.DataObject
) -> None:
    messages = [message(s, T0 + i, t) for i, (t, s) in enumerate(zip(texts, streams, strict=False))]
    whole = LineAssembler(WEB).receive(messages)
    assert [line.raw for line in whole] == [text[:-1] for text in texts]
    assembler, got, rest = LineAssembler(WEB), [], messages
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        got += assembler.receive(rest[:size])
        rest = rest[size:]
    assert got == whole


def split(chunks: list[bytes]) -> list[bytes]:
    splitter = TtySplitter()
    messages = [message for chunk in chunks for message in splitter.feed(chunk)]
    assert {message.stream for message in messages} <= {OUT}
    return [message.payload for message in messages + splitter.flush()]


STAMP = format_rfc3339(T0).encode() + b" "
NEXT = format_rfc3339(T0 + 1000).encode() + b" "


def test_messages_of_a_tty() -> None:
    assert split([]) == []
    assert split([STAMP + b"a\r\n"]) == [STAMP + b"a\r\n"]
    assert split([STAMP + b"a\r\n" + NEXT + b"b\r\n"]) == [STAMP + b"a\r\n", NEXT + b"b\r\n"]


def test_a_ttys_unterminated_end_is_a_message_of_its_own() -> None:
    assert split([STAMP + b"login: ", NEXT + b"b\r\n"]) == [STAMP + b"login: ", NEXT + b"b\r\n"]
    assert split([STAMP + b"login: "]) == [STAMP + b"login: "]


def test_a_ttys_long_line_that_a_proxy_joined() -> None:
    line = b"y" * (PIECE + 10)
    chunk = STAMP + line[:PIECE] + STAMP + line[PIECE:] + b"\r\n"
    messages = TtySplitter().feed(chunk)
    assert [x.raw for x in LineAssembler(WEB).receive(records_of(messages))] == [line + b"\r"]


@given(st.data())
def test_messages_of_a_tty_are_the_same_wherever_reads_cut_them(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from([0, 1, 5, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])))
    expected: list[bytes] = []
    for number, size in enumerate(sizes):
        stamp = format_rfc3339(T0 + number * 1000).encode() + b" "
        whole = b"z" * size + b"\r\n"
        expected += [stamp + whole[i : i + PIECE] for i in range(0, len(whole), PIECE)]
    body = b"".join(expected)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    chunks = [body[i:j] for i, j in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert split(chunks) == expected

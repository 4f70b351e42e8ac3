"""Text with colours as segments: what is shown is the text, cut and marked wherever asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from lobtail.model.frames import Stream
from lobtail.model.items import Line
from lobtail.model.sanitize import safe_lines
from lobtail.tui.widgets.drawing import LONGEST, Drawer, beginning, safe_text
from lobtail.tui.widgets.segments import cut, mark_spans, segments_of, text_of, width_of
from support.items import HOSTILE
from unit.tui.items import REF

TEXTS = st.text(alphabet="ab \t日é\u0301e│👩\u200d🏽❤\ufe0f", max_size=40)
FOUND = Style(bgcolor=Color.parse("yellow"))


@given(st.lists(TEXTS, max_size=6), st.data())
def test_marks_are_where_they_were_asked_for(texts: list[str], data: st.DataObject) -> None:
    segments = [Segment(text, Style(bold=bool(i % 2))) for i, text in enumerate(texts)]
    whole = "".join(texts)
    edges = data.draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    marked = mark_spans(segments, spans, FOUND)
    assert text_of(marked) == whole
    shown = [
        segment.style is not None and segment.style.bgcolor is not None
        for segment in marked
        for _ in segment.text
    ]
    assert shown == [any(low <= i < high for low, high in spans) for i in range(len(whole))]


@given(TEXTS, st.integers(2, 12))
def test_rows_hold_all_of_the_text_and_are_not_too_wide(text: str, width: int) -> None:
    rows = cut([Segment(text)], width)
    assert "".join(map(text_of, rows)) == text
    assert all(width_of(row) <= width for row in rows)


def test_tabs_are_blanks_up_to_the_next_stop() -> None:
    assert text_of(segments_of("a\tb")) == "a       b"
    assert text_of(segments_of("\x1b[1ma\x1b[0m\tb\t")) == "a       b       "
    assert cell_len(text_of(segments_of("日\tb"))) == 9


def test_colours_are_those_of_the_line() -> None:
    red, true, plain = segments_of("\x1b[31mred\x1b[38;2;1;2;3mtrue\x1b[0mplain")
    assert red.style is not None
    assert red.style.color == Color.from_ansi(1)
    assert true.style is not None
    assert true.style.color == Color.from_rgb(1, 2, 3)
    assert plain.style == Style()
    (colon,) = segments_of("\x1b[38:2::1:2:3mx")
    assert colon.style is not None
    assert colon.style.color == Color.from_rgb(1, 2, 3)


def test_nothing_is_hidden_and_nothing_blinks() -> None:
    for parameters in ("8", "5", "6", "1;8", "999", "38;5;999", "38;2;999;0;0", "38", "38;9"):
        (segment,) = segments_of(f"\x1b[{parameters}mx")
        assert segment.text == "x"
        assert segment.style is not None
        assert not segment.style.conceal
        assert not segment.style.blink
        assert not segment.style.blink2


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"get   0%\rget 100%\r", "get 100%"),
        (b"\x1b[32m10%\r20%\x1b[0m", "20%"),
        (b"see \x1b]8;;https://x.org\x1b\\docs\x1b]8;;\x1b\\ now", "see docs now"),
        ("👩\u200d👧 می\u200cخ a\u200db\u202e".encode(), "👩\u200d👧 می\u200cخ a<U+200D>b<U+202E>"),
    ],
)
def test_case_terminal_text_is_the_same_in_the_client(raw: bytes, shown: str) -> None:
    drawn = Drawer().draw(0, Line(REF, Stream.STDOUT, 1, raw), 0)
    assert text_of(drawn.rows[0]) == shown


def test_only_colours_are_left_of_what_a_line_holds() -> None:
    for hostile in HOSTILE:
        line = Line(REF, Stream.STDOUT, 1, b"a\n" + hostile + b"b")
        drawn = Drawer().draw(0, line, 0)
        text = text_of([*drawn.head, *drawn.rows[0]])
        assert text.isprintable(), text
        assert safe_lines(safe_text(line).encode()) == safe_text(line).encode()


def test_a_long_line_full_of_what_is_searched_is_drawn_at_once() -> None:
    segments = segments_of("\x1b[31mab\x1b[0m" * 10_000)
    spans = [(i, i + 1) for i in range(0, 20_000, 2)]
    marked = mark_spans(segments, spans, FOUND)
    assert len(marked) == 20_000


def test_what_is_drawn_as_one_is_not_cut() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    rows = cut([Segment(f"ab{family}{family}c")], 5)
    assert [text_of(row) for row in rows] == [f"ab{family}", f"{family}c"]


def drawn_of(raw: bytes) -> str:
    return text_of(Drawer().draw(0, Line(REF, Stream.STDOUT, 1, raw), 0).rows[0])


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"get   0%\rget  50%\rget 100%", "get 100%"),
        (b"get   0%\rget 100%\r", "get 100%"),
        (b"plain\r", "plain"),
        ("\U0001f469\u200d\U0001f467".encode(), "\U0001f469\u200d\U0001f467"),
        ("\u0645\u06cc\u200c\u062e".encode(), "\u0645\u06cc\u200c\u062e"),
        (b"see \x1b]8;;https://example.org\x1b\\docs\x1b]8;;\x1b\\ now", "see docs now"),
        (b"see \x1b]8;;https://example.org\x07docs\x1b]8;;\x07 now", "see docs now"),
        (b"\x1b[32mok\x1b[0m\r\x1b[31mbad\x1b[0m", "bad"),
    ],
)
def test_case_terminal_text_in_the_client(raw: bytes, shown: str) -> None:
    """The first state stood there for ever, joiners and links were spelled out."""
    assert drawn_of(raw) == shown


@pytest.mark.parametrize("before", range(LONGEST - 8, LONGEST + 1))
def test_a_long_line_is_not_cut_within_a_colour(before: int) -> None:
    """What was left of the sequence reached the terminal."""
    line = Line(REF, Stream.STDOUT, 1, b"a" * before + b"\x1b[31mred" + b"b" * 100)
    text = drawn_of(line.raw)
    assert text.isprintable()
    assert text.endswith(" more characters")
    for most in range(before, before + 9):
        assert "\x1b" not in text_of(segments_of(beginning(safe_text(line), most)))

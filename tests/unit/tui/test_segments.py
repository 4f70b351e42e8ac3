"""Text with colours as segments: what is shown is the text, cut and marked wherever asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from lobtail.core.frames import Stream
from lobtail.core.model import Line
from lobtail.core.sanitize import sanitize
from lobtail.tui.widgets.drawing import Drawer, safe_text
from lobtail.tui.widgets.segments import cut, mark_spans, segments_of, text_of, width_of
from support.items import HOSTILE
from unit.tui.items import REF

TEXTS = st.text(alphabet="ab \t日é\u0301e│", max_size=40)
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


def test_only_colours_are_left_of_what_a_line_holds() -> None:
    for hostile in HOSTILE:
        line = Line(REF, Stream.STDOUT, 1, b"a\n" + hostile + b"b")
        drawn = Drawer().draw(0, line, 0)
        text = text_of([*drawn.head, *drawn.rows[0]])
        assert text.isprintable(), text
        assert sanitize(safe_text(line), sgr=True) == safe_text(line)


def test_a_long_line_full_of_what_is_searched_is_drawn_at_once() -> None:
    segments = segments_of("\x1b[31mab\x1b[0m" * 10_000)
    spans = [(i, i + 1) for i in range(0, 20_000, 2)]
    marked = mark_spans(segments, spans, FOUND)
    assert len(marked) == 20_000

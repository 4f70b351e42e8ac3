"""The text of a batch of lines: each its own line, and its colours its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.render.text import take_text
from support.items import HOSTILE, line

ACTS = re.compile(rb"\x1b(?!\[[0-9;:]{0,61}m)|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]")
RAWS = st.lists(
    st.lists(
        st.sampled_from(
            [
                *(
                    b"a",
                    b"1",
                    b"m",
                    b"[",
                    b";",
                    b"\x1b",
                    b"\x1b[",
                    b"\x1b[31m",
                    b"\x1b[0m",
                    b"\x1b[m",
                ),
                *(b"\r", b"\n", b"\x9b", b"\xe2", b"\x80", b"\xae", b"\xff", b"\x00", "é".encode()),
            ]
        ),
        max_size=8,
    ).map(b"".join),
    min_size=1,
    max_size=5,
)


def take(*raws: bytes, safe: bool = False, contain: bool = False) -> list[bytes]:
    return take_text([line(raw) for raw in raws], safe=safe, contain=contain)


def test_plain_text_comes_out_as_it_is() -> None:
    raws = [b"one", b"", "größe 日本\t€".encode(), b" "]
    assert take(*raws) == take(*raws, safe=True) == take(*raws, contain=True) == raws


def test_row_12_bytes_are_kept_where_no_terminal_is() -> None:
    raws = [*HOSTILE, b"\x00", b"\xff\xfe", b"\xe2\x82", b"\xed\xa0\x80"]
    assert take(*raws) == raws


@pytest.mark.parametrize("safe", [False, True])
def test_case_terminal_text_a_crlf_line_has_no_mark(safe: bool) -> None:
    assert take(b"a\r", b"\r", b"b", safe=safe) == [b"a", b"", b"b"]


def test_only_the_last_cr_is_that_of_a_tty() -> None:
    assert take(b"1%\r2%\r\r") == [b"1%\r2%\r"]
    assert take(b"1%\r2%\r\r", b"x", safe=True) == [b"2%", b"x"]


@pytest.mark.parametrize("safe", [False, True])
def test_a_line_that_holds_a_newline_stays_one_line(safe: bool) -> None:
    assert take(b"a\nb", b"c", safe=safe) == ["a␊b".encode(), b"c"]
    assert take(b"\n\n", safe=safe) == ["␊␊".encode()]


def test_row_13_what_acts_is_shown() -> None:
    assert take(b"\x1b[2J\x07", b"\x9b", safe=True) == ["␛[2J␇".encode(), rb"\x9b"]


def test_row_13_a_sequence_in_two_lines_does_not_act() -> None:
    assert take(b"\x1b", b"[31mx", safe=True) == ["␛".encode(), b"[31mx"]
    assert take(b"\x1b[3", b"1mx", safe=True) == ["␛[3".encode(), b"1mx"]


def test_row_13_a_character_in_two_lines_is_none() -> None:
    assert take(b"\xe2\x80", b"\xae", safe=True) == [rb"\xe2\x80", rb"\xae"]


@pytest.mark.parametrize("how", [{"safe": True}, {"contain": True}])
def test_colours_end_with_their_line(how: dict[str, bool]) -> None:
    assert take(b"\x1b[31mred", b"plain", **how) == [b"\x1b[31mred\x1b[0m", b"plain"]
    assert take(b"\x1b[0m\x1b[1m", **how) == [b"\x1b[0m\x1b[1m\x1b[0m"]


def test_colours_go_on_where_they_are_not_to_be_contained() -> None:
    assert take(b"\x1b[31mred", b"plain") == [b"\x1b[31mred", b"plain"]


@pytest.mark.parametrize("reset", [b"\x1b[0m", b"\x1b[m"])
def test_a_line_that_ends_in_a_reset_needs_no_other(reset: bytes) -> None:
    assert take(b"\x1b[31mx" + reset, contain=True) == [b"\x1b[31mx" + reset]


@given(RAWS, st.booleans())
def test_row_13_of_any_lines_nothing_but_colour_acts(raws: list[bytes], contain: bool) -> None:
    shown = take(*raws, safe=True, contain=contain)
    assert len(shown) == len(raws)
    for text in shown:
        text.decode()
        assert not ACTS.search(text)
        assert b"\x1b" not in text or text.endswith((b"\x1b[0m", b"\x1b[m"))


@given(RAWS, st.booleans(), st.booleans())
def test_a_line_does_not_depend_on_its_neighbours(
    raws: list[bytes], safe: bool, contain: bool
) -> None:
    together = take(*raws, safe=safe, contain=contain)
    alone = [take(raw, safe=safe, contain=contain)[0] for raw in raws]
    assert together == alone

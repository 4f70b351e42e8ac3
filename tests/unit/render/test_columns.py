"""Text measured, cut and padded by what is seen of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.render.columns import cut, fit, pad, width

SGR = re.compile(r"\x1b\[[0-9;:]*m")
FAMILY = "👩\u200d👩\u200d👧"

TEXTS = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "b",
                " ",
                "é",
                "e\u0301",
                "日",
                "か\u3099",
                FAMILY,
                "❤\ufe0f",
                "👍🏽",
                "🇩🇪",
                "\u0301",
            ),
            *(
                "\x1b[31m",
                "\x1b[0m",
                "\x1b[38;5;7m",
                "\x1b[m",
                "م\u200cم",
                "क\u094d\u200dष",
                "1\ufe0f\u20e3",
            ),
        ]
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("größe", 5),
        ("日本", 4),
        ("e\u0301e\u0301", 2),
        (FAMILY, 2),
        ("❤\ufe0f", 2),
        ("❤", 1),
        ("❤\ufe0f\u200d🔥", 2),
        ("👍🏽", 2),
        ("👩🏽\u200d🚀", 2),
        ("🏴\u200d☠\ufe0f", 2),
        ("🇩🇪", 2),
        ("1\ufe0f\u20e3", 2),
        ("می\u200cخواهم", 7),
        ("\u1112\u1161\u11ab", 2),
        ("\x1b[31mred\x1b[0m", 3),
        ("\x1b[31m日\x1b[0m\u0301", 2),
    ],
)
def test_the_width_is_that_of_what_is_seen(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 2, "ab"),
        ("abc", 3, "abc"),
        ("abc", 0, ""),
        ("日本", 3, "日"),
        ("日本", 1, ""),
        ("e\u0301e\u0301", 1, "e\u0301"),
        (FAMILY + "x", 2, FAMILY),
        (FAMILY + "x", 1, ""),
        ("\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"),
        ("\x1b[31mred\x1b[0m", 2, "\x1b[31mre\x1b[0m"),
        ("\x1b[31mred\x1b[0m and", 5, "\x1b[31mred\x1b[0m a\x1b[0m"),
        ("ab\x1b[7mcd", 2, "ab"),
        ("a\tb", 8, "a       "),
        ("a\tb", 20, "a       b"),
        ("日\tb\tc", 17, "日      b       c"),
    ],
)
def test_case_template_cut_by_what_is_seen(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown


@pytest.mark.parametrize(
    ("text", "args", "shown"),
    [
        ("ab", (4,), "ab  "),
        ("ab", (4, ">"), "  ab"),
        ("ab", (5, "^"), " ab  "),
        ("ab", (5, "^", "*"), "*ab**"),
        ("ab", (1,), "ab"),
        ("日", (4, ">"), "  日"),
        ("\x1b[31mred\x1b[0m", (5, ">"), "  \x1b[31mred\x1b[0m"),
        ("ab", (5, "<", "日"), "ab日 "),
        ("ab", (4, "<", "\u0301"), "ab  "),
        ("a\tb", (10,), "a       b "),
    ],
)
def test_case_template_cut_pads_by_what_is_seen(
    text: str, args: tuple[int, str, str], shown: str
) -> None:
    assert pad(text, *args) == shown


@given(TEXTS, st.integers(0, 12))
def test_what_is_cut_fits_and_its_colours_end(text: str, columns: int) -> None:
    shown = cut(text, columns)
    assert width(shown) <= columns
    assert SGR.sub("", text).startswith(SGR.sub("", shown))
    # One more cluster would not have fitted: two columns at most.
    assert shown == text or width(shown) >= columns - 1
    if shown != text:
        assert "\x1b" not in shown or shown.endswith("\x1b[0m")


@given(TEXTS, st.integers(0, 12), st.sampled_from("<>^"), st.sampled_from(" *日\u0301"))
def test_what_is_padded_is_as_wide_as_it_should_be(
    text: str, columns: int, align: str, fill: str
) -> None:
    shown = pad(text, columns, align, fill)
    if fill != "\u0301":  # which becomes a part of the text beside it
        assert text in shown
    assert width(shown) == max(width(text), columns)


@given(TEXTS.map(lambda text: SGR.sub("", text)), st.integers(1, 12))
def test_what_loses_its_middle_fits(text: str, columns: int) -> None:
    shown = fit(text, columns)
    assert width(shown) <= columns
    assert shown == text or "…" in shown


def test_tabs_take_no_longer_in_a_long_line() -> None:
    # Quadratic, this would take hours.
    assert cut("a\t" + "b" * 1_000_000, 10) == "a       bb"

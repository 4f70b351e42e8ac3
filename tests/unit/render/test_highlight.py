"""Matches in reverse video, whatever colours the line has of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.render.highlight import Highlighter

SGR = re.compile(r"\x1b\[[0-9;:]*m")

TEXTS = st.lists(
    st.sampled_from(
        [
            *("a", "b", "ab", " ", "é", "日", "\x1b[2J", "\x1b[", "m"),
            *("\x1b[m", "\x1b[0m", "\x1b[7m", "\x1b[27m", "\x1b[31m", "\x1b[1;7m", "\x1b[0;7;27m"),
            *("\x1b[38;5;7m", "\x1b[48;2;7;7;7m", "\x1b[38;5;1;7m", "\x1b[4:3m", "\x1b[007m"),
        ]
    ),
    max_size=12,
).map("".join)
PATTERNS = st.lists(
    st.sampled_from(["a", "b+", "ab", "a.*b", "", "x*", "^", "$", "日", r"\bab\b", "."]), max_size=3
)


def show(text: str, *patterns: str) -> str:
    """Highlight, with the two sequences as brackets to read them by."""
    shown = Highlighter(map(re.compile, patterns)).apply(text)
    return shown.replace("\x1b[7m", "[").replace("\x1b[27m", "]")


def cells(text: str) -> tuple[list[tuple[str, bool]], bool]:
    """Return each character and whether a terminal shows it reversed; then the state at the end."""
    found: list[tuple[str, bool]] = []
    on = False
    at = 0
    while at < len(text):
        match = SGR.match(text, at)
        if match is None:
            found.append((text[at], on))
            at += 1
            continue
        fields = [int(field.partition(":")[0] or 0) for field in match[0][2:-1].split(";")]
        while fields:
            code = fields.pop(0)
            if code in (38, 48, 58) and fields:
                del fields[: {5: 1, 2: 3}[fields.pop(0)]]
            on = (on or code == 7) and code not in (0, 27)
        at = match.end()
    return found, on


@pytest.mark.parametrize(
    ("text", "patterns", "shown"),
    [
        ("an error here", ["error"], "an [error] here"),
        ("error", ["error"], "[error]"),
        ("no match", ["error"], "no match"),
        ("", ["x"], ""),
        ("a b a", ["a"], "[a] b [a]"),
        ("größe 日本", ["ö", "日"], "gr[ö]ße [日]本"),
        ("text", [], "text"),
    ],
)
def test_matches_of_plain_text_are_reversed(text: str, patterns: list[str], shown: str) -> None:
    assert show(text, *patterns) == shown


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [
        (["abc", "cd"], "[abcd]e"),
        (["cd", "abc"], "[abcd]e"),
        (["abcd", "b"], "[abcd]e"),
        (["ab", "cd"], "[abcd]e"),
        (["a", "c"], "[a]b[c]de"),
    ],
)
def test_matches_that_overlap_or_touch_become_one(patterns: list[str], shown: str) -> None:
    assert show("abcde", *patterns) == shown


@pytest.mark.parametrize("pattern", ["", "x*", "^", "$", r"\b"])
def test_empty_matches_are_not_shown(pattern: str) -> None:
    assert show("abc", pattern) == "abc"
    assert show("\x1b[31mabc", pattern) == "\x1b[31mabc"


def test_a_match_sees_what_a_reader_sees_and_the_colours_stay() -> None:
    assert show("er\x1b[31mror\x1b[0m!", "error") == "[er\x1b[31mror\x1b[0m!"
    assert show("x\x1b[31merror\x1b[39m!", "error") == "x\x1b[31m[error\x1b[39m]!"
    assert show("\x1b[31merror", "31") == "\x1b[31merror"


def test_a_reset_inside_a_match_does_not_end_it() -> None:
    assert show("\x1b[31mer\x1b[0mror!", "error") == "\x1b[31m[er\x1b[0m[ror]!"


def test_in_a_line_of_reverse_video_a_match_is_not_reversed() -> None:
    assert show("\x1b[7man error here\x1b[27m", "error") == "[an ]error[ here]"
    assert show("\x1b[1;7merror", "error") == "\x1b[1;7m]error["


def test_the_seven_of_a_colour_is_not_reverse_video() -> None:
    assert show("\x1b[38;5;7mab", "a") == "\x1b[38;5;7m[a]b"
    assert show("\x1b[48;2;7;7;7mab", "a") == "\x1b[48;2;7;7;7m[a]b"


def test_it_is_false_without_patterns() -> None:
    assert not Highlighter([])
    assert Highlighter([re.compile("x")])


@given(TEXTS, PATTERNS)
def test_nothing_but_sgr_is_added(text: str, patterns: list[str]) -> None:
    shown = Highlighter(map(re.compile, patterns)).apply(text)
    assert SGR.sub("", shown) == SGR.sub("", text)


@given(TEXTS, PATTERNS)
def test_reversed_is_what_the_line_reverses_or_a_pattern_matches_but_not_both(
    text: str, patterns: list[str]
) -> None:
    plain = SGR.sub("", text)
    matched = {
        at
        for pattern in patterns
        for match in re.finditer(pattern, plain)
        for at in range(*match.span())
    }
    own, own_end = cells(text)
    expected = [(char, on != (at in matched)) for at, (char, on) in enumerate(own)]
    # The line leaves the terminal as it would have without us.
    assert cells(Highlighter(map(re.compile, patterns)).apply(text)) == (expected, own_end)

"""A user's regex: refused before anything runs if it is none, or if it could run for ever."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.core.patterns import compile_pattern
from lobtail.errors import ConfigError, QueryError

ENDLESS = {
    r"(a+)+b": 0,
    r"(a*)*b": 0,
    r"((a?)+)+b": 0,
    r"x(a|ab|b)*c": 1,
    r"(\w+\s?)+$": 0,
    r"^(\d+|\w+)*!": 1,
    r"(.*)*x": 0,
    r"(a+){10}b": 0,
    r"(x+x+)+y": 0,
    r"ab(?:a|aa)+$": 2,
    r"(?=(a+)+b)c": 3,
    r"(?>(a+)+b)": 3,
    r"^(([a-z])+.)+[A-Z]([a-z])+$": 1,
    r"([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}": 13,
    r"(?i)(a+|A+)+b": 4,
    r"(é+)+b": 0,
}

HARMLESS = [
    r"",
    r"error",
    r"(?i)timeout|refused",
    r"\b(warn|error)\b",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"([0-9a-f]{1,4}:?){8}z",
    r".*a.*b",
    r"(\w+\s)*x",
    r"([^,]*,)*x",
    r"([^é]*é)*x",
    r"(?:a++)+b",
    r"(?>a+)+b",
    r'"([^"\\]|\\.)*"',
    r"(foo|bar|baz)*x",
    r"^(?!.*health).*GET",
    r"(?P<a>x)(?P=a)+y",
    r"(?:[a-z]+,)*[a-z]+;",
    r"a{1,1000}b",
    r'^\S+ \S+ \[[^]]+\] "(GET|POST) [^"]*" 5\d\d',
    # Ambiguous, but nothing behind it can fail.
    r"(a+)+",
    r"user (\w+ ?)+",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_row_20_a_regex_that_backtracks_for_ever(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_pattern(pattern, "--include")
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith("--include: the regex could take for ever on one line")
    assert shown == f"  {pattern}"
    assert caret == f"  {' ' * ENDLESS[pattern]}^"


@pytest.mark.parametrize("pattern", HARMLESS)
def test_harmless_ones_are_let_pass(pattern: str) -> None:
    assert compile_pattern(pattern, "--include").pattern == pattern


@pytest.mark.parametrize(
    ("pattern", "at"), [("(", 0), ("a[b", 1), ("*", 0), ("a(?P<1>x)", 5), ("ab\\", 2)]
)
def test_row_20_an_invalid_regex_is_pointed_at(pattern: str, at: int) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_pattern(pattern, "--exclude")
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith("--exclude: no regex: ")
    assert shown.strip() == pattern
    assert caret.index("^") - 2 == at


@pytest.mark.parametrize("pattern", ["(" * 5000 + ")" * 5000, "a{99999999999}"])
def test_monsters_are_refused_in_one_piece(pattern: str) -> None:
    with pytest.raises(ConfigError):
        compile_pattern(pattern, "--include")


def test_a_pattern_too_large_to_judge_is_refused() -> None:
    words = "|".join(f"[a-z]{{2}}x{i}" for i in range(800))
    with pytest.raises(ConfigError, match="too large"):
        compile_pattern(f"(?:{words})*!", "--include")


def test_flags_hold_for_the_judgement() -> None:
    compile_pattern("([a-z]+[A-Z])*!", "--include")
    with pytest.raises(ConfigError):
        compile_pattern("([a-z]+[A-Z]+)*!", "--include", flags=re.IGNORECASE)


def test_a_caret_stands_right_below_what_cannot_be_printed() -> None:
    assert str(QueryError("m", "\x1b[x", 1)) == "m\n  ·[x\n   ^"


PIECES = st.sampled_from(["a", "b", "[ab]", ".", r"\w"])
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?"])).map(lambda p: f"(?:{p[0]}){p[1]}"),
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: f"(?:{'|'.join(p)})"),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(PATTERNS)
def test_what_is_let_pass_ends(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern + "!", "--include")
    except ConfigError:
        return
    # 2^30 ways would not end within this suite's time for a test; powers of 30 do.
    for text in ("a" * 30, "ab" * 15, "b" * 30):
        assert compiled.search(text) is None

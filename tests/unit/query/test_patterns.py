"""A user's regex: refused before anything runs, or done in bounded time on any line."""

from __future__ import annotations

import random
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.errors import ConfigError, QueryError
from lobtail.query.patterns import MAX_WORK, Pattern, as_pattern, compile_pattern

MIB = 1 << 20

# Exponential, quadratic and worse to an engine that backtracks; with a line to be slow on.
NASTY = [
    (r"(?:x\B|x)+z", "x" * 45),
    (r"(?:x(?:)|x)+z", "x" * 45),
    (r"(?:\b\w|\w)+:", "ab" * 25),
    (r"(\d+\.?)+z", "1" * 45),
    (r"(?:\w+\b ?)+:", "a b " * 12),
    (r"\w+@", "a" * MIB),
    (r"a+b", "a" * MIB),
    (r"[a-z]+=\d", "a" * MIB),
    (r".*a.*b", "a" * MIB),
    (r"\s+$", " " * (MIB - 1) + "x"),
    (r"\s*x\s*$", " " * MIB),
    (r"a*a*a*a*a*b", "a" * 20_000),
    (r"(a+)+$", "a" * MIB + "!"),
    (r"(a|a)*b", "a" * MIB),
    (r"(a|ab|b)*c", "ab" * (MIB // 2)),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * MIB),
    (r"(.*)*x", "y" * MIB),
    (r"(?i)(a+|A+)+b", "aA" * (MIB // 2)),
    (r"(é+)+b", "é" * (MIB // 2)),
    (r"(x+x+)+y", "x" * MIB),
    (r"((((((a*)*)*)*)*)*)*c", "a" * MIB),
    (r"(?:.*a){50}c", "a" * MIB),
    (r"(?:(?:a?){30}){30}c", "a" * MIB),
    (r"(?m)^.*$^.*$c", "a\n" * (MIB // 2)),
    (r"(\S+\s*)+=$", "a b" * (MIB // 3)),
]
AB = f"{random.Random(1).getrandbits(MIB):0{MIB}b}".translate({ord("0"): "a", ord("1"): "b"})
# RE2's own worst: it has to follow as many states as the pattern is long.
SLOWEST = [
    "(?:a|b)*a(?:a|b){200}c",
    "(?:a|b)*a(?:a|b){900}c",
    "(?:a.{1,900})c",
    "(?:a[ab]{100}c|b[ab]{101}c|a[ab]{102}c|a[ab]{103}c)",
]


@pytest.mark.parametrize(("pattern", "text"), NASTY)
@pytest.mark.timeout(30)
def test_case_regex_judge(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern, "--include")
    assert compiled.search(text) is None
    assert list(compiled.finditer(text)) == []


@pytest.mark.parametrize("pattern", SLOWEST)
@pytest.mark.timeout(30)
def test_a_large_pattern_sees_less_of_a_long_line_and_counts_it(pattern: str) -> None:
    compiled = compile_pattern(pattern, "--include")
    assert compiled.reach < MIB
    assert not compiled.is_in(AB.encode())
    assert compiled.unsearched == 1
    assert not compiled.is_in(AB[: compiled.reach].encode())
    assert compiled.unsearched == 1


def test_an_ordinary_pattern_sees_all_of_the_longest_line() -> None:
    for pattern in (r"timeout|refused", r"\w+@\w+", r"user=\d+$", r"(?i)error.*$"):
        compiled = compile_pattern(pattern, "--include")
        text = "x" * (MIB - 40) + " ERROR refused a@b error user=5"
        assert compiled.search(text) is not None, pattern
        assert compiled.unsearched == 0


def test_the_end_of_what_is_searched_is_not_the_end_of_the_line() -> None:
    compiled = compile_pattern(r"a$|ab{500}c", "--include")
    assert compiled.reach < MIB
    assert compiled.search("a" * MIB + "b") is None
    assert compiled.search("b" * 10 + "a") is not None


@pytest.mark.parametrize(
    ("pattern", "words", "at"),
    [
        (r"a(?=b)", "unsupported regex: RE2 has no look-around; a query has 'not'", 1),
        (r"^(?!.*health).*GET", "unsupported regex: RE2 has no look-around", 1),
        (r"(?<=a)b", "unsupported regex: RE2 has no look-around", 0),
        (r"(?P<a>x)(?P=a)", "unsupported regex: RE2 has no back-references", 8),
        (r"\((a)\1", "unsupported regex: RE2 has no back-references", 5),
        (r"(?>a+)b", "unsupported regex: RE2 has no atomic groups", 0),
        (r"a++b", "unsupported regex: RE2 has no possessive repeats", 1),
        ("(", "invalid regex: missing )", 0),
        ("a[b", "invalid regex: unterminated character set", 1),
        ("*", "invalid regex: nothing to repeat", 0),
        ("ab\\", "invalid regex: bad escape", 2),
        ("(a{1000}){1000}", "invalid regex: RE2 repeats at most 1000 times", 2),
        ("a\\yb", "invalid regex: bad escape", 1),
    ],
)
def test_row_20_what_cannot_be_used_is_pointed_at(pattern: str, words: str, at: int) -> None:
    with pytest.raises(QueryError) as caught:
        compile_pattern(pattern, "--exclude")
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith(f"--exclude: {words}")
    assert shown == f"  {pattern}"
    assert caret.index("^") - 2 == at


@pytest.mark.parametrize(
    "pattern",
    [
        "a{99999999999}",
        "a" * 19_000,
        "a" * 1_000_000,
        r"(?i)(?:\pL{1,30}\pN){1,10}c",
        "(?:" + "|".join(f"[a-z]{{9}}x{i}" for i in range(2000)) + ")*!",
        "\ud800",
    ],
)
@pytest.mark.timeout(30)
def test_monsters_are_refused_in_one_piece(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_pattern(pattern, "--include")
    assert len(str(caught.value).splitlines()[0]) < 120


def test_depth_alone_is_no_monster() -> None:
    assert compile_pattern("(" * 900 + "a" + ")" * 900, "--include").search("ba") == (1, 2)


def test_case_future_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pattern in ("[[a]", "[+--]", "[a&&b]", "[a||b]", "[a~~b]", "[[:alpha:]]"):
            compile_pattern(pattern, "--include")
        for pattern in ("[[a", "[[a]("):
            with pytest.raises(QueryError, match="invalid regex"):
                compile_pattern(pattern, "--include")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"ab\Z", "xab", True),
        (r"ab\Z", "abx", False),
        ("\\u00e4", "ä", True),
        ("\\U0001F600", "\U0001f600", True),
        ("^a{,2}$", "aa", True),
        ("^a{,2}$", "aaa", False),
        (r"\_", "_", True),
        (r"\ä", "ä", True),
        (r"a\/b", "a/b", True),
        (r"\\Z", "\\Z", True),
        (r"(?i)straße", "STRAßE", True),
        (r"(?i)kelvin", "\u212aELVIN", True),
        (r"\bfoo\b", "a foo.", True),
        (r"^\pL+$", "größe", True),
        ("\ufffd", "\ufffd", True),
        ("a.b", "a\ufffdb", True),
        ("", "", True),
        ("x*", "", True),
        ("^$", "", True),
        ("a\x00b", "a\x00b", True),
    ],
)
def test_what_it_means(pattern: str, text: str, found: bool) -> None:
    assert (compile_pattern(pattern, "-i").search(text) is not None) == found


def test_case_may_be_ignored_from_the_outside() -> None:
    assert compile_pattern("Error", "-i", ignore_case=True).search("an eRROR") is not None
    assert compile_pattern("Error", "-i").search("an eRROR") is None
    assert compile_pattern("sſk", "-i", ignore_case=True).search("SSK") is not None


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "é",
        "[ab]",
        ".",
        "[é]",
        "(?:)",
        "^",
        "$",
        "a?",
        "b*?",
        "[^a]",
        "(?i:A)",
        "ab",
        r"\.",
    ]
)
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: f"(?:{'|'.join(p)})"),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(PATTERNS, st.text("abAé.", max_size=8))
def test_it_is_found_where_python_finds_it(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern, "--include")
    match = re.search(pattern, text)
    found = compiled.search(text)
    assert (found is None) == (match is None)
    if match is not None and found is not None:
        assert found.start() == match.start()
    assert compiled.is_in(text.encode()) == (match is not None)
    if match is not None:
        assert compiled.may_be_in(text.encode())
    spans = [each.span() for each in compiled.finditer(text)]
    assert spans == sorted(spans)
    assert all(0 <= start <= end <= len(text) for start, end in spans)


def test_all_places_count_characters() -> None:
    compiled = compile_pattern("é|b", "--highlight")
    text = "aébüb\U0001f600é"
    assert [found.span() for found in compiled.finditer(text)] == [(1, 2), (2, 3), (4, 5), (6, 7)]
    assert compiled.search(text) == (1, 2)


def test_to_show_all_places_takes_bounded_time_too() -> None:
    # After each "a" the rest of the line is read for the "b" that never comes.
    compiled = compile_pattern("a.*b|a", "--highlight")
    places = sum(1 for _ in compiled.finditer("a" * MIB))
    assert 0 < places < 1000
    assert compiled.unsearched == 1
    assert sum(1 for _ in compiled.finditer("a" * 1000)) == 1000


def test_the_limits_fit_together() -> None:
    compiled = compile_pattern("(?:a.{1,900})c", "-i")
    assert isinstance(compiled, Pattern)
    assert compiled.reach >= MAX_WORK // 10_000


def test_a_regex_of_python_keeps_its_flags() -> None:
    assert as_pattern(re.compile("ERROR", re.IGNORECASE), "regex").search("an error") is not None
    assert as_pattern(re.compile("^b.c$", re.DOTALL | re.MULTILINE), "regex").search("a\nb\nc")
    assert as_pattern("a", "regex").search("A") is None
    with pytest.raises(ConfigError, match="VERBOSE"):
        as_pattern(re.compile("a # b", re.VERBOSE), "regex")
    with pytest.raises(QueryError, match="look-around"):
        as_pattern(re.compile("(?=a)"), "regex")

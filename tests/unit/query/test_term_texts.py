"""The texts without which a line cannot be wanted: of regexes, and of queries."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.errors import ConfigError
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.query.literals import Literals
from lobtail.query.patterns import compile_pattern
from lobtail.query.query import Query
from lobtail.query.term_texts import literals_of, literals_of_term

REF = ContainerRef("a" * 64, "web")


def contains(line: Line, wanted: Literals) -> bool:
    return all(any(text in line.text for text in group) for group in wanted.groups)


PATTERNS = {
    "error": ("error",),
    "err(or)?": ("err",),
    "foo|bar+": ("foo", "ba"),
    "^timeout after \\d+ ms$": ("timeout after ",),
    "(?i)error": None,
    "(?i)error 5\\d\\d: x": (" 5",),
    "a*b?": None,
    "a{2,}": ("a",),
    "(ab|cd)ef": ("ef",),
    "(abc|def)x": ("abc", "def"),
    "foo\\b bar": ("foo bar",),
    "[ab]cd": ("cd",),
    ".*": None,
    "(?:long text|x)yz": ("yz",),
    "(?:abc)+d": ("abc",),
    "a(?i)bcd|e(?-i)fgh": ("a", "fgh"),
    "\\u0061\\x62\\x{63}d": ("abcd",),
    "(a(b)c)": ("abc",),
    "x[.]y": ("x.y",),
    "a\\Qb\\E": None,
    "a{,3}bc": ("bc",),
    "abc{0}d": ("ab",),
    "\\.json\\b": (".json",),
    "": None,
}


@pytest.mark.parametrize(("pattern", "texts"), PATTERNS.items())
def test_literals_of(pattern: str, texts: tuple[str, ...] | None) -> None:
    found = literals_of(compile_pattern(pattern, "-i"))
    if texts is None:
        assert found is None
    else:
        assert found is not None
        assert set(found) == set(texts) or min(map(len, found)) >= min(map(len, texts))


FRAGMENTS = r"""
    a b ab (a|b) (?:ab|ba) a? b* [ab] . a+ (?i:A) ^ $ \b \. (a) (?:) (?:ab)+ b{2} | \w a+? [.]
    (?:a|) (?P<n>ab) (?:a|(?i:b)) {,2} \x41 \u0042 [^a] (?s:.) (?i:a(?-i:B)) a{0} a{1,}? [A]
"""
PIECES = st.sampled_from(FRAGMENTS.split())


@given(st.lists(PIECES, max_size=6), st.text("abAB. ", max_size=12))
@settings(deadline=None)
def test_a_match_contains_them(pieces: list[str], text: str) -> None:
    try:
        pattern = compile_pattern("".join(pieces), "-i")
    except ConfigError:
        return
    texts = literals_of(pattern)
    # Python's own engine, for that of the pattern looks for the texts first.
    with suppress(re.error):
        if re.search(pattern.pattern, text):
            assert texts is None or any(part in text for part in texts)
            assert pattern.search(text) is not None
        if re.search(pattern.pattern, text, re.IGNORECASE):
            assert compile_pattern(pattern.pattern, "-i", ignore_case=True).search(text) is not None


QUERIES = [
    "/time.?out/",
    '"timeout"',
    '"500"',
    "status = 500",
    'status = "500"',
    "user = ann",
    "user = a*n",
    "user in (ann, bob)",
    'msg = "a \\"b\\""',
    'msg contains "b"',
    "msg contains fail",
    "status contains 500",
    "msg ~ /fai/",
    'user = ann and "timeout"',
    'user = ann or "timeout"',
    'not "timeout"',
    "level >= warn",
    'level >= warn and "timeout"',
    "tags = ann",
    "tags contains ann",
    "ok = true",
    "none = null",
    'text = "nothing of it"',
    "text = noth*",
]
RAW = [
    b'{"user":"ann","status":500,"msg":"a \\"b\\" failed","ok":true,"none":null,"tags":["ann"]}',
    b'{"user":"\\u0061nn","status":5e2,"level":"warn","msg":"time\\u006fut timeout"}',
    b'user=ann status=500 ok=true level=warn msg="a \\"b\\""',
    b'user="\\x61nn" msg="fai\\led"',
    b"\x1b[31mtime\x1b[0mout\x1b[0m user=an\x1b[1mn ",
    b"WARN timeout 500",
    b"nothing of it",
    b"user=aden timout",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("raw", RAW)
def test_a_line_of_a_query_contains_them(query: str, raw: bytes) -> None:
    term = Query(query).term
    line = Line(REF, Stream.STDOUT, 0, raw)
    if term.predicate()(line):
        assert contains(line, literals_of_term(term))


def test_what_is_derived_of_queries() -> None:
    def of(query: str) -> Literals:
        return literals_of_term(Query(query).term)

    assert of('"timeout"') == Literals((("timeout", "\x1b"),))
    assert of("user = ann") == Literals((("ann", "\\", "\x1b"),))
    assert of("level >= warn") == Literals()
    assert of("status = 500") == Literals()
    assert of('not "timeout"') == Literals()
    assert of('"timeout" or level >= warn') == Literals()
    both = of('"timeout" and user = ann')
    assert both == Literals((("timeout", "\x1b"), ("ann", "\\", "\x1b")))
    assert of('"timeout" or user = ann') == Literals((("timeout", "\x1b", "ann", "\\"),))
    assert of("/x+/") == Literals((("x", "\x1b"),))
    assert of("/./") == Literals()

"""The filter language: what matches, and where a bad query is pointed at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import QueryError
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.query.query import Query

NOW = 1_760_000_000_000_000_000
WEB = ContainerRef(
    id="3f" * 32,
    name="shop-web-1",
    image="nginx:1.27",
    project="shop",
    service="web",
    labels={"team": "core", "com.example/tier": "front", "empty": ""},
)


def line(
    text: str | bytes,
    *,
    container: ContainerRef = WEB,
    stream: Stream = Stream.STDOUT,
    time_ns: int | None = NOW,
) -> Line:
    raw = text.encode() if isinstance(text, str) else text
    return Line(container, stream, time_ns, raw)


def matches(query: str, tested: Line) -> bool:
    return Query(query, now_ns=NOW).matches(tested)


JSON = line(
    '{"level":"error","msg":"upstream timed out","status":502,"took":"1.5s","retry":true,'
    '"http":{"method":"GET","path":"/api/cart"},"user.id":7,"tags":["a","b"],"cause":null,'
    '"ratio":0.25,"code":"007","time":"mine"}'
)
LOGFMT = line('level=warn msg="slow query" status=200 took=340ms user.id=42', stream=Stream.STDERR)
PLAIN = line("GET /health 200")


@pytest.mark.parametrize(
    "query",
    [
        "level>=warn and service=web and status>=500 and not /health/",
        "level=error",
        "level=ERR",
        "level in (warn, error)",
        "level!=warn",
        "level<fatal",
        "container=shop-web-1",
        "container=shop-*",
        "container ~ web-[0-9]",
        "image contains nginx",
        "image = 'nginx:1.27'",
        "project=shop",
        "label.team=core",
        "label.com.example/tier=front",
        'label."com.example/tier"=front',
        "has label.team",
        "stream=stdout",
        "stream!=stderr",
        "time>=2025-10-09T08:53:20Z",
        "time>1m",
        "time<=2030-01-01",
        '"timed out"',
        "text contains 'timed out'",
        "/TIMED/i",
        "text ~ /upstream.*out/",
        "msg = 'upstream timed out'",
        "msg=upstream*",
        "msg ~ /^up/",
        "msg =~ /^up/",
        "msg =~ up",
        "msg !~ /^down/",
        "status=502",
        "status = 502.0",
        "status != 200",
        "status in (500, 502)",
        "status not in (200, 301)",
        "status>=500",
        "status<1e3",
        "ratio<.5 or ratio<0.5",
        "took>1s",
        "took<=1500ms",
        "retry=true",
        "retry!=false",
        "http.method=GET",
        "http.path=/api/*",
        "http.path ~ /\\/api\\//",
        "user.id=7",
        "tags=a",
        "tags.1=b",
        "has http.path",
        "has cause",
        "cause=null",
        "not has nothing",
        "nothing!=1",
        "code=007",
        "code='007'",
        "code=7",
        ".level=error",
        ".time=mine",
        "NOT level=warn AND (status=1 OR status=502)",
        "!(status=1) && (status=2 || status=502)",
        "msg>=up and msg<v",
    ],
)
def test_matches(query: str) -> None:
    assert matches(query, JSON)


@pytest.mark.parametrize(
    "query",
    [
        "level<error",
        "level=unknown",
        "service=api",
        "container=shop",
        "container='shop-*'",
        "label.team!=core",
        "label.other=core",
        "has label.other",
        "has label.empty and label.empty=x",
        "stream=stderr",
        "time<1m",
        '"Timed out"',
        "status>502",
        "status>=abc",
        "status='50'",
        "nothing=1",
        "nothing>1",
        "nothing<1",
        "nothing ~ /x/",
        "retry=1",
        "retry>0 and retry=maybe",
        "cause='null'",
        "took>2s",
        "msg>5",
        "http=GET",
        "status=1 or status=502 and level=warn",
        "not (status=502)",
    ],
)
def test_does_not_match(query: str) -> None:
    assert not matches(query, JSON)


def test_fields_of_logfmt_are_compared_as_numbers_and_durations() -> None:
    for query in ("status>=200", "status=200", "took>=0.3s", "user.id>41", "msg='slow query'"):
        assert matches(query, LOGFMT)
    assert not matches("status>=1000", LOGFMT)


def test_a_line_without_level_or_time_is_on_neither_side() -> None:
    bare = line("GET /health 200", time_ns=None)
    for name, value in (("level", "info"), ("time", "1m")):
        for operator in ("<", "<=", ">", ">=", "="):
            assert not matches(f"{name}{operator}{value}", bare)
    assert matches("level=unknown and not has level and not has time", bare)


def test_colours_do_not_stand_between_a_reader_and_a_match() -> None:
    colored = line("\x1b[31mlevel\x1b[0m=\x1b[1mwarn\x1b[0m")
    assert matches('"level=warn"', colored)
    assert matches("/^level=warn$/", colored)


def test_what_is_not_utf8_can_still_be_searched() -> None:
    assert matches('"caf"', line(b"caf\xe9"))
    assert matches("/caf.$/", line(b"caf\xe9"))
    assert matches('"café"', line("café"))


def test_text_leaves_the_cr_of_a_tty_out() -> None:
    assert matches("/done$/", line(b"done\r"))


@pytest.mark.parametrize("word", ["timeout", "INFO", "500", "10.0.0.1", "größe", "not-found"])
def test_a_bare_word_is_a_text(word: str) -> None:
    assert Query(word).term == Query(f'"{word}"').term
    assert matches(word, line(f"a {word} b"))
    assert not matches(f"not {word}", line(f"a {word} b"))
    assert matches(f"({word} or x=1) and stream=stdout", line(word))


@pytest.mark.parametrize(
    ("query", "same"),
    {
        "connection refused": '"connection" and "refused"',
        "10.0.0.1 refused 3": '"10.0.0.1" and "refused" and "3"',
        '"connection refused" /time.?out/i': 'text contains "connection refused" and /time.?out/i',
        "connection refused and level>=warn": '("connection" and "refused") and level>=warn',
        "level>=warn or connection refused": 'level>=warn or ("connection" and "refused")',
        "disk has failed": '"disk" and "has" and "failed"',
        "refused in 5ms today": None,
        "not (connection refused)": 'not ("connection" and "refused")',
    }.items(),
)
def test_case_two_words_are_both_looked_for(query: str, same: str | None) -> None:
    if same is None:
        with pytest.raises(QueryError, match="quotes"):
            Query(query)
    else:
        texts = ["refused connection 3 10.0.0.1 disk has failed", "x", "refused"]
        both = [line(text) for text in [*texts, "WARN connection refused timeout"]]
        assert [Query(query).matches(each) for each in both] == [
            Query(same).matches(each) for each in both
        ]


NUMBERS = (
    '{"id":1196485142321321728,"str":"1196485142321321728","nan":NaN,"inf":-Infinity,"big":1e400}'
)


@pytest.mark.parametrize(
    ("query", "holds"),
    {
        "id=1196485142321321728": True,
        "id=1196485142321321729": False,
        "id!=1196485142321321728": False,
        "id>=1196485142321321728 and id<1196485142321321729": True,
        ".str>1196485142321321727": True,
        "str=1196485142321321728.0": True,
        "id in (1196485142321321727, 1196485142321321728)": True,
        "nan=NaN": True,
        "nan=1": False,
        "nan!=1": True,
        "nan<1 or nan>1": False,
        "inf<0": True,
        "inf=-Infinity": True,
        "inf>1": False,
        "big>1e300": True,
        "big=1e400": True,
        "big=1": False,
        "id<" + "9" * 300: True,
        "id<" + "9" * 5000: False,  # as a text
        "nan contains NaN": True,
        "inf ~ /^-Inf/": True,
    }.items(),
)
def test_case_json_numbers(query: str, holds: bool) -> None:
    assert matches(query, line(NUMBERS)) == holds


def test_case_empty_label() -> None:
    container = ContainerRef("0" * 64, "web", labels={"a.b": "", "c": "d"})
    labelled = Line(container, Stream.STDOUT, 1, b"x")
    assert matches("has label.a.b", labelled)
    assert matches('label.a.b=""', labelled)
    assert not matches("not has label.a.b", labelled)
    assert not matches("has label.other", labelled)
    assert not matches("has project", labelled)


def test_words_before_an_operator_are_names() -> None:
    assert matches("has status and status>=500", line('{"status":502}'))
    assert not matches("status and status>=600", line('{"status":502}'))
    assert matches("status not in (1, 2) and status", line('{"status":502}'))


FAULTS = {
    "": ("the query is empty", 0),
    "  ": ("the query is empty", 0),
    "level": ("say what level is to be", 5),
    "a=1 and service": ("to look for a text, put it in quotes", 15),
    ".level": ("has .level", 6),
    "service unavailable": ('put it in quotes: "service unavailable"', 0),
    "image not found": ('put it in quotes: "image not found"', 10),
    "a file not found": ('put it in quotes: "a file not found"', 7),
    "connected in 5ms": ("put it in quotes", 13),
    "error: timeout": ("put it in quotes", 5),
    "[error]": ("put it in quotes", 0),
    "not connection refused": ("say not (connection refused)", 15),
    "connection refused status>=500": ("and or or is missing before status", 25),
    "status>=500 refused": ("and or or is expected here; a value with blanks needs quotes", 12),
    "time>2026-11-30 04:10": ("a value with blanks needs quotes", 16),
    "not " * 300 + "x": ("nested too deeply", 0),
    "(" * 300 + "x" + ")" * 300: ("nested too deeply", 0),
    "a = b and": ("is missing at the end", 9),
    "a=": ("a value is missing at the end", 2),
    "(a=1": (") is missing at the end", 4),
    "a=1)": ("the query should end here", 3),
    "a=1 b=2": ("and or or is expected here", 4),
    "level>=loud": ("loud", 7),
    "level ~ /x/": ("a level can be compared", 0),
    "time>lately": ("lately", 5),
    "stream=both": ("stdout or stderr", 7),
    "stream>stdout": ("a stream is", 6),
    "label=x": ("label.KEY", 0),
    "msg ~ /a[b/": ("invalid regex", 8),
    'msg ~ "("': ("invalid regex", 7),
    "x=1 and /a(?=b)/": ("RE2 has no look-around", 10),
    "a in ()": ("a value is expected here", 6),
    '"open': ("is expected here", 0),
    "a=1 ; b=2": ("is expected here", 4),
}


@pytest.mark.parametrize("query", FAULTS)
def test_row_20_a_bad_query_is_pointed_at(query: str) -> None:
    words, at = FAULTS[query]
    with pytest.raises(QueryError) as caught:
        Query(query)
    assert words in caught.value.message
    assert caught.value.position == at
    assert str(caught.value).split("\n")[1:] == [f"  {query}", f"  {' ' * at}^"]


@pytest.mark.parametrize("query", ["(" * 9000, "not " * 2400 + "a=1", "a" * 20_000])
def test_monsters_are_refused(query: str) -> None:
    with pytest.raises(QueryError):
        Query(query)


@given(st.text(alphabet="ab=<>!~/()\"'.,0 \\*notand", max_size=30))
def test_any_text_is_a_query_or_an_error(text: str) -> None:
    position, matched = 0, False
    try:
        matched = Query(text).matches(PLAIN)
    except QueryError as exc:
        position = exc.position
    assert 0 <= position <= len(text)
    assert matched in (True, False)


@given(st.binary(max_size=200))
def test_any_line_can_be_tested(raw: bytes) -> None:
    query = Query("a.b>=1 or level>=warn or /x/ or took<1s or 'y' or has a or a=*z or a ~ b")
    assert query.matches(line(raw)) in (True, False)


def test_the_table_of_the_docstring_is_true() -> None:
    from lobtail.query import query

    assert query.__doc__
    examples = re.findall(r"``((?:level|took|time)[>=]+\S+?)``", query.__doc__)
    assert examples
    for example in examples:
        Query(example)


def test_a_query_counts_what_it_did_not_search() -> None:
    query = Query("/a.{1,900}cc/ or /x/")
    long = line("cc" + "a" * 50_000)
    assert not query.matches(long)
    assert query.unsearched == 1


def test_a_glob_is_limited() -> None:
    assert matches(f"text=*{'t' * 200}*", line("t" * 300))
    assert matches(f"text='{'?' * 300}'", line("?" * 300))
    with pytest.raises(QueryError, match="at most 250 characters"):
        Query(f"text=*{'t' * 300}")


def test_a_term_is_a_query() -> None:
    query = Query.of(Query("stream=stderr").term, "errors")
    assert query.matches(LOGFMT)
    assert not query.matches(JSON)
    assert query.text == "errors"
    assert query.plan().residual is None


def test_the_epoch_is_a_time() -> None:
    assert matches("time>=1970-01-01T00:00:00Z", line("x", time_ns=0))
    assert not matches("time<=now", line("x", time_ns=None))

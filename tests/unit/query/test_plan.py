"""What a query's plan demands: never more than the query, and with the rest exactly it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.model.levels import Level
from lobtail.query.literals import Literals
from lobtail.query.plan import Plan, plan_of
from lobtail.query.query import Query

NOW = 1_760_000_000_000_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND

WEB = ContainerRef("3f" * 32, "web", "nginx:1.27", "shop", "web", {"team": "core", "x.y": ""})
API = ContainerRef("4a" * 32, "api-1", "api", "shop", "api", {"team": "edge"})
DB = ContainerRef("5b" * 32, "db", "postgres")

# Two of each kind, and what a plan cannot use.
TERMS = """
    container=web | container!=web | container=a* | container~/b/ | container !~ /b/
    container in (web, db) | container not in (web, db) | image=nginx* | has image
    project=shop | service=api | has service | label.team=core | has label.team | label.x.y=""
    stream=stderr | stream!=stderr | stream in (stdout, stderr) | has stream
    level>=warn | level>warn | level<error | level=info | level!=error | has level | level<=unknown
    time>1m | time>=1m | time<1m | time<=1m | time=1m | time!=1m | has time | time>=0 | time<=1970
    "timeout" | /tim.out/ | text contains "5" | user=ann | status>=500 | has user | msg ~ /x/
    "nothing" | /^$/ | user in (ann, bob)
"""
LEAVES = st.sampled_from([each.strip() for row in TERMS.split("\n") for each in row.split("|")][1:])
LEAVES = LEAVES.filter(bool)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=8,
)
RAWS = st.sampled_from(
    [
        b"",
        b"timeout",
        b"ERROR: timeout 5",
        b"WARN tim\x1b[0meout",
        b"level=info user=ann status=500",
        b'{"level":"error","user":"ann","status":5e2,"msg":"x"}',
        b'{"level":"debug","user":"\\u0061nn"}',
        b"user=bob",
        b"\xff5",
    ]
)
TIMES = st.sampled_from([None, 0, 1, NOW - MINUTE - 1, NOW - MINUTE, NOW - MINUTE + 1, NOW])
LINES = st.builds(
    Line,
    st.sampled_from([WEB, API, DB]),
    st.sampled_from([Stream.STDOUT, Stream.STDERR]),
    TIMES,
    RAWS,
)


def query(text: str) -> Query:
    return Query(text, now_ns=NOW)


def plan(*texts: str) -> Plan:
    return plan_of(*(query(text).term for text in texts))


def within(since_ns: int | None, until_ns: int | None, time_ns: int | None) -> bool:
    if since_ns is None and until_ns is None:
        return True
    if time_ns is None:
        return False
    return (since_ns or 0) <= time_ns and (until_ns is None or time_ns <= until_ns)


def contains(line: Line, literals: Literals) -> bool:
    text = line.raw.decode("utf-8", "replace")
    return all(any(each in text for each in group) for group in literals.groups)


def admits(made: Plan, line: Line) -> bool:
    return (
        made.may_come_from(line.container)
        and line.stream in made.streams
        and within(made.since_ns, made.until_ns, line.time_ns)
        and line.level >= made.level
        and contains(line, made.literals)
    )


@given(QUERIES, LINES)
def test_no_line_that_matches_is_left_out(text: str, line: Line) -> None:
    asked = query(text)
    if asked.matches(line):
        assert admits(asked.plan(), line)


@given(st.lists(QUERIES, min_size=1, max_size=3), LINES)
def test_with_the_residual_it_is_the_query(texts: list[str], line: Line) -> None:
    made = plan(*texts)
    rest = made.residual.predicate()(line) if made.residual is not None else True
    wanted = all(query(text).matches(line) for text in texts)
    assert (admits(made, line) and rest) == wanted
    assert all(holds(line) for holds in made.predicates()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "container=web",
        "container=web and (project=shop or not has label.team)",
        "stream=stderr",
        "stream=stderr and not stream=stdout",
        "time>1m and time<=now",
        "level>=warn",
        "level in (error, fatal)",
        "container=web and stream=stderr and time>1m and level>warn",
    ],
)
def test_nothing_is_left_to_test(text: str) -> None:
    assert plan(text).residual is None


@pytest.mark.parametrize(
    "text",
    [
        '"timeout"',
        "container=web or stream=stderr",
        "time<1m or time>10m",
        "not time<1m",
        "level=warn",
        "level>warn and level<warn",
        "status>=500",
    ],
)
def test_something_is_left_to_test(text: str) -> None:
    assert plan(text).residual is not None


def test_what_is_asked_of_containers() -> None:
    def chosen(text: str) -> list[str]:
        made = plan(text)
        return [each.name for each in (WEB, API, DB) if made.may_come_from(each)]

    assert chosen("container=web and level>=warn") == ["web"]
    assert chosen("container=web or service=api") == ["web", "api-1"]
    assert chosen("container=web or level>=warn") == ["web", "api-1", "db"]
    assert chosen("not (container=web or level>=warn)") == ["api-1", "db"]
    assert chosen("not (container=web and level>=warn)") == ["web", "api-1", "db"]
    assert chosen("(container=web and /x/) or (image=postgres and /y/)") == ["web", "db"]
    assert chosen("not not container=web") == ["web"]
    assert chosen("level>=warn") == ["web", "api-1", "db"]
    assert chosen("project=shop and label.team in (edge, rim)") == ["api-1"]


def test_lists_of_engines_have_other_words_for_images() -> None:
    assert plan("image=nginx or container=web").asks_for_image
    assert not plan("container=web and /x/").asks_for_image
    assert not plan("/x/").asks_for_image


def test_what_is_asked_of_times() -> None:
    def span(text: str) -> tuple[int | None, int | None]:
        made = plan(text)
        return made.since_ns, made.until_ns

    assert span("time>=1m and /x/") == (NOW - MINUTE, None)
    assert span("time>1m and time<1s") == (NOW - MINUTE + 1, NOW - SECOND - 1)
    assert span("time>2m and time>1m") == (NOW - MINUTE + 1, None)
    assert span("time=1m or time=2m") == (NOW - 2 * MINUTE, NOW - MINUTE)
    assert span("time>1m or time<2m") == (None, None)
    assert span("time>1m or /x/") == (None, None)
    assert span("not time<1m") == (None, None)
    assert span("/x/") == (None, None)


def test_what_is_asked_of_streams_and_levels() -> None:
    assert plan("stream=stderr and /x/").streams == {Stream.STDERR}
    assert not plan("stream=stderr and stream=stdout").streams
    assert Stream.STDERR in plan("stream=stderr or /x/").streams
    assert plan("level>=warn and /x/").level is Level.WARN
    assert plan("level>warn").level is Level.ERROR
    assert plan("level<error").level is Level.TRACE
    assert plan("level!=error").level is Level.UNKNOWN
    assert plan("level=warn or level=fatal").level is Level.WARN


def test_what_bytes_must_contain() -> None:
    assert plan('"timeout" and container=web').literals == Literals((("timeout", "\x1b"),))
    assert plan("level>=warn").literals == Literals()


def test_without_a_demand_every_line_is_wanted() -> None:
    made = plan_of()
    assert made == Plan()
    assert made.may_come_from(WEB)
    assert made.predicates() == []
    assert not made.is_narrow


def test_whether_anything_may_be_left_out() -> None:
    assert not plan("level>=warn").is_narrow
    for text in ("container=web", "time>1m", "time<1m", "stream=stderr", '"timeout"'):
        assert plan(text).is_narrow

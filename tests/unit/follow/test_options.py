"""What of a query is asked of logs, and what must not be."""

from __future__ import annotations

from lobtail.follow.options import FollowOptions
from lobtail.model.frames import Stream
from lobtail.model.resume import WINDOW_NS
from lobtail.query.plan import plan_of
from lobtail.query.query import Query
from lobtail.sources.base import Search

NOW = 1_760_000_000_000_000_000
HOUR = 3_600_000_000_000
ERR = frozenset((Stream.STDERR,))
WHOLE = FollowOptions(follow=False)


def narrowed(
    options: FollowOptions, query: str, context: tuple[int, int] | None = None, **bounds: bool
) -> FollowOptions:
    plan = plan_of(Query(query, now_ns=NOW).term, context=context)
    return options.narrowed(plan, **bounds)


def test_a_time_is_asked_for_with_a_margin() -> None:
    asked = narrowed(WHOLE, "time>=2h and time<=1h", until=True)
    assert asked.since == NOW - 2 * HOUR - WINDOW_NS
    assert asked.until == NOW - HOUR + WINDOW_NS
    assert narrowed(WHOLE, "time<=1h").until is None
    assert narrowed(WHOLE, "time>=2h", since=False).since is None
    assert narrowed(WHOLE, "time>=1970-01-01").since is None


def test_what_was_asked_for_is_not_widened() -> None:
    options = FollowOptions(follow=False, since=NOW - HOUR, until=NOW - 5, stdout=False)
    asked = narrowed(options, "time>2h and time<=now", until=True)
    assert (asked.since, asked.until) == (options.since, options.until)
    assert asked.streams == ERR
    assert narrowed(options, "stream=stdout").streams == frozenset()
    later = narrowed(options, "time>=30m")
    assert later.since == NOW - HOUR // 2 - WINDOW_NS


def test_a_number_of_lines_is_counted_from_the_end_of_all() -> None:
    options = FollowOptions(follow=False, tail="10")
    assert narrowed(options, "time>1h", until=True) == options
    assert narrowed(options, "stream=stderr").streams == ERR


def test_what_stands_around_a_line_is_asked_for() -> None:
    asked = narrowed(WHOLE, 'time>1h and stream=stderr and "timeout"', (2, 3), until=True)
    assert asked.search == Search(Query('"timeout"').plan().literals, (2, 3))
    assert (asked.since, asked.until, asked.streams) == (None, None, WHOLE.streams)


def test_texts_are_searched_for() -> None:
    asked = narrowed(WHOLE, '"timeout"')
    assert asked.search == Search(Query('"timeout"').plan().literals)
    assert narrowed(WHOLE, "level>=warn") == WHOLE


def test_a_log_that_is_followed_is_joined_by_both_streams() -> None:
    assert FollowOptions(follow=True, stdout=False).history.stdout
    assert not FollowOptions(follow=False, stdout=False).history.stdout

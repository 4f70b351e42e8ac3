"""A regex looks at an entry line by line, and at all of them."""

from __future__ import annotations

import pytest

from lobtail.model.entries import make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.query.filter import LineFilter
from lobtail.query.query import Query

REF = ContainerRef("1" * 64, "web")
TRACE = make_entry(
    [
        Line(REF, Stream.STDOUT, 0, raw)
        for raw in (b"ERROR no stock user=5", b"java.lang.E: x", b"\tat a.B", b"Caused by: y\r")
    ]
)


@pytest.mark.parametrize(
    "query",
    ["/^Caused by: y$/", "/^ERROR/", "/^java.*x$/", "user=5", "level=error"],
)
def test_an_entry_is_found_by_any_of_its_lines(query: str) -> None:
    assert Query(query).matches(TRACE)


def test_a_dot_does_not_reach_into_the_next_line() -> None:
    assert not Query("/stock.*java/").matches(TRACE)


def test_context_counts_entries() -> None:
    before = make_entry([Line(REF, Stream.STDOUT, 0, raw) for raw in (b"one", b"  two")])
    wanted = LineFilter(Query("/no stock/").matches, before=1)
    assert wanted.apply([before, TRACE]) == [before, TRACE]

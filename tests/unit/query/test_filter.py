"""What a filter lets pass, and the context around it."""

from __future__ import annotations

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line, Skipped, Stopped
from lobtail.query import filter as module
from lobtail.query.filter import LineFilter

A = ContainerRef(id="a" * 64, name="a")
B = ContainerRef(id="b" * 64, name="b")


def lines(text: str, container: ContainerRef = A) -> list[Item]:
    return [
        Line(container, Stream.STDOUT, 100 + i, word.encode())
        for i, word in enumerate(text.split())
    ]


def shown(items: list[Item]) -> str:
    return " ".join(
        f"-{item.count}-" if isinstance(item, Skipped) else item.text
        for item in items
        if isinstance(item, Line | Skipped)
    )


def wanted(line: Line) -> bool:
    return line.raw.startswith(b"x")


def through(text: str, before: int = 0, after: int = 0, size: int = 100) -> str:
    found = LineFilter(wanted, before=before, after=after)
    items = lines(text)
    kept: list[Item] = []
    for at in range(0, len(items), size):
        kept += found.apply(items[at : at + size])
    return shown(kept)


def test_without_predicates_all_passes() -> None:
    items = lines("1 x 2")
    assert LineFilter().apply(items) is items


def test_all_predicates_must_hold() -> None:
    both = LineFilter(wanted, lambda line: line.raw.endswith(b"2"))
    assert shown(both.apply(lines("x1 2 x2 x3"))) == "x2"
    assert both.matches(Line(A, Stream.STDOUT, 1, b"x2"))


def test_marks_pass() -> None:
    mark = Stopped(A, 5, 1)
    for found in (LineFilter(wanted), LineFilter(wanted, before=1)):
        assert found.apply([mark]) == [mark]


def test_context_is_as_that_of_grep() -> None:
    text = "1 2 3 x4 5 6 7 8 9 x10 11 x12 13 14"
    for size in (1, 3, 100):
        assert through(text, before=1, size=size) == "3 x4 -4- 9 x10 11 x12"
        assert through(text, after=1, size=size) == "x4 5 -4- x10 11 x12 13"
        assert through(text, before=2, after=1, size=size) == "2 3 x4 5 -2- 8 9 x10 11 x12 13"
        assert through(text, before=9, after=9, size=size) == text


def test_nothing_is_said_to_be_left_out_before_the_first_group_or_where_nothing_is() -> None:
    assert through("1 2 x3", before=1) == "2 x3"
    assert through("x1 2 3 x4", before=2) == "x1 2 3 x4"
    assert through("x1 2 3 x4", before=1, after=1) == "x1 2 3 x4"
    assert through("x1 2 3 4 x5", before=1, after=1) == "x1 2 -1- 4 x5"


def test_context_is_counted_for_each_container() -> None:
    found = LineFilter(wanted, before=1, after=1)
    a, b = lines("1 x2 3 4"), lines("5 6 7 8", B)
    mixed = [item for pair in zip(a, b, strict=True) for item in pair]
    assert shown(found.apply(mixed)) == "1 x2 3"


def test_a_mark_of_skipped_lines_has_the_time_at_which_the_lines_go_on() -> None:
    kept = LineFilter(wanted, before=1).apply(lines("x0 1 2 3 x4"))
    (mark,) = (item for item in kept if isinstance(item, Skipped))
    assert (mark.container, mark.time_ns, mark.count) == (A, 103, 2)


def test_a_container_that_is_gone_is_forgotten() -> None:
    found = LineFilter(wanted, before=1)
    found.apply(lines("1 2"))
    found.forget(A)
    assert shown(found.apply(lines("x3"))) == "x3"


def test_context_is_of_one_engine() -> None:
    here, there = (ContainerRef(id="a" * 64, name="a", host=host) for host in ("here", "there"))
    found = LineFilter(wanted, before=1)
    assert found.apply(lines("a", here)) == []
    assert shown(found.apply(lines("b x", there))) == "b x"
    assert shown(found.apply(lines("x", here))) == "a x"


def test_context_is_held_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEFORE_SIZE", 10)
    assert through("aaaaaa bbbbbb cc x dddddd eeeeee x", before=1000) == "bbbbbb cc x -1- eeeeee x"

"""The fields of a line as a tree."""

from __future__ import annotations

import json

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Line
from lobtail.tui.state.record import nodes_of, record_of

WEB = ContainerRef(id="4f" * 32, name="web")


@pytest.mark.parametrize("time_ns", [10**30, -(10**30), 253_402_300_800 * 10**9])
def test_times_that_no_calendar_has(time_ns: int) -> None:
    for item in (Line(WEB, Stream.STDOUT, time_ns, b"x"), Gap(WEB, time_ns, "why")):
        first = record_of(item)[0]
        assert "-" in (first.value, *(node.value for node in first.children))


@pytest.mark.parametrize(
    "text", ['{"a":' * 900 + "1" + "}" * 900, f'{{"a":{"[" * 900}{"]" * 900}}}']
)
def test_answers_are_shown_as_deep_as_anybody_looks(text: str) -> None:
    (node,) = nodes_of(json.loads(text))
    while node.children:
        (node,) = node.children
    assert node.value == "…"


def test_numbers_of_any_size() -> None:
    (node,) = nodes_of({"a": 10**30})
    assert node.value == "1" + "0" * 30

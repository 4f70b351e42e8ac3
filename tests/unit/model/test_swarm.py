"""Whose a message of a swarm is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.errors import ProtocolError
from lobtail.model.swarm import TaskContext, parse_context

IDS = b"com.docker.swarm.node.id=n1,com.docker.swarm.service.id=s1,com.docker.swarm.task.id=t1"


def test_the_ids_are_taken_out_of_what_the_driver_keeps() -> None:
    context, rest = parse_context(b"a=1%2C+2," + IDS + b",z=%C3%A9,w=")
    assert context == TaskContext("n1", "s1", "t1")
    assert rest == {"a": "1, 2", "z": "é", "w": ""}
    assert parse_context(IDS)[1] == {}


@pytest.mark.parametrize(
    "details", [b"", b"x", b"=1", b"a=1", IDS + b",", IDS.replace(b"t1", b""), IDS[:60]]
)
def test_what_names_no_task(details: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_context(details)


@given(st.binary(max_size=200))
def test_nothing_else_escapes(details: bytes) -> None:
    with suppress(ProtocolError):
        parse_context(details)

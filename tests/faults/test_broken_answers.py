"""One container about which the engine has no usable answer costs its own log, and no other's."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from faults.command import lobtail
from faults.fake_engine import (
    LAST,
    Connection,
    Script,
    answer,
    await_event,
    json_answer,
    log,
    stall,
)
from faults.fake_host import Box, FakeHost, event, line
from lobtail import Engine, Gap
from support.engines import Result

BAD = {
    "deep": b"[" * 100_000,
    "no JSON": b"<html>",
    "number": b'{"Id": ' + b"1" * 5000 + b"}",
    "no ID": b'{"Id": ""}',
    "no UTF-8": b'{"Id": "x", "Name": "\xff"}',
    "other type": b'{"Id": "x", "State": []}',
}
RAW = ("-o", "json")


def boxes() -> tuple[Box, ...]:
    return tuple(Box(name, [line(f"of {name}")], driver="journald") for name in ("a", "bad", "c"))


def shown(result: Result) -> list[str]:
    """Return what `-o json` said: the texts of lines, the reasons of marks."""
    assert b"Traceback" not in result.stderr, result
    items: list[dict[str, Any]] = [json.loads(text) for text in result.stdout.splitlines()]
    return sorted(
        item["line"] if "line" in item else f"{item['container']}: {item['mark']}" for item in items
    )


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_a_broken_answer_about_one_container(body: bytes) -> None:
    three = boxes()
    with FakeHost(*three) as host:
        host.answers = {f"/{three[1].id}/json": answer(body)}
        result = lobtail(host.host, "tail", "--no-follow", *RAW)
    assert shown(result) == ["bad: gap", "of a", "of c"]
    # The others were read to their ends; that something is missing is said once more.
    assert result.code == 1
    assert b"is not what an engine sends" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("status", "code"), [(500, 1), (404, 0), (409, 0)])
def test_a_refusal_about_one_container(status: int, code: int) -> None:
    three = boxes()
    with FakeHost(*three) as host:
        refusal = json_answer({"message": "layer does not exist"}, status, "No")
        host.answers = {f"/{three[1].id}/json": refusal}
        result = lobtail(host.host, "tail", "--no-follow", *RAW)
    # What is gone is told as gone.
    marks = ["bad: gap"] if code else ["bad: gap", "bad: removed"]
    assert shown(result) == [*marks, "of a", "of c"]
    assert result.code == code
    assert (b"layer does not exist" in result.stderr) == bool(code)


@pytest.mark.parametrize(
    "stream", [b"\xff" * 100, b"\x04\0\0\0\0\0\0\1x"], ids=["of nothing", "of type 4"]
)
def test_a_log_that_is_none(stream: bytes) -> None:
    three = boxes()
    with FakeHost(*three) as host:
        host.answers = {f"/{three[1].id}/logs": log([stream])}
        result = lobtail(host.host, "tail", "--no-follow", *RAW)
    assert shown(result) == ["bad: gap", "of a", "of c"]
    assert result.code == 1
    assert b"unrecognized stream type" in result.stderr


class Late(FakeHost):
    """An engine that starts a container whose inspection is broken, then one that is well."""

    def __init__(self, *boxes: Box) -> None:
        super().__init__(*boxes)
        self.tried = threading.Event()
        self._tries = 0

    def broken(self, _: Connection) -> None:
        self._tries += 1
        if self._tries == 5:
            self.tried.set()


def test_a_broken_answer_keeps_no_other_container_from_being_followed() -> None:
    first, bad, last = boxes()
    with Late(first) as host:
        bad.number, last.number = 2, 3
        host.boxes += [bad, last]
        bad.running = last.running = False
        host.answers = {f"/{bad.id}/json": [host.broken, *answer(b"[" * 100_000)]}
        starts = [event(box, "start", image="web:1") for box in (bad, last)]
        host._events = [starts[0], await_event(host.tried), starts[1], stall]
        result = lobtail(host.host, "tail", *RAW, "--until-match", "of c", "--timeout", "30s")
    assert "of c" in shown(result)
    assert "bad: gap" in shown(result)
    assert result.code == 0


class Forgetful(FakeHost):
    """An engine that cannot describe its containers any more once they have been described."""

    def _script(self, target: str) -> Script:
        if target.endswith(f"/{self.boxes[0].id}/json") and target in self.requests[:-1]:
            return answer(b"[" * 100_000)
        return super()._script(target)


def test_a_container_that_cannot_be_looked_at_any_more_is_marked() -> None:
    box = Box("a", [line("of a")], live=[LAST], driver="journald")

    async def read(host: str) -> str:
        async with Engine(host) as engine, engine.tail() as tail:
            async for item in tail:
                if isinstance(item, Gap):
                    return item.reason
        raise AssertionError("it ended")

    with Forgetful(box) as host:
        reason = asyncio.run(asyncio.wait_for(read(host.host), 30))
    assert reason.startswith("still trying: the answer to /containers/")


def test_ps_lists_what_it_can() -> None:
    three = boxes()
    with FakeHost(*three) as host:
        host.answers = {f"/{three[1].id}/json": answer(b"[" * 100_000)}
        result = lobtail(host.host, "ps", "--json")
        both = lobtail("", "-H", host.host, "-H", "tcp://127.0.0.1:1", "ps", "--json")
    rows = [json.loads(row) for row in result.stdout.splitlines()]
    assert [(row["name"], row["state"], row["driver"]) for row in rows] == [
        ("a", "running", "journald"),
        ("bad", "running", ""),
        ("c", "running", "journald"),
    ]
    assert result.code == 1
    assert result.stderr.startswith(b"lobtail: bad: the answer to /containers/")
    assert len(result.stderr.splitlines()) == 1
    assert len(both.stdout.splitlines()) == 3
    assert both.code == 1
    assert len(both.stderr.splitlines()) == 2


def test_doctor_names_a_container_with_a_broken_answer() -> None:
    three = boxes()
    with FakeHost(*three) as host:
        host.answers = {f"/{three[1].id}/json": answer(b"[" * 100_000)}
        host.answers["/version"] = json_answer({"Version": "28.1.0", "ApiVersion": "1.45"})
        report = json.loads(lobtail(host.host, "doctor", "--json").stdout)["engines"][0]
    warnings = [f["text"] for f in report["about_containers"] if f["grade"] == "warning"]
    assert [text.partition(" is not")[0] for text in warnings] == [
        f"bad: the answer to /containers/{three[1].id}/json"
    ]
    assert report["looked_at"] == 2
    assert report["bugs"]

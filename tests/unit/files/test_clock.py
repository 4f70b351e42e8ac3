"""Logs that were written while the machine's clock was set back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lobtail.files import open_log
from lobtail.model.records import Record
from lobtail.query.literals import Literals
from support.log_files import START, Message, write_rotated
from support.records import sent

HOUR = 3600 * 10**9
# A clock that goes a day on, is set back, and catches up, as three parts of an hour each.
PARTS = (24, 1, 26)
LINES = 3000


def log(steps: tuple[int, ...] = PARTS) -> list[Message]:
    return [
        Message(
            b"part %d line %04d %s" % (part, n, b"x" * 40),
            time_ns=START + hours * HOUR + n * HOUR // LINES,
        )
        for part, hours in enumerate(steps)
        for n in range(LINES)
    ]


def expected(messages: list[Message], since: int, *, latched: bool) -> list[Message]:
    """Return what an engine sends."""
    if not latched:
        return [message for message in messages if message.time_ns >= since]
    first = next((i for i, m in enumerate(messages) if m.time_ns >= since), len(messages))
    return messages[first:]


def write(folder: Path, *parts: list[Message]) -> Path:
    path = folder / "web-json.log"
    write_rotated(path, "json-file", parts)
    return path


def read(path: Path, *, latched: bool, **more: object) -> list[Record]:
    with open_log(path, "json-file", latched=latched) as files:
        items = list(files.messages(**more))  # type: ignore[arg-type]
    return [frame for item in items if isinstance(item, list) for frame in item]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Message]]:
    messages = log()
    return write(tmp_path_factory.mktemp("log"), messages), messages


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Message]]:
    messages = log()
    cut = messages[:2000], messages[2000:5000], messages[5000:]
    return write(tmp_path_factory.mktemp("log"), *cut), messages


SINCE = [
    START - HOUR,
    START + 90 * HOUR // 60,  # in the middle of the second part
    START + 12 * HOUR,  # before the first, behind the second
    START + 24 * HOUR + HOUR // 2,  # in the middle of the first
    START + 26 * HOUR + HOUR // 2,
    START + 99 * HOUR,
]


@pytest.mark.parametrize("latched", [True, False])
@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("where", ["whole", "rotated"])
def test_case_clock_back(
    where: str, since: int, latched: bool, request: pytest.FixtureRequest
) -> None:
    """As the API of that engine gives it, with and without tail, until and a search."""
    path, messages = request.getfixturevalue(where)
    right = expected(messages, since, latched=latched)
    got = read(path, latched=latched, since=since)
    assert got == [message.record() for message in right]
    tail = expected(messages[-4000:], since, latched=latched)
    assert read(path, latched=latched, since=since, tail=4000) == [m.record() for m in tail]
    wanted = Literals((("line 2",),))
    found = read(path, latched=latched, since=since, wanted=wanted)
    assert [f for f in found if b"line 2" in sent(f)] == [
        message.record() for message in right if b"line 2" in message.text
    ]


@pytest.mark.parametrize("latched", [True, False])
def test_any_moment_of_a_log_whose_clock_was_set_often(tmp_path: Path, latched: bool) -> None:
    chosen = random.Random(5)
    messages = log(tuple(chosen.randrange(50) for _ in range(4)))
    path = write(tmp_path, messages[:7000], messages[7000:])
    for _ in range(12):
        since = START + chosen.randrange(51 * HOUR)
        got = read(path, latched=latched, since=since)
        assert got == [m.record() for m in expected(messages, since, latched=latched)]

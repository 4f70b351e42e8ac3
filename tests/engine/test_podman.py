"""Podman's Docker-compatible API: the same bytes as the docker CLI gets from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from engine.test_tail import collect, seen, texts
from lobtail import Engine
from lobtail.model.items import Gap, Item
from support.engines import WAIT, Lab, TestEngine, until

SCRIPTS = {
    "mix": "for i in 1 2 3; do echo out $i; echo err $i >&2; usleep 500; done; printf tail",
    "long": "head -c 100000 /dev/zero | tr '\\0' x; echo; echo next",
    "bytes": "printf 'a\\0b\\n\\377\\376\\n'; printf 'a\\r\\nb'",
    "empty": "true",
}


@pytest.fixture(scope="module")
def podman(lab: Lab) -> Iterator[TestEngine]:
    engine = TestEngine("podman", lab.host("podman"))
    yield engine
    engine.remove(*set(engine.containers.values()), missing_ok=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_logs(podman: TestEngine, script: str) -> None:
    name = podman.ended(script, SCRIPTS[script])
    for arguments in ((), ("-t",), ("-n", "1"), ("-n", "0"), ("-f",), ("--since", "1h")):
        assert podman.both(*arguments, name).code == 0


def test_follow(podman: TestEngine) -> None:
    name = podman.start("for i in $(seq 30); do echo $i; usleep 20000; done")
    result = podman.both("-f", name)
    assert result.stdout == b"".join(b"%d\n" % i for i in range(1, 31))


def test_its_errors_are_its_own_words(podman: TestEngine) -> None:
    for arguments in (("nosuch",), ("-n", "x", podman.ended("mix", SCRIPTS["mix"]))):
        result = podman.both(*arguments)
        assert result.code == 1
        assert result.stderr.startswith(b"Error response from daemon: ")


def test_ps_and_frames(podman: TestEngine) -> None:
    name = podman.ended("mix", SCRIPTS["mix"])
    rows = [json.loads(x) for x in podman.run("lobtail", "ps", "-a", "--json").stdout.splitlines()]
    row = next(row for row in rows if row["name"] == name)
    assert (row["state"], row["tty"]) == ("exited", False)
    frames = podman.run("lobtail", "frames", name).stdout.decode().splitlines()
    assert frames[1] == "         0  01 00 00 00 00 00 00 06  stdout          6  out 1␊"


@pytest.mark.parametrize("tty", [False, True])
def test_what_half_written_lines_cost_is_read_again(podman: TestEngine, tty: bool) -> None:
    """Podman shows what is written of a line, and not the rest of it nor what came with that."""
    name = podman.start("echo one; sleep 1000", *(["-t"] if tty else []))
    log = Path(podman.inspect(name)["LogPath"])
    whole = ["one", "two", "three", "four", "five", "six"]

    def write(*parts: str) -> None:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000+00:00"
        with log.open("a") as file:
            file.write("".join(parts).replace("@", f"{now} stdout F "))

    async def follow() -> list[Item]:
        items: list[Item] = []
        steps = {"one": ("@two\n@thr",), "thr": ("ee\n@four\n", "@fi"), "fi": ("ve\n@six\n",)}
        async with (
            asyncio.timeout(45),
            Engine(podman.host) as client,
            client.tail(name, tail="all") as tail,
        ):
            async for batch in tail.batches():
                items += batch
                for text in [text for text in steps if text in texts(items)]:
                    write(*steps.pop(text))
                if set(whole) <= set(texts(items)):
                    break
        return items

    items = asyncio.run(follow())
    podman.remove(name)
    shown = texts(items)
    # What came with the rest of a line may be left out, or not.
    assert sorted(x for x in shown if x not in ("thr", "fi")) == sorted(whole)
    gaps = [item for item in items if isinstance(item, Gap)]
    assert gaps
    assert all("left out" in gap.reason for gap in gaps)
    before = texts(items[: items.index(gaps[0])])
    assert before[:2] == ["one", "two"]
    assert "three" not in before


@pytest.mark.parametrize("count", [1, 5, 60, 1000])
def test_equal_lines_of_one_second_come_as_often_as_they_were_asked_for(
    podman: TestEngine, count: int
) -> None:
    """All lines of a second have one stamp, so the blank ones are equal."""
    script = (
        f"for i in $(seq 40); do echo $i; echo; done; {WAIT};"
        "for i in $(seq 41 45); do echo $i; echo; done; sleep 1000"
    )
    name = podman.start(script)
    until(lambda: podman.run("docker", "logs", name).stdout.count(b"\n") == 80, "80 lines")
    written = [text for i in range(1, 46) for text in (str(i), "")]
    items = asyncio.run(
        collect(
            podman,
            name,
            actions=((bool, partial(podman.go, name)),),
            until=lambda items: texts(items)[-2:] == ["45", ""],
            tail=count,
        )
    )
    podman.remove(name)
    assert texts(items) == written[max(80 - count, 0) :]
    assert len(texts(items)) == len(items)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_long_lines_and_prompts_at_the_end(podman: TestEngine, count: int) -> None:
    """Of the last lines Podman 4.3 shows the pieces of a long one behind the line before it."""
    name = podman.start(
        "echo one; head -c 50000 /dev/zero | tr '\\0' x; echo; printf 'Password: ';"
        f"{WAIT}; echo; echo over; sleep 1000"
    )
    until(lambda: b"Password" in podman.run("docker", "logs", name).stdout, "the prompt")
    last = ["one", "x" * 50_000, "Password: "][-count:]
    shown = podman.run("lobtail", "tail", "--no-follow", "-n", str(count), "-o", "raw", name)
    assert shown.stdout.decode().splitlines() == last

    items = asyncio.run(
        collect(
            podman,
            name,
            actions=((seen("Password: "), partial(podman.go, name)),),
            until=seen("over"),
            tail=count,
        )
    )
    podman.remove(name)
    assert texts(items) == [*last, "", "over"]
    assert len(texts(items)) == len(items)

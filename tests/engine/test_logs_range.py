"""`--since` and `--until` in every form that the docker CLI takes, beside the docker CLI."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from lobtail import Engine
from lobtail.model.timestamps import format_rfc3339, parse_rfc3339
from support.engines import TestEngine

DRIVERS = ("json-file", "local")
KOLKATA = {"TZ": "Asia/Kolkata"}
SECOND = 10**9
WRITE = "for i in $(seq 40); do echo $i; usleep 10000; echo e$i >&2; usleep 10000; done"


class Numbered:
    """A container that wrote numbered lines some 10 ms apart, and when it wrote them."""

    def __init__(self, engine: TestEngine, driver: str) -> None:
        self.name = next(
            name
            for attempt in range(20)
            if is_sorted(
                engine,
                name := engine.ended(f"{driver} numbered {attempt}", WRITE, "--log-driver", driver),
            )
        )
        lines = engine.run("docker", "logs", "-t", self.name).stdout.splitlines()
        self.stamps = [parse_rfc3339(line.split()[0]) for line in lines]
        assert len(self.stamps) == 40


def is_sorted(engine: TestEngine, name: str) -> bool:
    """Tell whether lines are stored in the order of their stamps, as ranges have it.

    On a busy machine the two streams of a container may be stored in another order.
    """

    async def read() -> list[bytes]:
        async with (
            Engine(engine.host) as client,
            client.containers.logs(name, timestamps=True) as stream,
        ):
            return [frame.payload[:30] async for frame in stream]

    stamps = asyncio.run(read())
    return stamps == sorted(stamps)


@pytest.fixture(params=DRIVERS)
def numbered(engine: TestEngine, request: pytest.FixtureRequest) -> Numbered:
    return Numbered(engine, request.param)


def forms(ns: int) -> list[str]:
    """Return every way to write the moment `ns`, exact or cut to a second."""
    moment = datetime.fromtimestamp(ns // SECOND, UTC)
    india = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    fraction = f"{ns % SECOND:09d}"
    return [
        format_rfc3339(ns),
        format_rfc3339(ns, offset=19800),
        format_rfc3339(ns, digits=6),
        format_rfc3339(ns, digits=0),
        f"{ns // SECOND}",
        f"{ns // SECOND}.{fraction}",
        f"{ns // SECOND}.{fraction[:3]}",
        f"{india:%Y-%m-%dT%H:%M:%S}.{fraction}",
        f"{india:%Y-%m-%dT%H:%M:%S}",
        f"{india:%Y-%m-%dT%H:%M}",
        f"{india:%Y-%m-%dT%H}",
        f"{india:%Y-%m-%d}",
        f"{moment:%Y-%m-%dT%H:%M}Z",
        f"{moment:%Y-%m-%dT%H}Z",
        f"{moment:%Y-%m-%d}Z",
        f"{india:%Y-%m-%d}+05:30",
    ]


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_every_form(engine: TestEngine, numbered: Numbered, option: str) -> None:
    counts = set()
    for form in forms(numbered.stamps[20]):
        result = engine.both(option, form, numbered.name, env=KOLKATA)
        assert result.code == 0
        counts.add(len(result.stdout.splitlines()))
    assert {20, 21} & counts, "the exact forms cut in the middle"


@pytest.mark.parametrize("value", ["1h", "10m", "1h30m", "1.5h", "90m0s", "-1h", "0", "-1h30m"])
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_durations(engine: TestEngine, numbered: Numbered, option: str, value: str) -> None:
    assert engine.both(option, value, numbered.name).code == 0


def test_both_ends_belong_to_the_range(engine: TestEngine, numbered: Numbered) -> None:
    first, last = numbered.stamps[10], numbered.stamps[19]
    since, until = format_rfc3339(first), format_rfc3339(last)
    result = engine.both("--since", since, "--until", until, numbered.name)
    assert result.stdout == b"".join(b"%d\n" % i for i in range(11, 21))
    since, until = format_rfc3339(first + 1), format_rfc3339(last - 1)
    result = engine.both("--since", since, "--until", until, numbered.name)
    assert result.stdout == b"".join(b"%d\n" % i for i in range(12, 20))


def test_with_the_other_options(engine: TestEngine, numbered: Numbered) -> None:
    middle = format_rfc3339(numbered.stamps[20])
    for arguments in (
        ("--since", middle, "-n", "3"),
        ("--until", middle, "-n", "3"),
        ("--until", middle, "-n", "60"),
        ("--since", middle, "-t", "--details"),
        ("--since", middle, "-f"),
        ("--until", middle, "-f"),
        ("--since", middle, "--until", middle, "-f", "-t"),
        ("--since", "", "--until", ""),
        ("--until=0",),
        ("--until=1970-01-01Z",),
    ):
        assert engine.both(*arguments, numbered.name).code == 0


@pytest.mark.parametrize("value", ["lately", "2013-13-01", "-1", "1e9", "2013-02-30T00:00:00Z"])
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_what_docker_refuses_is_refused(engine: TestEngine, option: str, value: str) -> None:
    name = engine.ended("json-file one", "echo 1")
    assert engine.run("docker", "logs", f"{option}={value}", name).code != 0
    result = engine.run("lobtail", "logs", f"{option}={value}", name)
    assert (result.stdout, result.code) == (b"", 2)
    assert option in result.stderr.decode()
    assert value in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1

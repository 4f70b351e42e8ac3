"""Several engines as one stream: in time order, whoever of them is away."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.command import line_of, lobtail, popen
from faults.fake_engine import Script, await_event, chunk, cut, json_answer, log, stall
from faults.fake_host import Box, FakeHost, line, stamp
from lobtail import (
    ConnectError,
    ContainerRef,
    Engine,
    EngineBack,
    EngineLost,
    Item,
    Line,
    LobtailError,
    Mark,
    sync,
    tail_engines,
)

HISTORY = ("tail", "--no-follow", "-o", "json")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="fs", dir="/tmp") as name:
        yield Path(name)


def shown(stdout: bytes) -> list[tuple[str, str]]:
    items = map(json.loads, stdout.splitlines())
    return [(item["host"], item.get("line") or item["mark"]) for item in items]


def test_lines_are_merged_by_time_and_named_by_their_engine() -> None:
    with (
        FakeHost(Box("web", [line(f"a{n}", n) for n in (1, 4, 5)])) as a,
        FakeHost(Box("web", [line(f"b{n}", n) for n in (2, 3, 6)])) as b,
    ):
        hosts = ("-H", a.host, "-H", b.host)
        result = lobtail("", *hosts, *HISTORY)
        assert (result.stderr, result.code) == (b"", 0)
        expected = [(a.path, "a1"), (b.path, "b2"), (b.path, "b3")]
        assert shown(result.stdout) == [*expected, (a.path, "a4"), (a.path, "a5"), (b.path, "b6")]
        pretty = lobtail("", "tail", *hosts, "web", "--no-follow").stdout.decode()
        # Where names are long, they lose their middles.
        assert [row.split("│ ")[1] for row in pretty.splitlines()] == [
            *("a1", "b2", "b3", "a4", "a5", "b6")
        ]
        template = ("tail", *hosts, "--no-follow", "--template", "{host} {container} {text}")
        assert f"{b.path} web b6" in lobtail("", *template).stdout.decode()


def test_two_ways_that_may_lead_to_one_engine_are_two_engines() -> None:
    history = [line(text, n) for n, text in enumerate(("x", "before", "hit", "after", "y"))]
    with FakeHost(Box("web", history), tcp=True) as host:
        ways = (host.host, host.host.replace("127.0.0.1", "localhost"))
        command = ("-H", ways[0], "-H", ways[1], *HISTORY, "-g", "hit", "-C", "1")
        result = lobtail("", *command)
    assert (result.stderr, result.code) == (b"", 0)
    names = ("127.0.0.1", "localhost")
    expected = {(name, text) for name in names for text in ("before", "hit", "after")}
    assert set(shown(result.stdout)) >= expected
    assert not {text for _, text in shown(result.stdout)} & {"x", "y"}
    assert len([text for _, text in shown(result.stdout) if text != "skipped"]) == 6


def test_an_engine_that_is_named_twice_is_read_once(folder: Path) -> None:
    with FakeHost(Box("web", [line("one", 1)])) as host:
        link = f"unix://{folder}/link"
        (folder / "link").symlink_to(host.path)
        for ways, said in (
            ((host.host, host.host), ""),
            ((host.host, link), f"{link} is the engine that {host.host} is, too; it is read once"),
        ):
            hosts = [word for way in ways for word in ("-H", way)]
            told = [f"lobtail: {said}"] if said else []
            result = lobtail("", *hosts, *HISTORY)
            assert (result.stderr.decode().splitlines(), result.code) == (told, 0)
            assert [json.loads(row)["line"] for row in result.stdout.splitlines()] == ["one"]
            assert not json.loads(result.stdout)["host"]
            result = lobtail("", *hosts, "ps", "--json")
            assert (result.stderr.decode().splitlines(), result.code) == (told, 0)
            assert len(result.stdout.splitlines()) == 1
            # A command that reads one engine has one.
            result = lobtail("", *hosts, "logs", host.boxes[0].id)
            assert (result.stderr, result.stdout[-5:], result.code) == (b"", b" one\n", 0)


def clock(second: float) -> dict[str, Script]:
    return {"/info": json_answer({"Name": "fake", "SystemTime": stamp(second)})}


def test_clocks_that_differ() -> None:
    with (
        FakeHost(Box("a", [line("1", 1), line("3", 3)]), answers=clock(0)) as a,
        FakeHost(Box("b", [line("2", 3602), line("4", 3604)]), answers=clock(3600)) as b,
    ):
        result = lobtail("", "-H", a.host, "-H", b.host, *HISTORY)
    assert [text for _, text in shown(result.stdout)] == ["1", "2", "3", "4"]
    assert b"2024-05-01T13:00:04" in result.stdout  # stamps are the engine's own


def test_an_engine_that_is_not_there() -> None:
    with FakeHost(Box("web", [line("one", 1)])) as host:
        hosts = ("-H", "unix:///nonexistent", "-H", host.host)
        result = lobtail("", *hosts, *HISTORY)
    assert shown(result.stdout) == [(host.path, "one")]
    assert line_of(result) == (
        "lobtail: /nonexistent: cannot connect to the engine at unix:///nonexistent (--host): "
        "there is no such socket; start the engine, or name another with --host"
    )


def test_no_engine_is_there() -> None:
    for follow in ((), ("--no-follow",)):
        text = line_of(lobtail("", "-H", "unix:///none", "-H", "unix:///nor", "tail", *follow))
        assert text.startswith("lobtail: none of the 2 engines can be reached: cannot connect to ")
        assert "unix:///none (--host): there is no such socket" in text
        assert "unix:///nor (--host): there is no such socket" in text


def test_an_engine_that_comes_later(folder: Path) -> None:
    late = f"unix://{folder}/late"
    with (
        FakeHost(Box("web", [line("one", 1)])) as a,
        FakeHost(Box("db", [line("two", 0)])) as b,
    ):
        process = popen("", "-H", late, "-H", a.host, "tail", "-o", "json")
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            first = json.loads(process.stdout.readline())
            assert (first["host"], first["line"]) == (a.path, "one")
            told = process.stderr.readline().decode()
            assert re.fullmatch(
                f"lobtail: {folder}/late: cannot connect .*: there is no such .*; trying again\n",
                told,
            )
            (folder / "late").symlink_to(b.path)
            second = json.loads(process.stdout.readline())
            assert (second["host"], second["line"]) == (f"{folder}/late", "two")
            assert second["late"]  # others were not held back for it
            told = process.stderr.readline().decode()
            assert told == f"lobtail: {folder}/late: the engine is there again\n"
        finally:
            process.kill()
            process.communicate()


def test_an_engine_that_breaks_in_mid_log() -> None:
    broken = {"/logs": log([line("half", 1)], cut)}
    with (
        FakeHost(Box("web", [line("one", 1), line("two", 2)])) as a,
        FakeHost(Box("db"), answers=broken) as b,
    ):
        result = lobtail("", "-H", a.host, "-H", b.host, *HISTORY)
    assert line_of(result).startswith(f"lobtail: {b.path}: ")
    assert [item for item in shown(result.stdout) if item[0] == a.path] == [
        (a.path, "one"),
        (a.path, "two"),
    ]
    assert [item for item in shown(result.stdout) if item[0] == b.path] == [
        (b.path, "half"),
        (b.path, "gap"),
    ]


def test_an_engine_that_goes_while_it_is_followed() -> None:
    gone = threading.Event()
    live = (await_event(gone), chunk(line("live", 9)), stall)
    told: list[Item] = []

    async def main(a: FakeHost, b: FakeHost) -> None:
        async with (
            Engine(a.host) as one,
            Engine(b.host) as other,
            tail_engines({"one": one, "other": other}) as tail,
        ):
            assert tail.engines == ["one", "other"]
            assert [ref.host for ref in tail.found] == ["one", "other"]
            seen: list[str] = []
            async for item in tail:
                if isinstance(item, Line):
                    seen.append(f"{item.container.host} {item.text}")
                if isinstance(item, EngineLost):
                    told.append(item)
                    gone.set()
                if seen == ["one a", "other b"]:
                    b.__exit__(None, None, None)
                if "one live" in seen:
                    break
            assert [type(error) for error in tail.unreachable.values()] == [ConnectError]

    with FakeHost(Box("web", [line("a", 1)], live=live)) as a:
        b = FakeHost(Box("db", [line("b", 2)]))
        asyncio.run(main(a, b.__enter__()))
    assert [item.container for item in told] == [ContainerRef("", "", host="other")]


def test_an_engine_that_goes_and_comes_back(folder: Path) -> None:
    """Its lines go on where they were cut, with the marks of a cut."""
    told: list[Mark] = []
    back = threading.Event()
    link = folder / "link"

    async def main(a: FakeHost, b: FakeHost, again: FakeHost) -> list[str]:
        seen: list[str] = []
        async with (
            Engine(a.host) as one,
            Engine(f"unix://{link}") as other,
            tail_engines({"one": one, "other": other}) as tail,
        ):
            async for item in tail:
                if isinstance(item, EngineBack):
                    told.append(item)
                    back.set()
                    continue
                if isinstance(item, EngineLost):
                    told.append(item)
                    link.symlink_to(again.path)
                    continue
                seen.append(item.text if isinstance(item, Line) else item.kind)
                if seen[-1] == "b live":
                    link.unlink()
                    b.__exit__(None, None, None)
                if {"b3", "a last"} <= set(seen):
                    break
        return seen

    first, live, last = line("b1", 1), line("b live", 2), line("b3", 3)
    with (
        FakeHost(Box("web", live=(await_event(back), chunk(line("a last", 9)), stall))) as a,
        FakeHost(Box("db", [first, live, last])) as again,
    ):
        b = FakeHost(Box("db", [first], live=(chunk(live), stall))).__enter__()
        link.symlink_to(b.path)
        seen = [text for text in asyncio.run(main(a, b, again)) if text != "a last"]
    assert [(type(mark), mark.container.host) for mark in told] == [
        (EngineLost, "other"),
        (EngineBack, "other"),
    ]
    assert [text for text in seen if text[0] == "b"] == ["b1", "b live", "b3"]
    # Where it takes long, a gap says that it is still being tried.
    assert {"resumed"} <= {text for text in seen if text[0] != "b"} <= {"gap", "resumed"}


def test_an_engine_that_does_not_answer_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lobtail.session.tail.PATIENCE", 0.1)
    told: list[str] = []

    async def main(host: FakeHost) -> None:
        async with (
            Engine(f"unix://{folder}/mute") as mute,
            Engine(host.host) as one,
            tail_engines([mute, one]) as tail,
        ):
            async for item in tail:
                if isinstance(item, EngineLost):
                    told.append(item.reason)
                    continue
                assert isinstance(item, Line)
                assert (item.container.host, item.text) == (host.path, "one")
                break
            assert list(tail.unreachable) == [f"{folder}/mute"]

    with socket.socket(socket.AF_UNIX) as mute, FakeHost(Box("web", [line("one", 1)])) as host:
        mute.bind(f"{folder}/mute")
        mute.listen()
        asyncio.run(main(host))
    endpoint = f"unix://{folder}/mute (host)"
    assert told == [f"the engine at {endpoint} has not answered yet"]


def test_a_line_that_ends_the_run_is_named_with_its_engine() -> None:
    with (
        FakeHost(Box("web", [line("fine", 1)])) as a,
        FakeHost(Box("web", [line("panic", 2)])) as b,
    ):
        result = lobtail("", "tail", "-H", a.host, "-H", b.host, "--fail-on", "panic")
    assert result.code == 4
    assert result.stderr.decode() == f"lobtail: --fail-on matches a line of {b.path}/web\n"


def test_what_is_on_several_engines_is_listed() -> None:
    with FakeHost(Box("web")) as a, FakeHost(Box("db")) as b:
        hosts = ("-H", a.host, "-H", b.host)
        result = lobtail("", *hosts, "ps")
        rows = [row.split() for row in result.stdout.decode().splitlines()]
        assert [(row[0], row[-1]) for row in rows] == [
            ("NAME", "HOST"),
            ("db", b.path),
            ("web", a.path),
        ]
        result = lobtail("", "-H", "unix:///nonexistent", *hosts, "ps", "--json")
        assert [json.loads(row)["host"] for row in result.stdout.splitlines()] == [b.path, a.path]
        assert line_of(result).startswith("lobtail: /nonexistent: cannot connect to the engine at ")


def test_the_library_refuses_no_engine_at_all() -> None:
    with pytest.raises(LobtailError, match="no engine is given"):
        tail_engines([])


def test_the_blocking_face() -> None:
    with (
        FakeHost(Box("web", [line(f"a{n}", n) for n in (1, 3)])) as a,
        FakeHost(Box("web", [line("b2", 2)])) as b,
        sync.Engine(a.host) as one,
        sync.Engine(b.host) as other,
        sync.Engine("unix:///nonexistent") as none,
    ):
        engines = {"one": one, "other": other, "none": none}
        with sync.tail_engines(engines, follow=False) as tail:
            items = list(tail)
        lines = [item for item in items if isinstance(item, Line)]
        assert [(item.container.host, item.text) for item in lines] == [
            ("one", "a1"),
            ("other", "b2"),
            ("one", "a3"),
        ]
        told = [item.container.host for item in items if isinstance(item, EngineLost)]
        assert told == list(tail.unreachable) == ["none"]
        # The engines are as they were.
        assert [container.name for container in other.containers.list()] == ["web"]

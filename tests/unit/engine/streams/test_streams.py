"""Events, samples and pulls of a fake engine, as they come and break off."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any, TypeVar

import pytest

from faults.fake_engine import (
    ID,
    FakeEngine,
    Script,
    answer,
    await_event,
    cut,
    json_answer,
    stall,
    tell,
    tell_eof,
)
from lobtail import Engine, EngineError
from lobtail.docker import Event, PullProgress, Stats
from lobtail.engine.objects.event import Actor
from lobtail.engine.streams.json_stream import MAX_VALUE
from lobtail.errors import ConnectionLostError, EngineStreamError, ProtocolError
from support.talking import collect, stream, talk

T = TypeVar("T")
START = b'{"Type":"container","Action":"start","Actor":{"ID":"x"},"timeNano":5}'


def events(fake: FakeEngine, **more: Any) -> list[Event]:
    async def scenario(engine: Engine) -> list[Event]:
        return [event async for event in engine.events(until=1)]

    return talk(fake, scenario, **more)


@pytest.mark.parametrize(
    "chunks",
    [
        [START + b"\n"],
        [START[:10], START[10:] + b"\n"],
        [START],
        [b"\n", START + b"\r\n", b"\n"],
        [bytes([byte]) for byte in START + b"\n"],
    ],
)
def test_however_they_are_cut(chunks: list[bytes]) -> None:
    found = events(FakeEngine(answers={"/events": stream(*chunks)}))
    assert found == [Event(type="container", action="start", actor=Actor("x"), time_nano=5)]


def test_batches_are_what_came_together() -> None:
    two = START + b"\n" + START + b"\n"

    async def scenario(engine: Engine) -> list[int]:
        return [len(batch) async for batch in engine.events(until=1).batches()]

    assert talk(FakeEngine(answers={"/events": stream(two)}), scenario) == [2]


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (stream(START + b"\n", end=cut), ConnectionLostError, "closed the connection after"),
        (stream(START + b"\n", b"{nonsense}\n"), ProtocolError, "is not what an engine sends"),
        (stream(START + b"\n", b'{"Action":5}\n'), ProtocolError, "is not what an engine sends"),
        (stream(START + b"\n", b"[" * (MAX_VALUE + 1)), ProtocolError, "is longer than"),
        (json_answer({"message": "no"}, 500), EngineError, "no"),
    ],
)
def test_faults_of_events(script: Script, error: type[Exception], words: str) -> None:
    found: list[Event] = []

    async def scenario(engine: Engine) -> None:
        stream = engine.events(until=1)
        with pytest.raises(error, match=words):
            await collect(stream, found)
        assert stream._response is None

    talk(FakeEngine(answers={"/events": script}), scenario)
    assert len(found) == (0 if error is EngineError else 1)


def test_events_without_an_end_do_not_end() -> None:
    async def scenario(engine: Engine) -> None:
        with pytest.raises(ConnectionLostError, match="ended the stream of events"):
            async for _ in engine.events():
                pass

    talk(FakeEngine(answers={"/events": stream(START + b"\n")}), scenario)


def test_stats_that_stop_coming() -> None:
    sample = b'{"read":"2026-11-24T01:02:03Z","name":"/web"}\n'

    async def scenario(engine: Engine) -> None:
        found: list[Stats] = []
        with pytest.raises(ConnectionLostError, match=r"fell silent for 0\.1 s"):
            await collect(engine.containers.stats("web"), found)
        assert [stats.name for stats in found] == ["web"]

    talk(FakeEngine(answers={"/stats": stream(sample, end=stall)}), scenario, timeout=0.1)


def test_closing_ends_an_iteration_that_waits() -> None:
    waits = threading.Event()

    async def scenario(engine: Engine) -> None:
        stream = engine.events()

        async def read() -> int:
            return len([event async for event in stream])

        task = asyncio.create_task(read())
        await asyncio.to_thread(waits.wait, 10)
        await stream.aclose()
        assert await task in (0, 1)  # it may not have got that far

    script = [*stream(START + b"\n", end=tell(waits)), stall]
    talk(FakeEngine(answers={"/events": script}), scenario)


def test_leaving_a_loop_ends_the_connection() -> None:
    gone = threading.Event()

    async def scenario(engine: Engine) -> None:
        async for _ in engine.events():
            break
        assert await asyncio.to_thread(gone.wait, 10)

    talk(FakeEngine(answers={"/events": stream(START + b"\n", end=tell_eof(gone))}), scenario)


def steps(*lines: dict[str, Any]) -> Script:
    return stream(*(json.dumps(line).encode() + b"\r\n" for line in lines))


def test_the_steps_of_a_pull() -> None:
    script = steps(
        {"status": "Pulling from library/busybox", "id": "1.36"},
        {"status": "Downloading", "id": "ab", "progressDetail": {"current": 5, "total": 9}},
        {"status": "Downloading", "id": "ab", "progressDetail": {"current": 6, "total": -1}},
        {"status": "Pull complete", "id": "ab", "progressDetail": {}, "new": [1]},
        {"stream": "Podman says so\n", "progressDetail": None},
    )

    async def scenario(engine: Engine) -> list[PullProgress]:
        return [step async for step in engine.images.pull("busybox:1.36")]

    assert talk(FakeEngine(answers={"/create": script}), scenario) == [
        PullProgress("Pulling from library/busybox", "1.36"),
        PullProgress("Downloading", "ab", 5, 9),
        PullProgress("Downloading", "ab", 6),
        PullProgress("Pull complete", "ab"),
        PullProgress("Podman says so"),
    ]


def test_errors_in_a_pull_are_raised_behind_what_came() -> None:
    for error in (
        {"errorDetail": {"message": "toomanyrequests:\n slow down"}, "error": ""},
        {"error": "toomanyrequests: slow down"},
    ):
        found: list[PullProgress] = []
        line = json.dumps({"status": "x"}).encode() + b"\r\n" + json.dumps(error).encode()

        async def scenario(engine: Engine, found: list[PullProgress] = found) -> None:
            with pytest.raises(EngineStreamError) as caught:
                await collect(engine.images.pull("busybox"), found)
            assert caught.value.message == "toomanyrequests: slow down"

        talk(FakeEngine(answers={"/create": stream(line)}), scenario)
        assert len(found) == 1


def test_podman_says_nothing_of_what_does_not_run() -> None:
    fake = FakeEngine(answers={"/top": answer("")})
    with pytest.raises(EngineError, match="web is not running") as caught:
        talk(fake, lambda engine: engine.containers.top("web"))
    assert caught.value.status == 409
    go = threading.Event()
    go.set()
    answers: dict[str, Script] = {"/stats": [await_event(go), *answer("")]}
    stats = talk(FakeEngine(answers=answers), lambda engine: engine.containers.stats_once("web"))
    assert (stats.running, stats.name, stats.id) == (False, "web", ID)


def test_columns_of_processes() -> None:
    rows = [["1 root sh -c while true"], ["9 root"]]
    podman = json_answer({"Titles": ["PID   USER     COMMAND"], "Processes": rows})
    top = talk(FakeEngine(answers={"/top": podman}), lambda engine: engine.containers.top("web"))
    assert top.titles == ["PID", "USER", "COMMAND"]
    assert top.processes == [["1", "root", "sh -c while true"], ["9", "root"]]

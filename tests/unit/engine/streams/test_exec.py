"""exec against an engine that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from faults.fake_engine import (
    ID,
    Connection,
    FakeEngine,
    Script,
    answer,
    cut,
    json_answer,
    receive,
    receive_eof,
    stall,
)
from lobtail import ConfigError, Engine, EngineError, Frame
from lobtail.docker import AttachStream, ExecStream
from support.attaching import ERR, ONE, OUT, SWITCH, TWO, collect, fake, talk

T = TypeVar("T")


def execute(engine: FakeEngine, scenario: Callable[[ExecStream], Awaitable[T]], **more: Any) -> T:
    async def main() -> T:
        client = Engine(engine.host, timeout=5)
        command = more.pop("command", ["true"])
        async with client, client.containers.exec("web", command, **more) as stream:
            return await scenario(stream)

    with engine:
        return asyncio.run(main())


def test_exec() -> None:
    async def scenario(stream: ExecStream) -> tuple[list[Frame], int]:
        await stream.write(b"in")
        await stream.write_eof()
        assert stream.id == "e1"
        return await collect(stream), await stream.wait()

    engine = fake(SWITCH, receive(b"in"), receive_eof, ONE + TWO, cut)
    assert execute(engine, scenario, stdin=True) == (
        [Frame(OUT, b"one\n"), Frame(ERR, b"two\n")],
        3,
    )


def test_what_is_to_be_executed() -> None:
    bodies: list[dict[str, Any]] = []

    def keep(script: Script) -> Script:
        def step(connection: Connection) -> None:
            bodies.append(json.loads(connection.body))

        return [step, *script]

    more = {
        "/web/exec": keep(json_answer({"Id": "e1"}, 201)),
        "/start": keep([SWITCH, cut]),
    }
    execute(
        fake(more=more),
        collect,
        command=["sh", "-c", "x"],
        stdin=True,
        tty=True,
        size=(24, 80),
        env={"A": "1"},
        user="u",
        workdir="/w",
        privileged=True,
        detach_keys="a",
    )
    assert bodies == [
        {
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": ["sh", "-c", "x"],
            "ConsoleSize": [24, 80],
            "DetachKeys": "a",
            "Env": ["A=1"],
            "Privileged": True,
            "Tty": True,
            "User": "u",
            "WorkingDir": "/w",
        },
        {"ConsoleSize": [24, 80], "Detach": False, "Tty": True},
    ]


@pytest.mark.parametrize("command", ["ls -l", [], ()])
def test_a_command_that_is_none(command: Any) -> None:
    with pytest.raises(ConfigError, match=r"one text|no command"):
        Engine("unix:///nowhere").containers.exec("web", command)


def test_detached() -> None:
    async def scenario(stream: ExecStream) -> tuple[list[Frame], int]:
        with pytest.raises(RuntimeError):
            await stream.write(b"x")
        return await collect(stream), await stream.wait()

    engine = fake(more={"/start": answer("")})
    assert execute(engine, scenario, detach=True, stdin=True) == ([], 3)


def test_exec_is_refused() -> None:
    said = {"message": "Container web is not running"}
    for path in ("/web/exec", "/start"):
        with pytest.raises(EngineError, match="is not running") as caught:
            execute(fake(more={path: json_answer(said, 409, "Conflict")}), collect)
        assert caught.value.status == 409


def test_the_exit_code_is_known_when_the_command_has_ended() -> None:
    looks: list[int] = []

    def look(connection: Connection) -> None:
        looks.append(0)
        running = len(looks) < 3
        body = json.dumps({"Running": running, "ExitCode": None if running else 5})
        for step in answer(body):
            assert isinstance(step, bytes)
            connection.send(step)

    async def scenario(stream: ExecStream) -> int:
        return await stream.wait()

    assert execute(fake(SWITCH, cut, more={"/e1/json": [look]}), scenario) == 5
    assert len(looks) == 3


def test_resize() -> None:
    async def scenario(stream: AttachStream) -> None:
        await stream.resize(24, 80)

    engine = fake(SWITCH, stall, tty=True, more={"/resize": answer("")})
    talk(engine, scenario)
    assert re.search(rf"/containers/{ID}/resize\?h=24&w=80$", engine.requests[-1])

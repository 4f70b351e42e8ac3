"""Engines to attach to, and a client that does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from faults.fake_engine import (
    ID,
    MULTIPLEXED,
    RAW,
    FakeEngine,
    Script,
    Step,
    chunk,
    frame,
    head,
    json_answer,
    log_head,
    stall,
)
from lobtail import Engine, Frame, Stream
from lobtail.docker import AttachStream, ExecStream

T = TypeVar("T")
ONE, TWO = frame(1, b"one\n"), frame(2, b"two\n")
OUT, ERR = Stream.STDOUT, Stream.STDERR
ENDED = {"StatusCode": 3, "Error": None}
SWITCH = head(101, "UPGRADED", content_type=RAW, connection="Upgrade", upgrade="tcp")
LABELLED = head(101, "UPGRADED", content_type=MULTIPLEXED, connection="Upgrade", upgrade="tcp")
OLD = head(200, "OK", content_type=RAW)
HEADS = {"101": SWITCH, "labelled": LABELLED, "200": OLD}


def inspect(**state: bool) -> dict[str, Any]:
    config = {"Tty": state.pop("tty", False), "OpenStdin": state.pop("stdin", True)}
    state = {"Running": True, **{name.title(): value for name, value in state.items()}}
    return {"Id": ID, "Name": "/web", "Config": config, "State": state}


def fake(
    *attach: Step,
    wait: Script = (stall,),
    tcp: bool = False,
    more: Mapping[str, Script] | None = None,
    **state: Any,
) -> FakeEngine:
    """Make an engine whose `…/attach` and exec's `…/start` are answered by `attach`."""
    answers: dict[str, Script] = {
        "/attach": attach,
        "/start": attach,
        "/wait": [log_head("application/json"), *wait],
        "/web/exec": json_answer({"Id": "e1"}, 201, "Created"),
        "/e1/json": json_answer({"Running": False, "ExitCode": 3}),
        **(more or {}),
    }
    return FakeEngine(tcp=tcp, inspect=inspect(**state), answers=answers)


def exited(value: object = ENDED) -> list[Step]:
    return [chunk(json.dumps(value).encode()), b"0\r\n\r\n"]


def talk(engine: FakeEngine, scenario: Callable[[AttachStream], Awaitable[T]], **more: Any) -> T:
    async def main() -> T:
        timeout = more.pop("timeout", 5)
        client = Engine(engine.host, timeout=timeout)
        async with client, client.containers.attach("web", **more) as stream:
            return await scenario(stream)

    with engine:
        return asyncio.run(main())


async def collect(
    stream: AttachStream | ExecStream, into: list[Frame] | None = None
) -> list[Frame]:
    frames = into if into is not None else []
    async for batch in stream.batches():
        assert batch
        frames += batch
    return frames

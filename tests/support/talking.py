"""A client that talks to a fake engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, TypeVar

from faults.fake_engine import FakeEngine, Script, Step, chunk, head
from lobtail import Engine

T = TypeVar("T")


def talk(fake: FakeEngine, scenario: Callable[[Engine], Awaitable[T]], **more: Any) -> T:
    """Run `scenario` with an engine that talks to `fake`."""

    async def main() -> T:
        async with Engine(fake.host, **{"timeout": 5, **more}) as engine:
            return await scenario(engine)

    with fake:
        return asyncio.run(main())


def stream(*chunks: bytes, end: Step = b"0\r\n\r\n") -> Script:
    """Make an answer that goes on: a chunk each, and an end."""
    return [head(200, "OK", transfer_encoding="chunked"), *map(chunk, chunks), end]


async def collect(stream: AsyncIterable[T], found: list[T]) -> None:
    """Keep what comes, also if an error comes behind it."""
    async for value in stream:
        found.append(value)  # noqa: PERF401


def asked(fake: FakeEngine) -> list[str]:
    return [target.removeprefix("/v1.45") for target in fake.requests if target != "/_ping"]

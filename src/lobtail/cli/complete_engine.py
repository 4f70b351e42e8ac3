"""What engines have, for completion: their containers, asked for with little patience."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import click

from lobtail.cli.main import cli
from lobtail.cli.options import distinct_engine_arguments, host_option, load_asyncio
from lobtail.engine.client import EngineClient
from lobtail.errors import LobtailError

if TYPE_CHECKING:
    from lobtail.cli.complete_line import CompletionPoint

__all__ = ["Listed", "command", "listed", "services"]

T = TypeVar("T")

# Of an engine that is busy or far away nobody waits longer at a Tab.
_PATIENCE: Final = 2.0
# ssh must not ask for a password in the middle of a line: it is told to ask a program, which
# refuses (OpenSSH 8.4).
_NEVER_ASK: Final = {"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "/bin/false"}


class Listed(NamedTuple):
    """What is known of a container without inspecting it."""

    name: str
    image: str
    running: bool
    state: str
    labels: dict[str, str]


@click.command("__engine", hidden=True)
@host_option
def command(host: tuple[str, ...]) -> list[EngineClient]:
    """Return the engines that a command line names."""
    return [EngineClient(**arguments) for arguments in distinct_engine_arguments(host)]


def listed(place: CompletionPoint) -> list[Listed]:
    """Return the containers of the engines that the words of a place name."""
    return _ask(place, _containers)


def services(place: CompletionPoint) -> list[str]:
    """Return the names of the services of the swarms that these engines manage."""
    return _ask(place, _services)


def _ask(place: CompletionPoint, ask: Callable[[EngineClient], Awaitable[list[T]]]) -> list[T]:
    os.environ.update(_NEVER_ASK)
    # The command line itself finds them: whatever may stand in front of a command counts.
    engines = cli.main([*place.root, "__engine", *place.hosts], "lobtail", standalone_mode=False)
    load_asyncio()
    import asyncio

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_ask_all(engines, ask))
    finally:
        # Unlike asyncio.run, this waits for no thread that still looks up the address of a name.
        loop.close()


async def _ask_all(
    engines: list[EngineClient], ask: Callable[[EngineClient], Awaitable[list[T]]]
) -> list[T]:
    import asyncio

    async def patiently(engine: EngineClient) -> list[T]:
        found: list[T] = []
        with suppress(LobtailError, OSError):  # a timeout is one, too
            async with asyncio.timeout(_PATIENCE), engine:
                found = await ask(engine)
        return found

    return [item for found in await asyncio.gather(*map(patiently, engines)) for item in found]


async def _containers(engine: EngineClient) -> list[Listed]:
    return [
        Listed(item.name, item.image, item.running, item.state, item.labels or {})
        for item in await engine.containers.list(all=True)
    ]


async def _services(engine: EngineClient) -> list[str]:
    return [service.name for service in await engine.services.list()]

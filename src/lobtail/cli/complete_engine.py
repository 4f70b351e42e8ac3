"""What an engine has, for completion: its containers, asked for with little patience."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from lobtail.cli.main import cli
from lobtail.cli.options import host_option, make_engine
from lobtail.engine.client import EngineClient

if TYPE_CHECKING:
    from lobtail.cli.complete_line import Place

__all__ = ["Listed", "command", "listed"]

# Of an engine that is busy or far away nobody waits longer at a Tab.
_PATIENCE: Final = 2.0


class Listed(NamedTuple):
    """What is known of a container without inspecting it."""

    name: str
    image: str
    running: bool
    state: str
    labels: dict[str, str]


@click.command("__engine", hidden=True)
@host_option
def command(host: str | None) -> EngineClient:
    """Return the engine that a command line names."""
    return make_engine(host)


def listed(place: Place) -> list[Listed]:
    """Return the containers of the engine that the words of a place name."""
    # The command line itself finds the engine: whatever may stand in front of a command counts.
    engine = cli.main([*place.root, "__engine", *place.hosts], "lobtail", standalone_mode=False)
    assert isinstance(engine, EngineClient)

    async def ask() -> list[Listed]:
        async with asyncio.timeout(_PATIENCE), engine:
            found = await engine.list(all=True)
        return [
            Listed(item.name, item.image, item.running, item.state, item.labels or {})
            for item in found
        ]

    return asyncio.run(ask())

"""``lobtail ps``: which containers have logs to tail, and how those are kept."""

from __future__ import annotations

import asyncio
from typing import Final

import click
import msgspec

from lobtail.cli.options import DockerCommand, host_option, make_engine, run
from lobtail.cli.output import Output
from lobtail.engine.client import EngineClient
from lobtail.engine.models import Container, ContainerSummary
from lobtail.errors import EngineError
from lobtail.render.table import table

__all__ = ["command"]

# The list of an engine names neither log driver nor TTY: each container is inspected.
CONNECTIONS: Final = 8

_HEAD = ("NAME", "ID", "IMAGE", "STATE", "DRIVER", "TTY", "PROJECT", "SERVICE")


class _Row(msgspec.Struct, frozen=True):
    """A line of the table, and the JSON object of ``--json``."""

    name: str
    id: str
    image: str
    state: str
    driver: str
    tty: bool
    project: str
    service: str


@click.command("ps", cls=DockerCommand, short_help="List the containers whose logs can be shown.")
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that do not run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@host_option
def command(everything: bool, as_json: bool, host: tuple[str, ...]) -> None:
    """List containers: name, ID, image, state, log driver, TTY, project and service.

    Stopped containers keep their logs: -a lists them too. The driver 'none' keeps none.
    """
    rows = run(_rows(make_engine(host), everything=everything))
    out = Output.stdout()
    if as_json:
        out.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    else:
        out.write(table(_HEAD, map(_cells, rows)).encode())


async def _rows(engine: EngineClient, *, everything: bool) -> list[_Row]:
    async with engine:
        listed = await engine.list(all=everything)
        limit = asyncio.Semaphore(CONNECTIONS)

        async def row(summary: ContainerSummary) -> _Row | None:
            async with limit:
                try:
                    return _row(summary, await engine.inspect(summary.id))
                except EngineError as exc:
                    if exc.status == 404:  # removed since it was listed
                        return None
                    raise

        rows = await asyncio.gather(*map(row, listed))
    return sorted((row for row in rows if row), key=lambda row: row.name)


def _row(summary: ContainerSummary, container: Container) -> _Row:
    return _Row(
        name=summary.name or container.name.removeprefix("/"),
        id=container.id,
        image=summary.image or container.config.image,
        state=container.state.status or summary.state,
        driver=container.log_driver,
        tty=container.tty,
        project=container.project,
        service=container.service,
    )


def _cells(row: _Row) -> tuple[str, ...]:
    tty = "yes" if row.tty else "no"
    cells = (row.name, row.id[:12], row.image, row.state, row.driver, tty, row.project, row.service)
    return tuple(cell or "-" for cell in cells)

"""``lobtail ps``: which containers have logs to tail, and how those are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import click
import msgspec

from lobtail.cli.options import DockerCommand, distinct_engine_arguments, host_option, run
from lobtail.engine.client import EngineClient
from lobtail.engine.config.endpoint import labels
from lobtail.engine.objects.container import Config, Container, ContainerSummary
from lobtail.errors import EngineError, LobtailError, ProtocolError
from lobtail.render.escaped import encode_json
from lobtail.render.table import table
from lobtail.terminal.output import Output, print_status

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
    host: str


@click.command("ps", cls=DockerCommand, short_help="List the containers whose logs can be shown.")
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that do not run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@host_option
def command(everything: bool, as_json: bool, host: tuple[str, ...]) -> int:
    """List containers: name, ID, image, state, log driver, TTY, project and service.

    Of several engines (-c a -c b) all, with the engine of each.

    Stopped containers keep their logs: -a lists them too. The driver 'none' keeps none.
    """
    engines = [EngineClient(**each) for each in distinct_engine_arguments(host, print_status)]
    several = len(engines) > 1
    names = labels([engine.endpoint for engine in engines]) if several else [""]
    rows, missing = run(_all_rows(dict(zip(names, engines, strict=True)), everything=everything))
    out = Output.stdout()
    if as_json:
        out.write(b"".join(encode_json(row) + b"\n" for row in rows))
    else:
        head = (*_HEAD, "HOST") if several else _HEAD
        out.write(table(head, (_cells(row)[: len(head)] for row in rows)).encode())
    return int(missing)


async def _all_rows(
    engines: Mapping[str, EngineClient], *, everything: bool
) -> tuple[list[_Row], bool]:
    """Return the rows of all engines, and whether something is missing, which is said."""
    if len(engines) == 1:
        ((name, engine),) = engines.items()
        return await _rows(engine, name, everything=everything)
    import asyncio

    asked = (_rows(engine, name, everything=everything) for name, engine in engines.items())
    found = await asyncio.gather(*asked, return_exceptions=True)
    rows: list[_Row] = []
    missing = False
    for name, answer in zip(engines, found, strict=True):
        if isinstance(answer, LobtailError):
            print_status(f"lobtail: {name}: {answer}")
            missing = True
        elif isinstance(answer, BaseException):
            raise answer
        else:
            rows += answer[0]
            missing = missing or answer[1]
    return sorted(rows, key=lambda row: row.name), missing


async def _rows(engine: EngineClient, host: str, *, everything: bool) -> tuple[list[_Row], bool]:
    """Return the rows of an engine, and whether it cannot describe a container, which is said."""
    import asyncio

    missing = False
    async with engine:
        listed = await engine.containers.list(all=everything)
        limit = asyncio.Semaphore(CONNECTIONS)

        async def row(summary: ContainerSummary) -> _Row | None:
            nonlocal missing
            async with limit:
                try:
                    container = await engine.containers.inspect(summary.id)
                except (EngineError, ProtocolError) as exc:
                    if isinstance(exc, EngineError) and exc.status == 404:
                        return None  # removed since it was listed
                    print_status(f"lobtail: {summary.name or summary.id}: {exc}")
                    missing = True
                    config = Config(labels=summary.labels)
                    container = Container(id=summary.id, config=config)
            return _row(summary, container, host)

        rows = await asyncio.gather(*map(row, listed))
    return sorted((row for row in rows if row), key=lambda row: row.name), missing


def _row(summary: ContainerSummary, container: Container, host: str) -> _Row:
    return _Row(
        name=summary.name or container.name.removeprefix("/"),
        id=container.id,
        image=summary.image or container.config.image,
        state=container.state.status or summary.state,
        driver=container.log_driver,
        tty=container.tty,
        project=container.project,
        service=container.service,
        host=host,
    )


def _cells(row: _Row) -> tuple[str, ...]:
    tty = "yes" if row.tty else "no"
    container = (row.name, row.id[:12], row.image, row.state, row.driver, tty)
    cells = (*container, row.project, row.service, row.host)
    return tuple(cell or "-" for cell in cells)

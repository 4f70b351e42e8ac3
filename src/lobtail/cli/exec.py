"""``lobtail exec``: what ``docker container exec`` does."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click

from lobtail.cli.interactive import (
    GRACE,
    detach_keys_option,
    find_detach_keys,
    raw_option,
    refuse_input,
    tell_detached,
)
from lobtail.cli.options import DockerCommand, Host, host_option, make_engine, run
from lobtail.cli.variables import read_variables
from lobtail.errors import ConnectionLostError
from lobtail.terminal.output import Outputs
from lobtail.terminal.raw import RawTerminal
from lobtail.terminal.session import Session
from lobtail.terminal.size import SizeKeeper, terminal_size

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["command"]


@click.command(
    "exec",
    cls=DockerCommand,
    short_help="Execute a command in a container, as docker does.",
    # What follows the container is the command's.
    context_settings={"allow_interspersed_args": False},
)
@click.argument("container")
@click.argument("words", metavar="COMMAND [ARG]...", nargs=-1, required=True)
@click.option("-d", "--detach", is_flag=True, help="Start the command and leave it alone.")
@click.option("-i", "--interactive", is_flag=True, help="Attach stdin.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.option(
    "-e",
    "--env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Set a variable of its environment; without a value to what it is here.",
)
@click.option(
    "--env-file", multiple=True, metavar="PATH", help="Set variables from a file, one a line."
)
@click.option("-u", "--user", default="", metavar="USER", help="Run as name|uid[:group|gid].")
@click.option("-w", "--workdir", default="", metavar="DIR", help="Run in a folder.")
@click.option("--privileged", is_flag=True, help="Give the command extended privileges.")
@detach_keys_option
@raw_option
@host_option
def command(
    container: str,
    words: tuple[str, ...],
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    detach_keys: str,
    raw: bool,
    interactive: bool,
    host: Host,
    **options: Any,
) -> int:
    """Execute COMMAND in CONTAINER, which must run; exit with its exit code.

    A drop-in for 'docker container exec': the same bytes, the same exit code. Unlike it, a
    connection that breaks is an error.
    """
    options["env"] = read_variables(env_file, env)
    options["detach_keys"] = find_detach_keys(detach_keys)
    options["stdin"] = interactive
    # Outside the event loop, which a signal that ends us leaves as it is.
    with RawTerminal(0) as terminal:
        return run(_exec(make_engine(host), container, words, options, raw, terminal))


async def _exec(
    engine: EngineClient,
    name: str,
    words: tuple[str, ...],
    options: dict[str, Any],
    raw: bool,
    terminal: RawTerminal,
) -> int:
    stdin, tty = options["stdin"], options["tty"]
    size = terminal_size(1) if tty else None
    async with engine, AsyncExitStack() as stack:
        await engine.containers.inspect(name)  # before anything is made that nobody would remove
        if not options["detach"] and refuse_input(stdin=stdin, tty=tty):
            return 1
        stream = await stack.enter_async_context(
            engine.containers.exec(name, words, size=size, **options)
        )
        if options["detach"]:
            return 0
        if tty and os.isatty(0):
            keeper = await stack.enter_async_context(SizeKeeper(stream, 1))
            terminal.resumed = keeper.changed
        session = Session(stream, stdin=stdin)
        with Outputs(tty=tty, raw=raw) as outputs:
            if tty and stdin:
                terminal.make_raw()
            await session.run(outputs)
            terminal.restore()
        if stream.detached:
            tell_detached()
            return 1
        try:
            async with asyncio.timeout(min(GRACE, engine.timeout)):
                return await stream.wait()
        except TimeoutError as exc:
            raise ConnectionLostError(
                f"the connection to the engine at {engine.endpoint} has ended, and the command "
                "runs on"
            ) from exc

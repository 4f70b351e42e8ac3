"""``lobtail attach``: what ``docker container attach`` does."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from lobtail.cli.proxy import SignalProxy
from lobtail.errors import ConnectionLostError, ContainerStateError
from lobtail.terminal.output import Outputs, print_status
from lobtail.terminal.raw import RawTerminal
from lobtail.terminal.session import Session
from lobtail.terminal.size import SizeKeeper

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.streams.attach import AttachStream

__all__ = ["command"]


@click.command(
    "attach", cls=DockerCommand, short_help="Join a container's own process, as docker does."
)
@click.argument("container")
@click.option("--no-stdin", is_flag=True, help="Do not attach stdin.")
@click.option(
    "--sig-proxy/--no-sig-proxy",
    default=True,
    show_default=True,
    help="Pass signals on to the process, where it has no TTY.",
)
@detach_keys_option
@raw_option
@host_option
def command(
    container: str,
    no_stdin: bool,
    sig_proxy: bool,
    detach_keys: str,
    raw: bool,
    host: Host,
) -> int:
    """Join the process of CONTAINER with our stdin, stdout and stderr; exit with its exit code.

    A drop-in for 'docker container attach': the same bytes, the same exit code. Unlike it, a
    connection that breaks is an error.
    """
    wanted = _Wanted(
        stdin=not no_stdin, proxy=sig_proxy, keys=find_detach_keys(detach_keys), raw=raw
    )
    # Outside the event loop, which a signal that ends us leaves as it is.
    with RawTerminal(0) as terminal:
        return run(_attach(make_engine(host), container, wanted, terminal))


@dataclass(frozen=True)
class _Wanted:
    stdin: bool
    proxy: bool
    keys: str
    raw: bool


async def _attach(engine: EngineClient, name: str, wanted: _Wanted, terminal: RawTerminal) -> int:
    from lobtail.engine.streams.attach import check_attachable

    async with engine, AsyncExitStack() as stack:
        container = await engine.containers.inspect(name)
        try:
            check_attachable(container)
            tty = container.tty
            if refuse_input(stdin=wanted.stdin, tty=tty):
                return 1
            stdin = wanted.stdin and container.config.open_stdin
            if wanted.proxy and not tty:
                await stack.enter_async_context(SignalProxy(engine, container.id))
            stream = await stack.enter_async_context(
                engine.containers.attach(container, stdin=stdin, detach_keys=wanted.keys)
            )
        except ContainerStateError as exc:
            print_status(str(exc))
            return 1
        if tty and os.isatty(1):
            keeper = await stack.enter_async_context(SizeKeeper(stream, 1))
            terminal.resumed = keeper.changed
            await keeper.redraw()
        session = Session(stream, stdin=stdin)
        with Outputs(tty=tty, raw=wanted.raw) as outputs:
            if tty and stdin:
                terminal.make_raw()
            await session.run(outputs)
            terminal.restore()
        if stream.detached:
            tell_detached()
            return 1
        return await _exit_code(engine, stream, session)


async def _exit_code(engine: EngineClient, stream: AttachStream, session: Session) -> int:
    if session.input_ended:
        # Engines may end the stream then (docs/decisions/027).
        return await stream.wait()
    try:
        async with asyncio.timeout(min(GRACE, engine.timeout)):
            return await stream.wait()
    except TimeoutError as exc:
        name = stream.container.name.removeprefix("/")
        raise ConnectionLostError(
            f"the connection to the engine at {engine.endpoint} has ended, and {name} runs on"
        ) from exc

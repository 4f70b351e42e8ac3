"""Give the terminal to a process in a container, and take it back when that is over.

Where the process has no TTY, or nothing can be typed to it, Ctrl-C comes back: whoever lends the
terminal cancels us (``LobtailApp.lend_terminal``).
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from typing import Final

from lobtail.api import Engine
from lobtail.engine.streams.attach import AttachStream
from lobtail.engine.streams.exec import ExecStream
from lobtail.errors import LobtailError
from lobtail.terminal.output import OutputClosed, OutputError, Outputs
from lobtail.terminal.raw import RawTerminal
from lobtail.terminal.session import Session
from lobtail.terminal.size import SizeKeeper, terminal_size

__all__ = ["attach", "shell"]

# bash where there is one: people expect its keys.
SHELL: Final = ["sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"]
# Colours, character sets and the cursor, as a program that was cut off may leave them.
_RESET: Final = "\x1b[0m\x1b(B\x0f\x1b[?25h\r\n"


async def shell(engine: Engine, container: str, name: str) -> str:
    """Run a shell on this terminal; return what went wrong, or nothing."""
    env = {"TERM": os.environ.get("TERM", "xterm")}
    size = terminal_size(1)
    stream = engine.containers.exec(container, SHELL, stdin=True, tty=True, size=size, env=env)
    return await _talk(stream, f"a shell in {name}: exit comes back", stdin=True, tty=True)


async def attach(engine: Engine, container: str, name: str) -> str:
    """Attach this terminal to a container; return what went wrong, or nothing."""
    try:
        known = await engine.containers.inspect(container)
    except LobtailError as exc:
        return str(exc)
    stdin = known.config.open_stdin
    stream = engine.containers.attach(container, stdin=stdin)
    keys = "Ctrl-P Ctrl-Q" if known.tty and stdin else "Ctrl-C"
    title = f"attached to {name}: {keys} comes back"
    return await _talk(stream, title, stdin=stdin, tty=known.tty)


async def _talk(stream: ExecStream | AttachStream, title: str, *, stdin: bool, tty: bool) -> str:
    _write(f"\x1b[2m── {title} ──\x1b[0m\r\n")
    session = Session(stream, stdin=stdin)
    try:
        with RawTerminal(0) as terminal, Outputs(tty=tty, raw=False) as outputs:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(stream)
                if tty:
                    keeper = await stack.enter_async_context(SizeKeeper(stream, 1))
                    terminal.resumed = keeper.changed
                    if isinstance(stream, AttachStream):
                        await keeper.redraw()
                if tty and stdin:
                    terminal.make_raw()
                await session.run(outputs)
    except (LobtailError, OutputError) as exc:
        return str(exc)
    except OutputClosed:
        return "the terminal is gone"
    finally:
        _write(_RESET)
    return ""


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()

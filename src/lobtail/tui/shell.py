"""Give the terminal to a process in a container, and take it back when that is over."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import tty
from contextlib import suppress
from typing import Final

from lobtail.api import Engine
from lobtail.engine.streams.attach import AttachStream
from lobtail.engine.streams.exec import ExecStream
from lobtail.errors import LobtailError
from lobtail.model.frames import Stream
from lobtail.model.sanitize import Sanitizer

__all__ = ["attach", "shell"]

# bash where there is one: people expect its keys.
SHELL: Final = ["sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"]
_LEAVE: Final = b"\x10\x11"  # ctrl-p ctrl-q, as docker has it
_INTERRUPT: Final = b"\x03"
# Colours, character sets and the cursor, as a program that was cut off may leave them.
_RESET: Final = "\x1b[0m\x1b(B\x0f\x1b[?25h\r\n"


async def shell(engine: Engine, container: str, name: str) -> str:
    """Run a shell on this terminal; return what went wrong, or nothing."""
    env = {"TERM": os.environ.get("TERM", "xterm")}
    stream = engine.exec(container, SHELL, stdin=True, tty=True, size=_size(), env=env)
    return await _talk(stream, f"a shell in {name}: exit comes back", own_tty=True)


async def attach(engine: Engine, container: str, name: str) -> str:
    """Attach this terminal to a container; return what went wrong, or nothing."""
    try:
        known = await engine.inspect(container)
    except LobtailError as exc:
        return str(exc)
    stream = engine.attach(container, stdin=known.config.open_stdin)
    keys = "Ctrl-P Ctrl-Q" if known.tty else "Ctrl-C"
    return await _talk(stream, f"attached to {name}: {keys} comes back", own_tty=known.tty)


async def _talk(stream: ExecStream | AttachStream, title: str, *, own_tty: bool) -> str:
    sys.stdout.write(f"\x1b[2m── {title} ──\x1b[0m\r\n")
    sys.stdout.flush()
    before = termios.tcgetattr(0)
    loop = asyncio.get_running_loop()
    try:
        async with stream:
            tty.setraw(0, termios.TCSANOW)  # what was typed ahead is kept
            if own_tty:
                await _resize(stream)
                loop.add_signal_handler(signal.SIGWINCH, lambda: loop.create_task(_resize(stream)))
            await _both(stream, own_tty=own_tty)
    except LobtailError as exc:
        return str(exc)
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        termios.tcsetattr(0, termios.TCSANOW, before)
        sys.stdout.write(_RESET)
        sys.stdout.flush()
    return ""


async def _both(stream: ExecStream | AttachStream, *, own_tty: bool) -> None:
    """Carry bytes both ways until either end is done."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(0, lambda: typed.put_nowait(os.read(0, 4096)))
    out = asyncio.create_task(_show(stream, own_tty=own_tty))
    into = asyncio.create_task(_send(stream, typed, own_tty=own_tty))
    try:
        await asyncio.wait((out, into), return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(0)
        for task in (out, into):
            task.cancel()
        results = await asyncio.gather(out, into, return_exceptions=True)
    for result in results:
        if isinstance(result, LobtailError):
            raise result


async def _show(stream: ExecStream | AttachStream, *, own_tty: bool) -> None:
    # What has a terminal of its own is a program that may use ours; other output is text.
    safe = {Stream.STDOUT: Sanitizer(), Stream.STDERR: Sanitizer()}
    async for frames in stream:
        for frame in frames:
            data = bytes(frame.payload)
            if not own_tty:
                data = safe.get(frame.stream, safe[Stream.STDOUT]).feed(data)
                data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            _write(data)


async def _send(
    stream: ExecStream | AttachStream, typed: asyncio.Queue[bytes], *, own_tty: bool
) -> None:
    attached = isinstance(stream, AttachStream)
    held = b""
    while True:
        data = held + await typed.get()
        if not data:
            return
        if attached and (_LEAVE in data or (not own_tty and _INTERRUPT in data)):
            return
        # The first key of the two that leave is not for the container, unless another follows.
        held = data[-1:] if attached and data.endswith(_LEAVE[:1]) else b""
        data = data[: len(data) - len(held)]
        if data:
            with suppress(RuntimeError):  # it has no stdin
                await stream.write(data if own_tty else data.replace(b"\r", b"\n"))


async def _resize(stream: ExecStream | AttachStream) -> None:
    with suppress(LobtailError):
        await stream.resize(*_size())


def _size() -> tuple[int, int]:
    columns, rows = os.get_terminal_size(1)
    return rows, columns


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]

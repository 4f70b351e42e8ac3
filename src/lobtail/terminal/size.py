"""Keep the size of a process's terminal that of ours."""

from __future__ import annotations

import asyncio
import signal
import struct
import termios
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from lobtail.errors import EngineError, LobtailError
from lobtail.terminal.output import print_status

if TYPE_CHECKING:
    from lobtail.engine.streams.hijacked import TwoWayStream

__all__ = ["SizeKeeper", "terminal_size"]

# How often, and after what growing pause, the first size is tried: the process may not run yet
# (docker/cli, tty.go).
ATTEMPTS: Final = 10
PAUSE: Final = 0.01
# Seconds of rest after which the last size is sent again. Podman only writes sizes to a pipe of its
# monitor; that one, before 2.2.0, takes all that it reads at once for as many times the first of
# them (conmon, ctrl.c; fixed by 2a1dda8). So the last may be lost though each was answered.
SETTLED: Final = 0.5


def terminal_size(fd: int) -> tuple[int, int] | None:
    """Return rows and columns of a terminal; None where there is none, or it does not know."""
    try:
        rows, columns = struct.unpack("HHHH", _window(fd))[:2]
    except OSError:
        return None
    return (rows, columns) if rows or columns else None


def _window(fd: int) -> bytes:
    import fcntl

    return fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)


class SizeKeeper:
    """Keeps the size of a process's terminal that of ours (``fd``), within an event loop."""

    def __init__(self, stream: TwoWayStream, fd: int) -> None:
        self._stream = stream
        self._fd = fd
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._once_more: asyncio.Task[None] | None = None
        self._resizing = asyncio.Lock()  # one size at a time, lest an engine swaps two

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self.changed)
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in (self._task, self._once_more):
            if task is not None:
                task.cancel()
        asyncio.get_running_loop().remove_signal_handler(signal.SIGWINCH)

    def changed(self) -> None:
        """Look at the size again."""
        self._changed.set()

    async def redraw(self) -> None:
        """Change the size for a moment, so that whoever draws there draws anew.

        A shell has shown its prompt to those who were attached before us (docker/cli, attach.go).
        """
        size = terminal_size(self._fd)
        if size is not None:
            async with self._resizing:
                with suppress(LobtailError):  # one that cannot be resized is told of below
                    await self._stream.resize(size[0] + 1, size[1] + 1)
            await self.settle()
            self._resize_once_more()

    async def settle(self) -> None:
        """Give the process's terminal its first size."""
        if not await self._resize():
            self._first = asyncio.create_task(self._try_again())

    async def _try_again(self) -> None:
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(PAUSE * (attempt + 1))
            if await self._resize():
                return
        print_status("failed to resize tty, using default size")

    async def _keep(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._resize()
            self._resize_once_more()

    def _resize_once_more(self) -> None:
        """Send the size again when no other has come for a while."""

        async def rest() -> None:
            await asyncio.sleep(SETTLED)
            await self._resize()

        if self._once_more is not None:
            self._once_more.cancel()
        self._once_more = asyncio.create_task(rest())

    async def _resize(self) -> bool:
        async with self._resizing:
            size = terminal_size(self._fd)
            if size is None:
                return True
            try:
                await self._stream.resize(*size)
            except EngineError:
                return False
            except LobtailError:  # the connection is at its end, which is told of elsewhere
                return True
            return True

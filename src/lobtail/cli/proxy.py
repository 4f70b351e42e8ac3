"""Pass signals on to the process of a container."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from lobtail.errors import LobtailError

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["SignalProxy"]

# What is not passed on: what cannot be caught, what tells of faults in this very program, what says
# something of our own children and pipes, what stops a program in the background that wants to use
# the terminal, and the size of a terminal, which a process without one has no use for: to some it
# means the end.
_OURS: Final = {
    "SIGKILL",
    "SIGSTOP",
    "SIGSEGV",
    "SIGBUS",
    "SIGFPE",
    "SIGILL",
    "SIGTRAP",
    "SIGSYS",
    "SIGCHLD",
    "SIGCLD",
    "SIGPIPE",
    "SIGURG",
    "SIGTTIN",
    "SIGTTOU",
    "SIGWINCH",
}


class SignalProxy:
    """Within the context, signals that we get are sent to a container, in their order."""

    def __init__(self, engine: EngineClient, container: str) -> None:
        self._engine = engine
        self._container = container
        self._got: asyncio.Queue[int] = asyncio.Queue()
        self._handlers: dict[int, Any] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in sorted(signal.valid_signals()):
            if _name(number) in _OURS:
                continue
            with suppress(RuntimeError, OSError, ValueError):  # the C library keeps some
                self._handlers[number] = signal.getsignal(number)
                loop.add_signal_handler(number, self._got.put_nowait, number)
        self._task = asyncio.create_task(self._pass_on())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        loop = asyncio.get_running_loop()
        for number, handler in self._handlers.items():
            if loop.remove_signal_handler(number) and handler is not None:
                signal.signal(number, handler)

    async def _pass_on(self) -> None:
        while True:
            number = await self._got.get()
            # As with docker: that it has ended is told by its stream.
            with suppress(LobtailError):
                await self._engine.containers.kill(self._container, _name(number))


def _name(number: int) -> str:
    """Return a signal's name: its number may be another one where the engine is."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)

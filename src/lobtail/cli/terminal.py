"""Our terminal while it is a container's: raw, of the same size, and put back whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from lobtail.cli.output import print_status
from lobtail.errors import EngineError, LobtailError

if TYPE_CHECKING:
    from lobtail.engine.streams.hijacked import TwoWayStream

__all__ = ["RawTerminal", "SizeKeeper", "terminal_size"]

# What ends us, and may be sent while the terminal is raw.
_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# How often, and after what growing pause, the first size is tried: the process may not run yet
# (docker/cli, tty.go).
ATTEMPTS: Final = 10
PAUSE: Final = 0.01
# Seconds of rest after which the last size is sent again. Podman only writes sizes to a pipe of its
# monitor; that one, before 2.2.0, takes all that it reads at once for as many times the first of
# them (conmon, ctrl.c; fixed by 2a1dda8). So the last may be lost though each was answered.
SETTLED: Final = 0.5


class RawTerminal:
    """A terminal that can be made raw: each key is passed on as it is typed, also Ctrl-C.

    It is put back at the end of the context at the latest, and before anything else happens when a
    signal comes that ends us, which may be at any moment, also while the context is being left.
    Ctrl-Z is then a key like any other; SIGTSTP from outside puts the terminal back while we are
    stopped, and calls ``resumed`` when we go on.

    With NORAW in the environment, or if ``fd`` is none, a terminal stays as it is, as with docker.
    """

    def __init__(self, fd: int) -> None:
        self.resumed: Callable[[], object] = _nothing
        self._fd = fd
        self._cooked: list[Any] | None = None
        self._is_raw = False
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.restore()
        for number, handler in self._handlers.items():
            # What has ended us has set its own, for signals that follow.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)

    def make_raw(self) -> None:
        """Make it raw."""
        if os.environ.get("NORAW") or not os.isatty(self._fd):
            return
        self._cooked = termios.tcgetattr(self._fd)
        ending = signal.getsignal(signal.SIGTERM)
        for number in _ENDS:
            old = self._handlers[number] = signal.getsignal(number)
            # Those that Python leaves to the system would end us at once.
            then = old if callable(old) else ending
            signal.signal(number, self._before(then if callable(then) else _die))
        self._handlers[signal.SIGTSTP] = signal.getsignal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)
        self._is_raw = True
        termios.tcsetattr(self._fd, termios.TCSANOW, _raw(self._cooked))

    def restore(self) -> None:
        """Put the terminal back, unless it is somebody else's by now."""
        if self._cooked is None:
            return
        with suppress(OSError, termios.error):  # it may be gone
            if not self._in_background():
                termios.tcsetattr(self._fd, termios.TCSANOW, self._cooked)
        self._is_raw = False

    def _in_background(self) -> bool:
        """Tell whether a shell has taken the terminal from us; to touch it would stop us."""
        try:
            return os.tcgetpgrp(self._fd) != os.getpgrp()
        except OSError:  # it is not the one that controls us
            return False

    def _before(self, then: Callable[..., Any]) -> Callable[[int, FrameType | None], Any]:
        def handler(number: int, frame: FrameType | None) -> Any:
            self.restore()
            return then(number, frame)

        return handler

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        raw = self._is_raw
        self.restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Here we go on, after SIGCONT.
        signal.signal(number, self._stop)
        if raw and self._cooked is not None:
            self._is_raw = True
            termios.tcsetattr(self._fd, termios.TCSANOW, _raw(self._cooked))
        self.resumed()


def _nothing() -> None:
    pass


def _die(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _raw(cooked: list[Any]) -> list[Any]:
    """Return settings in which nothing is done to what goes through, in either direction."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, chars = cooked
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    oflag &= ~termios.OPOST
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    chars = list(chars)
    chars[termios.VMIN], chars[termios.VTIME] = 1, 0
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, chars]


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

"""Our terminal while it is a container's: raw, and put back whatever happens."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, Self

__all__ = ["RawTerminal"]

# What ends us, and may be sent while the terminal is raw.
_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


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

"""Where the program begins: signals end it from the first moment on, before slow imports.

What is imported at the top is what Python has loaded for itself, and what costs nothing.
"""

from __future__ import annotations

import gc
import os
import sys

from lobtail._version import __version__

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import FrameType
    from typing import Final, NoReturn

__all__ = ["main"]

# Seconds after which an exit is asked for again, if it got lost.
_AGAIN: Final = 0.2


def main(program: str = "lobtail") -> NoReturn:
    """Run the command line and exit; ``program`` is what usage texts call it."""
    if sys.argv[1:] == ["--version"]:
        _show_version()
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_on_signal)
    # To look for garbage while modules make objects that stay takes 5 ms; `cli.main` takes it up.
    gc.disable()
    from contextlib import suppress

    from lobtail.cli.main import run

    try:
        code = run(program)
    except SystemExit as exc:
        # What the event loop was doing is left as it is, and must not be tidied up by Python:
        # that takes long, may wait, and talks.
        os._exit(exc.code if isinstance(exc.code, int) else 1)
    # All is written and closed by now; to take modules and objects apart one by one would take as
    # long as to read a million records.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none since the start
            stream.flush()
    os._exit(code)


def _show_version() -> None:
    """Write the version and exit; return if it cannot be written, for `run` says why."""
    try:
        os.write(1, f"lobtail {__version__}\n".encode())
    except OSError:
        return
    os._exit(0)


def _exit_on_signal(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    import signal

    # SystemExit, unlike other exceptions, passes through the event loop's callbacks; and raised in
    # a handler, it also interrupts a write to a reader that has stopped. But it is lost where it
    # happens to meet a finaliser or a library's callback, so it is raised until it is heard.
    def again(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    # Python would say on stderr that a finaliser was interrupted.
    sys.unraisablehook = lambda _: None
    # The first signal says how we end: a terminal's may be followed by the docker CLI's.
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
    raise SystemExit(128 + number)

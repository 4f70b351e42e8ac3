"""Where the program begins: signals end it from the first moment on, before slow imports."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_on_signal)
    from lobtail.cli.main import run

    sys.exit(run())


def _exit_on_signal(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    # SystemExit, unlike other exceptions, passes through the event loop's callbacks; and raised in
    # a handler, it also interrupts a write to a reader that has stopped.
    raise SystemExit(128 + number)

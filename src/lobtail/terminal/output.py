"""Write bytes to stdout and stderr: unbuffered, whole, and safe on a terminal."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from lobtail.flags import with_flags

if TYPE_CHECKING:
    from lobtail.model.sanitize import Sanitizer

__all__ = [
    "TOO_MANY_FILES",
    "Output",
    "OutputClosed",
    "OutputError",
    "Outputs",
    "print_status",
    "print_status_now",
]

TOO_MANY_FILES: Final = "too many open files; raise the limit with 'ulimit -n'"


class OutputClosed(Exception):  # noqa: N818 - an end, not an error
    """The reader of our stdout or stderr has gone (``| head``)."""


class OutputError(Exception):
    """The output cannot be written, for instance because the disk is full."""


class Output:
    """One of our output streams, by its file descriptor.

    A write returns when all bytes are written; while the reader does not read, it waits, and with
    it everything before it, up to the engine. With ``safe``, what a terminal would act on is shown
    instead, all but colours (``model.sanitize``).
    """

    def __init__(self, fd: int, name: str, *, safe: bool) -> None:
        self._fd = fd
        self._name = name
        self._sanitizer = _sanitizer() if safe else None

    @classmethod
    def stdout(cls, *, raw: bool = False) -> Output:
        """Our stdout; ``raw`` switches the protection of terminals off."""
        return cls(1, "stdout", safe=not raw and _isatty(1))

    @classmethod
    def stderr(cls, *, raw: bool = False) -> Output:
        """Our stderr; ``raw`` switches the protection of terminals off."""
        return cls(2, "stderr", safe=not raw and _isatty(2))

    def keep(self, head: bytes) -> None:
        """Keep what this regex matches at the beginnings of lines: no CR goes back over it."""
        if self._sanitizer:
            self._sanitizer.keep(head)

    def write(self, data: bytes) -> None:
        """Write all of ``data``.

        Raises:
            OutputClosed: the reader has gone.
            OutputError: writing failed.
        """
        self._write(self._sanitizer.feed(data) if self._sanitizer else data)

    def finish(self, *, wait: bool = True) -> None:
        """Write what the protection held back, and leave the terminal's colours as they were.

        Without ``wait``, only if the terminal takes it at once: a signal that ends us must not be
        held up by one that was stopped.
        """
        if not self._sanitizer:
            return
        rest = self._sanitizer.flush()
        if rest and (wait or select.select([], [self._fd], [], 0)[1]):
            self._write(rest)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                # Somebody has set the shared file description to non-blocking; wait all the same.
                select.select([], [self._fd], [])
            except BrokenPipeError as exc:
                raise OutputClosed from exc
            except OSError as exc:
                reason = os.strerror(exc.errno) if exc.errno else str(exc)
                raise OutputError(f"cannot write to {self._name}: {reason}") from exc


class Outputs:
    """Our stdout and stderr, for a process with a terminal (``tty``) or without.

    One with a terminal is meant to act on ours; without, what is printed is shown, as of a log.
    At the end of the context what was held back is written, and colours are as they were.
    """

    def __init__(self, *, tty: bool, raw: bool) -> None:
        self.out = Output.stdout(raw=tty or raw)
        self.err = Output.stderr(raw=tty or raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.out.finish(wait=exc is None)
        self.err.finish(wait=exc is None)


def print_status(text: str) -> None:
    """Write one line to stderr, with flags for arguments; on a terminal nothing in it acts."""
    line = with_flags(text)
    if _isatty(2):
        from lobtail.model.sanitize import sanitize

        line = sanitize(line)
    # Nobody is left to be told that nobody can be told.
    with suppress(OutputClosed, OutputError):
        Output(2, "stderr", safe=False).write(line.encode("utf-8", "replace") + b"\n")


def print_status_now(lines: Iterable[str]) -> None:
    """Write lines to stderr if they can be written at once: for last words after a signal.

    On a terminal they take the place of the ``^C`` that it shows for the key.
    """
    if not select.select([], [2], [], 0)[1]:
        return
    with suppress(OutputClosed, OutputError):
        start = b"\r" if _isatty(2) else b""
        text = "".join(line + "\n" for line in lines)
        Output(2, "stderr", safe=False).write(start + text.encode("utf-8", "replace"))


def _sanitizer() -> Sanitizer:
    # Its tables take 10 ms to make, which a pipe need not wait for.
    from lobtail.model.sanitize import Sanitizer

    return Sanitizer()


def _isatty(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False

"""Open regular files, and nothing that only looks like one.

A path may lead to a named pipe, which waits for a writer, to a device, which never ends, or to a
file of any size. Reading must neither hang nor fill the memory, wherever a path comes from.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["SETTINGS", "NotRegularError", "check_regular", "open_regular", "read_regular"]

SETTINGS: Final = 16 << 20
"""What a file of settings may be long, in bytes; engines write some kilobytes."""

# O_NONBLOCK keeps a named pipe from waiting for a writer, O_NOCTTY a terminal from becoming ours.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KINDS: Final = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
)


class NotRegularError(OSError):
    """What stands at a path is a folder, a pipe, a socket or a device."""


def open_regular(path: Path | str) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; return its descriptor, to be closed, and its state.

    Raises:
        OSError: it cannot be opened, or is no regular file; ``strerror`` says what it is.
    """
    name = os.fspath(path)
    try:
        # Opening a device may already do something, so look first.
        check_regular(os.stat(name), name)  # noqa: PTH116
        fd = os.open(name, _FLAGS)
    except ValueError as exc:  # a NUL, or what the file system's encoding lacks
        raise OSError(errno.EINVAL, "not a valid path", name) from exc
    try:
        state = os.fstat(fd)
        check_regular(state, name)
    except BaseException:
        os.close(fd)
        raise
    return fd, state


def read_regular(path: Path | str, limit: int = SETTINGS) -> bytes:
    """Return what a regular file of at most ``limit`` bytes holds.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger; ``strerror`` says which.
    """
    if os.fspath(path) == os.devnull:
        return b""  # the usual name for no settings at all
    fd, state = open_regular(path)
    try:
        data = bytearray()
        # Files of /proc say that they are empty, and others may grow.
        size = min(state.st_size, limit) + 1
        while len(data) <= limit and (block := os.read(fd, min(size, limit + 1 - len(data)))):
            data += block
            size = 1 << 16
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {_size(limit)}", os.fspath(path))
    return bytes(data)


def check_regular(state: os.stat_result, name: str) -> None:
    """Raise NotRegularError unless ``state`` is that of a regular file."""
    if not stat.S_ISREG(state.st_mode):
        kind = next((word for holds, word in _KINDS if holds(state.st_mode)), "device")
        number = errno.EISDIR if kind == "folder" else errno.EINVAL
        raise NotRegularError(number, f"not a regular file ({kind})", name)


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"

"""Name the container in front of its lines, in its colour, in a column of steady width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, shown_name
from lobtail.render.colors import DIM, RESET, Colors, sgr
from lobtail.render.columns import fit, pad, width

__all__ = ["MAX_WIDTH", "Prefixes", "fit", "shown_name"]

MAX_WIDTH: Final = 28
"""Columns that a name takes at most; a longer one loses its middle."""

# The column grows by this, so that it seldom does.
_STEP: Final = 4

# Prefixes that are remembered; each is made in microseconds.
_MAX_CACHED: Final = 4096


class Prefixes:
    """The prefixes of lines and marks: ``web-1  │ ``, for stderr ``web-1 e│ ``, marks ``web-1 ─ ``.

    The column is as wide as the widest name so far, in steps, up to ``MAX_WIDTH``; it never
    shrinks. Let ``expect`` see the containers of a batch before the first prefix of it is made.
    """

    def __init__(self, *, color: bool) -> None:
        self._colors = Colors() if color else None
        self._width = 0
        self._lines: dict[str, tuple[ContainerRef, bytes, bytes]] = {}

    def expect(self, containers: Iterable[ContainerRef]) -> None:
        """Make room for the names of ``containers``, and give them colours in this order."""
        for container in containers:
            if self._colors:
                self._colors.of(shown_name(container))
            wanted = min(MAX_WIDTH, -(-width(shown_name(container)) // _STEP) * _STEP)
            if wanted > self._width:
                self._width = wanted
                self._lines.clear()

    def has_made(self, container: ContainerRef) -> bool:
        """Tell whether the prefixes of this very object are made."""
        entry = self._lines.get(container.id)
        return entry is not None and entry[0] is container

    def line(self, container: ContainerRef, stream: Stream) -> bytes:
        """Return what stands before a line of ``stream``."""
        entry = self._lines.get(container.id)
        if entry is None or entry[0] is not container:
            entry = self._make(container)
        return entry[2] if stream == Stream.STDERR else entry[1]

    def mark(self, container: ContainerRef) -> str:
        """Return what stands before a mark, without colour; another rule than that of a line."""
        return f"{self._padded(container)}  ─ "

    def release(self, container: ContainerRef) -> None:
        """Say that the container is gone for good, though another may have its name."""
        self._lines.pop(container.id, None)
        name = shown_name(container)
        # Another may have come under its name before it went, as with docker compose.
        if self._colors and all(shown_name(other) != name for other, _, _ in self._lines.values()):
            self._colors.release(name)

    def _padded(self, container: ContainerRef) -> str:
        return pad(fit(shown_name(container), self._width), self._width)

    def _make(self, container: ContainerRef) -> tuple[ContainerRef, bytes, bytes]:
        self.expect((container,))
        if len(self._lines) >= _MAX_CACHED:
            self._lines.clear()
        name = self._padded(container).encode()
        bar = "│ ".encode()
        if self._colors:
            on = sgr(self._colors.of(shown_name(container)))
            out = on + name + b"  " + bar + RESET
            err = on + name + b" " + DIM + b"e" + on + bar + RESET
        else:
            out = name + b"  " + bar
            err = name + b" e" + bar
        entry = self._lines[container.id] = (container, out, err)
        return entry

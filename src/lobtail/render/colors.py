"""Choose colours: one for each container, a few with a meaning, and whether any at all.

All come from the 216 fixed colours of the 256-colour palette, for what the first 16 look like is
the terminal's theme, and have a contrast of at least 3:1 against black *and* white, so that they
are readable on dark and on light (a test computes it).
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from lobtail.errors import ConfigError
from lobtail.model.levels import Level

__all__ = [
    "DIM",
    "LEVELS",
    "PALETTE",
    "RESET",
    "ColorChoice",
    "Colors",
    "sgr",
    "use_color",
]

# Far apart in OKLab, neighbours farthest of all: the next free colour is not a similar one. Reds
# are missing, which mean errors, and greys.
PALETTE: Final = (
    *(28, 67, 170, 92, 30, 162, 135, 202, 94, 127, 139, 27),
    *(129, 131, 25, 105, 168, 201, 33, 96, 164, 136, 62, 199),
)

# Names whose colour is remembered. Older ones get theirs anew, by the same hash.
MAX_NAMES: Final = 4096


def sgr(color: int, *, bold: bool = False) -> bytes:
    """Return the sequence that switches a colour of the palette on."""
    return b"\x1b[%s38;5;%dm" % (b"1;" if bold else b"", color)


RESET: Final = b"\x1b[0m"
# A grey, not SGR 2 (faint), which many terminals make unreadable and some ignore.
DIM: Final = sgr(244)
LEVELS: Final[Mapping[Level, bytes]] = {
    Level.TRACE: DIM,
    Level.DEBUG: DIM,
    Level.WARN: sgr(136),
    Level.ERROR: sgr(160),
    Level.FATAL: sgr(160, bold=True),
}

ColorChoice: TypeAlias = Literal["auto", "always", "never"]


def use_color(choice: ColorChoice | str, environ: Mapping[str, str], isatty: bool) -> bool:
    """Tell whether to colour a stream.

    ``always`` and ``never`` are obeyed. With ``auto``: not if ``NO_COLOR`` is set and not empty
    (no-color.org) or ``FORCE_COLOR`` is ``0`` or ``false``; else if ``FORCE_COLOR`` is set and not
    empty; else if the stream is a terminal other than ``TERM=dumb``.

    Raises:
        ConfigError: ``choice`` is none of the three.
    """
    if choice not in ("auto", "always", "never"):
        raise ConfigError(f"--color is auto, always or never, not {choice!r}")
    if choice != "auto":
        return choice == "always"
    forced = environ.get("FORCE_COLOR", "")
    if environ.get("NO_COLOR") or forced in ("0", "false"):
        return False
    return bool(forced) or (isatty and environ.get("TERM") != "dumb")


class Colors:
    """The colours of containers, by name.

    A name has the colour of its hash, in every session the same. If another name has that colour,
    it gets the next free one, and keeps it: also when the container is removed and comes again.
    Only when all are given away, a colour is shared: one whose containers are gone if there is
    one, else the one that the fewest share.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._gone: set[str] = set()
        self._known = [0] * len(PALETTE)  # names remembered at each place of the palette
        self._live = [0] * len(PALETTE)  # those of them that are not gone

    def of(self, name: str) -> int:
        """Return the colour of ``name`` in the 256-colour palette."""
        place = self._places.get(name)
        if place is None:
            place = self._add(name)
        elif name in self._gone:
            self._gone.discard(name)
            self._live[place] += 1
        return PALETTE[place]

    def release(self, name: str) -> None:
        """Say that ``name`` is gone from the screen; its colour may be shared before others."""
        place = self._places.get(name)
        if place is not None and name not in self._gone:
            self._gone.add(name)
            self._live[place] -= 1

    def _add(self, name: str) -> int:
        if len(self._places) >= MAX_NAMES:
            oldest = next(iter(self._places))
            self.release(oldest)
            self._gone.discard(oldest)
            self._known[self._places.pop(oldest)] -= 1
        size = len(PALETTE)
        first = crc32(name.encode("utf-8", "replace")) % size
        place = min(
            ((first + step) % size for step in range(size)),
            key=lambda at: (self._live[at], self._known[at]),
        )
        self._places[name] = place
        self._known[place] += 1
        self._live[place] += 1
        return place

r"""Know which attributes a row of SGR sequences (``ESC [ … m``) leaves on.

A terminal adds attributes up until a reset. Each is kept under the code that switches it off, so
that a red and a blue foreground are one, and going back by halves (``39``, ``22``) is understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["MAX_SGR", "PARAMETERS", "RESET", "SGR", "Attributes", "colors_after"]

# True-colour foreground, background and underline with all attributes stay below 64 bytes. It
# bounds what is held back between feeds, and how far a look past an ESC goes.
MAX_SGR: Final = 64
PARAMETERS: Final = rf"[0-9;:]{{0,{MAX_SGR - 3}}}"

SGR: Final = re.compile(rf"\x1b\[({PARAMETERS})m")
"""A sequence, with its parameters as the group."""

RESET: Final = "\x1b[0m"

# The codes that switch an attribute on, by the one that switches it off.
_SWITCHES: Final = {
    22: (1, 2),
    23: (3, 20),
    24: (4, 21),
    25: (5, 6),
    27: (7,),
    28: (8,),
    29: (9,),
    10: tuple(range(11, 20)),
    39: (*range(30, 39), *range(90, 98)),
    49: (*range(40, 49), *range(100, 108)),
    50: (26,),
    54: (51, 52),
    55: (53,),
    59: (58,),
    65: (60, 61, 62, 63, 64),
    75: (73, 74),
}
_OFF: Final = {code: off for off, codes in _SWITCHES.items() for code in codes}
# Bold may be faint as well, and underlined twice; of colours and fonts there is one.
_EXCLUSIVE: Final = frozenset((10, 39, 49, 59))


class Attributes:
    """The attributes that are on."""

    __slots__ = ("_on",)

    def __init__(self) -> None:
        self._on: dict[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self._on)

    def __contains__(self, code: int) -> bool:
        return code in self._on

    def apply(self, parameters: str) -> None:
        """Do what an SGR with these parameters does."""
        on = self._on
        for code, text in _codes(parameters):
            if not code:
                on.clear()
            elif off := _OFF.get(code):
                on[off if off in _EXCLUSIVE else code] = text
            else:
                for switch in _SWITCHES.get(code, ()):
                    on.pop(switch, None)
                on.pop(code, None)

    def sequences(self) -> str:
        """Return what switches on what is on."""
        return "".join(f"\x1b[{text}m" for text in self._on.values())


def colors_after(sequences: bytes) -> bytes:
    """Return what switches on what is on after these sequences, which nothing stands between."""
    return _short_after(sequences) if len(sequences) < _SHORT else _after(sequences)


def _after(sequences: bytes) -> bytes:
    # What a reset has ended needs no look.
    _, _, last = sequences.decode().rpartition(RESET)
    if not last:
        return b""
    attributes = Attributes()
    for parameters in SGR.findall(last):
        attributes.apply(parameters)
    return attributes.sequences().encode()


# Programs colour line after line alike; what is long comes once.
_SHORT: Final = 512
_short_after: Final = lru_cache(4096)(_after)


def _codes(parameters: str) -> Iterator[tuple[int, str]]:
    """Yield each code, and the parameters that belong together with it."""
    fields = iter(parameters.split(";"))
    for field in fields:
        kind, *rest = field.split(":")
        # Terminals read numbers: 007 is 7, and none is 0.
        code = int(kind or 0)
        if code in (38, 48, 58) and not rest:
            # A colour's own numbers follow: the 0 of 38;5;0 is black, not a reset.
            system = next(fields, "")
            numbers = [next(fields, "") for _ in range({5: 1, 2: 3}.get(int(system or 0), 0))]
            field = ";".join((field, system, *numbers))
        elif code == 4 and rest and not int(rest[0] or 0):
            code = 24
        yield code, field

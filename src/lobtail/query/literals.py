"""What bytes can be searched for, before anything of them is decoded."""

from __future__ import annotations

import msgspec

__all__ = ["Literals"]


class Literals(msgspec.Struct, frozen=True):
    """Texts that a line must contain to be wanted: of every group at least one.

    No group at all is no condition: every line is wanted.
    """

    groups: tuple[tuple[str, ...], ...] = ()

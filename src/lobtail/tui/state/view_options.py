"""How lines look: what stands before them, and how long ones are shown."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from lobtail.query.patterns import Pattern
from lobtail.render.stamps import Stamper, Zone, local, utc

__all__ = ["FIELDS", "STAMPS", "Fields", "Stamp", "ViewOptions"]

Stamp: TypeAlias = Literal["off", "short", "full", "relative"]
Fields: TypeAlias = Literal["compact", "raw"]
FIELDS: Final[tuple[Fields, ...]] = ("compact", "raw")
STAMPS: Final[tuple[Stamp, ...]] = ("off", "short", "full", "relative")


class ViewOptions(msgspec.Struct, frozen=True):
    """How lines are drawn; a changed one is another object."""

    stamp: Stamp = "short"
    zone: Zone = local
    wrap: bool = False
    names: bool = True
    """Whether the container stands before each line."""
    fields: Fields = "compact"
    """Whether JSON and logfmt lines are shown as message and fields, or as they were written."""
    highlight: Pattern | None = None
    """What is shown in colour wherever it stands, without being searched."""

    def stamper(self) -> Stamper | None:
        """Return what writes the times; None for none."""
        if self.stamp == "off":
            return None
        return Stamper("rfc3339" if self.stamp == "full" else self.stamp, self.zone)

    def next_fields(self) -> ViewOptions:
        """Return the look with the other way to show structured lines."""
        following = FIELDS[(FIELDS.index(self.fields) + 1) % len(FIELDS)]
        return msgspec.structs.replace(self, fields=following)

    def next_stamp(self) -> ViewOptions:
        """Return the look with the next kind of times."""
        following = STAMPS[(STAMPS.index(self.stamp) + 1) % len(STAMPS)]
        return msgspec.structs.replace(self, stamp=following)

    def other_zone(self, chosen: Zone) -> ViewOptions:
        """Return the look with UTC, or with the chosen zone again."""
        return msgspec.structs.replace(self, zone=chosen if self.zone is utc else utc)

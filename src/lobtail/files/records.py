"""What reading log files yields beside messages, and how they are cut out of a file."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

__all__ = [
    "BLOCK",
    "MAX_RECORD",
    "NO_RECORD",
    "NULS",
    "TOO_LONG",
    "Buffer",
    "Corruption",
    "Damage",
    "Decoded",
    "MissingRecords",
    "SkippedRecords",
]

# Bytes that are read and decoded in one go; more does not fit into a core's own cache.
BLOCK: Final = 1 << 18

# What one record may be long. The longest that a driver writes is a piece of 16 KiB, of which JSON
# may make six times as much, and moby reads none of the local driver above 1 MB
# (daemon/logger/local/read.go, maxMsgLen). Longer ones are passed over, and reported as damage.
MAX_RECORD: Final = 1 << 21

T = TypeVar("T")

Buffer: TypeAlias = bytes | bytearray


class Damage(msgspec.Struct, frozen=True):
    """Bytes of a log file that hold no record; those before and behind them were read."""

    path: str
    offset: int
    """Where they begin; in a compressed file counted in what it holds."""
    size: int
    """How many they are; of a compressed file that cannot be read on, what is left of itself."""
    reason: str

    @property
    def words(self) -> str:
        """What could not be read, for people."""
        size = f"{self.size} byte{'' if self.size == 1 else 's'}"
        return f"{size} of {self.path} at {self.offset} hold no record: {self.reason}"


class MissingRecords(msgspec.Struct, frozen=True):
    """Here records may be missing; those before and behind were read."""

    path: str
    reason: str


class SkippedRecords(msgspec.Struct, frozen=True):
    """Here messages were left out that cannot belong to a wanted line."""

    count: int | None
    """How many messages; None where nobody asked for context, and they were not counted."""


NO_RECORD: Final = "this is no record"
NULS: Final = "a run of NUL bytes"
TOO_LONG: Final = "a record is too long"


class Corruption(NamedTuple):
    """Damage, as a decoder finds it: ``before`` messages stand before it in what it decoded."""

    before: int
    offset: int
    size: int
    reason: str

    def grown(self, offset: int, size: int, reason: str) -> Corruption | None:
        """Return this hole with another one that follows it at once; None if they are two."""
        if self.offset + self.size == offset and reason in (NO_RECORD, self.reason):
            return Corruption(self.before, self.offset, self.size + size, self.reason)
        return None


class Decoded(NamedTuple, Generic[T]):
    """What a decoder made of a block, records as a rule, and how many bytes it is done with."""

    records: list[T]
    holes: list[Corruption]
    used: int

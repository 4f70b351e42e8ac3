"""What is wanted of a log that is read."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from lobtail.model.frames import Stream
from lobtail.sources.base import LogRequest, Search

__all__ = ["SOURCES", "FollowOptions", "Source"]

Source: TypeAlias = Literal["auto", "api", "files"]
SOURCES: Final = ("auto", "api", "files")


class FollowOptions(msgspec.Struct, frozen=True):
    """What to read of each container; times are nanoseconds since the epoch."""

    follow: bool = True
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    stdout: bool = True
    stderr: bool = True
    details: bool = False
    source: Source = "auto"
    search: Search | None = None

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams whose lines are wanted."""
        chosen = ((Stream.STDOUT, self.stdout), (Stream.STDERR, self.stderr))
        return frozenset(stream for stream, wanted in chosen if wanted)

    @property
    def history(self) -> LogRequest:
        """What is asked of files that are read for the first time."""
        # A live stream is joined by messages of both streams.
        everything = self.search is None
        return LogRequest(
            tail=self.tail,
            since=self.since,
            until=self.until,
            stdout=self.stdout or everything,
            stderr=self.stderr or everything,
            search=self.search,
        )

"""What is wanted of a log that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from lobtail.model.frames import Stream
from lobtail.model.resume import WINDOW_NS
from lobtail.sources.base import LogRequest, Search

if TYPE_CHECKING:
    from lobtail.query.plan import Plan

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

    def narrowed(
        self, plan: Plan, *, since: bool = True, until: bool = False, around: int = 0
    ) -> FollowOptions:
        """Return them without what a plan excludes, as far as nothing else depends on that.

        ``since`` and ``until`` say whether these may be set; so many lines ``around`` each that is
        found may belong to it.
        """
        search = Search(plan.literals, plan.context) if plan.literals.groups else None
        if search is not None and around:
            before, after = plan.context or (0, 0)
            context = (before + 1) * around, (after + 1) * around
            search = Search(plan.literals, context, silent=plan.context is None)
        if plan.context is not None:
            # What stands around a line may be of the other stream, and older.
            return replace(self, search=search)
        first, last = self.since, self.until
        if self.tail == "all":  # a number of lines is counted from the end of all of them
            # Stamps are not quite in order, and those that Podman shows are cut to the second.
            if since and plan.since_ns is not None and plan.since_ns > WINDOW_NS:
                first = max(plan.since_ns - WINDOW_NS, first or 0)
            if until and plan.until_ns is not None:
                last = min(plan.until_ns + WINDOW_NS, last or plan.until_ns + WINDOW_NS)
        return replace(
            self,
            since=first,
            until=last,
            stdout=self.stdout and Stream.STDOUT in plan.streams,
            stderr=self.stderr and Stream.STDERR in plan.streams,
            search=search,
        )

    @property
    def history(self) -> LogRequest:
        """What is asked of files that are read for the first time."""
        # A live stream is joined by messages of both streams.
        everything = self.follow and self.search is None
        return LogRequest(
            tail=self.tail,
            since=self.since,
            until=self.until,
            stdout=self.stdout or everything,
            stderr=self.stderr or everything,
            search=self.search,
        )

"""A range of time, and which of the decoded messages are in it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple

from lobtail.files.records import Decoded
from lobtail.model.records import Record

__all__ = ["EVERYTHING", "FOREVER", "NEVER", "Span"]


# Before and behind all times that there are: the years 0 to 9999 take more than 64 bits.
NEVER: Final = -(1 << 80)
FOREVER: Final = 1 << 80


class Span(NamedTuple):
    """From when until when; nanoseconds since the epoch, both ends belong to it."""

    since: int | None = None
    until: int | None = None
    first: int = NEVER
    last: int = FOREVER
    """The same, with numbers where there is no bound."""

    @classmethod
    def of(cls, since: int | None, until: int | None) -> Span:
        """Return the range between two times."""
        first = NEVER if since is None else since
        last = FOREVER if until is None else until
        return cls(since, until, first, last)

    @property
    def bounded(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None

    @property
    def empty(self) -> bool:
        """Whether nothing can be in it."""
        return self.first > self.last

    def limit(
        self, decoded: Decoded[Record], skip: int = 0, *, ordered: bool = True
    ) -> tuple[Decoded[Record], bool]:
        """Return the messages in the range, and whether none of it comes any more.

        That is so once one came that is younger than all of it, if they are ``ordered``. The first
        ``skip`` are left out, and damage in front of what is left out, too.
        """
        records, holes, used = decoded
        first, last = self.first, self.last
        times = [NEVER if record.time_ns is None else record.time_ns for record in records]
        stop = len(records)
        if self.until is not None and ordered:
            stop = next((i for i, time in enumerate(times) if time > last), stop)
        over = stop < len(records)
        kept = [i for i in range(skip, stop) if first <= times[i] <= last]
        if not holes:
            return Decoded([records[i] for i in kept], [], used), over
        known = set(kept)
        shown = [
            found._replace(before=bisect_left(kept, found.before))
            for found in holes
            if found.before in known or (found.before == len(records) and not over)
        ]
        return Decoded([records[i] for i in kept], shown, used), over


EVERYTHING: Final = Span()

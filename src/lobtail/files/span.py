"""A range of time, and which of the decoded messages are in it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple

from lobtail.errors import ConfigError
from lobtail.files.records import STAMP, Decoded
from lobtail.model.timestamps import format_rfc3339

__all__ = ["EVERYTHING", "Span", "stamp_text"]


class Span(NamedTuple):
    """From when until when; nanoseconds since the epoch, both ends belong to it."""

    since: int | None = None
    until: int | None = None
    first: bytes = b""
    last: bytes = b"~"
    """The same as stamps: those of messages are all of one form, so they sort as texts."""

    @classmethod
    def of(cls, since: int | None, until: int | None) -> Span:
        """Return the range between two times."""
        first = b"" if since is None else stamp_text(since)
        last = b"~" if until is None else stamp_text(until)
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
        self, decoded: Decoded, skip: int = 0, *, ordered: bool = True
    ) -> tuple[Decoded, bool]:
        """Return the messages in the range, and whether none of it comes any more.

        That is so once one came that is younger than all of it, if they are ``ordered``. The first
        ``skip`` are left out, and damage in front of what is left out, too.
        """
        frames, holes, used = decoded
        first, last = self.first, self.last
        stop = len(frames)
        if self.until is not None and ordered:
            younger = (i for i, f in enumerate(frames) if f.payload[:STAMP] > last)
            stop = next(younger, stop)
        over = stop < len(frames)
        if not holes:
            frames = frames[skip:stop] if skip or over else frames
            if first or not ordered:
                frames = [f for f in frames if first <= f.payload[:STAMP] <= last]
            return Decoded(frames, [], used), over
        kept = [i for i in range(skip, stop) if first <= frames[i].payload[:STAMP] <= last]
        known = set(kept)
        shown = [
            found._replace(before=bisect_left(kept, found.before))
            for found in holes
            if found.before in known or (found.before == len(frames) and not over)
        ]
        return Decoded([frames[i] for i in kept], shown, used), over


EVERYTHING: Final = Span()


def stamp_text(ns: int) -> bytes:
    """Return a time as the stamps of messages have it, or what sorts before or behind all."""
    try:
        return format_rfc3339(ns).encode()
    except ConfigError:  # outside the years that a stamp can have
        return b"!" if ns < 0 else b"~"

"""Where somebody was in which log, so that they are there again when they come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lobtail.tui.state.filters import Filter
from lobtail.tui.state.target import Target

__all__ = ["MOST", "Visit", "Visits"]

# Logs that are remembered.
MOST: Final = 100


class Visit(msgspec.Struct, frozen=True):
    """How a log was left."""

    target: Target
    filter: Filter = Filter()
    time_ns: int | None = None
    """The time of the line that was pointed at; None while following."""
    before: bool = False
    """Whether that was before the client was started."""


class Visits:
    """The newest visit of each log."""

    def __init__(self, visits: Iterable[Visit] = ()) -> None:
        self._visits = {visit.target: visit for visit in visits}

    def leave(self, visit: Visit) -> None:
        """Remember how a log was left: nothing of one that is followed without a filter."""
        self._visits.pop(visit.target, None)
        if visit.filter or visit.time_ns is not None:
            self._visits[visit.target] = visit
        while len(self._visits) > MOST:
            del self._visits[next(iter(self._visits))]

    def come_back(self, target: Target) -> Visit | None:
        """Return how a log was left, and forget it."""
        return self._visits.pop(target, None)

    @property
    def all(self) -> list[Visit]:
        """The visits, the oldest first."""
        return list(self._visits.values())

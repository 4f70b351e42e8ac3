"""Keep account of a container's runs: what events tell of them, and what looks at it show.

Neither is enough. Events tell of every end, but come late, with Podman by a tenth of a second, and
again after a cut. A look shows the last run only, and the end of the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lobtail.core.model import ContainerRef, Item, Started, Stopped

__all__ = ["Look", "Runs"]


class Look(msgspec.Struct, frozen=True):
    """What ``inspect`` shows of the last run of a container; times are nanoseconds."""

    running: bool
    started_ns: int | None
    """Tells one run from the next."""
    finished_ns: int | None = None
    """When the last run that is over ended."""
    exit_code: int = 0
    oom: bool = False


class Runs:
    """The runs of one container, and which of their beginnings and ends marks have told of."""

    def __init__(self) -> None:
        self._current = -1  # when the run began that was looked at last
        self._over = True  # its end has been told, or there was none to tell
        self._late = False  # the event of that end is still to come
        self._ends: list[tuple[int, int | None]] = []
        self._starts: list[int] = []
        self.heard_ns = 0
        """The time of the newest event."""
        self.removed_ns: int | None = None
        """When the container was removed, if an event has told."""
        self.exit_code: int | None = None
        """What the last event of an end said; it outlives the container."""

    @property
    def pending(self) -> bool:
        """Whether events tell of an end that no look has shown yet."""
        return bool(self._ends)

    @property
    def pending_ns(self) -> int | None:
        """When the oldest of these ends was."""
        return self._ends[0][0] if self._ends else None

    @property
    def in_run(self) -> bool:
        """Whether a run was seen whose end was not."""
        return not self._over

    def begin(self, look: Look, *, joined: bool) -> None:
        """Take the first look. Nothing is told of a run that was over before.

        Of a container that has ``joined``, the last run is told of though it may be over.
        """
        self._current = look.started_ns or 0
        self._over = not (look.running or joined)
        self._ends = [end for end in self._ends if end[0] > self._current]

    def ended(self, time_ns: int, exit_code: int | None) -> None:
        """Take the event of an end."""
        self.heard_ns = max(self.heard_ns, time_ns)
        if time_ns <= self._current or (time_ns, exit_code) in self._ends:
            return
        self.exit_code = exit_code
        if self._over and self._late:
            self._late = False
        else:
            self._ends.append((time_ns, exit_code))

    def started(self, time_ns: int) -> None:
        """Take the event of a start."""
        self.heard_ns = max(self.heard_ns, time_ns)
        if time_ns > self._current:
            self._starts.append(time_ns)

    def advance(self, container: ContainerRef, look: Look) -> list[Item]:
        """Return marks of all that has happened between the look before and this one."""
        marks: list[Item] = []
        started = look.started_ns or 0
        if started != self._current:
            marks += self._between(container, look, started)
            self._current, self._over = started, False
            self._ends = [end for end in self._ends if end[0] > started]
            self._starts = [start for start in self._starts if start > started]
        if not look.running and not self._over:
            marks.append(Stopped(container, look.finished_ns, look.exit_code, look.oom))
            self._over = True
            self._late = not self._ends
            self._ends.clear()
        return marks

    def _between(self, container: ContainerRef, look: Look, started: int) -> Iterator[Item]:
        """Tell of the end of the last run, of runs that came and went, and of the one that is."""
        ends: list[tuple[int | None, int | None]]
        ends = [end for end in self._ends if end[0] < started]
        alive = not self._over
        if alive and not ends:
            ends = [(look.finished_ns if look.running else None, None)]
        before = self._current
        for time_ns, exit_code in ends:
            if not alive:
                # The event of a start comes a little after the moment that a look shows.
                between = (s for s in self._starts if before < s < (time_ns or started))
                yield Started(container, next(between, None))
            yield Stopped(container, time_ns, exit_code)
            alive, before = False, time_ns or before
        yield Started(container, started)

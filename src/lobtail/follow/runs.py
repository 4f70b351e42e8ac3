"""Keep account of a container's runs: what events tell of them, and what looks at it show.

Neither is enough. Events tell of every end, but come late, with Podman by a tenth of a second, and
again after a cut. A look shows the last run only, and the end of the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from lobtail.model.items import ContainerRef, Item, Started, Stopped

__all__ = ["Inspection", "Runs"]


# How much later than a look shows, an event may tell of the same start; the next one takes longer.
NOTED: Final = 50_000_000
# The code of a process that ended by SIGKILL, and so of one that the kernel killed.
KILLED: Final = 128 + 9


class Inspection(msgspec.Struct, frozen=True):
    """What ``inspect`` shows of the last run of a container; times are nanoseconds."""

    running: bool
    """Whether the program runs: not while the container waits to be started again."""
    started_ns: int | None
    """Tells one run from the next."""
    finished_ns: int | None = None
    """When the last run that is over ended."""
    exit_code: int = 0
    oom: bool = False


class Runs:
    """The runs of one container, and which of their beginnings and ends marks have told of."""

    def __init__(self) -> None:
        self._current = -1  # when the run began that was told of last
        self._told_ahead = False  # before a look showed it: it began some time after _current
        self._over = True  # its end has been told, or there was none to tell
        self._ended = -1  # when that was
        self._heard = False  # by its event, which is behind the last line of the run
        self._late = False  # the event of that end is still to come
        self._ends: list[tuple[int, int | None]] = []
        self._starts: list[int] = []
        self._ooms: list[int] = []
        self._kills: list[int] = []
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
    def newest_end_ns(self) -> int | None:
        """When the newest of these ends was."""
        return self._ends[-1][0] if self._ends else None

    @property
    def boundary(self) -> int | None:
        """The moment behind which a line is of a later run than that which was told of last.

        None if no later run is known of. Holds where lines have exact stamps of the engine's.
        """
        if not self._over:
            return self.pending_ns
        if self._heard:
            return self._ended
        floor = self._floor
        start = next((start for start in self._starts if start > floor + NOTED), None)
        if start is None:
            return -1 if self._ends else None
        return (floor + start) // 2  # neither the look's time nor the event's is exact

    @property
    def _floor(self) -> int:
        return max(self._current, self._ended)

    def ended_before(self, time_ns: int) -> int | None:
        """Return the newest of these ends that was before a moment."""
        return max((end for end, _ in self._ends if end < time_ns), default=None)

    def started_since(self, time_ns: int) -> bool:
        """Tell whether an event told of a start after a moment."""
        return any(start > time_ns for start in self._starts)

    @property
    def in_run(self) -> bool:
        """Whether a run was seen whose end was not."""
        return not self._over

    def begin(self, look: Inspection, *, joined: bool) -> None:
        """Take the first look. Nothing is told of a run that was over before.

        Of a container that has ``joined``, the last run is told of though it may be over.
        """
        self._current = look.started_ns or 0
        self._told_ahead = False
        self._over = not (look.running or joined)
        # The event of an end that has just been comes behind a look that shows it.
        self._late, self._ended, self._heard = self._over, look.finished_ns or 0, False
        self._ends = [end for end in self._ends if end[0] > self._current]
        if self._over and self._ends:
            self._late, self._ended, self._heard = False, self._ends.pop(0)[0], True

    def resume(self, look: Inspection, run_ns: int, *, over: bool) -> None:
        """Take the first look at a container whose last run that was told of began at ``run_ns``.

        ``over`` says that its end was told of as well. What has happened since is told as if events
        had come of it, as far as the look shows it.
        """
        started = look.started_ns or 0
        self._current, self._over, self._ended = run_ns, over, run_ns
        if started <= run_ns + NOTED:
            self._current = started
            return
        if look.running and look.finished_ns and run_ns < look.finished_ns < started:
            if not over:
                self.ended(look.finished_ns, None)
            self._ended = look.finished_ns
        self.started(started)

    def join(self, time_ns: int) -> None:
        """Take the event of the start with which the container joins: its first look came late."""
        self._current, self._told_ahead, self._over = time_ns - 1, True, False

    def ended(self, time_ns: int, exit_code: int | None) -> None:
        """Take the event of an end."""
        self.heard_ns = max(self.heard_ns, time_ns)
        told = max(self._current, self._ended if self._heard else -1)
        if time_ns <= told or (time_ns, exit_code) in self._ends:
            return  # events come again after a cut
        self.exit_code = exit_code
        late, self._late = self._late and self._over, False
        if late and not self.started_since(self._floor + NOTED):
            self._ended, self._heard = time_ns, True
        else:
            self._ends.append((time_ns, exit_code))

    def started(self, time_ns: int) -> None:
        """Take the event of a start."""
        self.heard_ns = max(self.heard_ns, time_ns)
        if time_ns > self._current:
            self._starts.append(time_ns)

    def killed(self, time_ns: int) -> None:
        """Take the event of a process that was killed for want of memory."""
        self._note(self._ooms, time_ns)

    def signalled(self, time_ns: int) -> None:
        """Take the event of SIGKILL, sent by a user or by the engine for one."""
        self._note(self._kills, time_ns)

    def _note(self, times: list[int], time_ns: int) -> None:
        # One of a run is enough: in a long one children may be killed again and again.
        if times and not self.started_since(times[-1]):
            times.pop()
        times.append(time_ns)

    def owes_reason(self, look: Inspection) -> bool:
        """Whether an event may still tell why the run that a look shows has ended.

        Docker's event of want of memory may come behind that of the end: containerd's shim tells of
        the two in threads of their own.
        """
        if look.running or look.oom or look.exit_code != KILLED:
            return False
        started = look.started_ns or 0
        if started == self._current and self._over:
            return False  # it was told of, as what is older is below
        if self._told_ahead and started <= self._current:
            return False
        told = (*self._ooms, *self._kills, *(start - NOTED for start in self._starts))
        return not any(time_ns > started for time_ns in told)

    def reach(self, container: ContainerRef, time_ns: int) -> list[Item]:
        """Return marks of all that happened before what was written at ``time_ns``, by events.

        It was written behind ``boundary``.
        """
        marks: list[Item] = []
        ends = [end for end in self._ends if end[0] < time_ns]
        if self._over:
            self._current = self._floor
            marks.append(self._start(container, self._current))
            self._told_ahead, self._over = True, False
        for end, exit_code in ends:
            marks.append(Stopped(container, end, exit_code, self._take_oom(self._current, end)))
            marks.append(self._start(container, end))
            self._current, self._told_ahead, self._late = end, True, False
        self._forget(self._current)
        return marks

    def _start(self, container: ContainerRef, after: int) -> Started:
        return Started(container, next((start for start in self._starts if start > after), None))

    def last_end(self, container: ContainerRef) -> Stopped:
        """Return the mark of the end of a run whose container is gone, by events."""
        end = self.pending_ns
        oom = self._take_oom(self._current, self.heard_ns if end is None else end)
        return Stopped(container, end, self.exit_code, oom)

    def _take_oom(self, began: int, end: int) -> bool:
        """Tell whether want of memory ended a run, and forget the events that told.

        They may come behind that of the end, but belong to this run until the next one starts.
        """
        began = max((start for start in self._starts if start < end), default=began)
        later: list[int] = []
        if (next_start := min((s for s in self._starts if s > end), default=None)) is not None:
            later = [oom for oom in self._ooms if oom > next_start]
        found = any(oom > began and oom not in later for oom in self._ooms)
        self._ooms = later
        return found

    def _forget(self, before: int) -> None:
        self._ends = [end for end in self._ends if end[0] > before]
        for times in (self._starts, self._ooms, self._kills):
            times[:] = [time_ns for time_ns in times if time_ns > before]

    def advance(self, container: ContainerRef, look: Inspection) -> list[Item]:
        """Return marks of all that has happened between the look before and this one."""
        marks: list[Item] = []
        started = look.started_ns or 0
        if self._told_ahead and started <= self._current:
            return marks  # what it shows was told of already
        if started != self._current:
            if not self._told_ahead or self.ended_before(started) is not None:
                marks += self._between(container, look, started)
            self._current, self._told_ahead, self._over = started, False, False
            self._forget(started)
        if not look.running and not self._over:
            # The event of an end is behind that of its start, which the look may not be.
            end = self._ends[0][0] if self._ends else max(look.finished_ns or 0, started + NOTED)
            oom = self._take_oom(started, end) or look.oom
            marks.append(Stopped(container, look.finished_ns, look.exit_code, oom))
            self._over = True
            self._late = not self._ends
            self._heard = bool(self._ends)
            self._ended = self._ends[0][0] if self._ends else look.finished_ns or 0
            del self._ends[:1]  # others are of runs that have come and gone since
        return marks

    def _between(self, container: ContainerRef, look: Inspection, started: int) -> Iterator[Item]:
        """Tell of the end of the last run, of runs that came and went, and of the one that is."""
        ends: list[tuple[int | None, int | None]]
        ends = [end for end in self._ends if end[0] < started]
        alive = not self._over
        if alive and not ends:
            ends = [(look.finished_ns if look.running else None, None)]
        before = self._current if alive else self._floor
        for time_ns, exit_code in ends:
            if not alive:
                # The event of a start comes a little after the moment that a look shows.
                between = (s for s in self._starts if before < s < (time_ns or started))
                yield Started(container, next(between, None))
            oom = self._take_oom(before, time_ns or started)
            yield Stopped(container, time_ns, exit_code, oom)
            alive, before = False, time_ns or before
        yield Started(container, started)

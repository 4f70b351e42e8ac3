"""Which containers of an engine are joined, when, and from where on each is read: decisions only.

``Joins`` is given what a listing, an event or an inspection says, and says what is to be done. It
asks nobody and knows no time, so that ``session.engine_session`` is left with asking and waiting.

Containers of the *first* listing are read as was asked for, those that come later from the
beginning of the run that they come with: the log of earlier runs was not asked for.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Container as Contains
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from lobtail.engine.objects.container import project_of, service_of
from lobtail.follow.machine import REMOVED
from lobtail.model.items import ContainerRef, Gap, Item, Removed, Started
from lobtail.model.swarm import TASK_ID
from lobtail.model.timestamps import parse_go_time

if TYPE_CHECKING:
    from lobtail.engine.objects.container import Container, ContainerSummary, State
    from lobtail.engine.objects.event import Event
    from lobtail.errors import LobtailError
    from lobtail.follow.options import FollowOptions
    from lobtail.follow.position import LogPosition, Positions
    from lobtail.follow.task import TaskLocation
    from lobtail.session.request import TailRequest

__all__ = ["Candidate", "Joins", "LogPlan"]

# How much earlier than the start of a run that is over its log is read from.
MARGIN_NS: Final = 1_000_000_000


class Candidate(msgspec.Struct, frozen=True):
    """A container that may have to be joined, which its inspection will tell."""

    ref: ContainerRef
    running: bool = True
    first: bool = False
    started_ns: int | None = None
    """The time of the event of its start, if that is why."""
    renamed_ns: int | None = None
    """The time of the event by which it got a name that is wanted, if that is why."""


class LogPlan(msgspec.Struct, frozen=True):
    """How the log of a container, or of a task, is read."""

    ref: ContainerRef
    options: FollowOptions
    position: LogPosition | None = None
    joined: bool = False
    """Whether it started while others were followed, which is told."""
    started_ns: int | None = None
    """The time of the event of the start that it is joined with."""


class Joins:
    """Decides for one engine, which lines call ``host``."""

    def __init__(
        self, request: TailRequest, *, host: str = "", positions: Positions | None = None
    ) -> None:
        self.selection = request.selection
        self.found: list[tuple[ContainerRef, bool]] = []
        """The containers that were chosen at the start, as listed, and whether they ran then."""
        self.has_chosen = False
        """Whether anything was chosen so far."""
        self.is_replaced = False
        """Whether there were tasks of a swarm: others take their place when they end."""
        self.is_first = True
        """Whether reading begins: what there is now was there."""
        self.unwanted: set[str] = set()
        """Containers that are chosen, but have no wanted line as long as they are called so."""
        self._plan = request.plan
        self._options = request.options
        self._everything = request.everything
        self._host = host
        self._known: Mapping[str, LogPosition] = {} if positions is None else positions.logs
        self._saved_ns = None if positions is None else positions.saved_ns
        self._places: dict[str, int] = {}  # of containers in the first listing
        self._ended: list[Candidate] = []  # those that were listed and are chosen by name only
        self._late: set[str] = set()  # those of ``found`` that have not been inspected
        self._is_removal_told = False
        self._tasks_seen: set[str] = set()
        self._tasks_ended: list[TaskLocation] = []  # as ``_ended``

    # --- containers -------------------------------------------------------------------------

    @property
    def needs_all(self) -> bool:
        """Whether stopped containers must be listed, too."""
        return self._everything or self.selection.names_any or bool(self._known)

    def of_listing(
        self, listed: Sequence[ContainerSummary], read: Contains[str]
    ) -> list[Candidate]:
        """Return those of a listing that are to be inspected, of which ``read`` are not."""
        refs = [self._named(each.id, each.name, each.image, each.labels) for each in listed]
        if self.is_first:
            self.selection = self.selection.settle(refs)
            self._places = {ref.id: place for place, ref in enumerate(refs)}
        candidates, self._ended = [], []
        for ref, summary in zip(refs, listed, strict=True):
            if summary.id in read:
                continue
            candidate = Candidate(ref, summary.running, self.is_first)
            wanted = self._everything or summary.running or self.selection.by_name(ref)
            if wanted or (self.is_first and summary.id in self._known):
                if not self._can_be_left_unopened(candidate):
                    candidates.append(candidate)
            else:
                self._ended.append(candidate)
        return candidates

    def of_ended(self) -> tuple[list[Candidate], list[TaskLocation]]:
        """Return what has ended of services that are named and of which nothing runs."""
        found = [ref for ref, _ in self.found]
        candidates: list[Candidate] = []
        tasks: list[TaskLocation] = []
        for selector in self.selection.all_names:
            if selector.exact and not any(map(selector.matches, found)):
                candidates += [each for each in self._ended if selector.matches(each.ref)]
                tasks += [each for each in self._tasks_ended if selector.matches(each.ref)]
        return candidates, tasks

    def of_removed(self, listed: Iterable[str]) -> list[list[Item]]:
        """Return what is to be told, once, of containers that were removed while nobody read."""
        told: list[list[Item]] = []
        for key in () if self._is_removal_told else self._known.keys() - set(listed):
            ref, is_over = self._known[key].container, self._known[key].is_over
            if ref.host == self._host and TASK_ID not in ref.labels and self.selection.matches(ref):
                lost: list[Item] = [] if is_over else [Gap(ref, None, REMOVED)]
                told.append([*lost, Removed(ref, None)])
        self._is_removal_told = True
        return told

    def of_start(self, event: Event) -> Candidate:
        """Return the container that an event says has started."""
        said = event.attributes
        ref = self._named(event.id, event.name, said.get("image", ""), said)
        return Candidate(ref, started_ns=event.time_ns)

    def of_rename(self, event: Event) -> Candidate:
        """Return the container, one of ``unwanted``, that an event says is called otherwise now."""
        self.unwanted.discard(event.id)
        ref = self._named(event.id, event.name, "", event.attributes)
        return Candidate(ref, renamed_ns=event.time_ns)

    def delay(self, candidate: Candidate) -> bool:
        """Go on without a container of which the engine says nothing; return if it is missed."""
        if not self.selection.matches(candidate.ref):
            return False
        if candidate.first:
            self._find(candidate.ref, candidate.running)
            self._late.add(candidate.ref.id)
        return True

    def chooses(self, candidate: Candidate, container: Container) -> bool:
        """Tell whether a container is to be read, now that it has been inspected."""
        ref = self.ref(container)
        if not self.selection.matches(ref):
            return False
        if self._plan is None or self._plan.may_come_from(ref):
            return True
        self._leave_unopened(ref, container.state.in_run if candidate.first else None)
        return False

    def _can_be_left_unopened(self, candidate: Candidate) -> bool:
        """Tell whether no line of a listed container can be wanted: it need not be inspected."""
        plan, ref = self._plan, candidate.ref
        if plan is None or plan.asks_for_image or self.selection.asks_for_image:
            return False  # a list may call the image otherwise than an inspection
        if plan.may_come_from(ref):
            return False
        if self.selection.matches(ref):
            self._leave_unopened(ref, candidate.running if candidate.first else None)
        return True

    def _leave_unopened(self, ref: ContainerRef, running: bool | None) -> None:
        self.unwanted.add(ref.id)
        if running is not None and ref.id not in self._late:
            self._find(ref, running)

    def plan(self, candidate: Candidate, container: Container) -> LogPlan:
        """Say how the log of a container that is chosen is read."""
        ref, state, started_ns = self.ref(container), container.state, candidate.started_ns
        first, position = self._begin(ref, state.started_at, first=candidate.first)
        self._note(ref, state.in_run if first and ref.id not in self._late else None)
        options = self._options
        if not first:
            begins = candidate.renamed_ns or _beginning(state, started_ns)
            since = max((each for each in (options.since, begins) if each), default=None)
            options = replace(options, tail="all", since=since)
        joined = not first and candidate.renamed_ns is None
        return LogPlan(ref, options, position, joined, started_ns)

    def leave_out(self, candidate: Candidate, error: LobtailError | None) -> list[Item]:
        """Return the marks of a container that cannot be read.

        The engine has no usable answer about it, or without an ``error`` knows it no more.
        """
        ref = candidate.ref
        if not self.selection.matches(ref):
            return []
        running = candidate.running and error is not None
        self._note(ref, running if candidate.first and ref.id not in self._late else None)
        if error is not None:
            return [Gap(ref, None, f"cannot be read: {error}")]
        started = candidate.started_ns
        marks: list[Item] = [] if started is None else [Started(ref, started)]
        return [*marks, Gap(ref, None, REMOVED), Removed(ref, None)]

    # --- tasks on other nodes -----------------------------------------------------------------

    def of_tasks(
        self, found: Mapping[str, TaskLocation], read: Contains[str], *, first: bool
    ) -> list[TaskLocation]:
        """Return the tasks that are to be joined, of all that there are now."""
        joined: list[TaskLocation] = []
        for key, location in found.items():
            task = location.task
            if key in read or key in self._tasks_seen or not (task.running or task.over):
                continue
            self._tasks_seen.add(key)
            if self._plan is not None and not self._plan.may_come_from(location.ref):
                continue
            if task.running or not first or self._everything or location.ref.id in self._known:
                joined.append(location)
            else:
                self._tasks_ended.append(location)
        self._tasks_seen &= found.keys()
        return joined

    def plan_task(self, location: TaskLocation, *, first: bool) -> LogPlan:
        """Say how the log of a task is read."""
        ref, task, options = location.ref, location.task, self._options
        first, position = self._begin(ref, task.status.timestamp, first=first)
        self._note(ref, task.running if first else None)
        if not first:
            options = replace(options, tail="all")
        return LogPlan(ref, options, position, joined=not first)

    # ------------------------------------------------------------------------------------------

    def ref(self, container: Container) -> ContainerRef:
        """Return how lines name a container."""
        labels = container.config.labels
        return self._named(container.id, container.name, container.config.image, labels)

    def _named(
        self, identifier: str, name: str, image: str, labels: Mapping[str, str] | None
    ) -> ContainerRef:
        labels = dict(labels or {})
        return ContainerRef(
            id=identifier,
            name=name.removeprefix("/"),
            image=image,
            project=project_of(labels),
            service=service_of(labels),
            labels=labels,
            host=self._host,
        )

    def _begin(
        self, ref: ContainerRef, started: str, *, first: bool
    ) -> tuple[bool, LogPosition | None]:
        """Return whether all that was asked for is read, and how far an earlier reader has got."""
        position = self._known.get(ref.id) if first else None
        if first and position is None and self._saved_ns is not None:
            # What was started since the earlier reader stopped has come later than others.
            first = (parse_go_time(started) or 0) <= self._saved_ns
        return first, position

    def _find(self, ref: ContainerRef, running: bool) -> None:
        places, last = self._places, len(self._places)
        insort(self.found, (ref, running), key=lambda found: places.get(found[0].id, last))

    def _note(self, ref: ContainerRef, running: bool | None) -> None:
        """Note that a container was chosen; ``running`` is None if it was not at the start."""
        self.has_chosen = True
        self.is_replaced = self.is_replaced or TASK_ID in ref.labels
        if running is not None:
            self._find(ref, running)


def _beginning(state: State, event_ns: int | None) -> int | None:
    """Return a moment between the last run of a container but one and its last.

    If it has been started again since the event of a start, that is taken for its last.
    """
    ended, started = parse_go_time(state.finished_at), parse_go_time(state.started_at)
    if event_ns is not None and started is not None and event_ns < started:
        return event_ns - MARGIN_NS
    if state.in_run:
        return ended and ended + 1
    # A short run may be over by now, even before it is noted to have begun, and its first line is
    # stamped earlier still.
    return started and min(started, ended or started) - MARGIN_NS

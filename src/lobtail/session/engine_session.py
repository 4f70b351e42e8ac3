"""Read the containers of one engine that are chosen, as they come and go.

``EngineSession`` watches the engine's events and runs a ``LogMachine`` for each container that
``session.joins`` decides to read. Where services of a swarm may be meant and the engine manages
one, a ``TaskMachine`` reads each task that runs on another node.

Nothing here waits long for one container: an engine that does not answer about it is asked on in a
task of its own, while the others are read.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

from lobtail.errors import ConnectError, EngineError, LobtailError, ProtocolError
from lobtail.follow.driver import Driver
from lobtail.follow.intake import Clock
from lobtail.follow.machine import LogMachine
from lobtail.follow.patience import PATIENCE, late_reason
from lobtail.follow.slots import Slot
from lobtail.follow.task import TaskLocation, TaskMachine
from lobtail.model.items import ContainerRef, EngineBack, EngineLost, Gap, Item
from lobtail.model.timestamps import parse_go_time
from lobtail.retry import CUTS, GIVE_UP, Failures, back_off, retrying
from lobtail.session.inbox import CONNECTIONS, Inbox, SourceQueue
from lobtail.session.joins import Candidate, Joins, LogPlan
from lobtail.session.supervision import supervised
from lobtail.session.swarm_discovery import SwarmDiscovery
from lobtail.sources.api import ContainerSource, traits_of
from lobtail.sources.swarm_task import TaskSource, task_traits

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.answer import Filters
    from lobtail.engine.objects.container import Container
    from lobtail.engine.objects.event import Event
    from lobtail.follow.position import Positions, Reached
    from lobtail.session.request import TailRequest
    from lobtail.sources.base import Traits

__all__ = ["EngineSession"]

T = TypeVar("T")
Machine = TypeVar("Machine", LogMachine, TaskMachine)

# What a round trip to an engine adds at most to how long lines are held back.
FARTHEST_NS: Final = 1_000_000_000

# Events that are known again when they come once more: moby keeps 256 to be sent again.
KNOWN_EVENTS: Final = 1000

# Containers that are inspected at the same time over ssh.
SSH_INSPECTIONS: Final = 2

# Seconds for which an answer is waited for after another one, once some have not come in time.
HURRY: Final = 0.25

# Seconds between two looks at the tasks on other nodes.
LOOK: Final = 1.0

# Podman shows "die" and "remove", and filters by its own "died" and "remove".
_EVENTS: Final[Filters] = {
    "type": "container",
    "event": ("start", "oom", "kill", "die", "died", "destroy", "remove", "rename"),
}


class _Log(NamedTuple, Generic[Machine]):
    """A log that is read."""

    machine: Machine
    driver: Driver
    queue: SourceQueue


_AnyLog: TypeAlias = "_Log[LogMachine] | _Log[TaskMachine]"
_Answer: TypeAlias = "tuple[Container, Traits] | EngineError | ProtocolError"


class EngineSession:
    """The logs of one engine; ``run`` reads them into ``inbox``.

    Lines call the engine ``host``. With ``alone``, what keeps it from being read is raised;
    otherwise others are read as well, so an ``EngineLost`` mark tells it, and with ``follow`` the
    engine is tried again.
    """

    def __init__(
        self,
        engine: EngineClient,
        request: TailRequest,
        inbox: Inbox,
        *,
        host: str = "",
        alone: bool = True,
        positions: Positions | None = None,
    ) -> None:
        self.host = host
        self.begun = asyncio.Event()
        """Set when what there was at the start is known, or the engine is lost."""
        self.is_open = False
        """Whether what there was at the start is known."""
        self.lost: LobtailError | None = None
        """What keeps the engine from being reached."""
        self._engine = engine
        self._request = request
        self._options = request.options
        self._inbox = inbox
        self._alone = alone
        self._joins = Joins(request, host=host, positions=positions)
        self._containers: dict[str, _Log[LogMachine]] = {}
        self._tasks_read: dict[str, _Log[TaskMachine]] = {}
        self._joining: dict[str, list[Event]] = {}
        """The events of containers that are being inspected, by their IDs."""
        self._skew_ns = 0  # how far the engine's clock is ahead of ours
        self._learned = False
        self._swarm: SwarmDiscovery | None = None
        self._is_swarm_known = False  # whether the manager has answered
        self._opening = asyncio.Semaphore(CONNECTIONS)
        few = engine.endpoint.kind == "ssh"  # where each connection is a process
        self._inspecting = asyncio.Semaphore(SSH_INSPECTIONS if few else CONNECTIONS)
        self._patience = PATIENCE  # for how long the next answer is waited for
        self._answered_at = 0.0  # when the engine last told of a container, by the loop's clock
        self._broken: LobtailError | None = None  # why a log could not be read to its end
        self._tasks: asyncio.TaskGroup

    # --- what is read -----------------------------------------------------------------------

    @property
    def found(self) -> Sequence[tuple[ContainerRef, bool]]:
        """The containers that were chosen at the start, and whether they ran then."""
        return self._joins.found

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return [log.machine.ref for log in self._logs.values()]

    @property
    def has_chosen(self) -> bool:
        """Whether anything was chosen so far."""
        return self._joins.has_chosen

    @property
    def at_rest(self) -> bool:
        """Whether all that was chosen has ended for good; not so while that cannot be known."""
        known = self.is_open and self.lost is None and not self._joining
        ended = all(log.machine.is_finished for log in self._containers.values())
        return known and ended and not self._joins.is_replaced

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        """Return how far each log is read, whether or not anything of it was taken.

        ``handed_out`` has the time of the first item that was handed out and not taken, by the ID.
        """
        return [
            log.machine.reached(handed_out.get(log.machine.ref.id, log.queue.first_waiting_ns))
            for log in self._logs.values()
        ]

    @property
    def _logs(self) -> dict[str, _AnyLog]:
        return {**self._containers, **self._tasks_read}

    # --- the engine -------------------------------------------------------------------------

    async def run(self) -> None:
        """Read until all histories have been read; with ``follow`` for ever."""
        try:
            async with supervised() as self._tasks:
                # In a task of its own: when this is cancelled, all are, and at once.
                self._tasks.create_task(self._watch() if self._options.follow else self._begin())
            if self._broken is not None:
                raise self._broken
        except (*CUTS, EngineError) as exc:
            if self._alone:
                raise
            self._lose(exc)
        finally:
            self.begun.set()

    def overdue(self) -> None:
        """Go on without it: it has not answered yet, and others have for long."""
        self._lose(ConnectError(f"the engine at {self._engine.endpoint} has not answered yet"))

    def _lose(self, error: LobtailError) -> None:
        """Tell that the engine cannot be reached: nobody is to wait for what it has."""
        if self.lost is None:
            self.lost = error
            self._tell([EngineLost(self._ref, None, str(error))])
            for log in self._logs.values():
                log.queue.set_live()
        self.begun.set()

    def _find_again(self) -> None:
        if self.lost is not None:
            self.lost = None
            self._tell([EngineBack(self._ref, None)])

    @property
    def _ref(self) -> ContainerRef:
        return ContainerRef("", "", host=self.host)

    async def _begin(self) -> None:
        """Find what there is."""
        await self._learn_engine()
        await self._list()

    async def _watch(self) -> None:
        """Keep up with what the engine says of its containers, for ever."""
        failures = Failures(asyncio.get_running_loop().time)
        since: int | None = None
        known: deque[tuple[str, str, int]] = deque(maxlen=KNOWN_EVENTS)
        while True:
            try:
                if not self._learned:
                    await self._learn_engine()
                opened = time.time_ns() + self._skew_ns
                # Before the listing: a container that starts between the two is seen by one.
                async with self._engine.events(filters=_EVENTS, since=since) as events:
                    failures.answered()
                    await self._list()
                    self._find_again()
                    since = since or opened
                    async for event in events:
                        if event.time_ns:
                            told = event.id, event.action, event.time_ns
                            if told in known:
                                continue  # it comes once more after a cut
                            known.append(told)
                            # By arrival: the engine's clock may be set back.
                            since = event.time_ns
                        self._take_event(event)
            except (*CUTS, EngineError) as exc:
                self._bear(exc, failures.failed())
                # Whoever waits for an event had better look for itself.
                for log in self._containers.values():
                    log.driver.wake()
                await back_off(failures.count)

    def _bear(self, error: LobtailError, failures: int) -> None:
        """Take a failure of the events, or of what is asked first.

        Raises it where the engine is the only one, and cannot be read from the start.
        """
        if self.is_open:
            if failures == GIVE_UP:
                self._lose(error)
        elif not self._alone:
            self._lose(error)
        elif failures == GIVE_UP or not self._learned or isinstance(error, EngineError):
            raise error

    async def _learn_engine(self) -> None:
        """Find out how far the engine's clock is from ours, whether it is Podman, or a manager."""
        await self._ask(self._engine.is_podman)  # which the client remembers
        before = time.time_ns()
        info = await self._ask(self._engine.info)
        after = time.time_ns()
        now = parse_go_time(info.system_time)
        # An engine on this machine has our clock; half a round trip is more than its error.
        if now is not None and not before <= now <= after:
            self._skew_ns = now - (before + after) // 2
        selection = self._request.selection
        if info.swarm.control_available and selection.names_services:
            self._swarm = SwarmDiscovery(self._engine, selection, info.swarm.node_id, self.host)
        if self._engine.endpoint.kind != "unix":
            # What is written there arrives so much later, and not always as much.
            before = time.monotonic_ns()
            await self._ask(self._engine.ping)
            trip = time.monotonic_ns() - before
            self._inbox.merge.widen(min(trip, FARTHEST_NS))
        self._learned = True

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the engine; a connection that breaks is tried again, a few times at the start.

        An answer that makes no sense is asked for a few times at most: others wait meanwhile.
        """
        most = None if self.is_open else GIVE_UP
        return await retrying(ask, most=most, broken=GIVE_UP)

    async def _list(self) -> None:
        joins = self._joins
        listed = await self._ask(lambda: self._engine.containers.list(all=joins.needs_all))
        await self._join_all(self._candidates(joins.of_listing(listed, self._containers)))
        if self.is_open:
            return
        for marks in joins.of_removed(each.id for each in listed):
            self._tell(marks)
        if self._swarm is not None:
            # Tasks may come later, but only where they are followed.
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE if self._options.follow else None):
                    await self._look(self._swarm)
        candidates, tasks = joins.of_ended()
        await self._join_all(self._candidates(candidates))
        for location in tasks:
            self._read_task(location, first=True)
        if self._swarm is not None and self._options.follow:
            self._tasks.create_task(self._watch_tasks(self._swarm))
        joins.is_first = False
        self.is_open = True
        self.begun.set()

    # --- containers -------------------------------------------------------------------------

    def _take_event(self, event: Event) -> None:
        if event.id in self._joining:
            self._joining[event.id].append(event)
            return
        log = self._containers.get(event.id)
        if log is None:
            if event.action == "start" and event.id:
                self._join_soon(self._joins.of_start(event))
            elif event.action == "rename" and event.id in self._joins.unwanted:
                self._join_soon(self._joins.of_rename(event))
            return
        if event.action == "rename":
            self._tasks.create_task(self._rename(event.id, log.machine))
        log.machine.event(event)
        log.driver.wake()

    def _join_soon(self, candidate: Candidate) -> None:
        self._tasks.create_task(self._join_all(self._candidates([candidate])))

    async def _rename(self, identifier: str, machine: LogMachine) -> None:
        with suppress(EngineError, ProtocolError):
            container = await self._ask(lambda: self._engine.containers.inspect(identifier))
            machine.rename(self._joins.ref(container))

    def _candidates(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return those that are not read, or being inspected; their events wait from now on."""
        keys = self._joining.keys() | self._containers.keys()
        new = {each.ref.id: each for each in candidates if each.ref.id not in keys}
        self._joining |= {key: [] for key in new}
        return [*new.values()]

    async def _join_all(self, candidates: Sequence[Candidate]) -> None:
        """Inspect containers side by side, and read those that are chosen, in this order."""
        asked: list[asyncio.Task[_Answer | None]] = []
        self._patience = PATIENCE
        try:
            async with supervised() as tasks:
                asked += [tasks.create_task(self._inspect_in_time(each)) for each in candidates]
            for candidate, task in zip(candidates, asked, strict=True):
                if (answer := task.result()) is not None:
                    self._join(candidate, answer)
        finally:
            for candidate, task in zip(candidates, asked, strict=True):
                if task.cancelled() or task.exception() or task.result() is not None:
                    self._end_joining(candidate.ref.id)

    async def _inspect_in_time(self, candidate: Candidate) -> _Answer | None:
        """Inspect a container; None if others are to go on, for the answer will come late."""
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._inspecting:
            asking = asyncio.create_task(self._inspect(candidate.ref.id))
            try:
                while not asking.done():
                    # Who waits for an engine that has much to answer is not late.
                    last = max(asked_at + PATIENCE, self._answered_at + self._patience)
                    left = last - now()
                    if left <= 0:
                        break
                    await asyncio.wait({asking}, timeout=left)
            except BaseException:
                asking.cancel()
                raise
        if asking.done():
            return asking.result()
        self._patience = HURRY
        if self._joins.delay(candidate):
            self._tell([Gap(candidate.ref, None, late_reason(PATIENCE))])
        self._tasks.create_task(self._join_late(candidate, asking))
        return None

    async def _join_late(self, candidate: Candidate, asking: asyncio.Task[_Answer]) -> None:
        try:
            self._join(candidate, await asking)
        except CUTS as exc:
            self._tell(self._joins.leave_out(candidate, exc))
        finally:
            asking.cancel()
            self._end_joining(candidate.ref.id)

    async def _inspect(self, identifier: str) -> _Answer:
        try:
            container = await self._ask(lambda: self._engine.containers.inspect(identifier))
            traits = await self._ask(lambda: traits_of(self._engine, container))
        except (EngineError, ProtocolError) as exc:
            return exc
        else:
            return container, traits
        finally:
            self._answered_at = asyncio.get_running_loop().time()

    def _end_joining(self, identifier: str) -> None:
        """Take what has happened to a container while it was being inspected."""
        for event in self._joining.pop(identifier):
            self._take_event(event)

    def _join(self, candidate: Candidate, answer: _Answer) -> None:
        """Read a container if it is chosen."""
        joins = self._joins
        if isinstance(answer, LobtailError):
            is_gone = isinstance(answer, EngineError) and answer.status in (404, 409)
            marks = joins.leave_out(candidate, None if is_gone else answer)
            self._tell(marks)
            if marks and not is_gone:
                self._broken = self._broken or answer
            return
        container, traits = answer
        if not joins.chooses(candidate, container):
            return
        plan = joins.plan(candidate, container)
        slot, clock = Slot(self._opening), Clock()
        queue = self._open(slot)
        machine = LogMachine(
            container,
            plan.ref,
            plan.options,
            traits,
            clock,
            joined_ns=plan.started_ns,
            position=plan.position,
        )
        source = ContainerSource(self._engine, container, details=plan.options.details)
        driver = Driver(source, queue, slot, clock, self._skew_ns, inspector=source)
        log = self._containers[container.id] = _Log(machine, driver, queue)
        self._tasks.create_task(self._read(log, self._containers, container.id, plan))

    def _open(self, slot: Slot) -> SourceQueue:
        # An engine that is lost holds up no other.
        return self._inbox.open(slot, skew_ns=self._skew_ns, live=self.lost is not None)

    def _tell(self, marks: list[Item]) -> None:
        """Hand on marks of what is not read."""
        queue = self._open(Slot(self._opening))
        queue.push(marks)
        queue.close()

    async def _read(
        self, log: _Log[Machine], logs: dict[str, _Log[Machine]], key: str, plan: LogPlan
    ) -> None:
        """Read a log, which is one of ``logs``, to its end."""
        machine, driver, queue = log
        try:
            await driver.run(machine.run(joined=plan.joined))
            queue.tell_dropped(machine.ref)
        except CUTS as exc:
            queue.push([Gap(machine.ref, None, str(exc))])
            self._broken = self._broken or exc
        finally:
            machine.close()
            del logs[key]
            queue.close()

    # --- tasks on other nodes -----------------------------------------------------------------

    async def _watch_tasks(self, swarm: SwarmDiscovery) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self._look(swarm)

    async def _look(self, swarm: SwarmDiscovery) -> None:
        """Read tasks that are new, and tell the others' machines what became of them."""
        try:
            found = await self._ask(swarm.look)
        except (EngineError, ProtocolError):
            return  # the swarm has no leader at the moment, or the engine manages none any more
        first, self._is_swarm_known = not self._is_swarm_known, True
        for key, log in self._tasks_read.items():
            log.machine.saw(found.get(key))
            log.driver.wake()
        for location in self._joins.of_tasks(found, self._tasks_read, first=first):
            self._read_task(location, first=first)

    def _read_task(self, location: TaskLocation, *, first: bool) -> None:
        task, engine = location.task, self._engine
        plan = self._joins.plan_task(location, first=first)
        slot, clock = Slot(self._opening), Clock()
        queue = self._open(slot)
        traits = task_traits(engine, task)
        machine = TaskMachine(location, plan.options, traits, clock, position=plan.position)
        name, node = plan.ref.name, location.node_name
        source = TaskSource(engine, task, name, node, details=plan.options.details)
        driver = Driver(source, queue, slot, clock, self._skew_ns)
        log = self._tasks_read[task.id] = _Log(machine, driver, queue)
        self._tasks.create_task(self._read(log, self._tasks_read, task.id, plan))

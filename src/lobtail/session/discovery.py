"""The session: many containers as one stream of lines and marks, in time order.

``EngineReaders`` watches the engine's events and runs a ``LogMachine`` for each container that is
selected; ``Tail`` is what they deliver, merged. Nothing runs ahead: a log is not read on while too
much of it has not gone out (``session.readers``), so the engine waits.

Where services of a swarm may be meant and the engine manages one, a ``TaskMachine`` reads each task
that runs on another node.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from lobtail.engine.objects.container import Config, Container
from lobtail.errors import ConnectError, EngineError, LobtailError, ProtocolError
from lobtail.follow.driver import Driver
from lobtail.follow.intake import Clock
from lobtail.follow.machine import REMOVED, LogMachine
from lobtail.follow.options import FollowOptions
from lobtail.follow.patience import PATIENCE, late_reason
from lobtail.follow.position import LogPosition, Positions, Reached
from lobtail.follow.task import TaskLocation, TaskMachine
from lobtail.model.items import ContainerRef, Gap, Item, Removed, Started
from lobtail.model.swarm import TASK_ID
from lobtail.model.timestamps import parse_go_time
from lobtail.query.selection import ContainerSelection
from lobtail.retry import CUTS, GIVE_UP, Failures, back_off, retrying
from lobtail.session.item_stream import ItemStream
from lobtail.session.merge import Merge
from lobtail.session.readers import Overflow, Readers, SourceQueue
from lobtail.session.swarm_discovery import SwarmDiscovery
from lobtail.sources.api import ContainerSource, traits_of
from lobtail.sources.swarm_task import TaskSource, task_traits

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.config.endpoint import Endpoint
    from lobtail.engine.objects.answer import Filters
    from lobtail.engine.objects.container import State
    from lobtail.engine.objects.event import Event
    from lobtail.query.plan import Plan

__all__ = ["EngineReaders", "Tail"]

_log: Final = logging.getLogger("lobtail")
_log.addHandler(logging.NullHandler())

T = TypeVar("T")
Machine = TypeVar("Machine", LogMachine, TaskMachine)

Told: TypeAlias = Callable[[LobtailError | None], None]

# What a round trip to an engine adds at most to how long lines are held back.
FARTHEST_NS: Final = 1_000_000_000
# How much earlier than the start of a run that is over its log is read from.
MARGIN_NS: Final = 1_000_000_000

# Events that are known again when they come once more: moby keeps 256 to be sent again.
KNOWN_EVENTS: Final = 1000

# Seconds between two looks at the tasks on other nodes.
LOOK: Final = 1.0

# Podman shows "die" and "remove", and filters by its own "died" and "remove".
_EVENTS: Final[Filters] = {
    "type": "container",
    "event": ("start", "oom", "kill", "die", "died", "destroy", "remove", "rename"),
}


class Tail(ItemStream):
    """The lines and marks of all selected containers; see ``Engine.tail``.

    ::

        async with engine.tail("web-*") as tail:
            async for batch in tail:
                ...
    """

    readers: EngineReaders

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return self.readers.containers


class _Log(NamedTuple, Generic[Machine]):
    """A log that is read."""

    machine: Machine
    driver: Driver


class EngineReaders(Readers):
    """The readers of all containers of an engine that are selected, as they come and go."""

    def __init__(
        self,
        engine: EngineClient,
        selection: ContainerSelection,
        options: FollowOptions,
        *,
        everything: bool = False,
        window_ns: int,
        overflow: Overflow = "wait",
        host: str = "",
        until_stopped: bool = False,
        positions: Positions | None = None,
        plan: Plan | None = None,
    ) -> None:
        super().__init__(Merge(window_ns), overflow=overflow)
        self.until_stopped = until_stopped
        self.positions = positions
        self._engine = engine
        self._selection = selection
        self._options = options
        self._everything = everything
        self._plan = plan
        self._unwanted: set[str] = set()  # containers that are chosen, but have no wanted line
        self._host = host
        self._logs: dict[str, _Log[LogMachine]] = {}
        self._looked_at: set[str] = set()  # containers whose answer is awaited
        self._late: set[str] = set()  # those for which nobody waits any more
        self._swarm: SwarmDiscovery | None = None
        self._tasks_read: dict[str, _Log[TaskMachine]] = {}
        self._tasks_seen: set[str] = set()
        self._tasks_over: list[TaskLocation] = []  # those that had ended at the start
        self._listed = asyncio.Event()
        self._told: Told | None = None
        self.chosen = False
        """Whether anything was chosen so far."""
        self._joining = 0  # containers that are being looked at
        self._replaced = False  # whether there were tasks: others take their place

    def also(self, other: EngineReaders) -> None:
        """Read what ``other``, of the same engine, would read as well; before anything is read."""
        others = (*self._selection.others, other._selection)
        self._selection = msgspec.structs.replace(self._selection, others=others)
        self._everything = self._everything or other._everything

    def share(self, others: Readers, host: str, told: Told) -> None:
        """Read into the merge of ``others``, as ``host``; to be called before anything is read.

        ``told`` is called with what keeps the engine from being reached, and with None when it is.
        """
        self.merge, self.clock, self.ready = others.merge, others.clock, others.ready
        self.positions = others.positions
        self._name = self._host = host
        self._told = told

    async def reset(self) -> None:
        """Be as if nothing had begun, so that it may begin once more."""
        await self.aclose()
        self._failure = None
        self._listed.clear()
        self.found.clear()
        self._unwanted.clear()
        self._tasks_seen.clear()
        self._tasks_over.clear()
        self.chosen = self._replaced = False

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens."""
        return self._engine.endpoint

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        containers = [log.machine.ref for log in self._logs.values()]
        return containers + [log.machine.ref for log in self._tasks_read.values()]

    @property
    def at_rest(self) -> bool:
        """Whether all that was chosen so far has ended, and is not started again by the engine."""
        if self._joining or self._replaced:
            return False
        return all(log.machine.is_finished for log in self._logs.values())

    @property
    def reading(self) -> bool:
        """Whether there may be more."""
        if self.until_stopped and self.chosen and self.at_rest:
            return False
        return super().reading

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        """Return how far each log is read, whether or not anything of it was taken.

        ``handed_out`` has the time of the first item that was handed out and not taken, by the ID.
        """
        found = []
        logs: dict[str, _Log[LogMachine] | _Log[TaskMachine]]
        logs = {**self._logs, **self._tasks_read}
        for key, log in logs.items():
            waiting = self._channels[key].first_waiting_ns
            found.append(log.machine.reached(handed_out.get(log.machine.ref.id, waiting)))
        return found

    # --- who is followed ------------------------------------------------------------------

    async def begin(self) -> None:
        """Find the containers; they are read, and with ``follow`` others that come."""
        await self._learn_engine()
        if not self._options.follow:
            await self._list()
            return
        self._spawn(self._watch())
        listed = asyncio.create_task(self._listed.wait())
        watch = next(iter(self._tasks))
        try:
            await asyncio.wait((listed, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            listed.cancel()
        if self._failure is not None:
            raise self._failure
        if self._swarm is not None:
            self._spawn(self._watch_tasks(self._swarm))

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
        if info.swarm.control_available and self._selection.names_services:
            self._swarm = SwarmDiscovery(
                self._engine, self._selection, info.swarm.node_id, self._host
            )
        if self._engine.endpoint.kind != "unix":
            # What is written there arrives so much later, and not always as much.
            before = time.monotonic_ns()
            await self._ask(self._engine.ping)
            trip = time.monotonic_ns() - before
            self.merge.widen(min(trip, FARTHEST_NS))

    async def _watch(self) -> None:
        """Keep the followers up with what the engine says of its containers, for ever."""
        failures = Failures(asyncio.get_running_loop().time)
        since: int | None = None
        known: deque[tuple[str, str, int]] = deque(maxlen=KNOWN_EVENTS)
        while True:
            opened = self._now()
            try:
                # Before the listing: a container that starts between the two is seen by one.
                async with self._engine.events(filters=_EVENTS, since=since) as events:
                    failures.answered()
                    await self._list()
                    if self._told is not None:
                        self._told(None)
                    since = since or opened
                    async for event in events:
                        if event.time_ns:
                            told = event.id, event.action, event.time_ns
                            if told in known:
                                continue  # it comes once more after a cut
                            known.append(told)
                            # By arrival: the engine's clock may be set back.
                            since = event.time_ns
                        await self._on_event(event)
            except self._bearable as exc:
                if failures.failed() == GIVE_UP:
                    if not self._listed.is_set():
                        raise
                    if self._told is not None:
                        self._told(exc)
                    else:
                        _log.warning("%s; trying again", exc)
                # Whoever waits for an event had better look for itself.
                for log in self._logs.values():
                    log.driver.wake()
                await back_off(failures.count)

    @property
    def _bearable(self) -> tuple[type[LobtailError], ...]:
        """The errors of an engine after which it is asked again."""
        # Of several engines none may end what is read of the others.
        return CUTS if self._told is None else (*CUTS, EngineError)

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the engine; a connection that breaks is tried again, a few times at the start.

        An answer that makes no sense is asked for a few times at most: others wait meanwhile.
        """
        most = None if self._listed.is_set() else GIVE_UP
        return await retrying(ask, most=most, broken=GIVE_UP)

    async def _list(self) -> None:
        first = not self._listed.is_set()
        known_logs = {} if self.positions is None else self.positions.logs
        everything = self._everything or self._selection.names_any or bool(known_logs)
        ended: list[ContainerRef] = []
        listed = [
            (self._known(summary.id, summary.name, summary.image, summary.labels), summary)
            for summary in await self._ask(lambda: self._engine.containers.list(all=everything))
        ]
        if first:
            self._selection = self._selection.settle([known for known, _ in listed])
        for known, summary in listed:
            if summary.id in self._logs:
                continue
            wanted = self._everything or summary.running or self._selection.by_name(known)
            if wanted or (first and summary.id in known_logs):
                if not self._leave_unopened(known, first=first, running=summary.running):
                    await self._join_in_time(known, first=first, running=summary.running)
            else:
                ended.append(known)
        if first:
            self._tell_removed(known_logs, {summary.id for _, summary in listed})
            if self._swarm is not None:
                await self._look(self._swarm, first=True)
            await self._join_ended(ended)
        self._listed.set()

    def _leave_unopened(self, known: ContainerRef, *, first: bool, running: bool) -> bool:
        """Tell whether no line of a listed container can be wanted: it need not be looked at."""
        plan = self._plan
        if plan is None or plan.asks_for_image or self._selection.asks_for_image:
            return False  # a list may call the image otherwise than a look
        if plan.may_come_from(known):
            return False
        if self._selection.matches(known):
            self._unwanted.add(known.id)
            if first:
                self.found.append((known, running))
        return True

    def _tell_removed(self, known: Mapping[str, LogPosition], there: set[str]) -> None:
        """Tell of containers that were removed while nobody read."""
        for key in known.keys() - there:
            ref, is_over = known[key].container, known[key].is_over
            if ref.host != self._host or TASK_ID in ref.labels or not self._selection.matches(ref):
                continue
            channel, _ = self._open_channel(key)
            lost: list[Item] = [] if is_over else [Gap(ref, None, REMOVED)]
            channel.push([*lost, Removed(ref, None)])
            self._close_channel(key)

    async def _join_ended(self, ended: list[ContainerRef]) -> None:
        """Show what has ended of the services that are named and of which nothing runs."""
        found = [ref for ref, _ in self.found]
        for selector in self._selection.all_names:
            if not selector.exact or any(map(selector.matches, found)):
                continue
            for ref in filter(selector.matches, ended):
                await self._join(ref, first=True, running=False)
            for place in self._tasks_over:
                if selector.matches(place.ref) and place.task.id not in self._tasks_read:
                    self._join_task(place, first=True)

    async def _on_event(self, event: Event) -> None:
        log = self._logs.get(event.id)
        if event.action == "start" and log is None and event.id:
            said = event.attributes
            known = self._known(event.id, event.name, said.get("image", ""), said)
            await self._join_in_time(known, started_ns=event.time_ns)
        if log is None:
            if event.action == "rename" and event.id in self._unwanted:
                # From here on its lines may be wanted.
                self._unwanted.discard(event.id)
                known = self._known(event.id, event.name, "", event.attributes)
                await self._join_in_time(known, renamed_ns=event.time_ns)
            return
        if event.action == "rename":
            with suppress(EngineError, ProtocolError):
                container = await self._ask(lambda: self._engine.containers.inspect(event.id))
                log.machine.rename(self._ref(container))
        log.machine.event(event)
        log.driver.wake()

    async def _join_in_time(
        self,
        known: ContainerRef,
        *,
        first: bool = False,
        running: bool = True,
        started_ns: int | None = None,
        renamed_ns: int | None = None,
    ) -> None:
        """Join a container; go on with others if the engine does not answer about this one."""
        if known.id in self._looked_at:
            return
        self._looked_at.add(known.id)
        joining = asyncio.create_task(
            self._join(
                known, first=first, running=running, started_ns=started_ns, renamed_ns=renamed_ns
            )
        )
        try:
            await asyncio.wait({joining}, timeout=PATIENCE)
        except BaseException:
            joining.cancel()
            self._looked_at.discard(known.id)
            raise
        if joining.done():
            self._looked_at.discard(known.id)
            joining.result()
            return
        if self._selection.matches(known):
            self._tell_gap(known, late_reason(PATIENCE))
            if first:
                self.found.append((known, running))
                self._late.add(known.id)
        self._spawn(self._join_late(joining, known, running=running, first=first))

    async def _join_late(
        self, joining: asyncio.Task[None], known: ContainerRef, *, running: bool, first: bool
    ) -> None:
        try:
            await joining
        except CUTS as exc:
            self._leave_out(known, exc, running=running, first=first)
        finally:
            joining.cancel()
            self._looked_at.discard(known.id)

    async def _join(
        self,
        known: ContainerRef,
        *,
        first: bool = False,
        running: bool = True,
        started_ns: int | None = None,
        renamed_ns: int | None = None,
    ) -> None:
        """Follow a container if it is selected.

        ``started_ns`` or ``renamed_ns`` is the time of the event that it is due to; ``known`` and
        ``running`` are what is known before a look at it.
        """
        self._joining += 1
        try:
            container = await self._ask(lambda: self._engine.containers.inspect(known.id))
        except (EngineError, ProtocolError) as exc:
            if isinstance(exc, EngineError) and exc.status in (404, 409):
                self._leave_out(known, None, running=False, first=first, started_ns=started_ns)
            else:
                self._leave_out(known, exc, running=running, first=first)
            return
        finally:
            self._joining -= 1
        ref = self._ref(container)
        if not self._selection.matches(ref) or container.id in self._logs:
            return
        if self._plan is not None and not self._plan.may_come_from(ref):
            self._unwanted.add(ref.id)
            if first and ref.id not in self._late:
                self.found.append((ref, container.state.in_run))
            return
        await self._follow(
            container, ref, first=first, started_ns=started_ns, renamed_ns=renamed_ns
        )

    def _note_chosen(self, ref: ContainerRef) -> None:
        self.chosen = True
        self._replaced = self._replaced or TASK_ID in ref.labels

    async def _follow(
        self,
        container: Container,
        ref: ContainerRef,
        *,
        first: bool,
        started_ns: int | None,
        renamed_ns: int | None,
    ) -> None:
        traits = await self._ask(lambda: traits_of(self._engine, container))
        if container.id in self._logs:
            return
        self._note_chosen(ref)
        options = self._options
        position = self._position_of(ref) if first else None
        if first and position is None and self._is_new(container.state.started_at):
            first = False
        if first:
            if ref.id not in self._late:
                self.found.append((ref, container.state.in_run))
        else:
            # It joins with this run: the log of earlier ones was not asked for.
            begins = renamed_ns or _beginning(container.state, started_ns)
            options = msgspec.structs.replace(
                options, tail="all", since=max(filter(None, (options.since, begins)), default=None)
            )
        key = container.id
        channel, slot = self._open_channel(key)
        clock = Clock()
        machine = LogMachine(
            container, ref, options, traits, clock, joined_ns=started_ns, position=position
        )
        source = ContainerSource(self._engine, container, details=options.details)
        driver = Driver(source, channel, slot, clock, self._now, inspector=source)
        log = self._logs[key] = _Log(machine, driver)
        self._spawn(self._run(key, log, channel, joined=not first and renamed_ns is None))

    def _position_of(self, ref: ContainerRef) -> LogPosition | None:
        """Return how far an earlier reader has got."""
        return None if self.positions is None else self.positions.logs.get(ref.id)

    def _is_new(self, started: str) -> bool:
        """Tell whether what was started then was since an earlier reader has stopped."""
        saved_ns = None if self.positions is None else self.positions.saved_ns
        return saved_ns is not None and (parse_go_time(started) or 0) > saved_ns

    def _leave_out(
        self,
        known: ContainerRef,
        error: LobtailError | None,
        *,
        running: bool,
        first: bool,
        started_ns: int | None = None,
    ) -> None:
        """Mark a container that cannot be read, and go on with others.

        The engine has no usable answer about it, or without an ``error`` knows it no more.
        """
        if not self._selection.matches(known):
            return
        self._note_chosen(known)
        if first and known.id not in self._late:
            self.found.append((known, running))
        channel, _ = self._open_channel(known.id)
        if error is None:
            marks: list[Item] = [] if started_ns is None else [Started(known, started_ns)]
            channel.push([*marks, Gap(known, None, REMOVED), Removed(known, None)])
        else:
            channel.push([Gap(known, None, f"cannot be read: {error}")])
            if not self._options.follow and self._told is None:
                self._broken = self._broken or error
        self._close_channel(known.id)

    def _tell_gap(self, container: ContainerRef, reason: str) -> None:
        """Mark a gap of a container that is not followed."""
        channel, _ = self._open_channel(container.id)
        channel.push([Gap(container, None, reason)])
        self._close_channel(container.id)

    async def _run(
        self,
        key: str,
        log: _Log[LogMachine] | _Log[TaskMachine],
        channel: SourceQueue,
        *,
        joined: bool,
    ) -> None:
        machine = log.machine
        try:
            await log.driver.run(machine.run(joined=joined))
            channel.tell_dropped(machine.ref)
        except CUTS as exc:
            if self._told is None and isinstance(exc, ConnectError):
                raise  # nobody answers any more, whatever is asked
            channel.push([Gap(machine.ref, None, str(exc))])
            if self._told is None:
                self._broken = self._broken or exc
            else:
                self._told(exc)
        finally:
            machine.close()
            self._logs.pop(key, None)
            self._tasks_read.pop(key, None)
            self._close_channel(key)
            self.ready.set()  # it may have been the last one

    # --- tasks on other nodes -----------------------------------------------------------------

    async def _watch_tasks(self, swarm: SwarmDiscovery) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self._look(swarm, first=False)

    async def _look(self, swarm: SwarmDiscovery, *, first: bool) -> None:
        """Follow tasks that are new, and tell the followers of the others what became of them."""
        try:
            found = await self._ask(swarm.look)
        except (EngineError, ProtocolError):
            return  # the swarm has no leader at the moment, or the engine manages none any more
        for key, place in found.items():
            task = place.task
            if key in self._tasks_read:
                self._saw(key, place)
            elif key not in self._tasks_seen and (task.running or task.over):
                self._tasks_seen.add(key)
                known = self._position_of(place.ref) is not None
                if task.running or not first or self._everything or known:
                    self._join_task(place, first=first)
                else:
                    self._tasks_over.append(place)
        for key in self._tasks_read.keys() - found.keys():
            self._saw(key, None)
        self._tasks_seen &= found.keys()

    def _saw(self, key: str, location: TaskLocation | None) -> None:
        log = self._tasks_read[key]
        log.machine.saw(location)
        log.driver.wake()

    def _join_task(self, place: TaskLocation, *, first: bool) -> None:
        options = self._options
        self._note_chosen(place.ref)
        position = self._position_of(place.ref) if first else None
        if first and position is None and self._is_new(place.task.status.timestamp):
            first = False
        if first:
            self.found.append((place.ref, place.task.running))
        else:
            options = msgspec.structs.replace(options, tail="all")
        if self._plan is not None and not self._plan.may_come_from(place.ref):
            return
        key = place.task.id
        channel, slot = self._open_channel(key)
        clock = Clock()
        traits = task_traits(self._engine, place.task)
        machine = TaskMachine(place, options, traits, clock, position=position)
        name, node = place.ref.name, place.node_name
        source = TaskSource(self._engine, place.task, name, node, details=options.details)
        log = self._tasks_read[key] = _Log(machine, Driver(source, channel, slot, clock, self._now))
        self._spawn(self._run(key, log, channel, joined=not first))

    def _known(
        self, identifier: str, name: str, image: str, labels: dict[str, str] | None
    ) -> ContainerRef:
        """Return how a container is named by what a list or an event says of it."""
        config = Config(image=image, labels=labels)
        return self._ref(Container(id=identifier, name=name, config=config))

    def _ref(self, container: Container) -> ContainerRef:
        return ContainerRef(
            id=container.id,
            name=container.name.removeprefix("/"),
            image=container.config.image,
            project=container.project,
            service=container.service,
            labels=container.config.labels or {},
            host=self._host,
        )


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

"""The session: many containers as one stream of lines and marks, in time order.

``Tail`` watches the engine's events, runs a ``Follower`` for each container that is selected, and
merges what they deliver. Nothing runs ahead: a follower waits while ``QUEUE`` of its items, or
``QUEUE_SIZE`` bytes, have not gone out, its socket is then not read, and the engine waits too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias, TypeVar

from lobtail.core.filter import LineFilter
from lobtail.core.merge import Merge
from lobtail.core.model import ContainerRef, Dropped, Item, Line
from lobtail.core.selection import Selection
from lobtail.engine.events import Event, EventStream
from lobtail.errors import EngineError
from lobtail.follow import Follower, moment
from lobtail.reading.intake import FollowOptions
from lobtail.reading.turn import Turn
from lobtail.retry import CUTS, GIVE_UP, back_off, retrying

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.models import Container, State

__all__ = ["CONNECTIONS", "Overflow", "Tail"]

T = TypeVar("T")

# Containers whose history is opened at the same time; the rest wait for their turn.
CONNECTIONS: Final = 16
# Items of one container that wait for the merge before its reader pauses.
QUEUE: Final = 2000
QUEUE_SIZE: Final = 4 << 20

# How much earlier than the start of a run that is over its log is read from.
MARGIN_NS: Final = 1_000_000_000

Overflow: TypeAlias = Literal["wait", "drop"]

# Podman shows "die" and "remove", and filters by its own "died" and "remove".
_ACTIONS: Final = ("start", "die", "died", "destroy", "remove", "rename")


class _Channel:
    """What one follower hands on, on its way into the merge."""

    def __init__(
        self, merge: Merge, key: str, turn: Turn, ready: asyncio.Event, *, drop: bool
    ) -> None:
        self._merge = merge
        self._key = key
        self._turn = turn
        self._ready = ready
        self._drop = drop
        self._dropped = 0
        self._space = asyncio.Event()

    @property
    def full(self) -> bool:
        merge, key = self._merge, self._key
        return merge.waiting(key) >= QUEUE or merge.waiting_size(key) >= QUEUE_SIZE

    def make_room(self) -> None:
        """Say that something has gone out."""
        if not self._space.is_set() and not self.full:
            self._space.set()

    def push(self, items: list[Item], size: int = 0) -> None:
        if items:
            self._merge.push(self._key, items, size)
            self._ready.set()

    async def deliver(self, items: list[Item], size: int = 0) -> None:
        if self._drop:
            self._push_or_drop(items, size)
            # The reader is not waited for, but it must get its turn.
            await asyncio.sleep(0)
            return
        self.push(items, size)
        while self.full:
            self._turn.leave()
            self._space.clear()
            await self._space.wait()

    def _push_or_drop(self, items: list[Item], size: int) -> None:
        if not self.full:
            if items:
                self.tell_dropped(items[0].container)
            self.push(items, size)
            return
        marks: list[Item] = [item for item in items if not isinstance(item, Line)]
        self._dropped += len(items) - len(marks)
        self.push(marks)

    def tell_dropped(self, container: ContainerRef) -> None:
        """Say how many lines were dropped, where the next ones go on."""
        if self._dropped:
            self.push([Dropped(container, None, self._dropped)])
            self._dropped = 0


class Tail:
    """The lines and marks of all selected containers; see ``Engine.tail``.

    ::

        async with engine.tail("web-*") as tail:
            async for batch in tail:
                ...
    """

    def __init__(
        self,
        engine: EngineClient,
        selection: Selection,
        options: FollowOptions,
        *,
        everything: bool = False,
        window_ns: int,
        wanted: LineFilter | None = None,
        overflow: Overflow = "wait",
        host: str = "",
    ) -> None:
        self._engine = engine
        self._selection = selection
        self._options = options
        self._everything = everything
        self._wanted = wanted
        self._drop = overflow == "drop"
        self._host = host
        self._merge = Merge(window_ns)
        self._window = window_ns
        self._followers: dict[str, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._channels: dict[str, _Channel] = {}
        self._opening = asyncio.Semaphore(CONNECTIONS)
        self._listed = asyncio.Event()
        self._failure: BaseException | None = None
        self._skew_ns = 0
        self._podman = False
        self._begun = False
        self._found: list[tuple[ContainerRef, bool]] = []

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all connections of the session."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return [follower.ref for follower in self._followers.values()]

    @property
    def found(self) -> list[ContainerRef]:
        """The containers that were chosen at the start, also where their log has ended since."""
        return [ref for ref, _ in self._found]

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that did not run then."""
        return [ref for ref, running in self._found if not running]

    async def __aiter__(self) -> AsyncIterator[list[Item]]:
        await self._begin()
        while True:
            self._ready.clear()
            items = self._merge.pop(self._now())
            if items:
                for channel in self._channels.values():
                    channel.make_room()
                if self._wanted is not None:
                    items = self._wanted.apply(items)
                if items:
                    yield items
                continue
            if self._failure is not None:
                raise self._failure
            if not self._tasks:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(self._window / 1e9 if self._merge.pending else None):
                    await self._ready.wait()

    def _now(self) -> int:
        """Return the time by the engine's clock."""
        return time.time_ns() + self._skew_ns

    async def lines(self) -> AsyncIterator[Item]:
        """Iterate over single items."""
        async for batch in self:
            for item in batch:
                yield item

    # --- who is followed ------------------------------------------------------------------

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        await self._learn_engine()
        if not self._options.follow:
            await self._list()
            return
        self._spawn(self._watch())
        listed = asyncio.create_task(self._listed.wait())
        watch = next(iter(self._tasks))
        await asyncio.wait((listed, watch), return_when=asyncio.FIRST_COMPLETED)
        listed.cancel()
        if self._failure is not None:
            raise self._failure

    async def _learn_engine(self) -> None:
        """Find out how far the engine's clock is from ours, and whether it is Podman."""
        self._podman = (await self._ask(self._engine.ping)).podman
        before = time.time_ns()
        info = await self._ask(self._engine.info)
        after = time.time_ns()
        now = moment(info.system_time)
        # An engine on this machine has our clock; half a round trip is more than its error.
        if now is not None and not before <= now <= after:
            self._skew_ns = now - (before + after) // 2

    def _spawn(self, coroutine: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
        self._ready.set()

    async def _watch(self) -> None:
        """Keep the followers up with what the engine says of its containers, for ever."""
        failures = 0
        since: int | None = None
        while True:
            try:
                # Before the listing: a container that starts between the two is seen by one.
                async with EventStream(self._engine, _ACTIONS, since) as events:
                    await self._list()
                    failures = 0
                    async for batch in events:
                        for event in batch:
                            since = max(since or 0, event.time_ns)
                            await self._on_event(event)
            except CUTS:
                failures += 1
                if failures == GIVE_UP and not self._listed.is_set():
                    raise
                # Whoever waits for an event had better look for itself.
                for follower in self._followers.values():
                    follower.changed.set()
                await back_off(failures)

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the engine; a connection that breaks is tried again, a few times at the start."""
        return await retrying(ask, most=None if self._listed.is_set() else GIVE_UP)

    async def _list(self) -> None:
        first = not self._listed.is_set()
        everything = self._everything or self._selection.names_any
        for summary in await self._ask(lambda: self._engine.list(all=everything)):
            if summary.id in self._followers:
                continue
            named = ContainerRef(id=summary.id, name=summary.name)
            if self._everything or summary.running or self._selection.by_name(named):
                await self._join(summary.id, first=first)
        self._listed.set()

    async def _on_event(self, event: Event) -> None:
        follower = self._followers.get(event.container_id)
        if event.action == "start" and follower is None:
            await self._join(event.container_id, first=False)
        if follower is None:
            return
        if event.action == "die":
            follower.runs.ended(event.time_ns, event.exit_code)
        if event.action == "start":
            follower.runs.started(event.time_ns)
        if event.action == "rename":
            with suppress(EngineError):
                container = await self._ask(lambda: self._engine.inspect(event.container_id))
                follower.rename(self._ref(container))
        follower.changed.set()

    async def _join(self, identifier: str, *, first: bool) -> None:
        """Follow a container if it is selected."""
        try:
            container = await self._ask(lambda: self._engine.inspect(identifier))
        except EngineError as exc:
            if exc.status in (404, 409):
                return
            raise
        ref = self._ref(container)
        if not self._selection.matches(ref) or container.id in self._followers:
            return
        options = self._options
        if first:
            self._found.append((ref, container.state.running))
        else:
            # It joins with this run: the log of earlier ones was not asked for.
            begins = _beginning(container.state)
            options = FollowOptions(
                follow=options.follow,
                since=max(filter(None, (options.since, begins)), default=None),
                until=options.until,
                stdout=options.stdout,
                stderr=options.stderr,
                details=options.details,
            )
        key = container.id
        turn = Turn(self._opening)
        channel = _Channel(self._merge, key, turn, self._ready, drop=self._drop)
        self._merge.open(key)
        self._channels[key] = channel
        follower = Follower(
            self._engine,
            container,
            ref,
            options,
            channel,
            set_live=lambda live: self._merge.set_live(key, live),
            turn=turn,
            now=self._now,
            podman=self._podman,
        )
        self._followers[key] = follower
        self._spawn(self._run(key, follower, joined=not first))

    async def _run(self, key: str, follower: Follower, *, joined: bool) -> None:
        try:
            await follower.run(joined=joined)
            self._channels[key].tell_dropped(follower.ref)
        finally:
            self._followers.pop(key, None)
            self._channels.pop(key, None)
            self._merge.close(key)

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


def _beginning(state: State) -> int | None:
    """Return a moment between the last run of a container but one and its last."""
    ended = moment(state.finished_at)
    if state.running:
        return ended and ended + 1
    # A short run may be over by now, even before it is noted to have begun, and its first line is
    # stamped earlier still.
    started = moment(state.started_at)
    return started and min(started, ended or started) - MARGIN_NS

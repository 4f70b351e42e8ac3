"""Keep an inventory up with its engine: lists, events, and what containers use.

An engine that goes away is asked again until it is back; what was known of it stays on the screen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from lobtail.api import Engine
from lobtail.engine.objects.container import ContainerSummary
from lobtail.engine.objects.event import Event
from lobtail.errors import LobtailError
from lobtail.flags import with_flags
from lobtail.tui.state.ending import Ending
from lobtail.tui.state.inventory import Inventory
from lobtail.tui.state.usage import Usage

__all__ = ["EngineMonitor"]

# Events come in bursts; lists are read once for one.
_GATHER: Final = 0.15
_BACK_OFF: Final = (0.5, 1, 2, 4, 8)
# Seconds between two looks whether an engine is there of which nothing is heard, and those after
# which it is said that it does not answer.
_PULSE: Final = 1
_SILENT: Final = 3
# The exit code of a process that the kernel kills, be it for want of memory.
_KILLED: Final = "Exited (137)"
# The events that are shown first.
EVENTS_SINCE: Final = "1h"
# Events that are kept to be shown.
KEPT: Final = 1000
# Containers whose use is watched: each takes a connection.
WATCHED: Final = 64


class EngineMonitor:
    """What an engine has and does. What changes is ``lists``, ``usage``, ``events``, ``engine``."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.inventory = Inventory()
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.about = ""
        """The engine's name and version."""
        self.error = ""
        """Why it does not answer; empty while it does."""
        self.connected = False
        self._heard_at = 0.0
        # Stopped containers: those that have been asked how they ended, and those still to be.
        self._asked: set[str] = set()
        self._to_ask: list[str] = []
        self._asking: asyncio.Task[None] | None = None
        self._changed: Callable[[str], None] = lambda _: None
        self._tasks: list[asyncio.Task[None]] = []
        self._meters: dict[str, asyncio.Task[None]] = {}
        self._stale: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def away(self) -> bool:
        """Whether it does not answer any more, so that what is known of it is old."""
        return bool(self.error) and not self.connected

    @property
    def silence(self) -> int:
        """For how many seconds it has not answered; 0 while it does, or is known to be away."""
        seconds = int(time.monotonic() - self._heard_at) if self._heard_at else 0
        return seconds if seconds >= _SILENT and not self.error else 0

    def start(self, changed: Callable[[str], None]) -> None:
        """Begin; ``changed`` is called with what has changed from now on."""
        self._changed = changed
        self._tasks = [
            asyncio.create_task(each) for each in (self._follow(), self._refresh(), self._listen())
        ]

    async def aclose(self) -> None:
        """End."""
        tasks = [*self._tasks, *self._meters.values()]
        if self._asking is not None:
            tasks.append(self._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refresh(self, *kinds: str) -> None:
        """Read lists anew, soon."""
        self._stale |= set(kinds) or {"container", "image", "volume", "network"}
        self._wake.set()

    def ending_of(self, container: ContainerSummary) -> Ending | None:
        """Return how a container ended; None for one that runs. What is not known yet is asked."""
        if container.running:
            return None
        self._ask_ending(container.id)
        return self.inventory.endings.get(container.id) or Ending.listed(container)

    # --- its own ----------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Note when the engine was heard of last; ask it where it says nothing by itself."""
        ping = self.engine.ping
        self._heard_at = time.monotonic()
        while True:
            await asyncio.sleep(_PULSE)
            if time.monotonic() - self._heard_at < _PULSE:
                continue
            with suppress(LobtailError):
                await ping()
                self._heard()

    def _heard(self) -> None:
        if self._heard_at:  # it is asked where it says nothing
            self._heard_at = time.monotonic()

    async def _follow(self) -> None:
        failures = 0
        since: int | str = EVENTS_SINCE
        while True:
            try:
                async with self.engine.events(since=since) as events:
                    # Before the lists: what happens between the two is seen by one.
                    await self._meet()
                    failures = 0
                    async for event in events:
                        self._take(event)
                        since = max(event.time_ns // 1_000_000_000, 1)
            except LobtailError as exc:
                self.connected = False
                self.error = with_flags(str(exc))
                self._changed("lists")  # they are not live any more
            self._changed("engine")
            await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
            failures += 1

    async def _meet(self) -> None:
        version = await self.engine.version()
        info = await self.engine.info()
        kind = "podman" if await self.engine.is_podman() else "docker"
        self.about = f"{info.name}  {kind} {version.version}"
        await self._read({"container", "image", "volume", "network"})
        self.connected, self.error = True, ""
        self._changed("engine")

    def _take(self, event: Event) -> None:
        self._heard()
        if self.events and event.time_ns <= self.events[-1].time_ns and event in self.events:
            return  # from before the connection broke
        if event.action.startswith(("exec_", "health_status", "top")):
            if event.action.startswith("health_status"):
                self.refresh("container")
        elif event.type in ("container", "image", "volume", "network"):
            kinds = {event.type, "container"} if event.type != "container" else {"container"}
            self.refresh(*kinds)
        if event.type == "container" and event.action in ("die", "died"):
            self._forget_ending(event.id)
        if event.action != "top":  # we ask for it ourselves
            self.events.append(event)
            self._changed("events")

    async def _refresh(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(_GATHER)
            stale, self._stale = self._stale, set()
            try:
                await self._read(stale)
            except LobtailError as exc:
                self.error = with_flags(str(exc))
                self._changed("engine")
                await asyncio.sleep(_BACK_OFF[0])
                # Without a connection all is read as soon as there is one.
                if self.connected:
                    self.refresh(*stale)
            else:
                if self.connected and self.error:
                    self.error = ""
                    self._changed("engine")

    async def _read(self, kinds: set[str]) -> None:
        inventory, engine = self.inventory, self.engine
        if "container" in kinds:
            inventory.containers = await engine.containers.list(all=True)
            self._measure()
            self._learn_endings()
        if "image" in kinds:
            inventory.images = await engine.images.list()
        if "volume" in kinds:
            inventory.volumes = await engine.volumes.list()
        if "network" in kinds:
            inventory.networks = await engine.networks.list()
        self._changed("lists")

    def _learn_endings(self) -> None:
        """Forget how those ended that run again, and ask which were killed for want of memory."""
        stopped = {each.id: each for each in self.inventory.containers if not each.running}
        for gone in self._asked - set(stopped):
            self._forget_ending(gone)
        for identifier, container in stopped.items():
            if container.status.startswith(_KILLED):
                self._ask_ending(identifier)

    def _forget_ending(self, identifier: str) -> None:
        self._asked.discard(identifier)
        self.inventory.endings.pop(identifier, None)

    def _ask_ending(self, identifier: str) -> None:
        if identifier in self._asked:
            return
        self._asked.add(identifier)
        self._to_ask.append(identifier)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_endings())

    async def _ask_endings(self) -> None:
        while self._to_ask:
            identifier = self._to_ask.pop()
            with suppress(LobtailError):  # it may be gone
                state = (await self.engine.containers.inspect(identifier)).state
                if not state.in_run:
                    self.inventory.endings[identifier] = Ending.inspected(state)
                    self._changed("lists")

    def _measure(self) -> None:
        """Watch what those use that run."""
        running = {c.id for c in self.inventory.containers if c.state in ("running", "paused")}
        for gone in set(self._meters) - running:
            self._meters.pop(gone).cancel()
        known = {container.id for container in self.inventory.containers}
        for gone in set(self.inventory.usage) - known:
            del self.inventory.usage[gone]
        for container in self.inventory.containers:
            if container.id in running and container.id not in self._meters:
                if len(self._meters) >= WATCHED:
                    break
                self._meters[container.id] = asyncio.create_task(self._meter(container.id))

    async def _meter(self, identifier: str) -> None:
        usage = self.inventory.usage.setdefault(identifier, Usage())
        while True:
            with suppress(LobtailError):
                async with self.engine.containers.stats(identifier) as samples:
                    async for stats in samples:
                        self._heard()
                        if stats.running:
                            usage.add(stats)
                            self._changed("usage")
            await asyncio.sleep(2)

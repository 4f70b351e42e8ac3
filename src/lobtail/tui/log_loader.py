"""Fill a log from an engine: what is written now, and when it is asked for what was before.

What is read now goes into the log until it is full and nobody follows it; then the reading waits,
and so does the engine. Where the newest lines were dropped because older ones were asked for,
reading goes on behind the newest that is left, as soon as somebody comes near the end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from lobtail.errors import LobtailError
from lobtail.flags import with_flags
from lobtail.model.items import ContainerRef, Item, Line
from lobtail.session.pages import PageSearch, Span
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.state.log import ALL, Log
from lobtail.tui.state.target import Target

__all__ = ["LogLoader"]

# Lines of each container to begin with: of one alone, of one of many.
FIRST: Final = 2000
FIRST_OF_MANY: Final = 500
# Older lines that are asked for at a time.
CHUNK: Final = 10_000
# Items that are taken at a time.
SLICE: Final = 5000
# How close to the end the reading goes on, in rows.
NEAR: Final = 5000
# A batch may wait so long for the next one while history is read.
_QUIET: Final = 0.4
# And so long until it is sure that history has been read whole.
_SURE: Final = 3.0
# After so long without any line there is none, as far as one can tell.
_SILENT: Final = 1.0
# Seconds that the feed works before it lets keys and the screen have their turn.
_TURN: Final = 0.008
# Seconds behind what is written after which the end is read anew rather than read up to.
_FAR: Final = 2.0
# The same for lines that come late: whole seconds are Podman's finest stamps.
_LATE_NS: Final = 3_000_000_000
_BACK_OFF: Final = (0.5, 1, 2, 4, 8)
_PIECE: Final = 16_384


class LogLoader:
    """Reads the logs of ``target`` into ``log``."""

    def __init__(self, fleet: EngineGroup, target: Target, log: Log) -> None:
        self._fleet = fleet
        self.target = target
        self._log = log
        self.changed = asyncio.Event()
        """Set when something has come or changed; whoever has seen it clears it."""
        self._task: asyncio.Task[None] | None = None
        self._older: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._seen: dict[str, ContainerRef] = {}
        self.found = 0
        """How many containers there were when reading began."""
        self.following = True
        """Whether somebody looks at the newest lines, so that older ones may go for them."""
        self.near_end = True
        """Whether somebody is about to see the end of what is held."""
        self.error = ""
        """Why nothing comes; empty while all is well."""
        self._waits_since = 0.0
        self._soonest: dict[str, int] = {}
        self.late_ns = 0
        """How long ago the newest line that came was written; 0 if that is no time to speak of."""
        self.settled = False
        """Whether the history that was asked for first has come."""
        self.empty = False
        """Whether there is no line at all, as far as one can tell."""
        self._live = False  # whether a line has come that was written while it was read
        self._came_at = 0.0

    @property
    def loading(self) -> bool:
        """Whether older lines are on their way."""
        return self._older is not None and not self._older.done()

    @property
    def current(self) -> bool:
        """Whether all that was asked for has come: what is written now, or nothing for a while."""
        quiet = time.monotonic() - self._came_at > _SURE
        return self.settled and not self.error and (self._live or quiet)

    @property
    def behind(self) -> bool:
        """Whether so much was not read that what is written now is far away."""
        waits = self._waits_since > 0 and time.monotonic() - self._waits_since > _FAR
        return waits or self.late_ns > 0

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers whose lines have been seen."""
        return list(self._seen.values())

    # --- what is asked for ------------------------------------------------------------------

    def begin_at_end(self) -> None:
        """Read the end of the log, and go on with what comes."""
        first = FIRST if self.target.single else FIRST_OF_MANY
        self._restart(tail=first, clear=True)

    def begin_at_start(self) -> None:
        """Read the log from its first line on; with a filter, only the lines that pass it."""
        self._restart(tail="all", clear=True, filtered=True)

    def begin_at_time(self, time_ns: int) -> None:
        """Read the log from a time on; with a filter, only the lines that pass it."""
        self._restart(since=time_ns, clear=True, filtered=True)
        self._log.since_ns = time_ns

    def ask_for_older(self) -> None:
        """Put older lines in front of those that are held, if there are any."""
        begun = self.settled or self.empty
        if not self.loading and self._log.since_ns is not None and begun:
            self._older = asyncio.create_task(self._load_older())

    def forget_older(self) -> None:
        """Older lines that are on their way are not wanted any more."""
        if self._older is not None:
            self._older.cancel()
            self._older = None

    def look(self, *, following: bool, near_end: bool) -> None:
        """Say where somebody looks: that decides whether reading goes on."""
        self.following, self.near_end = following, near_end
        if self._log.detached and near_end:
            self._log.detached = False
            self._restart(clear=False, **self._behind_window())
        self._wake.set()

    async def aclose(self) -> None:
        """End all reading."""
        tasks = [task for task in (self._task, self._older) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- reading ----------------------------------------------------------------------------

    def _restart(self, *, clear: bool, filtered: bool = False, **part: Any) -> None:
        for task in (self._task, self._older):
            if task is not None:
                task.cancel()
        if clear:
            self._log.clear()
            if filtered and self._log.filter:
                self._log.begin_filtered()
            self.changed.set()
        self.settled = not clear
        self._log.live_ns = time.time_ns()
        self.empty = self._live = False
        self._waits_since = self.late_ns = 0
        self._soonest.clear()
        self._task = asyncio.create_task(self._read(part))

    async def _read(self, part: dict[str, Any]) -> None:
        """Read for ever; an engine that is not there is asked again."""
        failures = 0
        while True:
            try:
                await self._follow(part)
            except LobtailError as exc:
                self.error = with_flags(str(exc))
            else:
                self.error = "the log has ended"
            self.changed.set()
            await asyncio.sleep(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
            failures += 1
            if not self.settled and isinstance(part.get("tail"), int):
                self._log.clear()  # of some containers nothing may have come
            else:
                part = self._behind_window() or part  # go on where it broke off

    def _behind_window(self) -> dict[str, Any]:
        """Return the arguments of a tail that goes on behind what is held; none if that is not."""
        ending = self._log.ending(time.time_ns())
        return {} if ending is None else ending._asdict()

    async def _follow(self, part: dict[str, Any]) -> None:
        began_ns = time.time_ns()
        wanted = self.filter_arguments() if self._log.whole_from == ALL else {}
        tail = self._fleet.tail(self.target, follow=True, **part, **wanted)
        async with tail:
            self.error = ""
            self._seen |= {ref.id: ref for ref in tail.found}
            self.found = len(tail.found)
            self.changed.set()
            batches = tail.batches()
            waiting = asyncio.ensure_future(anext(batches))
            last_turn = time.monotonic()
            try:
                while True:
                    if not self.settled and self._log.store.items:
                        done, _ = await asyncio.wait((waiting,), timeout=_QUIET)
                        if not done:
                            self._settle(part)
                    elif not self.settled and not self.empty:
                        done, _ = await asyncio.wait((waiting,), timeout=_SILENT)
                        if not done:
                            self.empty = True
                            self.changed.set()
                    items = await waiting
                    if self.settled:
                        self._note_delay(items)
                    await self._take_all(items, part)
                    if not self.settled and items and (items[-1].time_ns or 0) >= began_ns:
                        self._settle(part)
                    waiting = asyncio.ensure_future(anext(batches))
                    if time.monotonic() - last_turn > _TURN:
                        await asyncio.sleep(_TURN / 4)
                        last_turn = time.monotonic()
            except StopAsyncIteration:
                pass
            finally:
                waiting.cancel()

    def _note_delay(self, items: Sequence[Item]) -> None:
        """See how long the newest of ``items`` took to come here.

        The clock of an engine may be another than ours, so the shortest time that anything took is
        taken for none.
        """
        newest = next((item for item in reversed(items) if item.time_ns is not None), None)
        if newest is not None:
            took = time.time_ns() - (newest.time_ns or 0)
            host = newest.container.host
            self._soonest[host] = min(took, self._soonest.get(host, took))
            late = took - self._soonest[host]
            self.late_ns = late if late > _LATE_NS else 0

    def _take(self, items: Sequence[Item]) -> None:
        if not items or self._log.detached:
            return  # when they are wanted, they are read again
        self.error = ""
        self._came_at = time.monotonic()
        self._live = self._live or (items[-1].time_ns or 0) >= self._log.live_ns
        for ref in {id(item.container): item.container for item in items}.values():
            self._seen[ref.id] = ref
        self._log.add(items)
        self.changed.set()

    async def _take_all(self, items: Sequence[Item], part: dict[str, Any]) -> None:
        """Take items as there is room for them: all at once where somebody waits for them."""
        while items:
            while not (room := self._room()):
                if not self.settled:
                    self._settle(part)
                self._waits_since = self._waits_since or time.monotonic()
                self._wake.clear()
                await self._wake.wait()
            self._waits_since = 0.0
            self._take(items[:room])
            items = items[room:]

    def _room(self) -> int:
        """Return how many items may come before what somebody looks at is pushed out."""
        store = self._log.store
        if self._log.detached:
            return 0
        if self.following or self.near_end:
            return SLICE
        return 0 if store.full else min(SLICE, store.max_items - len(store))

    def _settle(self, part: dict[str, Any]) -> None:
        """Note from when on the log is whole, now that what was asked for first has come.

        Of a busy container the last lines begin later than those of a quiet one. Before that time
        the log would seem to hold only the quiet ones, so those lines go: they come again with
        the others, when somebody asks for older ones.
        """
        self.settled = True
        asked = part.get("tail")
        if isinstance(asked, int):
            counts: dict[str, int] = {}
            first_ns: dict[str, int] = {}
            for item in self._log.store.items:
                if isinstance(item, Line):
                    key = item.container.id
                    # Engines count lines, and pieces of long ones.
                    pieces = sum(1 + len(line.raw) // _PIECE for line in item.lines)
                    counts[key] = counts.get(key, 0) + pieces
                    first_ns.setdefault(key, item.time_ns or 0)
            cut = [first_ns[key] for key, count in counts.items() if count >= asked]
            if cut:
                self._log.begin_at(max(cut))
        self.changed.set()

    # --- history ----------------------------------------------------------------------------

    async def _load_older(self) -> None:
        """Put the page before the window in front of it."""
        log, held = self._log, self._window
        self.changed.set()
        try:
            beginning, first_ns = log.beginning(), await self._first_ns()
            assert beginning is not None
            search = PageSearch(
                beginning, count=CHUNK, first_ns=first_ns, guess_ns=self._chunk_ns()
            )
            while (span := search.span) is not None:
                await self._read_span(span, search)
                if self._window != held:
                    return  # another one by now
            log.add_older(search.page)
        except LobtailError as exc:
            self.error = with_flags(str(exc))
        finally:
            self.changed.set()

    @property
    def _window(self) -> tuple[object, ...]:
        """What tells the window that is held, and its beginning, from others."""
        log = self._log
        return log.generation, log.filter, log.since_ns, log.store.first

    async def _read_span(self, span: Span, search: PageSearch) -> None:
        seen = Target(names=tuple(self._seen), host=self.target.host)
        tail = self._fleet.tail(
            seen if self._seen else self.target,
            follow=False,
            since=span.since_ns,
            until=span.until_ns,
            **self.filter_arguments(),
        )
        async with tail:
            async for batch in tail.batches():
                if not search.take(batch):
                    break
                await asyncio.sleep(0)
        search.end()

    def filter_arguments(self) -> dict[str, Any]:
        """Return the arguments of a tail that gives what passes the filter."""
        log = self._log
        arguments: dict[str, Any] = {}
        if log.filter.stream is not None:
            arguments["streams"] = (log.filter.stream,)
        if log.filter.level:
            arguments["level"] = log.filter.level
        if log.query is not None:
            arguments["where"] = log.query
        return arguments

    def _chunk_ns(self) -> int:
        """Return how far back about a chunk of lines goes, if their rate was as it is held."""
        store = self._log.store
        count = min(len(store), CHUNK)
        if count < 2:
            return 60_000_000_000
        first, last = store.time(store.first), store.time(store.first + count - 1)
        span = (last or 0) - (first or 0)
        return max(1_000_000, span * CHUNK // count)

    async def _first_ns(self) -> int:
        """Return a time before the oldest of the containers was created."""
        created = [
            summary.created
            for summary in await self._fleet.containers()
            if summary.id in self._seen
        ]
        return max(min(created, default=0) - 1, 0) * 1_000_000_000

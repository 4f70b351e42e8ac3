"""What is read of engines, or of files, as one stream of lines and marks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from copy import copy
from re import Pattern
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from lobtail.errors import (
    ConfigError,
    ConnectError,
    LobtailError,
    LogsEndedError,
    NotFoundError,
)
from lobtail.model.entries import expand
from lobtail.model.items import ContainerRef, Item, Line, Removed, Stopped
from lobtail.session.supervision import supervised

if TYPE_CHECKING:
    from lobtail.follow.position import Positions, Reached
    from lobtail.query.filter import LineFilter
    from lobtail.query.selection import ContainerSelection
    from lobtail.session.inbox import Inbox

__all__ = ["Session", "Tail"]

# Seconds that engines have to answer at the start, from when the first of them has. What comes
# of an engine that is slower is shown late rather than waited for.
PATIENCE: Final = 5.0
# Ends of containers that an error names.
_MOST_NAMED: Final = 3


class Session(Protocol):
    """What is read of one engine, or of some files."""

    @property
    def host(self) -> str:
        """The name of the engine, if it needs one."""

    @property
    def begun(self) -> asyncio.Event:
        """Set when what there was at the start is known, or cannot be."""

    @property
    def is_open(self) -> bool:
        """Whether what there was at the start is known."""

    @property
    def lost(self) -> LobtailError | None:
        """What keeps it from being reached."""

    async def run(self) -> None:
        """Read into the inbox of the stream, to the end; what is raised ends the stream."""

    def overdue(self) -> None:
        """Go on without it: it has not begun, and others have for long."""

    @property
    def found(self) -> Sequence[tuple[ContainerRef, bool]]:
        """The containers that were chosen at the start, and whether they ran then."""

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""

    @property
    def has_chosen(self) -> bool:
        """Whether anything was chosen so far."""

    @property
    def at_rest(self) -> bool:
        """Whether all that was chosen has ended for good."""

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        """Return how far each log is read, whether or not anything of it was taken.

        ``handed_out`` has the time of the first item that was handed out and not taken, by the ID.
        """


class Tail:
    """The lines and marks of containers, merged by time: see ``Engine.tail``.

    ::

        async with engine.tail("web-*") as tail:
            async for item in tail:
                print(item)

    Inside ``async with``, an iteration that was left is resumed by the next with the next item.
    """

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sequence[Session],
        *,
        wanted: LineFilter | None = None,
        required: ContainerSelection | None = None,
        until_stopped: bool = False,
        follow: bool = False,
        positions: Positions | None = None,
    ) -> None:
        self._inbox = inbox
        self._sessions = sessions
        self.wanted = wanted
        self._required = required
        self._until_stopped = until_stopped
        self._follow = follow
        self._positions = positions
        self._reading: asyncio.Task[None] | None = None
        self._left: Iterator[Item] = iter(())  # of the batch that was read last
        self._taken: list[Item] = []  # what the position does not know of yet
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        try:
            await self._begin_once()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all that is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def found(self) -> list[ContainerRef]:
        """The containers that were chosen at the start, also where their log has ended since.

        Empty before the stream is entered or iterated over, and where nothing matched.
        """
        return [ref for session in self._sessions for ref, _ in session.found]

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that were not running then."""
        return [ref for session in self._sessions for ref, running in session.found if not running]

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return [ref for session in self._sessions for ref in session.containers]

    @property
    def engines(self) -> list[str]:
        """The names of the engines; that of a single one is empty."""
        return [session.host for session in self._sessions]

    @property
    def unreachable(self) -> dict[str, LobtailError]:
        """The engines that cannot be reached, and why."""
        return {each.host: each.lost for each in self._sessions if each.lost is not None}

    def save_position(self) -> bytes:
        """Return how far items have been taken: the ``position`` for a later ``Engine.tail``.

        Of an iteration over batches the last batch counts as taken. Save it together with what you
        have made of the items: a program that goes on from there, after whatever end, gets each
        line once that the engine still has, and a ``Gap`` where it has not.

        Raises:
            ConfigError: the stream was not opened with ``position``.
        """
        positions = self._positions
        if positions is None:
            raise ConfigError('open the stream with `position` (b"" to begin with) to save it')
        left = next(copy(self._left), None)
        for i, item in enumerate(self._taken):
            if item is left:
                self._taken, rest = self._taken[:i], self._taken[i:]
                break
        else:
            rest = []
        positions.note(expand(self._taken))
        self._taken = rest
        handed_out: dict[str, int] = {}
        for item in [*rest, *self._inbox.merged]:
            if item.time_ns is not None:
                handed_out.setdefault(item.container.id, item.time_ns)
        reached = [each for session in self._sessions for each in session.reached(handed_out)]
        return positions.save(reached, time.time_ns())

    def __aiter__(self) -> AsyncIterator[Item]:
        return self.items()

    async def items(self, *, timeout: float | None = None) -> AsyncIterator[Item]:
        """Iterate like the stream itself, for at most ``timeout`` seconds.

        Raises:
            TimeoutError: the time is over, counted from the first item that was asked for.
        """
        async with aclosing(self._parts(timeout)) as parts:
            async for part in parts:
                for item in part:
                    yield item

    async def batches(self, *, timeout: float | None = None) -> AsyncGenerator[list[Item], None]:
        """Iterate over lists instead, never empty: what has come since the one before.

        Raises:
            TimeoutError: as ``items``.
        """
        inbox, now = self._inbox, asyncio.get_running_loop().time
        deadline = None if timeout is None else now() + timeout
        try:
            try:
                async with asyncio.timeout_at(deadline):
                    reading = await self._begin_once()
            except TimeoutError:  # said below, if it is ours
                if deadline is None or now() < deadline:
                    raise
            if left := list(self._left):
                yield left
            while True:
                if deadline is not None and now() >= deadline:
                    raise TimeoutError(f"timed out after {timeout:g} s")
                is_over = reading.done() or self._is_at_rest
                if popped := inbox.take(last=is_over):
                    if items := self._take(popped):
                        yield items
                    continue
                if is_over and not inbox.pending:
                    if reading.done():
                        reading.result()
                    return
                due = inbox.due_in
                due_at = None if due is None else now() + due
                wait = min((at for at in (due_at, deadline) if at is not None), default=None)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(wait):
                        await inbox.arrived.wait()
        finally:
            # Whoever has not entered it has no other way to end it than to leave the loop.
            if not self._entered:
                await self.aclose()

    def _take(self, items: list[Item]) -> list[Item]:
        """Return what is wanted of items that have come out of the merge."""
        if self._positions is not None:
            self._positions.note(expand(self._taken))
            self._taken = items
        return items if self.wanted is None else self.wanted.apply(items)

    async def _parts(self, timeout: float | None) -> AsyncGenerator[Iterator[Item], None]:
        """Iterate over batches of which it is known how far they have been read."""
        async with aclosing(self.batches(timeout=timeout)) as batches:
            async for batch in batches:
                self._left = iter(batch)
                yield self._left

    async def wait_for(self, regex: str | Pattern[str], *, timeout: float | None = None) -> Line:
        """Read up to the first line in which ``regex`` is found, and return it.

        It is searched for in the text as a reader sees it, of the lines that ``tail``, ``since``
        and the filters of this stream let through. Inside ``async with`` what follows the line can
        be read next; otherwise the stream is closed.

        Raises:
            TimeoutError: no such line came within ``timeout`` seconds.
            LogsEndedError: no such line can come any more: the history is read, or every container
                has stopped for good or was removed.
            QueryError: ``regex`` is not a regex of RE2, on which one of ``re`` runs as well.
        """
        # Only those who wait need it.
        from lobtail.query.patterns import as_pattern
        from lobtail.query.terms import Matches, Subject

        pattern = as_pattern(regex, "regex")
        found = Matches(Subject("text"), pattern).predicate()
        ends: dict[str, str] = {}
        before, self._until_stopped = self._until_stopped, True
        try:
            async with aclosing(self._parts(timeout)) as parts:
                async for part in parts:
                    for item in part:
                        if isinstance(item, Line):
                            if found(item):
                                return item
                        elif isinstance(item, Stopped):
                            ends[item.container.id] = str(item)
                        elif isinstance(item, Removed):
                            ends.setdefault(item.container.id, str(item))
        except TimeoutError:
            if timeout is None:
                raise
            words = f"no line matched {pattern.pattern!r} within {timeout:g} s"
            raise TimeoutError(words) from None
        finally:
            self._until_stopped = before
        why = "; ".join([*ends.values()][-_MOST_NAMED:]) or "the logs ended"
        raise LogsEndedError(f"no line matched {pattern.pattern!r}: {why}")

    # --- the sessions -----------------------------------------------------------------------

    async def _begin_once(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            await self._wait_for_answers()
            if not all(each.is_open or each.lost for each in self._sessions):
                await self._reading  # which raises why
            self._check_begin()
        return self._reading

    async def _read(self) -> None:
        """Run the sessions; what one of them raises ends all."""
        try:
            async with supervised() as tasks:
                for session in self._sessions:
                    tasks.create_task(session.run())
        finally:
            self._inbox.arrived.set()

    async def _wait_for_answers(self) -> None:
        """Wait until all have answered or failed, but not for long if it is to go on."""
        now = asyncio.get_running_loop().time
        waits = {asyncio.create_task(each.begun.wait()) for each in self._sessions}
        deadline: float | None = None
        try:
            while waits:
                limit = None if deadline is None else max(deadline - now(), 0)
                done, waits = await asyncio.wait(
                    waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                if self._follow and deadline is None and any(s.is_open for s in self._sessions):
                    deadline = now() + PATIENCE
        finally:
            for wait in waits:
                wait.cancel()
        for session in self._sessions:
            if not session.begun.is_set():
                session.overdue()

    def _check_begin(self) -> None:
        away = self.unreachable
        if away and len(away) == len(self._sessions):
            reasons = "; ".join(map(str, away.values()))
            raise ConnectError(f"none of the {len(away)} engines can be reached: {reasons}")
        if self._required is None:
            return
        missing = self._required.missing(self.found)
        if missing or not self.found:
            what = f" {', '.join(missing)}" if missing else ""
            where = f" (cannot be reached: {', '.join(away)})" if away else ""
            raise NotFoundError(f"no container matches{what}{where}", missing)

    @property
    def _is_at_rest(self) -> bool:
        """Whether all that was chosen has ended, where that is what is waited for."""
        sessions = self._sessions
        chosen = self._until_stopped and any(each.has_chosen for each in sessions)
        return chosen and all(each.at_rest for each in sessions)

"""Run the routines of a log with a real engine: all that is awaited for a log is awaited here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from lobtail.follow import steps
from lobtail.follow.steps import Read, Step, Steps
from lobtail.retry import back_off

if TYPE_CHECKING:
    from lobtail.engine.objects.container import Container
    from lobtail.follow.intake import Clock
    from lobtail.follow.slots import Slot
    from lobtail.sources.base import FileLog, LogRequest, RecordStream

__all__ = ["Driver", "Inspector", "Sink", "Source"]

T = TypeVar("T")

_log: Final = logging.getLogger("lobtail")
_log.addHandler(logging.NullHandler())


class Source(Protocol):
    """The log of one container."""

    async def open(self, request: LogRequest) -> RecordStream:
        """Ask the engine for the log."""

    async def open_files(self, *, follow: bool) -> FileLog:
        """Open its files. LogFileError says why that cannot be."""


class Inspector(Protocol):
    """Who knows about the container."""

    async def inspect(self) -> Container:
        """Ask the engine about the container."""


class Sink(Protocol):
    """Where items go."""

    async def deliver(self, items: list[Any], size: int = 0) -> None:
        """Take items, of about ``size`` bytes of log; wait while there is no room for more."""

    def set_live(self, live: bool) -> None:
        """Be told whether the history has been handed on."""


class Driver:
    """Runs the routines of one log.

    Those that ask for no log need no ``source``, those that do not ``Inspect`` no ``inspector``.

    ``slot`` bounds how many logs are opened, or read from their beginning, at once. ``skew_ns`` is
    how far the engine's clock is ahead of ours.
    """

    def __init__(
        self,
        source: Source | None,
        sink: Sink,
        slot: Slot,
        clock: Clock,
        skew_ns: int = 0,
        *,
        inspector: Inspector | None = None,
    ) -> None:
        self._source = source
        self._inspector = inspector
        self._sink = sink
        self._slot = slot
        self._clock = clock
        self._skew_ns = skew_ns
        self._monotonic = asyncio.get_running_loop().time
        self._waiting: set[asyncio.Future[bool]] = set()
        self._ways: dict[type[Step], Callable[[Any], Awaitable[Any]]] = {
            steps.Open: self._open,
            steps.Deliver: self._deliver,
            steps.Inspect: self._inspect,
            steps.OpenFiles: self._open_files,
            steps.CheckFile: self._check_file,
            steps.Pause: lambda step: asyncio.sleep(step.seconds),
            steps.BackOff: lambda step: back_off(step.failures, took=step.took),
            steps.Wait: self._wait,
            steps.News: self._news,
            steps.Live: self._live,
            steps.Tell: self._tell,
            steps.First: self._first,
            steps.Within: self._within,
            steps.InSlot: self._in_slot,
            steps.IsQueued: self._is_queued,
            steps.LeaveSlot: self._leave_slot,
        }
        clock.engine_ns, clock.seconds = time.time_ns() + skew_ns, self._monotonic()

    async def run(self, routine: Steps[T]) -> T:
        """Run a routine to its end; return what it returns."""
        ways, clock, skew_ns, monotonic = self._ways, self._clock, self._skew_ns, self._monotonic
        now = time.time_ns
        result: Any = None
        error: Exception | None = None
        try:
            while True:
                clock.engine_ns, clock.seconds = now() + skew_ns, monotonic()
                step = routine.send(result) if error is None else routine.throw(error)
                result = error = None
                try:
                    if type(step) is Read:
                        result = await step.stream.read()
                    else:
                        result = await ways[type(step)](step)
                except Exception as exc:  # it is the routine's to bear
                    error = exc
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            routine.close()

    def wake(self) -> None:
        """Wake the routines that wait: there is news of the container, or may be."""
        self._clock.news += 1
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(True)
        self._waiting.clear()

    # --- steps ----------------------------------------------------------------------------------

    async def _open(self, step: steps.Open) -> RecordStream:
        assert self._source is not None
        async with self._slot:
            return await self._source.open(step.request)

    async def _inspect(self, step: steps.Inspect) -> Container:  # noqa: ARG002 - as all
        assert self._inspector is not None
        return await self._inspector.inspect()

    async def _open_files(self, step: steps.OpenFiles) -> FileLog:
        assert self._source is not None
        return await self._source.open_files(follow=step.follow)

    async def _deliver(self, step: steps.Deliver) -> None:
        await self._sink.deliver(step.items, step.size)

    async def _check_file(self, step: steps.CheckFile) -> bool:
        return step.file.look()

    async def _wait(self, step: steps.Wait) -> bool:
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            async with asyncio.timeout(step.seconds):
                await future
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._waiting.discard(future)

    async def _news(self, step: steps.News) -> None:  # noqa: ARG002 - as all
        self._wake()

    async def _live(self, step: steps.Live) -> None:
        self._sink.set_live(step.live)

    async def _tell(self, step: steps.Tell) -> None:
        _log.info("%s", step.message)

    async def _first(self, step: steps.First) -> tuple[int, Any]:
        tasks = [asyncio.create_task(self.run(routine)) for routine in step.routines]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            place = next(i for i, task in enumerate(tasks) if task in done)
            return place, tasks[place].result()
        finally:
            for task in tasks:
                task.cancel()
            # Who is cancelled meanwhile must hear of it.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _within(self, step: steps.Within) -> Any:
        async with asyncio.timeout(step.seconds):
            return await self.run(step.routine)

    async def _in_slot(self, step: steps.InSlot) -> Any:
        async with self._slot:
            return await self.run(step.routine)

    async def _is_queued(self, step: steps.IsQueued) -> bool:  # noqa: ARG002 - as all
        return self._slot.is_waiting

    async def _leave_slot(self, step: steps.LeaveSlot) -> None:  # noqa: ARG002 - as all
        self._slot.leave()

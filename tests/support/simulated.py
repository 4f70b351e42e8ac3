"""Run the routines of a log (``lobtail.follow.steps``) without an engine, in time that is made up.

Nothing waits: the clock jumps from one thing that is due to the next. Whatever a routine asks for
comes from a ``World``, which a test scripts.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator
from itertools import count
from typing import Any, Final, NamedTuple, Protocol

from lobtail.engine.objects.container import Container
from lobtail.follow import steps
from lobtail.follow.intake import Clock
from lobtail.sources.base import FileLog, LogRequest, RecordStream

__all__ = ["T0", "FakeStream", "Late", "NoWorld", "Simulation", "StuckError", "World"]

T0: Final = 1_767_225_600_000_000_000
"""The engine's time at second 0: 2026-01-01T00:00:00Z."""

_LATER: Final = object()  # what a step gives that is not done yet


class StuckError(Exception):
    """A routine waits for something that never comes."""


class Late(NamedTuple):
    """An answer that takes so many seconds, and is found out then."""

    seconds: float
    answer: Callable[[], Any]


class World(Protocol):
    """What there is to be asked. Each may give ``Late`` answers."""

    def open(self, request: LogRequest) -> RecordStream:
        """Give a stream of the log, or raise."""

    def open_files(self, follow: bool) -> FileLog:
        """Give the files of the log, or raise."""

    def inspect(self) -> Container:
        """Give the container, or raise."""


class NoWorld:
    """For routines that ask for nothing."""

    def open(self, request: LogRequest) -> RecordStream:
        raise AssertionError(request)

    def open_files(self, follow: bool) -> FileLog:
        raise AssertionError

    def inspect(self) -> Container:
        raise AssertionError


class FakeStream:
    """A stream to which a test gives batches, an end (None), or an error."""

    has_more = False

    def __init__(self, *batches: Any) -> None:
        self.given: deque[Any] = deque(batches)
        self.received = 0
        self.closed = False
        self.reader: Callable[[], None] | None = None

    @property
    def is_waiting(self) -> bool:
        return self.reader is not None

    def give(self, *batches: Any) -> None:
        """Add batches; None is the end, an error is raised."""
        self.given += batches
        if self.reader is not None:
            self.reader()

    def close(self) -> None:
        """End it behind what has been given."""
        self.closed = True
        self.give(None)

    def take(self) -> Any:
        """Return what comes next, or raise it. The end stays the end."""
        batch = self.given[0]
        if batch is None:
            return None
        self.given.popleft()
        if isinstance(batch, Exception):
            raise batch
        self.received += 1
        return batch

    async def read(self) -> Any:
        return self.take()


class _Task:
    """A routine that runs."""

    __slots__ = ("children", "over", "routine", "then", "turn")

    def __init__(self, routine: Generator[steps.Step, Any, Any], then: Callable[..., None]) -> None:
        self.routine = routine
        self.then = then
        self.children: list[_Task] = []
        self.turn = 0  # grows with each step, so that what comes too late for one is known
        self.over = False

    def close(self) -> None:
        if not self.over:
            self.over = True
            self.turn += 1
            for child in self.children:
                child.close()
            self.routine.close()


class Simulation:
    """A clock, and what is due. ``latency`` is how many seconds an answer takes."""

    def __init__(
        self, world: World | None = None, *, latency: Callable[[], float] = lambda: 0.001
    ) -> None:
        self.clock = Clock(T0, 0.0)
        self.world: World = world or NoWorld()
        self.items: list[Any] = []
        """What has been delivered."""
        self.done: list[steps.Step] = []
        """What was said to others, in order: each ``Live``, ``LeaveSlot`` and ``Tell``."""
        self.queued = False
        """Whether the log waits for a slot."""
        self.skew_ns = 0
        """How far the engine's clock has been set."""
        self.on_deliver: Callable[[list[Any]], float | None] = self.items.extend
        """Takes what is delivered; returns how many seconds that takes, if any."""
        self.latency = latency
        self._ready: deque[tuple[_Task, int, Any, Exception | None]] = deque()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._waiting: list[tuple[_Task, int]] = []
        self._ways: dict[type[steps.Step], Callable[[_Task, Any], Any]] = {
            steps.Read: self._read,
            steps.Open: self._open,
            steps.OpenFiles: self._open_files,
            steps.Inspect: self._inspect,
            steps.CheckFile: lambda task, step: step.file.look(),
            steps.Deliver: self._deliver,
            steps.Pause: lambda task, step: self._later(step.seconds, task),
            steps.BackOff: self._back_off,
            steps.Wait: self._wait,
            steps.News: lambda task, step: self._news(),
            steps.Live: self._do,
            steps.Tell: self._do,
            steps.First: lambda task, step: self._side_by_side(task, step.routines, self._placed),
            steps.Within: self._within,
            steps.InSlot: lambda task, step: self._side_by_side(task, (step.routine,), self._own),
            steps.IsQueued: lambda task, step: self.queued,
            steps.LeaveSlot: self._do,
        }

    # --- for tests ------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The time, in seconds."""
        return self.clock.seconds

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done at a time."""
        heapq.heappush(self._due, (seconds, next(self._numbers), do))

    def skip(self, seconds: float) -> None:
        """Let time pass in which nothing can run."""
        self._set(self.clock.seconds + seconds)

    def start(self, routine: Generator[steps.Step, Any, Any]) -> _Task:
        """Begin a routine; what it returns is lost, what it raises is raised by ``run``."""
        return self._spawn(routine, _raise)

    def run(self, routine: Generator[steps.Step, Any, Any], *, until: float = 1e6) -> Any:
        """Run a routine to its end and return what it returns. StuckError: it does not end."""
        found: list[Any] = []
        task = self._spawn(routine, lambda value, error: found.append((value, error)))
        while not found and self._do_next(until):
            pass
        if not found:
            task.close()
            raise StuckError
        value, error = found[0]
        if error is not None:
            raise error
        return value

    def run_until(self, seconds: float) -> None:
        """Do all that is due up to a time."""
        while self._do_next(seconds):
            pass
        self._set(seconds)

    def wake(self) -> None:
        """Say that there is news of the container."""
        self.clock.news += 1
        self._news()

    # --- the loop -------------------------------------------------------------------------------

    def _do_next(self, until: float) -> bool:
        """Do one thing; return whether there was one."""
        if self._ready:
            task, turn, value, error = self._ready.popleft()
            if task.turn == turn:
                self._resume(task, value, error)
            return True
        if not self._due or self._due[0][0] > until:
            return False
        seconds, _, do = heapq.heappop(self._due)
        if seconds > self.clock.seconds:
            self._set(seconds)
        do()
        return True

    def _set(self, seconds: float) -> None:
        clock = self.clock
        clock.seconds = max(seconds, clock.seconds)
        clock.engine_ns = T0 + round(clock.seconds * 1e9) + self.skew_ns

    def _spawn(self, routine: Generator[steps.Step, Any, Any], then: Callable[..., None]) -> _Task:
        task = _Task(routine, then)
        self._soon(task)
        return task

    def _soon(self, task: _Task, value: Any = None, error: Exception | None = None) -> object:
        self._ready.append((task, task.turn, value, error))
        return _LATER

    def _later(
        self, seconds: float, task: _Task, value: Any = None, error: Exception | None = None
    ) -> object:
        turn = task.turn

        def resume() -> None:
            if task.turn == turn:
                self._resume(task, value, error)

        self.at(self.clock.seconds + seconds, resume)
        return _LATER

    def _resume(self, task: _Task, value: Any, error: Exception | None) -> None:
        routine, ways = task.routine, self._ways
        if type(value) is Late:
            try:
                value = value.answer()
            except Exception as exc:
                value, error = None, exc
        while True:
            task.turn += 1
            try:
                step = routine.send(value) if error is None else routine.throw(error)
            except StopIteration as end:
                task.over = True
                return task.then(end.value, None)
            except Exception as exc:
                task.over = True
                return task.then(None, exc)
            error = None
            try:
                value = ways[type(step)](task, step)
            except Exception as exc:
                error = exc
            else:
                if value is _LATER:
                    return None

    # --- steps: each is given its answer at once, or _LATER -------------------------------------

    def _ask(self, task: _Task, ask: Callable[[], Any]) -> object:
        seconds = self.latency()
        try:
            answer = ask()
        except Exception as exc:
            return self._later(seconds, task, None, exc)
        if isinstance(answer, Late):
            return self._later(answer.seconds, task, answer)
        return self._later(seconds, task, answer)

    def _open(self, task: _Task, step: steps.Open) -> object:
        return self._ask(task, lambda: self.world.open(step.request))

    def _open_files(self, task: _Task, step: steps.OpenFiles) -> object:
        return self._ask(task, lambda: self.world.open_files(step.follow))

    def _inspect(self, task: _Task, step: steps.Inspect) -> object:
        return self._ask(task, self.world.inspect)

    def _read(self, task: _Task, step: steps.Read) -> Any:
        stream: Any = step.stream
        if stream.given:
            return stream.take()
        turn = task.turn

        def ready() -> None:
            stream.reader = None
            if task.turn != turn:
                return
            try:
                self._soon(task, stream.take())
            except Exception as exc:
                self._soon(task, None, exc)

        stream.reader = ready
        return _LATER

    def _deliver(self, task: _Task, step: steps.Deliver) -> object:
        seconds = self.on_deliver(step.items)
        return self._later(seconds, task) if seconds else None

    def _do(self, task: _Task, step: steps.Step) -> None:
        self.done.append(step)

    def _back_off(self, task: _Task, step: steps.BackOff) -> object:
        return self._later(max(min(0.05 * 2 ** (step.failures - 1), 5), step.took), task)

    def _wait(self, task: _Task, step: steps.Wait) -> object:
        self._waiting.append((task, task.turn))
        if step.seconds is not None:
            self._later(step.seconds, task, False)
        return _LATER

    def _news(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task, turn in waiting:
            if task.turn == turn:
                task.turn += 1  # it is too late for its deadline
                self._soon(task, True)

    def _side_by_side(
        self, task: _Task, routines: Any, give: Callable[[int, Any], Any], seconds: Any = None
    ) -> object:
        turn = task.turn

        def end(value: Any, error: Exception | None) -> None:
            if task.turn != turn:
                return
            task.turn += 1
            children, task.children = task.children, []
            for child in children:
                child.close()
            self._soon(task, value, error)

        def then(place: int) -> Callable[..., None]:
            return lambda value, error: end(give(place, value), error)

        task.children = [self._spawn(each, then(i)) for i, each in enumerate(routines)]
        if seconds is not None:
            self.at(self.clock.seconds + seconds, lambda: end(None, TimeoutError()))
        return _LATER

    def _within(self, task: _Task, step: steps.Within) -> object:
        return self._side_by_side(task, (step.routine,), self._own, step.seconds)

    @staticmethod
    def _placed(place: int, value: Any) -> Any:
        return place, value

    @staticmethod
    def _own(_: int, value: Any) -> Any:
        return value


def _raise(_: Any, error: Exception | None) -> None:
    if error is not None:
        raise error

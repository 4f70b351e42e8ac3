"""An event loop that never idles: when every task waits for a timer, the next one fires at once."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar, TypeVarTuple, Unpack
from unittest import mock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HurriedLoop(asyncio.SelectorEventLoop):
    """Computing takes the time it takes; pauses take none.

    The loop still waits for its worker threads, and for file descriptors if no timer is set.
    """

    def __init__(self) -> None:
        self._at_work = 0
        self._skipped = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return _real_time() + self._skipped

    def skip(self, seconds: float) -> bool:
        """Skip a pause, unless a worker thread is busy; return whether it was skipped."""
        if self._at_work:
            return False
        self._skipped += seconds
        return True

    def run_in_executor(
        self, executor: Any, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._at_work += 1
        work = super().run_in_executor(executor, func, *args)
        work.add_done_callback(self._done)
        return work

    def _done(self, _: object) -> None:
        self._at_work -= 1


class _Impatient(selectors.EpollSelector):
    def __init__(self, loop: HurriedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0 or (timeout is not None and self._loop.skip(timeout)):
            return ready
        return super().select(timeout)


_real_time = time.monotonic


@contextlib.contextmanager
def _clock(loop: HurriedLoop) -> Iterator[None]:
    """Give the loop's clock to the program and to the modules of Textual that import theirs."""
    with (
        mock.patch("time.monotonic", loop.time),
        mock.patch("textual._time.get_time", loop.time),
        mock.patch("textual._wait.monotonic", loop.time),
        mock.patch("textual.widget.monotonic", loop.time),
    ):
        yield


def run_hurried(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as asyncio.run does, without its pauses."""
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, HurriedLoop)
        with _clock(loop):
            return runner.run(main)

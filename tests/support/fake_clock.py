"""An event loop whose time passes only where it would wait, and then at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class FakeClockLoop(asyncio.SelectorEventLoop):
    """For what waits by the loop's clock and does no I/O."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self._now

    def skip(self, seconds: float) -> None:
        """Let time pass in which nothing can run."""
        self._now += seconds


class _Impatient(selectors.SelectSelector):
    def __init__(self, loop: FakeClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all wait for something that nothing will bring about"
            self._loop.skip(timeout)
        return ready


def run_by_fake_clock(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(main)


def skip(seconds: float) -> None:
    """Let time pass in which this process does nothing, as where others use the processor."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FakeClockLoop)
    loop.skip(seconds)

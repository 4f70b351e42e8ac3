"""Ask again after a connection broke: with growing pauses, and by chance not all at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from lobtail.errors import ConnectError, ConnectionLostError, EngineStreamError, ProtocolError

__all__ = ["CUTS", "GIVE_UP", "RETRY", "STAYED", "Failures", "back_off", "retrying"]

T = TypeVar("T")

CUTS: Final = (ConnectError, ConnectionLostError, ProtocolError, EngineStreamError)
"""The errors after which asking again may help."""
RETRY: Final = (0.05, 5.0)
"""First and longest pause between attempts to reconnect, in seconds; doubled each time."""
LONGEST: Final = 60.0
"""Longest pause between attempts that each took long, in seconds."""
GIVE_UP: Final = 5
"""Failures in a row after which it is said that something is wrong."""
STAYED: Final = 1.0
"""Seconds after which a stream that ends did not fail: proxies close those that are silent."""


class Failures:
    """Counts streams in a row that were refused, or ended as soon as they began."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.count = 0
        self._clock = clock
        self._answered: float | None = None

    def answered(self) -> None:
        """Say that the engine has answered, and the stream begins."""
        self._answered = self._clock()

    @property
    def stayed(self) -> bool:
        """Whether the stream that began last has lasted for a while."""
        return self._answered is not None and self._clock() - self._answered >= STAYED

    def failed(self, *, succeeded: bool = False) -> int:
        """Count the end of a stream, the first anew if one ``succeeded``; return the failures."""
        self.count = 1 if succeeded or self.stayed else self.count + 1
        self._answered = None
        return self.count


async def retrying(
    ask: Callable[[], Awaitable[T]], *, most: int | None = None, broken: int | None = None
) -> T:
    """Ask an engine until it answers, however often the connection breaks.

    With ``most``, that many breaks in a row are raised, and an engine that is not there at once.
    With ``broken``, a ProtocolError is raised after that many failures in a row.
    """
    failures = 0
    while True:
        try:
            return await ask()
        except CUTS as exc:
            failures += 1
            if broken is not None and failures >= broken and isinstance(exc, ProtocolError):
                raise
            if most is not None and (failures == most or isinstance(exc, ConnectError)):
                raise
            await back_off(failures)


async def back_off(failures: int, *, took: float = 0) -> None:
    """Pause before the next attempt: longer each time, and by chance.

    Otherwise hundreds of containers would come back at one moment. ``took`` is how many seconds
    the last attempt took in vain: the pause is as long at least, and doubled each time.
    """
    factor = 2 ** min(failures - 1, 20)
    pause = max(min(RETRY[0] * factor, RETRY[1]), min(took * factor, LONGEST))
    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

"""Take turns: only so many readers open a log, or read its history, at the same time."""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Slot"]


class Slot:
    """One reader's claim to one of the places, taken with ``async with``; it may be nested.

    A reader that must wait for whoever takes its lines is to ``leave``: histories are merged, so
    those who have not begun yet may be what it waits for.
    """

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._depth = 0
        self._taking = asyncio.Lock()
        self._held = False
        self.is_waiting = False
        """Whether it waits for others to leave."""

    async def __aenter__(self) -> None:
        self._depth += 1
        try:
            async with self._taking:  # a second task of this reader finds what the first one took
                if not self._held:
                    self.is_waiting = True
                    try:
                        await self._places.acquire()
                    finally:
                        self.is_waiting = False
                    self._held = True
        except BaseException:
            self._depth -= 1
            if not self._depth:
                self.leave()
            raise

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self.leave()

    def leave(self) -> None:
        """Give the place to another."""
        if self._held:
            self._held = False
            self._places.release()

"""Follow a log in the engine's files, through rotations; its API only says when to look.

An engine's follow stream loses what is rotated faster than it is sent; the files have it as long as
they are kept. So where the history came from files and they are rotated, live lines come from them
as well. A follow stream of the API is open beside: each message in it is a doorbell, and its clean
end is the end of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from lobtail.core.frames import Frame
from lobtail.core.resume import stamp_of
from lobtail.files import Damage, LogTail, Lost
from lobtail.retry import CUTS, Failures, back_off

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream

__all__ = ["FileLive", "Receiver"]

# The doorbell of an engine before 23.0 may stick at a rotation.
PAUSE: Final = 0.25


class Receiver(Protocol):
    """Who takes what is read: an ``Intake``, as a rule."""

    async def receive(self, messages: list[Frame]) -> None:
        """Take messages."""

    async def gap(self, reason: str) -> None:
        """Take note that lines may be missing here."""

    def expect_silence(self) -> None:
        """Be told that all that there is has been taken."""


class FileLive:
    """Hands on what a ``LogTail`` reads.

    ``ring`` opens a follow stream of what is yet to come. Nothing older than ``since`` or younger
    than ``until`` is handed on.
    """

    def __init__(
        self,
        tail: LogTail,
        receiver: Receiver,
        *,
        ring: Callable[[], Awaitable[FrameStream]],
        since: int | None = None,
        until: int | None = None,
    ) -> None:
        self._tail = tail
        self._receiver = receiver
        self._ring = ring
        self._since = since
        self._until = until
        self.busy = False
        """Whether there may be more than has been handed on."""

    def close(self) -> None:
        """Close the files."""
        self._tail.close()

    def hold(self) -> None:
        """Hold what is rotated while something else is read.

        Raises LogFileError: it cannot be.
        """
        self._tail.hold()

    async def follow(self) -> None:
        """Hand on what comes, until the engine says that the run has ended.

        Raises LogFileError or OSError: the files cannot be read on.
        """
        bell = asyncio.Event()
        listening = asyncio.create_task(self._listen(bell))
        try:
            while not listening.done():
                bell.clear()
                if await self.read():
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await bell.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        # Also where the bell is refused, for instance because the container is gone.
        await self.read()
        if not listening.cancelled() and (failure := listening.exception()):
            raise failure

    async def read(self) -> bool:
        """Hand on what is new; return whether there was anything."""
        found = False
        self.busy = True
        for item in self._tail.read():
            found = True
            if isinstance(item, Damage):
                await self._receiver.gap(item.words)
            elif isinstance(item, Lost):
                await self._receiver.gap(item.reason)
            elif messages := self._in_time(item):
                await self._receiver.receive(messages)
                self._receiver.expect_silence()
            await asyncio.sleep(0)
        self.busy = False
        return found

    def _in_time(self, messages: list[Frame]) -> list[Frame]:
        since, until = self._since or 0, self._until
        if until is None and not since:
            return messages
        return [
            m
            for m in messages
            if (stamp := stamp_of(m)) is None
            or (stamp >= since and (until is None or stamp <= until))
        ]

    async def _listen(self, bell: asyncio.Event) -> None:
        """Ring the bell at each message, to the clean end of the stream."""
        failures = Failures()
        while True:
            try:
                stream = await self._ring()
                failures.answered()
                try:
                    async for _ in stream.runs():
                        bell.set()
                        # Whoever takes the lines may be slow; what is held is not lost meanwhile.
                        self._tail.hold()
                finally:
                    stream.close()
            except CUTS:
                await back_off(failures.failed())
            else:
                bell.set()
                return

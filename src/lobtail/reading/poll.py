"""Read the end of a log again and again, where a follow stream would lose lines.

As many messages are asked for from the end as it takes to meet a known one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from lobtail.core.frames import Frame
from lobtail.core.resume import HELD_SIZE, LIMIT, Overlap, cost_of
from lobtail.reading.intake import ROTATED, UNMET, Intake, messages_in, size_of, younger
from lobtail.retry import CUTS, GIVE_UP, back_off

if TYPE_CHECKING:
    from lobtail.engine.logs import FrameStream

__all__ = ["POLLED", "Poller"]

POLLED: Final = 64
"""Messages that a first look asks for."""

# What json-file writes around each text beyond our stamp, and how much of what is kept may be
# taken for less because of escapes.
OVERHEAD: Final = 45
NEARLY: Final = 0.6


class Poller:
    """Reads what a log has got since the last time.

    ``open_end`` opens the last so many messages (None: all), up to a moment. ``floor`` gives the
    moment before which messages are not wanted. ``kept`` is how many bytes a rotated log keeps at
    least.
    """

    def __init__(
        self,
        intake: Intake,
        open_end: Callable[[int | None, int | None], Awaitable[FrameStream]],
        *,
        floor: Callable[[], int | None],
        kept: int,
    ) -> None:
        self._intake = intake
        self._open_end = open_end
        self._floor = floor
        self._kept = kept
        self._told_unmet = False

    async def poll(self, until: int | None = None) -> bool:
        """Read what is new up to ``until``; return whether there was something."""
        memory = self._intake.memory
        received = memory.received
        failures = 0
        count = POLLED
        while True:
            try:
                if await self._read_end(count, until):
                    return memory.received != received
            except CUTS as exc:
                failures += 1
                if failures == GIVE_UP:
                    await self._intake.gap(f"still trying: {exc}")
                await back_off(failures)
            else:
                count *= 4

    async def _read_end(self, count: int, until: int | None) -> bool:
        """Read the last ``count`` messages; return whether the log was met, or all of it read."""
        overlap = self._intake.memory.overlap()
        whole = count >= LIMIT
        stream = await self._open_end(None if whole else count, until)
        held: list[Frame] = []  # until it is known that these are all
        total = size = 0
        try:
            async for messages in messages_in(stream):
                total += len(messages)
                fresh = messages if overlap is None else overlap.filter(messages)
                if overlap is not None and overlap.matched:
                    await self._intake.receive(fresh)
                    continue
                held += fresh
                size += sum(map(cost_of, fresh))
                if whole:
                    await self._take_unmet(held, overlap)
                    held = []
                elif size > HELD_SIZE:
                    return False  # it takes all of the log, which need not be held
        finally:
            stream.close()
        if overlap is not None:
            if overlap.matched:
                return True
            held += overlap.finish()
        if total >= count and not whole:
            return False
        await self._take_unmet(held, overlap)
        return True

    async def _take_unmet(self, messages: list[Frame], overlap: Overlap | None) -> None:
        """Hand on messages that no known one stood before."""
        if overlap is None:
            # The log was empty. If it has been filled since, its beginning may be gone already.
            if size_of(messages) + OVERHEAD * len(messages) > NEARLY * self._kept:
                await self._intake.gap(ROTATED)
        elif messages and not self._told_unmet:
            await self._intake.gap(UNMET)
        self._told_unmet = overlap is not None and bool(messages)
        await self._intake.receive(younger(messages, self._floor()))

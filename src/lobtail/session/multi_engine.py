"""Several engines as one stream: the readers of each, with one merge.

Each engine has ``EngineReaders`` of its own, with its own clock, connections and followers. What
they share is the merge, so that no engine runs ahead of what is shown, and time order is kept
across them: stamps are compared as if all engines had our clock. An engine that is away is not
waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from lobtail.errors import ConnectError, LobtailError, NotFoundError
from lobtail.retry import back_off
from lobtail.session.discovery import EngineReaders, Tail
from lobtail.session.item_stream import ItemStream
from lobtail.session.readers import Readers

if TYPE_CHECKING:
    from lobtail.follow.position import Reached
    from lobtail.model.items import ContainerRef

__all__ = ["OnEngine", "TailEngines"]

OnEngine: TypeAlias = Callable[[str, LobtailError | None], None]
"""Is told of an engine that cannot be reached, by name, and with None that it is there again."""

# Seconds that engines have to answer at the start, from when the first of them has. What comes
# of an engine that is slower is shown late rather than waited for.
PATIENCE: Final = 5.0


class TailEngines(ItemStream):
    """The lines and marks of containers on several engines; see ``tail_engines``.

    ::

        async with tail_engines([one, other], "web-*") as tail:
            async for batch in tail:
                ...
    """

    readers: _SeveralReaders

    def __init__(
        self, tails: Mapping[str, Tail], *, follow: bool, on_engine: OnEngine | None = None
    ) -> None:
        engines = {name: tail.readers for name, tail in tails.items()}
        first, *_ = tails.values()  # they are all alike
        readers = _SeveralReaders(engines, follow=follow, on_engine=on_engine)
        super().__init__(readers, first.wanted, first.required)

    @property
    def engines(self) -> list[str]:
        """The names of the engines."""
        return list(self.readers.engines)

    @property
    def unreachable(self) -> dict[str, LobtailError]:
        """The engines that cannot be reached, and why."""
        return dict(self.readers.away)

    async def _begin_once(self) -> None:
        try:
            await super()._begin_once()
        except NotFoundError as exc:
            if not self.unreachable:
                raise
            away = ", ".join(self.unreachable)
            raise NotFoundError(f"{exc} (cannot be reached: {away})", exc.missing) from None

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return [ref for each in self.readers.engines.values() for ref in each.containers]


class _SeveralReaders(Readers):
    """Those of all engines, by the engines' names."""

    def __init__(
        self,
        engines: Mapping[str, EngineReaders],
        *,
        follow: bool,
        on_engine: OnEngine | None,
    ) -> None:
        first, *_ = engines.values()
        super().__init__(first.merge)  # they are all alike
        self.engines = dict(engines)
        self.away: dict[str, LobtailError] = {}
        """Those that cannot be reached, and why."""
        self._follow = follow
        self.until_stopped = first.until_stopped
        self.positions = first.positions
        self._on_engine = on_engine
        self._settled = {name: asyncio.Event() for name in engines}
        self._telling = False  # at the beginning all are told of at once
        for name, readers in engines.items():
            readers.share(self, name, partial(self._tell, name))

    async def aclose(self) -> None:
        """End all that is being read."""
        await super().aclose()
        for readers in self.engines.values():
            await readers.aclose()

    # --- beginning ----------------------------------------------------------------------------

    async def begin(self) -> None:
        """Begin with all engines that can be reached; with ``follow`` the others may come later."""
        for name, readers in self.engines.items():
            self._spawn(self._start(name, readers))
        await self._wait_for_answers()
        for name, settled in self._settled.items():
            if not settled.is_set():
                endpoint = self.engines[name].endpoint
                self._tell(name, ConnectError(f"the engine at {endpoint} has not answered yet"))
        if len(self.away) == len(self.engines):
            reasons = "; ".join(map(str, self.away.values()))
            raise ConnectError(f"none of the {len(self.away)} engines can be reached: {reasons}")
        for readers in self.engines.values():
            self.found += readers.found
        self._telling = True
        if self._on_engine is not None:
            for name, error in dict(self.away).items():
                self._on_engine(name, error)

    async def _wait_for_answers(self) -> None:
        """Wait until all engines have answered or failed, but not for long if it is to go on."""
        loop = asyncio.get_running_loop()
        waits = {asyncio.create_task(event.wait()) for event in self._settled.values()}
        deadline: float | None = None
        try:
            while waits:
                limit = None if deadline is None else max(deadline - loop.time(), 0)
                done, waits = await asyncio.wait(
                    waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    return
                there = len(self.engines) - len(waits) - len(self.away)
                if self._follow and there and deadline is None:
                    deadline = loop.time() + PATIENCE
        finally:
            for wait in waits:
                wait.cancel()

    async def _start(self, name: str, readers: EngineReaders) -> None:
        """Begin to read an engine, as soon as it can be reached."""
        failures = 0
        while True:
            try:
                await readers.begin()
            except LobtailError as exc:
                self._tell(name, exc)
                self._settled[name].set()
                if not self._follow:
                    return
                failures += 1
                await readers.reset()
                await back_off(failures)
            else:
                self._tell(name, None)
                self._settled[name].set()
                return

    def _tell(self, name: str, error: LobtailError | None) -> None:
        """Note whether an engine can be reached; say it if that is new."""
        known = self.away.get(name)
        if error is None:
            self.away.pop(name, None)
        else:
            self.away[name] = known or error
        # One that is away is not waited for.
        self.engines[name].excuse(error is not None)
        news = (known is None) != (error is None)
        if news and self._telling and self._on_engine is not None:
            self._on_engine(name, error)

    # --- reading ------------------------------------------------------------------------------

    @property
    def failure(self) -> BaseException | None:
        """Why there will be no more."""
        failures = (super().failure, *(each.failure for each in self.engines.values()))
        return next(filter(None, failures), None)

    @property
    def reading(self) -> bool:
        """Whether there may be more."""
        engines = self.engines.values()
        if self.until_stopped and any(each.chosen for each in engines):
            settled = all(event.is_set() for event in self._settled.values())
            # What an engine that is away has to say is not known.
            if settled and not self.away and all(each.at_rest for each in engines):
                return False
        return super().reading or any(each.reading for each in engines)

    def reached(self, handed_out: Mapping[str, int]) -> list[Reached]:
        """Return how far each log is read, whether or not anything of it was taken."""
        engines = self.engines.values()
        return [reached for each in engines for reached in each.reached(handed_out)]

    def make_room(self) -> None:
        """Say that something has gone out."""
        for readers in self.engines.values():
            readers.make_room()

"""Several engines as one stream: the sessions of each, read into one merge.

Each engine has a ``Tail`` of its own, with its own clock, connections and followers. What they
share is the merge, so that no engine runs ahead of what is shown, and time order is kept across
them: stamps are compared as if all engines had our clock. An engine that is away is not waited for.
"""

# ruff: noqa: SLF001 - the sessions are parts of this one, and their inside is no business of users

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from lobtail.core.model import ContainerRef
from lobtail.errors import ConnectError, LobtailError
from lobtail.reading.merged import Merged
from lobtail.retry import back_off
from lobtail.tail import Tail

__all__ = ["OnEngine", "TailEngines"]

OnEngine: TypeAlias = Callable[[str, LobtailError | None], None]
"""Is told of an engine that cannot be reached, by name, and with None that it is there again."""

# Seconds that engines have to answer at the start, from when the first of them has. What comes
# of an engine that is slower is shown late rather than waited for.
PATIENCE: Final = 5.0


class TailEngines(Merged):
    """The lines and marks of containers on several engines; see ``tail_engines``.

    ::

        async with tail_engines([one, other], "web-*") as tail:
            async for batch in tail:
                ...
    """

    def __init__(
        self, tails: Mapping[str, Tail], *, follow: bool, on_engine: OnEngine | None = None
    ) -> None:
        super().__init__(window_ns=0)
        self._tails = dict(tails)
        self._follow = follow
        self._on_engine = on_engine
        self._settled = {name: asyncio.Event() for name in tails}
        self._away: dict[str, LobtailError] = {}
        self._telling = False  # at the beginning all are told of at once
        first, *_ = tails.values()
        # They are all alike.
        self._merge, self._wanted = first._merge, first._wanted
        for name, tail in tails.items():
            tail._share(self._merge, self._ready, name, partial(self._tell, name))

    @property
    def engines(self) -> list[str]:
        """The names of the engines."""
        return list(self._tails)

    @property
    def unreachable(self) -> dict[str, LobtailError]:
        """The engines that cannot be reached, and why."""
        return dict(self._away)

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return [ref for tail in self._tails.values() for ref in tail.containers]

    async def aclose(self) -> None:
        """End all that is being read."""
        await super().aclose()
        for tail in self._tails.values():
            await tail.aclose()

    # --- beginning ----------------------------------------------------------------------------

    async def _begin(self) -> None:
        for name, tail in self._tails.items():
            self._spawn(self._start(name, tail))
        await self._wait_for_answers()
        for name, settled in self._settled.items():
            if not settled.is_set():
                endpoint = self._tails[name]._engine.endpoint
                self._tell(name, ConnectError(f"the engine at {endpoint} has not answered yet"))
        if len(self._away) == len(self._tails):
            reasons = "; ".join(map(str, self._away.values()))
            raise ConnectError(f"none of the {len(self._away)} engines can be reached: {reasons}")
        for tail in self._tails.values():
            self._found += tail._found
        self._telling = True
        if self._on_engine is not None:
            for name, error in self.unreachable.items():
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
                there = len(self._tails) - len(waits) - len(self._away)
                if self._follow and there and deadline is None:
                    deadline = loop.time() + PATIENCE
        finally:
            for wait in waits:
                wait.cancel()

    async def _start(self, name: str, tail: Tail) -> None:
        """Begin to read an engine, as soon as it can be reached."""
        failures = 0
        while True:
            try:
                await tail._begin()
            except LobtailError as exc:
                self._tell(name, exc)
                self._settled[name].set()
                if not self._follow:
                    return
                failures += 1
                await tail._reset()
                await back_off(failures)
            else:
                self._tell(name, None)
                self._settled[name].set()
                return

    def _tell(self, name: str, error: LobtailError | None) -> None:
        """Note whether an engine can be reached; say it if that is new."""
        known = self._away.get(name)
        if error is None:
            self._away.pop(name, None)
            self._tails[name]._excused = False
        else:
            self._away[name] = known or error
            self._tails[name]._excuse()
        news = (known is None) != (error is None)
        if news and self._telling and self._on_engine is not None:
            self._on_engine(name, error)

    # --- reading ------------------------------------------------------------------------------

    def _make_room(self) -> None:
        for tail in self._tails.values():
            tail._make_room()

    def _broken(self) -> BaseException | None:
        failures = (each._failure for each in (self, *self._tails.values()))
        return next(filter(None, failures), None)

    def _reading(self) -> bool:
        return any(each._tasks for each in (self, *self._tails.values()))

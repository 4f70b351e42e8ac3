"""Run the client without a terminal, on a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from textual.pilot import Pilot

from lobtail.api import Engine
from lobtail.tui.app import ClientSettings, LobtailApp
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.engine_monitor import EngineMonitor
from lobtail.tui.state.target import Target
from unit.tui.hurried import run_hurried
from unit.tui.scripted import SAMPLES, ScriptedEngine

__all__ = ["Client", "running", "with_client"]


class Client:
    """A client that runs, and keys for it."""

    def __init__(self, app: LobtailApp, pilot: Pilot[int], engine: ScriptedEngine) -> None:
        self.app = app
        self.pilot = pilot
        self.engine = engine

    @property
    def main(self) -> Any:
        return self.app.main

    @property
    def watches(self) -> list[EngineMonitor]:
        return list(self.app.main.fleet.watches.values())

    @property
    def pane(self) -> Any:
        return self.app.main.pane

    @property
    def view(self) -> Any:
        return self.app.main.pane.view

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        names = {" ": "space", "/": "slash", ">": "greater_than_sign", "=": "equals_sign"}
        names |= {"(": "left_parenthesis", '"': "quotation_mark", "-": "minus", ":": "colon"}
        names |= {"@": "at", ".": "full_stop", "_": "underscore", "*": "asterisk", "+": "plus"}
        await self.pilot.press(*(names.get(letter, letter) for letter in text))

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        async with asyncio.timeout(45):
            while not condition():
                await self.pilot.pause(0.02)

    async def settle(self) -> None:
        """Wait until what is shown is all there."""
        await self.until(lambda: self.pane.feed is not None and self.pane.feed.settled)
        await self.until(lambda: self.pane.model.complete)
        await self.until(lambda: all(watch.connected for watch in self.watches))
        await self.pilot.pause(0.3)

    async def quiet(self) -> None:
        """Wait until no notice is shown and all is filtered, searched and drawn."""
        await self.until(lambda: not self.notices and self.pane.model.complete)
        usage = self.watches[0].inventory.usage
        await self.until(lambda: all(len(series.cpu) == SAMPLES for series in usage.values()))
        # The rate of a log that came all at once is gone a second later.
        received = self.pane.model.received
        await self.until(lambda: self.pane._rate[1:] == (received, 0))
        self.main._tick()
        # Bars are drawn a few times a second only; whatever is due is drawn now.
        self.pane._bars_at = 0.0
        self.pane.touch()
        self.pane._tick()
        await self.pilot.pause()

    @property
    def notices(self) -> list[str]:
        return [notice.message for notice in self.app._notifications]


def with_client(
    steps: Callable[[Client], Awaitable[None]],
    *args: Any,
    pressed: tuple[str, ...] = (),
    **options: Any,
) -> None:
    """Do something with a client that runs, after some keys; the rest is for `running`."""

    async def main() -> None:
        async with running(*args, **options) as client:
            await client.press(*pressed)
            await steps(client)

    run_hurried(main())


@asynccontextmanager
async def running(
    target: Target | None = None,
    *,
    size: tuple[int, int] = (100, 30),
    engine: ScriptedEngine | None = None,
    engines: dict[str, ScriptedEngine] | None = None,
    settled: bool = True,
    **settings: Any,
) -> AsyncIterator[Client]:
    engine = engine or ScriptedEngine()
    fleet = {name: cast(Engine, each) for name, each in (engines or {"": engine}).items()}
    wanted = ClientSettings(**{"timezone": "UTC", **settings})
    app = LobtailApp(EngineGroup(fleet), target or Target(), wanted)
    async with app.run_test(size=size) as pilot:
        client = Client(app, pilot, engine)
        away = any(cast(ScriptedEngine, each).away for each in fleet.values())
        if settled and not away:
            await client.settle()
        yield client

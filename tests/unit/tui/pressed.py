"""A client that is steered by keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from lobtail.tui.state.keys import keys_of
from unit.tui.apps import Client, running
from unit.tui.hurried import run_hurried


class Pressed(Client):
    """A client that notes which actions were asked for."""

    def __init__(self, client: Client, where: str) -> None:
        super().__init__(client.app, client.pilot, client.engine)
        self.done: set[str] = set()
        self._keys = {key: k.name for k in keys_of(where) for key in k.keys.split(",")}
        self._keys |= {key: k.name for k in keys_of("app") for key in k.keys.split(",")}

    def has_focus(self, widget: Any) -> bool:
        return self.app.focused is widget

    async def until_asked(self, *what: str) -> None:
        asked = self.engine.asked
        await self.until(lambda: asked and asked[-1][: len(what)] == what)

    async def press(self, *keys: str) -> None:
        self.done |= {self._keys[key] for key in keys if key in self._keys}
        await super().press(*keys)


def in_client(where: str, use: Callable[[Pressed], Awaitable[None]], **options: Any) -> set[str]:
    async def main() -> set[str]:
        async with running(**options) as client:
            pressed = Pressed(client, where)
            await use(pressed)
            return pressed.done

    return run_hurried(main())

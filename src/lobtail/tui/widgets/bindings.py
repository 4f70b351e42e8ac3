"""Make Textual's bindings from the table of keys."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.binding import Binding

from lobtail.tui.state.keys import keys_of, shown_keys

__all__ = ["bindings_of", "press"]


def bindings_of(where: str) -> list[Binding]:
    """Return the bindings of a part; their ids are the names that a config file uses."""
    return [
        Binding(
            key.keys,
            key.action or key.name.replace("-", "_"),
            key.short or key.words,
            show=bool(key.short),
            id=key.name,
            tooltip=key.words,
            key_display=shown_keys(key.keys.split(",")[0]),
        )
        for key in keys_of(where)
    ]


async def press(app: App[Any], key: str) -> bool:
    """Do what a key means now, where the focus is; tell whether it means something."""
    active = app.screen.active_bindings.get(key)
    if active is None or not active.enabled:
        return False
    return await app.run_action(active.binding.action, active.node)

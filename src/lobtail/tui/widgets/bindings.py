"""Make Textual's bindings from the table of keys."""

from __future__ import annotations

from textual.binding import Binding

from lobtail.tui.state.keys import keys_of, shown_keys

__all__ = ["bindings_of"]


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

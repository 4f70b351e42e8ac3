"""Other keys, as a configuration file gives them: whether there are such, and whether they fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from lobtail.errors import ConfigError
from lobtail.tui.state.keys import KEYS, TITLES, shown_keys

__all__ = ["check_keymap", "key_name"]

_NAMED: Final = frozenset(
    {
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
        *("backspace", "enter", "escape", "space", "tab"),
    }
)
_FUNCTION: Final = re.compile(r"f([1-9]|1[0-9]|2[0-4])")
_MODIFIERS: Final = ("ctrl", "alt", "shift")
# Unicode's names that Textual has shorter words for.
_SHORTER: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
# Whatever else quits, these always do.
_ALWAYS_QUIT: Final = ("ctrl+c", "ctrl+q")


def check_keymap(given: Mapping[str, object]) -> dict[str, str]:
    """Return other keys for actions, named as Textual names them.

    Raises:
        ConfigError: there is no such action or no such key, or a key would do two things.
    """
    keymap: dict[str, str] = {}
    names = {key.name for key in KEYS}
    for name, keys in given.items():
        if name not in names:
            raise ConfigError(f"[ui.keys] has no {name!r}; there are {', '.join(sorted(names))}")
        if not isinstance(keys, str) or not keys.strip():
            raise ConfigError(f"[ui.keys] {name} takes keys, such as 'w' or 'ctrl+w,w'")
        named = []
        for word in keys.split(","):
            found = key_name(word.strip())
            if found is None:
                raise ConfigError(
                    f"[ui.keys] {name}: there is no key {word.strip()!r}; "
                    "keys are called w, W, slash, f2, ctrl+w, alt+w, comma …"
                )
            named.append(found)
        if name == "quit":
            named += _ALWAYS_QUIT
        keymap[name] = ",".join(dict.fromkeys(named))
    _check_conflicts(keymap)
    return keymap


def key_name(word: str) -> str | None:
    """Return what Textual calls a key; None where there is no such key."""
    *modifiers, key = word.split("+") if len(word) > 1 else [word]
    if len(set(modifiers)) < len(modifiers) or not set(modifiers) <= set(_MODIFIERS):
        return None
    if len(key) == 1 and key.isprintable():
        if key == " ":
            return None
        # Terminals send one code for Ctrl with a small letter and with a capital.
        key = key.lower() if "ctrl" in modifiers else key
        key = key if key.isalnum() else _name_of(key)
    elif not (key in _NAMED or _FUNCTION.fullmatch(key) or key in _SYMBOLS):
        return None
    return "+".join([*(each for each in _MODIFIERS if each in modifiers), key])


def _name_of(character: str) -> str:
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


# What characters are called that have no letters to be called by.
_SYMBOLS: Final = {_name_of(chr(code)) for code in range(33, 0x100) if not chr(code).isalnum()}


def _check_conflicts(keymap: Mapping[str, str]) -> None:
    """See that no key does two things in one part of the screen."""
    for part in TITLES:
        does: dict[str, str] = {}
        for action in KEYS:
            if action.where not in (part, "app"):
                continue
            for key in keymap.get(action.name, action.keys).split(","):
                key = key_name(key) or key
                other = does.setdefault(key, action.name)
                # Where the table itself has a key twice, the smaller part has it.
                if other != action.name and {other, action.name} & keymap.keys():
                    given = action.name if action.name in keymap else other
                    taken = other if given == action.name else action.name
                    raise ConfigError(
                        f"[ui.keys] {given}: {shown_keys(key)} is a key of {taken!r} already; "
                        f"give {taken!r} another one"
                    )

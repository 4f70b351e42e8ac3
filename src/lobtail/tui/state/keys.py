"""The keys: one table, from which bindings, help, palette and documentation come.

Where lazydocker and vim agree with each other or have a key alone, it is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from lobtail.errors import ConfigError

__all__ = ["KEYS", "TITLES", "Key", "check_keymap", "keys_of"]


class Key(NamedTuple):
    """An action, and the keys that do it."""

    name: str
    """What a config file calls it."""
    keys: str
    """With commas between them, as Textual names keys."""
    words: str
    where: str
    """In which part it holds: ``log``, ``list``, ``app``."""
    short: str = ""
    """For the footer; empty for keys that are not shown there."""
    action: str = ""
    """The method, if it is not called as the key is."""


_LOG: Final = (
    Key("down", "j,down", "one line down", "log"),
    Key("up", "k,up", "one line up", "log"),
    Key("half-page-down", "ctrl+d", "half a page down", "log"),
    Key("half-page-up", "ctrl+u", "half a page up", "log"),
    Key("page-down", "pagedown,ctrl+f", "a page down", "log"),
    Key("page-up", "pageup,ctrl+b", "a page up", "log"),
    Key("top", "g,home", "the beginning of the log", "log"),
    Key("end", "G,end", "the newest line, and follow", "log", "follow"),
    Key("left", "h,left", "scroll to the left, where lines are not wrapped", "log"),
    Key("right", "l,right", "scroll to the right", "log"),
    Key("pause", "space", "pause, or follow again", "log", "pause"),
    Key("jump", "@,colon", "jump to a time: 12:30, -10m, 2026-01-02T15:04", "log", "time"),
    Key("next-error", "e", "the next line of level error", "log", "error"),
    Key("previous-error", "E", "the previous line of level error", "log"),
    Key("next-mark", "m", "the next mark: started, stopped, gap", "log"),
    Key("previous-mark", "M", "the previous mark", "log"),
    Key("search", "slash", "search with a regex while typing", "log", "search"),
    Key("next-hit", "n", "the next line that the search finds", "log"),
    Key("previous-hit", "N", "the previous one", "log"),
    Key("highlight", "asterisk", "show what a regex finds in colour", "log"),
    Key("filter", "f,backslash", "show only lines for which a query holds", "log", "filter"),
    Key("context", "c", "show the line among all others, and back", "log", "context"),
    Key("level", "L", "only this level and graver ones: warn, error, fatal, all …", "log", "level"),
    Key("stream", "s", "both streams, stdout, stderr", "log"),
    Key("wrap", "w", "wrap long lines", "log", "wrap"),
    Key("timestamps", "t", "times: short, full, relative, off", "log", "times"),
    Key("zone", "T", "times in UTC, or in your zone again", "log"),
    Key("names", "o", "the container in front of each line", "log"),
    Key("histogram", "H", "the rate of lines over time", "log"),
    Key("detail", "enter", "look at the line closely: its fields as a tree", "log", "detail"),
    Key("select", "v,V", "select lines; the mouse selects text", "log"),
    Key("copy", "y", "copy what is selected, or the line", "log", "copy"),
    Key("save", "S", "save what is shown to a file, as text or JSON lines", "log"),
    Key("command", "C", "the lobtail tail command that shows the same", "log"),
    Key("back", "escape", "let go of selection, search, filter, in this order", "log"),
)

_APP: Final = (
    Key("zoom", "z", "the log over the whole screen, and back", "app", "zoom"),
    Key("theme", "ctrl+t", "a light or a dark theme", "app"),
    Key("help", "question_mark,f1", "all keys", "app", "help"),
    Key("palette", "ctrl+p", "the command palette", "app", action="command_palette"),
    Key("quit", "q,ctrl+c,ctrl+q", "quit", "app", "quit"),
)

KEYS: Final = (*_LOG, *_APP)

TITLES: Final = {"log": "In a log", "app": "Everywhere"}
"""What the parts are called in help and documentation."""


def keys_of(where: str) -> tuple[Key, ...]:
    """Return the keys that hold in a part."""
    return tuple(key for key in KEYS if key.where == where)


def check_keymap(given: Mapping[str, object]) -> dict[str, str]:
    """Return other keys for actions, as a config file gives them.

    Raises:
        ConfigError: there is no such action, or it is not a text of keys.
    """
    keymap: dict[str, str] = {}
    names = {key.name for key in KEYS}
    for name, keys in given.items():
        if name not in names:
            raise ConfigError(f"[ui.keys] has no {name!r}; there are {', '.join(sorted(names))}")
        if not isinstance(keys, str) or not keys.strip():
            raise ConfigError(f"[ui.keys] {name} takes keys, such as 'w' or 'ctrl+w,w'")
        keymap[name] = keys
    return keymap

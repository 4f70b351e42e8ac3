"""The keys: one table, from which bindings, help, palette and documentation come.

Where lazydocker and vim agree with each other or have a key alone, it is theirs.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["FOOTER", "KEYS", "TITLES", "Key", "keys_of", "shown_keys"]


class Key(NamedTuple):
    """An action, and the keys that do it."""

    name: str
    """What a config file calls it."""
    keys: str
    """With commas between them, as Textual names keys."""
    words: str
    where: str
    """In which part it holds: see ``TITLES``."""
    short: str = ""
    """For the footer; empty for keys that are not shown there."""
    action: str = ""
    """The method, if it is not called as the key is."""


def _asked(name: str, keys: str, words: str, where: str, short: str = "") -> Key:
    """Return a key of a list that asks for something to be done with what is chosen."""
    return Key(name, keys, words, where, short, f"ask('{name}')")


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
    Key("half-left", "left_parenthesis,shift+left", "half a screen to the left", "log"),
    Key("half-right", "right_parenthesis,shift+right", "half a screen to the right", "log"),
    Key("line-start", "0,circumflex_accent", "the beginning of lines that are not wrapped", "log"),
    Key("line-end", "dollar_sign", "the end of the line", "log"),
    Key("pause", "space", "pause, or follow again", "log", "pause"),
    Key("jump", "@,colon", "jump to a time: 12:30, -10m, yesterday 04:10", "log", "time"),
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
    Key("level", "L", "only debug and graver; info, warn, error, fatal; all again", "log", "level"),
    Key("level-back", "ctrl+l", "the same steps backwards", "log"),
    Key("stream", "s", "both streams, stdout, stderr", "log"),
    Key("wrap", "w", "wrap long lines", "log", "wrap"),
    Key("fields", "F", "JSON lines as message and fields, or as written", "log"),
    Key("timestamps", "t", "times: short, full, relative, off", "log", "times"),
    Key("zone", "T", "times in UTC, or in your zone again", "log"),
    Key("names", "o", "the container in front of each line", "log"),
    Key("histogram", "H", "the rate of lines over time", "log"),
    Key("fold", "u", "unfold or fold the entry: lines that belong together", "log", "unfold"),
    Key("fold-all", "U", "unfold or fold all entries", "log"),
    Key("detail", "enter", "look at the line closely: its fields as a tree", "log", "detail"),
    Key("select", "v,V", "select lines; the mouse selects text", "log"),
    Key("copy", "y", "copy what is selected, or the line, as it is shown", "log", "copy"),
    Key("copy-text", "Y", "the same without time and container", "log"),
    Key("save", "S", "save to a file what is held, or all; as text or JSON lines", "log"),
    Key("command", "C", "the lobtail tail command that shows the same", "log"),
    Key(
        "back",
        "escape",
        "clear the selection, then the search, then the filter; back to the list",
        "log",
    ),
)

_LIST: Final = (
    Key("list-down", "j,down", "one row down", "list"),
    Key("list-up", "k,up", "one row up", "list"),
    Key("list-page-down", "ctrl+d,pagedown,ctrl+f", "a page down", "list"),
    Key("list-page-up", "ctrl+u,pageup,ctrl+b", "a page up", "list"),
    Key("list-top", "g,home", "the first row", "list"),
    Key("list-end", "G,end", "the last row", "list"),
    Key("open", "enter,l,right", "go to what is shown of it", "list", "open"),
    Key(
        "mark",
        "space",
        "mark it: logs of all that are marked, actions on all of them",
        "list",
        "mark",
    ),
    _asked("list-filter", "slash", "filter the list", "list", "filter"),
    Key("list-back", "escape", "clear the filter, then the marks", "list"),
    _asked("sort", "o", "containers by name, state, CPU, memory, age", "list", "sort"),
    _asked("hide-stopped", "e", "hide stopped containers", "list"),
    _asked("menu", "x", "actions menu", "list", "menu"),
    _asked("start", "u", "start (asks first)", "list", "start"),
    _asked("stop", "s", "stop (asks first)", "list", "stop"),
    _asked("restart", "r", "restart (asks first)", "list", "restart"),
    _asked("pause-container", "p", "pause / unpause (asks first)", "list"),
    _asked("kill", "K", "kill (asks first)", "list"),
    _asked("remove", "d,delete", "remove (asks first)", "list", "remove"),
    _asked(
        "remove-volumes",
        "D",
        "remove the container with its anonymous volumes (asks first)",
        "list",
    ),
    _asked("rename", "R", "rename the container", "list"),
    _asked("shell", "E", "open a shell (asks first; exit to return)", "list", "shell"),
    _asked("attach", "a", "attach (asks first; detach with Ctrl-P Ctrl-Q)", "list"),
    _asked("pull", "P", "pull an image", "list"),
    _asked("prune", "b", "prune unused (asks first)", "list"),
)

_FIELDS: Final = (
    Key("field-down", "j,down", "one field down", "fields"),
    Key("field-up", "k,up", "one field up", "fields"),
    Key("field-top", "g,home", "the first field", "fields"),
    Key("field-end", "G,end", "the last field", "fields"),
    Key("field-open", "l,right", "open it", "fields"),
    Key("field-close", "h,left", "close it, or go to what it is in", "fields"),
    Key("next-line", "J", "the next line of the log", "fields"),
    Key("previous-line", "K", "the previous line of the log", "fields"),
    Key("keep", "f", "show only lines with this value", "fields", "filter by this"),
    Key("leave-out", "F,minus", "hide lines with this value", "fields", "filter it out"),
    Key("copy-value", "y", "copy the value", "fields", "copy"),
    Key("close-fields", "escape,q", "close, and go back to the log", "fields", "close"),
)

_BARS: Final = (
    Key("earlier", "h,left", "the log at the bar before", "bars", "earlier", "move(-1)"),
    Key("later", "l,right", "the log at the next bar", "bars", "later", "move(1)"),
)

_APP: Final = (
    Key("next-panel", "tab", "the next part of the screen", "app"),
    Key("previous-panel", "shift+tab", "the previous part", "app"),
    Key("panel-1", "1", "the projects", "app", action="panel(0)"),
    Key("panel-2", "2", "the containers", "app", "containers", "panel(1)"),
    Key("panel-3", "3", "the images", "app", action="panel(2)"),
    Key("panel-4", "4", "the volumes", "app", action="panel(3)"),
    Key("panel-5", "5", "the networks", "app", action="panel(4)"),
    Key("main-panel", "0,6", "the log, or what else is shown", "app"),
    Key("previous-tab", "left_square_bracket", "the previous tab", "app", action="tab(-1)"),
    Key(
        "next-tab",
        "right_square_bracket",
        "the next tab: logs, stats, env, …",
        "app",
        action="tab(1)",
    ),
    Key("zoom", "z,plus", "the log over the whole screen, and back", "app", "zoom"),
    Key("theme", "ctrl+t", "a light or a dark theme", "app"),
    Key("help", "question_mark,f1", "all keys", "app", "help"),
    Key("palette", "ctrl+p", "the command palette", "app", action="command_palette"),
    Key(
        "suspend",
        "ctrl+z",
        "stop it, and give the terminal back to the shell; fg goes on",
        "app",
        action="suspend_process",
    ),
    Key("leave", "q", "back to the lists; from a list, quit", "app", "quit"),
    Key("quit", "ctrl+c,ctrl+q", "quit", "app"),
)

# From what is shown longest in the line at the bottom to what is left out first.
FOOTER: Final = (
    *("help", "leave"),
    *("open", "menu", "list-filter", "mark", "stop", "start", "restart", "shell", "remove", "sort"),
    *(
        "search",
        "filter",
        "panel-2",
        "end",
        "pause",
        "detail",
        "fold",
        "level",
        "next-error",
        "jump",
    ),
    *("zoom", "copy", "wrap", "timestamps", "context"),
)

KEYS: Final = (*_APP, *_LIST, *_LOG, *_FIELDS, *_BARS)

TITLES: Final = {
    "app": "Everywhere",
    "list": "In a list",
    "log": "In a log",
    "fields": "In the fields of a line",
    "bars": "On the rate over time",
}
"""What the parts are called in help and documentation."""


def keys_of(where: str) -> tuple[Key, ...]:
    """Return the keys that hold in a part."""
    return tuple(key for key in KEYS if key.where == where)


_SHOWN: Final = {
    "slash": "/",
    "backslash": "\\",
    "asterisk": "*",
    "question_mark": "?",
    "colon": ":",
    "minus": "-",
    "plus": "+",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "circumflex_accent": "^",
    "dollar_sign": "$",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "escape": "Esc",
}


def shown_keys(keys: str, between: str = " ") -> str:
    """Return keys as people call them."""
    words = []
    for key in keys.split(","):
        word = _SHOWN.get(key.strip(), key.strip())
        word = word.replace("ctrl+", "Ctrl-").replace("shift+", "Shift-")
        words.append(word.capitalize() if len(word) > 1 and word.islower() else word)
    return between.join(words)

"""Show structured lines for people: the message first, then the fields that say more.

::

    ERROR no stock  reqId=req-2 res.statusCode=500 err.type=Error
        Error: no stock
            at accept (/app/server.js:12:11)

That is what a JSON object or a logfmt line becomes. Left out are the time, and what says the level;
a stack trace among the fields goes on in lines of its own. Texts are as in the log, but that
nothing in them acts: they may hold what the JSON around them had escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from lobtail.model.entries import Entry
from lobtail.model.fields import MAX_DEPTH, MISSING, lookup, value_text
from lobtail.model.items import Line
from lobtail.model.levels import Level
from lobtail.model.sanitize import sanitize
from lobtail.render.colors import DIM, LEVELS, RESET
from lobtail.render.columns import fit, pad, width

__all__ = ["FIELD_STYLES", "FieldStyle", "FieldsFormat"]

FieldStyle: TypeAlias = Literal["compact", "columns", "raw"]
FIELD_STYLES: Final = ("compact", "columns", "raw")

# What the message is called, the likeliest first.
_MESSAGES: Final = (
    *("msg", "message", "@m", "@message", "Message", "MESSAGE", "event", "log", "body"),
    *("short_message", "text", "textPayload", "@mt", "log.message", "fields.message"),
    *("jsonPayload.message", "error.message", "err.message", "error", "err"),
)
_TIMES: Final = frozenset(
    (
        *("time", "ts", "timestamp", "@timestamp", "@t", "t", "date", "datetime", "Timestamp"),
        *("TIMESTAMP", "time_local", "asctime", "timeMillis", "instant", "@time", "T", "Time"),
        *("eventTime", "start_time", "receiveTimestamp", "timeUnixNano"),
    )
)
_LEVELS: Final = frozenset(
    (
        *("level", "severity", "lvl", "@level", "levelname", "log.level", "Level", "LEVEL", "@l"),
        *("loglevel", "LogLevel", "logLevel", "severityText", "SeverityText", "severity_text"),
        *("L", "log_level", "level_name", "levelno", "levelName", "Severity", "SEVERITY", "s"),
        *("severityNumber", "SeverityNumber", "severity_number", "PRIORITY", "priority"),
    )
)
# Of a container there is one process as a rule, and bunyan's "v" is always 0.
_LEFT_OUT: Final = _TIMES | _LEVELS | {"pid", "v"}
_STACKS: Final = frozenset(
    (
        *("stack", "exception", "stacktrace", "stack_trace", "stackTrace", "trace", "traceback"),
        *(
            "exc_info",
            "err.stack",
            "error.stack",
            "error.stack_trace",
            "@x",
            "Exception",
            "errorVerbose",
        ),
    )
)
_HOSTS: Final = frozenset(("hostname", "host"))
_WORDS: Final = {level: f"{level.name:<5} " if level else "" for level in Level}
# Characters of a value, and of a field's list, that are shown at most.
_LONGEST: Final = 120
_HEAD: Final = 80
_TAIL: Final = 36
_MOST_STACK: Final = 200
_MOST_FIELDS: Final = 64
_DEEPEST: Final = 4
_WIDEST: Final = 24
_MOST_LABELS: Final = 4096
_QUICK_SIZE: Final = 65_536
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_SIMPLE: Final = (int, str)
_QUICK: Final[dict[Any, Level]] = {level.value: level for level in Level if level} | {
    name: level
    for level in Level
    if level
    for name in (level.name, level.name.lower(), level.name.title())
}
# Matches a value that is short, and ASCII without blanks, quotes and equals signs.
_bare: Final = re.compile(r"[!#-<>-~]{1,120}").fullmatch
_LOGFMT: Final = re.compile(rb"[\w.@-]{1,40}+=(?:[^\s\"=]*+ |\"[^\"]*+\"(?: |$))[\w.@-]{1,40}+=")
_OBJECT: Final = b"{"


class FieldsFormat:
    """Makes the texts of structured lines; without ``columns``, of all fields that say more."""

    def __init__(self, columns: Sequence[str] = (), *, color: bool = False) -> None:
        self._columns = tuple(columns)
        self._widths = dict.fromkeys(columns, 0)
        self._levels = dict(_WORDS)
        self._labels: dict[str, str] = {}  # by path
        self._key, self._off = "", ""
        if color:
            self._key, self._off = DIM.decode(), RESET.decode()
            self._levels |= {
                level: on.decode()
                + _WORDS[level].rstrip()
                + RESET.decode()
                + " " * (6 - len(_WORDS[level].rstrip()))
                for level, on in LEVELS.items()
            }

    def texts(self, line: Line) -> list[str] | None:
        """Return the lines that show an entry; None for one that is not structured."""
        raw = line.raw
        if raw[:1] != _OBJECT and (type(line) is Entry or _LOGFMT.match(raw) is None):
            return None
        fields = _fields_of(line)
        if not fields:
            return None
        message = _message(fields)
        stacks: list[str] = []
        if self._columns:
            shown = [self._column(fields, path) for path in self._columns]
            level = self._levels[self._level(line, fields)]
            first = f"{level}{'  '.join([*shown, _one_line(message)])}".rstrip()
            _find_stacks(fields, "", stacks)
        else:
            parts: list[str] = []
            self._add(fields, "", message, line.container.id, parts, stacks)
            head, *more = message.split("\n") if message else [""]
            stacks[:0] = more
            gap = "  " if head and parts else ""
            first = f"{self._levels[self._level(line, fields)]}{_safe(head)}{gap}{' '.join(parts)}"
        if not stacks:
            return [first]
        unfolded = "\n".join(stacks).split("\n")
        return [first, *(f"    {_safe(text)}" for text in unfolded[:_MOST_STACK] if text)]

    def _add(
        self,
        fields: dict[str, Any],
        before: str,
        message: str,
        container: str,
        parts: list[str],
        stacks: list[str],
    ) -> None:
        """Add fields to what is shown, those within others by their paths."""
        labels, add = self._labels, parts.append
        for name, value in fields.items():
            path = before + name if before else name
            label = labels.get(path)
            if label is None:
                label = self._label(path)
            if not label:
                continue
            kind = type(value)
            if kind is int:
                add(f"{label}{value}")
            elif kind is str:
                if value == message:  # err.message repeats it, too
                    continue
                if _bare(value) is not None:
                    if path not in _HOSTS or not container.startswith(value):
                        add(label + value)
                elif "\n" in value and (path in _STACKS or name in _STACKS):
                    stacks.append(value)
                else:
                    add(label + _text_value(value))
            elif kind is dict and value and before.count(".") < _DEEPEST:
                self._add(value, f"{path}.", message, container, parts, stacks)
            else:
                add(label + _safe(_shortened(value_text(value))))
        del parts[_MOST_FIELDS:]

    def _label(self, path: str) -> str:
        """Return what stands before a value; empty for a field that is not shown."""
        if len(self._labels) >= _MOST_LABELS:
            self._labels.clear()
        shown = path if path.isascii() and path.isprintable() else sanitize(path)
        label = "" if path in _LEFT_OUT else f"{self._key}{_shortened(shown)}={self._off}"
        self._labels[path] = label
        return label

    def _level(self, line: Line, fields: dict[str, Any]) -> Level:
        """Return the level of a line: most say it so that another look at it is not needed."""
        value = fields.get("level")
        level = _QUICK.get(value) if type(value) in _SIMPLE else None
        if level is None or "short_message" in fields:
            return line.level
        # The access logs of Caddy and Traefik.
        if level is Level.INFO and ("logger" in fields or "DownstreamStatus" in fields):
            return line.level
        return level

    def _column(self, fields: dict[str, Any], path: str) -> str:
        value = lookup(fields, path)
        text = "" if value is MISSING or value is None else _one_line(value_text(value))
        text = fit(text, _WIDEST)
        self._widths[path] = max(self._widths[path], width(text))
        return pad(text, self._widths[path])


def _fields_of(line: Line) -> dict[str, Any]:
    """Return ``line.fields``, without keeping them: these lines are looked at last."""
    raw = line.raw
    if len(raw) <= _QUICK_SIZE and raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        try:
            return _decode(raw)
        except (msgspec.DecodeError, ValueError):
            pass
    return line.fields


def _message(fields: dict[str, Any]) -> str:
    """Return the message; empty without one."""
    for path in _MESSAGES:
        value = fields.get(path, MISSING) if "." not in path else lookup(fields, path)
        if isinstance(value, str) and value:
            return value
    return ""


def _find_stacks(fields: dict[str, Any], before: str, stacks: list[str]) -> None:
    for name, value in fields.items():
        path = before + name
        if isinstance(value, dict) and before.count(".") < _DEEPEST:
            _find_stacks(value, f"{path}.", stacks)
        elif isinstance(value, str) and "\n" in value and (path in _STACKS or name in _STACKS):
            stacks.append(value)


def _text_value(value: str) -> str:
    shown = _shortened(value)
    return shown if _bare(shown.replace("…", "")) is not None else _quoted(shown)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_safe(escaped)}"'


def _one_line(text: str) -> str:
    return _safe(text.replace("\n", " "))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_HEAD]}…{text[-_TAIL:]}"


def _safe(text: str) -> str:
    """Return one line of a text in which nothing acts; a tab is blanks."""
    if text.isascii() and text.isprintable():
        return text
    return sanitize(text.rstrip("\r").expandtabs(4))

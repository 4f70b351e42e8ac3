"""How grave a line says that it is.

A JSON object says so in a field of its own, at the top or as ECS has it (``log.level``). In other
text the first of these within 256 bytes counts:

* a word in capitals: ``ERROR: x``, ``- WARN -``, ``[12:00:00 INF]``
* a word of any case in brackets, ``[warn]``, ``[core:error]``; between tabs; in colour
* the value of a key: ``level=error``, ``lvl: "warn"``
* a word of any case with a colon, at the beginning, behind a time, or behind another colon:
  ``fail: x``, ``12:00:00 error: x``, ``ld: warning: x``
* at the beginning only, klog's ``E0312 12:34:56`` and syslog's ``<3>``; the marks of redis and
  telegraf

A word in small letters in the midst of a text is prose, and says nothing.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from lobtail.core.fields import json_object
from lobtail.errors import ConfigError

__all__ = ["Level", "detect_level"]


class Level(IntEnum):
    """Ranks as pino and bunyan number them; ``UNKNOWN`` where a line does not say."""

    UNKNOWN = 0
    TRACE = 10
    DEBUG = 20
    INFO = 30
    WARN = 40
    ERROR = 50
    FATAL = 60

    @classmethod
    def parse(cls, text: str) -> Level:
        """Return the level of a name or number that a user gives; the case does not matter.

        Takes the names of this class, what other loggers call them, pino's numbers from 10 to 60
        and syslog's from ``<0>`` to ``<7>``. Raises ``ConfigError`` for any other text.
        """
        word = text.strip().lower()
        if word == "unknown":
            return cls.UNKNOWN
        level = _rank(word)
        if level is cls.UNKNOWN and len(word) == 3 and word[0] + word[2] == "<>":
            level = _SYSLOG.get(word[1], level)
        if level is cls.UNKNOWN:
            names = ", ".join(name.lower() for name in cls.__members__)
            raise ConfigError(f"no level is called {text!r}: use one of {names}")
        return level


_WINDOW: Final = 256  # bytes of text; a level stands at the front, behind it are only words

_ALIASES: Final = {
    Level.TRACE: "trace trc trce verbose verb vrb silly finest finer",
    Level.DEBUG: "debug dbg dbug fine",
    Level.INFO: "info inf information informational notice note log success",
    Level.WARN: "warn warning wrn",
    Level.ERROR: "error err eror severe fail",
    Level.FATAL: "fatal ftl critical crit panic pnc dpanic alert emerg emergency",
}
_NAMES: Final = {alias: level for level, text in _ALIASES.items() for alias in text.split()}

# The severities of RFC 5424, 6.2.1; here 0 to 2 (emergency, alert, critical) are one.
_SEVERITIES: Final = (
    *(Level.FATAL, Level.FATAL, Level.FATAL, Level.ERROR),
    *(Level.WARN, Level.INFO, Level.INFO, Level.DEBUG),
)
_SYSLOG: Final = {str(number): level for number, level in enumerate(_SEVERITIES)}

_TENS: Final = {level // 10: level for level in Level if level}

_LETTERS: Final = {
    "t": Level.TRACE,
    "d": Level.DEBUG,
    "i": Level.INFO,
    "n": Level.INFO,
    "w": Level.WARN,
    "e": Level.ERROR,
    "f": Level.FATAL,
    "c": Level.FATAL,
}


def _rank(value: object) -> Level:
    """Return the level of a field's value: a name, or a number as pino and bunyan use them."""
    if isinstance(value, str):
        level = _NAMES.get(value) or _NAMES.get(value.lower())
        if level is not None:
            return level
        if not (value.isascii() and value.isdigit() and len(value) == 2):
            # slog has levels between its names: "ERROR+2", "DEBUG-4".
            return _NAMES.get(re.split(r"[+-]\d", value, maxsplit=1)[0].lower(), Level.UNKNOWN)
        value = int(value)
    # Numbers between the ranks are levels that a program adds to pino's.
    return _TENS.get(value // 10, Level.UNKNOWN) if isinstance(value, int) else Level.UNKNOWN


_ABSENT: Final = msgspec.Raw()  # for fields that need only be there: Raw builds no value


class _Log(msgspec.Struct, gc=False):
    level: Any = None


class _Probe(msgspec.Struct, gc=False):
    """The fields of a JSON line that may tell its level; the others are skipped, not built."""

    level: Any = None
    severity: Any = None
    lvl: Any = None
    log_level_ecs: Any = msgspec.field(default=None, name="log.level")
    log: _Log | str | int | float | bool | list[Any] | None = None
    capital: Any = msgspec.field(default=None, name="Level")  # serilog
    levelname: Any = None  # python-json-logger
    level_name: Any = None  # monolog, whose "level" is 100 to 600
    loglevel: Any = None
    log_level: Any = None
    camel: Any = msgspec.field(default=None, name="logLevel")
    pascal: Any = msgspec.field(default=None, name="LogLevel")  # .NET
    severity_text: Any = None
    otel: Any = msgspec.field(default=None, name="severityText")
    otel_pascal: Any = msgspec.field(default=None, name="SeverityText")
    clef: Any = msgspec.field(default=None, name="@l")
    levelno: Any = None  # python's, 10 below pino's
    # MongoDB's three (https://www.mongodb.com/docs/manual/reference/log-messages/).
    s: Any = None
    c: msgspec.Raw = _ABSENT
    t: msgspec.Raw = _ABSENT
    clef_time: msgspec.Raw = msgspec.field(default=_ABSENT, name="@t")


_others: Final = attrgetter(
    *(
        name
        for name in _Probe.__struct_fields__
        if name not in {"level", "log", "levelno", "s", "c", "t", "clef_time"}
    )
)
_PROBE: Final = msgspec.json.Decoder(_Probe)


def _probe_level(probe: _Probe) -> Level:
    if probe.level is not None and (level := _rank(probe.level)):
        return level
    for value in _others(probe):
        if value is not None and (level := _rank(value)):
            return level
    if isinstance(probe.log, _Log) and (level := _rank(probe.log.level)):
        return level
    if isinstance(probe.levelno, int):
        return _rank(probe.levelno + 10)
    if isinstance(probe.s, str) and probe.c is not _ABSENT and probe.t is not _ABSENT:
        return _LETTERS.get(probe.s[:1].lower(), Level.UNKNOWN)
    # "The absence of a level implies an informational event" (https://clef-json.org).
    return Level.UNKNOWN if probe.clef_time is _ABSENT else Level.INFO


# What a level in text looks like. -----------------------------------------------------------

_WORDS: Final = {
    form.encode(): level
    for name, level in _NAMES.items()
    for form in (name, name.upper(), name.title())
} | {
    b"PHP Fatal error": Level.FATAL,
    b"PHP Parse error": Level.ERROR,
    b"PHP Warning": Level.WARN,
    b"PHP Deprecated": Level.WARN,
    b"PHP Notice": Level.INFO,
    # server.c of redis: serverLogRaw, ".-*#" for debug, verbose, notice, warning.
    b".": Level.DEBUG,
    b"-": Level.DEBUG,
    b"*": Level.INFO,
    b"#": Level.WARN,
}

# In capitals these are also what people shout about, or mean something else.
_NOT_IN_CAPITALS: Final = {"success", "log", "silly", "verb", "fail"}


def _capitals() -> str:
    """Return a pattern of the words in capitals, an alternative for each first letter.

    Celery has "ERROR/MainProcess]" behind the word, and npm "ERR!".
    """
    words = sorted((name.upper() for name in _NAMES.keys() - _NOT_IN_CAPITALS), reverse=True)
    return "|".join(
        f"{first}(?:{'|'.join(word[1:] for word in words if word[0] == first)})"
        r"(?=[\s:\])|,;!\x1b]|/[A-Z][a-z]|$)"
        for first in sorted({word[0] for word in words})
    )


_VALUE: Final = r"""["']?+([A-Za-z]{3,13}+)(?![\w.:/])"""
_KEYED: Final = (  # level=error
    r"=(?:(?<=l=)(?:(?<=\blevel=)|(?<=\blvl=)|(?<=\bloglevel=)|(?<=_level=))|(?<=\bseverity=))"
    + _VALUE
)
_KEYED_WITH_COLON: Final = (  # level: error; and "level":"error" behind a text
    r"""(?<=[lLy"']:)"""
    r"""(?:(?<=\b[Ll]evel:)|(?<=\blevel["']:)|(?<=\blvl["']:)|(?<=\bseverity["']:)) ?+""" + _VALUE
)
_TIMED: Final = (  # 12:00:00.000Z error: x
    r"[0-5]\d(?:[.,]\d{1,9}+)?+(?: ?+(?:Z|UTC|[+-]\d\d:?+\d\d))?+"
    r" {1,2}+([A-Za-z]{3,13}+)(?::\s|\s(?=[\s\[|-]))"
)
_ENDED: Final = r" ([A-Za-z]{3,13}+):\s"  # ld: warning: x
_REDIS: Final = r"[MSCX] \d\d [A-Z][a-z][a-z] \d{4} [\d:.]{12} ([.*#-]) "  # 1:M 01 Jan ...

# For speed each alternative begins with a character as it is, no group and no set: then ``re``
# passes over all bytes that begin none without a try. A try is dear, so what follows first is
# what fails soonest. No repeat gives back what it took (possessive), which bounds each try.
_TEXT: Final = "|".join(
    (
        _capitals(),
        r"LOG(?=:  )",  # postgres
        r"PHP (?:Fatal error|Parse error|Warning|Deprecated|Notice)(?=:)",
        # [warn], [WARN ], [core:error]
        r"\[(?:[A-Za-z_]\w{0,32}+:)?+ {0,5}+([A-Za-z]{3,13}+) {0,5}+\]",
        r"<([A-Z][a-z]{3,12}+)> ",  # clickhouse
        r"\t([A-Za-z]{3,13}+)\t",  # zap's console
        r"\x1b\[[\d;]{1,20}+m ?+([A-Za-z]{3,13}+)(?=[\s:\]\x1b])",
        _KEYED,
        f":(?:{_TIMED}|{_ENDED}|{_REDIS}|{_KEYED_WITH_COLON})",
    )
).encode()
# What may stand before a word in capitals; "m" ends the code of a colour.
_BEFORE: Final = frozenset(b" \t\r\v\f[(|:>,;m")
_DOT: Final = ord(".")

# Only at the beginning: "fail: x", "npm error x", klog's "E0312 12:34:56", syslog's "<3>".
_BEGIN: Final = re.compile(
    rb"([A-Za-z]{3,13}+):|npm ([a-z]{4,9}+) |([IWEF])(?:\d{4}){1,2}+ \d\d:\d\d:\d\d"
    rb"|<(\d{1,3}+)>"
)
_LAST_PRIORITY: Final = 191  # facility 23, severity 7
_TELEGRAF: Final = slice(19, 24)  # of "2024-01-01T00:00:00Z E! x"
_MARKS: Final = {f"Z {mark.upper()}! ".encode(): level for mark, level in _LETTERS.items()}

_OBJECT_BEGINS: Final = frozenset(b"{ \t\r\n\xef")
_BEGINS: Final = frozenset(b"<abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def detect_level(raw: bytes) -> Level:
    """Return the level that a line names for itself, ``UNKNOWN`` if it does not.

    A JSON object answers by its own fields only, never by the words in its texts; JSON that
    ``parse_fields`` takes for plain text is searched as such. Never raises.
    """
    if not raw:
        return Level.UNKNOWN
    first = raw[0]
    if first in _OBJECT_BEGINS:
        text = json_object(raw)
        if text is not None:
            try:
                return _probe_level(_PROBE.decode(text))
            except (msgspec.DecodeError, ValueError):  # invalid UTF-8 is a ValueError
                pass
    elif first in _BEGINS:
        match = _BEGIN.match(raw)
        if match is not None and (level := _begin_level(match)) is not None:
            return level
    elif (level := _MARKS.get(raw[_TELEGRAF])) is not None:
        return level
    return _text_level(raw)


def _begin_level(match: re.Match[bytes]) -> Level | None:
    word, npm, mark, priority = match.groups()
    if priority:
        number = int(priority)
        return _SEVERITIES[number & 7] if number <= _LAST_PRIORITY else None
    return _LETTERS[mark.decode().lower()] if mark else _WORDS.get(word or npm)


@cache
def _text() -> re.Pattern[bytes]:
    # Compiled at the first line that is looked at: many a run looks at none.
    return re.compile(_TEXT)


def _text_level(raw: bytes) -> Level:
    pattern = _text()
    match = pattern.search(raw, 0, _WINDOW)
    while match is not None:
        start, end = match.span()
        group = match.lastindex
        level = _WORDS.get(match[group or 0])
        if level is not None and (
            group is not None
            or not start
            or raw[start - 1] in _BEFORE
            # Monolog writes "production.ERROR: x".
            or (raw[start - 1] == _DOT and raw.startswith(b": ", end))
        ):
            return level
        # It had the shape only, as "[main]" has; what closes it may open the next: "[a][b]".
        match = pattern.search(raw, max(end - 1, start + 1), _WINDOW)
    return Level.UNKNOWN

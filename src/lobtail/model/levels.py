"""How grave a line says that it is.

A JSON object says so in a field of its own (``_Probe`` has their names). In other text the first of
these within 256 bytes counts; the tables below have the words and the shapes:

* a word in capitals: ``ERROR: x``, ``- WARN -``, ``[12:00:00 INF]``
* a word of any case in brackets, ``[warn]``, ``[core:error]``; between tabs; in colour
* the value of a key: ``level=error``, ``lvl: "warn"``, but not in a URL (``?level=error``)
* a word of any case with a colon, at the beginning, behind a time, a bracket or another colon:
  ``fail: x``, ``[12:00:00] error: x``, ``ld: warning: x``
* a single letter where programs have one: klog's ``E0312 12:34:56``, ``[E 2024-01-01 …]``,
  ``] [E]``, ``12:00:00.123+0000 I NETWORK``
* at the beginning only, syslog's ``<3>`` and some sentences; the marks of redis and telegraf

A word in small letters in the midst of a text is prose, and says nothing.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from lobtail.errors import ConfigError
from lobtail.model.fields import json_object, without_odd_numbers

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


# Python 3.11 looks a member of an enum up by a call: 70 ns, for each line.
_UNKNOWN: Final = Level.UNKNOWN
_WINDOW: Final = 256  # bytes of text; a level stands at the front, behind it are only words

_ALIASES: Final = {
    Level.TRACE: "trace trc trce trac verbose verb vrb silly finest finer",
    Level.DEBUG: "debug dbg dbug debu fine debug1 debug2 debug3 debug4 debug5",
    Level.INFO: "info inf information informational notice note log success",
    Level.WARN: "warn warning wrn",
    Level.ERROR: "error err eror erro severe fail",
    Level.FATAL: "fatal ftl fata critical crit panic pnc pani dpanic alert emerg emergency",
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
    "v": Level.TRACE,
    "t": Level.TRACE,
    "d": Level.DEBUG,
    "i": Level.INFO,
    "n": Level.INFO,
    "w": Level.WARN,
    "e": Level.ERROR,
    "f": Level.FATAL,
    "c": Level.FATAL,
}

# Monolog's numbers: 100 is debug, 250 a notice, 550 an alert.
_HUNDREDS: Final = (Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL, Level.FATAL)
# OpenTelemetry's SeverityNumber: 1 to 4 are trace, 21 to 24 fatal.
_OTEL: Final = tuple(level for level in Level if level)
# Nextcloud's numbers.
_NEXTCLOUD: Final = (Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)


def _rank(value: object) -> Level:
    """Return the level of a field's value: a name, a letter, or a number."""
    if isinstance(value, str):
        level = _NAMES.get(value)
        if level is not None:
            return level
        value = value.strip().lower()
        level = _NAMES.get(value) or (_LETTERS.get(value) if len(value) == 1 else None)
        if level is not None:
            return level
        if not (value.isascii() and value.isdigit() and len(value) in (2, 3)):
            # slog has levels between its names: "ERROR+2", "DEBUG-4".
            return _NAMES.get(re.split(r"[+-]\d", value, maxsplit=1)[0], Level.UNKNOWN)
        value = int(value)
    if not isinstance(value, int | float) or value % 1:
        return _UNKNOWN
    if 100 <= value <= 600:
        return _HUNDREDS[int(value) // 100 - 1]
    # Numbers between the ranks are levels that a program adds to pino's.
    return _TENS.get(int(value // 10), Level.UNKNOWN) if abs(value) < 100 else Level.UNKNOWN


def _numbered(value: object, levels: tuple[Level, ...], each: int = 1) -> Level:
    """Return the level of a number in a scale of its own; ``each`` numbers are one level."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 3:
        value = int(value)
    if isinstance(value, int | float) and 0 <= value < len(levels) * each:
        return levels[int(value) // each]
    return _UNKNOWN


_ABSENT: Final = msgspec.Raw()  # for fields that need only be there: Raw builds no value

# A container of fields in which some loggers put the level.
_Inner: TypeAlias = "_Within | str | int | float | bool | list[Any] | None"


class _Within(msgspec.Struct, gc=False):
    level: Any = None
    severity: Any = None
    text: Any = None


class _Probe(msgspec.Struct, gc=False):
    """The fields of a JSON line that may tell its level; the others are skipped, not built."""

    level: Any = None
    severity: Any = None
    lvl: Any = None
    log_level_ecs: Any = msgspec.field(default=None, name="log.level")
    capital: Any = msgspec.field(default=None, name="Level")  # serilog
    capitals: Any = msgspec.field(default=None, name="LEVEL")
    hclog: Any = msgspec.field(default=None, name="@level")  # terraform, vault
    severity_capital: Any = msgspec.field(default=None, name="Severity")
    severity_capitals: Any = msgspec.field(default=None, name="SEVERITY")
    levelname: Any = None  # python-json-logger
    level_name: Any = None  # monolog, whose "level" is 100 to 600
    level_name_camel: Any = msgspec.field(default=None, name="levelName")
    loglevel: Any = None
    log_level: Any = None
    log_level_dash: Any = msgspec.field(default=None, name="log-level")
    camel: Any = msgspec.field(default=None, name="logLevel")
    pascal: Any = msgspec.field(default=None, name="LogLevel")  # .NET
    severity_text: Any = None
    otel: Any = msgspec.field(default=None, name="severityText")
    otel_pascal: Any = msgspec.field(default=None, name="SeverityText")
    priority_name: Any = msgspec.field(default=None, name="priority")
    clef: Any = msgspec.field(default=None, name="@l")
    zap: Any = msgspec.field(default=None, name="L")
    # Deeper, or in scales of their own.
    log: _Inner = None  # ECS
    fields: _Inner = None  # rust's tracing
    attributes: _Inner = None
    otel_number: Any = msgspec.field(default=None, name="severityNumber")
    otel_number_pascal: Any = msgspec.field(default=None, name="SeverityNumber")
    otel_number_snake: Any = msgspec.field(default=None, name="severity_number")
    priority: Any = msgspec.field(default=None, name="PRIORITY")  # journald
    levelno: Any = None  # python's, 10 below pino's
    short_message: msgspec.Raw = _ABSENT  # GELF, whose level is syslog's
    req_id: msgspec.Raw = msgspec.field(default=_ABSENT, name="reqId")  # nextcloud
    tags: Any = None  # kibana
    # MongoDB's three (https://www.mongodb.com/docs/manual/reference/log-messages/).
    s: Any = None
    c: msgspec.Raw = _ABSENT
    t: msgspec.Raw = _ABSENT
    clef_time: msgspec.Raw = msgspec.field(default=_ABSENT, name="@t")


_NAMED: Final = _Probe.__struct_fields__[: _Probe.__struct_fields__.index("log")]
_others: Final = attrgetter(*_NAMED[1:])
_rest: Final = attrgetter(*_Probe.__struct_fields__[len(_NAMED) :])
_NO_OTHERS: Final = _others(_Probe())
_NO_REST: Final = _rest(_Probe())
_PROBE: Final = msgspec.json.Decoder(_Probe)


_BROKEN: Final = (msgspec.DecodeError, ValueError)  # invalid UTF-8 is a ValueError


def _mended_probe(text: bytes) -> _Probe | None:
    text = without_odd_numbers(text) or b""
    try:
        return _PROBE.decode(text) if text else None
    except _BROKEN:
        return None


def _probe_level(probe: _Probe) -> Level:
    if probe.level is not None and (level := _rank(probe.level)):
        return level
    # Most lines that lack a "level" have nothing of all this.
    if (values := _others(probe)) != _NO_OTHERS:
        for value in values:
            if value is not None and (level := _rank(value)):
                return level
    if probe.level is None and _rest(probe) == _NO_REST:
        return _UNKNOWN
    return _deeper_level(probe) or _scaled_level(probe)


def _deeper_level(probe: _Probe) -> Level:
    for inner in (probe.log, probe.fields, probe.attributes):
        if isinstance(inner, _Within) and (level := _rank(inner.level) or _rank(inner.severity)):
            return level
    for value in (probe.level, probe.severity):  # {"level":{"name":"error"}}
        if isinstance(value, dict) and (level := _rank(value.get("name") or value.get("text"))):
            return level
    return _UNKNOWN


def _scaled_level(probe: _Probe) -> Level:
    level = Level.UNKNOWN
    for number in (probe.otel_number, probe.otel_number_pascal, probe.otel_number_snake):
        if isinstance(number, int | float):
            level = level or _numbered(number - 1, _OTEL, 4)
    level = level or _numbered(probe.priority, _SEVERITIES)
    if isinstance(probe.levelno, int):
        level = level or _rank(probe.levelno + 10)
    if probe.short_message is not _ABSENT:
        level = level or _numbered(probe.level, _SEVERITIES)
    elif probe.req_id is not _ABSENT:
        level = level or _numbered(probe.level, _NEXTCLOUD)
    if isinstance(probe.tags, list):
        level = level or max(map(_rank, probe.tags), default=level)
    if isinstance(probe.s, str) and probe.c is not _ABSENT and probe.t is not _ABSENT:
        level = level or _LETTERS.get(probe.s[:1].lower(), level)
    # "The absence of a level implies an informational event" (https://clef-json.org).
    return level or (Level.UNKNOWN if probe.clef_time is _ABSENT else Level.INFO)


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
    b"[System]": Level.INFO,  # mysql
    # server.c of redis: serverLogRaw, ".-*#" for debug, verbose, notice, warning.
    b".": Level.DEBUG,
    b"-": Level.DEBUG,
    b"*": Level.INFO,
    b"#": Level.WARN,
}

# What a runtime writes when a program fails, at the beginning of a line.
_SENTENCES: Final = {
    b"Unhandled exception": Level.ERROR,  # .NET, dart
    b"Exception in thread ": Level.ERROR,  # java, python
    b"Traceback (most recent call last)": Level.ERROR,  # python
    b"Uncaught ": Level.ERROR,  # node
    b"fatal error: ": Level.FATAL,  # go
    b"Fatal error": Level.FATAL,  # php, swift
    b"Error response from daemon": Level.ERROR,
    b"Error [": Level.ERROR,  # node
    b"Caused by: ": Level.ERROR,  # java
    b"thread 'main' panicked": Level.FATAL,  # rust
    b"Segmentation fault": Level.FATAL,
    b"Kernel panic": Level.FATAL,
}
_SENTENCE: Final = re.compile(b"|".join(map(re.escape, _SENTENCES)))
_SENTENCES_BEGIN: Final = frozenset(sentence[0] for sentence in _SENTENCES)

# In capitals these are also what people shout about, or mean something else.
_NOT_IN_CAPITALS: Final = {"success", "log", "silly", "verb", "fail"}


def _capitals() -> str:
    """Return a pattern of the words in capitals, an alternative for each first letter.

    Celery has "ERROR/MainProcess]" behind the word, npm "ERR!", asterisk and logrus "WARN[0012]".
    """
    words = sorted((name.upper() for name in _NAMES.keys() - _NOT_IN_CAPITALS), reverse=True)
    return "|".join(
        f"{first}(?:{'|'.join(word[1:] for word in words if word[0] == first)})"
        r"(?=[\s:\])|,;!*>\[]|-[\s*]|-$|/[A-Z][a-z]|$)"
        for first in sorted({word[0] for word in words})
    )


_SECOND: Final = (  # the seconds of a time and what may stand behind them
    r"[0-5]\d(?:[.,]\d{1,9}+)?+(?: ?+(?:Z|UTC|[AP]M|[+-]\d\d:?+\d\d))?+"
)
_TIMED: Final = (
    # 12:00:00.000Z error: x; [12:00:00] error: x; 12:00:00 | error | x
    r"[\] |\t:-]{1,6}+([A-Za-z]{3,13}+)(?=:(?:\s|$)| ?\||\s[\s\[|-])"
    r"|(?<=Z) ([A-Za-z]{3,13}+)(?= )"  # 2024-01-01T12:00:00Z info x
    # mongod, etcd and ray; logcat, with its numbers before
    r"| ([VTDINWEFC]) (?=[A-Z]{2}|[|-] |\d)| {0,5}+\d{1,7}+ {1,6}+\d{1,7}+ ([VDIWEF]) "
)
_ENDED: Final = r" ([A-Za-z]{3,13}+)(?=:\s)"  # ld: warning: x
_REDIS: Final = r"[MSCX] \d\d [A-Z][a-z][a-z] \d{4} [\d:.]{12} ([.*#-]) "  # 1:M 01 Jan ...
_VALUE: Final = r"""["']?+([A-Za-z]{3,13}+)(?![\w.:/])"""
_COLON_VALUE: Final = r"(?<=[lLyYeE\"']:) ?+" + _VALUE  # level: error; and text {"level":"error"}
# For speed each shape begins with a character as it is, no group and no set: then ``re`` passes
# over all bytes that begin none without a try. A try is dear, so what follows first is what fails
# soonest. No repeat gives back what it took (possessive), which bounds each try. The group is what
# tells the level; without one all of it does.
_SHAPES: Final = (
    _capitals(),
    r"LOG(?=:  | \[)",  # postgres, nest
    r"SUCCESS(?= *\|)",  # loguru
    r"PHP (?:Fatal error|Parse error|Warning|Deprecated|Notice)(?=:)",
    r"Warning(?=: )",  # (node:1) Warning: x; x.py:1: DeprecationWarning: x
    r"\[System\](?= \[MY-)",
    # [warn], [WARN ], [core:error]
    r"\[(?:[A-Za-z_]\w{0,32}+:)?+ {0,5}+([A-Za-z]{3,13}+) {0,9}+\]",
    r"\[([VTDIWEFC])\](?=[\s\[:])",  # ] [E] x
    r"\] ([A-Za-z]{3,13}+)(?=:\s)",  # unbound[1:0] error: x
    r"<([A-Z][a-z]{3,12}+)> ",  # clickhouse
    r"\t([A-Za-z]{3,13}+)\t",  # zap's console
    r"=(?<=[lLyYeE]=)" + _VALUE,  # level=error
    f":(?:{_SECOND}(?!:[0-9])(?:{_TIMED})|{_ENDED}|{_REDIS}|{_COLON_VALUE})",
)
# What may stand before a word in capitals.
_BEFORE: Final = frozenset(b" \t\r\v\f[](|:>,;*{<")
_BLANK: Final = frozenset(b" \t")
_DOT, _DASH, _SLASH, _EQUALS, _COLON, _BRACKET = b".-/=:["
# What may stand before a letter in brackets, but for a blank.
_BEFORE_LETTER: Final = frozenset(b"])0123456789zZ")

# From the colon to the value: a blank and a quote.
_KEY_TO_VALUE: Final = 3
# The keys of a level, in small letters and without dots, dashes and the like: log.level, @level.
_KEYS: Final = frozenset(b"level lvl loglevel severity levelname severitytext".split())
_IN_KEY: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-")
_NOT_BEFORE_KEY: Final = frozenset(b"?&;/%")

# Only at the beginning.
_BEGIN: Final = re.compile(
    rb"([A-Za-z]{3,13}+):(?!/)"  # fail: x
    rb"|npm ([a-z]{4,9}+) "
    rb"|([IWEF])\d{4}(?:\d\d){0,2}+ \d\d:\d\d:\d\d"  # klog, cockroach
    rb"|\[([TDIWEFC]) (?:\d{4}-\d\d-\d\d|\d{6}) \d\d:"  # jupyter, tornado
    rb"|<(\d{1,3}+)>"  # syslog
    rb"|- ([a-z]{4,5}+) "  # next
    rb"|=(?:[A-Z]+ )?([A-Z]{4,8}+) REPORT="  # erlang
    rb"|Zigbee2MQTT:([a-z]{4,7}+) "
)
# What a request and a browser say of themselves is no level.
_ACCESS: Final = re.compile(rb"[\da-f.:]{2,45}+ \S{1,60}+ \S{1,60}+ \[\d\d/[A-Z][a-z]{2}/\d{4}:")
_FAULTS: Final = (b"Error", b"Exception")
_LONGEST_NAME: Final = 120
_PRIORITY: Final = 5  # of its groups, that of syslog
_LAST_PRIORITY: Final = 191  # facility 23, severity 7
_TELEGRAF: Final = slice(19, 24)  # of "2024-01-01T00:00:00Z E! x"
_MARKS: Final = {f"Z {mark.upper()}! ".encode(): level for mark, level in _LETTERS.items()}

_LETTER_MARKS: Final = {letter.upper().encode(): level for letter, level in _LETTERS.items()}
_ESCAPE: Final = 0x1B

_OBJECT_BEGINS: Final = frozenset(b"{ \t\r\n\xef")
_BEGINS: Final = frozenset(b"<[-=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SGR: Final = re.compile(rb"\x1b\[[\d;:]*+m")
_COLORED: Final = re.compile(
    rb"\x1b\[[\d;:]{1,20}+m {0,9}+([A-Za-z]{3,13}+)(?=[\s:\]]{0,9}+\x1b|:)"
)


def detect_level(raw: bytes) -> Level:
    """Return the level that a line names for itself, ``UNKNOWN`` if it does not.

    A JSON object answers by its own fields only, never by the words in its texts; JSON that
    ``parse_fields`` takes for plain text is searched as such. Never raises.
    """
    if not raw:
        return _UNKNOWN
    if raw[0] in _OBJECT_BEGINS:
        text = json_object(raw)
        if text is not None:
            try:
                probe: _Probe | None = _PROBE.decode(text)
            except _BROKEN:
                probe = _mended_probe(text)
            if probe is not None:
                return _probe_level(probe)
    if _ESCAPE in raw:
        raw = raw[: 2 * _WINDOW]
        for match in _COLORED.finditer(raw):
            if (level := _WORDS.get(match[1])) is not None:
                return level
        raw = _SGR.sub(b"", raw) or b" "
    if raw[0] in _BEGINS:
        begin = _BEGIN.match(raw)
        if begin is not None and (level := _begin_level(begin)) is not None:
            return level
        return _shaped_level(raw) or _level_of_fault(raw)
    level = _MARKS.get(raw[_TELEGRAF])
    if level is None and (_BRACKET not in raw or _ACCESS.match(raw) is None):
        level = _shaped_level(raw)
    return level or _UNKNOWN


def _level_of_fault(raw: bytes) -> Level:
    """Return the level of a line that begins with what a runtime says when a program fails."""
    if raw[0] in _SENTENCES_BEGIN and (match := _SENTENCE.match(raw)) is not None:
        return _SENTENCES[match[0]]
    # ValueError: x; java.lang.IllegalStateException: x
    end = raw.find(b": ", 0, _LONGEST_NAME)
    named = raw.endswith(_FAULTS, 0, end) and raw.find(b" ", 0, end) < 0
    return Level.ERROR if named else _UNKNOWN


def _begin_level(match: re.Match[bytes]) -> Level | None:
    word = match[match.lastindex or 0]
    if match.lastindex == _PRIORITY:
        number = int(word)
        return _SEVERITIES[number & 7] if number <= _LAST_PRIORITY else None
    return _LETTER_MARKS.get(word) if len(word) == 1 else _WORDS.get(word)


@cache
def _shapes() -> re.Pattern[bytes]:
    # Compiled at the first line that is looked at: many a run looks at none.
    return re.compile("|".join(_SHAPES).encode())


def _shaped_level(raw: bytes) -> Level:
    pattern = _shapes()
    match = pattern.search(raw, 0, _WINDOW)
    while match is not None:
        start, end = match.span()
        group = match.lastindex
        word = match[group or 0]
        level = _WORDS.get(word) or _LETTER_MARKS.get(word)
        if (
            level is not None
            and (
                (
                    group is None and start and raw[start - 1] in _BEFORE
                )  # most are, so it comes first
                or raw[start - 6 : start] == b" level"
                or _stands_well(raw, match, start, end)
            )
        ):
            return level
        # It had the shape only, as "[main]" has, and what follows may be a level by itself.
        pos = match.start(match.lastindex) if match.lastindex else end
        match = pattern.search(raw, max(pos, start + 1), _WINDOW)
    return _UNKNOWN


def _stands_well(raw: bytes, match: re.Match[bytes], start: int, end: int) -> bool:
    """Tell whether what has the shape of a level stands where one does."""
    first = raw[start]
    before = raw[start - 1] if start else None
    if match.lastindex is None:
        if before is None or before in _BEFORE or first == _BRACKET:
            return True
        if before == _DASH:  # -ERROR-
            return start == 1 or raw[start - 2] in _BLANK
        if before == _SLASH:  # [Server thread/INFO]
            return raw[end : end + 1] == b"]"
        # Monolog writes "production.ERROR: x".
        return (before == _DOT and raw.startswith(b": ", end)) or match[0] == b"Warning"
    if first == _BRACKET and end - start == 3:  # [E]
        place = start - 1 if before in _BLANK else start
        return place <= 0 or raw[place - 1] in _BEFORE_LETTER
    group = match.start(match.lastindex) - start
    if first == _EQUALS or (first == _COLON and group <= _KEY_TO_VALUE):
        # Else it ended a word, as in "ld: warning: x".
        ended = raw[end : end + 1] == b":"
        quoted = before is not None and before in b"\"'"
        return ended or _is_level_key(raw, start - quoted)
    return True


def _is_level_key(raw: bytes, end: int) -> bool:
    start = end
    while start and raw[start - 1] in _IN_KEY:
        start -= 1
    if start and raw[start - 1] in _NOT_BEFORE_KEY:
        return False
    key = raw[start:end].lower().translate(None, b"_.@-")
    return key in _KEYS or key.endswith(b"level")

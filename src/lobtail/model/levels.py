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
* in an access log the status of the answer: from 500 on an error, from 400 on a warning

A word in small letters in the midst of a text is prose, and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from operator import attrgetter
from string import ascii_letters
from typing import Any, Final, TypeAlias

import msgspec

from lobtail.errors import ConfigError
from lobtail.model.fields import json_object, without_odd_numbers

__all__ = ["Level", "detect_level", "detect_levels"]


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
_TOGETHER: Final = 64  # lines that are looked at at once
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

# What the status of an HTTP answer begins with.
_STATUSES: Final = {
    **dict.fromkeys((b"1", b"2", b"3"), Level.UNKNOWN),
    b"4": Level.WARN,
    b"5": Level.ERROR,
}

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


class _Front(msgspec.Struct, gc=False):
    """The fields that most JSON lines are decided by: each field to look for takes time."""

    level: Any = None
    logger: Any = None
    status: Any = None
    downstream: Any = msgspec.field(default=None, name="DownstreamStatus")


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
    otlp: msgspec.Raw = msgspec.field(default=_ABSENT, name="resourceLogs")
    # Of a request, in an access log without levels.
    method: msgspec.Raw = _ABSENT
    request_method: msgspec.Raw = _ABSENT
    status: Any = None


_NAMED: Final = _Probe.__struct_fields__[: _Probe.__struct_fields__.index("log")]
_others: Final = attrgetter(*_NAMED[1:])
_rest: Final = attrgetter(*_Probe.__struct_fields__[len(_NAMED) :])
_NO_REST: Final = _rest(_Probe())
_FRONT: Final = msgspec.json.Decoder(_Front)
_PROBE: Final = msgspec.json.Decoder(_Probe)
_SEVERITY_NUMBER: Final = re.compile(rb'"severityNumber": ?(\d{1,2})')


_BROKEN: Final = (msgspec.DecodeError, ValueError)  # invalid UTF-8 is a ValueError


def _json_level(text: bytes) -> Level | None:
    """Return the level of a JSON object; None if it is none."""
    try:
        front = _FRONT.decode(text)
        if front.level is not None and (level := _rank(front.level)):
            return _level_of_access(front, level) if level is Level.INFO else level
        return _probe_level(_PROBE.decode(text))
    except _BROKEN:
        mended = without_odd_numbers(text)
        return _json_level(mended) if mended else None


def _level_of_access(front: _Front, level: Level) -> Level:
    """Return the level of a line of Traefik's or Caddy's access log, whose own is always "info"."""
    status = front.downstream
    if status is None and isinstance(front.logger, str):
        status = front.status if front.logger.startswith("http.log.access") else None
    return level if status is None else _level_of_status(status) or level


def _level_of_status(status: object) -> Level:
    """Return the level of an HTTP status, a number or its digits; ``UNKNOWN`` below 400."""
    digits = str(status).encode()
    return _STATUSES.get(digits[:1], _UNKNOWN) if len(digits) == 3 else _UNKNOWN


def _probe_level(probe: _Probe) -> Level:
    # Most lines that lack a "level" have nothing of all this.
    if any(values := _others(probe)):
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
    # MongoDB's first, for it is by far the most frequent.
    if isinstance(probe.s, str) and probe.c is not _ABSENT and probe.t is not _ABSENT:
        return _LETTERS.get(probe.s[:1].lower(), _UNKNOWN)
    for number in (probe.otel_number, probe.otel_number_pascal, probe.otel_number_snake):
        if isinstance(number, int | float) and (level := _numbered(number - 1, _OTEL, 4)):
            return level
    return (
        _numbered(probe.priority, _SEVERITIES)
        or (_rank(probe.levelno + 10) if isinstance(probe.levelno, int) else _UNKNOWN)
        or _level_by_maker(probe)
    )


def _level_by_maker(probe: _Probe) -> Level:
    """Return the level of a line that another field tells the maker of."""
    if probe.short_message is not _ABSENT:
        return _numbered(probe.level, _SEVERITIES)
    if probe.req_id is not _ABSENT:
        return _numbered(probe.level, _NEXTCLOUD)
    if isinstance(probe.tags, list) and (level := max(map(_rank, probe.tags), default=_UNKNOWN)):
        return level
    if probe.otlp is not _ABSENT:
        numbers = map(int, _SEVERITY_NUMBER.findall(probe.otlp))
        return _numbered(max(numbers, default=0) - 1, _OTEL, 4)
    if probe.method is not _ABSENT or probe.request_method is not _ABSENT:
        return _level_of_status(probe.status)
    # "The absence of a level implies an informational event" (https://clef-json.org).
    return _UNKNOWN if probe.clef_time is _ABSENT else Level.INFO


# What a level in text looks like. -----------------------------------------------------------

_WORDS: Final = {
    form.encode(): level
    for name, level in _NAMES.items()
    for form in (name, name.upper(), name.title(), f"{name.upper()} REPORT")
} | {
    **{letter.upper().encode(): level for letter, level in _LETTERS.items()},
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
    # Of erlang, beside those of its levels.
    b"CRASH REPORT": Level.ERROR,
    b"SUPERVISOR REPORT": Level.ERROR,
    b"PROGRESS REPORT": Level.INFO,
    **dict(zip((b"Em", b"Al", b"Cr", b"Er", b"Wa", b"No", b"In", b"Db"), _SEVERITIES, strict=True)),
    b"[Recovery]": Level.ERROR,  # gin
    b"http: panic": Level.ERROR,  # go
    **_STATUSES,
}

# What a runtime writes when a program fails, at the beginning of a line.
_SENTENCES: Final = {
    rb"Unhandled exception": Level.ERROR,  # .NET, dart
    rb"Process terminated\. ": Level.FATAL,  # .NET
    rb"Exception in thread ": Level.ERROR,  # java, python
    rb"Traceback \(most recent call last\)": Level.ERROR,  # python
    rb"Fatal Python error: ": Level.FATAL,
    rb"Uncaught ": Level.ERROR,  # node
    rb"\[UnhandledPromiseRejection: ": Level.ERROR,
    rb"<--- Last few GCs": Level.FATAL,
    rb"\[pid: [^(]*+\([^(]*+\(HTTP/\d\.\d 5\d\d\)": Level.ERROR,  # uwsgi
    rb"\[pid: [^(]*+\([^(]*+\(HTTP/\d\.\d 4\d\d\)": Level.WARN,
    rb"fatal error: ": Level.FATAL,  # go
    rb"SIG(?:QUIT|ABRT|SEGV): ": Level.FATAL,
    rb"\[GIN-debug\] ": Level.DEBUG,
    rb"Fatal error": Level.FATAL,  # php, swift
    rb"(?:docker: )?Error response from daemon": Level.ERROR,
    rb"Caused by: ": Level.ERROR,  # java
    rb"thread '[^']{0,64}+' (?:\(\d+\) )?panicked": Level.FATAL,  # rust
    rb"\*\* \([A-Z][\w.]*+\) ": Level.ERROR,  # elixir
    rb"make: \*\*\* ": Level.ERROR,
    rb"Segmentation fault": Level.FATAL,
    rb"Kernel panic": Level.FATAL,
}
# The empty group tells which it is; behind the text, so that its first character is seen first.
_SENTENCE: Final = re.compile(b"|".join(b"%b()" % sentence for sentence in _SENTENCES))
_LEVELS_OF_SENTENCES: Final = tuple(_SENTENCES.values())
_SENTENCES_BEGIN: Final = frozenset(b"UPETF[<fSdCt*mK")
# Few lines that begin with a blank are no continuations: those of python and next.
_INDENTED_ERRORS: Final = (b"  + Exception Group Traceback", " ⨯ ".encode())
# A letter begins the name of an exception, a slash that of ruby's file.
_FAULTS_BEGIN: Final = _SENTENCES_BEGIN | frozenset(b"/" + ascii_letters.encode())

# In capitals these are also what people shout about, or mean something else.
_NOT_IN_CAPITALS: Final = {"success", "log", "silly", "verb", "fail"}


def _by_first_letter(words: Iterable[str], first: str, rest: str) -> str:
    """Return a pattern of words with an alternative for each first letter, the longest first."""
    ordered = sorted(words, reverse=True)
    return "|".join(
        first.format(letter, letter.upper())
        + rest.format("|".join(word[1:] for word in ordered if word[0] == letter))
        for letter in sorted({word[0] for word in ordered})
    )


# Celery has "ERROR/MainProcess]" behind the word, npm "ERR!", asterisk and logrus "WARN[0012]".
_CAPITALS: Final = _by_first_letter(
    (name.upper() for name in _NAMES.keys() - _NOT_IN_CAPITALS),
    "{}",
    r"(?:{})(?=[\s:\])|,;!*>\[]|-[\s*]|-$|/[A-Z][a-z]|$)",
)
_WORD: Final = "([A-Za-z]{3,13}+)"
# Where many words have the shape, to look for the level's own saves a look at each in Python.
_SMALL: Final = _by_first_letter(filter(str.isalpha, _NAMES), "{}", "(?:{})")
_BRACKETED: Final = _by_first_letter(filter(str.isalpha, _NAMES), "[{}{}]", "(?i:{})")

_SECOND: Final = (  # the seconds of a time and what may stand behind them
    r"[0-5]\d(?:[.,]\d{1,9}+)?(?: ?+(?:Z|UTC|[AP]M|[+-]\d\d:?+\d\d))?"
)
_TIMED: Final = (
    r" (http: panic)(?= serving )"  # go
    # 12:00:00.000Z error: x; [12:00:00] error: x; 12:00:00 | error | x
    rf"|[\] |\t:-]{{1,6}}+{_WORD}(?=:(?:\s|$)| ?\||\s[\s\[|-])"
    r"| (?:"
    rf"(?P<plain>{_SMALL})(?= )"  # 2024-01-01T12:00:00Z info x; 2016-06-30 12:00:06 warn x
    # mongod, etcd and ray; logcat, with its numbers before
    r"|([VTDINWEFC]) (?=[A-Z]{2}|[|-] |\d)| {0,4}+\d{1,7}+ {1,6}+\d{1,7}+ ([VDIWEF]) "
    r"|(Em|Al|Cr|Er|Wa|No|In|Db)(?=\(\d{1,3}\)[ \[])"  # vsphere
    # busybox: host daemon.err crond[7]: x
    r"|[\w.-]++ (?:user|daemon|kern|cron|auth|authpriv|mail|syslog|local[0-7])\.([a-z]{3,6}+) "
    r"|\| ([1-5])\d\d \| "  # gin
    r"""|"(?=[A-Z]{3,12}+ /))"""  # the access log of php-fpm; the status is behind the request
    r"|\] (?:"
    r"""\"(?=[A-Z]{3,12}+ [/*h\[]|-" |\\x)"""  # of apache, nginx, traefik, envoy, django, …
    r"|[\w.~-]{1,60}+ [\w./<>-]{1,90}+ [-+\d]++(?:/[-+\d]++){4} ([1-5])\d\d [+\d])"  # haproxy
)
# What follows a word of prose: "2016-06-30 12:00:06 error handling is off".
_PROSE: Final = re.compile(
    rb" (?:\S{0,9}(?:handl|count|rate|mode|page|level|log|message|about)|(?:is|was|in) )"
)
_PLAIN: Final = frozenset(
    b"verbose trace debug info notice warn warning error fatal critical".split()
)
_DATE: Final = re.compile(rb"\d\d-\d\d[ T]\d\d:\d\d")

_ENDED: Final = rf" {_WORD}(?=:\s)"  # ld: warning: x
_REDIS: Final = r"[MSCX] \d\d [A-Z][a-z][a-z] \d{4} [\d:.]{12} ([.*#-]) "  # 1:M 01 Jan ...
_VALUE: Final = rf"""["']?+{_WORD}(?![\w.:/])"""
_COLON_VALUE: Final = r"(?<=[lLyYeE\"']:) ?+" + _VALUE  # level: error; and text {"level":"error"}
# For speed each shape begins with a character as it is, no group and no set: then ``re`` passes
# over all bytes that begin none without a try. A try is dear, so what follows first is what fails
# soonest. No repeat gives back what it took (possessive), which bounds each try. The group is what
# tells the level; without one all of it does.
_SHAPES: Final = (
    _CAPITALS,
    r"LOG(?=:  | \[)",  # postgres, nest
    r"SUCCESS(?= *\|)",  # loguru
    r"PHP (?:Fatal error|Parse error|Warning|Deprecated|Notice)(?=:)",
    r"Warning(?=: )",  # (node:1) Warning: x; x.py:1: DeprecationWarning: x
    r"\[System\](?= \[MY-)",
    r"\[Recovery\](?= \d{4}/)",
    # [warn], [WARN ], [core:error], [core:trace3]
    rf"\[(?:[A-Za-z_]\w{{0,32}}+:)? {{0,5}}+(?=[A-Za-z])({_BRACKETED})[1-8]?+ {{0,9}}+\]",
    r"\[([VTDIWEFC])\](?=[\s\[:])",  # ] [E] x
    rf"\] {_WORD}(?=:\s)",  # unbound[1:0] error: x
    r"<([A-Z][a-z]{3,12}+)> ",  # clickhouse
    rf"\t{_WORD}\t",  # zap's console
    rf"=(?<=[lLyYeE]=){_VALUE}",  # level=error
    f":(?:{_SECOND}(?!:[0-9])(?:{_TIMED})|{_ENDED}|{_REDIS}|{_COLON_VALUE})",
)
# What may stand before a word in capitals.
_BEFORE: Final = frozenset(b" \t\r\v\f[]()|:>,;*{<")
_BLANKS: Final = frozenset(b" \t")
_DOT, _DASH, _SLASH, _BACKSLASH, _EQUALS, _COLON, _QUOTE = b'.-/\\=:"'
_BRACE, _BRACKET, _BLANK, _ZERO, _NINE, _ZULU = b"{[ 09Z"
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
    rb"|([DINWEC]) \[\d\d/[A-Z][a-z]{2}/\d{4}:"  # cups
    rb"|([IWEF])\d{4}(?:\d\d){0,2} \d\d:\d\d:\d\d"  # klog, cockroach
    rb"|\[([TDIWEFC]) (?:(?:\d{4}-\d\d-\d\d|\d{6}) )?\d\d:\d\d:"  # jupyter, tornado
    rb"|<(\d{1,3}+)>"  # syslog
    rb"|- ([a-z]{4,5}+) "  # next
    rb"|=((?:[A-Z]{4,10}+ )?REPORT)="  # erlang
    rb"|Zigbee2MQTT:([a-z]{4,7}+) "
)
_REQUESTED: Final = re.compile(rb"\[\d\d/[A-Z][a-z]{2}/\d{4}:")
_FAULTS: Final = (b"Error", b"Exception")
_FAULTS_ENDED: Final = (b"Error)", b"Exception)")
_LONGEST_NAME: Final = 120
_LONGEST_REQUEST: Final = 16 * 1024  # twice what nginx and Apache take
_PRIORITY: Final = 6  # of its groups, that of syslog
_LAST_PRIORITY: Final = 191  # facility 23, severity 7
_TELEGRAF: Final = slice(19, 24)  # of "2024-01-01T00:00:00Z E! x"
_MARKS: Final = {f"Z {mark.upper()}! ".encode(): level for mark, level in _LETTERS.items()}
# Behind 2024-01-01T12:00 begins what may tell a level.
_STAMPED: Final = slice(4, 17, 3)
_STAMPS: Final = frozenset((b"--T::", b"-- ::", b"// ::", b".. ::"))
_TO_SECOND: Final = 16
_ESCAPE: Final = 0x1B

_OBJECT_BEGINS: Final = frozenset(b"{ \t\r\n\xef")
# Where a word begins the line, a colon is near; npm and next do without.
_LONGEST_BEGIN: Final = 15
_WITHOUT_COLON: Final = frozenset(b"<[-=n")
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
    first = raw[0]
    if first in _OBJECT_BEGINS and _BRACE in raw:
        text = json_object(raw)
        if text is not None and (level := _json_level(text)) is not None:
            return level
    if _ESCAPE in raw:
        raw = raw[: 2 * _WINDOW]
        if (level := _colored_level(raw)) is not None:
            return level
        raw = _SGR.sub(b"", raw) or b" "
        first = raw[0]
    if _ZERO <= first <= _NINE and raw[_STAMPED] in _STAMPS:
        return _MARKS.get(raw[_TELEGRAF]) or _shaped_level(raw, _TO_SECOND)
    if first in _BEGINS:
        if _COLON in raw[:_LONGEST_BEGIN] or first in _WITHOUT_COLON:
            begin = _BEGIN.match(raw)
            if begin is not None and (level := _begin_level(raw, begin)) is not None:
                return level
    elif (at := raw.find(b'] "', 27, _WINDOW)) > 0 and raw[at - 24] == raw[at - 20] == _SLASH:
        # [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" 200: what a request and a browser say of
        # themselves is no level.
        return _level_of_answer(raw, at + 3) or _UNKNOWN
    return _shaped_level(raw) or _level_of_fault(raw, first)


def detect_levels(raws: list[bytes]) -> list[Level]:
    """Return the ``detect_level`` of each line.

    Most lines of many logs name none: a few dozen together are seen to have nothing that may be one
    in a third of the time.
    """
    search = _any_level().search
    levels: list[Level] = []
    for start in range(0, len(raws), _TOGETHER):
        some = raws[start : start + _TOGETHER]
        text = b"\n%b\n" % b"\n".join(some)
        # A longer line is looked at in part, so its end is not that of the text.
        if max(map(len, some)) <= _WINDOW and search(text) is None:
            levels += [_UNKNOWN] * len(some)
        else:
            levels += map(detect_level, some)
    return levels


@cache
def _any_level() -> re.Pattern[bytes]:
    """Return a pattern that is found in lines, newlines around them, if one may have a level.

    Where there are newlines, patterns that end with a line find more, never less.
    """
    begins = rb"\n(?:[ \t\r\xef\xbb\xbf]*+\{|%b|%b)" % (_BEGIN.pattern, _SENTENCE.pattern)
    begins += rb"|\n \xe2\xa8\xaf "
    others = rb"\x1b|Z [A-Z]! |Error|Exception|\] \""
    return re.compile(b"|".join((begins, "|".join(_SHAPES).encode(), others)))


def _colored_level(raw: bytes) -> Level | None:
    for match in _COLORED.finditer(raw):
        if (level := _WORDS.get(match[1])) is not None:
            return level
    return None


def _begin_level(raw: bytes, match: re.Match[bytes]) -> Level | None:
    word = match[match.lastindex or 0]
    if match.lastindex != _PRIORITY:
        return _WORDS.get(word)
    number = int(word)
    if number > _LAST_PRIORITY:
        return None
    # Servers log all requests with the same priority.
    requested = _REQUESTED.search(raw, 0, _WINDOW) is not None
    return (requested and _shaped_level(raw)) or _SEVERITIES[number & 7]


def _level_of_fault(raw: bytes, first: int) -> Level:
    """Return the level of a line that begins with what a runtime says when a program fails."""
    if first not in _FAULTS_BEGIN:
        indented = first == _BLANK and raw.startswith(_INDENTED_ERRORS)
        return Level.ERROR if indented else _UNKNOWN
    if first in _SENTENCES_BEGIN and (match := _SENTENCE.match(raw)) is not None:
        return _LEVELS_OF_SENTENCES[(match.lastindex or 0) - 1]
    # ValueError: x; java.lang.IllegalStateException: x; TypeError [ERR_X]: x
    end = raw.find(b" ", 0, _LONGEST_NAME)
    if end > 0:
        colon = raw[end - 1] == _COLON
        if (colon or raw[end + 1 : end + 2] == b"[") and raw.endswith(_FAULTS, 0, end - colon):
            return Level.ERROR
    # order.rb:12:in `accept': x (RuntimeError)
    return Level.ERROR if raw.endswith(_FAULTS_ENDED) and b":in " in raw else _UNKNOWN


@cache
def _shapes() -> re.Pattern[bytes]:
    # Compiled at the first line that is looked at: many a run looks at none.
    return re.compile("|".join(_SHAPES).encode())


def _shaped_level(raw: bytes, pos: int = 0) -> Level:
    pattern = _shapes()
    match = pattern.search(raw, pos, _WINDOW)
    while match is not None:
        start, end = match.span()
        group = match.lastindex
        level = _WORDS.get(match[group or 0])
        if level is None:
            if group is None and raw[end - 1] == _QUOTE:
                level = _level_of_answer(raw, end)
                if level is not None:
                    return level
        elif (
            (group is None and start and raw[start - 1] in _BEFORE)  # most are, so it comes first
            or raw[start - 6 : start] == b" level"
            or _stands_well(raw, match, start, end)
        ):
            return level
        # It had the shape only, and what follows may be a level by itself.
        pos = match.start(group) if group else end
        match = pattern.search(raw, max(pos, start + 1), _WINDOW)
    return _UNKNOWN


def _level_of_answer(raw: bytes, pos: int) -> Level | None:
    """Return the level of the status behind a request that goes on at ``pos``; None without one."""
    stop = pos + _LONGEST_REQUEST
    end = raw.find(b'" ', pos, stop)
    # Apache's form of a quote in the request; nginx writes \\x22.
    while end > 0 and raw[end - 1] == _BACKSLASH:
        end = raw.find(b'" ', end + 1, stop)
    return _STATUSES.get(raw[end + 2 : end + 3]) if end > 0 else None


def _stands_well(raw: bytes, match: re.Match[bytes], start: int, end: int) -> bool:
    """Tell whether what has the shape of a level stands where one does."""
    first = raw[start]
    before = raw[start - 1] if start else None
    if match.lastindex is None:
        if before is None or before in _BEFORE or first == _BRACKET:
            return True
        if before == _DASH:  # -ERROR-
            return start == 1 or raw[start - 2] in _BLANKS
        if before == _SLASH:  # [Server thread/INFO]
            return raw[end : end + 1] == b"]"
        # Monolog writes "production.ERROR: x".
        return (before == _DOT and raw.startswith(b": ", end)) or match[0] == b"Warning"
    if first == _BRACKET and end - start == 3:  # [E]
        place = start - 1 if before in _BLANKS else start
        return place <= 0 or raw[place - 1] in _BEFORE_LETTER
    group = match.start(match.lastindex) - start
    if match.lastgroup == "plain":
        return _PROSE.match(raw, end) is None and (
            raw[start + group - 2] == _ZULU
            or (match["plain"] in _PLAIN and _DATE.match(raw, max(start - 11, 0)) is not None)
        )
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

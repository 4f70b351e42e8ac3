"""What the beginning of a line tells: whether it has a time or a level, or may continue another."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from lobtail.entries.rules import RULES

__all__ = [
    "PREFIX",
    "Shape",
    "begins_itself",
    "has_time",
    "is_closed",
    "is_fault",
    "is_qualified_fault",
    "shape_of",
]

PREFIX: Final = 5
"""How many bytes of a line tell its shape."""


class Shape(IntEnum):
    """What the first bytes of a line tell."""

    STAMPED = 0
    """It has a time or a level, so it begins an entry."""
    PLAIN = 1
    """It may continue one, but only where the container's lines usually have times."""
    ODD = 2
    """A rule may hold for it."""


# Times, levels and the like, as far as so few bytes show them for certain.
_SURE: Final = re.compile(
    rb"\d{4}[-/.]|\[\d{4}-|\d\d:\d\d|\[\d\d:\d|[IWEF]\d{4}|\{[\"]|\d{1,3}\.\d|<\d{1,3}>|\d\d/[A-Z]"
    rb"|time=|ts=\d|level|\[[IWED] \d|\d+:[MSCX] |\d{5}"
    rb"|\[(?:INFO|WARN|ERRO|DEBU|TRAC|FATA|info|warn|erro|debu)|INFO |WARN |DEBUG|TRACE"
)
# How far from its beginning a line has its time and its level.
_WINDOW: Final = 64
_TIME: Final = re.compile(
    rb"(?<![\w.:-])\d(?:\d:\d\d:\d\d|\d{3}[-/.]\d\d[-/.]\d\d|\d{9}(?!\d{4})|\d-[A-Z][a-z]{2}-\d{4}|\d?:\d\d[AP]M"
    rb"|\d?/[A-Z][a-z]{2}/\d{4}|\d/\d\d/\d{4}|\d{5} \d\d?:\d\d|\d [A-Z][a-z]{2} \d{4})"
    rb"|(?<![\w.])[A-Z][a-z]{2} [ \d]\d[, ]\d?"
)
# Times that only the beginning of a line makes certain.
_MARK: Final = re.compile(
    rb"<\d{1,3}>|[IWEFD]\d{4}|[A-Z], \[|=[A-Z ]+ REPORT|(?:time|ts|t)=|[A-Z] (?:\d{4}|\d\d:)"
    rb"|\[[IWEDCT] \d"
)
_CAPITALS: Final = (
    rb"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRIT(?:ICAL)?|SEVERE|ALERT|PANIC|FINE\w*"
    rb"|CONFIG|LOG|INF|WRN|ERR|DBG|FTL)(?=[\]:)>|\s/!]|\x1b|$)"
)
_LEVEL: Final = re.compile(rb"(?<![\w./=-])" + _CAPITALS)
# What a line of its own begins with.
_BEGIN: Final = re.compile(
    rb"[\[(<|]?(?:\x1b\[[\d;]*m)*+(?:trce|dbug|info|warn|fail|crit|trace|debug|warning|error|notice"
    rb"|fatal|emerg|alert|silly|verbose)(?=[\]:)>|\s/!]|\x1b|$)"
    rb"|\S{1,40}:\s*[\[(]?(?:info|warn|error|debug|emerg|notice|alert|crit)\b(?=[\]:)\s])"
    rb"|\{\"|[a-z_.]+=[^\s=]|[\da-f.:]{7,45} |\[[A-Z][A-Za-z-]{1,20}\][ :]|PHP [A-Z]|AH\d{5}: "
    rb"|\S{1,60}:" + _CAPITALS
)
_SGR: Final = re.compile(rb"\x1b\[[\d;]*m")
_CLOSED: Final = re.compile(
    rb"\{.*\}\s*$|\[\d\d/[A-Z][a-z]{2}/\d{4} [\d:]+\] \"|[\da-f.:]{7,45} \S+ \S+ \["
)
_FAULT: Final = re.compile(
    rb"(?:[A-Za-z_$][\w$]*+(?:\.|::|/|\\))*+[\w$]*?(?:Exception|Error|Throwable|Failure)"
    rb"\w*(?: \[\w+\])?(?::|$| in | \()|\*\* \("
)
_QUALIFIED: Final = re.compile(rb"(?:\w+\.)+\w*(?:Exception|Error)\b")
# Blank or indented lines, and those for which there are rules.
_ODD: Final = frozenset(b" \t\r")
_TEXTS: Final = tuple({text.encode()[:PREFIX] for rule in RULES for text in rule.texts})
_SHORT: Final = tuple(text for text in _TEXTS if len(text) < PREFIX)
_FULL: Final = frozenset(_TEXTS)


def shape_of(prefix: bytes) -> Shape:
    """Return what the first ``PREFIX`` bytes of a line tell; all of it, if it is shorter."""
    if not prefix or prefix[0] in _ODD or prefix in _FULL:
        return Shape.ODD
    if _SURE.match(prefix):
        return Shape.STAMPED
    return Shape.ODD if prefix.startswith(_SHORT) else Shape.PLAIN


def begins_itself(raw: bytes) -> bool:
    """Tell whether a line has a time or a level at its beginning, or is a JSON object."""
    raw = _start(raw)
    return (
        _TIME.search(raw) is not None
        or _MARK.match(raw) is not None
        or _LEVEL.search(raw) is not None
        or _BEGIN.match(raw) is not None
    )


def has_time(raw: bytes) -> bool:
    """Tell whether a line has a time at its beginning."""
    raw = _start(raw)
    return _TIME.search(raw) is not None or _MARK.match(raw) is not None


def _start(raw: bytes) -> bytes:
    raw = raw[: 2 * _WINDOW].lstrip(b" \t")
    return (_SGR.sub(b"", raw) if b"\x1b" in raw else raw)[:_WINDOW]


def is_closed(raw: bytes) -> bool:
    """Tell whether a line is of a form in which nothing is left to say: JSON, an access log."""
    return _CLOSED.match(raw) is not None


def is_qualified_fault(raw: bytes) -> bool:
    """Tell whether a line begins with the name of an exception and its package."""
    return _QUALIFIED.match(raw, 0, 200) is not None


def is_fault(raw: bytes) -> bool:
    """Tell whether a line begins with the name of an exception."""
    return _FAULT.match(raw, 0, 200) is not None

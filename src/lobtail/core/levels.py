"""How grave a line says that it is."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

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


_NAMES: Final = {
    b"trace": Level.TRACE,
    b"debug": Level.DEBUG,
    b"info": Level.INFO,
    b"note": Level.INFO,
    b"notice": Level.INFO,
    b"warn": Level.WARN,
    b"warning": Level.WARN,
    b"err": Level.ERROR,
    b"error": Level.ERROR,
    b"crit": Level.FATAL,
    b"critical": Level.FATAL,
    b"fatal": Level.FATAL,
    b"panic": Level.FATAL,
}
_WORD: Final = rb"trace|debug|info|note|notice|warn|warning|err|error|crit|critical|fatal|panic"
# In brackets, as the value of a key, or in capitals with a blank or colon behind.
_LEVEL: Final = re.compile(
    rb"\[(?i:(" + _WORD + rb"))\]"
    rb'|"?\b(?:level|severity|lvl)"?\s*[=:]\s*"?(?i:(' + _WORD + rb"))\b"
    rb"|\b(" + _WORD.upper() + rb")(?=[\s:])"
)


def detect_level(raw: bytes) -> Level:
    """Return the level that a line names within its first 256 bytes."""
    match = _LEVEL.search(raw, 0, 256)
    if match is None:
        return Level.UNKNOWN
    return _NAMES[(match[1] or match[2] or match[3]).lower()]

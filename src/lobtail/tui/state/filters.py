"""Decide which lines are shown, and find text in them, as a reader sees it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from lobtail.errors import ConfigError, QueryError
from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line, Mark, forget_parsed
from lobtail.model.levels import Level
from lobtail.model.timestamps import Zone
from lobtail.query.patterns import Pattern, compile_pattern
from lobtail.query.query import Query
from lobtail.tui.state.rows import Test
from lobtail.tui.state.store import MARK

__all__ = ["Filter", "fault", "find_test", "join_query", "make_pattern", "meaning", "visible_text"]

_WORD: Final = re.compile(r"[^\s\"'/()=<>~!&|]+")
_OPERATORS: Final = {"and", "or", "not", "has", "in", "contains"}
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")


class Filter(msgspec.Struct, frozen=True):
    """Which lines are shown: those for which all of this holds. Marks always are."""

    query: str = ""
    """In the filter language; empty for all."""
    level: Level = Level.UNKNOWN
    """This one and graver ones."""
    stream: Stream | None = None

    def __bool__(self) -> bool:
        return bool(self.query or self.level or self.stream is not None)

    def as_query(self, now_ns: int, local_offset: int | Zone) -> Query | None:
        """Return the query, compiled; None without one.

        ``now_ns`` and ``local_offset`` are what the times in it count from.

        Raises:
            QueryError: the query cannot be read.
        """
        if not self.query:
            return None
        return Query(self.query, now_ns=now_ns, local_offset=local_offset)

    def test(self, query: Query | None) -> Test | None:
        """Return the test that items must pass, ``query`` among it; None if all do."""
        if not self:
            return None
        holds = query.matches if query else None
        least, stream = self.level // 10, self.stream

        def passes(item: Item, level: int) -> bool:
            if level >= MARK:
                return True
            assert isinstance(item, Line)
            if level < least or (stream is not None and item.stream != stream):
                return False
            if holds is None:
                return True
            wanted = holds(item)
            # 200 000 lines with their fields would take many times the memory.
            forget_parsed(item)
            return wanted

        return passes


def make_pattern(text: str) -> Pattern | None:
    """Return the regex of a search; None for no text. Small letters also find capitals.

    Raises:
        ConfigError: it is no regex.
    """
    if not text:
        return None
    # A letter behind a backslash, as in \S, is no capital that somebody looks for.
    plain = re.sub(r"\\.", "", text)
    return compile_pattern(text, "search", ignore_case=plain == plain.lower())


def visible_text(line: Line) -> str:
    """Return the text of a line without the sequences that colour it; not made safe."""
    text = line.text
    return _SGR.sub("", text) if "\x1b" in text else text


def find_test(pattern: Pattern, within: Test | None) -> Test:
    """Return the test for lines that pass ``within`` and in which ``pattern`` is found."""
    search = pattern.search

    def found(item: Item, level: int) -> bool:
        if isinstance(item, Mark) or (within is not None and not within(item, level)):
            return False
        return any(search(visible_text(line)) is not None for line in item.lines)

    return found


def meaning(query: str) -> str:
    """Say what a query means that is but words; nothing of others."""
    words = query.split()
    if not words or not all(_WORD.fullmatch(word) for word in words):
        return ""
    if len(words) == 1:
        return f'lines with the text "{words[0]}"; /{re.escape(words[0])}/i would ignore case'
    if _OPERATORS & {word.lower() for word in words}:
        return ""
    each = ", ".join(f'"{word}"' for word in words[:-1])
    return f'lines with {each} and "{words[-1]}"; in quotes side by side'


def join_query(query: str, term: str) -> str:
    """Return a query for which a further term must hold as well."""
    if not query.strip():
        return term
    # "or" is the only thing weaker than "and".
    loose = re.search(r"\bor\b|\|\|", query, re.IGNORECASE)
    return f"({query}) and {term}" if loose else f"{query} and {term}"


def fault(error: ConfigError) -> tuple[str, int | None]:
    """Return what is wrong with what is being typed, and at which character."""
    if isinstance(error, QueryError):
        return error.message, error.position
    return str(error), None

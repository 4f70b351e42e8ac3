"""Highlight what matches in a line that may have colours of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern

from lobtail.model.sgr import SGR, Attributes

__all__ = ["Highlighter"]

# Reverse video leaves the line's own colours alone, and those it meets stay readable.
_ON: Final = "\x1b[7m"
_OFF: Final = "\x1b[27m"
_REVERSED: Final = 7


class Highlighter:
    """Shows matches of ``patterns`` in reverse video.

    Patterns see the text without its SGR sequences, so they match what a reader sees. Sequences
    stay where they are, also inside a match; where the line is in reverse video itself, a match is
    not. Overlapping matches become one; empty ones are not shown.
    """

    def __init__(self, patterns: Iterable[Pattern | re.Pattern[str]]) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def apply(self, text: str) -> str:
        """Return ``text`` with its matches highlighted."""
        if "\x1b" not in text:
            return self._mark_plain(text)
        plain = SGR.sub("", text)
        spans = self._spans(plain)
        return _mark_colored(text, spans) if spans else text

    def _mark_plain(self, text: str) -> str:
        spans = self._spans(text)
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, stop in spans:
            parts += text[done:start], _ON, text[start:stop], _OFF
            done = stop
        return "".join(parts) + text[done:]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return where matches stand, sorted, joined where they touch or overlap."""
        found = sorted(
            match.span()
            for pattern in self._patterns
            for match in pattern.finditer(text)
            if match.end() > match.start()
        )
        spans: list[tuple[int, int]] = []
        for start, stop in found:
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
            else:
                spans.append((start, stop))
        return spans


def _mark_colored(text: str, spans: list[tuple[int, int]]) -> str:
    """Insert the marks of ``spans``, which count without SGR sequences, between those."""
    edges = [edge for span in reversed(spans) for edge in reversed(span)]
    parts: list[str] = []
    at = 0  # in the text without sequences
    inside = False  # of a span
    own, shown = Attributes(), Attributes()  # as the line wants them, and as the terminal has them
    for i, piece in enumerate(SGR.split(text)):
        if i % 2:
            parts.append(f"\x1b[{piece}m")
            own.apply(piece)
            shown.apply(piece)
            continue
        start = 0
        while start < len(piece):
            if edges and edges[-1] == at:
                edges.pop()
                inside = not inside
            stop = min(len(piece), start + edges[-1] - at) if edges else len(piece)
            _reverse(shown, (_REVERSED in own) != inside, parts)
            parts.append(piece[start:stop])
            at += stop - start
            start = stop
    _reverse(shown, _REVERSED in own, parts)
    return "".join(parts)


def _reverse(shown: Attributes, wanted: bool, parts: list[str]) -> None:
    """Switch reverse video on or off, where it is not as it is wanted."""
    if (_REVERSED in shown) != wanted:
        code = "7" if wanted else "27"
        shown.apply(code)
        parts.append(f"\x1b[{code}m")

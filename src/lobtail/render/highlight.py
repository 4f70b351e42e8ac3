"""Highlight what matches in a line that may have colours of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["Highlighter"]

_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")

# Reverse video leaves the line's own colours alone, and those it meets stay readable.
_ON: Final = "\x1b[7m"
_OFF: Final = "\x1b[27m"


class Highlighter:
    """Shows matches of ``patterns`` in reverse video.

    Patterns see the text without its SGR sequences, so they match what a reader sees. Sequences
    stay where they are, also inside a match; where the line is in reverse video itself, a match is
    not. Overlapping matches become one; empty ones are not shown.
    """

    def __init__(self, patterns: Iterable[re.Pattern[str]]) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def apply(self, text: str) -> str:
        """Return ``text`` with its matches highlighted."""
        if "\x1b" not in text:
            return self._mark_plain(text)
        plain = _SGR.sub("", text)
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
    own = False  # reverse video, as the line wants it
    shown = False  # reverse video, as the terminal has it
    for i, piece in enumerate(_SGR.split(text)):
        if i % 2:
            parts.append(f"\x1b[{piece}m")
            own, shown = _reverse_after(piece, own), _reverse_after(piece, shown)
            continue
        start = 0
        while start < len(piece):
            if edges and edges[-1] == at:
                edges.pop()
                inside = not inside
            stop = min(len(piece), start + edges[-1] - at) if edges else len(piece)
            if shown != (own != inside):
                shown = not shown
                parts.append(_ON if shown else _OFF)
            parts.append(piece[start:stop])
            at += stop - start
            start = stop
    if shown != own:
        parts.append(_ON if own else _OFF)
    return "".join(parts)


def _reverse_after(parameters: str, reverse: bool) -> bool:
    """Return whether reverse video is on after an SGR with these parameters."""
    # Terminals read numbers: 007 is 7, and none is 0.
    fields = (field.lstrip("0") for field in parameters.split(";"))
    for field in fields:
        if field in ("38", "48", "58"):
            # A colour's own numbers follow: the 7 of 38;5;7 is white.
            for _ in range({"5": 1, "2": 3}.get(next(fields, ""), 0)):
                next(fields, "")
        elif field in ("", "27"):
            reverse = False
        elif field == "7":
            reverse = True
    return reverse

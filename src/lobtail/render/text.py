"""Take the text of a batch of lines: safe for a terminal where asked, its colours contained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lobtail.model.items import Line
from lobtail.model.sanitize import safe_lines
from lobtail.render.colors import RESET

__all__ = ["contained", "encoded", "take_text"]

_RESETS: Final = (RESET, b"\x1b[m")


def take_text(lines: Sequence[Line], *, safe: bool, contain: bool) -> list[bytes]:
    """Return what to show of each line, without its newline and the CR that a TTY puts before it.

    With ``safe``, as ``model.sanitize`` makes it. With ``contain``, a line with an ESC ends in a
    reset, so that its colours end with it; ``safe`` implies that.
    """
    raws = [line.raw for line in lines]
    # In one piece: nothing that is unsafe or incomplete goes on past a newline, so the lines come
    # out as they would one by one, and plain text costs one scan.
    whole = b"\n".join(raws) + b"\n"
    if whole.count(b"\n") != len(raws):
        # Not of our making, but a line that holds a newline must not become two.
        raws = [raw.replace(b"\n", "␊".encode()) for raw in raws]
        whole = b"\n".join(raws) + b"\n"
    if b"\r" in whole:
        whole = whole.replace(b"\r\n", b"\n")
    if safe:
        whole = safe_lines(whole)
    shown = whole.split(b"\n")
    shown.pop()
    if (safe or contain) and b"\x1b" in whole:
        shown = [contained(text) for text in shown]
    return shown


def encoded(text: str) -> bytes:
    """Return text as bytes, with those back that were not UTF-8 when it was decoded."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return text.encode("utf-8", "replace")


def contained(text: bytes) -> bytes:
    """Return one line of text with a reset at its end, if it has an ESC."""
    return text + RESET if b"\x1b" in text and not text.endswith(_RESETS) else text

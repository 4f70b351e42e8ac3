"""Take the text of a batch of lines: safe for a terminal where asked, its colours contained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lobtail.core.model import Line
from lobtail.core.sanitize import Sanitizer
from lobtail.render.colors import RESET

__all__ = ["take_text"]

_RESETS: Final = (RESET, b"\x1b[m", RESET + b"\r", b"\x1b[m\r")


def take_text(
    lines: Sequence[Line], *, safe: bool, contain: bool, keep_cr: bool = False
) -> list[bytes]:
    """Return what to show of each line, without its newline.

    With ``safe``, as ``core.sanitize`` makes it. With ``contain``, a line with an ESC ends in a
    reset, so that its colours end with it; ``safe`` implies that. The CR that a TTY puts before
    the newline is left out, unless ``keep_cr``.
    """
    raws = [line.raw for line in lines]
    # In one piece: nothing that is unsafe or incomplete goes on past a newline, so the lines come
    # out as they would one by one, and plain text costs one scan.
    whole = b"\n".join(raws) + b"\n"
    if whole.count(b"\n") != len(raws):
        # Not of our making, but a line that holds a newline must not become two.
        raws = [raw.replace(b"\n", "␊".encode()) for raw in raws]
        whole = b"\n".join(raws) + b"\n"
    if safe:
        whole = Sanitizer().feed(whole)
    if not keep_cr and b"\r" in whole:
        whole = whole.replace(b"\r\n", b"\n")
    shown = whole.split(b"\n")
    shown.pop()
    if (safe or contain) and b"\x1b" in whole:
        shown = [_contained(raw) for raw in shown]
    return shown


def _contained(raw: bytes) -> bytes:
    if b"\x1b" not in raw or raw.endswith(_RESETS):
        return raw
    body = raw.removesuffix(b"\r")
    return body + RESET + raw[len(body) :]

"""Say in words what a mark means, and what is odd about a line."""

from __future__ import annotations

from lobtail.model.items import Dropped, EngineLost, Gap, Line, Mark, mark_words, shown_name
from lobtail.model.levels import Level
from lobtail.render.colors import DIM, LEVELS, RESET
from lobtail.render.stamps import Stamper

__all__ = ["dim", "flag_words", "mark_line", "mark_words", "paint_mark"]


def mark_line(mark: Mark, *, color: bool, stamper: Stamper | None, now_ns: int) -> bytes:
    """Return a mark as a line for stderr: ``[TIME] -- NAME: WORDS``."""
    stamp = f"{stamper.show(mark.time_ns, now_ns)} " if stamper else ""
    text = f"{stamp}-- {shown_name(mark.container)}: {mark_words(mark)}"
    return paint_mark(mark, text, color=color) + b"\n"


def paint_mark(mark: Mark, text: str, *, color: bool) -> bytes:
    """Return the text of a mark as bytes: dim, but a loss of lines as a warning."""
    on = LEVELS[Level.WARN] if isinstance(mark, Gap | Dropped | EngineLost) else DIM
    return _paint(text, on if color else b"")


def flag_words(line: Line) -> str:
    """Return what is odd about a line, with a blank in front; nothing for most lines."""
    flags = (
        (line.partial, "goes on"),
        (line.unterminated, "no newline"),
        (line.late, "late"),
    )
    words = ", ".join(word for holds, word in flags if holds)
    return f" ⟨{words}⟩" if words else ""


def dim(text: str, *, color: bool) -> bytes:
    """Return text of ours, which is less important than the log's, as bytes."""
    return _paint(text, DIM if color else b"")


def _paint(text: str, on: bytes) -> bytes:
    data = text.encode("utf-8", "replace")
    return on + data + RESET if on else data

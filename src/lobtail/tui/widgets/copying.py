"""Take the text of what is selected in a log, as a reader sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lobtail.model.frames import Stream
from lobtail.model.items import Item, Line
from lobtail.render.prefix import shown_name
from lobtail.render.table import width
from lobtail.render.words import mark_words
from lobtail.tui.widgets.segments import segments_of, text_of

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_view import LogView

__all__ = ["copy_selection"]

_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")


def copy_selection(view: LogView, *, bare: bool = False) -> tuple[str, int]:
    """Return the text that is selected, and of how many lines. Entries are taken whole.

    Where names are shown, time and container stand before lines, unless they are wanted ``bare``
    or only a part of one line is selected. Nothing in it acts where it is pasted: what would is
    shown, as on the screen.
    """
    items = view.selected_items()
    texts = [_texts(view, item, bare=bare or not view.look.names) for item in items]
    part = view.selected_part()
    if part is not None and texts:
        # Offsets count what is drawn, where tabs are blanks.
        first, last = part
        texts[-1] = _part(texts[-1], 0, last)
        texts[0] = _part(texts[0], first, None)
        if len(texts) == 1:
            return "\n".join(texts[0]), len(texts[0])
    if view.look.names and not bare:
        heads = _heads(view, items)
        texts = [
            [(" " * width(head) if i else head) + text for i, text in enumerate(lines)]
            for head, lines in zip(heads, texts, strict=True)
        ]
    lines = [text for each in texts for text in each]
    return "\n".join(lines), len(lines)


def _texts(view: LogView, item: Item, *, bare: bool) -> list[str]:
    if isinstance(item, Line):
        return [_SGR.sub("", text) for text in view.drawer.texts(item)]
    return [f"-- {shown_name(item.container)}: {mark_words(item)}" if bare else mark_words(item)]


def _part(texts: list[str], first: int, last: int | None) -> list[str]:
    """Return the lines of an item from one of its characters on up to another."""
    part = []
    for text in texts:
        drawn = text_of(segments_of(text))
        end = len(drawn) if last is None else min(last, len(drawn))
        if first < end or (first <= 0 and end == len(drawn)):
            part.append(drawn[max(first, 0) : end])
        first -= len(drawn)
        if last is not None and (last := last - len(drawn)) <= 0:
            break
    return part or [""]


def _heads(view: LogView, items: list[Item]) -> list[str]:
    """Return what stands before each: as on the screen, but with names in full."""
    stamper, now_ns, both = view.look.stamper(), view.clock(), view.log_.both
    names = [shown_name(item.container) for item in items]
    columns = max(map(width, names), default=0)
    heads = []
    for item, name in zip(items, names, strict=True):
        stamp = f"{stamper.pad(item.time_ns, now_ns)} " if stamper is not None else ""
        error = (
            isinstance(item, Line) and item.stream is Stream.STDERR and item.container.id in both
        )
        rule = "│" if isinstance(item, Line) else "─"
        blanks = " " * (columns - width(name) + 1)
        heads.append(f"{stamp}{name}{blanks}{'e' if error else ' '}{rule} ")
    return heads

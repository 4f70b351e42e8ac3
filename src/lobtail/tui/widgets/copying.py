"""Take the text of what is selected in a log, as a reader sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lobtail.core.model import Item, Line
from lobtail.render.prefix import shown_name
from lobtail.render.words import mark_words
from lobtail.tui.widgets.drawing import safe_text
from lobtail.tui.widgets.segments import segments_of, text_of

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_view import LogView

__all__ = ["copy_selection"]

_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")


def copy_selection(view: LogView) -> tuple[str, int]:
    """Return the text that is selected, and of how many lines.

    Nothing in it acts where it is pasted: what would is shown, as on the screen.
    """
    items = view.selected_items()
    texts = [_text(item) for item in items]
    part = view.selected_part()
    if part is not None and texts:
        # Offsets count what is drawn, where tabs are blanks.
        drawn = [text_of(segments_of(text)) for text in texts]
        first, last = part
        if len(drawn) == 1:
            texts = [drawn[0][first:last]]
        else:
            texts = [drawn[0][first:], *texts[1:-1], drawn[-1][:last]]
    return "\n".join(texts), len(texts)


def _text(item: Item) -> str:
    if isinstance(item, Line):
        return _SGR.sub("", safe_text(item))
    return f"-- {shown_name(item.container)}: {mark_words(item)}"

"""The raw format: the bytes of the lines on stdout, marks on stderr.

Every item is a line of output. So a newline follows also where the log has none (yet), and the
parts of a line above 1 MiB become lines: between the lines of other containers and a filter that
may drop the next part, nothing else keeps one line from running into another. ``lobtail logs`` has
the very bytes of one container.
"""

from __future__ import annotations

from lobtail.model.entries import lines_of
from lobtail.model.items import Line, Mark
from lobtail.render.prefix import shown_name
from lobtail.render.style import Chunk, Formatter, Style
from lobtail.render.text import take_text
from lobtail.render.words import mark_line

__all__ = ["RawFormatter"]


class RawFormatter(Formatter):
    """Writes ``TEXT``, with options ``[TIME ][NAME ]TEXT``, nothing padded or coloured.

    On a terminal the text is made safe; elsewhere it is the line's bytes, a CR included.
    """

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self._stamper = style.stamper()

    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        lines = lines_of(lines)
        style = self.style
        shown = (
            take_text(lines, safe=True, contain=True)
            if style.safe
            else [line.raw for line in lines]
        )
        if style.prefix:
            shown = [
                shown_name(line.container).encode("utf-8", "replace") + b" " + text
                for line, text in zip(lines, shown, strict=True)
            ]
        if self._stamper:
            show = self._stamper.show
            shown = [
                show(line.time_ns, now_ns).encode() + b" " + text
                for line, text in zip(lines, shown, strict=True)
            ]
        return b"\n".join(shown) + b"\n"

    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        color = self.style.color_stderr
        line = mark_line(mark, color=color, stamper=self._stamper, now_ns=now_ns)
        return Chunk(line, stderr=True)

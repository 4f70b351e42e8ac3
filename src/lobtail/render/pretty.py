"""The pretty format: for people. The container in its colour, the time, the text.

::

    db-1      │ starting up
    web-12   e│ cannot connect to db-1, will retry
    db-1      ─ stopped, exit code 137, out of memory

The rule between name and text is ``│`` for lines and ``─`` for marks, so that no line can pass for
a mark; an ``e`` before it says stderr.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from lobtail.model.entries import lines_of
from lobtail.model.items import ContainerRef, Item, Line, Mark, Removed
from lobtail.model.levels import Level
from lobtail.render.colors import DIM, LEVELS, RESET
from lobtail.render.fields import FieldsFormat
from lobtail.render.highlight import Highlighter
from lobtail.render.prefix import Prefixes, shown_name
from lobtail.render.style import Chunk, Formatter, Style
from lobtail.render.text import take_text
from lobtail.render.words import dim, flag_words, mark_words, paint_mark

__all__ = ["PrettyFormatter"]

_container = attrgetter("container")


class PrettyFormatter(Formatter):
    """Writes ``[TIME] NAME  │ TEXT``; with colours, the text has that of its entry's level.

    A line that has colours of its own keeps those instead. Marks are dim, but not those of a loss.
    """

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self._prefixes = None if style.prefix is False else Prefixes(color=style.color)
        self._stamper = style.stamper()
        self._highlight = Highlighter(style.highlight if style.color else ())
        self._fields: FieldsFormat | None = None
        if style.fields != "raw":
            columns = style.columns if style.fields == "columns" else ()
            self._fields = FieldsFormat(columns, color=style.color)
        self._dim = (DIM, RESET + b" ") if style.color else (b"", b" ")

    def expect(self, containers: Iterable[ContainerRef]) -> None:
        """Say which containers will come, so that colours and widths suit all from the start."""
        if self._prefixes:
            self._prefixes.expect(containers)

    def render(self, items: list[Item], now_ns: int = 0) -> list[Chunk]:
        """Return what to write for ``items``: one chunk, or none for nothing."""
        if self._prefixes:
            containers = {id(container): container for container in map(_container, items)}
            self._prefixes.expect(c for c in containers.values() if not self._prefixes.has_made(c))
        return super().render(items, now_ns)

    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        style = self.style
        if self._fields is None:
            lines, shown = self._texts(lines)
        else:
            lines, shown = self._with_fields(lines, self._fields)
        # Few lines have flags: look once, not line by line.
        if any(line.partial or line.unterminated or line.late for line in lines):
            shown = [
                text + dim(flag_words(line), color=style.color) if flag_words(line) else text
                for line, text in zip(lines, shown, strict=True)
            ]
        if self._prefixes:
            prefix = self._prefixes.line
            shown = [
                prefix(line.container, line.stream) + text
                for line, text in zip(lines, shown, strict=True)
            ]
        if self._stamper:
            stamp = self._stamper.pad
            on, off = self._dim
            shown = [
                on + stamp(line.time_ns, now_ns).encode() + off + text
                for line, text in zip(lines, shown, strict=True)
            ]
        return b"\n".join(shown) + b"\n"

    def _texts(self, entries: list[Line]) -> tuple[list[Line], list[bytes]]:
        """Return the lines of entries, and their texts as they were written."""
        style = self.style
        lines = lines_of(entries)
        shown = take_text(lines, safe=style.safe, contain=style.color)
        if style.color:
            levels = [entry.level for entry in entries]
            if lines is not entries:
                levels = [entry.level for entry in entries for _ in entry.lines]
            shown = self._colored(levels, shown)
        return lines, shown

    def _with_fields(
        self, entries: list[Line], fields: FieldsFormat
    ) -> tuple[list[Line], list[bytes]]:
        """Return for each line that is shown the one that it is of, and its text."""
        owners: list[Line] = []
        shown: list[bytes] = []
        plain: list[Line] = []  # those that are not structured, since the last that was
        mark = self._highlight.apply if self._highlight else None
        for entry in entries:
            texts = fields.texts(entry)
            if texts is None:
                plain.append(entry)
                continue
            if plain:
                lines, before = self._texts(plain)
                owners += lines
                shown += before
                plain = []
            for text in texts:
                owners.append(entry)
                shown.append((mark(text) if mark else text).encode("utf-8", "replace"))
        if plain:
            lines, behind = self._texts(plain)
            owners += lines
            shown += behind
        return owners, shown

    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        words = mark_words(mark)
        if self._prefixes:
            text = self._prefixes.mark(mark.container) + words
            if isinstance(mark, Removed):
                self._prefixes.release(mark.container)
        else:
            text = f"─ {shown_name(mark.container)}: {words}"
        stamp = f"{self._stamper.pad(mark.time_ns, now_ns)} " if self._stamper else ""
        return Chunk(paint_mark(mark, stamp + text, color=self.style.color) + b"\n")

    def _colored(self, levels: list[Level], shown: list[bytes]) -> list[bytes]:
        """Give texts the colours of their levels, where they have none, and show what matches."""
        level_color = LEVELS.get
        colors = [
            level_color(level) if text and b"\x1b" not in text else None
            for level, text in zip(levels, shown, strict=True)
        ]
        if self._highlight:
            apply = self._highlight.apply
            shown = [
                apply(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
                for text in shown
            ]
        return [on + text + RESET if on else text for on, text in zip(colors, shown, strict=True)]

"""What all formats share: how output is to look, and how a batch becomes bytes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from lobtail.model.entries import Entry
from lobtail.model.items import ContainerRef, Item, Line, Mark
from lobtail.render.fields import FieldStyle
from lobtail.render.stamps import Stamper, StampStyle, Zone, utc

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern

__all__ = ["Chunk", "Formatter", "Style"]


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How output looks. A format ignores what does not apply to it; to JSON, only ``marks``."""

    color: bool = False
    """Use colours of our own on stdout (``use_color`` decides)."""
    color_stderr: bool = False
    """The same for stderr, where raw and template output have their marks."""
    safe: bool = False
    """Stdout is a terminal, and nothing but colour may act on it (``model.sanitize``). Without
    this the bytes of lines are not touched."""
    prefix: bool | None = None
    """Name the container of each line; None for what the format usually does."""
    marks: bool = True
    """Show marks, not only lines."""
    timestamps: StampStyle | None = None
    """Show the time of each line, and how. In a template, how a bare ``{time}`` looks."""
    zone: Zone = utc
    """Of all times but those of JSON."""
    fields: FieldStyle = "raw"
    """How the pretty format shows structured lines (``render.fields``)."""
    columns: tuple[str, ...] = ()
    """The fields that are shown, for ``columns``."""
    highlight: tuple[Pattern | re.Pattern[str], ...] = ()
    """What to highlight in the text of lines, if ``color``."""

    def stamper(self) -> Stamper | None:
        """Return what shows the times; None where none are asked for."""
        return Stamper(self.timestamps, self.zone) if self.timestamps else None


class Chunk(NamedTuple):
    """Whole lines to write, and where to."""

    data: bytes
    stderr: bool = False


class Formatter(ABC):
    """Turns batches into bytes. It keeps state, such as the width of a column: one an output."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def expect(self, containers: Iterable[ContainerRef]) -> None:
        """Say which containers will come, so that colours and widths suit all from the start.

        Never needed: those of a batch are known before its first line is rendered. Formats that
        show neither take no notice.
        """
        del containers

    def render(self, items: list[Item], now_ns: int = 0) -> list[Chunk]:
        """Return what to write for ``items``, in the order to write it.

        One chunk unless marks go to stderr; none for nothing. ``now_ns`` is the time that relative
        timestamps count from, in nanoseconds since the epoch.
        """
        if set(map(type, items)) <= {Line, Entry}:
            return [Chunk(self._lines(cast("list[Line]", items), now_ns))] if items else []
        chunks: list[Chunk] = []
        for is_line, group in groupby(items, _is_line):
            if is_line:
                chunks.append(Chunk(self._lines(cast("list[Line]", list(group)), now_ns)))
                continue
            marks = [self._mark(cast(Mark, mark), now_ns) for mark in group]
            if self.style.marks:
                chunks += marks
        return [
            Chunk(b"".join(chunk.data for chunk in run), stderr)
            for stderr, run in groupby(chunks, _goes_to_stderr)
        ]

    @abstractmethod
    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        """Return lines, at least one, for stdout; there may be an ``Entry`` among them."""

    @abstractmethod
    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        """Return a mark. Called for each, also where marks are not shown."""


def _is_line(item: Item) -> bool:
    return isinstance(item, Line)


def _goes_to_stderr(chunk: Chunk) -> bool:
    return chunk.stderr

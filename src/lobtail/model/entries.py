"""Entries: the lines that a program wrote as one, such as a stack trace.

Most entries are a single ``Line``, and then that line stands for itself. An ``Entry`` is a line
too, so whoever looks at ``text``, ``level`` or ``fields`` need not tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lobtail.model.items import ContainerRef, Item, Line, level_of
from lobtail.model.levels import Level, detect_level

__all__ = ["Entry", "cut_out", "expand", "lines_of", "make_entry", "rejoin"]

# Continuations that are asked for a level where the head has none.
_LOOKED_AT = 50


class Entry(Line, frozen=True, gc=False, eq=False, repr_omit_defaults=True):
    """Two or more lines of one container and stream that belong together.

    Container, stream and time are those of its head. ``raw`` has all lines, joined by newlines and
    without the CRs of a TTY; ``lines`` has them as they came.
    """

    parts: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its lines, the head first; all others have ``continues`` set."""
        return self.parts

    @property
    def head(self) -> Line:
        """The first of ``lines``."""
        return self.parts[0]

    def _find_level(self) -> Level:
        """Return the level of the head, or else that of the exception, or of the JSON document."""
        # Not kept in each line: there may be a thousand.
        head = level_of(self.parts[0])
        if head:
            return head
        if self.raw[:1] == b"{" and (level := detect_level(self.raw)):
            return level
        levels = map(level_of, self.parts[1 : _LOOKED_AT + 1])
        return next(filter(None, levels), Level.UNKNOWN)

    def _value(self) -> tuple[object, ...]:
        return (*super()._value(), self.parts)


def make_entry(lines: Sequence[Line]) -> Line:
    """Return the entry of ``lines``, at least one: a single line is its own."""
    head = lines[0]
    if len(lines) == 1:
        return head
    rest = [line if line.continues else replace(line, continues=True) for line in lines[1:]]
    return Entry(
        head.container,
        head.stream,
        head.time_ns,
        b"\n".join([line.raw.removesuffix(b"\r") for line in lines]),
        late=head.late,
        raw_details=head.raw_details,
        parts=(head, *rest),
    )


def cut_out(lines: Sequence[Line]) -> Line:
    """Return the entry of some ``lines`` of another, at least one: the first continues none."""
    head, *rest = lines
    return make_entry([replace(head, continues=False) if head.continues else head, *rest])


def expand(items: list[Item]) -> list[Item]:
    """Return the items with each entry's lines in its place; the same list where none has many."""
    if Entry not in map(type, items):
        return items
    expanded: list[Item] = []
    for item in items:
        if type(item) is Entry:
            expanded += item.parts
        else:
            expanded.append(item)
    return expanded


def lines_of(entries: list[Line]) -> list[Line]:
    """Return the single lines of entries; the same list where all are single lines."""
    if Entry not in map(type, entries):
        return entries
    return [line for entry in entries for line in entry.lines]


def rejoin(items: Iterable[Item]) -> list[Item]:
    """Undo ``expand``: make entries of lines and of those that follow and continue them."""
    joined: list[Item] = []
    lines: list[Line] = []
    for item in items:
        if isinstance(item, Line) and item.continues and lines and _same(item, lines[-1]):
            lines.append(item)
            continue
        if lines:
            joined.append(make_entry(lines))
            lines = []
        if isinstance(item, Line):
            lines = [item]
        else:
            joined.append(item)
    if lines:
        joined.append(make_entry(lines))
    return joined


def _same(line: Line, other: Line) -> bool:
    return line.stream is other.stream and _key(line.container) == _key(other.container)


def _key(container: ContainerRef) -> tuple[str, str]:
    return container.host, container.id

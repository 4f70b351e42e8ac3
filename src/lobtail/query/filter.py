"""Let the lines pass that are wanted, with lines around them as context.

An entry of several lines is one here: it passes as a whole, and counts as one.

Context is counted per container: what other containers write between two lines of one is not in
its way. A line is shown once, also where it is context of two.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from lobtail.model.items import ContainerRef, Item, Line, Skipped

if TYPE_CHECKING:
    from lobtail.query.terms import Predicate

__all__ = ["BEFORE_SIZE", "LineFilter"]

# Bytes of lines that are held for a container as context before a wanted one, however many were
# asked for.
BEFORE_SIZE: Final = 8 << 20


class _Context:
    """What a container needs for context: the lines before, and how many more are due."""

    __slots__ = ("before", "due", "shown", "size", "skipped")

    def __init__(self) -> None:
        self.before: deque[Line] = deque()
        self.size = 0
        self.due = 0
        self.skipped = 0
        self.shown = False  # whether anything was, so that a gap in what is shown can be said

    def hold(self, line: Line, most: int) -> None:
        """Hold a line that may turn out to stand before a wanted one."""
        self.before.append(line)
        self.size += len(line.raw)
        while len(self.before) > most or self.size > BEFORE_SIZE:
            # It is left out for good.
            self.size -= len(self.before.popleft().raw)
            self.skipped += 1

    def clear(self) -> None:
        """Hold nothing."""
        self.before.clear()
        self.size = 0


class LineFilter:
    """Keeps the lines for which all ``predicates`` hold, and all marks.

    With ``before`` and ``after``, so many lines of the same container around each of them are kept
    as well, and a ``Skipped`` mark between two groups of them says how many lines are left out.
    """

    def __init__(self, *predicates: Predicate, before: int = 0, after: int = 0) -> None:
        self._predicates = predicates
        self._before = before
        self._after = after
        # By engine and ID: two ways to one engine may be read.
        self._contexts: dict[tuple[str, str], _Context] = {}

    @property
    def asks(self) -> bool:
        """Whether it may leave out any line."""
        return bool(self._predicates)

    def apply(self, items: list[Item]) -> list[Item]:
        """Return what is to be shown of a batch, and of the lines before it as context."""
        if not self._predicates:
            return items
        if self._before or self._after:
            return self._with_context(items)
        for holds in self._predicates:
            # Marks are no lines: nothing is asked of them.
            items = [item for item in items if not isinstance(item, Line) or holds(item)]
        return items

    def matches(self, line: Line) -> bool:
        """Tell whether a line is wanted for itself."""
        return all(holds(line) for holds in self._predicates)

    def forget(self, container: ContainerRef) -> None:
        """Drop the context of a container that is gone."""
        self._contexts.pop((container.host, container.id), None)

    def _with_context(self, items: list[Item]) -> list[Item]:
        kept: list[Item] = []
        for item in items:
            if not isinstance(item, Line | Skipped):
                kept.append(item)
                continue
            key = item.container.host, item.container.id
            context = self._contexts.get(key)
            if context is None:
                context = self._contexts[key] = _Context()
            if isinstance(item, Skipped):
                # Whoever read the log knew that nobody wants these.
                context.skipped += len(context.before) + item.count
                context.clear()
                context.due = 0
                continue
            if self.matches(item):
                if context.skipped and context.shown:
                    first = context.before[0] if context.before else item
                    kept.append(Skipped(item.container, first.time_ns, context.skipped))
                kept += context.before
                kept.append(item)
                context.clear()
                context.skipped = 0
                context.shown = True
                context.due = self._after
            elif context.due:
                context.due -= 1
                kept.append(item)
            else:
                context.hold(item, self._before)
        return kept

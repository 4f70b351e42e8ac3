"""Keep the lines that are asked for, and their neighbours, container by container."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from lobtail.core.model import Item, Line

__all__ = ["LineFilter", "Predicate"]

Predicate: TypeAlias = Callable[[Line], bool]


class LineFilter:
    """Passes marks, the lines for which all of ``predicates`` hold, and lines around those.

    ``before`` and ``after`` count the lines of context, of the same container. A line of context
    that stands before a match goes out together with it, so behind younger lines of other
    containers.
    """

    def __init__(
        self, predicates: tuple[Predicate, ...] = (), *, before: int = 0, after: int = 0
    ) -> None:
        self._predicates = predicates
        self._before = before
        self._after = after
        self._held: dict[str, deque[Line]] = {}
        self._left: dict[str, int] = {}

    def apply(self, items: list[Item]) -> list[Item]:
        """Return what of ``items`` passes, in order."""
        if not self._predicates:
            return items
        if not (self._before or self._after):
            return [item for item in items if not isinstance(item, Line) or self.matches(item)]
        passed: list[Item] = []
        for item in items:
            if not isinstance(item, Line):
                passed.append(item)
                continue
            key = item.container.id
            if self.matches(item):
                passed += self._held.pop(key, ())
                passed.append(item)
                self._left[key] = self._after
            elif left := self._left.get(key, 0):
                self._left[key] = left - 1
                passed.append(item)
            elif self._before:
                self._held.setdefault(key, deque(maxlen=self._before)).append(item)
        return passed

    def matches(self, line: Line) -> bool:
        """Tell whether ``line`` itself is asked for."""
        return all(predicate(line) for predicate in self._predicates)


def includes(patterns: list[re.Pattern[str]]) -> Predicate:
    """Return whether a line matches one of ``patterns``."""
    searches = [pattern.search for pattern in patterns]
    return lambda line: any(search(line.text) for search in searches)


def excludes(patterns: list[re.Pattern[str]]) -> Predicate:
    """Return whether a line matches none of ``patterns``."""
    included = includes(patterns)
    return lambda line: not included(line)


def contains(texts: list[str]) -> Predicate:
    """Return whether a line holds one of ``texts`` as it stands."""
    literals = [text.encode() for text in texts]
    return lambda line: any(literal in line.raw for literal in literals)

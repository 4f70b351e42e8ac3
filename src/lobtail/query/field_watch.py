"""Notice that a query names a field that no line has, and which one may be meant.

``statusCode>=500`` shows nothing, and says nothing, where the field is ``res.statusCode``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lobtail.model.fields import MISSING, lookup
from lobtail.model.items import Item, Line
from lobtail.query.nearest import nearest
from lobtail.query.terms import Term, leaves

__all__ = ["FieldWatch"]

# Names of fields that are kept to choose from, and how deep they are looked for.
_MOST_NAMES: Final = 1000
_DEEPEST: Final = 6
_LOOSE: Final = re.compile(r"[_@$-]+")


class FieldWatch:
    """Looks at lines for the fields that ``terms`` of queries name.

    Nothing has to be looked for any more once each has been seen: then it is false.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        subjects = (leaf.subject for term in terms for leaf in leaves(term))
        self._unseen = dict.fromkeys(each.path for each in subjects if each.kind == "field")
        self._names: dict[str, None] = {}
        self.lines = 0
        """How many lines were looked at."""

    def __bool__(self) -> bool:
        return bool(self._unseen)

    def see(self, items: Iterable[Item]) -> None:
        """Look at what was read, whether it is shown or not."""
        if not self._unseen:
            return
        for item in items:
            if not isinstance(item, Line):
                continue
            self.lines += 1
            fields = item.fields
            if not fields:
                continue
            found = [path for path in self._unseen if lookup(fields, path) is not MISSING]
            for path in found:
                del self._unseen[path]
            if not self._unseen:
                return
            if len(self._names) < _MOST_NAMES:
                self._collect(fields, "", _DEEPEST)

    def hints(self, *, only_similar: bool = False) -> list[str]:
        """Return a sentence for each field that no line has; none before there is a line.

        With ``only_similar`` those for which another may be meant: where not all lines were seen,
        that no line has a field is not known.
        """
        if not self.lines:
            return []
        hints = []
        for path in self._unseen:
            similar = self._similar(path)
            if similar:
                hints.append(f"no line has {path}; did you mean {similar}?")
            elif not only_similar:
                none = "" if self._names else "; no line is JSON or has key=value pairs"
                hints.append(f"no line has {path}{none}")
        return hints

    def _collect(self, fields: Mapping[str, Any], before: str, deep: int) -> None:
        for key, value in fields.items():
            path = f"{before}{key}"
            if len(path) < 200:
                self._names[path] = None
                if isinstance(value, dict) and deep and len(self._names) < _MOST_NAMES:
                    self._collect(value, f"{path}.", deep - 1)

    def _similar(self, path: str) -> str | None:
        """Return the field that may be meant: by its last part, or but for a slip."""
        asked = _loose(path)
        last = asked.rpartition(".")[2]
        loose = {name: _loose(name) for name in self._names}
        for alike in (
            lambda name: name == asked,
            lambda name: name.endswith(f".{asked}"),
            lambda name: asked.endswith(f".{name}"),
            lambda name: name.rpartition(".")[2] == last,
        ):
            found = [name for name in self._names if alike(loose[name])]
            if found:
                return min(found, key=len)
        return nearest(path, self._names)


def _loose(name: str) -> str:
    """Return a name as it is without regard to capitals and underscores."""
    return _LOOSE.sub("", name).lower()

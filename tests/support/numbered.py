"""Containers that write `o1 o2 …` on stdout and `e1 e2 …` on stderr, and what is owed of them."""

from __future__ import annotations

from collections import Counter

from lobtail.model.items import Item, Line, Mark


def check_numbered(
    items: list[Item], name: str, count: int, first: int = 1, *, late: bool = False
) -> None:
    """Hold that every number came once in each stream, in order.

    With `late`, numbers that a stream of the engine left out may come behind a mark.
    """
    for prefix in (b"o", b"e"):
        numbers = numbers_of(items, name, prefix)
        twice = [number for number, times in Counter(numbers).items() if times > 1]
        lost = sorted(set(range(first, first + count)) - set(numbers))
        assert (twice[:10], lost[:10]) == ([], []), (len(twice), len(lost))
        steps = _steps_back(items, name, prefix)
        if late:
            assert all(marked for _, marked in steps), steps
        else:
            assert steps == []


def numbers_of(items: list[Item], name: str, prefix: bytes) -> list[int]:
    """Return the numbers that a stream of a container brought, in their order."""
    return [
        int(item.raw[1:])
        for item in items
        if isinstance(item, Line) and item.container.name == name and item.raw[:1] == prefix
    ]


def _steps_back(items: list[Item], name: str, prefix: bytes) -> list[tuple[int, bool]]:
    """Return the numbers that are below an earlier one, and whether a mark stands between."""
    found: list[tuple[int, bool]] = []
    newest, marked = 0, False
    for item in items:
        if item.container.name != name:
            continue
        if isinstance(item, Mark):
            marked = True
        elif item.raw[:1] == prefix:
            number = int(item.raw[1:])
            if number < newest:
                found.append((number, marked))
            else:
                newest, marked = number, False
    return found

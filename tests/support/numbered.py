"""Containers that write `o1 o2 …` on stdout and `e1 e2 …` on stderr, and what is owed of them."""

from __future__ import annotations

from collections import Counter

from lobtail.core.model import Item, Line


def check_numbered(items: list[Item], name: str, count: int) -> None:
    """Hold that every number came once in each stream, in order."""
    for prefix in (b"o", b"e"):
        numbers = numbers_of(items, name, prefix)
        twice = [number for number, times in Counter(numbers).items() if times > 1]
        lost = sorted(set(range(1, count + 1)) - set(numbers))
        assert (twice[:10], lost[:10]) == ([], []), (len(twice), len(lost))
        assert numbers == sorted(numbers)


def numbers_of(items: list[Item], name: str, prefix: bytes) -> list[int]:
    """Return the numbers that a stream of a container brought, in their order."""
    return [
        int(item.raw[1:])
        for item in items
        if isinstance(item, Line) and item.container.name == name and item.raw[:1] == prefix
    ]

"""Share the rows of a column out among lists."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["share"]

# What a list without the focus has for sure where lists are not reduced to their titles.
_FEW = 4


def share(room: int, needs: Sequence[int], current: int, *, low: bool) -> list[int]:
    """Return how many rows each list gets below its title, of which there are ``room`` in all.

    ``needs`` is how many each could fill. The list at ``current`` comes first, after a few rows
    for each other one unless rows are ``low``. What is left is shared among those that still need
    some, a row at a time; what nobody needs goes to the current one.
    """
    given = [0 if low else min(need, _FEW) for need in needs]
    given[current] = 0
    while sum(given) > max(room - 1, 0):  # what even a few rows are too much for
        given[given.index(max(given))] -= 1
    given[current] = min(needs[current], room - sum(given))
    left = room - sum(given)
    while left > 0:
        wanting = [i for i, need in enumerate(needs) if given[i] < need]
        if not wanting:
            break
        poorest = min(wanting, key=lambda i: given[i])
        given[poorest] += 1
        left -= 1
    given[current] += left
    return given

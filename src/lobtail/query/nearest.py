"""Find the name that somebody may have meant who gave another."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["nearest"]


def nearest(word: str, names: Collection[str]) -> str | None:
    """Return the one of ``names`` that ``word`` is likely to be a slip for, or a part of."""
    # Only those who err need it.
    from difflib import get_close_matches

    folded = {name.lower(): name for name in sorted(names, reverse=True)}
    word = word.lower()
    if close := get_close_matches(word, folded, n=1, cutoff=0.7):
        return folded[close[0]]
    parts = [name for name in folded if len(word) > 2 and word in name]
    return folded[min(parts, key=lambda name: (len(name), name))] if parts else None

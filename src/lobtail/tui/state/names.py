"""Shorten names so that they can still be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Final

from lobtail.render.prefix import fit
from lobtail.render.table import width

__all__ = ["tell_apart"]

_SEPARATORS: Final = "-_./:"
# How often names that are still too long lose what some of them share.
_DEPTH: Final = 3


def tell_apart(names: Collection[str], columns: int, *, strip: bool = False) -> dict[str, str]:
    """Return how each name is shown in at most so many columns.

    If all fit they are shown whole. Otherwise, and with ``strip``, all lose the prefix that all
    share. Of those that still do not fit, what begins alike is shown from where it differs, after
    ``…``; a middle is left out where that is the better way to tell two names apart.
    """
    left = {name: name for name in names}
    if strip or any(width(name) > columns for name in names):
        shared = len(_shared(names))
        left = {name: name[shared:] for name in names}
    short = dict(left)
    for _ in range(_DEPTH):
        long = {n: text.removeprefix("…") for n, text in short.items() if width(text) > columns}
        firsts = {name: _first(text) for name, text in long.items()}
        for alike in _grouped(long, firsts.__getitem__):
            shared = len(_shared([long[name] for name in alike]))
            if shared:
                short |= {name: "…" + long[name][shared:] for name in alike}
    shown = {name: fit(text, columns) for name, text in short.items()}
    for _ in range(2):  # ever further into what is alike
        twice = {text for text, count in Counter(shown.values()).items() if count > 1}
        if not twice:
            break
        same = [name for name, text in shown.items() if text in twice]
        middles = {name: fit(left[name], columns) for name in same}
        taken = Counter([*middles.values(), *(shown[n] for n in shown if n not in middles)])
        for alike in _grouped(same, shown.__getitem__):
            if all(taken[middles[name]] == 1 for name in alike):
                shown |= {name: middles[name] for name in alike}
                continue
            shared = len(_common([left[name] for name in alike]))
            shown |= {name: fit("…" + left[name][shared:], columns) for name in alike}
    return shown


def _grouped(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return list(groups.values())


def _first(text: str) -> str:
    """Return the text up to its first separator."""
    return text[: next((i for i, c in enumerate(text) if c in _SEPARATORS), len(text))]


def _common(names: Collection[str]) -> str:
    """Return what all names begin with."""
    low, high = min(names), max(names)
    return low[: next((i for i, c in enumerate(low) if c != high[i : i + 1]), len(low))]


def _shared(names: Collection[str]) -> str:
    """Return the prefix that all of several names share, up to a separator.

    What is left of each has a letter: ``1`` says less than ``web-1``.
    """
    if len(names) < 2:
        return ""
    shared = _common(names)
    while shared:
        shared = shared[: 1 + max(map(shared.rfind, _SEPARATORS))]
        if all(any(map(str.isalpha, name[len(shared) :])) for name in names):
            break
        shared = shared[:-1]
    return shared

"""Which entries of a log are unfolded: shown with all their lines, not only with the first."""

from __future__ import annotations

__all__ = ["Folding"]


class Folding:
    """Entries by their numbers: all are folded, or all are not, but for some."""

    def __init__(self) -> None:
        self.unfolds = False
        """Whether entries are unfolded unless they were folded one by one."""
        self._others: set[int] = set()

    def is_open(self, number: int) -> bool:
        """Tell whether an entry is unfolded."""
        return (number in self._others) is not self.unfolds

    def toggle(self, number: int) -> None:
        """Unfold an entry, or fold it."""
        self._others ^= {number}

    def toggle_all(self) -> None:
        """Unfold all entries, or fold all."""
        self.unfolds = not self.unfolds
        self._others.clear()

    def fit(self, first: int, end: int) -> None:
        """Forget entries that are not held any more."""
        if self._others:
            self._others = {number for number in self._others if first <= number < end}

    def forget(self) -> None:
        """Forget all single entries: the log is another one."""
        self._others.clear()

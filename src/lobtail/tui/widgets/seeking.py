"""Look for a line among older ones, a chunk at a time, until there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_body import LogBody

__all__ = ["Seeking"]


class _Sought(NamedTuple):
    find: Callable[[], bool]
    failure: str
    cursor: int | None


class Seeking:
    """Points at a line before the one that is pointed at, reading older lines until it can."""

    def __init__(self, body: LogBody) -> None:
        self._body = body
        self._sought: _Sought | None = None

    @property
    def active(self) -> bool:
        """Whether something is looked for."""
        return self._sought is not None

    def begin(self, find: Callable[[], bool], failure: str) -> None:
        """Have ``find`` point at a line, and tell whether it could, until it has.

        ``failure`` are the words for that there is none.

        Whoever moves on, follows or asks for something else ends it.
        """
        self._sought = None
        if find():
            return
        body = self._body
        if body.model.since_ns is None and body.model.complete:
            self._say(failure)
            return
        body.view.follow(False)
        self._sought = _Sought(find, failure, body.view.view.cursor)
        body.touch()

    def stop(self) -> bool:
        """Look for it no more; tell whether something was looked for."""
        was, self._sought = self.active, None
        return was

    def go_on(self) -> None:
        """Look at what has come, and ask for more."""
        sought, body, feed = self._sought, self._body, self._body.feed
        if sought is None or feed is None:
            return
        view = body.view.view
        if view.following or view.cursor != sought.cursor:
            self._sought = None
        elif body.model.complete and not feed.loading:
            if sought.find():
                self._sought = None
            elif body.model.since_ns is None or feed.error:
                self._sought = None
                self._say(sought.failure)
            else:
                feed.ask_for_older()

    def _say(self, words: str) -> None:
        self._body.notify(words, timeout=2, markup=False)

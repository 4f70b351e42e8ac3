"""What a log asks its reader: what to search, to filter, where to jump."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.errors import ConfigError
from lobtail.tui.state.filters import fault, make_pattern, meaning
from lobtail.tui.state.jump import jump_words, parse_jump
from lobtail.tui.widgets.prompt import Ask, Prompt

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_pane import LogPane

__all__ = ["LogQuestions"]


# So close to now, the newest lines are meant.
_NOW: Final = 1_000_000_000


class LogQuestions:
    """Asks in the prompt of the screen, and has the pane do what the answer says."""

    def __init__(self, pane: LogPane) -> None:
        self._pane = pane

    def _ask(self, ask: Ask) -> None:
        self._pane.screen.query_one(Prompt).ask(ask)

    def search(self) -> None:
        """Ask for a regex, and search while it is typed."""
        pane = self._pane
        before = pane.model.pattern.pattern if pane.model.pattern else ""
        cursor, following = pane.view.view.cursor, pane.view.view.following
        span = pane.view.span
        origin = cursor if cursor is not None else (span[1] if span else 0)

        def typed(text: str) -> str:
            try:
                pane.search(text)
            except ConfigError as exc:
                return _words(exc)
            if text:
                pane.view.first_hit(origin)
            return ""

        def left() -> None:
            pane.search(before)
            if following:
                pane.view.follow(True)
            elif cursor is not None:
                pane.view.go_to(cursor, middle=False)

        def done(text: str) -> None:
            if text and not pane.model.hits:
                # It may be found by the time that all is searched, or among older lines.
                pane.seek_hit()

        self._ask(Ask(title="search", hint="regex", typed=typed, live=True, done=done, left=left))

    def highlight(self) -> None:
        """Ask for a regex that is shown in colour."""
        pane = self._pane
        before = pane.view.look.highlight

        def typed(text: str) -> str:
            try:
                pane.view.set_look(highlight=make_pattern(text))
            except ConfigError as exc:
                return _words(exc)
            return ""

        self._ask(
            Ask(
                title="highlight",
                text=before.pattern if before else "",
                hint="regex",
                typed=typed,
                live=True,
                done=typed,
                left=lambda: pane.view.set_look(highlight=before),
            )
        )

    def filter(self) -> None:
        """Ask for a query, and show the lines for which it holds while it is typed."""
        pane = self._pane
        before = pane.model.filter

        def typed(text: str) -> str:
            try:
                pane.set_filter(msgspec.structs.replace(before, query=text.strip()))
            except ConfigError as exc:
                return _words(exc)
            return ""

        def done(text: str) -> None:
            typed(text)
            if pane.field_hint:
                pane.notify(pane.field_hint, severity="warning", markup=False)

        self._ask(
            Ask(
                title="filter",
                text=before.query,
                hint="level>=warn and status>=500 and not /health/",
                typed=typed,
                live=True,
                note=lambda text: pane.field_hint or meaning(text),
                done=done,
                left=lambda: pane.set_filter(before),
            )
        )

    def jump(self) -> None:
        """Ask for a time."""
        pane = self._pane

        def when(text: str) -> int:
            now = time.time_ns()
            here = pane.view.here_ns or now
            return parse_jump(text, now_ns=now, here_ns=here, zone=pane.view.look.zone)

        def typed(text: str) -> str:
            return _fault_of(lambda: when(text)) if text.strip("@ ") else ""

        def words(text: str) -> str:
            if not text.strip("@ "):
                return ""
            zone = pane.view.look.zone
            return jump_words(text, when(text), now_ns=time.time_ns(), zone=zone)

        def done(text: str) -> None:
            if not text.strip("@ "):
                return
            time_ns, said = when(text), words(text)
            now = time.time_ns()
            if time_ns > now - _NOW:
                pane.action_end()
                if time_ns > now:
                    pane.notify(f"{said}: these are the newest lines", markup=False)
                return
            pane.go_to_time(time_ns)
            if said.startswith("yesterday"):
                pane.notify(said, markup=False)

        hint = "12:30  -10m  yesterday 04:10"
        self._ask(Ask(title="jump to", hint=hint, typed=typed, note=words, done=done))


def _words(exc: ConfigError) -> str:
    message, position = fault(exc)
    if position is None:
        return message
    query = getattr(exc, "query", "")
    rest = query[position : position + 20]
    return f"{message}: …{rest}" if rest else message


def _fault_of(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except ConfigError as exc:
        return _words(exc)
    return ""

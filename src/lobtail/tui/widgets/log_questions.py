"""What a log asks its reader: what to search, to filter, where to jump, where to save."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lobtail.errors import ConfigError
from lobtail.tui.export import save
from lobtail.tui.state.filters import fault, make_pattern
from lobtail.tui.state.jump import parse_jump
from lobtail.tui.widgets.prompt import Ask, Prompt

if TYPE_CHECKING:
    from lobtail.tui.widgets.log_pane import LogPane

__all__ = ["LogQuestions"]


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
                # What is not found yet may be found by the time that all is searched.
                pane.touch()

        self._ask(Ask(title="search", hint="regex", typed=typed, done=done, left=left))

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

        self._ask(
            Ask(
                title="filter",
                text=before.query,
                hint="level>=warn and status>=500 and not /health/",
                typed=typed,
                done=typed,
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

        def done(text: str) -> None:
            if text.strip("@ "):
                pane.go_to_time(when(text))

        self._ask(
            Ask(title="jump to", hint="12:30  -10m  +1h  2026-01-02T15:04", typed=typed, done=done)
        )

    def save(self) -> None:
        """Ask for a file."""
        pane = self._pane
        items = pane.shown_items()

        async def write(path: Path) -> None:
            try:
                size = await save(items, path, pane.view.look)
            except ConfigError as exc:
                pane.notify(str(exc), severity="error", markup=False)
            else:
                pane.notify(
                    f"{len(items):,} items, {size:,} bytes: {path}", title="Saved", markup=False
                )

        def done(text: str) -> None:
            if text.strip():
                pane.run_worker(write(Path(text.strip()).expanduser()), exit_on_error=False)

        name = time.strftime("lobtail-%Y%m%d-%H%M%S.log")
        self._ask(
            Ask(title=f"save {len(items):,} to", text=name, hint=".jsonl for JSON lines", done=done)
        )


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

"""Run ``lobtail tail``: from the session through filter and format to stdout and stderr."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from operator import attrgetter

from lobtail.api import Engine
from lobtail.cli.options import run
from lobtail.cli.output import Output, narrate
from lobtail.cli.tail_settings import Settings
from lobtail.core.model import ContainerRef, Dropped, Gap, Item, Line, Removed
from lobtail.core.selection import Selector
from lobtail.render.prefix import shown_name
from lobtail.tail import Tail

__all__ = ["FAILED", "TIMED_OUT", "TailRun"]

FAILED = 4
TIMED_OUT = 124
NOT_SEEN = 1

_container = attrgetter("container")
_identifier = attrgetter("id")

# Containers that the summary names one by one.
_MOST_NAMED = 20


class TailRun:
    """One run of the command, and the account of what it read."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        # Formats make lines safe for a terminal themselves, so that their own colours act.
        self._out = Output(1, "stdout", safe=False)
        self._err = Output(2, "stderr", safe=False)
        self._lines: Counter[str] = Counter()
        self._names: dict[str, ContainerRef] = {}
        self._gaps = 0
        self._dropped = 0
        self._shown = 0
        self._left = settings.max_lines
        self._tail = engine.tail(*settings.named, **settings.selection)

    def run(self) -> int:
        """Run to the end; return the exit code."""
        try:
            return run(self._main())
        except SystemExit as exc:
            if exc.code == 130:
                self._summarize()
            raise

    async def _main(self) -> int:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout), self._engine, self._tail as tail:
                self._greet(tail)
                settings.formatter.expect(tail.containers)
                async for batch in tail:
                    code = self._take(batch)
                    if code is not None:
                        return code
        except TimeoutError:
            narrate("lobtail: the time given by --timeout is over")
            return TIMED_OUT
        if settings.until_match is not None:
            narrate("lobtail: the logs ended without a line for --until-match")
            return NOT_SEEN
        return 0

    def _greet(self, tail: Tail) -> None:
        """Say what of the selection is not there, if anything."""
        chosen = tail.containers
        if not chosen:
            ending = "; waiting for one to start" if self._settings.follow else ""
            which = "no container matches" if self._selective() else "no container runs"
            narrate(f"lobtail: {which}{ending}")
            return
        for word in self._settings.named:
            selector = Selector(word)
            if selector.exact and not any(map(selector.matches, chosen)):
                ending = "; waiting for it" if self._settings.follow else ""
                narrate(f"lobtail: no container is called {word}{ending}")

    def _selective(self) -> bool:
        criteria = ("labels", "projects", "services", "images", "exclude", "all")
        return bool(self._settings.named) or any(self._settings.selection[c] for c in criteria)

    # --- batches ------------------------------------------------------------------------------

    def _take(self, batch: list[Item]) -> int | None:
        """Show a batch; return the exit code if it holds a reason to end."""
        code, end = self._ending(batch)
        if end is not None:
            batch = batch[:end]
        self._count(batch)
        items = self._settings.wanted.apply(batch)
        if self._left is not None:
            items, code = self._limited(items, code)
        self._shown += list(map(type, items)).count(Line)
        if items:
            for chunk in self._settings.formatter.render(items, time.time_ns()):
                (self._err if chunk.stderr else self._out).write(chunk.data)
        return code

    def _ending(self, batch: list[Item]) -> tuple[int | None, int | None]:
        """Return the exit code that a line of the batch asks for, and where the batch ends then."""
        fail_on, until_match = self._settings.fail_on, self._settings.until_match
        if fail_on is None and until_match is None:
            return None, None
        for i, item in enumerate(batch):
            if type(item) is not Line:
                continue
            if fail_on is not None and fail_on(item):
                return FAILED, i + 1
            if until_match is not None and until_match(item):
                return 0, i + 1
        return None, None

    def _limited(self, items: list[Item], code: int | None) -> tuple[list[Item], int | None]:
        """Keep as many lines as may still be shown."""
        assert self._left is not None
        for i, item in enumerate(items):
            self._left -= type(item) is Line
            if not self._left:
                return items[: i + 1], code or 0
        return items, code

    def _count(self, batch: list[Item]) -> None:
        if set(map(type, batch)) != {Line}:
            self._count_marks(batch)
            batch = [item for item in batch if type(item) is Line]
        # A container has one object for all its lines, so few are counted one by one.
        containers = list(map(_container, batch))
        for container in {id(container): container for container in containers}.values():
            self._names[container.id] = container
        self._lines.update(Counter(map(_identifier, containers)))

    def _count_marks(self, batch: list[Item]) -> None:
        for item in batch:
            if type(item) is Line:
                continue
            container = self._names[item.container.id] = item.container
            if isinstance(item, Gap):
                self._gaps += 1
            elif isinstance(item, Dropped):
                self._dropped += item.count
            elif isinstance(item, Removed):
                self._settings.wanted.forget(container)

    # --- the account --------------------------------------------------------------------------

    def _summarize(self) -> None:
        """Say on stderr what was read and what is missing."""
        total = self._lines.total()
        shown = f" ({self._shown} shown)" if self._shown != total else ""
        narrate(
            f"lobtail: {_many(total, 'line')}{shown} of {_many(len(self._names), 'container')}, "
            f"{_many(self._gaps, 'gap')}, {self._dropped} dropped"
        )
        for identifier, count in self._lines.most_common(_MOST_NAMED):
            narrate(f"  {count:>9} {shown_name(self._names[identifier])}")
        if len(self._lines) > _MOST_NAMED:
            rest = sum(sorted(self._lines.values())[:-_MOST_NAMED])
            narrate(f"  {rest:>9} of {len(self._lines) - _MOST_NAMED} more")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

"""Run ``lobtail tail``: from the session through filter and format to stdout and stderr."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.api import Engine, tail_engines, tail_files
from lobtail.cli.options import run
from lobtail.cli.tail_settings import TailSettings
from lobtail.errors import LobtailError
from lobtail.model.entries import Entry
from lobtail.model.items import (
    ContainerRef,
    Dropped,
    EngineBack,
    EngineLost,
    Gap,
    Item,
    Line,
    Mark,
    Removed,
)
from lobtail.model.swarm import TASK_ID
from lobtail.query.nearest import nearest
from lobtail.query.selection import ContainerSelector
from lobtail.render.prefix import shown_name
from lobtail.render.stamps import STAMP_STYLES
from lobtail.session.tail import Tail
from lobtail.terminal.output import Output, print_status, print_status_now

if TYPE_CHECKING:
    from lobtail.query.field_watch import FieldWatch
    from lobtail.query.patterns import Pattern

__all__ = ["FAILED", "NOT_FOUND", "NOT_SEEN", "TIMED_OUT", "Summary", "TailRun"]

FAILED = 4
TIMED_OUT = 124
NOT_SEEN = NOT_FOUND = 1

# Seconds after --until at which a run that follows ends; `lobtail logs` waits as long.
_GRACE: Final = 1.0

_container = attrgetter("container")

_CRITERIA: Final = ("labels", "projects", "services", "images", "exclude")

_log: Final = logging.getLogger("lobtail")

_MOST_FILES: Final = 65_536

# Seconds, and lines read, after which a filter that shows nothing may name what is not there.
_PATIENCE: Final = 5.0
_MANY_LINES: Final = 1000

# Containers that the summary names one by one.
_MOST_NAMED = 20


class _Narrator(logging.Handler):
    """Shows on stderr what the library has to say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one message."""
        print_status(f"lobtail: {record.getMessage()}")


class _End(NamedTuple):
    """Why a run ends before the logs do."""

    code: int
    words: str = ""
    """For stderr; nothing where the code says enough."""


class TailRun:
    """One run of the command, and the account of what it read."""

    def __init__(self, engines: list[Engine], settings: TailSettings) -> None:
        self._engines = engines
        self._settings = settings
        # Formats make lines safe for a terminal themselves, so that their own colours act.
        self._out = Output(1, "stdout", safe=False)
        self._err = Output(2, "stderr", safe=False)
        self._account = Summary()
        self._missing = False  # whether something that was asked for is not there
        self._left = settings.max_lines
        self._words = _FilterWords(settings)
        self._tail = self._open()
        # What was read is counted before it is filtered.
        self._tail.wanted = None

    def _open(self) -> Tail:
        settings = self._settings
        if len(self._engines) == 1:
            return self._engines[0].tail(*settings.named, **settings.selection)
        if self._engines:
            return tail_engines(self._engines, *settings.named, **settings.selection)
        of_files = ("tail", "since", "until", "streams", "where", "before", "after", *_CRITERIA)
        chosen = {name: settings.selection[name] for name in (*of_files, "group", "continuations")}
        return tail_files(*settings.files, **chosen)

    def run(self) -> int:
        """Run to the end; return the exit code."""
        _allow_many_files()
        level = logging.INFO if self._settings.verbose else logging.WARNING
        narrator = _Narrator(level)
        _log.setLevel(level)
        _log.addHandler(narrator)
        try:
            return run(self._main())
        except SystemExit as exc:
            if exc.code == 130:
                self._account.show()
                print_status_now(self._words.at_end())
            raise
        finally:
            _log.removeHandler(narrator)

    async def _main(self) -> int:
        settings = self._settings
        seconds, end = self._limit()
        try:
            async with AsyncExitStack() as stack:
                limit = await stack.enter_async_context(asyncio.timeout(seconds))
                for engine in self._engines:
                    await stack.enter_async_context(engine)
                tail = await stack.enter_async_context(self._tail)
                self._account.expect(tail.found)
                await self._greet(tail)
                settings.formatter.expect(tail.found)
                async for batch in tail.batches():
                    if found := self._take(self._without_engines(batch)):
                        end = found
                        break
                else:
                    end = self._end_of_logs()
        except TimeoutError:
            if not limit.expired():
                raise
        for words in self._words.at_end():
            print_status(words)
        if end.words:
            print_status(f"lobtail: {end.words}")
        return end.code

    def _without_engines(self, batch: list[Item]) -> list[Item]:
        """Say on stderr what a batch says of engines, and return the rest of it."""
        kinds = set(map(type, batch))
        if EngineLost not in kinds and EngineBack not in kinds:
            return batch
        for item in batch:
            name = f"{item.container.host}: " if item.container.host else ""
            if isinstance(item, EngineLost):
                self._missing |= not self._settings.follow
                ending = "; trying again" if self._settings.follow else ""
                print_status(f"lobtail: {name}{item.reason}{ending}")
            elif isinstance(item, EngineBack) and name:
                print_status(f"lobtail: {name}the engine is there again")
        return [item for item in batch if not isinstance(item, EngineLost | EngineBack)]

    def _limit(self) -> tuple[float | None, _End]:
        """Return after how many seconds the run ends at the latest, and how."""
        settings = self._settings
        ends = [(settings.timeout, _End(TIMED_OUT, "the time given by --timeout is over"))]
        if settings.until_ns is not None:
            # So much later, what was written before has come and passed the merge.
            window = settings.selection["merge_window"] + _GRACE
            left = (settings.until_ns - time.time_ns()) / 1e9 + window
            ends.append((left, self._end_of_logs()))
        timed = [(seconds, end) for seconds, end in ends if seconds is not None]
        return min(timed, default=(None, _End(0)))

    def _end_of_logs(self) -> _End:
        if self._settings.until_match is not None:
            return _End(NOT_SEEN, "the logs ended without a line for --until-match")
        return _End(NOT_FOUND if self._missing else 0)

    async def _greet(self, tail: Tail) -> None:
        """Say what of the selection is not there, if anything."""
        settings, found = self._settings, tail.found
        unmet = [
            word for word in settings.named if not any(map(ContainerSelector(word).matches, found))
        ]
        ending = "; waiting for one to start" if settings.follow else ""
        if len(unmet) == 1 or found:
            for word in unmet:
                what = "is called" if ContainerSelector(word).exact else "matches"
                # Times may have a form, but it must not look like a container.
                hint = f" (for times of this form: -t={word})" if word in STAMP_STYLES else ""
                hint = hint or await self._nearest([word])
                print_status(f"lobtail: no container {what} {word}{hint}{ending}")
        elif self._selective():
            selection = settings.selection
            hint = await self._nearest([*unmet, *selection["projects"], *selection["services"]])
            print_status(f"lobtail: no container matches{hint}{ending}")
        elif not settings.files:
            print_status(f"lobtail: no container runs{ending}")
        # That nothing runs is an answer; that a thing is not there, which was named, is none.
        selected = self._selective() and not found
        self._missing |= not settings.follow and (bool(unmet) or selected)
        if settings.follow:
            named = [word for word in map(ContainerSelector, settings.named) if word.exact]
            # A task that has ended never starts again: another takes its place.
            idle = [container for container in tail.idle if TASK_ID not in container.labels]
            for container in idle:
                if any(word.matches(container) for word in named):
                    waits = "; waiting for it to start" if settings.until_match is None else ""
                    print_status(f"lobtail: {shown_name(container)} is not running{waits}")
            ended = [container.id for container in tail.idle if TASK_ID in container.labels]
            for selector in named:
                met = [container for container in found if selector.matches(container)]
                if met and all(container.id in ended for container in met):
                    print_status(f"lobtail: no task of {selector.word} runs{ending}")

    async def _nearest(self, words: list[str]) -> str:
        """Return a hint at what is called nearly as one of the words, if something is."""
        from lobtail.engine.objects.container import project_of, service_of

        projects: set[str] = set()
        names: set[str] = set()
        for engine in self._engines:
            with suppress(LobtailError):
                for each in await engine.containers.list(all=True):
                    names |= {each.name, service_of(each.labels)}
                    projects.add(project_of(each.labels))
        for word in words:
            if word in names or (word in projects and word not in self._settings.named):
                continue  # something else keeps it from being chosen
            if word in projects:
                return f" (did you mean --project {word}?)"
            if ContainerSelector(word).exact and (
                found := nearest(word, (names | projects) - {"", word})
            ):
                return f" (did you mean {'' if found in names else '--project '}{found}?)"
        return ""

    def _selective(self) -> bool:
        selection = self._settings.selection
        return bool(self._settings.named) or any(selection[name] for name in _CRITERIA)

    # --- batches ------------------------------------------------------------------------------

    def _take(self, batch: list[Item]) -> _End | None:
        """Show a batch; return why the run ends with it, if it does."""
        wanted = self._settings.wanted
        end, last = self._ending(batch)
        if last is not None:
            batch = batch[: last + 1]
        marks = self._account.add(batch)
        items = wanted.apply(batch)
        # The line that ends the run is shown, whatever the filters say.
        if last is not None and (not items or items[-1] is not batch[-1]):
            items = [*items, batch[-1]]
        if self._left is not None:
            items, end = self._limited(items, end)
        types = list(map(type, items))
        shown = types.count(Line) + types.count(Entry)
        self._account.shown += shown
        for words in self._words.of_batch(batch, shown):
            print_status(words)
        if items:
            for chunk in self._settings.formatter.render(items, time.time_ns()):
                (self._err if chunk.stderr else self._out).write(chunk.data)
        for mark in marks:
            if isinstance(mark, Removed):
                wanted.forget(mark.container)
                # Without following it is told only of a log that could not be read, or was saved.
                engine = bool(self._engines)
                self._missing |= engine and not self._settings.follow and self._selective()
        return end

    def _ending(self, batch: list[Item]) -> tuple[_End | None, int | None]:
        """Find the first line that ends the run: why it does, and where in the batch it is."""
        fail_on, until_match = self._settings.fail_on, self._settings.until_match
        if fail_on is None and until_match is None:
            return None, None
        for i, item in enumerate(batch):
            if not isinstance(item, Line):
                continue
            if fail_on is not None and fail_on(item):
                return _End(FAILED, f"--fail-on matches a line of {shown_name(item.container)}"), i
            if until_match is not None and until_match(item):
                return _End(0), i
        return None, None

    def _limited(self, items: list[Item], end: _End | None) -> tuple[list[Item], _End | None]:
        """Keep as many lines as may still be shown."""
        assert self._left is not None
        for i, item in enumerate(items):
            self._left -= isinstance(item, Line)
            if not self._left:
                if end is not None and i == len(items) - 1:
                    return items, end
                if self._settings.until_match is None:
                    return items[: i + 1], _End(0)
                words = "--max-lines is reached without a line for --until-match"
                return items[: i + 1], _End(NOT_SEEN, words)
        return items, end


class _FilterWords:
    """What is to be said of filters that cannot do what was meant, each thing once."""

    def __init__(self, settings: TailSettings) -> None:
        self._watch: FieldWatch | None = None
        self._patterns: list[Pattern] = [*settings.highlight]
        where = settings.selection["where"]
        self._narrow = where is not None and where.plan().is_narrow
        self._said: set[str] = set()
        self._since = time.monotonic()
        self._shown = False
        if settings.terms:
            from lobtail.query.field_watch import FieldWatch
            from lobtail.query.terms import patterns_of

            self._watch = FieldWatch(settings.terms)
            self._patterns += patterns_of(settings.terms)

    def of_batch(self, batch: list[Item], shown: int) -> Iterator[str]:
        """Yield what is to be said now that so many lines of a batch are shown."""
        if self._watch:
            self._watch.see(batch)
            self._shown = self._shown or shown > 0
            waited = time.monotonic() - self._since > _PATIENCE and self._watch.lines > 0
            if not self._shown and (waited or self._watch.lines > _MANY_LINES):
                yield from self._once(self._watch.hints(only_similar=self._narrow))
        for pattern in self._patterns:
            if pattern.unsearched:
                yield from self._once([_unsearched(pattern)])

    def at_end(self) -> Iterator[str]:
        """Yield what is to be said at the end."""
        if self._watch:
            only_similar = self._narrow or self._shown
            yield from self._once(self._watch.hints(only_similar=only_similar))
        for pattern in self._patterns:
            if pattern.unsearched:
                yield from self._once([_unsearched(pattern)])
            if pattern.unsearched > 1:
                yield f"lobtail: {_unsearched(pattern)}: {_many(pattern.unsearched, 'line')}"

    def _once(self, hints: list[str]) -> Iterator[str]:
        for hint in hints:
            if hint not in self._said:
                self._said.add(hint)
                yield f"lobtail: {hint}"


def _unsearched(pattern: Pattern) -> str:
    text = pattern.pattern if len(pattern.pattern) <= 40 else f"{pattern.pattern[:39]}…"
    return f"long lines are searched for /{text}/ in their first {pattern.reach} bytes only"


def _allow_many_files() -> None:
    """Raise the limit of open files as far as we may: each container takes a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a lower limit than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Summary:
    """What was read, by container, and what is missing."""

    def __init__(self) -> None:
        self.shown = 0
        self._unit = "line"  # or "entry", where any has several lines
        self._lines: Counter[str] = Counter()
        self._gaps: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._names: dict[str, tuple[ContainerRef, str]] = {}
        self._begun = False

    def expect(self, containers: Iterable[ContainerRef]) -> None:
        """Begin, with containers that are named also if they log nothing."""
        self._begun = True
        for container in containers:
            self._lines[self._name(container)] += 0

    def add(self, batch: list[Item]) -> list[Mark]:
        """Count what a batch brought; return its marks."""
        marks: list[Mark] = []
        types = set(map(type, batch))
        self._unit = "entry" if Entry in types else self._unit
        if not types <= {Line, Entry}:
            marks = [item for item in batch if not isinstance(item, Line)]
            batch = [item for item in batch if isinstance(item, Line)]
        # A container has one object for all its lines, so few are counted one by one.
        containers = list(map(_container, batch))
        counts = Counter(map(id, containers))
        for container in {id(container): container for container in containers}.values():
            self._lines[self._name(container)] += counts[id(container)]
        for mark in marks:
            name = self._name(mark.container)
            self._lines[name] += 0
            if isinstance(mark, Gap):
                self._gaps[name] += 1
            elif isinstance(mark, Dropped):
                self._dropped[name] += mark.count
            elif isinstance(mark, Removed):
                # Its numbers stay, under its name, which another one may bear.
                self._names.pop(mark.container.id, None)
        return marks

    def show(self) -> None:
        """Write the account to stderr, unless somebody there has stopped reading."""
        if not self._begun:
            return
        total = self._lines.total()
        shown = f" ({self.shown} shown)" if self.shown != total else ""
        read = f"{_many(total, self._unit)}{shown} of {_many(len(self._lines), 'container')}"
        lost = f"{_many(self._gaps.total(), 'gap')}, {self._dropped.total()} dropped"
        rows = [f"lobtail: {read}, {lost}"]
        counts = self._lines.most_common()
        rows += [self._row(name, count) for name, count in counts[:_MOST_NAMED]]
        if rest := counts[_MOST_NAMED:]:
            rows.append(f"  {sum(count for _, count in rest):>9} of {len(rest)} more")
        print_status_now(rows)

    def _row(self, name: str, count: int) -> str:
        gaps, dropped = self._gaps[name], self._dropped[name]
        more = f", {_many(gaps, 'gap')}" if gaps else ""
        more += f", {dropped} dropped" if dropped else ""
        return f"  {count:>9} {name}{more}"

    def _name(self, container: ContainerRef) -> str:
        entry = self._names.get(container.id)
        if entry is None or entry[0] is not container:
            entry = self._names[container.id] = (container, shown_name(container))
        return entry[1]


def _many(count: int, what: str) -> str:
    if count == 1:
        return f"{count} {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") else f"{count} {what}s"

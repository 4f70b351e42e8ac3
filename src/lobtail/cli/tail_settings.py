"""What ``lobtail tail`` is to do: its options, checked and made into what they stand for.

Whatever is wrong in them is found here, before anything is connected to.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from lobtail.core.filter import LineFilter
from lobtail.core.frames import Stream
from lobtail.core.levels import Level
from lobtail.core.model import Line
from lobtail.core.patterns import compile_pattern
from lobtail.core.query import Query
from lobtail.core.terms import Contains, Matches, Or, Predicate, Subject, Term
from lobtail.core.timestamps import parse_duration
from lobtail.engine.logs import nanoseconds
from lobtail.errors import ConfigError, QueryError
from lobtail.render.colors import use_color
from lobtail.render.formats import make_formatter
from lobtail.render.stamps import Zone, find_zone, utc
from lobtail.render.style import Formatter, Style

__all__ = ["Settings", "make_settings"]

_TEXT: Final = Subject("text")


class Settings(msgspec.Struct, frozen=True):
    """All that a run needs to know."""

    selection: dict[str, Any]
    """The arguments of ``Engine.tail``."""
    named: tuple[str, ...]
    """The selectors, for words about them."""
    wanted: LineFilter
    formatter: Formatter
    until_match: Predicate | None
    fail_on: Predicate | None
    timeout: float | None
    """In seconds."""
    until_ns: int | None
    """When a run that follows ends; None for never, and where it ends with the history."""
    max_lines: int | None

    @property
    def follow(self) -> bool:
        """Whether the run goes on after the history."""
        return bool(self.selection["follow"])


def make_settings(
    *,
    selectors: tuple[str, ...],
    labels: tuple[str, ...],
    projects: tuple[str, ...],
    services: tuple[str, ...],
    images: tuple[str, ...],
    excluded: tuple[str, ...],
    everything: bool,
    follow: bool,
    tail: str | None,
    since: str | None,
    until: str | None,
    stream: str,
    merge_window: str,
    until_match: str | None,
    fail_on: str | None,
    timeout: str | None,
    max_lines: int | None,
    **shown: Any,
) -> Settings:
    """Check the options of the command line.

    Raises:
        ConfigError: one cannot be used.
    """
    now = time.time_ns()
    since_ns, until_ns = nanoseconds(since, "since"), nanoseconds(until, "until")
    if since_ns is not None and until_ns is not None and until_ns < since_ns:
        raise ConfigError("--until is before --since: nothing lies between them")
    # What has an end in the past is history, all of it.
    follow = follow and (until_ns is None or until_ns > now)
    return Settings(
        selection={
            "follow": follow,
            "tail": _tail(tail) or ("10" if follow and since_ns is None else "all"),
            "since": since_ns,
            "until": until_ns,
            "streams": _STREAMS[stream],
            "labels": _all_named(labels, "--label"),
            "projects": _all_named(projects, "--project"),
            "services": _all_named(services, "--service"),
            "images": _all_named(images, "--image"),
            "exclude": _all_named(excluded, "--exclude-container"),
            "all": everything,
            "merge_window": _seconds(merge_window, "--merge-window"),
        },
        named=selectors,
        wanted=_filter(now, **{name: shown[name] for name in _FILTERS}),
        formatter=_formatter(**{name: shown[name] for name in shown if name not in _ONLY_FILTERS}),
        until_match=_matcher(until_match, "--until-match"),
        fail_on=_matcher(fail_on, "--fail-on"),
        timeout=_timeout(timeout),
        until_ns=until_ns if follow else None,
        max_lines=max_lines,
    )


_STREAMS: Final = {
    "both": (Stream.STDOUT, Stream.STDERR),
    "stdout": (Stream.STDOUT,),
    "stderr": (Stream.STDERR,),
}


def _all_named(values: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Refuse an empty name, as an unset variable makes it: it would select nothing, or all."""
    if not all(value.partition("=")[0] for value in values):
        raise ConfigError(f"{option} is empty")
    return values


def _tail(value: str | None) -> str | None:
    if value is None or value == "all":
        return value
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise ConfigError(f"--tail is a number of lines or all, not {value!r}")
    return value


def _seconds(value: str, option: str) -> float:
    try:
        duration = parse_duration(value)
    except ValueError as exc:
        raise ConfigError(f"{option}: {value!r} is {exc}") from exc
    if duration is None or duration < 0:
        hint = f"; say {value}s for seconds" if value.isascii() and value.isdecimal() else ""
        raise ConfigError(f"{option} is a duration such as 50ms, 1.5s or 2m, not {value!r}{hint}")
    return duration / 1e9


def _timeout(value: str | None) -> float | None:
    if value is None:
        return None
    seconds = _seconds(value, "--timeout")
    if not seconds:
        # For some programs this is no time at all, for others no limit.
        raise ConfigError("--timeout is longer than 0; without it there is no limit")
    return seconds


def _matcher(text: str | None, option: str) -> Predicate | None:
    if text is None:
        return None
    return Matches(_TEXT, compile_pattern(text, option)).predicate()


# --- which lines ------------------------------------------------------------------------------

_FILTERS: Final = ("include", "exclude", "grep", "where", "level", "after", "before", "context")
# The formatter highlights what is looked for.
_ONLY_FILTERS: Final = ("exclude", "where", "level", "after", "before", "context")


def _filter(
    now_ns: int,
    *,
    include: Sequence[str],
    exclude: Sequence[str],
    grep: Sequence[str],
    where: Sequence[str],
    level: str | None,
    after: int | None,
    before: int | None,
    context: int | None,
) -> LineFilter:
    predicates: list[Predicate] = []
    # The cheapest first: each sees only what those before it let pass.
    if grep:
        predicates.append(_one_of([Contains(_TEXT, text) for text in grep]))
    if include:
        predicates.append(_one_of([Matches(_TEXT, _compiled(re_, "-i")) for re_ in include]))
    if level is not None:
        predicates.append(_at_least(_level(level)))
    if exclude:
        found = _one_of([Matches(_TEXT, _compiled(re_, "-e")) for re_ in exclude])
        predicates.append(lambda line: not found(line))
    predicates += [_query(text, now_ns).matches for text in where]
    return LineFilter(
        *predicates,
        before=_first(before, context),
        after=_first(after, context),
    )


def _query(text: str, now_ns: int) -> Query:
    if not text.strip():
        raise ConfigError("--where is empty; say for instance 'level>=warn'")
    try:
        return Query(text, now_ns=now_ns, local_offset=time.localtime().tm_gmtoff)
    except QueryError as exc:
        raise QueryError(f"--where: {exc.message}", exc.query, exc.position) from exc


def _compiled(text: str, option: str) -> re.Pattern[str]:
    names = {"-i": "--include", "-e": "--exclude"}
    return compile_pattern(text, names[option])


def _one_of(terms: list[Term]) -> Predicate:
    return (terms[0] if len(terms) == 1 else Or(tuple(terms))).predicate()


def _level(name: str) -> Level:
    try:
        return Level.parse(name)
    except ConfigError as exc:
        raise ConfigError(f"--level: {exc}") from exc


def _at_least(level: Level) -> Predicate:
    def holds(line: Line) -> bool:
        return line.level >= level

    return holds


def _first(own: int | None, shared: int | None) -> int:
    """Return ``-A`` or ``-B``, which come before ``-C``, as grep has it."""
    return own if own is not None else shared or 0


# --- how they look ----------------------------------------------------------------------------


def _formatter(
    *,
    include: Sequence[str],
    grep: Sequence[str],
    output: str,
    template: str | None,
    timestamps: Any,
    timezone: str,
    highlight: Sequence[str],
    color: str,
    prefix: bool | None,
    marks: bool,
    raw: bool,
) -> Formatter:
    if template == "":
        raise ConfigError("--template is empty; say for instance '{time} {container} {text}'")
    patterns = [compile_pattern(text, "--highlight") for text in highlight]
    patterns += [_compiled(text, "-i") for text in include]
    patterns += [re.compile(re.escape(text)) for text in grep if text]
    terminal = os.isatty(1)
    style = Style(
        color=use_color(color, os.environ, terminal),
        color_stderr=use_color(color, os.environ, os.isatty(2)),
        safe=terminal and not raw,
        prefix=prefix,
        marks=marks,
        timestamps=timestamps,
        zone=_zone(timezone),
        highlight=tuple(patterns),
    )
    return make_formatter(output, style, template)


def _zone(name: str) -> Zone:
    if name.lower() == "local" and not time.timezone and not time.daylight:
        return utc  # whose times are shorter
    try:
        return find_zone(name)
    except ConfigError as exc:
        raise ConfigError(f"--timezone: {exc}") from exc

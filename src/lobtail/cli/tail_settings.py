"""What ``lobtail tail`` is to do: its options, checked and made into what they stand for.

Whatever is wrong in them is found here, before anything is connected to.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from lobtail.core.filter import LineFilter
from lobtail.core.frames import Stream
from lobtail.core.levels import Level
from lobtail.core.model import Line
from lobtail.core.patterns import compile_pattern
from lobtail.core.query import Query
from lobtail.core.terms import Contains, Matches, Or, Predicate, Subject, Term
from lobtail.core.timestamps import parse_duration
from lobtail.errors import ConfigError
from lobtail.render.colors import use_color
from lobtail.render.formats import make_formatter
from lobtail.render.stamps import find_zone
from lobtail.render.style import Formatter, Style

__all__ = ["Settings", "make_settings"]

_TEXT = Subject("text")


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
    stream: str | None,
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
    streams = {"stdout": (Stream.STDOUT,), "stderr": (Stream.STDERR,)}
    seconds = None if timeout is None else _seconds(timeout, "--timeout")
    return Settings(
        selection={
            "follow": follow,
            "tail": _tail(tail),
            "since": since,
            "until": until,
            "streams": streams.get(stream or "", (Stream.STDOUT, Stream.STDERR)),
            "labels": labels,
            "projects": projects,
            "services": services,
            "images": images,
            "exclude": excluded,
            "all": everything,
            "merge_window": _seconds(merge_window, "--merge-window"),
        },
        named=selectors,
        wanted=_filter(**{name: shown[name] for name in _FILTERS}),
        formatter=_formatter(**{name: shown[name] for name in shown if name not in _ONLY_FILTERS}),
        until_match=_matcher(until_match, "--until-match"),
        fail_on=_matcher(fail_on, "--fail-on"),
        timeout=seconds,
        max_lines=max_lines,
    )


def _tail(value: str | None) -> str | None:
    if value is None or value == "all":
        return value
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise ConfigError(f"--tail is a number of lines or all, not {value!r}")
    return value


def _seconds(value: str, option: str) -> float:
    try:
        nanoseconds = parse_duration(value)
    except ValueError as exc:
        raise ConfigError(f"{option}: {value!r} is {exc}") from exc
    if nanoseconds is None or nanoseconds < 0:
        raise ConfigError(f"{option} is a duration such as 50ms, 1.5s or 2m, not {value!r}")
    return nanoseconds / 1e9


def _matcher(text: str | None, option: str) -> Predicate | None:
    if text is None:
        return None
    return Matches(_TEXT, compile_pattern(text, option)).predicate()


# --- which lines ------------------------------------------------------------------------------

_FILTERS = ("include", "exclude", "grep", "where", "level", "after", "before", "context")
# The formatter highlights what is looked for.
_ONLY_FILTERS = ("exclude", "where", "level", "after", "before", "context")


def _filter(
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
    now, offset = time.time_ns(), time.localtime().tm_gmtoff
    predicates += [Query(query, now_ns=now, local_offset=offset).matches for query in where]
    return LineFilter(
        *predicates,
        before=_first(before, context),
        after=_first(after, context),
    )


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
        zone=find_zone(timezone),
        highlight=tuple(patterns),
    )
    return make_formatter(output, style, template)

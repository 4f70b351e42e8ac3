"""What ``lobtail tail`` is to do: its options, checked and made into what they stand for.

Whatever is wrong in them is found here, before anything is connected to.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lobtail.cli.defaults import load_continuations
from lobtail.cli.tail_filter import FILTERS, make_filter, make_matcher, make_pattern
from lobtail.engine.streams.logs import nanoseconds
from lobtail.errors import ConfigError
from lobtail.follow.options import Source
from lobtail.model.frames import Stream
from lobtail.query.filter import LineFilter
from lobtail.query.time_arguments import parse_duration
from lobtail.render.colors import use_color
from lobtail.render.fields import FieldStyle
from lobtail.render.formats import make_formatter
from lobtail.render.stamps import Zone, find_zone
from lobtail.render.style import Formatter, Style

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern
    from lobtail.query.terms import Predicate, Term

__all__ = ["TailSettings", "make_settings"]


class TailSettings(msgspec.Struct, frozen=True):
    """All that a run needs to know."""

    selection: dict[str, Any]
    """The arguments of ``Engine.tail``."""
    files: tuple[str, ...]
    """Log files to read instead of asking an engine; none for an engine."""
    named: tuple[str, ...]
    """The selectors, for words about them."""
    verbose: bool
    wanted: LineFilter
    terms: tuple[Term, ...]
    """All that is asked of lines, for words about it."""
    highlight: tuple[Pattern, ...]
    """The regexes that are looked for to be highlighted only."""
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
    source: Source,
    files: tuple[str, ...],
    group: bool,
    verbose: bool,
    until_match: str | None,
    fail_on: str | None,
    timeout: str | None,
    max_lines: int | None,
    **shown: Any,
) -> TailSettings:
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
    highlight = tuple(make_pattern(text, "--highlight") for text in shown["highlight"])
    shown["highlight"] = highlight
    filtering = make_filter(now, **{name: shown[name] for name in FILTERS})
    ready, failed = make_matcher(until_match, "--until-match"), make_matcher(fail_on, "--fail-on")
    # The very bytes of all lines keep the order in which they came.
    picks = filtering.wanted.asks or ready is not None or failed is not None
    picks = picks or max_lines is not None
    group = group and (picks or shown["output"] != "raw" or shown["template"] is not None)
    if files and everything:
        raise ConfigError("--all chooses among an engine's containers, not with --file")
    return TailSettings(
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
            "until_stopped": until_match is not None,
            "merge_window": _seconds(merge_window, "--merge-window"),
            "source": source,
            "group": group,
            "continuations": load_continuations() if group else (),
            "where": filtering.needed(ready, failed),
            "before": filtering.context[0],
            "after": filtering.context[1],
        },
        files=(*files, *selectors) if files else (),
        verbose=verbose,
        named=() if files else selectors,
        wanted=filtering.wanted,
        formatter=_formatter(**{name: shown[name] for name in shown if name not in _ONLY_FILTERS}),
        terms=(*filtering.terms, *(term for term in (ready, failed) if term is not None)),
        highlight=highlight,
        until_match=None if ready is None else ready.predicate(),
        fail_on=None if failed is None else failed.predicate(),
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


# The formatter highlights what is looked for.
_ONLY_FILTERS: Final = ("exclude", "where", "level", "after", "before", "context")


# --- how they look ----------------------------------------------------------------------------


def _formatter(
    *,
    include: Sequence[str],
    grep: Sequence[str],
    output: str,
    template: str | None,
    fields: FieldStyle,
    columns: Sequence[str],
    timestamps: Any,
    timezone: str,
    highlight: Sequence[Pattern],
    color: str,
    prefix: bool | None,
    marks: bool,
    raw: bool,
) -> Formatter:
    if template == "":
        raise ConfigError("--template is empty; say for instance '{time} {container} {text}'")
    patterns: list[Pattern | re.Pattern[str]] = [*highlight]
    patterns += [make_pattern(text, "--include") for text in include]
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
        fields="columns" if columns and fields == "compact" else fields,
        columns=tuple(path for text in columns for path in text.split(",") if path),
        highlight=tuple(patterns),
    )
    return make_formatter(output, style, template)


def _zone(name: str) -> Zone:
    try:
        return find_zone(name)
    except ConfigError as exc:
        raise ConfigError(f"--timezone: {exc}") from exc

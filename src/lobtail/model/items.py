"""The values that travel through lobtail: lines, and the marks between them.

A ``Line`` is what a program wrote; a mark says what happened to a container or to the reading of
its log. Both are immutable, know their container and their time, and go through the layers in
lists (batches). An *item* is either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from urllib.parse import quote_plus, unquote_plus

import msgspec
from msgspec.structs import force_setattr

from lobtail.model.fields import parse_fields
from lobtail.model.frames import Stream
from lobtail.model.levels import Level, detect_level, detect_levels

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "ContainerRef",
    "Dropped",
    "EngineBack",
    "EngineLost",
    "Gap",
    "Item",
    "Line",
    "Mark",
    "Removed",
    "Resumed",
    "Skipped",
    "Started",
    "Stopped",
    "encode_details",
    "forget_parsed",
    "level_of",
    "levels_of",
    "mark_words",
    "parse_details",
    "shown_name",
    "shown_text",
]


class ContainerRef(msgspec.Struct, frozen=True):
    """A container as its lines name it; one object for all lines of a run."""

    id: str
    """All 64 digits."""
    name: str
    """Without the slash that the API puts in front."""
    image: str = ""
    project: str = ""
    """Of docker compose, or the stack of a swarm; empty without one."""
    service: str = ""
    """Of docker compose, or of a swarm."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    host: str = ""
    """The engine that it runs on, where several are read, and the node of a swarm, where that is
    another than the engine's own; else empty."""


class Line(msgspec.Struct, frozen=True, gc=False, eq=False, repr_omit_defaults=True):
    """A line that a container wrote, pieces rejoined, without its newline.

    ``raw`` are the bytes as the engine keeps them (json-file has replaced invalid UTF-8 before).
    """

    container: ContainerRef
    stream: Stream
    time_ns: int | None
    """When the engine received its beginning, in nanoseconds since the epoch; None if unknown."""
    raw: bytes
    partial: bool = False
    """A part of a line above the limit of 1 MiB: the next line of this stream goes on."""
    unterminated: bool = False
    """No newline followed, or none yet."""
    late: bool = False
    """It came after younger lines of other containers had been shown."""
    raw_details: bytes = b""
    """The log driver's attributes as the engine sends them: ``k=v,k=v``, query-escaped."""
    continues: bool = False
    """It belongs to the line of this container and stream before it: see ``Entry``."""
    _cache: dict[str, Any] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash((self.container.id, self.stream, self.time_ns, self.raw))

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the entry: this one. A line is an entry of one; see ``Entry``."""
        return (self,)

    @property
    def head(self) -> Line:
        """The first of ``lines``."""
        return self

    @property
    def text(self) -> str:
        """``raw`` as text, not made safe for terminals.

        What is not UTF-8 is replaced by U+FFFD, and the CR that a TTY puts before each newline is
        left out.
        """
        return self.raw.removesuffix(b"\r").decode("utf-8", "replace")

    def __str__(self) -> str:
        """Return one line for people: the container and the text, in which nothing acts."""
        return f"{shown_name(self.container)}: {shown_text(self)}"

    @property
    def time(self) -> datetime | None:
        """``time_ns`` as a datetime in UTC, to the microsecond; None if unknown."""
        return _datetime(self.time_ns)

    @property
    def details(self) -> dict[str, str]:
        """The log driver's attributes."""
        return parse_details(self.raw_details)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a JSON line, or the ``key=value`` pairs in other text.

        Empty without any, or where JSON is not parseable within bounds. Parsed at the first use.
        """
        cache = self._cached()
        if "fields" not in cache:
            cache["fields"] = parse_fields(self.raw)
        fields: dict[str, Any] = cache["fields"]
        return fields

    @property
    def level(self) -> Level:
        """How grave the line says that it is; ``Level.UNKNOWN`` if it does not. Found once."""
        cache = self._cached()
        if "level" not in cache:
            cache["level"] = self._find_level()
        level: Level = cache["level"]
        return level

    def _find_level(self) -> Level:
        return detect_level(self.raw)

    def _value(self) -> tuple[object, ...]:
        """Return all but the cache."""
        flags = (self.partial, self.unterminated, self.late, self.continues)
        return self.container, self.stream, self.time_ns, self.raw, flags, self.raw_details

    def _cached(self) -> dict[str, Any]:
        if self._cache is None:
            # Not part of the value: what is kept here follows from ``raw``.
            force_setattr(self, "_cache", {})
        cache: dict[str, Any] = self._cache  # type: ignore[assignment]
        return cache


def _datetime(time_ns: int | None) -> datetime | None:
    if time_ns is None:
        return None
    from datetime import UTC, datetime, timedelta

    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    except OverflowError:  # years that Python does not have
        return None


def parse_details(raw: bytes) -> dict[str, str]:
    """Return a log driver's attributes, of which ``raw`` is what the API sends."""
    pairs = (pair.partition("=") for pair in raw.decode("utf-8", "replace").split(",") if pair)
    return {unquote_plus(key): unquote_plus(value) for key, _, value in pairs}


def encode_details(attrs: dict[str, str]) -> bytes:
    """Return a log driver's attributes as the API sends them.

    Sorted by key, keys and values escaped as Go's ``url.QueryEscape`` does (moby,
    ``api/server/httputils/write_log_stream.go``: ``attrsByteSlice``).
    """
    pairs = (f"{quote_plus(key)}={quote_plus(attrs[key])}" for key in sorted(attrs))
    return ",".join(pairs).encode()


def level_of(line: Line) -> Level:
    """Return ``line.level`` without keeping it: for those who look at a line last."""
    return line._find_level() if line._cache is None else line.level  # noqa: SLF001


def levels_of(lines: list[Line]) -> list[Level]:
    """Return the ``level_of`` each line, at least one."""
    # An entry finds its level otherwise.
    if lines[0]._cache is None and set(map(type, lines)) == {Line}:  # noqa: SLF001
        return detect_levels([line.raw for line in lines])
    return list(map(level_of, lines))


def forget_parsed(line: Line) -> None:
    """Let go of the fields and the level that were found in a line: for those who keep many."""
    if line._cache is not None:  # noqa: SLF001
        force_setattr(line, "_cache", None)


class Mark(msgspec.Struct, frozen=True):
    """Something that happened to a container or to the reading of its log."""

    kind: ClassVar[str] = ""

    container: ContainerRef
    time_ns: int | None
    """When, by the engine's clock where it tells; None if unknown."""

    def __str__(self) -> str:
        """Return one line for people: the container, and what happened in words."""
        return f"{shown_name(self.container)}: {mark_words(self)}"

    @property
    def time(self) -> datetime | None:
        """``time_ns`` as a datetime in UTC, to the microsecond; None if unknown."""
        return _datetime(self.time_ns)


class Started(Mark, frozen=True):
    """The container began a run while it was followed."""

    kind: ClassVar[str] = "started"


class Stopped(Mark, frozen=True):
    """The container's run ended."""

    kind: ClassVar[str] = "stopped"

    exit_code: int | None = None
    oom: bool = False
    """The kernel killed it for want of memory."""


class Removed(Mark, frozen=True):
    """The container was removed, and its log with it."""

    kind: ClassVar[str] = "removed"


class Gap(Mark, frozen=True):
    """Lines may be missing here; ``reason`` says why."""

    kind: ClassVar[str] = "gap"

    reason: str = ""


class Resumed(Mark, frozen=True):
    """The log was cut and is read again from here; nothing is missing unless a ``Gap`` says so."""

    kind: ClassVar[str] = "resumed"

    reason: str = ""


class Dropped(Mark, frozen=True):
    """The reader was too slow, and had asked rather to lose lines than to wait for them."""

    kind: ClassVar[str] = "dropped"

    count: int = 0
    """How many lines are missing here."""


class Skipped(Mark, frozen=True):
    """A filter with context left lines out here, between two groups that it shows."""

    kind: ClassVar[str] = "skipped"

    count: int = 0
    """How many lines, all of this container."""


class EngineLost(Mark, frozen=True):
    """An engine cannot be reached; with ``follow`` it is tried again.

    ``container`` has only the name of the engine, as ``host``.
    """

    kind: ClassVar[str] = "engine_lost"

    reason: str = ""


class EngineBack(Mark, frozen=True):
    """An engine that was lost can be reached again; ``container`` has only its name."""

    kind: ClassVar[str] = "engine_back"


Item: TypeAlias = Line | Mark


# --- for people: what they read, in which nothing acts; only they need what makes it safe --------


def shown_name(container: ContainerRef) -> str:
    """Return the name of a container for people: one line, nothing in it acts.

    Where several engines are read, the host stands before it; of an engine there is only that.
    """
    from lobtail.model.sanitize import sanitize

    names = (container.host, container.name or container.id[:12])
    return sanitize("/".join(filter(None, names)) or "engine")


def shown_text(line: Line) -> str:
    """Return the text of a line as it is read: made safe, and without its colours."""
    from lobtail.model.sanitize import safe_lines
    from lobtail.model.sgr import SGR

    raw = line.raw.removesuffix(b"\r").replace(b"\n", "␊".encode())
    return SGR.sub("", safe_lines(raw).decode())


def mark_words(mark: Mark) -> str:
    """Return what happened, without the container; one line in which nothing acts."""
    match mark:
        case Started():
            return "started"
        case Stopped(exit_code=exit_code, oom=oom):
            code = "" if exit_code is None else f", exit code {exit_code}"
            return f"stopped{code}{', out of memory' if oom else ''}"
        case Removed():
            return "removed"
        case Gap(reason=reason):
            return _because("lines may be missing here", reason)
        case Resumed(reason=reason):
            return _because("resumed", reason)
        case Dropped(count=count):
            return f"{_lines(count)} dropped"
        case Skipped(count=count):
            return f"{_lines(count)} left out"
        case EngineLost(reason=reason):
            return _because("engine unreachable", reason)
        case EngineBack():
            return "engine reachable again"
    from lobtail.model.sanitize import sanitize

    return sanitize(mark.kind) or "mark"


def _lines(count: int) -> str:
    return f"{count} {'line' if count == 1 else 'lines'}"


def _because(what: str, reason: str) -> str:
    from lobtail.model.sanitize import sanitize

    return f"{what}: {sanitize(reason)}" if reason else what

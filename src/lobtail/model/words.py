"""Say lines and marks in words: what people read, in which nothing acts."""

from __future__ import annotations

from lobtail.model.items import (
    ContainerRef,
    Dropped,
    EngineBack,
    EngineLost,
    Gap,
    Line,
    Mark,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
)
from lobtail.model.sanitize import safe_lines, sanitize
from lobtail.model.sgr import SGR

__all__ = ["mark_words", "shown_name", "shown_text"]


def shown_name(container: ContainerRef) -> str:
    """Return the name of a container for people: one line, nothing in it acts.

    Where several engines are read, the host stands before it; of an engine there is only that.
    """
    names = (container.host, container.name or container.id[:12])
    return sanitize("/".join(filter(None, names)) or "engine")


def shown_text(line: Line) -> str:
    """Return the text of a line as it is read: made safe, and without its colours."""
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
    return sanitize(mark.kind) or "mark"


def _lines(count: int) -> str:
    return f"{count} {'line' if count == 1 else 'lines'}"


def _because(what: str, reason: str) -> str:
    return f"{what}: {sanitize(reason)}" if reason else what

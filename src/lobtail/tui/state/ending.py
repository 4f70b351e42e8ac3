"""How a container ended: when, with which exit code, and whether for want of memory."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from lobtail.engine.objects.container import ContainerSummary, State
from lobtail.model.sanitize import sanitize
from lobtail.model.timestamps import parse_go_time

__all__ = ["Ending", "ago"]

_EXITED: Final = re.compile(r"Exited \(([0-9]+)\)")
_SECOND: Final = 1_000_000_000
_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


class Ending(msgspec.Struct, frozen=True):
    """The end of a container's last run; its words act on nothing."""

    code: int | None = None
    oom: bool = False
    time_ns: int | None = None
    error: str = ""
    """Why it could not be started."""
    begun: bool = True
    """Whether it has ever run."""

    @classmethod
    def listed(cls, container: ContainerSummary) -> Ending:
        """Return what the list of containers says of it."""
        match = _EXITED.match(container.status)
        return cls(int(match[1]) if match else None, begun=container.state != "created")

    @classmethod
    def inspected(cls, state: State) -> Ending:
        """Return what the engine says of the container."""
        ended = parse_go_time(state.finished_at)
        begun = ended is not None or parse_go_time(state.started_at) is not None
        code = state.exit_code if begun else None
        return cls(code, state.oom_killed, ended, sanitize(state.error), begun)

    def words(self, now_ns: int) -> str:
        """Say it in one line."""
        parts = ["stopped" if self.begun else "never started"]
        if self.code is not None:
            parts.append(f"exit code {self.code}")
        if self.oom:
            parts.append("out of memory")
        if self.error:
            parts.append(self.error)
        if self.time_ns is not None:
            parts.append(ago(self.time_ns, now_ns))
        return "■ " + ", ".join(parts)


def ago(time_ns: int, now_ns: int) -> str:
    """Say how long ago a time was, in its largest unit."""
    seconds = max(0, (now_ns - time_ns) // _SECOND)
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"

"""Join what files hold to what comes next: each record once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.follow.steps import Read, Steps
from lobtail.model.resume import WINDOW_NS, ResumeState
from lobtail.sources.base import LogRequest

if TYPE_CHECKING:
    from lobtail.sources.base import FileLog

__all__ = ["remember"]


def remember(files: FileLog, memory: ResumeState) -> Steps[None]:
    """Remember the end of what files hold, so that a live stream can be joined to it."""
    newest: int | None = None
    last = files.held(LogRequest(tail="1"))
    while (batch := (yield Read(last))) is not None:
        if isinstance(batch, list):
            stamps = [stamp for each in batch if (stamp := each.time_ns) is not None]
            newest = max(stamps, default=newest)
    if newest is None:
        return
    recent = files.held(LogRequest(since=newest - 2 * WINDOW_NS))
    while (batch := (yield Read(recent))) is not None:
        if isinstance(batch, list):
            memory.add(batch, newest)

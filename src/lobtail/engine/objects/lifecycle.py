"""What engines say of containers that are started, ended and looked at."""

from __future__ import annotations

from lobtail.engine.objects.answer import Answer

__all__ = ["Pruned", "PrunedContainers", "Stoppable", "Top", "Waited"]


class Top(Answer, frozen=True):
    """The processes of a container, as ``ps`` on the engine's host shows them."""

    titles: list[str] | None = None
    """What the columns are called."""
    processes: list[list[str]] | None = None
    """A list a process, a text a column; the last column may contain blanks."""


class Pruned(Answer, frozen=True):
    """What was removed because nothing needed it."""

    deleted: list[str] | None = None
    """IDs, or of volumes and networks names."""
    space_reclaimed: int = 0
    """Bytes."""


class PrunedContainers(Answer, frozen=True):
    """What was removed, as it is said of containers."""

    containers_deleted: list[str] | None = None
    space_reclaimed: int = 0


class Configured(Answer, frozen=True):
    stop_timeout: int | None = None


class Stoppable(Answer, frozen=True):
    """What a container needs to end."""

    config: Configured = Configured()


class Message(Answer, frozen=True):
    message: str = ""


class Waited(Answer, frozen=True):
    """How a container ended that was waited for."""

    status_code: int = 0
    error: Message | None = None

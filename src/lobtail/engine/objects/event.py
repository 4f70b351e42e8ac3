"""Events, as engines send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.objects.answer import Answer, whole_number

if TYPE_CHECKING:
    pass

__all__ = ["Actor", "Event"]


class Actor(Answer, frozen=True):
    """What an event happened to."""

    id: str = msgspec.field(default="", name="ID")
    attributes: dict[str, str] | None = None


class Event(Answer, frozen=True):
    """Something that happened to a container, an image, a volume, a network or the engine."""

    type: str = ""
    """``container``, ``image``, ``volume``, ``network``, ``daemon``, ``plugin``, ``service``, …"""
    action: str = ""
    """``start``, ``die``, ``destroy``, ``rename``, ``pull``, … (moby, ``api/types/events``).

    Some say more behind a colon: ``exec_start: sh``, ``health_status: healthy``. Podman has names
    of its own: ``remove`` rather than ``destroy``.
    """
    actor: Actor = Actor()
    scope: str = msgspec.field(default="", name="scope")
    """``local``, or ``swarm``."""
    time: int = msgspec.field(default=0, name="time")
    """Unix seconds."""
    time_nano: int = msgspec.field(default=0, name="timeNano")

    @property
    def id(self) -> str:
        """The ID of what it happened to; of a volume its name."""
        return self.actor.id or (self.name if self.type == "volume" else "")

    @property
    def name(self) -> str:
        """The name of what it happened to, where the engine says it; of a volume always."""
        return self.attributes.get("name") or (self.actor.id if self.type == "volume" else "")

    @property
    def attributes(self) -> dict[str, str]:
        """What else the engine says: name, image, labels, ``exitCode``, ``signal`` and the like."""
        return self.actor.attributes or {}

    @property
    def exit_code(self) -> int | None:
        """With ``die``: what the container's process ended with."""
        attributes = self.attributes
        code = attributes.get("exitCode") or attributes.get("containerExitCode") or ""
        return whole_number(code)

    @property
    def time_ns(self) -> int:
        """When it happened, in nanoseconds since the epoch."""
        return self.time_nano or self.time * 10**9

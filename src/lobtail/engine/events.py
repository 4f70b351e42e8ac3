"""Follow what happens in an engine: its events, as they come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.logs import nanoseconds
from lobtail.engine.models import Answer, Filters, decode, encode_filters, whole_number
from lobtail.engine.streams import JsonStream
from lobtail.errors import ConnectionLostError
from lobtail.model.timestamps import format_wire_time

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["Actor", "Event", "EventStream"]


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


class EventStream(JsonStream[Event]):
    """The events of an engine, each an ``Event``, from the moment it is entered.

    ::

        async with engine.events(filters={"type": "container"}) as events:
            async for event in events:
                print(event.type, event.action, event.name)

    It ends when ``until`` has come. Without that it never ends by itself: an end, clean or not,
    raises ``ConnectionLostError``.
    """

    def __init__(
        self,
        engine: EngineClient,
        *,
        filters: Filters | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
    ) -> None:
        query = encode_filters(filters)
        for option, value in (("since", since), ("until", until)):
            moment = nanoseconds(value, option)
            if moment is not None:
                query[option] = format_wire_time(moment)
        super().__init__(engine, "/events", query)

    def _value(self, line: bytes) -> Event:
        return decode(line, Event, self._target)

    def _patience(self) -> float | None:
        return None  # nothing may happen for days

    def _ended(self) -> None:
        if "until" not in self._query:
            raise ConnectionLostError("the engine ended the stream of events")

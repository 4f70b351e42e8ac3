"""Follow what happens to containers: the engine's events, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import msgspec

from lobtail.core.timestamps import format_wire_time
from lobtail.errors import ConnectionLostError, ProtocolError

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.http import Response

__all__ = ["Event", "EventStream"]

MAX_EVENT: Final = 1 << 20  # a container with many long labels has some 10 KiB


class _Actor(msgspec.Struct, frozen=True, rename="pascal"):
    id: str = msgspec.field(default="", name="ID")
    attributes: dict[str, str] | None = None


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    """Something that happened to a container."""

    action: str = ""
    """``start``, ``die``, ``destroy``, ``rename``, ``oom``, … (moby, ``api/types/events``)."""
    actor: _Actor = _Actor()
    time: int = msgspec.field(default=0, name="time")
    """Unix seconds."""
    time_nano: int = msgspec.field(default=0, name="timeNano")

    @property
    def container_id(self) -> str:
        """The container's ID."""
        return self.actor.id

    @property
    def exit_code(self) -> int | None:
        """With ``die``: what the container's process ended with."""
        attributes = self.actor.attributes or {}
        code = attributes.get("exitCode") or attributes.get("containerExitCode") or ""
        return int(code) if code.isdecimal() else None

    @property
    def time_ns(self) -> int:
        """When it happened, in nanoseconds since the epoch."""
        return self.time_nano or self.time * 10**9


class EventStream:
    """The events of containers: batches of ``Event``, from the moment it is entered.

    It never ends by itself: an end, clean or not, raises ``ConnectionLostError``.
    """

    def __init__(
        self, engine: EngineClient, actions: tuple[str, ...], since_ns: int | None
    ) -> None:
        self._engine = engine
        filters = {"type": ["container"], "event": list(actions)}
        self._query = {"filters": msgspec.json.encode(filters).decode()}
        if since_ns is not None:
            self._query["since"] = format_wire_time(since_ns)
        self._response: Response | None = None

    async def __aenter__(self) -> Self:
        self._response = await self._engine.requests.open("/events", self._query)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._response is not None:
            self._engine.requests.release(self._response)

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        if self._response is None:
            raise RuntimeError("the event stream is not open yet: enter it with 'async with'")
        rest = b""
        while (batch := await self._response.batch()) is not None:
            *lines, rest = (rest + b"".join(batch)).split(b"\n")
            if len(rest) > MAX_EVENT:
                raise ProtocolError(f"an event is longer than {MAX_EVENT} bytes")
            try:
                events = [msgspec.json.decode(line, type=Event) for line in lines if line.strip()]
            except msgspec.DecodeError as exc:
                raise ProtocolError(f"the engine sent no event: {exc}") from exc
            if events:
                yield events
        raise ConnectionLostError("the engine ended the stream of events")

"""Follow what happens in an engine: its events, as they come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lobtail.engine.objects.answer import Filters, decode, encode_filters
from lobtail.engine.objects.event import Event
from lobtail.engine.streams.json_stream import JsonStream
from lobtail.engine.streams.logs import nanoseconds
from lobtail.errors import ConnectionLostError
from lobtail.model.timestamps import format_wire_time

if TYPE_CHECKING:
    from lobtail.engine.net.requests import Requests

__all__ = ["EventStream"]


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
        requests: Requests,
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
        super().__init__(requests, "/events", query)

    def _value(self, line: bytes) -> Event:
        return decode(line, Event, self._target)

    def _patience(self) -> float | None:
        return None  # nothing may happen for days

    def _ended(self) -> None:
        if "until" not in self._query:
            raise ConnectionLostError("the engine ended the stream of events")

"""A client that needs no event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar, Self, TypeVar

from lobtail.engine.client import EngineClient
from lobtail.engine.net.blocking import BlockingRequests
from lobtail.engine.net.requests import Requests

T = TypeVar("T")

__all__ = ["BlockingClient", "result_of"]


class BlockingClient(EngineClient):
    """An engine behind a Unix socket, for one thing after the other."""

    _requests_type: ClassVar[type[Requests]] = BlockingRequests

    @classmethod
    def like(cls, client: EngineClient) -> Self:
        """Return a client of the same engine."""
        return cls._same_engine(client)


def result_of(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that asks a ``BlockingClient``, and awaits nothing else, to its end."""
    try:
        coroutine.send(None)
    except StopIteration as exc:
        result: T = exc.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine of a blocking client waited")

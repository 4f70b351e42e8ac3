"""Ask an engine again after a connection broke."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lobtail.errors import ConnectError, ProtocolError
from lobtail.follow.steps import BackOff, Steps
from lobtail.retry import CUTS

__all__ = ["retrying"]

T = TypeVar("T")


def retrying(
    ask: Callable[[], Steps[T]], *, most: int | None = None, broken: int | None = None
) -> Steps[T]:
    """Ask until there is an answer, however often the connection breaks.

    With ``most``, that many breaks in a row are raised, and an engine that is not there at once.
    With ``broken``, a ProtocolError is raised after that many failures in a row.
    """
    failures = 0
    while True:
        try:
            return (yield from ask())
        except CUTS as exc:
            failures += 1
            if broken is not None and failures >= broken and isinstance(exc, ProtocolError):
                raise
            if most is not None and (failures == most or isinstance(exc, ConnectError)):
                raise
        yield BackOff(failures)

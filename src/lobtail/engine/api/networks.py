"""The networks of an engine: ``engine.networks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Answer, Filters, decode, encode_filters
from lobtail.engine.objects.lifecycle import Pruned
from lobtail.engine.objects.network import Network

__all__ = ["Networks"]


class _Created(Answer, frozen=True):
    id: str = ""


class _Pruned(Answer, frozen=True):
    networks_deleted: list[str] | None = None


class Networks:
    """The networks of an engine, each named by name, ID or the start of its ID.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def create(
        self,
        name: str,
        *,
        driver: str = "bridge",
        internal: bool = False,
        attachable: bool = False,
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Make a network; return its ID. ``options`` are the driver's own.

        Raises:
            EngineError: status 409 if there is one of that name.
        """
        target = "/networks/create"
        wanted = {
            "Name": name,
            "CheckDuplicate": True,  # engines before 25 do not mind two of one name
            "Driver": driver,
            "Internal": internal,
            "Attachable": attachable,
            "Options": dict(options or {}),
            "Labels": dict(labels or {}),
        }
        answer = await self._requests.post(target, content=wanted)
        return decode(answer, _Created, target).id

    async def inspect(self, network: str) -> Network:
        """Return all about a network."""
        target = _path(network)
        return await self._requests.fetch(target, Network)

    async def inspect_raw(self, network: str) -> dict[str, Any]:
        """Return all that the engine says of a network, as its JSON has it."""
        target = _path(network)
        return await self._requests.fetch(target, dict[str, Any])

    async def remove(self, network: str) -> None:
        """Remove a network.

        Raises:
            EngineError: it is in use, or one of the engine's own.
        """
        await self._requests.delete(_path(network))

    async def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all networks that no container has; the engine's own stay.

        Engines know the filters ``until`` and ``label``.
        """
        target = "/networks/prune"
        timeout = self._requests.work_timeout
        answer = await self._requests.post(target, encode_filters(filters), timeout=timeout)
        return Pruned(decode(answer, _Pruned, target).networks_deleted)

    async def list(self, *, filters: Filters | None = None) -> list[Network]:
        """List the networks.

        Engines know the filters ``name``, ``id``, ``driver``, ``label``, ``scope``, ``type``.
        """
        target = "/networks"
        answer = await self._requests.get(target, encode_filters(filters))
        return decode(answer, list[Network], target)


def _path(network: str) -> str:
    return f"/networks/{segment(network, 'network')}"

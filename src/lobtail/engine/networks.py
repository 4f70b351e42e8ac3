"""The networks of an engine: ``engine.networks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lobtail.engine.lifecycle_models import Pruned
from lobtail.engine.models import Answer, Filters, decode, encode_filters
from lobtail.engine.requests import PATIENCE, segment

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["IPAM", "Network", "NetworkContainer", "Networks", "Subnet"]


class Subnet(Answer, frozen=True):
    """A range of addresses of a network."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = msgspec.field(default="", name="IPRange")


class IPAM(Answer, frozen=True):
    """Where the addresses of a network come from."""

    driver: str = ""
    config: list[Subnet] | None = None


class NetworkContainer(Answer, frozen=True):
    """A container's place in a network."""

    name: str = ""
    endpoint_id: str = msgspec.field(default="", name="EndpointID")
    mac_address: str = ""
    ipv4_address: str = msgspec.field(default="", name="IPv4Address")
    ipv6_address: str = msgspec.field(default="", name="IPv6Address")


class Network(Answer, frozen=True):
    """A network."""

    id: str = ""
    name: str = ""
    driver: str = ""
    scope: str = ""
    created: str = ""
    """RFC 3339."""
    enable_ipv6: bool = msgspec.field(default=False, name="EnableIPv6")
    internal: bool = False
    """Whether nothing outside can be reached from it."""
    attachable: bool = False
    ingress: bool = False
    ipam: IPAM = msgspec.field(default=IPAM(), name="IPAM")
    containers: dict[str, NetworkContainer] | None = None
    """By the container's ID; only ``inspect`` tells them, and only those that run."""
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class _Created(Answer, frozen=True):
    id: str = ""


class _Pruned(Answer, frozen=True):
    networks_deleted: list[str] | None = None


class Networks:
    """The networks of an engine, each named by name, ID or the start of its ID.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

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
        answer = await self._engine.requests.post(target, content=wanted)
        return decode(answer, _Created, target).id

    async def inspect(self, network: str) -> Network:
        """Return all about a network."""
        target = _path(network)
        return decode(await self._engine.requests.get(target), Network, target)

    async def inspect_raw(self, network: str) -> dict[str, Any]:
        """Return all that the engine says of a network, as its JSON has it."""
        target = _path(network)
        return decode(await self._engine.requests.get(target), dict[str, Any], target)

    async def remove(self, network: str) -> None:
        """Remove a network.

        Raises:
            EngineError: it is in use, or one of the engine's own.
        """
        await self._engine.requests.delete(_path(network))

    async def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all networks that no container has; the engine's own stay.

        Engines know the filters ``until`` and ``label``.
        """
        target = "/networks/prune"
        timeout = self._engine.timeout * PATIENCE
        answer = await self._engine.requests.post(target, encode_filters(filters), timeout=timeout)
        return Pruned(decode(answer, _Pruned, target).networks_deleted)

    async def list(self, *, filters: Filters | None = None) -> list[Network]:
        """List the networks.

        Engines know the filters ``name``, ``id``, ``driver``, ``label``, ``scope``, ``type``.
        """
        target = "/networks"
        answer = await self._engine.requests.get(target, encode_filters(filters))
        return decode(answer, list[Network], target)


def _path(network: str) -> str:
    return f"/networks/{segment(network, 'network')}"

"""Networks, as engines describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.objects.answer import Answer

if TYPE_CHECKING:
    pass

__all__ = ["IPAM", "Network", "NetworkContainer", "Subnet"]


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

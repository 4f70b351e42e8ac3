"""Talk to one engine: negotiate the version, list, inspect, open logs and other streams."""

from __future__ import annotations

import os
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from lobtail.engine.api.containers import Containers
from lobtail.engine.config.docker_config import read_config
from lobtail.engine.config.endpoint import Endpoint, resolve
from lobtail.engine.net.requests import Requests
from lobtail.engine.objects.answer import Filters, Ping

# What `lobtail logs` does not need is imported where it is used.
if TYPE_CHECKING:
    from lobtail.engine.api.images import Images
    from lobtail.engine.api.networks import Networks
    from lobtail.engine.api.swarm import Nodes, Services, Tasks
    from lobtail.engine.api.volumes import Volumes
    from lobtail.engine.config.tls import Tls
    from lobtail.engine.objects.disk import DiskUsage
    from lobtail.engine.objects.system import Info, Version
    from lobtail.engine.streams.events import EventStream

__all__ = ["EngineClient"]

# Longer than any engine takes to answer, shorter than a person waits before asking why.
TIMEOUT: Final = 60.0


class EngineClient:
    """The requests to an engine and its objects; ``Engine``, which is one, has the words."""

    _requests_type: ClassVar[type[Requests]] = Requests

    def __init__(
        self,
        host: str | None = None,
        *,
        context: str | None = None,
        tls: Tls | bool | None = None,
        api_version: str | None = None,
        timeout: float = TIMEOUT,
        origin: str = "",
    ) -> None:
        config = read_config(os.environ)
        self.endpoint: Endpoint = resolve(
            host,
            os.environ,
            origin or "host",
            context=context,
            context_origin=origin or "context",
            tls=tls,
            config=config,
        )
        self.timeout = timeout
        self.warning = config.warning
        """What is wrong with docker's ``config.json``, and was passed over; empty if nothing is."""
        self._requests = self._requests_type(
            self.endpoint,
            api_version=api_version,
            timeout=timeout,
            headers=config.http_headers(os.environ),
        )

    def __copy__(self) -> Self:
        """Return an engine like this one, with connections of its own."""
        return self._same_engine(self)

    @classmethod
    def _same_engine(cls, other: EngineClient) -> Self:
        made = object.__new__(cls)
        made.endpoint, made.timeout, made.warning = other.endpoint, other.timeout, other.warning
        made._requests = cls._requests_type(other.endpoint, api_version=None, timeout=other.timeout)
        made._requests.learn_from(other._requests)
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept for later. Open log streams close themselves."""
        self._requests.close()
        if self.endpoint.kind == "ssh":
            from lobtail.engine.net.ssh import wait_ended

            await wait_ended()

    # --- requests ---------------------------------------------------------------------------

    async def ping(self) -> Ping:
        """Ask whether the engine is there, and for its newest API version."""
        return await self._requests.ping()

    async def api_version(self) -> tuple[int, int]:
        """Return the API version in use, negotiated with the engine at the first call."""
        return await self._requests.api_version()

    async def is_podman(self) -> bool:
        """Tell whether the engine is Podman; asked once."""
        return await self._requests.is_podman()

    async def version(self) -> Version:
        """Return the versions of the engine, its parts and its host."""
        from lobtail.engine.objects.system import Version

        return await self._requests.fetch("/version", Version)

    async def info(self) -> Info:
        """Return what the engine says of itself and of its host."""
        from lobtail.engine.objects.system import Info

        return await self._requests.fetch("/info", Info)

    async def disk_usage(self) -> DiskUsage:
        """Return how much room the engine's objects take, which it may have to measure first."""
        from lobtail.engine.objects.disk import DiskUsage

        timeout = self._requests.work_timeout
        return await self._requests.fetch("/system/df", DiskUsage, timeout=timeout)

    @property
    def containers(self) -> Containers:
        """The engine's containers."""
        return Containers(self._requests)

    @property
    def images(self) -> Images:
        """The engine's images."""
        from lobtail.engine.api.images import Images

        return Images(self._requests)

    @property
    def volumes(self) -> Volumes:
        """The engine's volumes."""
        from lobtail.engine.api.volumes import Volumes

        return Volumes(self._requests)

    @property
    def networks(self) -> Networks:
        """The engine's networks."""
        from lobtail.engine.api.networks import Networks

        return Networks(self._requests)

    def events(
        self,
        *,
        filters: Filters | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
    ) -> EventStream:
        """Watch what happens in the engine; see ``EventStream``.

        ``filters`` are the engine's own: ``type`` (``container``, ``image``, …), ``event``
        (``start``, …), ``container``, ``image``, ``volume``, ``network``, ``label``. With
        ``since`` those that the engine remembers come first: the last 256 of Docker, all of
        Podman. With ``until`` the stream ends then. Times are as for ``logs``.

        Nothing is asked of the engine before the stream is entered or read.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        from lobtail.engine.streams.events import EventStream

        return EventStream(self._requests, filters=filters, since=since, until=until)

    # --- swarm ------------------------------------------------------------------------------

    @property
    def services(self) -> Services:
        """The services of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Services

        return Services(self._requests)

    @property
    def tasks(self) -> Tasks:
        """The tasks of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Tasks

        return Tasks(self._requests)

    @property
    def nodes(self) -> Nodes:
        """The nodes of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Nodes

        return Nodes(self._requests)

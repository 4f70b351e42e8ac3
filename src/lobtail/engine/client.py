"""Talk to one engine: negotiate the version, list, inspect, open logs and other streams."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from lobtail.engine.api.lifecycle import Lifecycle
from lobtail.engine.config.docker_config import read_config
from lobtail.engine.config.endpoint import Endpoint, resolve
from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Filters, Ping, decode, encode_filters
from lobtail.engine.objects.container import Container, ContainerSummary
from lobtail.engine.streams.logs import LogOptions, LogStream

# What `lobtail logs` does not need is imported where it is used.
if TYPE_CHECKING:
    from lobtail.engine.api.images import Images
    from lobtail.engine.api.networks import Networks
    from lobtail.engine.api.swarm import Nodes, Services, Tasks
    from lobtail.engine.api.volumes import Volumes
    from lobtail.engine.config.tls import Tls
    from lobtail.engine.objects.disk import DiskUsage
    from lobtail.engine.objects.stats import Stats
    from lobtail.engine.objects.system import Info, Version
    from lobtail.engine.streams.attach import AttachStream
    from lobtail.engine.streams.events import EventStream
    from lobtail.engine.streams.exec import ExecStream
    from lobtail.engine.streams.stats import StatsStream

__all__ = ["EngineClient"]

# Longer than any engine takes to answer, shorter than a person waits before asking why.
TIMEOUT: Final = 60.0


class EngineClient(Lifecycle):
    """An engine, Docker's or Podman's, reached over its API.

    ::

        async with EngineClient() as engine:
            for container in await engine.list():
                print(container.name)

    ``host`` is an endpoint such as ``unix:///var/run/docker.sock``, ``tcp://10.0.0.1:2376`` or
    ``ssh://me@far``, ``context`` the name of a docker context. Without either, what docker's CLI
    would use holds: ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the current context, the default socket;
    and if that is not there, Podman's. ``tls`` says how to speak TLS (``Tls``); True means with the
    certificates in ``DOCKER_CERT_PATH`` or docker's configuration, False not at all, and None
    leaves it to ``DOCKER_TLS_VERIFY`` and ``DOCKER_TLS``. ``timeout`` is the longest silence, in
    seconds, that is borne where the engine owes an answer. ``api_version`` (or
    ``DOCKER_API_VERSION``) fixes the version instead of negotiating it. Each request has the
    ``HttpHeaders`` of docker's ``config.json``, or those of ``DOCKER_CUSTOM_HEADERS``.
    ``origin`` is what error messages call the source of ``host`` or ``context``.

    Nothing connects before the first request. Use it in one event loop; close it with ``aclose``
    or as a context manager. All methods raise ``ConnectError`` when nobody answers,
    ``EngineError`` when the engine refuses, ``ConnectionLostError`` when the connection breaks,
    and ``ProtocolError`` when the peer is no engine.

    Raises:
        ConfigError: an argument, the environment or docker's settings cannot be used.
    """

    _requests: ClassVar[type[Requests]] = Requests

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
        self.requests = self._requests(
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
        made.requests = cls._requests(other.endpoint, api_version=None, timeout=other.timeout)
        made.requests.learn_from(other.requests)
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
        self.requests.close()
        if self.endpoint.kind == "ssh":
            from lobtail.engine.net.ssh import wait_ended

            await wait_ended()

    # --- requests ---------------------------------------------------------------------------

    async def ping(self) -> Ping:
        """Ask whether the engine is there, and for its newest API version."""
        return await self.requests.ping()

    async def api_version(self) -> tuple[int, int]:
        """Return the API version in use, negotiated with the engine at the first call."""
        return await self.requests.api_version()

    async def is_podman(self) -> bool:
        """Tell whether the engine is Podman; asked once."""
        return await self.requests.is_podman()

    async def version(self) -> Version:
        """Return the versions of the engine, its parts and its host."""
        from lobtail.engine.objects.system import Version

        return await self.requests.fetch("/version", Version)

    async def info(self) -> Info:
        """Return what the engine says of itself and of its host."""
        from lobtail.engine.objects.system import Info

        return await self.requests.fetch("/info", Info)

    async def disk_usage(self) -> DiskUsage:
        """Return how much room the engine's objects take, which it may have to measure first."""
        from lobtail.engine.objects.disk import DiskUsage

        return await self.requests.fetch("/system/df", DiskUsage, timeout=self._long)

    @property
    def images(self) -> Images:
        """The engine's images."""
        from lobtail.engine.api.images import Images

        return Images(self.requests)

    @property
    def volumes(self) -> Volumes:
        """The engine's volumes."""
        from lobtail.engine.api.volumes import Volumes

        return Volumes(self.requests)

    @property
    def networks(self) -> Networks:
        """The engine's networks."""
        from lobtail.engine.api.networks import Networks

        return Networks(self.requests)

    async def inspect(self, container: str, *, size: bool = False) -> Container:
        """Return all about a container, named by name, ID or the start of its ID.

        ``size`` has the engine measure what the container wrote, which may take long.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several have that start.
        """
        target = f"/containers/{segment(container.removeprefix('/'), 'container')}/json"
        if not size:
            return await self.requests.fetch(target, Container)
        answer = await self.requests.get(target, {"size": "1"}, timeout=self._long)
        return decode(answer, Container, target)

    async def list(
        self, *, all: bool = False, size: bool = False, filters: Filters | None = None
    ) -> list[ContainerSummary]:
        """List the containers that run, or with ``all`` also the others.

        ``size`` has the engine measure what each wrote, which may take long. ``filters`` are the
        engine's own, such as ``{"label": ["env=prod"], "status": "exited"}``.
        """
        query = {"all": "1"} if all else {}
        if size:
            query["size"] = "1"
        query |= encode_filters(filters)
        target = "/containers/json"
        answer = await self.requests.get(target, query, timeout=self._long if size else ...)
        return decode(answer, list[ContainerSummary], target)

    def logs(
        self,
        container: str | Container,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> LogStream:
        """Open the logs of a container; see ``LogStream`` for how to read them.

        One that is given as ``inspect`` returned it is not looked up again.
        ``tail`` counts messages of both streams, before any other filter; None, ``"all"`` and
        negative numbers mean all. ``since`` and ``until`` are included in the range: integer
        nanoseconds since the epoch, an aware ``datetime``, or any text that the docker CLI takes.
        ``timestamps`` and ``details`` have the engine put them in front of each message.

        Nothing is asked of the engine before the stream is entered or read.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        options = LogOptions.build(
            stdout=stdout,
            stderr=stderr,
            follow=follow,
            tail=tail,
            since=since,
            until=until,
            timestamps=timestamps,
            details=details,
        )
        return LogStream(self.requests, container, options)

    def stats(self, container: str) -> StatsStream:
        """Watch what a container uses; see ``StatsStream``. Nothing is asked before it is read."""
        from lobtail.engine.streams.stats import StatsStream

        return StatsStream(self.requests, container)

    async def stats_once(self, container: str, *, one_shot: bool = False) -> Stats:
        """Return what a container uses now.

        That takes a second or two, for the share of the CPU is measured between two samples;
        ``one_shot`` takes one, at once, and leaves ``cpu_percent`` out.
        """
        from lobtail.engine.streams.stats import stats_once

        return await stats_once(self.requests, container, one_shot=one_shot)

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

        return EventStream(self.requests, filters=filters, since=since, until=until)

    # --- swarm ------------------------------------------------------------------------------

    @property
    def services(self) -> Services:
        """The services of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Services

        return Services(self.requests)

    @property
    def tasks(self) -> Tasks:
        """The tasks of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Tasks

        return Tasks(self.requests)

    @property
    def nodes(self) -> Nodes:
        """The nodes of the swarm that the engine manages."""
        from lobtail.engine.api.swarm import Nodes

        return Nodes(self.requests)

    def attach(
        self,
        container: str | Container,
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        logs: bool = False,
        detach_keys: str = "",
        before_start: bool = False,
    ) -> AttachStream:
        """Attach to a container's main process; see ``AttachStream`` for how to talk to it.

        ``stdin`` lets you ``write``, if the container was made with an open one. ``logs`` begins
        with what was logged so far; what is written at that moment may come twice. Where the
        container has a TTY, the engine detaches when ``detach_keys`` are written, ctrl-p,ctrl-q
        by default. ``before_start`` allows a container that does not run yet, and waits for its
        start, so that nothing is missed.

        Nothing is asked of the engine before the stream is entered.

        Raises:
            ConfigError: ``detach_keys`` cannot be used.
        """
        from lobtail.engine.streams.attach import AttachOptions, AttachStream

        options = AttachOptions(
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            logs=logs,
            detach_keys=detach_keys,
            before_start=before_start,
        )
        return AttachStream(self.requests, _name(container), options)

    def exec(
        self,
        container: str | Container,
        command: Sequence[str],
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        tty: bool = False,
        size: tuple[int, int] | None = None,
        env: Mapping[str, str] | Sequence[str] = (),
        user: str = "",
        workdir: str = "",
        privileged: bool = False,
        detach: bool = False,
        detach_keys: str = "",
    ) -> ExecStream:
        """Execute a command in a container that runs; see ``ExecStream`` for how to talk to it.

        ``command`` are words, no shell. ``tty`` gives it a terminal, of ``size`` (rows, columns).
        ``env`` is added to the container's, as a mapping or as ``NAME=VALUE`` texts; ``user`` is
        ``name|uid[:group|gid]``. ``detach`` starts it and leaves it alone.

        Nothing is asked of the engine before the stream is entered.

        Raises:
            ConfigError: the command is empty or one text, or ``detach_keys`` cannot be used.
        """
        from lobtail.engine.streams.exec import ExecOptions, ExecStream

        options = ExecOptions.build(
            command,
            env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            tty=tty,
            size=size,
            user=user,
            workdir=workdir,
            privileged=privileged,
            detach=detach,
            detach_keys=detach_keys,
        )
        return ExecStream(self.requests, _name(container), options)


def _name(container: str | Container) -> str:
    return container.removeprefix("/") if isinstance(container, str) else container.id

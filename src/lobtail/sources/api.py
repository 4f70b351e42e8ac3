"""The log of a container as its engine's API gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.engine.net.read_coalescer import ReadCoalescer
from lobtail.model.records import wire_size
from lobtail.model.resume import RereadFilter
from lobtail.sources.base import LogRequest, Traits
from lobtail.sources.files import FileSource
from lobtail.sources.opening import LATCHED_API, open_files

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.container import Container
    from lobtail.engine.streams.logs import FrameStream
    from lobtail.model.records import Record
    from lobtail.sources.base import FileLog

__all__ = ["ApiStream", "ContainerSource", "traits_of"]

# Engines before 23.0 lose most of a log whose rotated files are compressed, in a follow stream and
# behind `since` (docs/decisions/020-old-compressed-logs.md).
WHOLE_API = (1, 42)
# From 23.0 on a follow stream does not begin anew when its log is truncated
# (docs/decisions/044-truncated-logs.md).
DEAF_API = (1, 42)
# Drivers whose pieces of one line have different stamps.
RESTAMPING = ("journald", "k8s-file")


async def traits_of(engine: EngineClient, container: Container) -> Traits:
    """Find out what is peculiar to the log of a container."""
    version, podman = await engine.api_version(), await engine.is_podman()
    on_files = not podman and container.log_driver in ("json-file", "local")
    return Traits(
        podman=podman,
        our_clock=engine.endpoint.kind == "unix",
        timeout=engine.timeout,
        on_files=on_files,
        latched=on_files and version >= LATCHED_API,
        restamped=podman or container.log_driver in RESTAMPING,
        replays=on_files and container.log_max_size is not None,
        must_poll=on_files and container.log_compressed and version < WHOLE_API,
        half_lines=podman and container.log_in_podmans_file,
        rotates=on_files and container.log_rotates,
        max_size=container.log_max_size if on_files else None,
        kept=container.log_kept,
    )


class ContainerSource:
    """The log of one container, from the API or from the engine's files."""

    def __init__(self, engine: EngineClient, container: Container, *, details: bool) -> None:
        self._engine = engine
        self._container = container
        self._details = details

    async def inspect(self) -> Container:
        """Ask the engine about the container."""
        return await self._engine.containers.inspect(self._container.id)

    async def open(self, request: LogRequest) -> ApiStream:
        """Ask the engine for the log. Errors are those of ``FrameStream``."""
        stream = self._engine.containers.logs(
            self._container,
            follow=request.follow,
            tail=request.tail,
            since=request.since,
            until=request.until,
            timestamps=True,
            details=self._details,
        )
        await stream.__aenter__()
        rereads = RereadFilter() if request.follow and await self._rereads() else None
        return ApiStream(stream, live=request.follow, rereads=rereads)

    async def _rereads(self) -> bool:
        """Tell whether a follow stream may send again what it has sent of a truncated log."""
        if self._container.log_driver not in ("json-file", "local"):
            return False
        engine = self._engine
        return await engine.api_version() < DEAF_API and not await engine.is_podman()

    async def open_files(self, *, follow: bool) -> FileLog:
        """Open the engine's files of the log. LogFileError says why that cannot be."""
        files = await open_files(self._engine, self._container)
        return FileSource(files, details=self._details, bell=self if follow else None)


class ApiStream:
    """A stream of the API as records; one that is not ``live`` lets a busy engine fill it."""

    has_more = False

    def __init__(
        self, stream: FrameStream, *, live: bool, rereads: RereadFilter | None = None
    ) -> None:
        self._stream = stream
        self._batches = stream.records()
        self._rereads = rereads
        self._pace = None if live else ReadCoalescer()
        self._size = 0  # of the last batch

    @property
    def received(self) -> int:
        """How many batches with any text have come of the connection."""
        return self._stream.received

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the engine."""
        return self._stream.is_waiting

    async def read(self) -> list[Record] | None:
        """Return the next batch; None at the clean end, or when it was closed."""
        if self._pace is not None and self._size:
            self._pace.rest(self._size)
        records: list[Record] = []
        while not records:
            try:
                records = await self._batches.__anext__()
            except StopAsyncIteration:
                return None
            if self._rereads is not None:
                records = self._rereads.filter(records)
        if self._pace is not None:
            self._size = wire_size(records)
        return records

    def close(self) -> None:
        """End it at once."""
        # Whoever reads it cannot await.
        self._stream._close()  # noqa: SLF001

"""Run ``lobtail service logs``: find the service or task, and put in front of lines whose they are.

The words and the order of the look-ups are the docker CLI's (``cli/command/service/logs.go`` and
``cli/command/idresolver``). Unlike there, a task that its swarm has forgotten meanwhile does not
end the command.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import msgspec

from lobtail.engine.net.read_coalescer import ReadCoalescer
from lobtail.engine.streams.logs import nanoseconds
from lobtail.errors import EngineError, LobtailError, ProtocolError
from lobtail.model.frames import Frame, Stream
from lobtail.model.swarm import TaskContext, parse_context

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.swarm import Service, Task
    from lobtail.engine.streams.swarm_logs import SwarmLogStream
    from lobtail.terminal.output import Output

__all__ = ["ServiceLogsRun", "ServiceWanted"]

# Contexts, each with what else the details held; that may differ from line to line.
_CACHED: Final = 10_000
# As many characters of an ID as docker shows, and people copy.
_SHORT: Final = 12


class ServiceWanted(msgspec.Struct, frozen=True):
    """What to show of a log, and how: the options of the command."""

    follow: bool
    tail: str
    timestamps: bool
    since: int | None
    until: int | None
    details: bool
    raw: bool = False
    no_resolve: bool = False
    no_task_ids: bool = False
    no_trunc: bool = False

    @classmethod
    def build(
        cls,
        *,
        follow: bool,
        tail: str,
        timestamps: bool,
        since: str | None,
        until: str | None,
        details: bool,
        raw: bool,
        no_resolve: bool,
        no_task_ids: bool,
        no_trunc: bool,
    ) -> ServiceWanted:
        """Check the options; ConfigError for a time that cannot be understood."""
        return cls(
            follow=follow,
            tail=tail,
            timestamps=timestamps,
            since=nanoseconds(since, "since"),
            until=nanoseconds(until, "until"),
            details=details,
            raw=raw,
            no_resolve=no_resolve,
            no_task_ids=no_task_ids,
            no_trunc=no_trunc,
        )


class ServiceLogsRun:
    """Shows the logs of one service or task on stdout and stderr."""

    def __init__(
        self, engine: EngineClient, wanted: ServiceWanted, out: Output, err: Output
    ) -> None:
        self._engine = engine
        self._wanted = wanted
        self._out = out
        self._err = err
        self._padding = 1
        self._names: dict[str, str] = {}  # of nodes and services, by ID
        self._labels: dict[TaskContext, str] = {}
        self._prefixes: dict[bytes, bytes] = {}

    async def show(self, name: str) -> None:
        """Show the log of what is called ``name``.

        Raises:
            LobtailError: nothing is called so, or it cannot be shown so.
        """
        async with self._engine:
            try:
                found: Service | Task = await self._engine.services.inspect(name)
            except EngineError as exc:
                if exc.status != 404:
                    raise
                found = await self._find_task(name)
            await self._show(found)

    async def show_named(self, name: str) -> bool:
        """Show the log of the service or task that has just this name or ID, if there is one.

        Managers take the first letters of an ID as well, which a name that is misspelt may be.
        """
        if (found := await self._find_named(name)) is None:
            return False
        await self._show(found)
        return True

    async def _find_task(self, name: str) -> Task:
        try:
            return await self._engine.tasks.inspect(name)
        except EngineError as exc:
            if exc.status == 404:
                raise LobtailError(f"no such task or service: {name}") from exc
            raise

    async def _find_named(self, name: str) -> Service | Task | None:
        if not name:
            return None
        try:
            service = await self._engine.services.inspect(name)
            if name == service.name or _is_id(name, service.id):
                return service
        except EngineError as exc:
            if exc.status != 404:  # no manager of a swarm
                return None
        with suppress(EngineError):
            task = await self._engine.tasks.inspect(name)
            if _is_id(name, task.id) or name.endswith(f".{task.slot or task.node_id}.{task.id}"):
                return task
        return None

    async def _show(self, found: Service | Task) -> None:
        from lobtail.engine.objects.swarm import Service

        if isinstance(found, Service):
            self._padding = len(str(found.replicas)) if found.replicas is not None else 1
        else:
            self._padding = len(str(found.slot))
        if found.tty and not self._wanted.raw:
            raise LobtailError("tty service logs only supported with --raw")
        pace = ReadCoalescer()
        async with self._stream(found) as stream:
            if self._wanted.raw or not stream.multiplexed:
                async for frames in stream.batches(joined=True):
                    for frame in frames:
                        self._write(frame.stream, frame.payload)
                    pace.rest(sum(len(frame.payload) for frame in frames))
                return
            for output in (self._out, self._err):
                output.keep(rb"[^|\r\n]*+\| " + rb"[^ \r\n]*+ " * self._wanted.details)
            async for frames in stream.batches():
                lines = [(frame.stream, await self._line(frame)) for frame in frames]
                for stream_of, group in groupby(lines, key=itemgetter(0)):
                    self._write(stream_of, b"".join(line for _, line in group))
                pace.rest(sum(len(frame.payload) for frame in frames))

    def _stream(self, found: Service | Task) -> SwarmLogStream:
        from lobtail.engine.objects.swarm import Service

        wanted = self._wanted
        options = {
            "follow": wanted.follow,
            "timestamps": wanted.timestamps,
            # The details say whose a line is.
            "details": wanted.details or not wanted.raw,
        }
        if isinstance(found, Service):
            return self._engine.services.logs(
                found, tail=wanted.tail, since=wanted.since, until=wanted.until, **options
            )
        return self._engine.tasks.logs(
            found, tail=wanted.tail, since=wanted.since, until=wanted.until, **options
        )

    def _write(self, stream: Stream, data: bytes) -> None:
        (self._err if stream is Stream.STDERR else self._out).write(data)

    # --- whose a line is ----------------------------------------------------------------------

    async def _line(self, frame: Frame) -> bytes:
        """Return a message as it is shown."""
        stamp, message = b"", frame.payload
        if self._wanted.timestamps:
            stamp, _, message = message.partition(b" ")
            stamp += b" "
        details, blank, text = message.partition(b" ")
        if not blank:
            raise ProtocolError(f"invalid context in log message: {frame.payload[:60]!r}")
        prefix = self._prefixes.get(details)
        if prefix is None:
            if len(self._prefixes) >= _CACHED:
                self._prefixes.clear()
            prefix = self._prefixes[details] = await self._prefix(details)
        return stamp + prefix + text

    async def _prefix(self, details: bytes) -> bytes:
        context, rest = parse_context(details)
        label = self._labels.get(context)
        if label is None:
            label = self._labels[context] = await self._label(context)
        prefix = f"{label}    | "
        if self._wanted.details:
            prefix += ",".join(sorted(f"{key}={value}" for key, value in rest.items())) + " "
        return prefix.encode("utf-8", "surrogateescape")

    async def _label(self, context: TaskContext) -> str:
        wanted = self._wanted
        node, service = context.node, context.service
        if not wanted.no_resolve:
            node, service = await self._node(node), await self._service(service)
        slot = "?"
        try:
            slot = str((await self._engine.tasks.inspect(context.task)).slot)
        except EngineError as exc:
            if exc.status != 404:
                raise
        name = f"{service}.{slot}"
        if not wanted.no_task_ids:
            name += "." + (context.task if wanted.no_trunc else context.task[:_SHORT])
        return f"{name}@{node}" + " " * (self._padding - len(slot))

    async def _node(self, identifier: str) -> str:
        if identifier not in self._names:
            self._names[identifier] = identifier
            with suppress(EngineError):
                self._names[identifier] = (await self._engine.nodes.inspect(identifier)).name
        return self._names[identifier]

    async def _service(self, identifier: str) -> str:
        if identifier not in self._names:
            self._names[identifier] = identifier
            with suppress(EngineError):
                self._names[identifier] = (await self._engine.services.inspect(identifier)).name
        return self._names[identifier]


def _is_id(name: str, identifier: str) -> bool:
    return len(name) >= _SHORT and identifier.startswith(name)

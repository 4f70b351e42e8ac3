"""The blocking face: the classes and methods of lobtail without ``async`` and ``await``.

::

    from lobtail.sync import Engine

    with Engine() as engine:
        for line in engine.tail("web-*"):
            print(line)

Each ``Engine`` has an event loop in a thread of its own, which begins with the first request and
ends with ``close``, at the latest with the program. Threads may share an engine; an iteration
belongs to one of them at a time. Leaving a loop ends its connection, unless the stream was entered
with ``with``: then leaving that does. After a fork each process needs an engine of its own.

This file is written by scripts/sync-face, which is why it may be long: change the asynchronous
classes, then run that.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from lobtail.api import Engine as AsyncEngine
from lobtail.api import tail_engines as async_tail_engines
from lobtail.api import tail_files as async_tail_files
from lobtail.engine.client import TIMEOUT
from lobtail.model.frames import Stream
from lobtail.portal import BlockingPortal, SyncStream, SyncWrapper
from lobtail.session.merge import WINDOW_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from re import Pattern
    from types import TracebackType
    from typing import Self, Unpack

    from lobtail.api import HistoryOptions, Missing, TailOptions
    from lobtail.engine.api.containers import Containers as AsyncContainers
    from lobtail.engine.api.containers import WaitCondition
    from lobtail.engine.api.images import Images as AsyncImages
    from lobtail.engine.api.networks import Networks as AsyncNetworks
    from lobtail.engine.api.swarm import Nodes as AsyncNodes
    from lobtail.engine.api.swarm import Services as AsyncServices
    from lobtail.engine.api.swarm import Tasks as AsyncTasks
    from lobtail.engine.api.volumes import Volumes as AsyncVolumes
    from lobtail.engine.config.endpoint import Endpoint
    from lobtail.engine.config.tls import Tls
    from lobtail.engine.objects.answer import Filters, Ping
    from lobtail.engine.objects.container import Container, ContainerSummary
    from lobtail.engine.objects.disk import DiskUsage
    from lobtail.engine.objects.event import Event
    from lobtail.engine.objects.image import HistoryEntry, Image, ImageRemoval, ImageSummary
    from lobtail.engine.objects.lifecycle import Pruned, Top
    from lobtail.engine.objects.network import Network
    from lobtail.engine.objects.pull import Credentials, PullProgress
    from lobtail.engine.objects.stats import Stats
    from lobtail.engine.objects.swarm import Node, Service, Task
    from lobtail.engine.objects.system import Info, Version
    from lobtail.engine.objects.volume import Volume
    from lobtail.engine.streams.attach import AttachStream as AsyncAttachStream
    from lobtail.engine.streams.events import EventStream as AsyncEventStream
    from lobtail.engine.streams.exec import ExecStream as AsyncExecStream
    from lobtail.engine.streams.logs import LogStream as AsyncLogStream
    from lobtail.engine.streams.pull import PullStream as AsyncPullStream
    from lobtail.engine.streams.stats import StatsStream as AsyncStatsStream
    from lobtail.engine.streams.swarm_logs import ServiceLogStream as AsyncServiceLogStream
    from lobtail.engine.streams.swarm_logs import TaskLogStream as AsyncTaskLogStream
    from lobtail.errors import LobtailError
    from lobtail.follow.options import Source
    from lobtail.model.frames import Frame
    from lobtail.model.items import ContainerRef, Item, Line
    from lobtail.model.levels import Level
    from lobtail.model.records import Record
    from lobtail.query.query import Query
    from lobtail.session.inbox import Overflow
    from lobtail.session.tail import Tail as AsyncTail


__all__ = [
    "AttachStream",
    "Containers",
    "Engine",
    "EventStream",
    "ExecStream",
    "Images",
    "LogStream",
    "Networks",
    "Nodes",
    "PullStream",
    "ServiceLogStream",
    "Services",
    "StatsStream",
    "Tail",
    "TaskLogStream",
    "Tasks",
    "Volumes",
    "tail_engines",
    "tail_files",
]


class AttachStream(SyncStream):
    r"""A container's main process: the frames that it writes, and its stdin.

    ::

        with engine.containers.attach("db", stdin=True) as stream:
            stream.write(b"select 1;\n")
            for frame in stream:
                sys.stdout.buffer.write(frame.payload)
            print("exit code", stream.wait())

    Frames have nothing to do with lines; with a TTY they are pieces of stdout. The iteration ends
    when the container ends, when the detach keys are written, and where it was not made with
    ``stdin_once`` also after ``write_eof``. Entering it raises:

    - ``EngineError``: there is no such container, …;
    - ``ContainerStateError``: it does not run, or is paused.

    Reading raises ``ConnectionLostError`` or ``TruncatedStream`` where the connection broke, and
    ``ProtocolError`` where what came are not frames. A Unix socket, and a proxy, can break without
    a sign: an end while the container runs on may be that.
    """

    _async: AsyncAttachStream

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once. The process goes on."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._portal.items(self._async._parts())

    def batches(self, *, joined: bool = False) -> Iterator[list[Frame]]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        yield from self._portal.batches(self._async.batches(joined=joined))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data`` to stdin; return when the connection has taken it all.

        With a TTY the detach keys in it end the stream, and what stands behind them is not sent.

        Raises:
            ConnectionLostError: the process has ended, the stream was detached, or the connection
                broke. What was written by the process before that can still be read.
        """
        self._portal.run(self._async.write, data)

    def write_eof(self) -> None:
        """Close stdin: the process reads an end of file. Its output goes on.

        Raises:
            LobtailError: this kind of connection cannot be closed one way.
        """
        self._portal.run(self._async.write_eof)

    @property
    def detached(self) -> bool:
        """Whether the detach keys were written. The process goes on."""
        return self._portal.call(lambda: self._async.detached)

    def wait(self) -> int:
        """Wait for the container's end; return its exit code.

        It was asked for before the stream was opened, so it is known also of a container that is
        removed at its end.
        """
        return self._portal.run(self._async.wait)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the process's terminal.

        Raises:
            EngineError: it has none, has not begun, or has ended.
        """
        self._portal.run(self._async.resize, rows, columns)

    @property
    def container(self) -> Container:
        """What ``inspect`` said of the container when the stream was opened."""
        return self._portal.call(lambda: self._async.container)

    @property
    def ended(self) -> bool:
        """Whether the container is known to have ended since the stream was opened."""
        return self._portal.call(lambda: self._async.ended)


class Containers(SyncWrapper):
    """The containers of an engine, each named by name, ID or the start of its ID.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    _async: AsyncContainers

    def inspect(self, container: str, *, size: bool = False) -> Container:
        """Return all about a container, named by name, ID or the start of its ID.

        ``size`` has the engine measure what the container wrote, which may take long.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several have that start.
        """
        return self._portal.run(self._async.inspect, container, size=size)

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
        return LogStream(
            self._portal,
            self._async.logs(
                container,
                stdout=stdout,
                stderr=stderr,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                timestamps=timestamps,
                details=details,
            ),
        )

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
        return AttachStream(
            self._portal,
            self._async.attach(
                container,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                logs=logs,
                detach_keys=detach_keys,
                before_start=before_start,
            ),
        )

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
        return ExecStream(
            self._portal,
            self._async.exec(
                container,
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                tty=tty,
                size=size,
                env=env,
                user=user,
                workdir=workdir,
                privileged=privileged,
                detach=detach,
                detach_keys=detach_keys,
            ),
        )

    def stats(self, container: str) -> StatsStream:
        """Watch what a container uses; see ``StatsStream``. Nothing is asked before it is read."""
        return StatsStream(self._portal, self._async.stats(container))

    def stats_once(self, container: str, *, one_shot: bool = False) -> Stats:
        """Return what a container uses now.

        That takes a second or two, for the share of the CPU is measured between two samples;
        ``one_shot`` takes one, at once, and leaves ``cpu_percent`` out.
        """
        return self._portal.run(self._async.stats_once, container, one_shot=one_shot)

    def start(self, container: str) -> bool:
        """Start a container; return False if it ran already.

        Raises:
            EngineError: its program cannot be started, for instance.
        """
        return self._portal.run(self._async.start, container)

    def stop(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> bool:
        """Stop a container and wait until it has; return False if it did not run.

        It gets ``signal`` (its own stop signal, SIGTERM as a rule) and, if it still runs after
        ``timeout`` seconds, SIGKILL. -1 waits for ever; None for as long as the container's
        configuration says, which is 10 seconds if it says nothing.

        Raises:
            ConfigError: the engine is too old (API below 1.42) to be told a ``signal``.
        """
        return self._portal.run(self._async.stop, container, timeout=timeout, signal=signal)

    def restart(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> None:
        """Stop a container as ``stop`` does, and start it; start it if it did not run."""
        self._portal.run(self._async.restart, container, timeout=timeout, signal=signal)

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process; do not wait for what it does.

        Raises:
            EngineError: the container does not run, or there is no such signal.
        """
        self._portal.run(self._async.kill, container, signal)

    def pause(self, container: str) -> None:
        """Freeze all processes of a container.

        Raises:
            EngineError: it does not run, or is frozen already.
        """
        self._portal.run(self._async.pause, container)

    def unpause(self, container: str) -> None:
        """Let a frozen container go on.

        Raises:
            EngineError: it is not frozen.
        """
        self._portal.run(self._async.unpause, container)

    def rename(self, container: str, name: str) -> None:
        """Give a container another name.

        Raises:
            EngineError: status 409 if another container has that name.
        """
        self._portal.run(self._async.rename, container, name)

    def remove(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container, and with it its log.

        With ``force`` one that runs is killed first; ``volumes`` removes its anonymous volumes too.

        Raises:
            EngineError: it runs, and ``force`` was not given.
        """
        self._portal.run(self._async.remove, container, force=force, volumes=volumes)

    def wait(self, container: str, condition: WaitCondition = "not-running") -> int:
        """Wait until a container has ended, however long that takes; return its exit code.

        ``not-running`` is so at once if it does not run; ``next-exit`` waits for an end that is
        still to come, ``removed`` until the container is gone.
        """
        return self._portal.run(self._async.wait, container, condition)

    def top(self, container: str, ps_args: str = "") -> Top:
        """List the processes of a container that runs.

        ``ps_args`` are options of ``ps`` on the engine's host, ``-ef`` by default (Podman has a
        default of its own, and understands fewer).

        Raises:
            EngineError: the container does not run, or ``ps`` refuses the options.
        """
        return self._portal.run(self._async.top, container, ps_args)

    def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all containers that do not run, or those that ``filters`` hold for.

        Engines know the filters ``until`` and ``label``.
        """
        return self._portal.run(self._async.prune, filters=filters)

    def inspect_raw(self, container: str, *, size: bool = False) -> dict[str, Any]:
        """Return all that the engine says of a container, as its JSON has it."""
        return self._portal.run(self._async.inspect_raw, container, size=size)

    def list(
        self, *, all: bool = False, size: bool = False, filters: Filters | None = None
    ) -> list[ContainerSummary]:
        """List the containers that run, or with ``all`` also the others.

        ``size`` has the engine measure what each wrote, which may take long. ``filters`` are the
        engine's own, such as ``{"label": ["env=prod"], "status": "exited"}``.
        """
        return self._portal.run(self._async.list, all=all, size=size, filters=filters)


class Engine(SyncWrapper):
    """An engine, Docker's or Podman's.

    ::

        with Engine() as engine:
            with engine.tail("web-*") as tail:
                for item in tail:
                    print(item)

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

    Nothing connects before the first request. Use it in one event loop; close it with ``close``
    or as a context manager. All methods raise ``ConnectError`` when nobody answers,
    ``EngineError`` when the engine refuses, ``ConnectionLostError`` when the connection breaks,
    and ``ProtocolError`` when the peer is no engine.

    Raises:
        ConfigError: an argument, the environment or docker's settings cannot be used.
    """

    _async: AsyncEngine

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
        inner = AsyncEngine(
            host, context=context, tls=tls, api_version=api_version, timeout=timeout, origin=origin
        )
        super().__init__(BlockingPortal(partial(_end, inner)), inner)

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens, and who said so."""
        return self._async.endpoint

    @property
    def timeout(self) -> float:
        """The longest silence that is borne where the engine owes an answer, in seconds."""
        return self._async.timeout

    @property
    def warning(self) -> str:
        """What is wrong with docker's ``config.json``; empty if nothing is."""
        return self._async.warning

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.close()

    def close(self) -> None:
        """Close all connections, also those of open streams, and end the thread."""
        self._portal.close()

    def ping(self) -> Ping:
        """Ask whether the engine is there, and for its newest API version."""
        return self._portal.run(self._async.ping)

    def api_version(self) -> tuple[int, int]:
        """Return the API version in use, negotiated with the engine at the first call."""
        return self._portal.run(self._async.api_version)

    def is_podman(self) -> bool:
        """Tell whether the engine is Podman; asked once."""
        return self._portal.run(self._async.is_podman)

    def version(self) -> Version:
        """Return the versions of the engine, its parts and its host."""
        return self._portal.run(self._async.version)

    def info(self) -> Info:
        """Return what the engine says of itself and of its host."""
        return self._portal.run(self._async.info)

    def disk_usage(self) -> DiskUsage:
        """Return how much room the engine's objects take, which it may have to measure first."""
        return self._portal.run(self._async.disk_usage)

    @property
    def containers(self) -> Containers:
        """The engine's containers."""
        return Containers(self._portal, self._async.containers)

    @property
    def images(self) -> Images:
        """The engine's images."""
        return Images(self._portal, self._async.images)

    @property
    def volumes(self) -> Volumes:
        """The engine's volumes."""
        return Volumes(self._portal, self._async.volumes)

    @property
    def networks(self) -> Networks:
        """The engine's networks."""
        return Networks(self._portal, self._async.networks)

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
        return EventStream(
            self._portal, self._async.events(filters=filters, since=since, until=until)
        )

    @property
    def services(self) -> Services:
        """The services of the swarm that the engine manages."""
        return Services(self._portal, self._async.services)

    @property
    def tasks(self) -> Tasks:
        """The tasks of the swarm that the engine manages."""
        return Tasks(self._portal, self._async.tasks)

    @property
    def nodes(self) -> Nodes:
        """The nodes of the swarm that the engine manages."""
        return Nodes(self._portal, self._async.nodes)

    def tail(
        self,
        *selectors: str,
        follow: bool = True,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        streams: tuple[Stream, ...] = (Stream.STDOUT, Stream.STDERR),
        labels: tuple[str, ...] = (),
        projects: tuple[str, ...] = (),
        services: tuple[str, ...] = (),
        images: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        all: bool = False,
        until_stopped: bool = False,
        missing: Missing = "wait",
        details: bool = False,
        level: str | Level | None = None,
        where: str | Query | None = None,
        group: bool = True,
        continuations: Sequence[str] = (),
        merge_window: float = WINDOW_NS / 1000000000.0,
        overflow: Overflow = "wait",
        before: int = 0,
        after: int = 0,
        source: Source = "auto",
        position: bytes | None = None,
    ) -> Tail:
        """Tail the containers that match: one stream of lines and marks, merged by time.

        ``selectors`` are names, the beginnings of IDs, globs (``web-*``) or ``/regexes/``; the
        other criteria must hold as well. Nothing given: every container that runs. What does not
        run is chosen by its name or ID, or with ``all`` as if it ran. ``tail`` counts lines from
        the end of each container's log: 10 when following without ``since``, else all.

        With ``missing="error"`` a selector that matches no container is an error, and so are other
        criteria that leave none; otherwise, following waits for one, and without ``follow`` there
        is nothing. ``Tail.found`` has what was found.

        ``level`` keeps lines of this level or above (``"warn"``); ``where`` is a query
        (``level>=warn and not /health/``, see ``Query``). Containers of which it can want no line
        are not opened, and times, streams and texts that it demands are used to read less, where
        that changes nothing. Marks of the other containers always pass. With ``before`` and
        ``after`` so many lines of the container around each wanted line come as well, and a
        ``Skipped`` mark tells how many were left out in between.

        Lines that belong together, such as a stack trace, come as one ``Entry``: a ``Line`` that
        has all of them in ``lines``, and that filters treat as one. So a live line waits 100 ms
        for those that may continue it, the merge window included, and without such a window for
        nothing. ``continuations`` are regexes of yours: a line in which one is
        found continues the line before it. With ``group=False`` each line comes by itself.

        ``merge_window`` is how long, in seconds, a live line may wait for older ones of other
        containers; 0 gives the order of arrival. A slow reader slows the engine's sending down,
        unless ``overflow`` is ``"drop"``: then lines are left out where 2000 of their container
        wait, and a ``Dropped`` mark says how many.

        ``source`` says where logs are read from: ``"files"``, the engine's own, or ``"api"``;
        ``"auto"`` takes the files where they can be read. Live lines come from them only where
        they rotate. The logger ``lobtail`` says at level INFO which it was of each container.
        With ``follow`` containers that start later join, restarts and re-creations are followed,
        and the iteration never ends; without it ends with the history. With ``until_stopped`` it
        also ends when every container that was chosen has stopped for good or was removed: the
        engine will not start it again by its restart policy. It goes on while none has been found
        yet, while an engine cannot be reached, and where services of a swarm replace their tasks.

        With ``position``, what ``save_position`` of an earlier stream has returned, or ``b""`` to
        begin with, it goes on where that one was left: each line that the engine still has comes
        once, a ``Gap`` says where some are gone, and ``Stopped``, ``Started`` and ``Removed`` tell
        what has happened meanwhile. ``tail`` then holds for containers that are new.

        Raises:
            ConfigError: a selector, a time, a number or the position cannot be used.
            QueryError: the query cannot be read.

        When it begins, ``NotFoundError`` is raised as ``missing`` says; while it is read,
        ``LogFileError`` where ``source`` is ``"files"`` and a container's files cannot be read.
        """
        return Tail(
            self._portal,
            self._async.tail(
                *selectors,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                streams=streams,
                labels=labels,
                projects=projects,
                services=services,
                images=images,
                exclude=exclude,
                all=all,
                until_stopped=until_stopped,
                missing=missing,
                details=details,
                level=level,
                where=where,
                group=group,
                continuations=continuations,
                merge_window=merge_window,
                overflow=overflow,
                before=before,
                after=after,
                source=source,
                position=position,
            ),
        )

    def history(
        self,
        *selectors: str,
        until: int | str | datetime | None = None,
        size: int = 1000,
        **options: Unpack[HistoryOptions],
    ) -> Iterator[list[Item]]:
        """Read logs backwards: pages of ``size`` items, the newest page first.

        ::

            for page in engine.history("web-*", where="level>=warn"):
                for item in page: ...

        Within a page items are in time order, each line comes once and by itself, and not much
        more is read than the pages that are taken. It begins at ``until``, or with what is
        written now; what is written later does not come. The other arguments are those of
        ``tail``.

        Raises:
            ConfigError: a selector, a time or a number cannot be used.
            QueryError: the query cannot be read.
            NotFoundError: as ``missing`` says.
            LogFileError: ``source`` is ``"files"``, and a container's cannot be read.
        """
        yield from self._portal.batches(
            self._async.history(*selectors, until=until, size=size, **options)
        )


class EventStream(SyncStream):
    """The events of an engine, each an ``Event``, from the moment it is entered.

    ::

        with engine.events(filters={"type": "container"}) as events:
            for event in events:
                print(event.type, event.action, event.name)

    It ends when ``until`` has come. Without that it never ends by itself: an end, clean or not,
    raises ``ConnectionLostError``.
    """

    _async: AsyncEventStream

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Event]:
        yield from self._portal.items(self._async.batches())

    def batches(self) -> Iterator[list[Event]]:
        """Iterate over lists instead, never empty: what one look at the connection brought."""
        yield from self._portal.batches(self._async.batches())


class ExecStream(SyncStream):
    r"""A command in a container: the frames that it writes, and its stdin.

    ::

        with engine.containers.exec("web", ["cat"], stdin=True) as stream:
            stream.write(b"hello\n")
            stream.write_eof()
            for frame in stream:
                ...
            print("exit code", stream.wait())

    The command starts when the stream is entered. With a TTY, frames are pieces of stdout. The
    iteration ends when the command ends, and all that still holds its outputs. Entering it raises
    ``EngineError``: there is no such container, or it does not run. A command that cannot be
    executed is told of in the stream, by the engine, and has the exit code 126 or 127; with
    ``detach`` it is an ``EngineError``. Reading raises what ``AttachStream`` raises.

    With ``detach`` nothing is attached: there is nothing to read, and ``wait`` waits. Podman 4.3
    notes the end of such a command only minutes later, five unless it is configured otherwise.
    """

    _async: AsyncExecStream

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once. The process goes on."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._portal.items(self._async._parts())

    def batches(self, *, joined: bool = False) -> Iterator[list[Frame]]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        yield from self._portal.batches(self._async.batches(joined=joined))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data`` to stdin; return when the connection has taken it all.

        With a TTY the detach keys in it end the stream, and what stands behind them is not sent.

        Raises:
            ConnectionLostError: the process has ended, the stream was detached, or the connection
                broke. What was written by the process before that can still be read.
        """
        self._portal.run(self._async.write, data)

    def write_eof(self) -> None:
        """Close stdin: the process reads an end of file. Its output goes on.

        Raises:
            LobtailError: this kind of connection cannot be closed one way.
        """
        self._portal.run(self._async.write_eof)

    @property
    def detached(self) -> bool:
        """Whether the detach keys were written. The process goes on."""
        return self._portal.call(lambda: self._async.detached)

    def wait(self) -> int:
        """Wait for the end of the command; return its exit code.

        It can be asked for as long as the container runs, also after the stream was closed.

        Raises:
            EngineError: the container has ended meanwhile, and the engine has forgotten.
        """
        return self._portal.run(self._async.wait)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the process's terminal.

        Raises:
            EngineError: it has none, has not begun, or has ended.
        """
        self._portal.run(self._async.resize, rows, columns)

    @property
    def id(self) -> str:
        """The engine's ID of the execution."""
        return self._portal.call(lambda: self._async.id)

    def exit_code(self) -> int | None:
        """Return the exit code of the command; None while it runs."""
        return self._portal.run(self._async.exit_code)


class Images(SyncWrapper):
    """The images of an engine.

    An image is named by a reference, ``name[:tag]`` or ``name@digest``, its ID, or the start of its
    ID. All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    _async: AsyncImages

    def inspect(self, image: str) -> Image:
        """Return all about an image."""
        return self._portal.run(self._async.inspect, image)

    def inspect_raw(self, image: str) -> dict[str, Any]:
        """Return all that the engine says of an image, as its JSON has it."""
        return self._portal.run(self._async.inspect_raw, image)

    def history(self, image: str) -> list[HistoryEntry]:
        """Return how the layers of an image came to be, newest first."""
        return self._portal.run(self._async.history, image)

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name; ``latest`` is the tag if ``reference`` has none.

        Raises:
            ConfigError: ``reference`` is empty, or has a digest.
        """
        self._portal.run(self._async.tag, image, reference)

    def remove(self, image: str, *, force: bool = False, prune: bool = True) -> list[ImageRemoval]:
        """Take a name away from an image, and delete the image if it has no other.

        ``force`` also removes one with several names, by its ID, or with stopped containers;
        without ``prune`` the nameless images that it was built on stay.

        Raises:
            EngineError: status 409 if containers are made of it.
        """
        return self._portal.run(self._async.remove, image, force=force, prune=prune)

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove all images without a name, or with ``all`` all those without a container.

        Engines know the filters ``until`` and ``label``. Podman 4.3 refuses ``all``.
        """
        return self._portal.run(self._async.prune, all=all, filters=filters)

    def pull(
        self,
        reference: str,
        *,
        platform: str = "",
        all_tags: bool = False,
        auth: Credentials | None = None,
    ) -> PullStream:
        """Pull an image from its registry; see ``PullStream`` for how to watch it.

        ``latest`` is the tag if ``reference`` has none; ``all_tags`` pulls every tag.
        ``platform`` is such as ``linux/arm64``. ``auth`` is for registries that want it: what
        ``docker login`` has stored is not read.

        Nothing is asked of the engine before the stream is entered or read.

        Raises:
            ConfigError: ``reference`` is empty, or has a tag in spite of ``all_tags``.
        """
        return PullStream(
            self._portal,
            self._async.pull(reference, platform=platform, all_tags=all_tags, auth=auth),
        )

    def list(self, *, all: bool = False, filters: Filters | None = None) -> list[ImageSummary]:
        """List the images, or with ``all`` also the nameless ones that others are built on.

        Engines know the filters ``reference``, ``dangling``, ``label``, ``before``, ``since``.
        """
        return self._portal.run(self._async.list, all=all, filters=filters)


class LogStream(SyncStream):
    """The logs of one container: frames, as they come.

    ::

        with engine.containers.logs("web", follow=True) as stream:
            for frame in stream:
                sys.stdout.buffer.write(frame.payload)

    How it is read, and what it raises, is described in ``FrameStream``.
    """

    _async: AsyncLogStream

    @property
    def multiplexed(self) -> bool:
        """Whether the engine sends frames; raw bytes otherwise. Known once the stream is open."""
        return self._portal.call(lambda: self._async.multiplexed)

    @property
    def details(self) -> bool:
        """Whether the driver's attributes were asked for."""
        return self._portal.call(lambda: self._async.details)

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._portal.items(self._async.batches())

    def batches(self, *, joined: bool = False) -> Iterator[list[Frame]]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        yield from self._portal.batches(self._async.batches(joined=joined))

    def chunks(self) -> Iterator[bytes]:
        """Iterate over the body as it comes, undecoded: headers of frames and all.

        The chunks are those of the connection and say nothing about frames.
        """
        yield from self._portal.items(self._async._chunks())

    def records(self) -> Iterator[list[Record]]:
        """Iterate over lists of records, of a log that was asked for with timestamps.

        Of a log with a TTY, what came of a message when the connection broke is dropped.
        """
        yield from self._portal.batches(self._async.records())

    @property
    def container(self) -> Container:
        """What ``inspect`` said of the container when the stream was opened."""
        return self._portal.call(lambda: self._async.container)


class Networks(SyncWrapper):
    """The networks of an engine, each named by name, ID or the start of its ID.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    _async: AsyncNetworks

    def create(
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
        return self._portal.run(
            self._async.create,
            name,
            driver=driver,
            internal=internal,
            attachable=attachable,
            options=options,
            labels=labels,
        )

    def inspect(self, network: str) -> Network:
        """Return all about a network."""
        return self._portal.run(self._async.inspect, network)

    def inspect_raw(self, network: str) -> dict[str, Any]:
        """Return all that the engine says of a network, as its JSON has it."""
        return self._portal.run(self._async.inspect_raw, network)

    def remove(self, network: str) -> None:
        """Remove a network.

        Raises:
            EngineError: it is in use, or one of the engine's own.
        """
        self._portal.run(self._async.remove, network)

    def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all networks that no container has; the engine's own stay.

        Engines know the filters ``until`` and ``label``.
        """
        return self._portal.run(self._async.prune, filters=filters)

    def list(self, *, filters: Filters | None = None) -> list[Network]:
        """List the networks.

        Engines know the filters ``name``, ``id``, ``driver``, ``label``, ``scope``, ``type``.
        """
        return self._portal.run(self._async.list, filters=filters)


class Nodes(SyncWrapper):
    """The nodes of a swarm: ``engine.nodes``."""

    _async: AsyncNodes

    def inspect(self, node: str) -> Node:
        """Return all about a node; ``self`` names the engine's own.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        return self._portal.run(self._async.inspect, node)

    def list(self, *, filters: Filters | None = None) -> list[Node]:
        """List the nodes.

        ``filters`` are the engine's own: ``id``, ``name``, ``role``, ``node.label``, ….
        """
        return self._portal.run(self._async.list, filters=filters)


class PullStream(SyncStream):
    """The progress of a pull, which begins when this is entered or read, and ends with it.

    ::

        for step in engine.images.pull("busybox:1.36"):
            print(step.id, step.status, step.current, step.total)

    ``pull.wait()`` reads it to its end for those who need no progress. Leaving earlier gives
    the pull up. What goes wrong in the middle raises ``EngineStreamError``.
    """

    _async: AsyncPullStream

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[PullProgress]:
        yield from self._portal.items(self._async.batches())

    def batches(self) -> Iterator[list[PullProgress]]:
        """Iterate over lists instead, never empty: what one look at the connection brought."""
        yield from self._portal.batches(self._async.batches())

    def wait(self) -> None:
        """Read to the end.

        Raises:
            EngineError: the engine refuses, or the registry has no such image.
            EngineStreamError: the pull failed in the middle.
        """
        self._portal.run(self._async.wait)


class ServiceLogStream(SyncStream):
    """The logs of all tasks of a service."""

    _async: AsyncServiceLogStream

    @property
    def multiplexed(self) -> bool:
        """Whether the engine sends frames; raw bytes otherwise. Known once the stream is open."""
        return self._portal.call(lambda: self._async.multiplexed)

    @property
    def details(self) -> bool:
        """Whether the driver's attributes were asked for."""
        return self._portal.call(lambda: self._async.details)

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._portal.items(self._async.batches())

    def batches(self, *, joined: bool = False) -> Iterator[list[Frame]]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        yield from self._portal.batches(self._async.batches(joined=joined))

    def chunks(self) -> Iterator[bytes]:
        """Iterate over the body as it comes, undecoded: headers of frames and all.

        The chunks are those of the connection and say nothing about frames.
        """
        yield from self._portal.items(self._async._chunks())

    def records(self) -> Iterator[list[Record]]:
        """Iterate over lists of records, of a log that was asked for with timestamps."""
        yield from self._portal.batches(self._async.records())

    @property
    def service(self) -> Service:
        """What the manager said of the service when the stream was opened."""
        return self._portal.call(lambda: self._async.service)


class Services(SyncWrapper):
    """The services of a swarm: ``engine.services``."""

    _async: AsyncServices

    def tasks(self, service: str | Service) -> list[Task]:
        """List the tasks of a service: what runs, and what ran of late."""
        return self._portal.run(self._async.tasks, service)

    def inspect(self, service: str) -> Service:
        """Return all about a service.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several begin so, 503 if the
                engine manages no swarm.
        """
        return self._portal.run(self._async.inspect, service)

    def logs(
        self,
        service: str | Service,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> ServiceLogStream:
        """Open the logs of all tasks of a service, wherever they run; see ``ServiceLogStream``.

        The arguments are those of ``Engine.logs``, but for ``tail``, which counts messages of
        each task, and must not be negative. The engine knows no ``until``: what is younger is sent,
        and left out here.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        return ServiceLogStream(
            self._portal,
            self._async.logs(
                service,
                stdout=stdout,
                stderr=stderr,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                timestamps=timestamps,
                details=details,
            ),
        )

    def list(self, *, filters: Filters | None = None) -> list[Service]:
        """List the services.

        ``filters`` are the engine's own: ``id``, ``name`` (by their beginnings), ``label``,
        ``mode``.
        """
        return self._portal.run(self._async.list, filters=filters)


class StatsStream(SyncStream):
    """What a container uses, again and again, each time a ``Stats``.

    ::

        for stats in engine.containers.stats("web"):
            print(stats.cpu_percent, stats.memory_used)

    Docker samples once a second, Podman every five. The stream ends when the container is removed.
    Of one that does not run Docker sends zeros until it does, and Podman ends the stream.
    """

    _async: AsyncStatsStream

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Stats]:
        yield from self._portal.items(self._async.batches())

    def batches(self) -> Iterator[list[Stats]]:
        """Iterate over lists instead, never empty: what one look at the connection brought."""
        yield from self._portal.batches(self._async.batches())


class Tail(SyncStream):
    """The lines and marks of containers, merged by time: see ``Engine.tail``.

    ::

        with engine.tail("web-*") as tail:
            for item in tail:
                print(item)

    Inside ``with``, an iteration that was left is resumed by the next with the next item.
    """

    _async: AsyncTail

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End all that is being read."""
        self._portal.run(self._async.aclose)

    @property
    def found(self) -> list[ContainerRef]:
        """The containers that were chosen at the start, also where their log has ended since.

        Empty before the stream is entered or iterated over, and where nothing matched.
        """
        return self._portal.call(lambda: self._async.found)

    @property
    def idle(self) -> list[ContainerRef]:
        """Those of ``found`` that were not running then."""
        return self._portal.call(lambda: self._async.idle)

    @property
    def containers(self) -> list[ContainerRef]:
        """The containers that are read now."""
        return self._portal.call(lambda: self._async.containers)

    @property
    def engines(self) -> list[str]:
        """The names of the engines; that of a single one is empty."""
        return self._portal.call(lambda: self._async.engines)

    @property
    def unreachable(self) -> dict[str, LobtailError]:
        """The engines that cannot be reached, and why."""
        return self._portal.call(lambda: self._async.unreachable)

    def save_position(self) -> bytes:
        """Return how far items have been taken: the ``position`` for a later ``Engine.tail``.

        Of an iteration over batches the last batch counts as taken. Save it together with what you
        have made of the items: a program that goes on from there, after whatever end, gets each
        line once that the engine still has, and a ``Gap`` where it has not.

        Raises:
            ConfigError: the stream was not opened with ``position``.
        """
        return self._portal.call(self._async.save_position)

    def __iter__(self) -> Iterator[Item]:
        yield from self._portal.items(self._async._parts(None))

    def items(self, *, timeout: float | None = None) -> Iterator[Item]:
        """Iterate like the stream itself, for at most ``timeout`` seconds.

        Raises:
            TimeoutError: the time is over, counted from the first item that was asked for.
        """
        yield from self._portal.items(self._async._parts(timeout))

    def batches(self, *, timeout: float | None = None) -> Iterator[list[Item]]:
        """Iterate over lists instead, never empty: what has come since the one before.

        Raises:
            TimeoutError: as ``items``.
        """
        yield from self._portal.batches(self._async.batches(timeout=timeout))

    def wait_for(self, regex: str | Pattern[str], *, timeout: float | None = None) -> Line:
        """Read up to the first line in which ``regex`` is found, and return it.

        It is searched for in the text as a reader sees it, of the lines that ``tail``, ``since``
        and the filters of this stream let through. Inside ``with`` what follows the line can
        be read next; otherwise the stream is closed.

        Raises:
            TimeoutError: no such line came within ``timeout`` seconds.
            LogsEndedError: no such line can come any more: the history is read, or every container
                has stopped for good or was removed.
            QueryError: ``regex`` is not a regex of RE2, on which one of ``re`` runs as well.
        """
        return self._portal.run(self._async.wait_for, regex, timeout=timeout)


class TaskLogStream(SyncStream):
    """The logs of one task."""

    _async: AsyncTaskLogStream

    @property
    def multiplexed(self) -> bool:
        """Whether the engine sends frames; raw bytes otherwise. Known once the stream is open."""
        return self._portal.call(lambda: self._async.multiplexed)

    @property
    def details(self) -> bool:
        """Whether the driver's attributes were asked for."""
        return self._portal.call(lambda: self._async.details)

    def __enter__(self) -> Self:
        try:
            self._portal.run(self._async.__aenter__)
        except BaseException:
            self._portal.later(self._close)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._portal.run(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._portal.call(self._async._close)

    def __iter__(self) -> Iterator[Frame]:
        yield from self._portal.items(self._async.batches())

    def batches(self, *, joined: bool = False) -> Iterator[list[Frame]]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        yield from self._portal.batches(self._async.batches(joined=joined))

    def chunks(self) -> Iterator[bytes]:
        """Iterate over the body as it comes, undecoded: headers of frames and all.

        The chunks are those of the connection and say nothing about frames.
        """
        yield from self._portal.items(self._async._chunks())

    def records(self) -> Iterator[list[Record]]:
        """Iterate over lists of records, of a log that was asked for with timestamps."""
        yield from self._portal.batches(self._async.records())

    @property
    def task(self) -> Task:
        """What the manager said of the task when the stream was opened."""
        return self._portal.call(lambda: self._async.task)


class Tasks(SyncWrapper):
    """The tasks of a swarm: ``engine.tasks``."""

    _async: AsyncTasks

    def inspect(self, task: str) -> Task:
        """Return all about a task.

        Raises:
            EngineError: ``status`` 404 if there is none, 503 if the engine manages no swarm.
        """
        return self._portal.run(self._async.inspect, task)

    def logs(
        self,
        task: str | Task,
        *,
        stdout: bool = True,
        stderr: bool = True,
        follow: bool = False,
        tail: int | str | None = None,
        since: int | str | datetime | None = None,
        until: int | str | datetime | None = None,
        timestamps: bool = False,
        details: bool = False,
    ) -> TaskLogStream:
        """Open the logs of one task, wherever it runs; as ``Services.logs``.

        Raises:
            ConfigError: ``since`` or ``until`` cannot be understood.
        """
        return TaskLogStream(
            self._portal,
            self._async.logs(
                task,
                stdout=stdout,
                stderr=stderr,
                follow=follow,
                tail=tail,
                since=since,
                until=until,
                timestamps=timestamps,
                details=details,
            ),
        )

    def list(self, *, filters: Filters | None = None) -> list[Task]:
        """List the tasks, also those that are over, of which a swarm keeps a few.

        ``filters`` are the engine's own: ``id``, ``name``, ``service``, ``node``, ``label``,
        ``desired-state``.
        """
        return self._portal.run(self._async.list, filters=filters)


class Volumes(SyncWrapper):
    """The volumes of an engine.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    _async: AsyncVolumes

    def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        options: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """Make a volume, and return it; one that is there already is returned as it is.

        The engine chooses a name if none is given. ``options`` are the driver's own.
        """
        return self._portal.run(
            self._async.create, name, driver=driver, options=options, labels=labels
        )

    def inspect(self, volume: str) -> Volume:
        """Return all about a volume."""
        return self._portal.run(self._async.inspect, volume)

    def inspect_raw(self, volume: str) -> dict[str, Any]:
        """Return all that the engine says of a volume, as its JSON has it."""
        return self._portal.run(self._async.inspect_raw, volume)

    def remove(self, volume: str, *, force: bool = False) -> None:
        """Remove a volume, and what is in it. With ``force`` one that is not there is no error.

        Raises:
            EngineError: status 409 if a container has it.
        """
        self._portal.run(self._async.remove, volume, force=force)

    def prune(self, *, all: bool = False, filters: Filters | None = None) -> Pruned:
        """Remove all volumes that were made without a name and that no container has.

        ``all`` removes also those with a name. Engines know the filter ``label``.

        Raises:
            ConfigError: the engine is too old (API below 1.42) to spare those with a name, and
                ``all`` was not given.
        """
        return self._portal.run(self._async.prune, all=all, filters=filters)

    def list(self, *, filters: Filters | None = None) -> list[Volume]:
        """List the volumes.

        Engines know the filters ``name``, ``driver``, ``label``, ``dangling``.
        """
        return self._portal.run(self._async.list, filters=filters)


def tail_files(
    *paths: str,
    tail: int | str | None = None,
    since: int | str | datetime | None = None,
    until: int | str | datetime | None = None,
    streams: tuple[Stream, ...] = (Stream.STDOUT, Stream.STDERR),
    labels: tuple[str, ...] = (),
    projects: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
    images: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    details: bool = False,
    level: str | Level | None = None,
    where: str | Query | None = None,
    group: bool = True,
    continuations: Sequence[str] = (),
    before: int = 0,
    after: int = 0,
) -> Tail:
    """Tail log files without an engine: their lines, merged by time, to their ends.

    ``paths`` are log files of the drivers json-file and local and of Podman's k8s-file, captured
    streams of frames, what ``lobtail tail -o json``, ``journalctl -o json`` or ``-o export`` has
    written, folders of one container, or the engine's folder of all its containers. Rotated files
    beside a log belong to it, logrotate's as well. The rest is as for ``Engine.tail``: containers
    are chosen by what a saved log says of them, or what the engine keeps beside its logs.

    Raises:
        ConfigError: no path is given, or a selector, a time or a number cannot be used.
        QueryError: the query cannot be read.
        LogFileError: a file is not there, cannot be read, or is no log.
    """
    made = async_tail_files(
        *paths,
        tail=tail,
        since=since,
        until=until,
        streams=streams,
        labels=labels,
        projects=projects,
        services=services,
        images=images,
        exclude=exclude,
        details=details,
        level=level,
        where=where,
        group=group,
        continuations=continuations,
        before=before,
        after=after,
    )
    return _OwnTail(BlockingPortal(), made)


def tail_engines(
    engines: Iterable[Engine] | Mapping[str, Engine],
    *selectors: str,
    **options: Unpack[TailOptions],
) -> Tail:
    """Tail containers of several engines: one stream of lines and marks, merged by time.

    A mapping has the names that ``ContainerRef.host`` and ``Tail.engines`` know the engines by;
    else they are called by their contexts, hosts or sockets. Selectors and options are those of
    ``Engine.tail``, and hold for each engine. The engines are closed by whoever has made them.

    An engine that cannot be reached does not keep the others waiting: they are read without it, and
    with ``follow`` it is tried again. An ``EngineLost`` mark says so, and ``EngineBack`` that it is
    reached again; ``Tail.unreachable`` has those that are not.

    Raises:
        ConfigError: as ``Engine.tail``, or no engine is given.

    When it begins, ``ConnectError`` is raised if none of the engines can be reached.
    """
    # Each engine has a loop of its own; these are read in one.
    given = engines.values() if isinstance(engines, Mapping) else engines
    inner = [copy(engine._async) for engine in given]
    named = dict(zip(engines, inner, strict=True)) if isinstance(engines, Mapping) else inner
    made = async_tail_engines(named, *selectors, **options)
    return _OwnTail(BlockingPortal(partial(_end_all, inner)), made)


class _OwnTail(Tail):
    """A tail in a loop of its own, which ends with it."""

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._portal.close()

    def close(self) -> None:
        super().close()
        self._portal.close()


async def _end(engine: AsyncEngine) -> None:
    """Close whatever an engine still has open."""
    engine._requests.abort()
    await engine.aclose()


async def _end_all(engines: list[AsyncEngine]) -> None:
    for engine in engines:
        await _end(engine)

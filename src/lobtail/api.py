"""The engine as programs see it: the client, and above it the session that tails."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, Unpack

from lobtail.engine.client import EngineClient
from lobtail.engine.config.endpoint import labels
from lobtail.engine.streams.logs import nanoseconds
from lobtail.errors import ConfigError
from lobtail.follow.options import SOURCES, FollowOptions, Source
from lobtail.follow.position import Positions
from lobtail.model.frames import Stream
from lobtail.model.items import Item
from lobtail.model.levels import Level
from lobtail.model.timestamps import parse_go_time
from lobtail.query.filter import LineFilter
from lobtail.query.selection import ContainerSelection, ContainerSelector
from lobtail.render.stamps import local
from lobtail.session.engine_session import EngineSession
from lobtail.session.file_session import FileSession, find_logs
from lobtail.session.inbox import Inbox, Overflow
from lobtail.session.merge import WINDOW_NS
from lobtail.session.pages import History
from lobtail.session.request import TailRequest
from lobtail.session.tail import Tail

if TYPE_CHECKING:
    from lobtail.entries.grouper import Grouper
    from lobtail.query.patterns import Pattern
    from lobtail.query.plan import Plan
    from lobtail.query.query import Query
    from lobtail.query.terms import Term

__all__ = [
    "Engine",
    "HistoryOptions",
    "TailOptions",
    "open_tail",
    "tail_engines",
    "tail_files",
    "tail_request",
]


Missing: TypeAlias = Literal["wait", "error"]


class Engine(EngineClient):
    """An engine, Docker's or Podman's.

    ::

        async with Engine() as engine:
            async with engine.tail("web-*") as tail:
                async for item in tail:
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

    Nothing connects before the first request. Use it in one event loop; close it with ``aclose``
    or as a context manager. All methods raise ``ConnectError`` when nobody answers,
    ``EngineError`` when the engine refuses, ``ConnectionLostError`` when the connection breaks,
    and ``ProtocolError`` when the peer is no engine.

    Raises:
        ConfigError: an argument, the environment or docker's settings cannot be used.
    """

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
        merge_window: float = WINDOW_NS / 1e9,
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
        request = tail_request(
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
            source=source,
            before=before,
            after=after,
            position=position,
        )
        return open_tail({"": (self, request)})

    async def history(
        self,
        *selectors: str,
        until: int | str | datetime | None = None,
        size: int = 1000,
        **options: Unpack[HistoryOptions],
    ) -> AsyncGenerator[list[Item], None]:
        """Read logs backwards: pages of ``size`` items, the newest page first.

        ::

            async for page in engine.history("web-*", where="level>=warn"):
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
        if size < 1:
            raise ConfigError(f"a page has at least one item: size={size}")
        end_ns = nanoseconds(until, "until")
        info, now_ns = await self.info(), time.time_ns()
        if end_ns is None:
            end_ns = max(now_ns, parse_go_time(info.system_time) or now_ns)
        created = [each.created for each in await self.containers.list(all=True)]
        # How old tasks on other nodes are is not known here.
        first_s = 0 if info.swarm.control_available else min(created, default=0) - 1
        history = History(end_ns, size=size, first_ns=first_s * 1_000_000_000)
        while True:
            while (search := history.search()) is not None:
                while (span := search.span) is not None:
                    part = self.tail(
                        *selectors,
                        follow=False,
                        since=span.since_ns,
                        until=span.until_ns,
                        group=False,
                        **options,
                    )
                    async with part:
                        async for batch in part.batches():
                            if not search.take(batch):
                                break
                    search.end()
                history.take(search.page)
            if not (page := history.page()):
                return
            yield page


class HistoryOptions(TypedDict, total=False):
    """The options of ``Engine.history``, which ``Engine.tail`` has as well."""

    streams: tuple[Stream, ...]
    labels: tuple[str, ...]
    projects: tuple[str, ...]
    services: tuple[str, ...]
    images: tuple[str, ...]
    exclude: tuple[str, ...]
    all: bool
    missing: Missing
    details: bool
    level: str | Level | None
    where: str | Query | None
    source: Source


class TailOptions(HistoryOptions, total=False):
    """The options of ``Engine.tail``."""

    follow: bool
    tail: int | str | None
    since: int | str | datetime | None
    until: int | str | datetime | None
    until_stopped: bool
    group: bool
    continuations: Sequence[str]
    merge_window: float
    overflow: Overflow
    before: int
    after: int
    position: bytes | None


def tail_request(
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
    merge_window: float = WINDOW_NS / 1e9,
    overflow: Overflow = "wait",
    before: int = 0,
    after: int = 0,
    source: Source = "auto",
    position: bytes | None = None,
) -> TailRequest:
    """Return what is asked for with the arguments of ``Engine.tail``, which describes them.

    Raises:
        ConfigError, QueryError: as ``Engine.tail``.
    """
    if source not in SOURCES:
        raise ConfigError(f"source is one of {', '.join(SOURCES)}, not {source!r}")
    if overflow not in ("wait", "drop"):
        raise ConfigError(f"overflow is 'wait' or 'drop', not {overflow!r}")
    if merge_window < 0:
        raise ConfigError(f"the merge window is negative: {merge_window}")
    if missing not in ("wait", "error"):
        raise ConfigError(f"missing is 'wait' or 'error', not {missing!r}")
    if position is not None:
        Positions.load(position)
    plan = _plan(where, level, before, after)
    selection = ContainerSelection(
        names=tuple(map(ContainerSelector, selectors)),
        labels=labels,
        projects=projects,
        services=services,
        images=images,
        excluded=tuple(map(ContainerSelector, exclude)),
    )
    options = FollowOptions(
        follow=follow,
        tail=str(tail) if tail is not None else ("10" if follow and not since else "all"),
        since=nanoseconds(since, "since"),
        until=nanoseconds(until, "until"),
        stdout=Stream.STDOUT in streams,
        stderr=Stream.STDERR in streams,
        details=details,
        source=source,
    )
    if plan is not None:
        # What a position does not know of is read anew, and what it knows must be met.
        around = 0
        if group:
            from lobtail.entries.grouper import MAX_LINES

            around = MAX_LINES
        options = options.narrowed(plan, since=position is None, around=around)
    # With nothing asked for, that nothing runs is an answer.
    is_asked = bool(selectors or labels or projects or services or images)
    return TailRequest(
        selection=selection,
        everything=all,
        options=options,
        until_stopped=until_stopped and follow,
        is_strict=missing == "error" and is_asked,
        plan=plan,
        group=group,
        continuations=_compiled(continuations),
        window_ns=round(merge_window * 1e9),
        overflow=overflow,
        position=position,
    )


def open_tail(asked: Mapping[str, tuple[EngineClient, TailRequest]]) -> Tail:
    """Return the stream of what is asked of each engine, by the name that lines call it by.

    What chooses containers may differ between the engines; for all else the first counts.
    """
    _, first = next(iter(asked.values()))
    grouper = _grouper(first.continuations, first.window_ns) if first.group else None
    inbox = Inbox(first.window_ns, overflow=first.overflow, grouper=grouper)
    positions = None if first.position is None else Positions.load(first.position)
    return Tail(
        inbox,
        [
            EngineSession(
                engine, request, inbox, host=host, alone=len(asked) == 1, positions=positions
            )
            for host, (engine, request) in asked.items()
        ],
        wanted=_filter(first.plan),
        required=first.selection if first.is_strict else None,
        until_stopped=first.until_stopped,
        follow=first.options.follow,
        positions=positions,
    )


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
    named = dict(engines) if isinstance(engines, Mapping) else _named(list(engines))
    if not named:
        raise ConfigError("no engine is given")
    request = tail_request(*selectors, **options)
    return open_tail({name: (engine, request) for name, engine in named.items()})


def _named(engines: list[Engine]) -> dict[str, Engine]:
    return dict(zip(labels([engine.endpoint for engine in engines]), engines, strict=True))


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
    if not paths:
        raise ConfigError("no log file is named")
    plan = _plan(where, level, before, after)
    options = FollowOptions(
        follow=False,
        tail="all" if tail is None else str(tail),
        since=nanoseconds(since, "since"),
        until=nanoseconds(until, "until"),
        stdout=Stream.STDOUT in streams,
        stderr=Stream.STDERR in streams,
        details=details,
    )
    selection = ContainerSelection(
        labels=labels,
        projects=projects,
        services=services,
        images=images,
        excluded=tuple(map(ContainerSelector, exclude)),
    )
    inbox = Inbox(0, grouper=_grouper(_compiled(continuations)) if group else None)
    session = FileSession(find_logs(paths), selection, options, inbox, plan=plan)
    return Tail(inbox, [session], wanted=_filter(plan))


def _grouper(continuations: Sequence[Pattern], window_ns: int = 0) -> Grouper:
    # Only those who ask for entries wait for its patterns to be compiled.
    from lobtail.entries.grouper import WAIT_NS, Grouper

    # The merge has held a live line for its window already. Whoever wants no such window wants no
    # waiting at all: what comes together is an entry.
    wait_ns = max(WAIT_NS - window_ns, 0) if window_ns else 0
    return Grouper(continuations, wait_ns=wait_ns)


def _compiled(regexes: Sequence[str]) -> tuple[Pattern, ...]:
    if not regexes:
        return ()
    from lobtail.query.patterns import compile_pattern

    return tuple(compile_pattern(regex, "continuations") for regex in regexes)


def _plan(
    where: str | Query | None, level: str | Level | None, before: int, after: int
) -> Plan | None:
    """Return what is demanded of lines; None if nothing is."""
    if before < 0 or after < 0:
        raise ConfigError("`before` and `after` are numbers of lines: 0 or more")
    least = Level.parse(level) if isinstance(level, str) else level
    if where is None and not least:
        return None
    # Only those who ask for something need these.
    from lobtail.query.plan import plan_of
    from lobtail.query.terms import Compare, Subject

    terms: list[Term] = [] if not least else [Compare(Subject("level"), ">=", least)]
    if isinstance(where, str):
        from lobtail.query.query import Query

        where = Query(where, now_ns=time.time_ns(), local_offset=local)
    if where is not None:
        terms.append(where.term)
    return plan_of(*terms, context=(before, after) if before or after else None)


def _filter(plan: Plan | None) -> LineFilter | None:
    """Return what lets the wanted lines pass; None if all are."""
    if plan is None:
        return None
    before, after = plan.context or (0, 0)
    return LineFilter(*plan.predicates(), before=before, after=after)

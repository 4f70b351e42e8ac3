"""The containers of an engine: ``engine.containers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import Filters, decode, encode_filters
from lobtail.engine.objects.container import Container, ContainerSummary
from lobtail.engine.streams.logs import LogOptions, LogStream
from lobtail.errors import ConfigError, EngineError

# What `lobtail logs` does not need is imported where it is used.
if TYPE_CHECKING:
    from lobtail.engine.objects.lifecycle import Pruned, Top
    from lobtail.engine.objects.stats import Stats
    from lobtail.engine.streams.attach import AttachStream
    from lobtail.engine.streams.exec import ExecStream
    from lobtail.engine.streams.stats import StatsStream

__all__ = ["Containers", "WaitCondition"]

WaitCondition: TypeAlias = Literal["not-running", "next-exit", "removed"]

# From here on the signal to stop with can be chosen (moby, API changelog 1.42).
SIGNAL_API: Final = (1, 42)
# What a container that says nothing else is given to stop, in seconds (moby, Podman).
GRACE: Final = 10


class Containers:
    """The containers of an engine, each named by name, ID or the start of its ID.

    All methods raise ``EngineError``, with status 404, where there is none of that name.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def inspect(self, container: str, *, size: bool = False) -> Container:
        """Return all about a container, named by name, ID or the start of its ID.

        ``size`` has the engine measure what the container wrote, which may take long.

        Raises:
            EngineError: ``status`` 404 if there is none, 400 if several have that start.
        """
        target = _at(container, "json")
        if not size:
            return await self._requests.fetch(target, Container)
        timeout = self._requests.work_timeout
        return await self._requests.fetch(target, Container, {"size": "1"}, timeout=timeout)

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
        return LogStream(self._requests, container, options)

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
        return AttachStream(self._requests, _name(container), options)

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
        return ExecStream(self._requests, _name(container), options)

    def stats(self, container: str) -> StatsStream:
        """Watch what a container uses; see ``StatsStream``. Nothing is asked before it is read."""
        from lobtail.engine.streams.stats import StatsStream

        return StatsStream(self._requests, container)

    async def stats_once(self, container: str, *, one_shot: bool = False) -> Stats:
        """Return what a container uses now.

        That takes a second or two, for the share of the CPU is measured between two samples;
        ``one_shot`` takes one, at once, and leaves ``cpu_percent`` out.
        """
        from lobtail.engine.streams.stats import stats_once

        return await stats_once(self._requests, container, one_shot=one_shot)

    async def start(self, container: str) -> bool:
        """Start a container; return False if it ran already.

        Raises:
            EngineError: its program cannot be started, for instance.
        """
        timeout = self._requests.work_timeout
        return await self._requests.change(_at(container, "start"), timeout=timeout)

    async def stop(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> bool:
        """Stop a container and wait until it has; return False if it did not run.

        It gets ``signal`` (its own stop signal, SIGTERM as a rule) and, if it still runs after
        ``timeout`` seconds, SIGKILL. -1 waits for ever; None for as long as the container's
        configuration says, which is 10 seconds if it says nothing.

        Raises:
            ConfigError: the engine is too old (API below 1.42) to be told a ``signal``.
        """
        query, patience = await self._ending(container, timeout, signal)
        return await self._requests.change(_at(container, "stop"), query, timeout=patience)

    async def restart(
        self, container: str, *, timeout: int | None = None, signal: str | None = None
    ) -> None:
        """Stop a container as ``stop`` does, and start it; start it if it did not run."""
        query, patience = await self._ending(container, timeout, signal)
        await self._requests.post(_at(container, "restart"), query, timeout=patience)

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process; do not wait for what it does.

        Raises:
            EngineError: the container does not run, or there is no such signal.
        """
        await self._requests.post(_at(container, "kill"), {"signal": signal})

    async def pause(self, container: str) -> None:
        """Freeze all processes of a container.

        Raises:
            EngineError: it does not run, or is frozen already.
        """
        await self._requests.post(_at(container, "pause"))

    async def unpause(self, container: str) -> None:
        """Let a frozen container go on.

        Raises:
            EngineError: it is not frozen.
        """
        await self._requests.post(_at(container, "unpause"))

    async def rename(self, container: str, name: str) -> None:
        """Give a container another name.

        Raises:
            EngineError: status 409 if another container has that name.
        """
        await self._requests.post(_at(container, "rename"), {"name": name})

    async def remove(self, container: str, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container, and with it its log.

        With ``force`` one that runs is killed first; ``volumes`` removes its anonymous volumes too.

        Raises:
            EngineError: it runs, and ``force`` was not given.
        """
        query = {name: "1" for name, wanted in (("force", force), ("v", volumes)) if wanted}
        await self._requests.delete(_path(container), query, timeout=self._requests.work_timeout)

    async def wait(self, container: str, condition: WaitCondition = "not-running") -> int:
        """Wait until a container has ended, however long that takes; return its exit code.

        ``not-running`` is so at once if it does not run; ``next-exit`` waits for an end that is
        still to come, ``removed`` until the container is gone.
        """
        from lobtail.engine.objects.lifecycle import Waited

        target = _at(container, "wait")
        answer = await self._requests.post(target, {"condition": condition}, timeout=None)
        waited = decode(answer, Waited, target)
        if waited.error is not None and waited.error.message:
            raise EngineError(500, waited.error.message)
        return waited.status_code

    async def top(self, container: str, ps_args: str = "") -> Top:
        """List the processes of a container that runs.

        ``ps_args`` are options of ``ps`` on the engine's host, ``-ef`` by default (Podman has a
        default of its own, and understands fewer).

        Raises:
            EngineError: the container does not run, or ``ps`` refuses the options.
        """
        from lobtail.engine.objects.lifecycle import Top

        target = _at(container, "top")
        answer = await self._requests.get(target, {"ps_args": ps_args} if ps_args else None)
        if not answer.strip():  # all that Podman has to say
            raise EngineError(409, f"Container {container} is not running")
        return _columns(decode(answer, Top, target))

    async def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all containers that do not run, or those that ``filters`` hold for.

        Engines know the filters ``until`` and ``label``.
        """
        from lobtail.engine.objects.lifecycle import Pruned, PrunedContainers

        target = "/containers/prune"
        timeout = self._requests.work_timeout
        answer = await self._requests.post(target, encode_filters(filters), timeout=timeout)
        pruned = decode(answer, PrunedContainers, target)
        return Pruned(pruned.containers_deleted, pruned.space_reclaimed)

    async def inspect_raw(self, container: str, *, size: bool = False) -> dict[str, Any]:
        """Return all that the engine says of a container, as its JSON has it."""
        target = _at(container, "json")
        query = {"size": "1"} if size else None
        timeout = self._requests.work_timeout
        return await self._requests.fetch(target, dict[str, Any], query, timeout=timeout)

    # In the body of a class, what comes behind a method `list` cannot name the type.
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
        timeout = self._requests.work_timeout if size else ...
        wanted = list[ContainerSummary]
        return await self._requests.fetch("/containers/json", wanted, query, timeout=timeout)

    async def _ending(
        self, container: str, timeout: int | None, signal: str | None
    ) -> tuple[dict[str, str], float | None]:
        """Return the query of what ends a container, and how long that may take."""
        query = {}
        if signal is not None:
            api = await self._requests.api_version()
            if api < SIGNAL_API:
                raise ConfigError(
                    f"the engine's API {api[0]}.{api[1]} cannot be told a signal to stop with: "
                    "that needs 1.42; kill(container, signal) sends one"
                )
            query["signal"] = signal
        if timeout is not None:
            query["t"] = str(timeout)
            grace = timeout
        else:
            from lobtail.engine.objects.lifecycle import Stoppable

            known = await self._requests.fetch(_at(container, "json"), Stoppable)
            grace = GRACE if known.config.stop_timeout is None else known.config.stop_timeout
        return query, None if grace < 0 else self._requests.timeout + grace


def _path(container: str) -> str:
    return f"/containers/{segment(container.removeprefix('/'), 'container')}"


def _at(container: str, what: str) -> str:
    return f"{_path(container)}/{what}"


def _columns(top: Top) -> Top:
    """Split what Podman leaves in one column."""
    from lobtail.engine.objects.lifecycle import Top

    if len(top.titles or ()) != 1 or top.titles is None:
        return top
    titles = top.titles[0].split()
    last = len(titles) - 1
    return Top(titles, [row[0].split(None, last) for row in top.processes or () if row])


def _name(container: str | Container) -> str:
    return container.removeprefix("/") if isinstance(container, str) else container.id

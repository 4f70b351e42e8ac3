"""Run ``lobtail logs``: the history from files or from the API, then what is live, joined to it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from lobtail.engine.net.read_coalescer import ReadCoalescer
from lobtail.engine.streams.logs import nanoseconds, tail_count
from lobtail.errors import ConfigError, EngineError, LogFileError
from lobtail.model.frames import Frame, Stream
from lobtail.terminal.output import Output, print_status

if TYPE_CHECKING:
    from lobtail.engine.blocking import BlockingClient
    from lobtail.engine.client import EngineClient
    from lobtail.engine.objects.container import Container
    from lobtail.files import LogFiles
    from lobtail.follow.driver import Driver
    from lobtail.follow.options import Source
    from lobtail.follow.raw import RawLog
    from lobtail.sources.files import FileSource

__all__ = ["LogsRun", "Wanted"]


class Wanted(msgspec.Struct, frozen=True):
    """What to show of a log: the options of the command."""

    follow: bool
    tail: str
    timestamps: bool
    since: int | None
    until: int | None
    details: bool
    source: Source
    verbose: bool
    raw: bool
    """Whether a service's lines shall have nothing in front of them."""

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
        source: Source,
        verbose: bool,
        raw: bool,
    ) -> Wanted:
        """Check the options; ConfigError for a time that cannot be understood."""
        since_ns, until_ns = nanoseconds(since, "since"), nanoseconds(until, "until")
        return cls(follow, tail, timestamps, since_ns, until_ns, details, source, verbose, raw)


class LogsRun:
    """Shows one log on stdout and stderr, byte for byte."""

    def __init__(self, wanted: Wanted, out: Output, err: Output) -> None:
        self._wanted = wanted
        self._out = out
        self._err = err
        for output in (out, err):
            output.keep(rb"(?:[^ \r\n]*+ ){%d}" % (wanted.timestamps + wanted.details))
        # How many bytes each has got from files, should the API have to go on.
        self._written = dict.fromkeys(Stream, 0)

    def show_at_once(self, engine: BlockingClient, name: str) -> bool:
        """Show the log of a container to its end, without an event loop.

        Returns False if there is no such container: ``show`` looks for a service then.
        """
        from lobtail.engine.blocking import result_of

        try:
            result_of(self._show(engine, name))
        except EngineError as exc:
            if exc.status != 404:
                raise
            return False
        finally:
            result_of(engine.aclose())
        return True

    async def show(self, engine: EngineClient, name: str) -> None:
        """Show the log of a container, or of a service where no container is called so."""
        async with engine:
            try:
                await self._show(engine, name)
            except EngineError as exc:
                if exc.status != 404 or not await self._show_service(engine, name):
                    raise

    async def _show_service(self, engine: EngineClient, name: str) -> bool:
        """Show the log of a service or task of a swarm, if there is one of this very name."""
        # Only those whose container is not there pay for it.
        from lobtail.cli.service_run import ServiceLogsRun, ServiceWanted

        wanted = self._wanted
        if wanted.source == "files":
            return False
        shown = ServiceWanted(
            follow=wanted.follow,
            tail=wanted.tail,
            timestamps=wanted.timestamps,
            since=wanted.since,
            until=wanted.until,
            details=wanted.details,
            raw=wanted.raw,
        )
        return await ServiceLogsRun(engine, shown, self._out, self._err).show_named(name)

    async def _show(self, engine: EngineClient, name: str) -> None:
        wanted = self._wanted
        container, files = None, None
        if wanted.source != "api":
            container = await engine.containers.inspect(name)
            files = await self._open(engine, container)
        elif wanted.verbose:
            print_status(f"lobtail: {name}: from the API, as --source says")
        if wanted.follow:
            await self._follow(engine, container or await engine.containers.inspect(name), files)
        elif files is None:
            await self._copy(engine, container or name)
        else:
            with files:
                whole = self._copy_files_safely(files)
            if not whole:
                await self._copy(engine, container or name, skip=True)

    def show_file(self, path: str) -> None:
        """Show a log file, without an engine."""
        from lobtail.files import open_log
        from lobtail.files.opening import truncated

        if self._wanted.follow:
            raise ConfigError("--follow needs an engine; --file reads a log to its end")
        with open_log(Path(path)) as files:
            try:
                self._copy_files(files)
            except OSError as exc:
                raise LogFileError(f"{path}: {exc.strerror or exc}") from exc
            if files.truncated:
                raise truncated(files.truncated)

    # --- from the API -------------------------------------------------------------------------

    async def _copy(
        self,
        engine: EngineClient,
        container: str | Container,
        *,
        follow: bool = False,
        skip: bool = False,
    ) -> None:
        """Show the log as the engine sends it; ``skip`` what was shown from its files."""
        wanted = self._wanted
        stream = engine.containers.logs(
            container,
            follow=follow,
            tail=wanted.tail,
            since=wanted.since,
            until=wanted.until,
            timestamps=wanted.timestamps,
            details=wanted.details,
        )
        left = dict(self._written) if skip else {}
        pace = ReadCoalescer()
        async with stream:
            async for frames in stream.batches(joined=True):
                size = 0
                for frame in frames:
                    size += len(frame.payload)
                    if any(left.values()):
                        frame = _without(frame, left)
                    self._write(frame)
                pace.rest(size)

    async def _follow(
        self, engine: EngineClient, container: Container, files: LogFiles | None
    ) -> None:
        """Show the log, and what is written to it, to the end of the run."""
        import asyncio

        from lobtail.follow.driver import Driver
        from lobtail.follow.intake import Clock
        from lobtail.follow.raw import RawLog
        from lobtail.follow.slots import Slot
        from lobtail.model.items import ContainerRef
        from lobtail.sources.api import ContainerSource, traits_of
        from lobtail.sources.base import LogRequest
        from lobtail.sources.files import FileSource

        wanted = self._wanted
        traits = await traits_of(engine, container)
        if not traits.on_files:
            await self._copy(engine, container, follow=True)
            return
        source = ContainerSource(engine, container, details=wanted.details)
        clock = Clock()
        driver = Driver(source, self, Slot(asyncio.Semaphore()), clock)
        request = LogRequest(follow=True, tail=wanted.tail, since=wanted.since, until=wanted.until)
        ref = ContainerRef(id=container.id, name=container.name.removeprefix("/"))
        serve = wanted.source != "api"
        log = RawLog(ref, request, traits, clock, files_serve=serve)
        if files is None:
            await driver.run(log.from_api())
            return
        bell = source if traits.rotates else None
        held = FileSource(files, details=wanted.details, bell=bell)
        try:
            if bell is None:
                # Opened before anything is shown: what the reader then does to the container, such
                # as to remove it, must not come between.
                live = await driver.run(log.open_behind(held))
                whole = self._copy_files_safely(files)
                if not whole:
                    live.close()
            else:
                whole = self._copy_files_safely(files, held.hold)
            held.close_held()
            if not whole:
                await self._copy(engine, container, follow=True, skip=True)
            elif bell is None:
                await driver.run(log.join(live))
            else:
                await self._follow_files(driver, log, held)
        except EngineError as exc:
            if exc.status not in (404, 409):  # it is gone, and its log with it
                raise
        finally:
            held.close()

    async def _follow_files(self, driver: Driver, log: RawLog, files: FileSource) -> None:
        """Show what is written to files; where they cannot be read on, the API goes on."""
        try:
            await driver.run(log.follow(files))
        except (LogFileError, OSError) as exc:
            self._give_up_files(exc)
            await driver.run(log.go_on_by_api())

    async def deliver(self, items: list[Any], size: int = 0) -> None:  # noqa: ARG002 - as sinks
        """Show records, and where some may be missing."""
        from lobtail.model.items import Gap
        from lobtail.model.records import StampText

        if isinstance(items[0], Gap):
            print_status(f"lobtail: lines may be missing here: {items[0].reason}")
            return
        text = StampText(timestamps=self._wanted.timestamps, details=self._wanted.details)
        for stream, run in groupby(items, attrgetter("stream")):
            self._write(Frame(stream, text.show(list(run))))

    def set_live(self, live: bool = True) -> None:
        """Do nothing: there are no others."""

    def _write(self, frame: Frame) -> None:
        (self._err if frame.stream is Stream.STDERR else self._out).write(frame.payload)

    # --- from files ---------------------------------------------------------------------------

    async def _open(self, engine: EngineClient, container: Container) -> LogFiles | None:
        """Open the log files of a container, if they are to be read."""
        from lobtail.sources.opening import open_files

        name = container.name.removeprefix("/")
        try:
            files = await open_files(engine, container)
        except LogFileError as exc:
            if self._wanted.source == "files":
                raise LogFileError(f"`source` files: {exc}") from exc
            self._tell(f"{name}: from the API: {exc}")
            return None
        self._tell(f"{name}: from its files: {files.paths[-1]}")
        return files

    def _tell(self, words: str) -> None:
        if self._wanted.verbose:
            print_status(f"lobtail: {words}")

    def _copy_files_safely(self, files: LogFiles, hold: Callable[[], object] | None = None) -> bool:
        """Show what files hold; return False if they broke and the API is to go on."""
        try:
            self._copy_files(files, hold)
        except (LogFileError, OSError) as exc:
            self._give_up_files(exc)
            return False
        return True

    def _give_up_files(self, error: Exception) -> None:
        """Say that the API goes on, unless files were insisted on."""
        if self._wanted.source == "files":
            raise error if isinstance(error, LogFileError) else LogFileError(str(error)) from error
        self._tell(f"the API goes on, for the files cannot be read: {error}")

    def _copy_files(self, files: LogFiles, hold: Callable[[], object] | None = None) -> None:
        """Show what files hold; call ``hold`` in between, to hold what is rotated meanwhile."""
        from lobtail.files import Damage

        wanted, written = self._wanted, self._written
        for item in files.runs(
            since=wanted.since,
            until=wanted.until,
            tail=tail_count(wanted.tail),
            timestamps=wanted.timestamps,
            details=wanted.details,
        ):
            if isinstance(item, Damage):
                print_status(f"lobtail: lines may be missing here: {item.words}")
                continue
            for frame in item:
                self._write(frame)
                written[frame.stream] += len(frame.payload)
            if hold is not None:
                hold()


def _without(frame: Frame, left: dict[Stream, int]) -> Frame:
    """Return what of a frame was not written yet."""
    size = min(left[frame.stream], len(frame.payload))
    left[frame.stream] -= size
    return Frame(frame.stream, frame.payload[size:])

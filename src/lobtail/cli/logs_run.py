"""Run ``lobtail logs``: the history from files or from the API, then what is live, joined to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lobtail.cli.output import Output, narrate
from lobtail.core.frames import Frame, Stream
from lobtail.engine.logs import nanoseconds, tail_count
from lobtail.engine.pace import Pace
from lobtail.errors import ConfigError, EngineError, LogFileError

if TYPE_CHECKING:
    from lobtail.core.resume import Memory
    from lobtail.engine.blocking import BlockingClient
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import LogStream
    from lobtail.engine.models import Container
    from lobtail.files import FileWatch, LogFiles
    from lobtail.reading.source import Opened, Source

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
        self._began_ns = time.time_ns()
        # How many bytes each has got from files, should the API have to go on.
        self._written = dict.fromkeys(Stream, 0)

    @cached_property
    def _memory(self) -> Memory:
        """What a live stream is joined by."""
        from lobtail.core.resume import Memory

        return Memory()

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
        files, container = None, None
        if wanted.source != "api":
            files, container = await self._open(engine, name)
        if files is None:
            if wanted.verbose and wanted.source == "api":
                narrate(f"lobtail: {name}: from the API, as --source says")
            if wanted.follow:
                await self._follow_api(engine, container or await engine.inspect(name))
            else:
                await self._copy(self._stream(engine, container or name, follow=False))
            return
        if not wanted.follow:
            with files:
                whole = self._copy_files_safely(files)
            if not whole:
                again = self._stream(engine, container or name, follow=False)
                await self._copy(again, skip=True)
            return
        assert container is not None
        if container.log_rotates:
            await self._follow_files(engine, container, files)
        else:
            await self._follow(engine, container, files)

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

    def _stream(
        self, engine: EngineClient, container: str | Container, *, follow: bool
    ) -> LogStream:
        wanted = self._wanted
        return engine.logs(
            container,
            follow=follow,
            tail=wanted.tail,
            since=wanted.since,
            until=wanted.until,
            timestamps=wanted.timestamps,
            details=wanted.details,
        )

    async def _copy(self, stream: LogStream, *, skip: bool = False) -> None:
        left = dict(self._written) if skip else {}
        pace = Pace()
        async with stream:
            async for frames in stream.runs():
                size = 0
                for frame in frames:
                    size += len(frame.payload)
                    if any(left.values()):
                        frame = _without(frame, left)
                    self._write(frame)
                pace.rest(size)

    async def _follow(self, engine: EngineClient, container: Container, files: LogFiles) -> None:
        """Show what files hold and follow the log from there on (docs/decisions/009)."""
        from lobtail.reading.from_files import remember

        memory = self._memory
        watch = files.watch()
        with files:
            remember(files, memory, details=self._wanted.details)
            # Opened before anything is shown: what the reader then does to the container, such as
            # to remove it, must not come between.
            live = self._live(engine, container, memory)
            await live.__aenter__()
            whole = self._copy_files_safely(files)
        if not whole:
            live.close()
            await self._copy(self._stream(engine, container, follow=True), skip=True)
            return
        try:
            await self._join_and_watch(live, engine, container, watch)
        except EngineError as exc:
            if exc.status not in (404, 409):  # it is gone, and its log with it
                raise

    async def _follow_api(self, engine: EngineClient, container: Container) -> None:
        """Show the log from the API, and follow it there."""
        if container.log_driver not in ("json-file", "local") or await engine.is_podman():
            await self._copy(self._stream(engine, container, follow=True))
            return
        wanted = self._wanted
        stream = engine.logs(
            container,
            follow=True,
            tail=wanted.tail,
            since=wanted.since,
            until=wanted.until,
            timestamps=True,
            details=wanted.details,
        )
        await self._join_and_watch(stream, engine, container, None)

    async def _join_and_watch(
        self,
        stream: LogStream,
        engine: EngineClient,
        container: Container,
        file: FileWatch | None,
    ) -> None:
        """Show what a live stream brings; where the log is truncated, read it otherwise."""
        from lobtail.reading.truncated import TruncationWatch

        details = self._wanted.details
        watch = TruncationWatch(engine, container, self._memory, details=details, file=file)
        async with watch.over(stream) as deaf:
            await self._join(stream, self._memory)
        if not deaf:
            return
        await self.gap(*deaf)
        files, _ = await self._open(engine, container.id)
        if files is None:
            await self._poll(engine, container)
        else:
            await self._follow_files(engine, container, files, joined=True)

    async def _poll(self, engine: EngineClient, container: Container) -> None:
        """Show what a log has got, again and again, to the end of the run."""
        import asyncio

        from lobtail.reading.intake import messages_in, younger
        from lobtail.reading.truncated import pause_after

        wanted, memory = self._wanted, self._memory
        bell = engine.logs(container, follow=True, tail=0, until=wanted.until)
        ending = asyncio.create_task(_ended(bell))
        try:
            last = False
            while not last:
                last, began = ending.done(), time.monotonic()
                since = memory.since_ns
                if since is None:
                    since = self._began_ns if wanted.since is None else wanted.since
                overlap = memory.overlap()
                async with engine.logs(
                    container,
                    since=since,
                    until=wanted.until,
                    timestamps=True,
                    details=wanted.details,
                ) as stream:
                    async for messages in messages_in(stream):
                        fresh = messages if overlap is None else overlap.filter(messages)
                        await self.receive(younger(fresh, wanted.since))
                    if overlap is not None:
                        await self.receive(younger(overlap.finish(), wanted.since))
                await asyncio.wait({ending}, timeout=pause_after(time.monotonic() - began))
            ending.result()
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def _follow_files(
        self,
        engine: EngineClient,
        container: Container,
        files: LogFiles,
        *,
        joined: bool = False,
    ) -> None:
        """Show what files hold, and what is written to them from then on, to the run's end.

        ``joined`` leaves out what was shown already.
        """
        from lobtail.reading.from_files_live import FileLive

        wanted = self._wanted

        async def ring() -> LogStream:
            stream = engine.logs(container, follow=True, tail=0, until=wanted.until)
            return await stream.__aenter__()

        with files:
            live = FileLive(files.tail(details=wanted.details), self, ring=ring, until=wanted.until)
            if joined:
                whole = await self._copy_new(files)
            else:
                whole = self._copy_files_safely(files, live.hold)
        try:
            if not whole:
                await self._copy(self._stream(engine, container, follow=True), skip=True)
                return
            try:
                await live.follow()
            except (LogFileError, OSError) as exc:
                self._give_up_files(exc)
                await self._join(self._live(engine, container, self._memory), self._memory)
        except EngineError as exc:
            if exc.status not in (404, 409):  # it is gone, and its log with it
                raise
        finally:
            live.close()

    async def _copy_new(self, files: LogFiles) -> bool:
        """Show what of files was not shown yet; return False if they broke."""
        from lobtail.files import Damage
        from lobtail.reading.from_files import new_in_files
        from lobtail.reading.intake import younger

        wanted = self._wanted
        since = self._began_ns if wanted.since is None else wanted.since
        try:
            for item in new_in_files(files, self._memory, since, details=wanted.details):
                if isinstance(item, Damage):
                    await self.gap(item.words)
                else:
                    await self.receive(younger(item, wanted.since))
        except (LogFileError, OSError) as exc:
            self._give_up_files(exc)
            return False
        return True

    async def receive(self, messages: list[Frame]) -> None:
        """Show messages that were read while they were written."""
        if not messages:
            return
        from lobtail.core.resume import stamp_of

        self._write_messages(messages)
        newest = max((stamp_of(message) or 0 for message in messages[-2:]), default=0)
        self._memory.add(messages, max(newest, self._memory.newest_ns or 0) or None)

    async def gap(self, reason: str) -> None:
        """Say that lines may be missing here."""
        narrate(f"lobtail: lines may be missing here: {reason}")

    def expect_silence(self) -> None:
        """Do nothing: an unterminated text is shown as it is."""

    def _live(self, engine: EngineClient, container: Container, memory: Memory) -> LogStream:
        wanted = self._wanted
        times = [time for time in (memory.since_ns, wanted.since) if time is not None]
        return engine.logs(
            container,
            follow=True,
            since=max(times, default=None),
            until=wanted.until,
            timestamps=True,
            details=wanted.details,
        )

    async def _join(self, stream: LogStream, memory: Memory) -> None:
        from lobtail.reading.intake import messages_in

        since, newest = self._wanted.since, memory.newest_ns
        # What is known is older than all that comes.
        apart = since is not None and newest is not None and newest < since
        overlap = None if apart else memory.overlap()
        told = False
        async with stream:
            async for messages in messages_in(stream):
                fresh = messages if overlap is None else overlap.filter(messages)
                if overlap is not None and overlap.gap and not told:
                    told = True
                    narrate("lobtail: lines may be missing here: the log was rotated meanwhile")
                await self.receive(fresh)
            if overlap is not None:
                await self.receive(overlap.finish())

    def _write_messages(self, messages: list[Frame]) -> None:
        for stream, run in groupby(messages, attrgetter("stream")):
            texts = [message.payload for message in run]
            if not self._wanted.timestamps:
                texts = [text[text.find(b" ") + 1 :] for text in texts]
            self._write(Frame(stream, b"".join(texts)))

    def _write(self, frame: Frame) -> None:
        (self._err if frame.stream is Stream.STDERR else self._out).write(frame.payload)

    # --- from files ---------------------------------------------------------------------------

    async def _open(self, engine: EngineClient, name: str) -> tuple[LogFiles | None, Container]:
        """Inspect a container, and open its log files if they are to be read."""
        from lobtail.reading.source import open_source

        container = await engine.inspect(name)
        opened = await open_source(engine, container, self._wanted.source)
        self._tell(name, opened)
        return opened.files, container

    def _tell(self, name: str, opened: Opened) -> None:
        if self._wanted.verbose:
            which = "from its files" if opened.files else "from the API"
            narrate(f"lobtail: {name}: {which}: {opened.why}")

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
        if self._wanted.verbose:
            narrate(f"lobtail: the API goes on, for the files cannot be read: {error}")

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
                narrate(f"lobtail: lines may be missing here: {item.words}")
                continue
            for frame in item:
                self._write(frame)
                written[frame.stream] += len(frame.payload)
            if hold is not None:
                hold()


async def _ended(stream: LogStream) -> None:
    """Wait for the end of a stream, whatever it brings."""
    async with stream:
        async for _ in stream.runs():
            pass


def _without(frame: Frame, left: dict[Stream, int]) -> Frame:
    """Return what of a frame was not written yet."""
    size = min(left[frame.stream], len(frame.payload))
    left[frame.stream] -= size
    return Frame(frame.stream, frame.payload[size:])

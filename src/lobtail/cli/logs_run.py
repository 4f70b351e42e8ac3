"""Run ``lobtail logs``: the history from files or from the API, then what is live, joined to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lobtail.cli.output import Output, narrate
from lobtail.core.frames import Frame, Stream
from lobtail.engine.logs import nanoseconds
from lobtail.engine.pace import Pace
from lobtail.errors import ConfigError, LogFileError

if TYPE_CHECKING:
    from lobtail.core.resume import Memory
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import LogStream
    from lobtail.files import LogFiles
    from lobtail.reading.source import Source

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
    ) -> Wanted:
        """Check the options; ConfigError for a time that cannot be understood."""
        since_ns, until_ns = nanoseconds(since, "since"), nanoseconds(until, "until")
        return cls(follow, tail, timestamps, since_ns, until_ns, details, source, verbose)


class LogsRun:
    """Shows one log on stdout and stderr, byte for byte."""

    def __init__(self, wanted: Wanted, out: Output, err: Output) -> None:
        self._wanted = wanted
        self._out = out
        self._err = err
        # How many bytes each has got from files, should the API have to go on.
        self._written = {Stream.STDOUT: 0, Stream.STDERR: 0}

    async def show(self, engine: EngineClient, name: str) -> None:
        """Show the log of a container."""
        wanted = self._wanted
        async with engine:
            files = None if wanted.source == "api" else await self._open(engine, name)
            if files is None:
                if wanted.verbose and wanted.source == "api":
                    narrate(f"lobtail: {name}: from the API, as --source says")
                await self._copy(self._stream(engine, name, follow=wanted.follow))
                return
            with files:
                memory = await self._from_files(files)
            if memory is None:  # the files could not be read to their end
                await self._copy(self._stream(engine, name, follow=wanted.follow), skip=True)
            elif wanted.follow:
                await self._join(engine, name, memory)

    def show_file(self, path: str) -> None:
        """Show a log file, without an engine."""
        from lobtail.files import open_log

        if self._wanted.follow:
            raise ConfigError("--follow needs an engine; --file reads a log to its end")
        with open_log(Path(path)) as files:
            self._copy_files(files)

    # --- from the API -------------------------------------------------------------------------

    def _stream(self, engine: EngineClient, name: str, *, follow: bool) -> LogStream:
        wanted = self._wanted
        return engine.logs(
            name,
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

    async def _join(self, engine: EngineClient, name: str, memory: Memory) -> None:
        """Follow the log from the end of its files on (docs/decisions/009)."""
        from lobtail.reading.intake import messages_of

        wanted = self._wanted
        since = memory.since_ns
        stream = engine.logs(
            name,
            follow=True,
            tail="all",
            since=wanted.since if since is None else since,
            until=wanted.until,
            timestamps=True,
            details=wanted.details,
        )
        overlap = memory.overlap()
        told = False
        async with stream:
            async for frames in stream:
                messages = messages_of(stream, frames)
                if overlap is not None:
                    messages = overlap.filter(messages)
                    if overlap.gap and not told:
                        told = True
                        narrate("lobtail: lines may be missing here: the log was rotated meanwhile")
                self._write_messages(messages)
            if overlap is not None:
                self._write_messages(overlap.finish())

    def _write_messages(self, messages: list[Frame]) -> None:
        for message in messages:
            payload = message.payload
            if not self._wanted.timestamps:
                payload = payload[payload.find(b" ") + 1 :]
            self._write(Frame(message.stream, payload))

    def _write(self, frame: Frame) -> None:
        (self._err if frame.stream is Stream.STDERR else self._out).write(frame.payload)

    # --- from files ---------------------------------------------------------------------------

    async def _open(self, engine: EngineClient, name: str) -> LogFiles | None:
        from lobtail.reading.source import open_source

        container = await engine.inspect(name)
        podman = (await engine.ping()).podman
        opened = await open_source(engine, container, self._wanted.source, podman=podman)
        if self._wanted.verbose:
            which = "from its files" if opened.files else "from the API"
            narrate(f"lobtail: {name}: {which}: {opened.why}")
        return opened.files

    async def _from_files(self, files: LogFiles) -> Memory | None:
        """Show what files hold; return what a live stream is joined by, None if they broke."""
        from lobtail.core.resume import Memory
        from lobtail.reading.from_files import remember

        wanted = self._wanted
        try:
            self._copy_files(files)
            memory = Memory()
            if wanted.follow:
                remember(files, memory, details=wanted.details)
        except (LogFileError, OSError) as exc:
            if wanted.source == "files":
                raise
            if wanted.verbose:
                narrate(f"lobtail: the API goes on, for the files cannot be read: {exc}")
            return None
        return memory

    def _copy_files(self, files: LogFiles) -> None:
        from lobtail.files import Damage
        from lobtail.reading.from_files import damage_words, tail_count

        wanted, written = self._wanted, self._written
        for item in files.runs(
            since=wanted.since,
            until=wanted.until,
            tail=tail_count(wanted.tail),
            timestamps=wanted.timestamps,
            details=wanted.details,
        ):
            if isinstance(item, Damage):
                narrate(f"lobtail: lines may be missing here: {damage_words(item)}")
                continue
            for frame in item:
                self._write(frame)
                written[frame.stream] += len(frame.payload)


def _without(frame: Frame, left: dict[Stream, int]) -> Frame:
    """Return what of a frame was not written yet."""
    size = min(left[frame.stream], len(frame.payload))
    left[frame.stream] -= size
    return Frame(frame.stream, frame.payload[size:])

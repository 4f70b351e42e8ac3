"""Follow a log to the end of its run as the engine keeps it: records rather than lines.

This is what ``docker logs -f`` shows. A connection that breaks is the end, and an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lobtail.errors import EngineError, LogFileError
from lobtail.files.records import Damage, MissingRecords
from lobtail.follow.intake import Clock, hear, younger
from lobtail.follow.joining import remember
from lobtail.follow.steps import Deliver, First, News, Open, OpenFiles, Read, Steps, Wait
from lobtail.follow.truncated import TruncationWatch, pause_after
from lobtail.model.items import ContainerRef, Gap
from lobtail.model.records import Record
from lobtail.model.resume import WINDOW_NS, Deduplicator, ResumeState
from lobtail.sources.base import LogRequest

if TYPE_CHECKING:
    from lobtail.sources.base import FileCheck, FileLog, RecordStream, Traits

__all__ = ["RawLog"]

ROTATED = "the log was rotated meanwhile"


class RawLog:
    """Hands on the records of one log, each once, and a ``Gap`` where some may be missing.

    ``wanted`` is what is shown of the log; ``files_serve`` says that its files may be read.
    """

    def __init__(
        self,
        ref: ContainerRef,
        wanted: LogRequest,
        traits: Traits,
        clock: Clock,
        *,
        files_serve: bool,
    ) -> None:
        self._ref = ref
        self._wanted = wanted
        self._traits = traits
        self._clock = clock
        self._files_serve = files_serve
        self._memory = ResumeState()
        self._began_ns = clock.engine_ns
        self._file: FileCheck | None = None

    def open_behind(self, files: FileLog) -> Steps[RecordStream]:
        """Open a stream that goes on behind what files hold, which is to be shown first."""
        self._file = files.check()
        yield from remember(files, self._memory)
        stream: RecordStream = yield Open(self._live)
        return stream

    def from_api(self) -> Steps[None]:
        """Show what is wanted of the log from the API, and follow it there."""
        stream: RecordStream = yield Open(self._wanted)
        yield from self.join(stream)

    def join(self, stream: RecordStream) -> Steps[None]:
        """Show what a live stream brings; where the log is truncated, read it otherwise."""
        watch = TruncationWatch(self._memory, self._clock, self._traits, self._file)
        try:
            deaf = yield from watch.over(stream, self._pump(stream))
        finally:
            stream.close()
        if not deaf:
            return
        yield from self._gap(deaf)
        try:
            if not self._files_serve:
                raise LogFileError("the API is to serve")
            files: FileLog = yield OpenFiles(True)
        except LogFileError:
            yield from self._poll()
        else:
            yield from self._go_on_in(files)

    def follow(self, files: FileLog) -> Steps[None]:
        """Show what is written to files from now on, to the end of the run."""
        stream = files.live(LogRequest(follow=True, until=self._wanted.until))
        try:
            yield from self._take(stream, None)
        except EngineError as exc:
            if exc.status not in (404, 409):  # it is gone, and its log with it
                raise

    def go_on_by_api(self) -> Steps[None]:
        """Go on behind what was shown of files."""
        stream: RecordStream = yield Open(self._live)
        yield from self.join(stream)

    @property
    def _live(self) -> LogRequest:
        times = [time for time in (self._memory.since_ns, self._wanted.since) if time is not None]
        return LogRequest(follow=True, since=max(times, default=None), until=self._wanted.until)

    def _pump(self, stream: RecordStream) -> Steps[None]:
        since, newest = self._wanted.since, self._memory.newest_ns
        # What is known is older than all that comes.
        apart = since is not None and newest is not None and newest < since
        overlap = None if apart else self._memory.overlap()
        yield from self._take(stream, overlap)

    def _go_on_in(self, files: FileLog) -> Steps[None]:
        """Show what of files was not shown yet, and follow them."""
        memory, wanted = self._memory, self._wanted
        newest, since = memory.newest_ns, wanted.since
        if newest is not None:
            since = newest - 2 * WINDOW_NS
        elif since is None:
            since = self._began_ns
        try:
            held = files.held(LogRequest(since=since))
            yield from self._take(held, memory.overlap(), wanted.since, rotates=False)
            files.close_held()
            yield from self.follow(files)
        finally:
            files.close()

    def _poll(self) -> Steps[None]:
        """Show what the log has got, again and again, to the end of the run."""
        ended: list[bool] = []
        yield First((self._poll_until(ended), self._await_end(ended)))

    def _poll_until(self, ended: list[bool]) -> Steps[None]:
        wanted, memory = self._wanted, self._memory
        last = False
        while not last:
            last, began = bool(ended), self._clock.seconds
            since = memory.since_ns
            if since is None:
                since = self._began_ns if wanted.since is None else wanted.since
            stream: RecordStream = yield Open(LogRequest(since=since, until=wanted.until))
            try:
                yield from self._take(stream, memory.overlap(), wanted.since, rotates=False)
            finally:
                stream.close()
            if not last:
                rest = pause_after(self._clock.seconds - began)
                yield from hear(self._clock, lambda: bool(ended), rest)

    def _await_end(self, ended: list[bool]) -> Steps[None]:
        """Note the end of a stream, whatever it brings."""
        bell: RecordStream = yield Open(LogRequest(follow=True, tail="0", until=self._wanted.until))
        try:
            while (yield Read(bell)) is not None:
                pass
        finally:
            bell.close()
        ended.append(True)
        yield News()
        while True:
            yield Wait()

    def _take(
        self,
        stream: RecordStream,
        overlap: Deduplicator | None,
        floor: int | None = None,
        *,
        rotates: bool = True,
    ) -> Steps[None]:
        """Show what a stream brings that was not shown before, and is not older than ``floor``."""
        told = not rotates
        while (batch := (yield Read(stream))) is not None:
            if isinstance(batch, Damage):
                yield from self._gap(batch.words)
            elif isinstance(batch, MissingRecords):
                yield from self._gap(batch.reason)
            elif isinstance(batch, list):
                fresh = batch if overlap is None else overlap.filter(batch)
                if overlap is not None and overlap.gap and not told:
                    told = True
                    yield from self._gap(ROTATED)
                yield from self._show(younger(fresh, floor))
        if overlap is not None:
            yield from self._show(younger(overlap.finish(), floor))

    def _show(self, messages: list[Record]) -> Steps[None]:
        if not messages:
            return
        newest = max((message.time_ns or 0 for message in messages[-2:]), default=0)
        self._memory.add(messages, max(newest, self._memory.newest_ns or 0) or None)
        yield Deliver(messages)

    def _gap(self, reason: str) -> Steps[None]:
        yield Deliver([Gap(self._ref, None, reason)])

"""Open the streams of one container's log: its history, live, and to catch up.

One class and one file: what is remembered, the files, a damaged place and a second look decide
together from where on, and how, each stream is asked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from lobtail.core.frames import Frame
from lobtail.core.model import ContainerRef, Gap
from lobtail.core.resume import LIMIT, WINDOW_NS, Overlap, RereadFilter, keys_of, stamp_of
from lobtail.engine.logs import tail_count
from lobtail.engine.pace import Pace
from lobtail.errors import EngineError, EngineStreamError, LogFileError
from lobtail.files import Damage, FileWatch, LogFiles
from lobtail.reading.from_files import FileHistory, new_in_files
from lobtail.reading.from_files_live import FileLive
from lobtail.reading.intake import (
    UNMET,
    FollowOptions,
    Intake,
    Sink,
    Split,
    messages_in,
    size_of,
    younger,
)
from lobtail.reading.podman_end import Rest, behind_lines, read_beginning
from lobtail.reading.poll import POLLED, Poller
from lobtail.reading.recheck import Recheck, recheck_of
from lobtail.reading.salvage import EndOfLog, end_of_log, read_behind_damage, take_unknown
from lobtail.reading.source import LATCHED_API, Tell, open_source
from lobtail.reading.truncated import LAST_LINE, TruncationWatch, pause_after
from lobtail.reading.turn import Turn
from lobtail.retry import CUTS, GIVE_UP, STAYED, Failures, back_off, retrying

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient
    from lobtail.engine.logs import FrameStream
    from lobtail.engine.models import Container

__all__ = ["LogReader"]

# Engines before 23.0 lose most of a log whose rotated files are compressed, in a follow stream and
# behind `since` (docs/decisions/020-old-compressed-logs.md).
WHOLE_API: Final = (1, 42)
# From 23.0 on a follow stream does not begin anew when its log is truncated
# (docs/decisions/044-truncated-logs.md).
DEAF_API: Final = (1, 42)

# Seconds of silence after which a history is given up that is not followed, and how many times
# longer where the engine searches for its beginning.
SILENCE: Final = 15.0
SEARCHING: Final = 4

DAMAGED: Final = "the engine cannot read the log at one place"


class LogReader:
    """Reads the log of one container into ``sink``, each message once.

    ``turn`` is taken to open a stream, and for a history. ``now`` is the engine's clock, in
    nanoseconds since the epoch. ``split`` is as for ``Intake``; where it is not asked,
    ``before_live`` is awaited before anything is handed on that came live. ``replays`` says that a
    follow stream may send again what it has sent. ``tell`` is told which source serves the history.
    """

    def __init__(
        self,
        engine: EngineClient,
        container: Container,
        ref: ContainerRef,
        options: FollowOptions,
        sink: Sink,
        *,
        turn: Turn,
        now: Callable[[], int],
        before_live: Callable[[int | None], Awaitable[None]],
        split: Split | None = None,
        podman: bool = False,
        replays: bool = False,
        tell: Tell | None = None,
    ) -> None:
        self._engine = engine
        self._container = container
        self._tell = tell
        self._options = options
        self._podman = podman
        self.turn = turn
        self._now = now
        self._before_live = before_live
        self._intake = Intake(
            container, ref, options, sink, podman=podman, replays=replays, split=split
        )
        self._memory = self._intake.memory
        self._opened_ns: int | None = None  # when a stream was first opened, by the engine's clock
        self._compressed = container.log_compressed and not podman
        self._poller = Poller(
            self._intake,
            self._open_end,
            floor=lambda: self._opened_ns if options.tail == "0" else options.since,
            kept=container.log_kept,
        )
        self._recheck = recheck_of(
            container, self._snapshot, self._intake.found, self._memory, podman=podman
        )
        self._handing_on = False
        self._in_files = False  # they are being read
        self._stream_now: FrameStream | None = None  # the one that was opened last
        self._heard = 0.0  # when something came last, or a stream began, by the loop's clock
        self._spoke = False  # whether anything came of the last read
        self._narrower = 0  # reads in a row that ended before they came to anything new
        self._proven = False  # the last read showed that nothing was missing when it ended
        self._brief = True  # the stream that is read on with was not missed for long
        self._begun = False  # the log was read, by the API or to the end of its files
        self._files: FileLive | None = None
        self._on_files = not podman and container.log_driver in ("json-file", "local")
        self._watch: TruncationWatch | None = None
        self._deaf = False  # no stream of this run can be followed: the log was truncated
        self._next_poll = 0.0  # when it may be read again then
        # Less than nothing: together with the number of messages received it gives how many of
        # them stand behind a place that cannot be read.
        self._behind: int | None = None
        self.read_ns: int | None = None
        """Since when, by the engine's clock, no read without follow was begun that came to its end;
        None before the first one."""
        self.whole_ns: int | None = None
        """When a log that does not grow any more was read to its end; None while it may grow."""

    @property
    def intake(self) -> Intake:
        """What is received."""
        return self._intake

    def close(self) -> None:
        """Stop what runs by itself: the timer of an unterminated line, a second look."""
        self._intake.close()
        if self._files is not None:
            self._files.close()
        if self._recheck is not None:
            self._recheck.close()

    @property
    def progress(self) -> tuple[int, int]:
        """What changes when the engine sends something."""
        stream = self._stream_now
        return self._memory.received, 0 if stream is None else stream.received

    @property
    def is_busy_here(self) -> bool:
        """Whether it waits for something else than the engine, or for nothing."""
        return self.turn.is_waiting or self._intake.is_handing_on or self._in_files

    @property
    def silence_limit(self) -> float | None:
        """After how many seconds of silence to give up a history; None for never."""
        if self._options.follow:
            return None
        # An engine reads a log from its beginning to find a moment.
        limit = min(self._engine.timeout, SILENCE)
        return limit if self._options.since is None else SEARCHING * limit

    # --- ways to read -------------------------------------------------------------------------

    async def history(self) -> None:
        """Read what the log holds."""
        began = self._now()
        await self._history()
        self.read_ns = began

    async def _history(self) -> None:
        async with self.turn:
            if await self._history_from_files():
                return
            count = tail_count(self._options.tail)
            if self._podman and count is not None and count <= LIMIT:
                ended = self._options.until is not None
                beginning = await read_beginning(
                    count, self._options.since, self._read_whole, ended=ended
                )
                self._intake.leave_out(beginning.left_out)
                await self._intake.receive(beginning.shown)
                if beginning.rest is not None:
                    await self._read_rest(beginning.rest)
                return
            if count == 0:
                return
            await self._attempt(follow=False)
            if count is not None and not self._memory.received and self._on_files:
                await self._find_end(count)
        # Before 23.0 an engine that cannot read on says that the log ends.
        if self._behind is None and self._options.until is None:
            await self.get_past_damage()

    async def _find_end(self, count: int) -> None:
        """Read a whole log of which the engine has found no last lines, for their sake.

        It is empty as a rule. But of one that was truncated engines find no end (044).
        """
        if self._options.since is not None or self._options.until is not None:
            return  # there may be none in that time

        async def read() -> deque[Frame]:
            last: deque[Frame] = deque(maxlen=min(count, LIMIT))
            stream = await self._open()
            try:
                async for batch in messages_in(stream):
                    last += batch
            finally:
                stream.close()
            return last

        found = await retrying(read, most=None if self._options.follow else GIVE_UP)
        await self._intake.receive(list(found))

    async def live(self, cut: Exception | None = None) -> None:
        """Follow the log until the engine ends the stream, cleanly.

        ``cut`` is why an earlier stream ended, if this one goes on with it.
        """
        self.whole_ns = None
        await self._live(cut)
        self.whole_ns = self._now()

    async def _live(self, cut: Exception | None) -> None:
        if self._files is not None:
            try:
                await self._files.follow()
            except (LogFileError, OSError) as exc:
                self._leave_files(exc)
            except EngineError:
                self.whole_ns = self._now()  # files that are held open outlive their container
                raise
            else:
                return
        if self._recheck is not None and not self._recheck.begun:
            await self._begin_rechecks(self._recheck)
        if self._watch is None and self._on_files:
            self._watch = self._watch_over(None)
        await self._attempt(follow=True, cut=cut)
        if self._deaf and await self._go_on_in_files():
            await self._live(None)

    @property
    def busy(self) -> bool:
        """Whether there is more to be handed on of what is there already."""
        if self._handing_on:
            return True
        return self._files is not None and self._files.busy

    async def must_poll(self) -> bool:
        """Whether the engine can only be asked again and again: its follow streams lose lines."""
        if self._files is not None:
            return False
        if self._deaf:
            return True
        if not self._compressed:
            return False
        return await self._engine.api_version() < WHOLE_API

    async def poll(self) -> bool:
        """Read what is new in a log that cannot be followed; return whether there was something."""
        began, self.whole_ns = self._now(), None
        found = await self._poll(None)
        self.read_ns = began
        return found

    async def _poll(self, until: int | None) -> bool:
        if not self._deaf:
            return await self._poller.poll(until)
        received, clock = self._memory.received, asyncio.get_running_loop().time
        await asyncio.sleep(max(self._next_poll - clock(), 0))
        began = clock()
        await self._attempt(follow=False, until=until)
        self._next_poll = clock() + pause_after(clock() - began)
        return self._memory.received != received

    async def catch_up(self, until: int | None) -> None:
        """Read once more, without follow, what a follow stream may have missed."""
        await self._catch_up(until)
        self.whole_ns = self._now()

    async def _catch_up(self, until: int | None) -> None:
        if self._files is not None:
            try:
                await self._files.read()
            except (LogFileError, OSError) as exc:
                self._leave_files(exc)
            else:
                return
        if await self.must_poll():
            await self._poll(until)
            self._deaf = False  # the log of the next run is read from its end on
            return
        if self._recheck is not None and self._recheck.begun:
            await self._recheck.look()
        await self._attempt(follow=False, until=until)

    async def get_past_damage(self, *, stuck: bool = False) -> bool:
        """Read what stands behind a place that the engine cannot read, if there is one.

        ``stuck`` says that streams bring nothing new any more.
        """
        if not self._on_files:
            return False
        try:
            found = await read_behind_damage(
                self._look_at_end, self._memory, self._opened_ns or 0, stuck=stuck
            )
        except TimeoutError:
            return False
        if found is None:
            return False
        self._behind = -self._memory.received
        known = self._memory.counts()
        await self._intake.gap(DAMAGED)
        await self._intake.receive(found.messages)
        if found.rest:
            known.update(keys_of(found.messages))
            await self._read_end_again(found.rest, known)
        return True

    async def _read_end_again(self, count: int, known: Counter[int]) -> None:
        """Hand on what is not known of the last ``count`` messages, as they come."""

        async def read() -> None:
            left = known.copy()
            stream = await self._open(tail=str(count))
            try:
                async for batch in messages_in(stream):
                    fresh = take_unknown(younger(batch, self._options.since), left)
                    known.update(keys_of(fresh))
                    await self._intake.receive(fresh)
            except EngineStreamError:
                pass  # it comes behind all that can be read
            finally:
                stream.close()

        await retrying(read, most=None if self._options.follow else GIVE_UP)

    async def _read_rest(self, rest: Rest) -> None:
        """Hand on what Podman has from a moment on, but for so many lines."""
        intake, shown = self._intake, False

        async def read() -> None:
            nonlocal shown
            self._memory.restart()
            left = rest.left_out
            stream = await self._open(since=rest.since)
            try:
                async for batch in messages_in(stream):
                    first = behind_lines(batch, left)
                    left -= sum(message.payload[-1:] == b"\n" for message in batch[:first])
                    intake.leave_out(batch[:first])
                    shown = shown or first < len(batch)
                    await intake.receive(batch[first:])
            finally:
                stream.close()

        try:
            await read()
        except CUTS:
            # What was left out is known then, so it is left out again.
            if shown:
                await self._attempt(follow=False)
            else:
                await self._read_rest(rest)

    async def _history_from_files(self) -> bool:
        """Read the history from the engine's files; return whether all of it came from there.

        If not, the API goes on behind the last message.
        """
        options = self._options
        opened = await retrying(
            lambda: open_source(self._engine, self._container, options.source),
            most=None if options.follow else GIVE_UP,
        )
        if self._tell is not None:
            which = "from its files" if opened.files else "from the API"
            self._tell(f"lobtail: {self._intake.ref.name}: history {which}: {opened.why}")
        if opened.files is None:
            return False
        self._opened_ns = self._now()
        try:
            with opened.files as files:
                if options.follow and self._container.log_rotates:
                    self._files = await self._follow_files(files)
                elif options.follow:
                    self._watch = self._watch_over(files.watch())
                hold = None if self._files is None else self._files.hold
                self._in_files = True
                await FileHistory(files, self._intake, options, hold).read()
        except (LogFileError, OSError) as exc:
            self._leave_files(exc)
            return False
        finally:
            self._in_files = False
        self._begun = True
        return True

    async def _follow_files(self, files: LogFiles) -> FileLive:
        """Follow rotated files themselves: a follow stream may lose what is in them."""
        since = self._options.since
        if since is not None and since <= self._now() and await self._is_latched():
            since = None  # what is written from now on is younger, whatever its stamp
        return FileLive(
            files.tail(details=self._options.details),
            self._intake,
            ring=lambda: self._open(follow=True, tail="0"),
            since=since,
            until=self._options.until,
        )

    async def _go_on_in_files(self) -> bool:
        """Read a truncated log in its file from here on; return whether that can be."""
        opened = await retrying(
            lambda: open_source(self._engine, self._container, self._options.source)
        )
        if opened.files is None:
            return False
        details, floor = self._options.details, self._options.since
        try:
            with opened.files as files:
                live = self._files = await self._follow_files(files)
                for item in new_in_files(files, self._memory, self._opened_ns, details=details):
                    if isinstance(item, Damage):
                        await self._intake.gap(item.words)
                    else:
                        await self._intake.receive(younger(item, floor))
                    live.hold()
                    await asyncio.sleep(0)
        except (LogFileError, OSError) as exc:
            self._leave_files(exc)
            return False
        self._deaf = False
        return True

    def _watch_over(self, file: FileWatch | None) -> TruncationWatch:
        return TruncationWatch(
            self._engine,
            self._container,
            self._memory,
            details=self._options.details,
            file=file,
        )

    def _leave_files(self, error: Exception) -> None:
        """Go on from the API, behind the last message; unless files were insisted on."""
        if self._options.source == "files":
            raise error if isinstance(error, LogFileError) else LogFileError(str(error)) from error
        if self._tell is not None:
            self._tell(f"lobtail: {self._intake.ref.name}: the API goes on: {error}")
        if self._files is not None:
            self._files.close()
            self._files = None

    async def _attempt(
        self, *, follow: bool, cut: Exception | None = None, until: int | None = None
    ) -> None:
        """Read a stream to its clean end, however often it is cut."""
        failures = 0
        pauses = Failures()
        clock = asyncio.get_running_loop().time
        while True:
            received, began = self._memory.received, clock()
            self._proven, self._brief = False, failures <= 1
            self._spoke = False
            pauses.answered()
            try:
                await self._read(follow=follow, cut=cut, until=until)
            except CUTS as exc:
                cut = exc
                # An engine that was asked in vain for long may still be busy with it.
                answered = follow or self._spoke or isinstance(exc, EngineStreamError)
                took = 0 if answered else clock() - began
            else:
                self._narrower = 0
                if isinstance(cut, EngineStreamError) and self._memory.received == received:
                    # Asked again, the engine takes a place that it cannot read for the log's end.
                    await self._intake.gap(str(cut))
                return
            found = self._memory.received != received
            if pauses.stayed and (found or self._proven):
                self._narrower = 0  # this one could have carried more
            # That a silent log is silent is an answer, too.
            proven = follow and self._proven and not isinstance(cut, EngineStreamError)
            failures = 1 if found or proven else failures + 1
            stuck = failures == 2 and isinstance(cut, EngineStreamError)
            if stuck and await self.get_past_damage(stuck=True) and not follow:
                return
            if failures >= GIVE_UP and not self._options.follow:
                raise cut
            if failures == GIVE_UP:
                await self._intake.gap(f"still trying: {cut}")
            streams = pauses.failed(succeeded=found)
            await back_off(streams if follow else failures, took=took)

    # --- one stream ---------------------------------------------------------------------------

    async def _read(self, *, follow: bool, cut: Exception | None, until: int | None) -> None:
        memory, options = self._memory, self._options
        since, tail = memory.since(self._narrower, latched=await self._is_latched()), "all"
        if since is None:
            # Nothing was received yet. What was asked to be left out at first stays left out.
            since, tail = options.since, options.tail if not self._begun else "all"
            if options.tail == "0" and self._begun and self._opened_ns is not None:
                since = self._before_step(self._opened_ns)
        else:
            since = since if self._narrower else self._before_step(since)
            since = max(since, options.since or since)  # what is older was left out
        floor = None
        if self._behind is not None:
            behind = self._behind + memory.received
            since, tail = None, str(min(behind, POLLED if follow else LIMIT))
        elif since is not None and await self.must_poll():
            since, floor = None, since
        stream = await self._open(follow=follow, tail=tail, since=since, until=until)
        overlap, received = memory.overlap(), memory.received
        self._heard = asyncio.get_running_loop().time()
        self._proven = overlap is None
        narrower, self._narrower = self._narrower, self._narrower + 1
        deaf: list[str] = []
        try:
            if not follow or self._watch is None:
                await self._pump(stream, overlap, cut, live=follow, floor=floor)
            else:
                async with self._watch.over(stream) as deaf:
                    await self._pump(stream, overlap, cut, live=True, floor=floor)
        finally:
            stream.close()
            self._proven = overlap is None or overlap.complete
            if self._proven and not narrower:
                memory.met()
            if memory.received != received:
                # A connection that ends so soon again comes no farther than from here.
                self._narrower = narrower
        if deaf:
            self._deaf = True
            await self._intake.finish(Gap(self._intake.ref, None, *deaf))

    async def _rereads(self) -> RereadFilter | None:
        """Return what leaves out what a follow stream sends again, where an engine may do so."""
        if self._on_files and await self._engine.api_version() < DEAF_API:
            return RereadFilter()
        return None

    async def _is_latched(self) -> bool:
        return self._on_files and await self._engine.api_version() >= LATCHED_API

    def _before_step(self, since: int) -> int:
        """Return a moment before ``since`` if the engine's clock was set back behind it.

        What is written then is stamped by the new time. That is known only of our own clock.
        """
        if self._engine.endpoint.kind != "unix":
            return since
        silent = asyncio.get_running_loop().time() - self._heard
        return min(since, self._now() - round(silent * 1e9) - WINDOW_NS)

    async def _open(
        self,
        *,
        follow: bool = False,
        tail: str = "all",
        since: int | None = None,
        until: int | None = None,
    ) -> FrameStream:
        stream = self._stream(
            follow=follow,
            tail=tail,
            since=since,
            until=self._options.until if until is None else until,
        )
        now = self._now()
        self._stream_now = stream
        async with self.turn:
            await stream.__aenter__()
        self._begun = True
        if self._opened_ns is None:
            self._opened_ns = now
        return stream

    def _stream(
        self, *, follow: bool, tail: str, since: int | None, until: int | None
    ) -> FrameStream:
        return self._engine.logs(
            self._container,
            follow=follow,
            tail=tail,
            since=since,
            until=until,
            timestamps=True,
            details=self._options.details,
        )

    def _messages(self, stream: FrameStream, *, live: bool) -> AsyncIterator[list[Frame]]:  # noqa: ARG002 - for others
        return messages_in(stream)

    async def _pump(
        self,
        stream: FrameStream,
        overlap: Overlap | None,
        cut: Exception | None,
        *,
        live: bool,
        floor: int | None,
    ) -> None:
        intake = self._intake
        pace = Pace()
        clock = asyncio.get_running_loop().time
        calm_since = clock() if overlap is None else None
        rereads = await self._rereads() if live else None
        async for batch in self._messages(stream, live=live):
            self._heard, self._spoke = clock(), True
            once = batch if rereads is None else rereads.filter(batch)
            async with intake.taking:
                messages = intake.new(younger(once, floor), overlap, live=live)
                if not messages:
                    if live:  # what is known already may end with an unterminated line
                        intake.expect_silence()
                    if overlap is not None and overlap.complete:
                        calm_since = self._heard
                    continue
                if overlap is not None and overlap.gap:
                    await self._tell_unmet()
                    overlap = None
                self._handing_on = True
                try:
                    if live and not intake.exact:
                        await self._check_runs(messages)
                    if cut is not None:
                        await intake.ready(messages)
                        calm = calm_since is not None and self._heard - calm_since > STAYED
                        # Where nothing was written meanwhile there is nothing to tell.
                        if not (calm and self._brief):
                            await intake.resumed(str(cut))
                        cut = None
                    await intake.receive(messages)
                finally:
                    self._handing_on = False
            if not live:
                pace.rest(size_of(batch))
                continue
            if self._recheck is not None:
                self._recheck.received(size_of(messages))
            intake.expect_silence()
        if overlap is not None and (held := overlap.finish()):
            await self._tell_unmet()
            await intake.receive(held)

    async def _tell_unmet(self) -> None:
        if not self._deaf:  # that was told, with the reason
            await self._intake.gap(UNMET)

    async def _check_runs(self, messages: list[Frame]) -> None:
        newest = stamp_of(messages[-1])
        # Stamps of whole seconds may be of anything within the second.
        cut_off = 10**9 if self._memory.whole_seconds else 0
        await self._before_live(None if newest is None else newest + cut_off)

    async def _open_end(self, count: int | None, until: int | None) -> FrameStream:
        return await self._open(tail="all" if count is None else str(count), until=until)

    async def _read_end(self, count: int) -> EndOfLog:
        """Read the last ``count`` messages, however often the connection breaks."""
        return await self._read_whole(str(count), floor=self._options.since)

    async def _look_at_end(self, count: int) -> EndOfLog:
        """Read the last ``count`` messages; TimeoutError if not even one comes.

        Docker from 23.0 on may never answer for a log that was emptied.
        """
        async with asyncio.timeout(min(self._engine.timeout, LAST_LINE) if count == 1 else None):
            return await self._read_end(count)

    async def _read_whole(
        self, tail: str, since: int | None = None, floor: int | None = None
    ) -> EndOfLog:
        """Read a stream without follow, however often the connection breaks."""

        async def read() -> EndOfLog:
            stream = await self._open(tail=tail, since=since)
            return await end_of_log(stream, floor, self._memory.counts())

        return await retrying(read, most=None if self._options.follow else GIVE_UP)

    # --- second looks ---------------------------------------------------------------------------

    async def _begin_rechecks(self, recheck: Recheck) -> None:
        """Say from where on the log will be looked at again: what was there before."""
        proven = self._memory.newest_ns
        if proven is None and self._options.tail == "0":
            proven = (await self._read_end(1)).newest_ns or None
        recheck.begin(proven)

    async def _snapshot(self, since: int | None, count: int | None) -> FrameStream:
        floor = self._options.since
        if since is None and (count is not None or self._options.tail == "all"):
            since = floor
        elif since is not None and floor is not None:
            since = max(since, floor)
        return await self._open(since=since, tail="all" if count is None else str(count))

"""Open the streams of one container's log: its history, live, and to catch up.

One class and one file: what is remembered, the files, a damaged place and a second look decide
together from where on, and how, each stream is asked for.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from lobtail.engine.streams.logs import tail_count
from lobtail.errors import EngineError, EngineStreamError, LogFileError
from lobtail.files.records import Damage, MissingRecords
from lobtail.follow.again import retrying
from lobtail.follow.ends import LogEnds
from lobtail.follow.intake import UNMET, younger
from lobtail.follow.joining import remember
from lobtail.follow.opening import LogStreams
from lobtail.follow.podman_tail import Rest, behind_lines, read_beginning
from lobtail.follow.poll import POLLED, Poller
from lobtail.follow.recheck import Recheck, recheck_of
from lobtail.follow.skip_damage import read_behind_damage, take_unknown
from lobtail.follow.steps import (
    BackOff,
    First,
    InSlot,
    OpenFiles,
    Pause,
    Read,
    Steps,
    Tell,
)
from lobtail.follow.truncated import TruncationWatch, pause_after
from lobtail.model.items import Gap
from lobtail.model.records import Record, wire_size
from lobtail.model.resume import LIMIT, WINDOW_NS, Deduplicator, keys_of
from lobtail.retry import CUTS, GIVE_UP, STAYED, Failures
from lobtail.sources.base import LogRequest, Traits

if TYPE_CHECKING:
    from lobtail.follow.intake import Clock, Intake
    from lobtail.follow.options import FollowOptions
    from lobtail.follow.watching import RunWatch
    from lobtail.sources.base import FileCheck, FileLog, RecordStream

__all__ = ["LogReader"]

# Seconds of silence after which a history is given up that is not followed, and how many times
# longer where the engine searches for its beginning.
SILENCE: Final = 15.0
SEARCHING: Final = 4

DAMAGED: Final = "the engine cannot read the log at one place"


class LogReader:
    """Reads the log of one container into ``intake``, each message once.

    ``runs`` keeps up with the container's runs; None where it has only one.
    """

    def __init__(
        self,
        intake: Intake,
        options: FollowOptions,
        traits: Traits,
        clock: Clock,
        runs: RunWatch | None = None,
    ) -> None:
        self.intake = intake
        """What is received."""
        self._memory = intake.memory
        self._options = options
        self._traits = traits
        self._clock = clock
        self._runs = runs
        self._most = None if options.follow else GIVE_UP  # cuts in a row that are borne
        self._streams = LogStreams(clock)
        self._poller = Poller(intake, self._streams, kept=traits.kept)
        self._ends = LogEnds(self._memory, self._streams, options, traits)
        self._recheck: Recheck | None = recheck_of(traits, intake, self._streams, options, clock)
        self._in_files = False  # they are being read
        self._heard = 0.0  # when something came last, or a stream began
        self._spoke = False  # whether anything came of the last read
        self._narrower = 0  # reads in a row that ended before they came to anything new
        self._proven = False  # the last read showed that nothing was missing when it ended
        self._brief = True  # the stream that is read on with was not missed for long
        self._files: FileLog | None = None  # that are followed themselves
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

    def close(self) -> None:
        """Close the files."""
        if self._files is not None:
            self._files.close()

    def begins_ns(self, waiting_ns: int | None) -> int | None:
        """Return from when on the log is to be read by one who has taken nothing of it.

        None as long as that is what was asked for. ``waiting_ns`` is the time of the first item on
        its way to him, if there is one.
        """
        if self._options.tail == "all":
            return self._options.since
        if waiting_ns is not None:
            return waiting_ns
        # What was not asked for is older, and what was is on its way.
        return None if self.read_ns is None else self._streams.first_ns

    @property
    def progress(self) -> tuple[int, int]:
        """What changes when the engine sends something."""
        return self._memory.received, self._streams.received

    @property
    def is_busy_here(self) -> bool:
        """Whether it waits for something else than the engine, or for nothing."""
        return self.intake.is_handing_on or self._in_files

    @property
    def silence_limit(self) -> float | None:
        """After how many seconds of silence to give up a history; None for never."""
        if self._options.follow:
            return None
        # An engine reads a log from its beginning to find a moment.
        limit = min(self._traits.timeout, SILENCE)
        return limit if self._options.since is None else SEARCHING * limit

    # --- ways to read -------------------------------------------------------------------------

    def history(self) -> Steps[None]:
        """Read what the log holds."""
        began = self._clock.engine_ns
        from_api = yield InSlot(self._history())
        # Before 23.0 an engine that cannot read on says that the log ends.
        if from_api and self._behind is None and self._options.until is None:
            yield from self.get_past_damage()
        self.read_ns = began

    def _history(self) -> Steps[bool]:
        """Read what the log holds; return whether the engine has read it to its end."""
        options, traits = self._options, self._traits
        if (yield from self._history_from_files()):
            return False
        count = tail_count(options.tail)
        if traits.podman and count is not None and count <= LIMIT:
            beginning = yield from read_beginning(
                count, options.since, self._ends, ended=options.until is not None
            )
            self.intake.leave_out(beginning.left_out)
            yield from self.intake.receive(beginning.shown)
            if beginning.rest is not None:
                yield from self._read_rest(beginning.rest)
            return False
        if count == 0:
            return False
        yield from self._attempt(follow=False)
        if count is not None and not self._memory.received and traits.on_files:
            yield from self._find_end(count)
        return True

    def _find_end(self, count: int) -> Steps[None]:
        """Read a whole log of which the engine has found no last lines, for their sake.

        It is empty as a rule. But of one that was truncated engines find no end (044).
        """
        if self._options.since is not None or self._options.until is not None:
            return  # there may be none in that time

        def read() -> Steps[deque[Record]]:
            last: deque[Record] = deque(maxlen=min(count, LIMIT))
            stream = yield from self._streams.open(LogRequest())
            try:
                while (batch := (yield Read(stream))) is not None:
                    last += batch
            finally:
                stream.close()
            return last

        found = yield from retrying(read, most=self._most)
        yield from self.intake.receive(list(found))

    def live(self, cut: Exception | None = None) -> Steps[None]:
        """Follow the log until the engine ends the stream, cleanly.

        ``cut`` is why an earlier stream ended, if this one goes on with it.
        """
        self.whole_ns = None
        beside = [self.intake.heed_silence()]
        if self._recheck is not None:
            beside.append(self._recheck.watch())
        if self._runs is not None:
            beside.append(self._runs.watch())
        yield First((self._live(cut), *beside))
        self.whole_ns = self._clock.engine_ns

    def _live(self, cut: Exception | None) -> Steps[None]:
        if self._files is not None:
            try:
                yield from self.intake.take(self._files.live(self._in_time), live=True)
            except (LogFileError, OSError) as exc:
                yield from self._leave_files(exc)
            except EngineError:
                # Files that are held open outlive their container.
                self.whole_ns = self._clock.engine_ns
                raise
            else:
                return
        if self._recheck is not None and not self._recheck.begun:
            yield from self._begin_rechecks(self._recheck)
        if self._watch is None and self._traits.on_files:
            self._watch = self._watch_over(None)
        yield from self._attempt(follow=True, cut=cut)
        if self._deaf and (yield from self._go_on_in_files()):
            yield from self._live(None)

    @property
    def must_poll(self) -> bool:
        """Whether the engine can only be asked again and again: its follow streams lose lines."""
        return self._files is None and (self._deaf or self._traits.must_poll)

    def poll(self) -> Steps[bool]:
        """Read what is new in a log that cannot be followed; return whether there was something."""
        began, self.whole_ns = self._clock.engine_ns, None
        found = yield from self._poll(None)
        self.read_ns = began
        return found

    def _poll(self, until: int | None) -> Steps[bool]:
        options = self._options
        if not self._deaf:
            self._streams.note_first(self._clock.engine_ns)
            floor = self._streams.first_ns if options.tail == "0" else options.since
            until = options.until if until is None else until
            return (yield from self._poller.poll(until, floor))
        received = self._memory.received
        yield Pause(max(self._next_poll - self._clock.seconds, 0))
        began = self._clock.seconds
        yield from self._attempt(follow=False, until=until)
        self._next_poll = self._clock.seconds + pause_after(self._clock.seconds - began)
        return self._memory.received != received

    def catch_up(self, until: int | None) -> Steps[None]:
        """Read once more, without follow, what a follow stream may have missed."""
        yield from self._catch_up(until)
        self.whole_ns = self._clock.engine_ns

    def _catch_up(self, until: int | None) -> Steps[None]:
        if self._files is not None:
            try:
                yield from self.intake.take(self._files.rest(self._in_time))
            except (LogFileError, OSError) as exc:
                yield from self._leave_files(exc)
            else:
                return
        if self.must_poll:
            yield from self._poll(until)
            self._deaf = False  # the log of the next run is read from its end on
            return
        if self._recheck is not None and self._recheck.begun:
            yield from self._recheck.look()
        yield from self._attempt(follow=False, until=until)

    # --- places that cannot be read -------------------------------------------------------------

    def get_past_damage(self, *, stuck: bool = False) -> Steps[bool]:
        """Read what stands behind a place that the engine cannot read, if there is one.

        ``stuck`` says that streams bring nothing new any more.
        """
        if not self._traits.on_files:
            return False
        try:
            found = yield from read_behind_damage(
                self._ends, self._memory, self._streams.first_ns or 0, stuck=stuck
            )
        except TimeoutError:
            return False
        if found is None:
            return False
        self._behind = -self._memory.received
        known = self._memory.counts()
        yield from self.intake.gap(DAMAGED)
        yield from self.intake.receive(found.messages)
        if found.rest:
            known.update(keys_of(found.messages))
            yield from self._read_end_again(found.rest, known)
        if found.at_end:  # what comes next stands behind that
            self._behind = -self._memory.received
        return True

    def _read_end_again(self, count: int, known: Counter[int]) -> Steps[None]:
        """Hand on what is not known of the last ``count`` messages, as they come."""

        def read() -> Steps[None]:
            left = known.copy()
            stream = yield from self._streams.open(LogRequest(tail=str(count)))
            try:
                while (batch := (yield Read(stream))) is not None:
                    fresh = take_unknown(younger(batch, self._options.since), left)
                    known.update(keys_of(fresh))
                    yield from self.intake.receive(fresh)
            except EngineStreamError:
                pass  # it comes behind all that can be read
            finally:
                stream.close()

        yield from retrying(read, most=self._most)

    def _read_rest(self, rest: Rest) -> Steps[None]:
        """Hand on what Podman has from a moment on, but for so many lines."""
        intake, shown = self.intake, False

        def read() -> Steps[None]:
            nonlocal shown
            self._memory.restart()
            left = rest.left_out
            stream = yield from self._streams.open(LogRequest(since=rest.since))
            try:
                while (batch := (yield Read(stream))) is not None:
                    first = behind_lines(batch, left)
                    left -= sum(not message.partial for message in batch[:first])
                    intake.leave_out(batch[:first])
                    shown = shown or first < len(batch)
                    yield from intake.receive(batch[first:])
            finally:
                stream.close()

        try:
            yield from read()
        except CUTS:
            # What was left out is known then, so it is left out again.
            if shown:
                yield from self._attempt(follow=False)
            else:
                yield from self._read_rest(rest)

    # --- files ----------------------------------------------------------------------------------

    def _history_from_files(self) -> Steps[bool]:
        """Read the history from the engine's files; return whether all of it came from there.

        If not, the API goes on behind the last message.
        """
        options, intake = self._options, self.intake
        follow = options.follow and self._traits.rotates
        files = yield from self._open_files(follow=follow)
        if files is None:
            return False
        self._streams.note_first(self._clock.engine_ns)
        if follow:
            self._files = files
        elif options.follow:
            self._watch = self._watch_over(files.check())
        try:
            self._in_files = True
            yield from self.intake.take(files.held(options.history))
            if options.follow and options.search is not None:
                # A search has left out most.
                intake.memory.restart()
                yield from remember(files, intake.memory)
        except (LogFileError, OSError) as exc:
            yield from self._leave_files(exc)
            return False
        finally:
            self._in_files = False
            files.close_held()
        self._streams.begun = True
        return True

    def _open_files(self, *, follow: bool) -> Steps[FileLog | None]:
        """Open the files of the log, if they are to be read; None if the API is to serve."""
        name, source = self.intake.ref.name, self._options.source
        if source == "api":
            yield Tell(f"{name}: history from the API: as `source` says")
            return None

        def ask() -> Steps[FileLog]:
            files: FileLog = yield OpenFiles(follow)
            return files

        try:
            files = yield from retrying(ask, most=self._most)
        except LogFileError as exc:
            if source == "files":
                raise LogFileError(f"`source` files: {exc}") from exc
            yield Tell(f"{name}: history from the API: {exc}")
            return None
        yield Tell(f"{name}: history from its files: {files.path}")
        return files

    def _go_on_in_files(self) -> Steps[bool]:
        """Read a truncated log in its file from here on; return whether that can be."""
        files = yield from self._open_files(follow=True)
        if files is None:
            return False
        memory, floor = self._memory, self._options.since
        self._files = files
        overlap, newest = memory.overlap(), memory.newest_ns
        since = self._streams.first_ns if newest is None else newest - 2 * WINDOW_NS
        held = files.held(LogRequest(since=since))
        try:
            while (batch := (yield Read(held))) is not None:
                if isinstance(batch, list):
                    fresh = batch if overlap is None else overlap.filter(batch)
                    yield from self.intake.receive(younger(fresh, floor))
                elif isinstance(batch, Damage):
                    yield from self.intake.gap(batch.words)
            if overlap is not None:
                yield from self.intake.receive(younger(overlap.finish(), floor))
        except (LogFileError, OSError) as exc:
            yield from self._leave_files(exc)
            return False
        finally:
            files.close_held()
        self._deaf = False
        return True

    @property
    def _in_time(self) -> LogRequest:
        """What is asked of files that are followed."""
        since = self._options.since
        if since is not None and since <= self._clock.engine_ns and self._traits.latched:
            since = None  # what is written from now on is younger, whatever its stamp
        return LogRequest(follow=True, since=since, until=self._options.until)

    def _watch_over(self, file: FileCheck | None) -> TruncationWatch:
        return TruncationWatch(self._memory, self._clock, self._traits, file)

    def _leave_files(self, error: Exception) -> Steps[None]:
        """Go on from the API, behind the last message; unless files were insisted on."""
        if self._options.source == "files":
            raise error if isinstance(error, LogFileError) else LogFileError(str(error)) from error
        yield Tell(f"{self.intake.ref.name}: the API goes on: {error}")
        if self._files is not None:
            self._files.close()
            self._files = None

    # --- streams of the API ---------------------------------------------------------------------

    def _attempt(
        self, *, follow: bool, cut: Exception | None = None, until: int | None = None
    ) -> Steps[None]:
        """Read a stream to its clean end, however often it is cut."""
        failures = 0
        pauses = Failures(self._clock.monotonic)
        while True:
            received, began = self._memory.received, self._clock.seconds
            self._proven, self._brief = False, failures <= 1
            self._spoke = False
            pauses.answered()
            try:
                yield from self._read(follow=follow, cut=cut, until=until)
            except CUTS as exc:
                cut = exc
                self._set_cut(True)
                # An engine that was asked in vain for long may still be busy with it.
                answered = follow or self._spoke or isinstance(exc, EngineStreamError)
                took = 0 if answered else self._clock.seconds - began
            else:
                self._narrower = 0
                if isinstance(cut, EngineStreamError) and self._memory.received == received:
                    # Asked again, the engine takes a place that it cannot read for the log's end.
                    yield from self.intake.gap(str(cut))
                return
            found = self._memory.received != received
            if pauses.stayed and (found or self._proven):
                self._narrower = 0  # this one could have carried more
            # That a silent log is silent is an answer, too.
            proven = follow and self._proven and not isinstance(cut, EngineStreamError)
            failures = 1 if found or proven else failures + 1
            stuck = failures == 2 and isinstance(cut, EngineStreamError)
            if stuck and (yield from self.get_past_damage(stuck=True)) and not follow:
                return
            if failures >= GIVE_UP and not self._options.follow:
                raise cut
            if failures == GIVE_UP:
                yield from self.intake.gap(f"still trying: {cut}")
            streams = pauses.failed(succeeded=found)
            yield BackOff(streams if follow else failures, took)

    def _read(self, *, follow: bool, cut: Exception | None, until: int | None) -> Steps[None]:
        memory = self._memory
        request, floor = self._request(follow=follow, until=until)
        stream = yield from self._streams.open(request)
        overlap, received = memory.overlap(), memory.received
        self._heard = self._clock.seconds
        self._proven = overlap is None
        if overlap is None:
            self._set_cut(False)
        narrower, self._narrower = self._narrower, self._narrower + 1
        deaf = ""
        try:
            pump = self._pump(stream, overlap, cut, live=follow, floor=floor)
            if follow and self._watch is not None:
                deaf = yield from self._watch.over(stream, pump)
            else:
                yield from pump
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
            yield from self.intake.finish(Gap(self.intake.ref, None, deaf))

    def _request(self, *, follow: bool, until: int | None) -> tuple[LogRequest, int | None]:
        """Return what to ask for, and before when what comes is not wanted."""
        memory, options = self._memory, self._options
        since, tail = memory.since(self._narrower, latched=self._traits.latched), "all"
        if since is None:
            # Nothing was received yet. What was asked to be left out at first stays left out.
            since, tail = options.since, options.tail if not self._streams.begun else "all"
            if options.tail == "0" and self._streams.begun and self._streams.first_ns is not None:
                since = self._streams.first_ns
                if self._traits.our_clock:
                    # Nothing is known, so nothing that is older would be left out.
                    since = min(since, self._streams.first_now_ns)
        else:
            since = since if self._narrower else self._before_step(since)
            since = max(since, options.since or since)  # what is older was left out
        floor = None
        if self._behind is not None:
            behind = self._behind + memory.received
            since, tail = None, str(min(behind, POLLED if follow else LIMIT))
        elif since is not None and self.must_poll:
            since, floor = None, since
        until = options.until if until is None else until
        return LogRequest(follow=follow, tail=tail, since=since, until=until), floor

    def _before_step(self, since: int) -> int:
        """Return a moment before ``since`` if the engine's clock was set back behind it.

        What is written then is stamped by the new time. That is known only of our own clock.
        """
        if not self._traits.our_clock:
            return since
        silent = self._clock.seconds - self._heard
        return min(since, self._clock.engine_ns - round(silent * 1e9) - WINDOW_NS)

    def _pump(
        self,
        stream: RecordStream,
        overlap: Deduplicator | None,
        cut: Exception | None,
        *,
        live: bool,
        floor: int | None,
    ) -> Steps[None]:
        intake, clock = self.intake, self._clock
        calm_since = clock.seconds if overlap is None else None
        while (batch := (yield Read(stream))) is not None:
            self._heard, self._spoke = clock.seconds, True
            if isinstance(batch, MissingRecords):
                yield from intake.gap(batch.reason)
                continue
            messages = intake.new(younger(batch, floor), overlap, live=live)
            if messages:
                yield from intake.set_busy(True)
                if overlap is not None and overlap.gap:
                    yield from self._tell_unmet()
                    overlap = None
                if self._options.follow and self._runs is not None:
                    yield from self._heed_runs(self._runs, messages, cut, live=live)
                if cut is not None:
                    calm = calm_since is not None and self._heard - calm_since > STAYED
                    yield from self._tell_resumed(messages, cut, calm=calm)
                    cut = None
                yield from intake.receive(messages)
                yield from intake.set_busy(False)
                if live and self._recheck is not None:
                    yield from self._recheck.received(wire_size(messages))
            elif overlap is not None and overlap.complete:
                calm_since = self._heard
            if live:  # also what is known already may end with an unterminated line
                yield from intake.expect_silence()
            self._set_cut(False)
        if overlap is not None and (held := overlap.finish()):
            yield from self._tell_unmet()
            yield from intake.receive(held)

    def _set_cut(self, cut: bool) -> None:
        if self._runs is not None:
            self._runs.is_cut = cut

    def _tell_resumed(self, messages: list[Record], cut: Exception, *, calm: bool) -> Steps[None]:
        """Say before messages that the log goes on here after a cut.

        Where nothing was written meanwhile there is nothing to tell: ``calm`` says that the stream
        had stayed for a while before they came.
        """
        yield from self.intake.ready(messages)
        if not (calm and self._brief):
            yield from self.intake.resumed(str(cut))

    def _tell_unmet(self) -> Steps[None]:
        if not self._deaf:  # that was told, with the reason
            yield from self.intake.gap(UNMET)

    def _heed_runs(
        self, runs: RunWatch, messages: list[Record], cut: Exception | None, *, live: bool
    ) -> Steps[None]:
        """See that all is known of the runs that messages are about to be told apart by."""
        if self.intake.exact:
            if cut is not None:
                yield from runs.hear_all()
            return
        if not live:
            return
        newest = messages[-1].time_ns
        # Stamps of whole seconds may be of anything within the second.
        cut_off = 10**9 if self._memory.whole_seconds else 0
        yield from runs.check(None if newest is None else newest + cut_off)

    # --- second looks ---------------------------------------------------------------------------

    def _begin_rechecks(self, recheck: Recheck) -> Steps[None]:
        """Say from where on the log will be looked at again: what was there before."""
        proven = self._memory.newest_ns
        if proven is None and self._options.tail == "0":
            end = yield from self._ends.read("1", floor=self._options.since)
            proven = end.newest_ns or None
        recheck.begin(proven)

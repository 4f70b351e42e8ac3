"""A small model of an engine with one container, in made-up time: a ``World`` for a simulation.

A test says what happens when, in seconds, and reads the log with the real machine::

    engine = EngineModel()
    engine.start(1)
    engine.write(1.1, "hello")
    engine.die(2, code=3)
    assert engine.follow() == ["started 1", "hello", "stopped 2 code 3"]

What an engine does beside that is by default what Docker does: the log is closed with the run, a
look shows the end 10 ms later, and the event of it comes 30 ms later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

import msgspec

from lobtail.engine.objects.container import Container, HostConfig, RestartPolicy, State
from lobtail.engine.objects.event import Actor, Event
from lobtail.errors import (
    ConnectError,
    ConnectionLostError,
    EngineError,
    EngineStreamError,
    LogFileError,
)
from lobtail.files.records import Damage
from lobtail.follow.machine import LogMachine
from lobtail.follow.options import FollowOptions
from lobtail.follow.steps import Live, Steps
from lobtail.model.frames import Stream
from lobtail.model.items import (
    ContainerRef,
    Gap,
    Item,
    Line,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
)
from lobtail.model.records import Record, record_of
from lobtail.model.timestamps import format_rfc3339
from lobtail.sources.base import LogRequest, Traits
from support.simulated import T0, FakeStream, Late, Simulation

__all__ = ["CUT", "DOCKER", "PODMAN", "WEB", "EngineModel", "Place", "words"]

WEB: Final = ContainerRef("a" * 64, "web")
CUT: Final = "the connection broke"

DOCKER: Final = Traits(on_files=True, latched=True)
PODMAN: Final = Traits(podman=True, restamped=True)

_NEVER: Final = "0001-01-01T00:00:00Z"


class Place(msgspec.Struct):
    """A place in the log: what was written there, or ``record`` None where it is damaged."""

    time_ns: int
    record: Record | None
    live: bool = True
    """Whether the follow streams bring it that are open when it is written."""


class _LiveStream(FakeStream):
    """A follow stream of the API."""

    def __init__(self, request: LogRequest, left: int | None) -> None:
        super().__init__()
        self.request = request
        self.left = left
        """After how many records it is cut."""
        self.admitted = False  # a record that is not older than `since`, so all that follow are
        self.deaf = False


class EngineModel:
    """An engine with one container that has been created.

    ``silent`` says that it takes a damaged place for the end, rather than for an error. ``files``
    says that its log may be read in its files. ``cuts`` has for each stream that is opened, by its
    number, after how many records it is cut.
    """

    def __init__(
        self,
        traits: Traits = DOCKER,
        *,
        restart: str = "no",
        silent: bool = False,
        files: bool = False,
        cuts: dict[int, int] | None = None,
        latency: Callable[[], float] = lambda: 0.001,
    ) -> None:
        self.traits = traits
        self.silent = silent
        self.files = files
        self.cuts = cuts or {}
        self.simulation = Simulation(self, latency=latency)
        self.log: list[Place] = []
        self.opened: list[LogRequest] = []
        self.machine: LogMachine | None = None
        self.batch = 100
        """How many records of what is there come at once."""
        self.hangs: Callable[[LogRequest], bool] = lambda request: False
        """Whether a request is never answered."""
        self.failing: set[str] = set()
        """What of files cannot be read on behind what comes: ``held``, ``live`` or ``rest``."""
        self.refusal: EngineError | None = None
        """How every request for the log is refused."""
        self.ended_at: float | None = None
        """When the machine came to its end."""
        self.inspecting: float | Exception = 0.0
        """How long a look takes, which shows the state at its end, or how it fails."""
        self._host = HostConfig(restart_policy=RestartPolicy(restart))
        self._state = State(status="created", started_at=_NEVER, finished_at=_NEVER)
        self._logging = False
        self._begun = 0.0  # when the last run did
        self._away = self._gone = False
        self._live: list[_LiveStream] = []
        self._hung: list[_LiveStream] = []
        self._files: list[_FileStream] = []
        self.truncations = 0
        self._endless = False  # its end is not found: it was truncated

    # --- what happens ---------------------------------------------------------------------------

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done."""
        self.simulation.at(seconds, do)

    def start(
        self, at: float, *, event: float | None = 0.02, state: float = 0.0, noted: float = 0.004
    ) -> None:
        """Start a run; its event is stamped ``noted`` later and comes ``event`` later, if ever."""

        def begin() -> None:
            self._logging, self._endless, self._begun = True, False, at

        def show() -> None:
            self._state = State(
                status="running",
                running=True,
                started_at=_text(at),
                finished_at=self._state.finished_at,
            )

        self.at(at, begin)
        self.at(at + state, show)
        if event is not None:
            self.event(at + event, "start", at + noted)

    def write(
        self,
        at: float,
        *texts: str,
        err: bool = False,
        stamp: float | None = None,
        live: bool = True,
        end: str = "\n",
    ) -> None:
        """Write lines, each a record with the stamp of ``stamp``; all are there at once."""
        stream = Stream.STDERR if err else Stream.STDOUT
        time_ns = T0 + round((at if stamp is None else stamp) * 1e9)
        self.add(
            at, [self.record(time_ns, f"{text}{end}".encode(), stream, live) for text in texts]
        )

    def record(
        self, time_ns: int, text: bytes, stream: Stream = Stream.STDOUT, live: bool = True
    ) -> Place:
        """Return a record as this engine shows it."""
        shown = format_rfc3339(time_ns)
        if self.traits.podman:
            shown = f"{shown[:19]}Z"
        return Place(time_ns, record_of(stream, b"%b %b" % (shown.encode(), text)), live)

    def add(self, at: float, records: list[Place]) -> None:
        """Have records in the log from a time on."""

        def write() -> None:
            self.log += records
            for stream in tuple(self._live):
                self._give(stream, self._fresh(stream, records))
            for file in self._files:
                file.ring()

        self.at(at, write)

    def damage(self, at: float) -> None:
        """Have a place in the log that cannot be read: streams end there."""
        self.add(at, [Place(T0 + round(at * 1e9), None)])

    def replay(self, at: float, count: int) -> None:
        """Have follow streams bring the last records once more."""

        def replay() -> None:
            for stream in tuple(self._live):
                self._give(stream, self.log[-count:])

        self.at(at, replay)

    def rotate(self, at: float, kept: int) -> None:
        """Drop all but so many records."""
        self.at(at, lambda: self.log.__delitem__(slice(0, len(self.log) - kept)))

    def truncate(self, at: float) -> None:
        """Empty the file: follow streams bring nothing more of this run, and the end is lost."""

        def truncate() -> None:
            self.log.clear()
            self.truncations += 1
            self._endless = True
            for stream in self._live:
                stream.deaf = True

        self.at(at, truncate)

    def die(
        self,
        at: float,
        code: int = 0,
        *,
        oom: bool = False,
        event: float | None = 0.03,
        state: float = 0.01,
        stream: float | None = 0.0,
        restarting: bool = False,
    ) -> None:
        """End the run; streams end ``stream`` later, or go on with the next run."""

        def end() -> None:
            self._logging = False
            streams = list(self._live)
            self.at(at + (stream or 0), lambda: self._end_streams(streams))

        if stream is not None:
            self.at(at, end)

        def show() -> None:
            if self._begun > at:
                return  # the next run is shown already
            self._state = State(
                status="restarting" if restarting else "exited",
                running=restarting,
                restarting=restarting,
                oom_killed=oom,
                exit_code=code,
                started_at=self._state.started_at,
                finished_at=_text(at),
            )

        self.at(at + state, show)
        if event is not None:
            if oom:
                self.event(at + event - 0.001, "oom", at - 0.001)
            self.event(at + event, "die", at, exitCode=str(code))

    def remove(self, at: float, *, event: float | None = 0.01) -> None:
        """Remove the container with its log."""

        def remove() -> None:
            self._gone, self._logging = True, False
            self._end_streams(list(self._live))

        self.at(at, remove)
        if event is not None:
            self.event(at + event, "remove" if self.traits.podman else "destroy", at)

    def event(self, at: float, action: str, time: float, **attributes: str) -> None:
        """Publish an event of that time."""
        actor = Actor(WEB.id, attributes)
        event = Event("container", action, actor, time_nano=T0 + round(time * 1e9))

        def publish() -> None:
            if self.machine is not None:
                self.machine.event(event)
                self.simulation.wake()

        self.at(at, publish)

    def cut(self, at: float, error: Exception | None = None) -> None:
        """Break all streams; or end them cleanly, as an engine that gives up, with ``error`` None.

        Files are no streams.
        """
        self.at(at, lambda: self._end_live(error))

    def leave(self, at: float, until: float) -> None:
        """Be away: streams break, and nothing can be asked."""

        def leave() -> None:
            self._away = True
            self._end_live(ConnectionLostError(CUT))

        self.at(at, leave)
        self.at(until, lambda: setattr(self, "_away", False))

    # --- the log read ---------------------------------------------------------------------------

    def read(self, options: FollowOptions | None = None, *, begin: float = 0.5) -> list[str]:
        """Read what is there from ``begin`` on, without follow; return the items in words."""
        return self.follow(options or FollowOptions(follow=False), begin=begin, until=1000)

    def follow(
        self,
        options: FollowOptions | None = None,
        *,
        begin: float = 0.5,
        until: float = 100.0,
        joined: bool = False,
        joined_at: float | None = None,
    ) -> list[str]:
        """Follow the log from ``begin`` on; return the items in words."""
        return words(self.items(options, begin, until, joined=joined, joined_at=joined_at))

    def items(
        self,
        options: FollowOptions | None = None,
        begin: float = 0.5,
        until: float = 100.0,
        *,
        joined: bool = False,
        joined_at: float | None = None,
    ) -> list[Item]:
        """Follow the log from ``begin`` on."""
        simulation = self.simulation
        simulation.run_until(begin)
        self.machine = LogMachine(
            self._container(),
            WEB,
            options or FollowOptions(),
            self.traits,
            simulation.clock,
            joined_ns=None if joined_at is None else T0 + round(joined_at * 1e9),
        )
        simulation.start(self._run(self.machine, joined))
        simulation.run_until(until)
        return simulation.items

    def follow_on(self, until: float) -> list[str]:
        """Go on up to a time; return all items in words."""
        self.simulation.run_until(until)
        return words(self.simulation.items)

    def _run(self, machine: LogMachine, joined: bool) -> Steps[None]:
        yield from machine.run(joined=joined)
        self.ended_at = self.simulation.now

    @property
    def lives(self) -> list[bool]:
        """Whether others need not wait for it, each time that was said."""
        return [step.live for step in self.simulation.done if isinstance(step, Live)]

    def answer_late(self) -> None:
        """Answer what has never been answered."""
        hung, self._hung, self.hangs = self._hung, [], lambda request: False
        for stream in hung:
            self._serve(stream)

    # --- what is asked --------------------------------------------------------------------------

    def inspect(self) -> Any:
        if isinstance(self.inspecting, Exception):
            raise self.inspecting
        self._answer()
        if self.inspecting:
            return Late(self.inspecting, self._looked)
        return self._container()

    def _looked(self) -> Container:
        self._answer()
        return self._container()

    def open(self, request: LogRequest) -> FakeStream:
        self.opened.append(request)
        self._answer()
        if self.refusal is not None:
            raise self.refusal
        stream = _LiveStream(request, self.cuts.get(len(self.opened)))
        if self.hangs(request):
            self._hung.append(stream)
        else:
            self._serve(stream)
        return stream

    def _serve(self, stream: _LiveStream) -> None:
        request = stream.request
        self._live.append(stream)
        records = self._shown(request)
        stream.admitted = bool(records)
        for i in range(0, len(records), self.batch):
            if stream in self._live:
                self._give(stream, records[i : i + self.batch])
        if not (request.follow and self._logging) and stream in self._live:
            self._live.remove(stream)
            stream.give(None)
        elif request.until is not None:
            self.at((request.until - T0) / 1e9, lambda: self._end(stream))

    def open_files(self, follow: bool) -> Any:
        if not self.files:
            raise LogFileError("its files cannot be read")
        return _Files(self)

    def _container(self) -> Container:
        return Container(id=WEB.id, state=self._state, host_config=self._host)

    def _answer(self) -> None:
        if self._away:
            raise ConnectError("the engine is away")
        if self._gone:
            raise EngineError(404, "no such container")

    def _shown(self, request: LogRequest) -> list[Place]:
        """Return what of the log a request without follow gets."""
        records, since, until = self.log, request.since, request.until
        if request.tail != "all":
            count = int(request.tail)
            records = records[-count:] if count and not self._endless else []
        if since is not None:
            if self.traits.latched:
                first = (i for i, each in enumerate(records) if each.time_ns >= since)
                records = records[next(first, len(records)) :]
            else:
                records = [each for each in records if each.time_ns >= since]
        if until is not None:
            records = [each for each in records if each.time_ns <= until]
        return records

    def _fresh(self, stream: _LiveStream, records: list[Place]) -> list[Place]:
        """Return what of new records a stream brings."""
        records = [each for each in records if each.live]
        since = stream.request.since
        if since is None or (stream.admitted and self.traits.latched):
            return records
        shown = [each for each in records if each.time_ns >= since]
        if shown and self.traits.latched:
            stream.admitted = True
            return records[records.index(shown[0]) :]
        return shown

    def _give(self, stream: _LiveStream, records: list[Place]) -> None:
        """Have a stream bring records, up to where it is cut or the engine cannot read on."""
        if stream.deaf:
            return
        batch: list[Record] = []
        end: Exception | bool | None = False
        for record in records:
            if stream.left == len(batch):
                break
            if record.record is None:
                end = None if self.silent else EngineStreamError("a record is damaged")
                break
            batch.append(record.record)
        if stream.left is not None:
            stream.left -= len(batch)
            if stream.left == 0:
                end = ConnectionLostError(CUT)
        if batch:
            stream.give(batch)
        if end is not False:
            self._live.remove(stream)
            stream.give(end)

    def _end_streams(self, streams: list[_LiveStream]) -> None:
        for stream in streams:
            self._end(stream)
        for file in self._files:
            file.end(EngineError(404, "no such container") if self._gone else None)

    def _end(self, stream: _LiveStream) -> None:
        if stream in self._live:
            self._live.remove(stream)
            stream.give(None)

    def _end_live(self, error: Exception | None) -> None:
        streams, self._live = self._live, []
        for stream in streams:
            stream.give(error)


class _FileStream(FakeStream):
    """What is written to files that are followed: it is read when it is asked for."""

    def __init__(self, files: _Files) -> None:
        self._files = files
        self._end: list[Any] = []
        super().__init__()

    @property
    def given(self) -> Any:
        return self._files.unread() or self._end

    @given.setter
    def given(self, _: Any) -> None:
        pass

    def take(self) -> Any:
        if self._files.unread():
            self.received += 1
            return self._files.take()
        if isinstance(self._end[0], Exception):
            raise self._end[0]
        return None

    def ring(self) -> None:
        if self.reader is not None and self.given:
            self.reader()

    def end(self, how: Exception | None) -> None:
        self._end = [how]
        self.ring()


class _Files:
    """The files of the log."""

    path = "/log"

    def __init__(self, engine: EngineModel) -> None:
        self._engine = engine
        self._held = list(engine.log)
        self._log = engine.log  # which outlives the container
        self._read = len(engine.log)

    def check(self) -> _Check:
        return _Check(self._engine)

    def held(self, request: LogRequest) -> FakeStream:
        engine = self._engine
        log, engine.log = engine.log, self._held
        records = engine._shown(request)
        engine.log = log
        return FakeStream(*_batches(records), self._failure("held"))

    def _failure(self, what: str) -> LogFileError | None:
        failing = what in self._engine.failing
        return LogFileError("it cannot be read on") if failing else None

    def live(self, request: LogRequest) -> FakeStream:
        stream = _FileStream(self)
        if "live" in self._engine.failing:
            stream.end(self._failure("live"))
        elif not self._engine._logging:
            stream.end(None)
        self._engine._files.append(stream)
        return stream

    def rest(self, request: LogRequest) -> FakeStream:
        stream = _FileStream(self)
        stream.end(self._failure("rest"))
        return stream

    def unread(self) -> list[Place]:
        return self._log[self._read :]

    def take(self) -> Any:
        batch = next(_batches(self.unread()))
        self._read += len(batch) if isinstance(batch, list) else 1
        return batch

    def close_held(self) -> None:
        self._held = []

    def close(self) -> None:
        pass


class _Check:
    """The file that is written."""

    def __init__(self, engine: EngineModel) -> None:
        self._engine = engine
        self._seen = engine.truncations
        self.size = 0

    def look(self) -> bool:
        engine = self._engine
        self.size = sum(len(each.record.raw) for each in engine.log if each.record is not None)
        seen, self._seen = self._seen, engine.truncations
        return seen != self._seen


def _batches(records: list[Place]) -> Iterator[Any]:
    """Return records as files give them, with what is damaged between them."""
    batch: list[Record] = []
    for record in records:
        if record.record is not None:
            batch.append(record.record)
            continue
        if batch:
            yield batch
        batch = []
        yield Damage("/log", 0, 7, "this is no record")
    if batch:
        yield batch


def _text(seconds: float) -> str:
    return format_rfc3339(T0 + round(seconds * 1e9))


def words(items: Iterable[Item]) -> list[str]:
    """Return items in words: ``text``, ``!text`` of stderr, ``text~`` unterminated."""
    return [_words(item) for item in items]


def _words(item: Item) -> str:
    match item:
        case Line():
            sign = "!" if item.stream is Stream.STDERR else ""
            ends = ("…" if item.partial else "") + ("~" if item.unterminated else "")
            return f"{sign}{item.text}{ends}"
        case Started():
            return f"started {_seconds(item.time_ns)}"
        case Stopped():
            oom = " oom" if item.oom else ""
            return f"stopped {_seconds(item.time_ns)} code {item.exit_code}{oom}"
        case Removed():
            return f"removed {_seconds(item.time_ns)}"
        case Gap():
            return f"gap: {item.reason}"
        case Resumed():
            return f"resumed: {item.reason}"
        case Skipped():
            return f"skipped {item.count}"
    raise AssertionError(cast("object", item))


def _seconds(time_ns: int | None) -> str:
    """Return a time in seconds: what a look shows and an event tells differ by less."""
    return "?" if time_ns is None else f"{round((time_ns - T0) / 1e9, 2):g}"

"""Read logs, as the engine sends them: of one container, and what all logs have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import whole_number
from lobtail.errors import ConfigError, ConnectionLostError, EngineStreamError, TruncatedStream
from lobtail.model.frames import Frame, FrameDecoder, RawDecoder, Stream
from lobtail.model.records import Record, RecordDecoder, records_of
from lobtail.model.timestamps import format_wire_time
from lobtail.model.tty import TtySplitter
from lobtail.query.time_arguments import parse_time_argument

if TYPE_CHECKING:
    from lobtail.engine.net.response import Response
    from lobtail.engine.objects.container import Container

__all__ = ["FrameStream", "LogOptions", "LogStream", "nanoseconds", "tail_count"]

# From this API version on the Content-Type tells frames from raw bytes (moby, API changelog 1.42).
# A newer engine asked in an older version labels frames as raw.
LABELLED_API: Final = (1, 42)
_MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"
_RAW: Final = "application/vnd.docker.raw-stream"

# How long after `until` a quiet follow stream is ended: its last lines may be on their way.
UNTIL_GRACE_NS: Final = 1_000_000_000


M = TypeVar("M", Frame, Record)


class LogOptions(msgspec.Struct, frozen=True):
    """What is asked of the engine. Times are integer nanoseconds since the epoch."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    tail: str = "all"
    since: int | None = None
    until: int | None = None
    timestamps: bool = False
    details: bool = False

    @classmethod
    def build(
        cls,
        *,
        tail: int | str | None,
        since: int | str | datetime | None,
        until: int | str | datetime | None,
        stdout: bool,
        stderr: bool,
        follow: bool,
        timestamps: bool,
        details: bool,
    ) -> Self:
        """Turn every form that users may give into the one that is sent."""
        return cls(
            stdout=stdout,
            stderr=stderr,
            follow=follow,
            tail="all" if tail is None else str(tail),
            since=nanoseconds(since, "since"),
            until=nanoseconds(until, "until"),
            timestamps=timestamps,
            details=details,
        )

    def query(self) -> dict[str, str]:
        """Return the query of the request."""
        query = {"tail": self.tail}
        for name in ("stdout", "stderr", "follow", "timestamps", "details"):
            if getattr(self, name):
                query[name] = "1"
        if self.since is not None:
            query["since"] = format_wire_time(self.since)
        if self.until is not None:
            query["until"] = format_wire_time(self.until)
        return query


class FrameStream(ABC):
    """A log as an engine sends it, of whatever kind: frames, as they come.

    Iterate over it for single frames, over ``batches`` for lists. With a TTY
    a frame is a chunk of stdout: as a rule a message, but it may begin and end anywhere. Otherwise
    a frame is one message: a line, or a piece of at most 16 KiB of a long one.

    The iteration ends where the engine says that the log ends, and with ``follow`` and ``until``
    when that time has come, even if the container is silent. It raises:

    - ``EngineError``: there is no such container, its log driver cannot be read, …;
    - ``ConnectionLostError`` or ``TruncatedStream``: the connection broke in mid-log;
    - ``ProtocolError``: what came are not frames.

    All that came whole before an error has been returned by then.
    """

    def __init__(self, requests: Requests, options: LogOptions) -> None:
        self._requests = requests
        self._options = options
        self._opened = False
        self._closed = False
        self.received = 0
        """How many batches have come in which there was any text."""
        self.is_waiting = False
        """Whether it waits for the engine, rather than for whoever takes what has come."""
        self._response: Response | None = None
        self._decoder: FrameDecoder | RawDecoder = RawDecoder()

    @abstractmethod
    async def _locate(self) -> tuple[str, bool]:
        """Return where the log is to be had, and whether it is a terminal's, without frames."""

    @property
    def multiplexed(self) -> bool:
        """Whether the engine sends frames; raw bytes otherwise. Known once the stream is open."""
        return isinstance(self._decoder, FrameDecoder)

    @property
    def details(self) -> bool:
        """Whether the driver's attributes were asked for."""
        return self._options.details

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    async def aclose(self) -> None:
        """End the stream at once, also for another task that opens or reads it."""
        self._close()

    def _close(self) -> None:
        self._closed = True
        if self._response is not None:
            self._requests.release(self._response)
            self._response = None

    async def __aiter__(self) -> AsyncIterator[Frame]:
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                for frame in batch:
                    yield frame

    def batches(self, *, joined: bool = False) -> AsyncGenerator[list[Frame], None]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        return self._frames(joined=joined)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes, undecoded: headers of frames and all.

        The chunks are those of the connection and say nothing about frames.
        """
        async with aclosing(self._chunks()) as batches:
            async for batch in batches:
                for chunk in batch:
                    yield chunk

    async def _chunks(self) -> AsyncGenerator[list[bytes], None]:
        await self._open()
        try:
            while (batch := await self._batch()) is not None:
                yield batch
        except ConnectionLostError:
            if self._response is not None:
                raise
        finally:
            self._close()

    async def records(self) -> AsyncGenerator[list[Record], None]:
        """Iterate over lists of records, of a log that was asked for with timestamps.

        Of a log with a TTY, what came of a message when the connection broke is dropped.
        """
        await self._open()
        decoder = self._decoder
        if isinstance(decoder, RecordDecoder):
            async with aclosing(self._decoded(decoder.receive_records)) as batches:
                async for records in batches:
                    yield records
            return
        splitter = TtySplitter(details=self.details)
        async with aclosing(self._frames(joined=False)) as batches:
            async for frames in batches:
                messages = [message for frame in frames for message in splitter.feed(frame.payload)]
                yield records_of(messages, details=self.details)
        yield records_of(splitter.flush(), details=self.details)

    async def _frames(self, *, joined: bool) -> AsyncGenerator[list[Frame], None]:
        await self._open()
        decoder = self._decoder
        decode = decoder.receive_runs if joined else decoder.receive_data
        async with aclosing(self._decoded(decode)) as batches:
            async for frames in batches:
                yield frames

    async def _decoded(self, decode: Callable[[bytes], list[M]]) -> AsyncGenerator[list[M], None]:
        """Iterate over what ``decode`` makes of each batch of bytes, up to an error."""
        decoder = self._decoder
        tty_messages = not self.multiplexed and decode == decoder.receive_data
        try:
            while (batch := await self._batch()) is not None:
                if tty_messages:
                    # The engine sends each message as a chunk: a hint that joining would lose.
                    frames = [frame for chunk in batch for frame in decode(chunk)]
                else:
                    frames = decode(b"".join(batch))
                if decoder.has_error and (failed := _find_error(frames)) is not None:
                    if failed:
                        yield frames[:failed]
                    raise EngineStreamError(
                        " ".join(_text(frames[failed]).decode("utf-8", "replace").split())
                    )
                if frames:
                    self.received += any(map(_text, frames))
                    yield frames
                if decoder.error is not None:
                    raise decoder.error
            if self._response is not None:  # not closed meanwhile
                decoder.receive_eof()
        except ConnectionLostError as exc:
            if self._response is None:
                return
            try:
                decoder.receive_eof()
            except TruncatedStream as cut:
                raise TruncatedStream(
                    cut.part, cut.got, cut.wanted, cut.fragment, str(exc)
                ) from exc
            raise
        finally:
            self._close()

    async def _open(self) -> None:
        if self._response is not None:
            return
        if self._opened:
            raise RuntimeError("the log stream has been read: open another")
        if self._closed:
            return
        options = self._options
        if not (options.stdout or options.stderr):
            raise ConfigError("logs of neither stdout nor stderr were asked for")
        target, tty = await self._locate()
        self._response = await self._requests.open(target, options.query())
        self._opened = True
        self._heed_close()
        if await self._sends_frames(tty=tty):
            self._decoder = RecordDecoder(details=options.details)

    async def _sends_frames(self, *, tty: bool) -> bool:
        label = self._response.headers.get("content-type", "") if self._response else ""
        if label in (_MULTIPLEXED, _RAW) and await self._requests.api_version() >= LABELLED_API:
            return label == _MULTIPLEXED
        return not tty

    def _heed_close(self) -> None:
        """Close what was opened while another task closed it."""
        if self._closed:
            self._close()

    async def _batch(self) -> list[bytes] | None:
        """Return the next batch, or None at the end."""
        if self._response is None:  # closed meanwhile
            return None
        patience = self._patience()
        self.is_waiting = True
        try:
            return await self._response.batch(patience)
        except TimeoutError as exc:
            if self._options.follow and not self._decoder.mid_frame:
                return None  # `until` has come
            where = "in mid-frame" if self._decoder.mid_frame else "in mid-log"
            raise ConnectionLostError(
                f"the engine at {self._requests.endpoint} fell silent {where} for {patience:g} s"
            ) from exc
        finally:
            self.is_waiting = False

    def _patience(self) -> float | None:
        """How many seconds to wait for the next byte; None for ever."""
        if self._decoder.mid_frame:
            return self._requests.timeout
        if not self._options.follow:
            # The engine may be searching its files for `since`.
            return self._requests.work_timeout
        if self._options.until is not None:
            # The daemon looks at `until` only when a message arrives: a silent container would
            # be followed for ever.
            left = self._options.until + UNTIL_GRACE_NS - time.time_ns()
            return max(left, UNTIL_GRACE_NS) / 1e9
        return None


class LogStream(FrameStream):
    """The logs of one container: frames, as they come.

    ::

        async with engine.containers.logs("web", follow=True) as stream:
            async for frame in stream:
                sys.stdout.buffer.write(frame.payload)

    How it is read, and what it raises, is described in ``FrameStream``.
    """

    def __init__(self, requests: Requests, container: str | Container, options: LogOptions) -> None:
        super().__init__(requests, options)
        self._named = container
        self._container: Container | None = None

    @property
    def container(self) -> Container:
        """What ``inspect`` said of the container when the stream was opened."""
        if self._container is None:
            raise RuntimeError("the log stream is not open yet: enter it with 'async with'")
        return self._container

    async def _locate(self) -> tuple[str, bool]:
        container = self._named
        if isinstance(container, str):
            # Whoever starts quickly has looked at it already.
            from lobtail.engine.streams.lookup import inspect_container

            container = await inspect_container(self._requests, container)
        self._container = container
        return f"/containers/{segment(container.id, 'container')}/logs", container.tty


def _find_error(messages: list[M]) -> int | None:
    """Return where the daemon reports an error of its own."""
    return next((i for i, each in enumerate(messages) if each.stream is Stream.SYSTEMERR), None)


def _text(message: Frame | Record) -> bytes:
    return message.payload if isinstance(message, Frame) else message.raw


def nanoseconds(value: int | str | datetime | None, option: str) -> int | None:
    """Turn a point in time, as users give it, into nanoseconds since the epoch."""
    # docker's CLI hands "0" on as it is, and engines take that for no limit, but 0.0 for one.
    if value is None or value == "" or (value == "0" and option == "until"):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigError(f"the datetime for `{option}` has no time zone: {value!r}")
        delta = value - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86400 + delta.seconds) * 10**9 + delta.microseconds * 1000
    return parse_time_argument(value, now_ns=time.time_ns(), local_offset=_local, option=option)


def _local(seconds: int) -> int:
    """Return the offset of the system's time zone at that time."""
    try:
        return time.localtime(seconds).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0


def tail_count(tail: str) -> int | None:
    """Return how many messages a ``tail`` asks for; None for all, as an engine reads it."""
    # Engines take what is no number, negative or too large for one, for all.
    return whole_number(tail)

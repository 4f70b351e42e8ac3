"""Talk to a process in a container: its output as frames, its input as bytes.

What ``attach`` and ``exec`` have in common. The engine hands the connection over (moby calls it
hijacked): from then on what it sends is the process's output, with a TTY as raw bytes, else as
frames, and what it is sent is the process's input.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

from lobtail.engine.streams.detach import DetachScanner, parse_detach_keys
from lobtail.errors import (
    ConnectionLostError,
    EngineStreamError,
    LobtailError,
    ProtocolError,
    TruncatedStream,
)
from lobtail.model.frames import Frame, FrameDecoder, RawDecoder, Stream

if TYPE_CHECKING:
    from lobtail.engine.net.http import HttpConnection
    from lobtail.engine.net.requests import Requests
    from lobtail.engine.net.response import Response

__all__ = ["TwoWayStream"]

UPGRADE: Final = {"Connection": "Upgrade", "Upgrade": "tcp"}

# How long the stream of a process that has ended may be silent before it is taken for forgotten:
# an engine that is asked to attach at the moment of the end sends nothing, and no end either.
FORGOTTEN: Final = 3.0


class TwoWayStream(ABC):
    """The frames that a process writes; ``write`` sends bytes to its stdin.

    Enter it with ``async with``. The iteration may be left and taken up again; it ends when the
    engine ends the stream. Read while you write: a process that cannot write any more does not
    read either. At most some 300 KiB of output wait here; behind that the engine waits, and
    with it the process.
    """

    def __init__(self, requests: Requests, *, stdin: bool, detach_keys: str) -> None:
        self._requests = requests
        self._stdin = stdin
        self._keys = parse_detach_keys(detach_keys)
        self._scanner: DetachScanner | None = None
        self._detached = False
        self._input_ended = False
        self._told_of_end = False
        self._response: Response | None = None
        self._left: Iterator[Frame] = iter(())  # of the batch that was read last
        self._entered = False
        self._closed = False
        self._decoder: FrameDecoder | RawDecoder = RawDecoder()
        self._failure: LobtailError | None = None

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("the stream was entered before: open another")
        self._entered = True
        try:
            await self._open()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    async def aclose(self) -> None:
        """End the stream at once. The process goes on."""
        self._close()

    def _close(self) -> None:
        if self._response is not None and not self._closed:
            self._closed = True
            self._requests.release(self._response)

    # --- output -----------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        while (frame := next(self._left, None)) is None:
            frames = await self._next(self._decoder.receive_data)
            if frames is None:
                raise StopAsyncIteration
            self._left = iter(frames)
        return frame

    async def _parts(self) -> AsyncGenerator[Iterator[Frame], None]:
        """Iterate over batches of which it is known how far they have been read."""
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                self._left = iter(batch)
                yield self._left

    async def batches(self, *, joined: bool = False) -> AsyncGenerator[list[Frame], None]:
        """Iterate over lists instead, never empty: what one look at the connection brought.

        ``joined`` makes one frame of neighbours of one stream, for those who copy bytes and need
        no frame boundaries.
        """
        if left := list(self._left):
            yield left
        decode = self._decoder.receive_runs if joined else self._decoder.receive_data
        while (frames := await self._next(decode)) is not None:
            yield frames

    async def _next(self, decode: Callable[[bytes], list[Frame]]) -> list[Frame] | None:
        decoder = self._decoder
        while self._failure is None:
            try:
                batch = await self._batch()
            except ConnectionLostError as exc:
                self._failure = _cut(decoder, exc)
                raise self._failure from exc
            if batch is None:
                if not self._closed and not self._detached:
                    decoder.receive_eof()
                return None
            try:
                frames = decode(b"".join(batch))
            except ProtocolError as exc:
                self._failure = exc
                raise
            self._failure = decoder.error
            for i, frame in enumerate(frames):
                if frame.stream is Stream.SYSTEMERR:
                    text = frame.payload.decode("utf-8", "replace")
                    self._failure = EngineStreamError(" ".join(text.split()))
                    frames = frames[:i]
                    break
            if frames:
                return frames
        raise self._failure

    async def _batch(self) -> list[bytes] | None:
        """Return the next batch, or None at the end."""
        if self._response is None:
            raise RuntimeError("the stream is not open yet: enter it with 'async with'")
        while not self._closed:
            ended = self._told_of_end
            patience = self._requests.timeout if self._decoder.mid_frame else None
            if ended:
                patience = FORGOTTEN
            try:
                return await self._response.batch(patience)
            except TimeoutError as exc:
                if ended:
                    return None
                if not self._told_of_end:
                    raise ConnectionLostError(
                        f"the engine at {self._requests.endpoint} fell silent in mid-frame for "
                        f"{patience:g} s"
                    ) from exc
        return None

    def _tell_of_end(self) -> None:
        """Note that the process has ended: from now on, silence is not waited out."""
        if not self._told_of_end:
            self._told_of_end = True
            # Together: a wait that begins with the one must not be ended by the other.
            self._connection.expire()

    # --- input ------------------------------------------------------------------------------

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data`` to stdin; return when the connection has taken it all.

        With a TTY the detach keys in it end the stream, and what stands behind them is not sent.

        Raises:
            ConnectionLostError: the process has ended, the stream was detached, or the connection
                broke. What was written by the process before that can still be read.
        """
        connection = self._input()
        if self._input_ended:
            raise RuntimeError("stdin was closed by write_eof")
        detach = False
        if self._scanner is not None:
            # The engine looks for them, too; Podman only where each comes by itself.
            data, detach = self._scanner.feed(bytes(data))
        if data:
            await connection.write(data)
        if detach:
            self._detached = True
            connection.close()

    async def write_eof(self) -> None:
        """Close stdin: the process reads an end of file. Its output goes on.

        Raises:
            LobtailError: this kind of connection cannot be closed one way.
        """
        connection = self._input()
        if self._scanner is not None and (held := self._scanner.flush()):
            await connection.write(held)
        self._input_ended = True
        await connection.write_eof()

    @property
    def detached(self) -> bool:
        """Whether the detach keys were written. The process goes on."""
        return self._detached

    def _input(self) -> HttpConnection:
        if self._response is None:
            raise RuntimeError("the stream is not open yet: enter it with 'async with'")
        if not self._stdin:
            raise RuntimeError("stdin was not asked for: open the stream with stdin=True")
        return self._connection

    @property
    def _connection(self) -> HttpConnection:
        assert self._response is not None
        return cast("HttpConnection", self._response.connection)

    # --- the process ------------------------------------------------------------------------

    @abstractmethod
    async def wait(self) -> int:
        """Wait for the end of the process; return its exit code."""

    async def resize(self, rows: int, columns: int) -> None:
        """Set the size of the process's terminal.

        Raises:
            EngineError: it has none, has not begun, or has ended.
        """
        query = {"h": str(rows), "w": str(columns)}
        await self._requests.post(f"{self._target()}/resize", query)

    @abstractmethod
    def _target(self) -> str:
        """Return the request target of what is talked to."""

    @abstractmethod
    async def _open(self) -> None:
        """Open the stream with ``_hijack``."""

    async def _hijack(
        self, target: str, query: dict[str, str], *, tty: bool, content: Any = None
    ) -> None:
        response = await self._requests.open(
            target, query, method="POST", content=content, headers=UPGRADE
        )
        self._response = response
        if tty:
            self._scanner = DetachScanner(self._keys)
        else:
            self._decoder = FrameDecoder()
        if self._stdin and not self._connection.two_way:
            raise ProtocolError(
                f"the engine at {self._requests.endpoint} did not hand the connection over: it "
                f"answered {response.status} {response.reason}; is a proxy in between?"
            )


def _cut(decoder: FrameDecoder | RawDecoder, exc: ConnectionLostError) -> LobtailError:
    """Return the error for a connection that broke: where it was inside a frame, that."""
    try:
        decoder.receive_eof()
    except TruncatedStream as cut:
        return TruncatedStream(cut.part, cut.got, cut.wanted, cut.fragment, str(exc))
    except ProtocolError as error:
        return error
    return exc

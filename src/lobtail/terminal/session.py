"""Join our stdin, stdout and stderr to a process in a container."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from lobtail.errors import ConnectionLostError, LobtailError
from lobtail.model.frames import Frame, Stream

if TYPE_CHECKING:
    from lobtail.engine.streams.hijacked import TwoWayStream
    from lobtail.terminal.output import Outputs

__all__ = ["Session"]

READ_SIZE: Final = 64 * 1024


class Session:
    """Copies what a process writes to our outputs, and, with ``stdin``, ours to the process.

    Neither direction waits for the other. Outputs are written by a thread: a reader that has
    stopped keeps back the process, but neither keys nor signals.
    """

    def __init__(self, stream: TwoWayStream, *, stdin: bool) -> None:
        self._stream = stream
        self._stdin = stdin
        self.input_ended = False
        """Whether our stdin has come to its end, and the process was told so."""

    async def run(self, outputs: Outputs) -> None:
        """Copy until the stream ends; errors are those of the stream and of our outputs."""
        # One batch is read while another is written.
        batches: asyncio.Queue[list[Frame] | None] = asyncio.Queue(1)
        reading = asyncio.create_task(self._read(batches))
        writing = asyncio.create_task(_write(batches, outputs))
        tasks = {reading, writing}
        if self._stdin:
            tasks.add(asyncio.create_task(self._feed()))
        left = tasks
        try:
            while not writing.done():
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {reading}:
                    task.result()
            reading.result()  # what came before an error is written by now
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, batches: asyncio.Queue[list[Frame] | None]) -> None:
        failure = None
        try:
            async for frames in self._stream.batches(joined=True):
                await batches.put(frames)
        except LobtailError as exc:
            failure = exc
        await batches.put(None)
        if failure is not None:
            raise failure

    async def _feed(self) -> None:
        # A process that takes no more is told of by the end of its output.
        with suppress(ConnectionLostError):
            while data := await _read_input(0):
                await self._stream.write(data)
            self.input_ended = True
            await self._stream.write_eof()


async def _write(batches: asyncio.Queue[list[Frame] | None], outputs: Outputs) -> None:
    def write(frames: list[Frame]) -> None:
        for frame in frames:
            out = outputs.err if frame.stream is Stream.STDERR else outputs.out
            out.write(frame.payload)

    writer = _Writer(write)
    while (frames := await batches.get()) is not None:
        await writer.write(frames)


class _Writer:
    """A thread that writes batches of frames, one at a time."""

    def __init__(self, write: Callable[[list[Frame]], None]) -> None:
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._batches: SimpleQueue[tuple[list[Frame], asyncio.Future[None]]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name="lobtail-output").start()

    async def write(self, frames: list[Frame]) -> None:
        """Write frames; return when they are written, or raise what went wrong."""
        written = self._loop.create_future()
        self._batches.put((frames, written))
        await written

    def _run(self) -> None:
        # Signals are for the main thread, which only then hears of them at once.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            frames, written = self._batches.get()
            error: Exception | None = None
            try:
                self._write(frames)
            except Exception as exc:  # it is raised where it is waited for
                error = exc
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_settle, written, error)


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


async def _read_input(fd: int) -> bytes:
    """Read what there is, when there is something; nothing at the end."""
    while True:
        await _readable(fd)
        try:
            return os.read(fd, READ_SIZE)
        except BlockingIOError:
            # Somebody else has read it from the shared file description.
            continue
        except OSError as exc:
            # A terminal that has gone, and a stdin that was closed by the caller.
            if exc.errno in (errno.EIO, errno.EBADF):
                return b""
            raise LobtailError(f"cannot read stdin: {exc.strerror}") from exc


async def _readable(fd: int) -> None:
    if select.select([fd], [], [], 0)[0]:
        await asyncio.sleep(0)  # others have their turn
        return
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # a file or /dev/null, of which epoll knows nothing, can always be read
        await asyncio.sleep(0)
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)

"""A proxy between lobtail and a real engine that cuts connections where a test tells it to."""

from __future__ import annotations

import asyncio
import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from support.engines import SHORT


class CuttingProxy:
    """Forwards a Unix socket; cuts each connection after so many bytes as `distance` gives.

    The bytes are counted from the engine to the client. After `cuts` of them it only forwards.
    """

    def __init__(self, host: str, distance: Callable[[], int], cuts: int) -> None:
        self._target = host.removeprefix("unix://")
        self._distance = distance
        self._left = cuts
        self.cuts = 0
        self._folder = tempfile.TemporaryDirectory(prefix="lt", dir=SHORT)
        self.path = Path(self._folder.name, "s")
        self.host = f"unix://{self.path}"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(self._target)
            upward = asyncio.create_task(_copy(reader, up_writer))
            try:
                await self._downward(up_reader, writer)
            finally:
                # First: to wait may be cancelled.
                up_writer.transport.abort()
                upward.cancel()
                await asyncio.gather(upward, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _downward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._distance()
        while data := await reader.read(65_536):
            if len(data) >= left and self._left > 0:
                self._left -= 1
                self.cuts += 1
                writer.write(data[:left])
                await writer.drain()
                return
            left -= len(data)
            writer.write(data)
            await writer.drain()


class SocketProxy:
    """Gives a Unix socket a TCP address on loopback, as long as the context lasts."""

    def __init__(self, host: str) -> None:
        self._target = host.removeprefix("unix://")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> str:
        self._thread.start()
        serve = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result()
        return f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        # A client that has just left may have a connection that is still being accepted.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._target)
        upward = asyncio.create_task(_copy(reader, up_writer, end=True))
        try:
            await _copy(up_reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (up_writer, writer):
                end.transport.abort()
            upward.cancel()
            await asyncio.gather(upward, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, end: bool = False
) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    if end:
        writer.write_eof()


def random_distance(seed: int, most: int) -> Callable[[], int]:
    """Return what draws distances up to `most` bytes, the small ones as often as the large."""
    chosen = random.Random(seed)
    return lambda: round(
        most ** chosen.random() if chosen.random() < 0.3 else chosen.random() * most
    )

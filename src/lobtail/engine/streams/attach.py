"""Attach to a container: what its main process writes from now on, and its stdin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.net.requests import Requests, segment
from lobtail.engine.objects.answer import decode
from lobtail.engine.objects.container import Container
from lobtail.engine.streams.hijacked import TwoWayStream
from lobtail.engine.streams.lookup import inspect_container
from lobtail.errors import (
    ConfigError,
    ConnectionLostError,
    ContainerStateError,
    EngineError,
    LobtailError,
)

if TYPE_CHECKING:
    from lobtail.engine.net.response import Response

__all__ = ["AttachOptions", "AttachStream", "check_attachable"]


class AttachOptions(msgspec.Struct, frozen=True):
    """What is asked of the engine."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    logs: bool = False
    detach_keys: str = ""
    before_start: bool = False

    def query(self) -> dict[str, str]:
        """Return the query of the request."""
        query = {"stream": "1"}
        for name in ("stdin", "stdout", "stderr", "logs"):
            if getattr(self, name):
                query[name] = "1"
        if self.detach_keys:
            query["detachKeys"] = self.detach_keys
        return query


class _WaitError(msgspec.Struct, rename="pascal"):
    message: str = ""


class _Waited(msgspec.Struct, rename="pascal"):
    status_code: int = 0
    error: _WaitError | None = None


class AttachStream(TwoWayStream):
    r"""A container's main process: the frames that it writes, and its stdin.

    ::

        async with engine.containers.attach("db", stdin=True) as stream:
            await stream.write(b"select 1;\n")
            async for frame in stream:
                sys.stdout.buffer.write(frame.payload)
            print("exit code", await stream.wait())

    Frames have nothing to do with lines; with a TTY they are pieces of stdout. The iteration ends
    when the container ends, when the detach keys are written, and where it was not made with
    ``stdin_once`` also after ``write_eof``. Entering it raises:

    - ``EngineError``: there is no such container, …;
    - ``ContainerStateError``: it does not run, or is paused.

    Reading raises ``ConnectionLostError`` or ``TruncatedStream`` where the connection broke, and
    ``ProtocolError`` where what came are not frames. A Unix socket, and a proxy, can break without
    a sign: an end while the container runs on may be that.
    """

    def __init__(self, requests: Requests, name: str, options: AttachOptions) -> None:
        super().__init__(requests, stdin=options.stdin, detach_keys=options.detach_keys)
        self._name = name
        self._options = options
        self._container: Container | None = None
        self._waiting: Response | None = None
        self._exit: asyncio.Task[int] | None = None

    @property
    def container(self) -> Container:
        """What ``inspect`` said of the container when the stream was opened."""
        if self._container is None:
            raise RuntimeError("the stream is not open yet: enter it with 'async with'")
        return self._container

    @property
    def ended(self) -> bool:
        """Whether the container is known to have ended since the stream was opened."""
        task = self._exit
        return task is not None and task.done() and not task.cancelled() and not task.exception()

    async def wait(self) -> int:
        """Wait for the container's end; return its exit code.

        It was asked for before the stream was opened, so it is known also of a container that is
        removed at its end.
        """
        if self._exit is None:
            raise RuntimeError("the stream is not open: enter it with 'async with'")
        try:
            return await asyncio.shield(self._exit)
        except asyncio.CancelledError:
            if not self._exit.cancelled():
                raise
            raise ConnectionLostError("the stream was closed before the container ended") from None

    def _close(self) -> None:
        super()._close()
        if self._exit is not None:
            self._exit.cancel()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._requests.release(waiting)

    def _target(self) -> str:
        return f"/containers/{segment(self.container.id, 'container')}"

    async def _open(self) -> None:
        requests = self._requests
        place = f"/containers/{segment(self._name, 'container')}"
        refusal = None
        try:
            # Asked first: what ends between the two requests would never be heard of.
            self._waiting = await requests.open(
                f"{place}/wait", {"condition": "next-exit"}, method="POST"
            )
        except EngineError as exc:
            refusal = exc
        container = await inspect_container(self._requests, self._name)
        if refusal is not None:
            raise refusal
        assert self._waiting is not None
        if not self._options.before_start or container.state.running:
            check_attachable(container)
        if self._stdin and not container.config.open_stdin:
            raise ConfigError(
                f"the container {container.name.removeprefix('/')!r} was made without stdin "
                "(docker run -i): nothing can be written to it"
            )
        self._container = container
        await self._hijack(f"{self._target()}/attach", self._options.query(), tty=container.tty)
        self._exit = asyncio.create_task(self._wait(self._waiting))
        self._exit.add_done_callback(self._look_again)

    async def _wait(self, response: Response) -> int:
        waited = decode(await response.read(), _Waited, "/wait")
        if waited.error is not None and waited.error.message:
            raise LobtailError(waited.error.message)
        return waited.status_code

    def _look_again(self, task: asyncio.Task[int]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._tell_of_end()


def check_attachable(container: Container) -> None:
    """Refuse a container that would keep whoever attaches to it waiting.

    Raises:
        ContainerStateError: it does not run, or is paused; in docker's words.
    """
    state = container.state
    if not state.running:
        raise ContainerStateError("You cannot attach to a stopped container, start it first")
    if state.paused:
        raise ContainerStateError("You cannot attach to a paused container, unpause it first")
    if state.restarting:
        raise ContainerStateError(
            "You cannot attach to a restarting container, wait until it is running"
        )

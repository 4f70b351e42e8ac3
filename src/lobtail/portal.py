"""Run what is asynchronous for a caller that is not: an event loop in a thread of its own.

``lobtail.sync`` is made of this. A ``BlockingPortal`` has one loop and one thread, both begun
at the first call. Threads may share it; the caller waits where it is, so that Ctrl-C reaches it at
once. What is iterated over comes in batches, one crossing of the threads each, and nothing runs
ahead of the reader.

Three ends are seen to: ``close`` waits until everything has ended; a portal that is forgotten ends
its thread when it is collected, which may be at any moment in any thread and so waits for nothing;
and at the end of the program all portals are closed before Python takes threads down.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import closing, suppress
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

from lobtail.errors import LobtailError

__all__ = ["BlockingPortal", "SyncStream", "SyncWrapper"]

P = ParamSpec("P")
T = TypeVar("T")

# What has not heeded its cancellation by then is left alone, lest the program never ends.
PATIENCE: Final = 5.0

_END: Final = object()


class BlockingPortal:
    """The way into an event loop of its own; ``farewell`` is awaited in the loop at its end."""

    def __init__(self, farewell: Callable[[], Awaitable[None]] | None = None) -> None:
        self._farewell = farewell
        self._lock = threading.Lock()
        self._background: _Background | None = None
        self._closed = False

    def run(
        self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a coroutine function in the loop; wait for its result.

        An exception that ends the waiting, such as Ctrl-C, cancels it.

        Raises:
            RuntimeError: the portal is closed, or belongs to the process that this was forked
                from, or the call comes from the loop itself.
            LobtailError: there can be no loop; too many files are open, say.
        """
        background = self._begun()
        future: Future[T] = Future()
        try:
            # The loop makes the coroutine: one that Ctrl-C keeps from getting there is none.
            background.start(future, partial(function, *args, **kwargs))
            return future.result()
        except CancelledError:
            raise RuntimeError("the engine was closed meanwhile") from None
        except BaseException:
            future.cancel()
            raise
        finally:
            # It holds the exception whose traceback holds this frame.
            del future

    def submit(
        self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Begin a coroutine function in the loop; return its result to come.

        For whoever has an event loop of his own: ``asyncio.wrap_future`` lets him await it. To
        cancel the future is to cancel the coroutine.

        Raises:
            RuntimeError, LobtailError: as ``run``.
        """
        future: Future[T] = Future()
        self._begun().start(future, partial(function, *args, **kwargs))
        return future

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in the loop, where nothing changes meanwhile; return its result."""
        if self._background is None or self._closed:
            return function(*args, **kwargs)

        async def call() -> T:
            return function(*args, **kwargs)

        return self.run(call)

    def later(self, function: Callable[[], object]) -> None:
        """Have a function called in the loop soon; do not wait, and do not mind if it has ended.

        If it returns a coroutine, that is run. This is safe at any moment, in any thread.
        """
        background = self._background
        if background is not None and background.pid == os.getpid():
            background.later(function)

    def batches(self, source: AsyncIterable[T]) -> Generator[T, None, None]:
        """Iterate over an asynchronous iterable, one crossing of the threads an item.

        Leaving the iteration ends the one in the loop.
        """
        iterator = aiter(source)
        try:
            while (item := self.run(_next, iterator)) is not _END:
                yield cast("T", item)
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                self.later(close)

    def items(self, source: AsyncIterable[Iterable[T]]) -> Iterator[T]:
        """Iterate over the items of batches."""
        with closing(self.batches(source)) as batches:
            for batch in batches:
                yield from batch

    def close(self) -> None:
        """End all that runs in the loop, and the thread; wait until that is done."""
        self._closed = True
        background = self._background
        if background is not None:
            background.check()
            background.end()

    def _begun(self) -> _Background:
        """Return the loop's thread, begun if it was not."""
        background = self._background
        if background is None:
            with self._lock:
                if self._background is None:
                    self._refuse_closed()
                    self._background = _Background(self._farewell)
                    # The thread must not keep the portal alive.
                    weakref.finalize(self, _forget, self._background).atexit = False
                background = self._background
        background.check()
        self._refuse_closed()
        return background

    def _refuse_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the engine is closed: make another one")


class SyncWrapper:
    """A blocking object in front of an asynchronous one, whose type each says for itself."""

    _async: Any

    def __init__(self, portal: BlockingPortal, inner: Any) -> None:
        self._portal = portal
        self._async = inner


class SyncStream(SyncWrapper):
    """A blocking stream: one that is forgotten without being closed is closed."""

    def __del__(self) -> None:
        self._portal.later(self._close)

    @property
    def _close(self) -> Callable[[], object]:
        """What ends the stream in the loop."""
        close: Callable[[], object] = self._async.aclose
        return close


class _Background:
    """An event loop in a thread. Nothing in it knows the portal.

    Raises:
        LobtailError: the system has no more of what a loop takes.
    """

    def __init__(self, farewell: Callable[[], Awaitable[None]] | None) -> None:
        self.pid = os.getpid()
        self._farewell = farewell
        self._ready = threading.Event()
        self._failure: OSError | None = None  # why there is no loop
        self._futures: set[Future[Any]] = set()
        # Python would wait for any other thread at its end before ours could be told to stop.
        self._thread = threading.Thread(target=self._serve, name="lobtail", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise LobtailError(
                f"no event loop can be made: {self._failure.strerror}"
            ) from self._failure
        _living.add(self)

    def check(self) -> None:
        """Refuse callers that would wait for ever.

        Raises:
            RuntimeError: this process has not the thread, or the caller is the thread.
        """
        if self.pid != os.getpid():
            raise RuntimeError(
                f"this engine was opened in process {self.pid} and cannot be used after a fork: "
                "make another one in each process"
            )
        if threading.get_ident() == self._thread.ident:
            raise RuntimeError(
                "the blocking engine was called from its own event loop, for which it would wait: "
                "call it from another thread"
            )

    def start(self, future: Future[T], function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Have a coroutine run, and its result in ``future``, whose cancelling cancels it.

        Raises:
            RuntimeError: the loop has ended.
        """
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        try:
            self.loop.call_soon_threadsafe(self._start, future, function)
        except RuntimeError:
            raise RuntimeError("the engine was closed meanwhile") from None

    def later(self, function: Callable[[], object]) -> None:
        """Have a function called soon."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self._call, function)

    def end(self, *, wait: bool = True) -> None:
        """End the loop and the thread."""
        _living.discard(self)
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stop.set)
        if wait and threading.get_ident() != self._thread.ident:
            self._thread.join(PATIENCE)

    def _serve(self) -> None:
        try:
            # It cancels what is left, and closes generators and the loop.
            with asyncio.Runner() as runner:
                runner.run(self._main())
        except OSError as exc:
            if self._ready.is_set():
                raise
            # Too many files are open, say. Whoever begins us waits to hear of it.
            self._failure = exc
            self._ready.set()
        # Who came too late waits for nothing.
        for future in list(self._futures):
            future.cancel()

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Future[Any]] = set()
        self._ready.set()
        await self._stop.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        if self._farewell is not None:
            await _finish(self._farewell())
        # Transports close in the next turn.
        await asyncio.sleep(0)

    def _start(self, future: Future[T], function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        if self._stop.is_set():
            future.cancel()
        if future.cancelled():
            return
        task = self.loop.create_task(function())

        def cancel(future: Future[T]) -> None:
            if future.cancelled():
                with suppress(RuntimeError):
                    self.loop.call_soon_threadsafe(task.cancel)

        def finish(task: asyncio.Task[T]) -> None:
            with suppress(InvalidStateError):  # nobody waits any more
                if task.cancelled():
                    future.cancel()
                elif (error := task.exception()) is not None:
                    future.set_exception(error)
                else:
                    future.set_result(task.result())

        task.add_done_callback(finish)
        future.add_done_callback(cancel)

    def _call(self, function: Callable[[], object]) -> None:
        if self._stop.is_set():
            return  # all is being ended
        with suppress(RuntimeError):  # a generator that is running ends by itself
            result = function()
            if asyncio.iscoroutine(result) or hasattr(result, "__await__"):
                task = asyncio.ensure_future(_finish(result))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


async def _next(iterator: AsyncIterator[T]) -> T | object:
    return await anext(iterator, _END)


async def _finish(awaitable: Any) -> None:
    # Nobody is left who could be told.
    with suppress(Exception):
        await awaitable


_living: set[_Background] = set()


def _forget(background: _Background) -> None:
    if background.pid == os.getpid():
        background.end(wait=False)


@atexit.register
def _end_all() -> None:
    ours = [background for background in list(_living) if background.pid == os.getpid()]
    for background in ours:
        background.end(wait=False)
    for background in ours:
        background.end()

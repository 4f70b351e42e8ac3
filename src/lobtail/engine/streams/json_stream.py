"""Read an answer that the engine goes on with: JSON values, as they come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from lobtail.errors import ConnectionLostError, LobtailError, ProtocolError

if TYPE_CHECKING:
    from lobtail.engine.net.requests import Requests
    from lobtail.engine.net.response import Response

__all__ = ["JsonStream"]

T = TypeVar("T")

MAX_VALUE: Final = 1 << 20  # a container with many long labels has events of some 10 KiB


class JsonStream(ABC, Generic[T]):
    """A stream of JSON values, a line each: iterate over it once, with ``async for``.

    Nothing is asked of the engine before it is entered or read. Leaving the loop, or the context,
    closes the connection.
    """

    _method: str = "GET"
    _works: bool = False
    """Whether the engine may have to work before it begins to answer."""

    def __init__(self, requests: Requests, target: str, query: Mapping[str, str]) -> None:
        self._requests = requests
        self._target = target
        self._query = dict(query)
        self._headers: dict[str, str] = {}
        self._response: Response | None = None
        self._opened = False
        self._closed = False

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

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                for value in batch:
                    yield value

    async def batches(self) -> AsyncGenerator[list[T], None]:
        """Iterate over lists instead, never empty: what one look at the connection brought."""
        await self._open()
        rest = b""
        try:
            while (batch := await self._batch()) is not None:
                *lines, rest = (rest + b"".join(batch)).split(b"\n")
                if len(rest) > MAX_VALUE:
                    raise ProtocolError(
                        f"a value in the answer to {self._target} is longer than {MAX_VALUE} bytes"
                    )
                for values in self._values(lines):
                    yield values
            if self._response is None:  # closed meanwhile
                return
            for values in self._values([rest]):
                yield values
            self._ended()
        except ConnectionLostError:
            if self._response is not None:
                raise
        finally:
            self._close()

    def _values(self, lines: list[bytes]) -> Iterator[list[T]]:
        """Return what lines say; what stands before an error comes before it."""
        values: list[T] = []
        try:
            for line in lines:
                if line.strip():
                    values.append(self._value(line))  # noqa: PERF401 - kept if a later one fails
        except LobtailError:
            if values:
                yield values
            raise
        if values:
            yield values

    # --- for those who derive from it -------------------------------------------------------

    async def _prepare(self) -> None:
        """Find out what must be known before the request."""

    def _patience(self) -> float | None:
        """Return how many seconds of silence are borne; None for ever."""
        return self._requests.timeout

    def _ended(self) -> None:
        """Judge that the engine has ended the stream."""

    @abstractmethod
    def _value(self, line: bytes) -> T:
        """Return what a line says."""

    async def _open(self) -> None:
        if self._response is not None:
            return
        if self._opened:
            raise RuntimeError("the stream has been read: open another")
        if self._closed:
            return
        await self._prepare()
        self._response = await self._requests.open(
            self._target,
            self._query,
            method=self._method,
            headers=self._headers,
            timeout=self._requests.work_timeout if self._works else ...,
        )
        self._opened = True
        self._heed_close()

    def _heed_close(self) -> None:
        """Close what was opened while another task closed it."""
        if self._closed:
            self._close()

    async def _batch(self) -> list[bytes] | None:
        if self._response is None:  # closed meanwhile
            return None
        patience = self._patience()
        try:
            return await self._response.batch(patience)
        except TimeoutError as exc:
            raise ConnectionLostError(
                f"the engine at {self._requests.endpoint} fell silent for {patience:g} s"
            ) from exc

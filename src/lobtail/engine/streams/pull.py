"""Pull an image, and tell how far that is."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec

from lobtail.engine.net.requests import Requests
from lobtail.engine.objects.answer import decode, encode
from lobtail.engine.objects.pull import Credentials, PullProgress
from lobtail.engine.streams.json_stream import JsonStream
from lobtail.errors import EngineStreamError

__all__ = ["PullStream"]


class _Detail(msgspec.Struct, frozen=True):
    current: int | None = None
    total: int | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Step(msgspec.Struct, frozen=True, rename="camel"):
    status: str = ""
    stream: str = ""  # Podman's word for it
    id: str = ""
    progress_detail: _Detail | None = None
    error: str = ""
    error_detail: _Error | None = None


class PullStream(JsonStream[PullProgress]):
    """The progress of a pull, which begins when this is entered or read, and ends with it.

    ::

        async for step in engine.images.pull("busybox:1.36"):
            print(step.id, step.status, step.current, step.total)

    ``await pull.wait()`` reads it to its end for those who need no progress. Leaving earlier gives
    the pull up. What goes wrong in the middle raises ``EngineStreamError``.
    """

    _method = "POST"
    _works = True

    def __init__(
        self, requests: Requests, query: Mapping[str, str], auth: Credentials | None
    ) -> None:
        super().__init__(requests, "/images/create", query)
        if auth is not None:
            encoded = base64.urlsafe_b64encode(encode(auth)).decode()
            self._headers = {"X-Registry-Auth": encoded}

    async def wait(self) -> None:
        """Read to the end.

        Raises:
            EngineError: the engine refuses, or the registry has no such image.
            EngineStreamError: the pull failed in the middle.
        """
        async for _ in self:
            pass

    def _patience(self) -> float | None:
        # A large layer is checked without a word.
        return self._requests.work_timeout

    def _value(self, line: bytes) -> PullProgress:
        step = decode(line, _Step, self._target)
        error = step.error or (step.error_detail.message if step.error_detail else "")
        if error:
            raise EngineStreamError(" ".join(error.split()))
        detail = step.progress_detail or _Detail()
        status = (step.status or step.stream).strip()
        total = detail.total if detail.total and detail.total > 0 else None
        return PullProgress(status, step.id, detail.current, total)

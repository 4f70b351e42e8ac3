"""Pull an image, and tell how far that is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from lobtail.engine.models import decode, encode
from lobtail.engine.requests import PATIENCE
from lobtail.engine.streams import JsonStream
from lobtail.errors import EngineStreamError

if TYPE_CHECKING:
    from lobtail.engine.client import EngineClient

__all__ = ["Credentials", "PullProgress", "PullStream"]


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a registry wants to know: a user and a password, or a token."""

    username: str = ""
    password: str = msgspec.field(default="")
    identitytoken: str = ""
    serveraddress: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class PullProgress(msgspec.Struct, frozen=True):
    """A step of a pull."""

    status: str = ""
    """``Pulling fs layer``, ``Downloading``, ``Extracting``, ``Pull complete``, …"""
    id: str = ""
    """The layer, or the tag; empty for what concerns all."""
    current: int | None = None
    """Bytes so far; None if this is no progress in bytes."""
    total: int | None = None
    """Bytes in all, where they are known."""


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
    _work = PATIENCE

    def __init__(
        self, engine: EngineClient, query: Mapping[str, str], auth: Credentials | None
    ) -> None:
        super().__init__(engine, "/images/create", query)
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
        return self._engine.timeout * PATIENCE

    def _value(self, line: bytes) -> PullProgress:
        step = decode(line, _Step, self._target)
        error = step.error or (step.error_detail.message if step.error_detail else "")
        if error:
            raise EngineStreamError(" ".join(error.split()))
        detail = step.progress_detail or _Detail()
        status = (step.status or step.stream).strip()
        total = detail.total if detail.total and detail.total > 0 else None
        return PullProgress(status, step.id, detail.current, total)

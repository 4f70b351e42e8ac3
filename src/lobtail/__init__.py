"""Tail the logs of Docker and Podman containers as they were written.

Public names are imported when they are first used (PEP 562), so that ``import lobtail`` is cheap
and a program that only needs ``stdcopy`` never loads an HTTP parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lobtail._version import __version__

if TYPE_CHECKING:
    from lobtail.api import Engine
    from lobtail.core.frames import Frame, FrameDecoder, RawDecoder, Stream
    from lobtail.demultiplex import ademux, demux, stdcopy
    from lobtail.engine.logs import LogStream
    from lobtail.engine.models import Container, ContainerSummary, Ping, Version
    from lobtail.errors import (
        ConfigError,
        ConnectError,
        ConnectionLostError,
        EngineError,
        EngineStreamError,
        LobtailError,
        ProtocolError,
        TruncatedStream,
    )

_HOME = {
    "ConfigError": "lobtail.errors",
    "ConnectError": "lobtail.errors",
    "ConnectionLostError": "lobtail.errors",
    "Container": "lobtail.engine.models",
    "ContainerSummary": "lobtail.engine.models",
    "Engine": "lobtail.api",
    "EngineError": "lobtail.errors",
    "EngineStreamError": "lobtail.errors",
    "Frame": "lobtail.core.frames",
    "FrameDecoder": "lobtail.core.frames",
    "LobtailError": "lobtail.errors",
    "LogStream": "lobtail.engine.logs",
    "Ping": "lobtail.engine.models",
    "ProtocolError": "lobtail.errors",
    "RawDecoder": "lobtail.core.frames",
    "Stream": "lobtail.core.frames",
    "TruncatedStream": "lobtail.errors",
    "Version": "lobtail.engine.models",
    "ademux": "lobtail.demultiplex",
    "demux": "lobtail.demultiplex",
    "stdcopy": "lobtail.demultiplex",
}

__all__ = [
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "Container",
    "ContainerSummary",
    "Engine",
    "EngineError",
    "EngineStreamError",
    "Frame",
    "FrameDecoder",
    "LobtailError",
    "LogStream",
    "Ping",
    "ProtocolError",
    "RawDecoder",
    "Stream",
    "TruncatedStream",
    "Version",
    "__version__",
    "ademux",
    "demux",
    "stdcopy",
]


if not TYPE_CHECKING:  # a checker would take it for a promise of any name at all

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'lobtail' has no attribute {name!r}")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__

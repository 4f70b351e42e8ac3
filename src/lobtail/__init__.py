"""Tail the logs of Docker and Podman containers as they were written.

Public names are imported when they are first used (PEP 562), so that ``import lobtail`` is cheap
and a program that only needs ``stdcopy`` never loads an HTTP parser.
"""

from __future__ import annotations

from lobtail._version import __version__

# Importing it from typing takes longer than all the rest; checkers take the name for true.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from lobtail.api import Engine, tail_engines, tail_files
    from lobtail.core.frames import Frame, FrameDecoder, RawDecoder, Stream
    from lobtail.core.levels import Level
    from lobtail.core.model import (
        ContainerRef,
        Dropped,
        Gap,
        Item,
        Line,
        Mark,
        Removed,
        Resumed,
        Skipped,
        Started,
        Stopped,
    )
    from lobtail.core.query import Query
    from lobtail.demultiplex import ademux, demux, stdcopy
    from lobtail.engine.attach import AttachStream
    from lobtail.engine.disk import DiskUsage, Usage
    from lobtail.engine.endpoint import Endpoint
    from lobtail.engine.events import Event, EventStream
    from lobtail.engine.exec import ExecStream
    from lobtail.engine.images import HistoryEntry, Image, ImageRemoval, Images, ImageSummary
    from lobtail.engine.lifecycle import WaitCondition
    from lobtail.engine.lifecycle_models import Pruned, Top
    from lobtail.engine.logs import LogStream
    from lobtail.engine.models import Container, ContainerSummary, Filters, Ping, State
    from lobtail.engine.networks import Network, Networks
    from lobtail.engine.pull import Credentials, PullProgress, PullStream
    from lobtail.engine.stats import Stats, StatsStream
    from lobtail.engine.swarm import Nodes, Services, Tasks
    from lobtail.engine.swarm_logs import ServiceLogStream, TaskLogStream
    from lobtail.engine.swarm_models import Node, Service, Task
    from lobtail.engine.system import Info, Version
    from lobtail.engine.tls import Tls
    from lobtail.engine.volumes import Volume, Volumes
    from lobtail.errors import (
        ConfigError,
        ConnectError,
        ConnectionLostError,
        ContainerStateError,
        EngineError,
        EngineStreamError,
        LobtailError,
        LogFileError,
        LogsEndedError,
        NotFoundError,
        ProtocolError,
        QueryError,
        TruncatedStream,
    )
    from lobtail.session.discovery import Tail
    from lobtail.session.file_tail import TailFiles
    from lobtail.session.multi_engine import TailEngines

_HOME = {
    "AttachStream": "lobtail.engine.attach",
    "ConfigError": "lobtail.errors",
    "ConnectError": "lobtail.errors",
    "ConnectionLostError": "lobtail.errors",
    "Container": "lobtail.engine.models",
    "ContainerRef": "lobtail.core.model",
    "ContainerStateError": "lobtail.errors",
    "ContainerSummary": "lobtail.engine.models",
    "Credentials": "lobtail.engine.pull",
    "DiskUsage": "lobtail.engine.disk",
    "Dropped": "lobtail.core.model",
    "Endpoint": "lobtail.engine.endpoint",
    "Engine": "lobtail.api",
    "EngineError": "lobtail.errors",
    "EngineStreamError": "lobtail.errors",
    "Event": "lobtail.engine.events",
    "EventStream": "lobtail.engine.events",
    "ExecStream": "lobtail.engine.exec",
    "Filters": "lobtail.engine.models",
    "Frame": "lobtail.core.frames",
    "FrameDecoder": "lobtail.core.frames",
    "Gap": "lobtail.core.model",
    "HistoryEntry": "lobtail.engine.images",
    "Image": "lobtail.engine.images",
    "ImageRemoval": "lobtail.engine.images",
    "ImageSummary": "lobtail.engine.images",
    "Images": "lobtail.engine.images",
    "Info": "lobtail.engine.system",
    "Item": "lobtail.core.model",
    "Level": "lobtail.core.levels",
    "Line": "lobtail.core.model",
    "LobtailError": "lobtail.errors",
    "LogFileError": "lobtail.errors",
    "LogsEndedError": "lobtail.errors",
    "LogStream": "lobtail.engine.logs",
    "Mark": "lobtail.core.model",
    "Network": "lobtail.engine.networks",
    "Networks": "lobtail.engine.networks",
    "Node": "lobtail.engine.swarm_models",
    "Nodes": "lobtail.engine.swarm",
    "NotFoundError": "lobtail.errors",
    "Ping": "lobtail.engine.models",
    "ProtocolError": "lobtail.errors",
    "Pruned": "lobtail.engine.lifecycle_models",
    "PullProgress": "lobtail.engine.pull",
    "PullStream": "lobtail.engine.pull",
    "Query": "lobtail.core.query",
    "QueryError": "lobtail.errors",
    "RawDecoder": "lobtail.core.frames",
    "Removed": "lobtail.core.model",
    "Resumed": "lobtail.core.model",
    "Service": "lobtail.engine.swarm_models",
    "ServiceLogStream": "lobtail.engine.swarm_logs",
    "Services": "lobtail.engine.swarm",
    "Skipped": "lobtail.core.model",
    "Started": "lobtail.core.model",
    "State": "lobtail.engine.models",
    "Stats": "lobtail.engine.stats",
    "StatsStream": "lobtail.engine.stats",
    "Stopped": "lobtail.core.model",
    "Stream": "lobtail.core.frames",
    "Tail": "lobtail.session.discovery",
    "TailEngines": "lobtail.session.multi_engine",
    "TailFiles": "lobtail.session.file_tail",
    "Task": "lobtail.engine.swarm_models",
    "TaskLogStream": "lobtail.engine.swarm_logs",
    "Tasks": "lobtail.engine.swarm",
    "Tls": "lobtail.engine.tls",
    "Top": "lobtail.engine.lifecycle_models",
    "TruncatedStream": "lobtail.errors",
    "Usage": "lobtail.engine.disk",
    "Version": "lobtail.engine.system",
    "Volume": "lobtail.engine.volumes",
    "Volumes": "lobtail.engine.volumes",
    "WaitCondition": "lobtail.engine.lifecycle",
    "ademux": "lobtail.demultiplex",
    "demux": "lobtail.demultiplex",
    "stdcopy": "lobtail.demultiplex",
    "tail_engines": "lobtail.api",
    "tail_files": "lobtail.api",
}

__all__ = [
    "AttachStream",
    "ConfigError",
    "ConnectError",
    "ConnectionLostError",
    "Container",
    "ContainerRef",
    "ContainerStateError",
    "ContainerSummary",
    "Credentials",
    "DiskUsage",
    "Dropped",
    "Endpoint",
    "Engine",
    "EngineError",
    "EngineStreamError",
    "Event",
    "EventStream",
    "ExecStream",
    "Filters",
    "Frame",
    "FrameDecoder",
    "Gap",
    "HistoryEntry",
    "Image",
    "ImageRemoval",
    "ImageSummary",
    "Images",
    "Info",
    "Item",
    "Level",
    "Line",
    "LobtailError",
    "LogFileError",
    "LogStream",
    "LogsEndedError",
    "Mark",
    "Network",
    "Networks",
    "Node",
    "Nodes",
    "NotFoundError",
    "Ping",
    "ProtocolError",
    "Pruned",
    "PullProgress",
    "PullStream",
    "Query",
    "QueryError",
    "RawDecoder",
    "Removed",
    "Resumed",
    "Service",
    "ServiceLogStream",
    "Services",
    "Skipped",
    "Started",
    "State",
    "Stats",
    "StatsStream",
    "Stopped",
    "Stream",
    "Tail",
    "TailEngines",
    "TailFiles",
    "Task",
    "TaskLogStream",
    "Tasks",
    "Tls",
    "Top",
    "TruncatedStream",
    "Usage",
    "Version",
    "Volume",
    "Volumes",
    "WaitCondition",
    "__version__",
    "ademux",
    "demux",
    "stdcopy",
    "tail_engines",
    "tail_files",
]


if not TYPE_CHECKING:  # a checker would take it for a promise of any name at all

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'lobtail' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__

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
    from lobtail.model.frames import Frame, FrameDecoder, RawDecoder, Stream
    from lobtail.model.items import (
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
    from lobtail.model.levels import Level
    from lobtail.query.query import Query
    from lobtail.session.discovery import Tail
    from lobtail.session.file_tail import TailFiles
    from lobtail.session.multi_engine import TailEngines

_HOME = {
    "AttachStream": "lobtail.engine.attach",
    "ConfigError": "lobtail.errors",
    "ConnectError": "lobtail.errors",
    "ConnectionLostError": "lobtail.errors",
    "Container": "lobtail.engine.models",
    "ContainerRef": "lobtail.model.items",
    "ContainerStateError": "lobtail.errors",
    "ContainerSummary": "lobtail.engine.models",
    "Credentials": "lobtail.engine.pull",
    "DiskUsage": "lobtail.engine.disk",
    "Dropped": "lobtail.model.items",
    "Endpoint": "lobtail.engine.endpoint",
    "Engine": "lobtail.api",
    "EngineError": "lobtail.errors",
    "EngineStreamError": "lobtail.errors",
    "Event": "lobtail.engine.events",
    "EventStream": "lobtail.engine.events",
    "ExecStream": "lobtail.engine.exec",
    "Filters": "lobtail.engine.models",
    "Frame": "lobtail.model.frames",
    "FrameDecoder": "lobtail.model.frames",
    "Gap": "lobtail.model.items",
    "HistoryEntry": "lobtail.engine.images",
    "Image": "lobtail.engine.images",
    "ImageRemoval": "lobtail.engine.images",
    "ImageSummary": "lobtail.engine.images",
    "Images": "lobtail.engine.images",
    "Info": "lobtail.engine.system",
    "Item": "lobtail.model.items",
    "Level": "lobtail.model.levels",
    "Line": "lobtail.model.items",
    "LobtailError": "lobtail.errors",
    "LogFileError": "lobtail.errors",
    "LogsEndedError": "lobtail.errors",
    "LogStream": "lobtail.engine.logs",
    "Mark": "lobtail.model.items",
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
    "Query": "lobtail.query.query",
    "QueryError": "lobtail.errors",
    "RawDecoder": "lobtail.model.frames",
    "Removed": "lobtail.model.items",
    "Resumed": "lobtail.model.items",
    "Service": "lobtail.engine.swarm_models",
    "ServiceLogStream": "lobtail.engine.swarm_logs",
    "Services": "lobtail.engine.swarm",
    "Skipped": "lobtail.model.items",
    "Started": "lobtail.model.items",
    "State": "lobtail.engine.models",
    "Stats": "lobtail.engine.stats",
    "StatsStream": "lobtail.engine.stats",
    "Stopped": "lobtail.model.items",
    "Stream": "lobtail.model.frames",
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

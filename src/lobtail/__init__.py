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
    from lobtail.engine.api.containers import Containers, WaitCondition
    from lobtail.engine.api.images import Images
    from lobtail.engine.api.networks import Networks
    from lobtail.engine.api.swarm import Nodes, Services, Tasks
    from lobtail.engine.api.volumes import Volumes
    from lobtail.engine.config.endpoint import Endpoint
    from lobtail.engine.config.tls import Tls
    from lobtail.engine.objects.answer import Filters, Ping
    from lobtail.engine.objects.container import Container, ContainerSummary, State
    from lobtail.engine.objects.disk import DiskUsage, Usage
    from lobtail.engine.objects.event import Event
    from lobtail.engine.objects.image import HistoryEntry, Image, ImageRemoval, ImageSummary
    from lobtail.engine.objects.lifecycle import Pruned, Top
    from lobtail.engine.objects.network import Network
    from lobtail.engine.objects.pull import Credentials, PullProgress
    from lobtail.engine.objects.stats import Stats
    from lobtail.engine.objects.swarm import Node, Service, Task
    from lobtail.engine.objects.system import Info, Version
    from lobtail.engine.objects.volume import Volume
    from lobtail.engine.streams.attach import AttachStream
    from lobtail.engine.streams.events import EventStream
    from lobtail.engine.streams.exec import ExecStream
    from lobtail.engine.streams.logs import LogStream
    from lobtail.engine.streams.pull import PullStream
    from lobtail.engine.streams.stats import StatsStream
    from lobtail.engine.streams.swarm_logs import ServiceLogStream, TaskLogStream
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
    "AttachStream": "lobtail.engine.streams.attach",
    "ConfigError": "lobtail.errors",
    "ConnectError": "lobtail.errors",
    "ConnectionLostError": "lobtail.errors",
    "Container": "lobtail.engine.objects.container",
    "ContainerRef": "lobtail.model.items",
    "Containers": "lobtail.engine.api.containers",
    "ContainerStateError": "lobtail.errors",
    "ContainerSummary": "lobtail.engine.objects.container",
    "Credentials": "lobtail.engine.objects.pull",
    "DiskUsage": "lobtail.engine.objects.disk",
    "Dropped": "lobtail.model.items",
    "Endpoint": "lobtail.engine.config.endpoint",
    "Engine": "lobtail.api",
    "EngineError": "lobtail.errors",
    "EngineStreamError": "lobtail.errors",
    "Event": "lobtail.engine.objects.event",
    "EventStream": "lobtail.engine.streams.events",
    "ExecStream": "lobtail.engine.streams.exec",
    "Filters": "lobtail.engine.objects.answer",
    "Frame": "lobtail.model.frames",
    "FrameDecoder": "lobtail.model.frames",
    "Gap": "lobtail.model.items",
    "HistoryEntry": "lobtail.engine.objects.image",
    "Image": "lobtail.engine.objects.image",
    "ImageRemoval": "lobtail.engine.objects.image",
    "ImageSummary": "lobtail.engine.objects.image",
    "Images": "lobtail.engine.api.images",
    "Info": "lobtail.engine.objects.system",
    "Item": "lobtail.model.items",
    "Level": "lobtail.model.levels",
    "Line": "lobtail.model.items",
    "LobtailError": "lobtail.errors",
    "LogFileError": "lobtail.errors",
    "LogsEndedError": "lobtail.errors",
    "LogStream": "lobtail.engine.streams.logs",
    "Mark": "lobtail.model.items",
    "Network": "lobtail.engine.objects.network",
    "Networks": "lobtail.engine.api.networks",
    "Node": "lobtail.engine.objects.swarm",
    "Nodes": "lobtail.engine.api.swarm",
    "NotFoundError": "lobtail.errors",
    "Ping": "lobtail.engine.objects.answer",
    "ProtocolError": "lobtail.errors",
    "Pruned": "lobtail.engine.objects.lifecycle",
    "PullProgress": "lobtail.engine.objects.pull",
    "PullStream": "lobtail.engine.streams.pull",
    "Query": "lobtail.query.query",
    "QueryError": "lobtail.errors",
    "RawDecoder": "lobtail.model.frames",
    "Removed": "lobtail.model.items",
    "Resumed": "lobtail.model.items",
    "Service": "lobtail.engine.objects.swarm",
    "ServiceLogStream": "lobtail.engine.streams.swarm_logs",
    "Services": "lobtail.engine.api.swarm",
    "Skipped": "lobtail.model.items",
    "Started": "lobtail.model.items",
    "State": "lobtail.engine.objects.container",
    "Stats": "lobtail.engine.objects.stats",
    "StatsStream": "lobtail.engine.streams.stats",
    "Stopped": "lobtail.model.items",
    "Stream": "lobtail.model.frames",
    "Tail": "lobtail.session.discovery",
    "TailEngines": "lobtail.session.multi_engine",
    "TailFiles": "lobtail.session.file_tail",
    "Task": "lobtail.engine.objects.swarm",
    "TaskLogStream": "lobtail.engine.streams.swarm_logs",
    "Tasks": "lobtail.engine.api.swarm",
    "Tls": "lobtail.engine.config.tls",
    "Top": "lobtail.engine.objects.lifecycle",
    "TruncatedStream": "lobtail.errors",
    "Usage": "lobtail.engine.objects.disk",
    "Version": "lobtail.engine.objects.system",
    "Volume": "lobtail.engine.objects.volume",
    "Volumes": "lobtail.engine.api.volumes",
    "WaitCondition": "lobtail.engine.api.containers",
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
    "Containers",
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

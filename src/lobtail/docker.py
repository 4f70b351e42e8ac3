"""What engines say of their objects, the streams that they send, and how they are reached.

The imports below are the list of the public names; they are carried out when a name is first used.
"""

TYPE_CHECKING = False


if TYPE_CHECKING:
    from lobtail.engine.api.containers import Containers as Containers
    from lobtail.engine.api.containers import WaitCondition as WaitCondition
    from lobtail.engine.api.images import Images as Images
    from lobtail.engine.api.networks import Networks as Networks
    from lobtail.engine.api.swarm import Nodes as Nodes
    from lobtail.engine.api.swarm import Services as Services
    from lobtail.engine.api.swarm import Tasks as Tasks
    from lobtail.engine.api.volumes import Volumes as Volumes
    from lobtail.engine.config.endpoint import Endpoint as Endpoint
    from lobtail.engine.config.tls import Tls as Tls
    from lobtail.engine.objects.answer import Filters as Filters
    from lobtail.engine.objects.answer import Identifier as Identifier
    from lobtail.engine.objects.answer import Ping as Ping
    from lobtail.engine.objects.container import Config as Config
    from lobtail.engine.objects.container import Container as Container
    from lobtail.engine.objects.container import ContainerSummary as ContainerSummary
    from lobtail.engine.objects.container import Health as Health
    from lobtail.engine.objects.container import HostConfig as HostConfig
    from lobtail.engine.objects.container import LogConfig as LogConfig
    from lobtail.engine.objects.container import Mount as Mount
    from lobtail.engine.objects.container import NetworkEndpoint as NetworkEndpoint
    from lobtail.engine.objects.container import NetworkSettings as NetworkSettings
    from lobtail.engine.objects.container import Port as Port
    from lobtail.engine.objects.container import PortBinding as PortBinding
    from lobtail.engine.objects.container import Probe as Probe
    from lobtail.engine.objects.container import RestartPolicy as RestartPolicy
    from lobtail.engine.objects.container import State as State
    from lobtail.engine.objects.disk import BuildCache as BuildCache
    from lobtail.engine.objects.disk import DiskUsage as DiskUsage
    from lobtail.engine.objects.disk import Usage as Usage
    from lobtail.engine.objects.event import Actor as Actor
    from lobtail.engine.objects.event import Event as Event
    from lobtail.engine.objects.image import HistoryEntry as HistoryEntry
    from lobtail.engine.objects.image import Image as Image
    from lobtail.engine.objects.image import ImageRemoval as ImageRemoval
    from lobtail.engine.objects.image import ImageSummary as ImageSummary
    from lobtail.engine.objects.image import RootFS as RootFS
    from lobtail.engine.objects.lifecycle import Pruned as Pruned
    from lobtail.engine.objects.lifecycle import Top as Top
    from lobtail.engine.objects.network import IPAM as IPAM
    from lobtail.engine.objects.network import Network as Network
    from lobtail.engine.objects.network import NetworkContainer as NetworkContainer
    from lobtail.engine.objects.network import Subnet as Subnet
    from lobtail.engine.objects.pull import Credentials as Credentials
    from lobtail.engine.objects.pull import PullProgress as PullProgress
    from lobtail.engine.objects.stats import CpuStats as CpuStats
    from lobtail.engine.objects.stats import CpuUsage as CpuUsage
    from lobtail.engine.objects.stats import DiskCount as DiskCount
    from lobtail.engine.objects.stats import DiskStats as DiskStats
    from lobtail.engine.objects.stats import MemoryStats as MemoryStats
    from lobtail.engine.objects.stats import NetworkStats as NetworkStats
    from lobtail.engine.objects.stats import PidsStats as PidsStats
    from lobtail.engine.objects.stats import Sample as Sample
    from lobtail.engine.objects.stats import Stats as Stats
    from lobtail.engine.objects.swarm import ContainerStatus as ContainerStatus
    from lobtail.engine.objects.swarm import LogDriver as LogDriver
    from lobtail.engine.objects.swarm import Node as Node
    from lobtail.engine.objects.swarm import NodeDescription as NodeDescription
    from lobtail.engine.objects.swarm import NodeSpec as NodeSpec
    from lobtail.engine.objects.swarm import NodeStatus as NodeStatus
    from lobtail.engine.objects.swarm import Replicated as Replicated
    from lobtail.engine.objects.swarm import Service as Service
    from lobtail.engine.objects.swarm import ServiceMode as ServiceMode
    from lobtail.engine.objects.swarm import ServiceSpec as ServiceSpec
    from lobtail.engine.objects.swarm import SwarmContainer as SwarmContainer
    from lobtail.engine.objects.swarm import Task as Task
    from lobtail.engine.objects.swarm import TaskSpec as TaskSpec
    from lobtail.engine.objects.swarm import TaskStatus as TaskStatus
    from lobtail.engine.objects.system import Component as Component
    from lobtail.engine.objects.system import Info as Info
    from lobtail.engine.objects.system import Swarm as Swarm
    from lobtail.engine.objects.system import Version as Version
    from lobtail.engine.objects.volume import Volume as Volume
    from lobtail.engine.objects.volume import VolumeUsage as VolumeUsage
    from lobtail.engine.streams.attach import AttachStream as AttachStream
    from lobtail.engine.streams.events import EventStream as EventStream
    from lobtail.engine.streams.exec import ExecStream as ExecStream
    from lobtail.engine.streams.logs import LogStream as LogStream
    from lobtail.engine.streams.pull import PullStream as PullStream
    from lobtail.engine.streams.stats import StatsStream as StatsStream
    from lobtail.engine.streams.swarm_logs import ServiceLogStream as ServiceLogStream
    from lobtail.engine.streams.swarm_logs import TaskLogStream as TaskLogStream
    from lobtail.model.frames import RawDecoder as RawDecoder
    from lobtail.model.records import Record as Record
else:

    def __getattr__(name: str) -> object:
        from lobtail._lazy import find

        return find(__name__, name)

    def __dir__() -> list[str]:
        from lobtail._lazy import public_names

        return public_names(__name__)

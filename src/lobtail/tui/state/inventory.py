"""What an engine has, as rows of lists: projects, containers, images, volumes, networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from lobtail.engine.objects.container import ContainerSummary
from lobtail.engine.objects.image import ImageSummary
from lobtail.engine.objects.network import Network
from lobtail.engine.objects.volume import Volume
from lobtail.model.items import ContainerRef
from lobtail.model.sanitize import sanitize
from lobtail.query.selection import ContainerSelector
from lobtail.tui.state.ending import Ending
from lobtail.tui.state.target import Target
from lobtail.tui.state.usage import Usage

__all__ = ["KINDS", "SORTS", "Inventory", "Kind", "Row", "Sort", "size_words"]

Kind: TypeAlias = Literal["project", "container", "image", "volume", "network"]
KINDS: Final[tuple[Kind, ...]] = ("project", "container", "image", "volume", "network")
Sort: TypeAlias = Literal["name", "state", "cpu", "memory", "age"]
SORTS: Final[tuple[Sort, ...]] = ("name", "state", "cpu", "memory", "age")

_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_SIGNS: Final = {
    "running": "●",
    "paused": "‖",
    "restarting": "↻",
    "created": "◌",
    "exited": "○",
    "removing": "✗",
    "dead": "✗",
}


class Row(msgspec.Struct, frozen=True):
    """An object as a list shows it; its texts act on nothing."""

    kind: Kind
    key: str
    """What the engine knows it by: an ID or a name; ``project/service`` of a service."""
    name: str
    state: str = ""
    sign: str = " "
    note: str = ""
    """At the right end."""
    indent: int = 0
    target: Target | None = None
    """Whose log is its log; None for what has none."""
    usage: Usage | None = None
    host: str = ""
    """On which of several engines it is."""
    engine: str = ""
    """What that engine is called in front of the name."""
    live: bool = True
    """Whether its engine answers, so that it is as it is shown."""

    def is_named_by(self, target: Target) -> bool:
        """Tell whether it is what a target of one container, project or service means."""
        own = self.target
        if own is None or not self.key:
            return False
        if self.kind == "container":
            ref = ContainerRef(id=self.key, name=own.names[0])
            return target.single and ContainerSelector(target.names[0]).matches(ref)
        return msgspec.structs.replace(target, everything=False, host=self.host) == own

    @property
    def place(self) -> tuple[str, str]:
        """What no other row of its list has."""
        return self.host, self.key

    @property
    def full_name(self) -> str:
        """The name with its engine's, or its project's: what it is called elsewhere."""
        name = self.name
        if self.indent and self.target is not None:
            name = sanitize(self.target.title)
        return f"{self.engine}/{name}" if self.engine else name

    def not_live(self) -> Row:
        """Return it as it is shown while its engine is away: without what was measured."""
        note = self.note if self.usage is None else ""
        return msgspec.structs.replace(self, live=False, note=note, usage=None)

    def on(self, host: str, engine: str) -> Row:
        """Return it as one of several engines' rows."""
        target = self.target and msgspec.structs.replace(self.target, host=host)
        return msgspec.structs.replace(self, host=host, engine=sanitize(engine), target=target)


class Inventory(msgspec.Struct):
    """All that an engine has, as it was listed last."""

    containers: list[ContainerSummary] = msgspec.field(default_factory=list)
    images: list[ImageSummary] = msgspec.field(default_factory=list)
    volumes: list[Volume] = msgspec.field(default_factory=list)
    networks: list[Network] = msgspec.field(default_factory=list)
    usage: dict[str, Usage] = msgspec.field(default_factory=dict)
    """What containers use, by ID."""
    endings: dict[str, Ending] = msgspec.field(default_factory=dict)
    """How stopped containers ended, by ID, as far as it has been asked."""
    hide_stopped: bool = False
    sort: Sort = "name"
    now: float = 0.0
    """From when ages count: Unix seconds."""

    def rows(self, kind: Kind) -> list[Row]:
        """Return the rows of a list."""
        make: Mapping[str, Callable[[], Iterable[Row]]] = {
            "project": self._projects,
            "container": self._containers,
            "image": self._images,
            "volume": self._volumes,
            "network": self._networks,
        }
        return list(make[kind]())

    @property
    def running(self) -> int:
        """How many containers run."""
        return sum(container.running for container in self.containers)

    @staticmethod
    def everything(running: int) -> Row:
        """Return the row that stands for all running containers."""
        return Row("container", "", "All running", "running", "✱", f"{running}", target=Target())

    def container(self, identifier: str) -> ContainerSummary | None:
        """Return a container by its ID."""
        return next((c for c in self.containers if c.id == identifier), None)

    def members(self, target: Target) -> list[Row]:
        """Return the containers of a project or a service, also those that are not shown."""
        return [self._row(each) for each in sorted(self.of(target), key=lambda each: each.name)]

    def of(self, target: Target) -> list[ContainerSummary]:
        """Return the containers of a target that names one, or projects and their services."""
        if target.single:
            selector = ContainerSelector(target.names[0])
            return [
                container
                for container in self.containers
                if selector.matches(ContainerRef(id=container.id, name=container.name))
            ]
        return [
            container
            for container in self.containers
            if (container.labels or {}).get(_PROJECT) in target.projects
            and (not target.services or (container.labels or {}).get(_SERVICE) in target.services)
        ]

    def _projects(self) -> Iterable[Row]:
        projects: dict[str, dict[str, list[ContainerSummary]]] = {}
        for container in self.containers:
            labels = container.labels or {}
            if project := labels.get(_PROJECT):
                services = projects.setdefault(project, {})
                services.setdefault(labels.get(_SERVICE, ""), []).append(container)
        for project, services in sorted(projects.items()):
            own = [container for service in services.values() for container in service]
            target = Target(projects=(project,))
            yield _group("project", project, project, own, target)
            for service, members in sorted(services.items()):
                if service:
                    target = Target(projects=(project,), services=(service,))
                    yield _group("project", f"{project}/{service}", service, members, target, 1)

    def _containers(self) -> Iterable[Row]:
        yield self.everything(self.running)
        shown = [c for c in self.containers if c.running or not self.hide_stopped]
        for container in sorted(shown, key=self._order):
            yield self._row(container)

    def _row(self, container: ContainerSummary) -> Row:
        usage = self.usage.get(container.id) if container.running else None
        return Row(
            "container",
            container.id,
            sanitize(container.name),
            _state(container),
            _SIGNS.get(container.state, "?"),
            self._note(container, usage),
            target=Target(names=(container.name,)),
            usage=usage,
        )

    def _note(self, container: ContainerSummary, usage: Usage | None) -> str:
        """Return what is sorted by, if that is a number, or how it is with a container."""
        if self.sort == "age":
            return _age_words(self.now - container.created)
        if usage is not None and self.sort == "memory" and usage.memory:
            return size_words(usage.memory[-1])
        if usage is not None and usage.cpu:
            return f"{usage.cpu[-1]:.1f}%"
        ending = self.endings.get(container.id)
        return f"OOM {ending.code}" if ending is not None and ending.oom else _status(container)

    def _order(self, container: ContainerSummary) -> tuple[object, ...]:
        usage = self.usage.get(container.id)
        name = container.name
        match self.sort:
            case "state":
                return (not container.running, container.state, name)
            case "cpu":
                return (-(usage.cpu[-1] if usage and usage.cpu else -1.0), name)
            case "memory":
                return (-(usage.memory[-1] if usage and usage.memory else -1.0), name)
            case "age":
                return (-container.created, name)
        return (name,)

    def _images(self) -> Iterable[Row]:
        used = {container.image_id for container in self.containers}
        for image in self.images:
            for tag in image.tags or ["<none>"]:
                state = "running" if image.id in used else "exited"
                sign = "●" if image.id in used else "○"
                key = tag if image.tags else image.id
                name = tag if image.tags else f"<none> {image.id.removeprefix('sha256:')[:12]}"
                yield Row("image", key, sanitize(name), state, sign, size_words(image.size))

    def _volumes(self) -> Iterable[Row]:
        used = {m.name for c in self.containers for m in c.mounts or () if m.name}
        for volume in sorted(self.volumes, key=lambda volume: volume.name):
            in_use = volume.name in used
            state, sign = ("running", "●") if in_use else ("exited", "○")
            yield Row(
                "volume", volume.name, sanitize(volume.name), state, sign, sanitize(volume.driver)
            )

    def _networks(self) -> Iterable[Row]:
        used = {
            key
            for container in self.containers
            for name, endpoint in (container.network_settings.networks or {}).items()
            for key in (endpoint.network_id or name, name)  # Podman lists names as IDs
        }
        for network in sorted(self.networks, key=lambda network: network.name):
            state, sign = ("running", "●") if {network.id, network.name} & used else ("exited", "○")
            yield Row(
                "network", network.id, sanitize(network.name), state, sign, sanitize(network.driver)
            )


def _group(
    kind: Kind,
    key: str,
    name: str,
    members: list[ContainerSummary],
    target: Target,
    indent: int = 0,
) -> Row:
    running = sum(container.running for container in members)
    whole = running == len(members)
    state = "running" if whole else "restarting" if running else "exited"
    sign = "●" if whole else "◐" if running else "○"
    return Row(kind, key, sanitize(name), state, sign, f"{running}/{len(members)}", indent, target)


def _state(container: ContainerSummary) -> str:
    if container.state == "exited" and not container.status.startswith("Exited (0)"):
        return "failed"
    return container.state


def _status(container: ContainerSummary) -> str:
    """Return how a container that does not run ended, or what its health is."""
    status = sanitize(container.status)
    if status.startswith("Exited ("):
        return f"exit {status[8:].partition(')')[0]}"
    if status.startswith("Restarting ("):
        # What it ended with; the sign and its colour say that it is to run again.
        return f"exit {status[12:].partition(')')[0]}"
    if "(" in status:
        return status.partition("(")[2].rstrip(")")
    return "" if container.running else container.state


def _age_words(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def size_words(size: float) -> str:
    """Return a number of bytes for people, in powers of 1024."""
    for unit in ("B", "K", "M", "G", "T"):
        if abs(size) < 1024 or unit == "T":
            return f"{size:.0f}{unit}" if unit == "B" or size >= 10 else f"{size:.1f}{unit}"
        size /= 1024
    raise AssertionError

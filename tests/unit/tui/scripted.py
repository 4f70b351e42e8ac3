"""An engine that says what a script has: for screens that must look the same every time.

How the client gets on with engines is proven on real ones (tests/engine); this one stands in for
what they would say at one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from lobtail.engine.objects.container import ContainerSummary, State
from lobtail.engine.objects.event import Event
from lobtail.engine.objects.image import ImageSummary
from lobtail.engine.objects.lifecycle import Pruned, Top
from lobtail.engine.objects.network import Network
from lobtail.engine.objects.stats import Stats
from lobtail.engine.objects.volume import Volume
from lobtail.errors import ConnectError, EngineError
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line, Started, Stopped
from lobtail.query.filter import LineFilter
from lobtail.session.request import TailRequest

S = 1_000_000_000
SAMPLES = 90
START = 1_790_000_000 * S  # 2026-09-21T14:13:20Z

_ROWS = (
    # name, service, image, state, status
    ("shop-db-1", "db", "postgres:16", "running", "Up 2 hours (healthy)"),
    ("shop-web-1", "web", "shop/web:1.4", "running", "Up 2 hours"),
    ("shop-web-2", "web", "shop/web:1.4", "running", "Up 2 hours"),
    ("shop-worker-1", "worker", "shop/worker:1.4", "paused", "Up 2 hours (Paused)"),
    ("proxy", "", "nginx:1.27", "running", "Up 3 days"),
    ("backup", "", "alpine:3.20", "exited", "Exited (0) 5 hours ago"),
    ("migrate", "", "shop/web:1.4", "exited", "Exited (3) 2 hours ago"),
)


def summary_of(
    row: tuple[str, str, str, str, str], number: int, project: str = "shop"
) -> ContainerSummary:
    name, service, image, state, status = row
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": service}
    return ContainerSummary(
        id=f"{number:x}" * 64,
        names=[f"/{name}"],
        image=image,
        image_id=f"sha256:{image}",
        created=1_789_990_000 + number,
        state=state,
        status=status,
        labels=labels if service else {},
    )


CONTAINERS = [summary_of(row, number + 1) for number, row in enumerate(_ROWS)]


def ref_of(summary: ContainerSummary) -> ContainerRef:
    return ContainerRef(
        id=summary.id,
        name=summary.name,
        image=summary.image,
        project=(summary.labels or {}).get("com.docker.compose.project", ""),
        service=(summary.labels or {}).get("com.docker.compose.service", ""),
        labels=summary.labels or {},
    )


REFS = {summary.name: ref_of(summary) for summary in CONTAINERS}


def history() -> list[Item]:
    """Return two minutes of a shop's log."""
    items: list[Item] = []

    def write(at: float, name: str, text: str, *, err: bool = False) -> None:
        stream = Stream.STDERR if err else Stream.STDOUT
        items.append(Line(REFS[name], stream, START + round(at * S), text.encode()))

    for i in range(120):
        for k in range(1 + (i * 7 % 5) + (4 if 60 <= i < 75 else 0)):
            n = i * 10 + k
            web = f"shop-web-{1 + n % 2}"
            slow = 60 <= i < 75 and k % 3 == 0
            status, level = (502, "error") if slow else (200, "info")
            message = "upstream timed out" if slow else f"GET /item/{n}"
            took = f"{5 + n * 13 % 80}ms" if not slow else "30s"
            write(
                i + k / 20,
                web,
                f'{{"level":"{level}","msg":"{message}","status":{status},"took":"{took}",'
                f'"user":{{"id":{n},"name":"ann"}}}}',
            )
        if i % 9 == 0:
            write(
                i + 0.5, "shop-db-1", f"\x1b[32mLOG\x1b[0m:  checkpoint complete: wrote {i} buffers"
            )
        if i % 13 == 0:
            text = f"WARN slow query table=orders took=2.{i % 10}s rows={i}"
            write(i + 0.6, "shop-db-1", text, err=True)
        if i % 17 == 0:
            write(i + 0.7, "proxy", f'10.0.0.{i % 250} "GET /item/{i} HTTP/1.1" 200 {i * 31}')
        if i == 66:
            items.append(Stopped(REFS["shop-web-2"], START + i * S + 800_000_000, 137, oom=True))
        if i == 70:
            items.append(Started(REFS["shop-web-2"], START + i * S + 900_000_000))
        if i == 90:
            items.append(Gap(REFS["proxy"], START + i * S + 900_000_000, "rotated away"))
    return sorted(items, key=lambda item: item.time_ns or 0)


class _Tail:
    def __init__(self, items: Sequence[Item], found: list[ContainerRef], *, follow: bool) -> None:
        self._items = items
        self._follow = follow
        self.found = found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        pass

    async def batches(self) -> AsyncIterator[list[Item]]:
        if self._items:
            yield list(self._items)
        if self._follow:
            await asyncio.Event().wait()


def open_tail(asked: Mapping[str, tuple[ScriptedEngine, TailRequest]]) -> _Tail:
    """Return what scripted engines say of what is asked for."""
    items: list[Item] = []
    found: list[ContainerRef] = []
    follow = True
    for engine, request in asked.values():
        options, follow = request.options, request.options.follow
        since, until = options.since or 0, options.until or 1 << 63
        items += [
            item
            for item in engine.items
            if request.selection.matches(item.container)
            and since <= (item.time_ns or 0) <= until
            and not (isinstance(item, Line) and item.stream not in options.streams)
            and (request.plan is None or LineFilter(*request.plan.predicates()).apply([item]))
        ]
        found += filter(request.selection.matches, REFS.values())
    return _Tail(items, found, follow=follow)


class _Silent:
    """A stream on which nothing comes, or one value."""

    def __init__(self, *values: Any) -> None:
        self._values = values

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[Any]:
        for value in self._values:
            yield value
        await asyncio.Event().wait()


class ScriptedEngine:
    """Says what `history` and the tables have, and notes what it is told to do."""

    def __init__(self, items: list[Item] | None = None) -> None:
        self.items = history() if items is None else items
        self.listed: Sequence[ContainerSummary] = CONTAINERS
        self.asked: list[tuple[Any, ...]] = []
        self.refusal: EngineError | None = None
        self.unreadable: EngineError | None = None
        self.away = False
        self.states: dict[str, State] = {}
        self.happened: list[Event] = []
        self.env = [
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "LANG=C.UTF-8",
            "SHOP_DB=postgres://db/shop",
        ]
        self.answers = asyncio.Event()
        self.answers.set()
        told = ("start", "stop", "restart", "kill", "pause", "unpause", "rename", "remove")
        self.containers = SimpleNamespace(
            list=self._list,
            inspect=self._inspect,
            inspect_raw=self._raw,
            top=self._top,
            stats=self._stats,
            prune=self._prune("container"),
            **{name: self._do(name) for name in told},
        )
        self.images = SimpleNamespace(
            list=self._images,
            inspect_raw=self._raw,
            remove=self._do("image-remove"),
            prune=self._prune("image"),
            pull=self._pull,
            history=self._history,
        )
        self.volumes = SimpleNamespace(
            list=self._volumes,
            inspect_raw=self._raw,
            remove=self._do("volume-remove"),
            prune=self._prune("volume"),
        )
        self.networks = SimpleNamespace(
            list=self._networks,
            inspect_raw=self._raw,
            remove=self._do("network-remove"),
            prune=self._prune("network"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    # --- what it says -----------------------------------------------------------------------

    def events(self, **_: Any) -> _Silent:
        return _Silent(*self.happened)

    async def ping(self) -> Any:
        await self.answers.wait()

    async def version(self) -> Any:
        if self.away:
            raise ConnectError("cannot reach unix:///x.sock: nobody answers")
        return SimpleNamespace(version="26.1.5")

    async def info(self) -> Any:
        return SimpleNamespace(name="harbour")

    async def is_podman(self) -> bool:
        return False

    async def _list(self, **_: Any) -> Sequence[ContainerSummary]:
        return self.listed

    async def _images(self) -> Sequence[ImageSummary]:
        names = [*sorted({summary.image for summary in self.listed}), "busybox:1.36"]
        sizes = {name: 7_800_000 * (i * i + 1) for i, name in enumerate(names)}
        return [
            ImageSummary(id=f"sha256:{name}", repo_tags=[name], size=sizes[name]) for name in names
        ]

    async def _volumes(self) -> Sequence[Volume]:
        if self.unreadable is not None:
            raise self.unreadable
        return [Volume(name="shop_data", driver="local"), Volume(name="shop_cache", driver="local")]

    async def _networks(self) -> Sequence[Network]:
        names = ("bridge", "host", "shop_default")
        return [Network(id=name, name=name, driver="bridge") for name in names]

    def _stats(self, identifier: str) -> _Silent:
        number = int(identifier[0], 16)
        samples = []
        for i in range(SAMPLES):
            wave = (i * number * 7 % 11) / 10
            samples.append(
                Stats(
                    id=identifier,
                    time_ns=START + i * S,
                    cpu_percent=number * 4 + 6 * wave,
                    cpus=4,
                    memory_used=round((40 + 30 * number + i / 3) * (1 << 20)),
                    memory_limit=8 << 30,
                    network_received_rate=4e4 * wave,
                    network_sent_rate=9e4 * wave,
                    disk_read_rate=0.0,
                    disk_written_rate=3e3 * wave,
                    pids=number * 3,
                )
            )
        return _Silent(*samples)

    async def _inspect(self, name: str) -> Any:
        config = SimpleNamespace(env=self.env, open_stdin=False)
        return SimpleNamespace(config=config, tty=False, state=self.states.get(name, State()))

    async def _raw(self, name: str) -> dict[str, Any]:
        return {
            "Id": name,
            "Created": "2026-09-21T11:13:20.123456789Z",
            "State": {"Status": "running", "Running": True, "Pid": 4711, "ExitCode": 0},
            "Config": {
                "Image": "shop/web:1.4",
                "Env": ["SHOP_DB=postgres://db/shop"],
                "Cmd": ["serve", "--port", "8080"],
                "Tty": False,
                "Labels": {"evil": "\x1b]0;owned\x07"},
            },
            "HostConfig": {"Memory": 0, "RestartPolicy": {"Name": "always"}},
        }

    async def _top(self, _name: str) -> Top:
        return Top(
            titles=["UID", "PID", "TIME", "CMD"],
            processes=[
                ["app", "4711", "00:00:12", "serve --port 8080"],
                ["app", "4719", "00:00:03", "serve: worker"],
            ],
        )

    async def _history(self, _name: str) -> Any:
        return [SimpleNamespace(created=1_789_000_000, size=7_800_000, created_by="COPY . /app")]

    # --- what it is told --------------------------------------------------------------------

    def _do(self, what: str) -> Any:
        async def do(*args: Any, **kwargs: Any) -> None:
            self.asked.append((what, *args, *(f"{k}={v}" for k, v in kwargs.items() if v)))
            if self.refusal is not None:
                raise self.refusal

        return do

    def _prune(self, what: str) -> Any:
        async def prune(**_: Any) -> Pruned:
            self.asked.append(("prune", what))
            return Pruned(["a", "b"], 5 << 20)

        return prune

    def _pull(self, reference: str) -> Any:
        engine = self

        class Pull(_Silent):
            async def __aenter__(self) -> Self:
                engine.asked.append(("pull", reference))
                return self

            async def __aiter__(self) -> AsyncIterator[Any]:
                yield SimpleNamespace(id="a", status="Downloading", current=50, total=100)
                yield SimpleNamespace(id="a", status="Pull complete", current=100, total=100)

        return Pull()

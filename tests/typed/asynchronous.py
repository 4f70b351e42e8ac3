"""A user's program that has a use for every public name. It is checked, not run."""

# pyright: strict

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, assert_type

import lobtail
from lobtail import (
    ConfigError,
    ConnectError,
    ContainerRef,
    Dropped,
    Engine,
    EngineBack,
    EngineError,
    EngineLost,
    Entry,
    Frame,
    FrameDecoder,
    Gap,
    Item,
    Level,
    Line,
    LobtailError,
    LogsEndedError,
    Mark,
    NotFoundError,
    Query,
    Removed,
    Resumed,
    Skipped,
    Started,
    Stopped,
    Stream,
    Tail,
    TruncatedStream,
    ademux,
    demux,
    stdcopy,
    tail_engines,
    tail_files,
)
from lobtail.docker import (
    AttachStream,
    Container,
    Containers,
    ContainerSummary,
    Credentials,
    DiskUsage,
    Endpoint,
    Event,
    EventStream,
    ExecStream,
    Filters,
    HistoryEntry,
    Image,
    ImageRemoval,
    Images,
    ImageSummary,
    Info,
    LogStream,
    Network,
    Networks,
    Node,
    Nodes,
    Ping,
    Pruned,
    PullProgress,
    PullStream,
    RawDecoder,
    Service,
    ServiceLogStream,
    Services,
    State,
    Stats,
    StatsStream,
    Task,
    TaskLogStream,
    Tasks,
    Tls,
    Top,
    Usage,
    Version,
    Volume,
    Volumes,
    WaitCondition,
)
from lobtail.errors import (
    ConnectionLostError,
    ContainerStateError,
    EngineStreamError,
    LogFileError,
    ProtocolError,
    QueryError,
)


async def look_after_containers(engine: Engine, condition: WaitCondition) -> None:
    filters: Filters = {"label": ["env=prod", "tier=web"], "status": "exited"}
    found = await engine.containers.list(all=True, filters=filters)
    assert_type(found, list[ContainerSummary])
    await engine.containers.list(size=True, filters={"name": "web"})
    container = await engine.containers.inspect("web", size=True)
    assert_type(container, Container)
    assert_type(container.state, State)
    assert_type(container.state.exit_code, int)
    assert_type(container.mounts[0].destination if container.mounts else "", str)
    assert_type(await engine.containers.inspect_raw("web"), dict[str, Any])
    assert_type(await engine.containers.start("web"), bool)
    assert_type(await engine.containers.stop("web", timeout=5, signal="SIGINT"), bool)
    await engine.containers.restart("web", timeout=5)
    await engine.containers.kill("web", "SIGHUP")
    await engine.containers.pause("web")
    await engine.containers.unpause("web")
    await engine.containers.rename("web", "web-old")
    await engine.containers.remove("web-old", force=True, volumes=True)
    assert_type(await engine.containers.wait("web", condition), int)
    assert_type(await engine.containers.wait("web", "removed"), int)
    top = await engine.containers.top("web", "-ef")
    assert_type(top, Top)
    assert_type(top.processes, list[list[str]] | None)
    assert_type(await engine.containers.prune(filters={"label": "tmp"}), Pruned)
    assert_type(await engine.containers.stats_once("web", one_shot=True), Stats)
    stream = engine.containers.stats("web")
    assert_type(stream, StatsStream)
    async for stats in stream:
        assert_type(stats, Stats)
        assert_type(stats.cpu_percent, float | None)
    async with engine.events(filters={"type": "container"}, since="10m") as events:
        assert_type(events, EventStream)
        async for event in events:
            assert_type(event, Event)
            assert_type(event.exit_code, int | None)
        async for batch in events.batches():
            assert_type(batch, list[Event])


async def look_at_the_engine(engine: Engine) -> None:
    assert_type(engine.endpoint, Endpoint)
    assert_type(await engine.ping(), Ping)
    assert_type(await engine.info(), Info)
    assert_type(await engine.version(), Version)
    assert_type(await engine.api_version(), tuple[int, int])
    usage = await engine.disk_usage()
    assert_type(usage, DiskUsage)
    assert_type(usage.image_usage, Usage)

    containers: Containers = engine.containers
    assert_type(await containers.top("web"), Top)
    images: Images = engine.images
    assert_type(await images.list(), list[ImageSummary])
    assert_type(await images.inspect("busybox"), Image)
    assert_type(await images.history("busybox"), list[HistoryEntry])
    assert_type(await images.remove("busybox", force=True), list[ImageRemoval])
    assert_type(await images.prune(all=True), Pruned)
    await images.tag("busybox", "mine:1")
    pull = images.pull("busybox:1.36", auth=Credentials(username="me", password="secret"))
    assert_type(pull, PullStream)
    async for step in pull:
        assert_type(step, PullProgress)
    await images.pull("busybox").wait()

    volumes: Volumes = engine.volumes
    assert_type(await volumes.list(), list[Volume])
    assert_type(await volumes.create("data", labels={"a": "b"}), Volume)
    networks: Networks = engine.networks
    assert_type(await networks.list(), list[Network])
    assert_type(await networks.create("net", internal=True), str)


async def look_at_a_swarm(engine: Engine) -> None:
    services: Services = engine.services
    tasks: Tasks = engine.tasks
    nodes: Nodes = engine.nodes
    assert_type(await services.list(), list[Service])
    assert_type(await tasks.list(), list[Task])
    assert_type(await nodes.list(), list[Node])
    assert_type(services.logs("web"), ServiceLogStream)
    assert_type(tasks.logs("x"), TaskLogStream)


async def read_logs(engine: Engine) -> None:
    async with engine.containers.logs("web", follow=True, since=0) as stream:
        assert_type(stream, LogStream)
        async for frames in stream.batches():
            assert_type(frames, list[Frame])
            out = sys.stderr if frames[0].stream is Stream.STDERR else sys.stdout
            out.buffer.write(frames[0].payload)
    where = Query("level>=warn", now_ns=0, local_offset=0)
    async with engine.tail("web-*", where=where) as tail:
        assert_type(tail, Tail)
        async for batch in tail.batches():
            assert_type(batch, list[Item])
        async for item in tail:
            assert_type(item, Item)
            describe(item)
    ready = engine.tail("web", level=Level.WARN, missing="error", until_stopped=True)
    assert_type(await ready.wait_for("listening on", timeout=60), Line)
    assert_type(await ready.wait_for(re.compile("listening on")), Line)
    async for item in engine.tail("web", level="warn").items(timeout=10):
        assert_type(item.time, datetime | None)
    several: Tail = tail_engines({"here": engine}, "web-*", since="10m", follow=False)
    async with several:
        assert_type(several.unreachable, dict[str, LobtailError])
    files: Tail = tail_files("/var/log/x-json.log")
    async with files:
        assert_type(files.found, list[ContainerRef])


def describe(item: Item) -> str:
    if isinstance(item, Entry):
        return "\n".join(line.text for line in item.lines)
    if isinstance(item, Line):
        return f"{item.text} {item.level >= Level.WARN}"
    mark: Mark = item
    if isinstance(mark, Stopped):
        return f"stopped with {mark.exit_code}"
    if isinstance(mark, Gap | Resumed):
        return mark.reason
    if isinstance(mark, EngineLost):
        assert_type(mark.reason, str)
    if isinstance(mark, EngineBack):
        assert_type(mark.container.host, str)
    if isinstance(mark, Dropped | Skipped):
        return str(mark.count)
    if isinstance(mark, Started | Removed):
        return mark.container.name
    return mark.kind


async def talk(engine: Engine) -> None:
    async with engine.containers.exec("web", ["cat"], stdin=True) as command:
        assert_type(command, ExecStream)
        await command.write(b"hello\n")
        await command.write_eof()
        async for frames in command.batches():
            assert_type(frames, list[Frame])
        assert_type(await command.wait(), int)
    async with engine.containers.attach("web") as stream:
        assert_type(stream, AttachStream)


async def decode(source: AsyncIterator[bytes]) -> None:
    async for frame in ademux(source):
        assert_type(frame, Frame)
    with open("capture.bin", "rb") as capture:  # noqa: PTH123 - a user's program
        stdcopy(capture, sys.stdout.buffer, sys.stderr.buffer)
        for frame in demux(capture):
            assert_type(frame, Frame)
    decoder: FrameDecoder | RawDecoder = FrameDecoder()
    assert_type(decoder.receive_data(b""), list[Frame])
    decoder.receive_eof()


def explain(error: LobtailError) -> str:
    match error:
        case QueryError():
            return f"{error.message} at {error.position}"
        case NotFoundError():
            return ", ".join(error.missing)
        case ConfigError() | ConnectError() | ConnectionLostError() | LogFileError():
            return str(error)
        case EngineError() | EngineStreamError():
            return error.message
        case TruncatedStream():
            return f"{error.got} of {error.wanted}"
        case ProtocolError() | ContainerStateError() | LogsEndedError():
            return str(error)
        case _:
            return lobtail.__version__


async def main() -> None:
    secured = Tls(ca="ca.pem", cert="cert.pem", key="key.pem")
    try:
        async with Engine("tcp://127.0.0.1:2376", tls=secured, timeout=10) as engine:
            await look_after_containers(engine, "next-exit")
            await look_at_the_engine(engine)
            await look_at_a_swarm(engine)
            await read_logs(engine)
            await talk(engine)
    except LobtailError as exc:
        print(explain(exc), file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())

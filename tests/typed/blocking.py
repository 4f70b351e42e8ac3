"""A user's program that has a use for every name of the blocking face. It is checked, not run."""

# pyright: strict

from __future__ import annotations

from typing import Any, assert_type

from lobtail import ContainerRef, Frame, Item, Line
from lobtail.docker import (
    Container,
    ContainerSummary,
    Credentials,
    DiskUsage,
    Event,
    Image,
    ImageSummary,
    Network,
    Node,
    Pruned,
    PullProgress,
    Service,
    Stats,
    Task,
    Top,
    Volume,
)
from lobtail.sync import (
    AttachStream,
    Containers,
    Engine,
    EventStream,
    ExecStream,
    Images,
    LogStream,
    Networks,
    Nodes,
    PullStream,
    ServiceLogStream,
    Services,
    StatsStream,
    Tail,
    TaskLogStream,
    Tasks,
    Volumes,
    tail_engines,
    tail_files,
)


def look_after_containers(engine: Engine) -> None:
    assert_type(
        engine.containers.list(all=True, filters={"status": "exited"}), list[ContainerSummary]
    )
    assert_type(engine.containers.inspect("web"), Container)
    assert_type(engine.containers.inspect_raw("web"), dict[str, Any])
    assert_type(engine.containers.start("web"), bool)
    assert_type(engine.containers.stop("web", timeout=5), bool)
    assert_type(engine.containers.wait("web", "next-exit"), int)
    assert_type(engine.containers.top("web"), Top)
    assert_type(engine.containers.prune(), Pruned)
    assert_type(engine.containers.stats_once("web"), Stats)
    stream = engine.containers.stats("web")
    assert_type(stream, StatsStream)
    for stats in stream:
        assert_type(stats, Stats)
    with engine.events(since="10m") as events:
        assert_type(events, EventStream)
        for event in events:
            assert_type(event, Event)
        for batch in events.batches():
            assert_type(batch, list[Event])


def look_at_the_engine(engine: Engine) -> None:
    assert_type(engine.disk_usage(), DiskUsage)
    containers: Containers = engine.containers
    assert_type(containers.top("web"), Top)
    images: Images = engine.images
    assert_type(images.list(), list[ImageSummary])
    assert_type(images.inspect("busybox"), Image)
    pull = images.pull("busybox:1.36", auth=Credentials(username="me", password="secret"))
    assert_type(pull, PullStream)
    for step in pull:
        assert_type(step, PullProgress)
    images.pull("busybox").wait()
    volumes: Volumes = engine.volumes
    assert_type(volumes.list(), list[Volume])
    networks: Networks = engine.networks
    assert_type(networks.list(), list[Network])
    services: Services = engine.services
    tasks: Tasks = engine.tasks
    nodes: Nodes = engine.nodes
    assert_type(services.list(), list[Service])
    assert_type(tasks.list(), list[Task])
    assert_type(nodes.list(), list[Node])
    assert_type(services.logs("web"), ServiceLogStream)
    assert_type(tasks.logs("x"), TaskLogStream)


def read_logs(engine: Engine) -> None:
    with engine.containers.logs("web", follow=True) as stream:
        assert_type(stream, LogStream)
        for frames in stream.batches():
            assert_type(frames, list[Frame])
        for chunk in stream.chunks():
            assert_type(chunk, bytes)
    with engine.tail("web-*", where="level>=warn") as tail:
        assert_type(tail, Tail)
        for batch in tail.batches():
            assert_type(batch, list[Item])
    for item in engine.tail("web"):
        if isinstance(item, Line):
            print(item.text)
    assert_type(engine.tail("web", missing="error").wait_for("ready", timeout=60), Line)
    for item in engine.tail("web", level="warn").items(timeout=10):
        assert_type(item, Item)
    with tail_engines([engine], "web-*", since="10m", follow=False) as several:
        assert_type(several, Tail)
        assert_type(several.engines, list[str])
        for batch in several.batches():
            assert_type(batch, list[Item])
    with tail_files("/var/log/x-json.log") as files:
        assert_type(files, Tail)
        assert_type(files.found, list[ContainerRef])


def talk(engine: Engine) -> None:
    with engine.containers.exec("web", ["cat"], stdin=True) as command:
        assert_type(command, ExecStream)
        command.write(b"hello\n")
        command.write_eof()
        for frames in command.batches():
            assert_type(frames, list[Frame])
        assert_type(command.wait(), int)
    with engine.containers.attach("web") as stream:
        assert_type(stream, AttachStream)


def main() -> None:
    with Engine(context="prod", timeout=10) as engine:
        look_after_containers(engine)
        look_at_the_engine(engine)
        read_logs(engine)
        talk(engine)


if __name__ == "__main__":
    main()

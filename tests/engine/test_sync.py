"""The blocking face on real engines."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lobtail import EngineError, Line, Stopped
from lobtail.sync import Engine
from support.engines import TestEngine, until
from support.registry import Registry

IDLE = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"


def test_logs_and_tail(any_engine: TestEngine) -> None:
    name = any_engine.ended("seq", "seq 2000; echo oops >&2")
    with Engine(any_engine.host) as engine:
        text = b"".join(f.payload for f in engine.containers.logs(name, stderr=False))
        assert text.split() == [str(i).encode() for i in range(1, 2001)]
        items = list(engine.tail(name, follow=False))
        lines = [item.text for item in items if isinstance(item, Line)]
        assert sorted(lines) == sorted([*map(str, range(1, 2001)), "oops"])
        with engine.tail(name, follow=False, tail=5) as tail:
            assert [ref.name for ref in tail.found] == [name]
            assert len(list(tail)) == 5


def test_following_from_several_threads(any_engine: TestEngine) -> None:
    name = any_engine.start("while :; do echo tick; sleep 0.02; done")
    with Engine(any_engine.host) as engine:
        counts: list[int] = []

        def follow() -> None:
            count = 0
            for item in engine.tail(name, tail=0, merge_window=0):
                count += isinstance(item, Line)
                if count == 5:
                    break
            counts.append(count)

        threads = [threading.Thread(target=follow) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert counts == [5] * 4
        engine.containers.remove(name, force=True)


def test_lifecycle_and_events(any_engine: TestEngine) -> None:
    name = any_engine.start(IDLE)
    until(lambda: b"ready" in any_engine.logs(name), "the container is ready")
    with Engine(any_engine.host) as engine:
        with engine.events(filters={"container": name, "event": ["die", "died"]}) as events:
            assert engine.containers.start(name) is False
            marks: list[object] = []
            with engine.tail(name) as tail:
                assert engine.containers.stop(name, timeout=10) is True
                for item in tail:
                    if isinstance(item, Stopped):
                        marks.append(item.exit_code)
                        break
            assert marks == [3]
            assert next(iter(events)).exit_code == 3
        assert engine.containers.wait(name) == 3
        assert engine.containers.inspect(name).state.exit_code == 3
        stats = engine.containers.stats_once(name, one_shot=True)
        assert not stats.running
        engine.containers.remove(name)
        with pytest.raises(EngineError):
            engine.containers.inspect(name)


def test_other_objects(any_engine: TestEngine) -> None:
    with Registry() as registry, Engine(any_engine.host) as engine:
        reference = f"{registry.host}/image:1"
        assert list(engine.images.pull(reference))
        assert engine.images.inspect(reference).config.labels == {"tag": "1"}
        assert any(step.deleted for step in engine.images.remove(reference))
        volume = engine.volumes.create(labels={"for": "sync"})
        assert engine.volumes.list(filters={"name": volume.name})
        engine.volumes.remove(volume.name)
        assert engine.networks.list()
        assert engine.info().server_version == engine.version().version
        assert engine.disk_usage().image_usage.total >= 1


def test_exec_and_attach(any_engine: TestEngine, tmp_path: Path) -> None:
    name = any_engine.start("cat; exit 4", "-i")
    with Engine(any_engine.host) as engine:
        with engine.containers.exec(name, ["cat"], stdin=True) as command:
            command.write(b"to exec\n")
            command.write_eof()
            assert b"".join(f.payload for f in command) == b"to exec\n"
            assert command.wait() == 0
        with engine.containers.attach(name, stdin=True) as stream:
            stream.write(b"to attach\n")
            frame = next(iter(stream))
            assert frame.payload == b"to attach\n"
            assert not stream.ended

"""The blocking face against a fake engine: ends, threads, garbage."""

from __future__ import annotations

import errno
import gc
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from faults.fake_engine import FakeEngine, await_event, chunk, frame, json_answer, log
from lobtail import ConfigError, ConnectError, EngineError, Line, LobtailError, Stream
from lobtail.portal import BlockingPortal
from lobtail.sync import Engine, Images, LogStream, tail_files
from support.engines import until
from support.peer import Peer

ONE = frame(1, b"one\n")


# --- what it gives ------------------------------------------------------------------------------


def test_answers_and_errors() -> None:
    answers = {"/nope/json": json_answer({"message": "No such"}, 404)}
    with FakeEngine(answers=answers) as fake, Engine(fake.host) as engine:
        assert engine.ping().api_version == "1.45"
        assert engine.containers.inspect("web").name == "/web"
        assert engine.timeout == 60.0
        assert engine.endpoint.url == fake.host
        with pytest.raises(EngineError, match="No such") as caught:
            engine.containers.inspect("nope")
        assert caught.value.status == 404
        with pytest.raises(ConfigError):
            engine.containers.logs("web", since="lately")
    with pytest.raises(ConfigError):
        Engine("nonsense://")
    with Engine("unix:///nonexistent") as engine, pytest.raises(ConnectError):
        engine.containers.list()


def test_frames_and_chunks() -> None:
    with FakeEngine(logs=log([ONE, frame(2, b"two\n")])) as fake, Engine(fake.host) as engine:
        stream = engine.containers.logs("web")
        found = list(stream)
        assert [(f.stream, f.payload) for f in found] == [
            (Stream.STDOUT, b"one\n"),
            (Stream.STDERR, b"two\n"),
        ]
        assert stream.container.name == "/web"
        assert b"".join(engine.containers.logs("web").chunks()) == ONE + frame(2, b"two\n")
        with engine.containers.logs("web") as opened:
            assert opened.multiplexed
            assert [f.payload for f in opened] == [b"one\n", b"two\n"]
        with pytest.raises(RuntimeError, match="has been read"):
            next(iter(stream))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(b'{"log":"hi\\n","stream":"stdout","time":"2026-11-24T01:02:03Z"}\n' * 3)
    assert [item.text for item in tail_files(str(path)) if isinstance(item, Line)] == ["hi"] * 3
    with tail_files(str(path)) as tail:
        assert len(tail.found) == 1
        assert len(list(tail)) == 3
    assert len(tail.found) == 1


# --- ends ---------------------------------------------------------------------------------------


def read_one(stream: object) -> None:
    for _ in stream:  # type: ignore[attr-defined]
        break


@pytest.mark.parametrize(
    "open_stream",
    [
        lambda engine: engine.containers.logs("web", follow=True),
        lambda engine: engine.containers.logs("web", follow=True).batches(),
        lambda engine: engine.containers.logs("web", follow=True).chunks(),
        lambda engine: engine.events(),
        lambda engine: engine.events().batches(),
        lambda engine: engine.containers.stats("web"),
    ],
    ids=["logs", "runs", "chunks", "events", "batches", "stats"],
)
def test_breaking_out_ends_the_connection(open_stream: Callable[[Engine], object]) -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        read_one(open_stream(engine))
        assert peer.gone.wait(10)


def test_breaking_out_of_an_entered_stream_leaves_it_to_the_context() -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        with engine.events() as stream:
            iterator = iter(stream)
            assert next(iterator).action == "start"
            assert not peer.gone.is_set()
        assert peer.gone.wait(10)


def test_closing_in_another_thread_ends_the_iteration() -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        stream = engine.containers.logs("web", follow=True)
        found: list[int] = []
        reader = threading.Thread(target=lambda: found.extend(1 for _ in stream))
        reader.start()
        assert peer.asked.wait(10)
        stream.close()
        reader.join(10)
        assert not reader.is_alive()
        assert peer.gone.wait(10)
        assert sum(found) <= 1


def test_closing_before_the_iteration_begins_ends_it() -> None:
    with Peer(ONE).engine as fake, Engine(fake.host) as engine:
        for stream in (engine.containers.logs("web", follow=True), engine.events()):
            stream.close()
            assert not list(stream)
        assert not fake.requests


def test_closing_the_engine_ends_all_its_streams() -> None:
    peer = Peer(ONE)
    with peer.engine as fake:
        engine = Engine(fake.host)
        entered = engine.events().__enter__()
        errors: list[BaseException] = []

        def read() -> None:
            try:
                for _ in engine.containers.logs("web", follow=True):
                    pass
            except RuntimeError as exc:
                errors.append(exc)

        reader = threading.Thread(target=read)
        reader.start()
        assert peer.asked.wait(10)
        engine.close()
        reader.join(10)
        assert "closed meanwhile" in str(errors[0])
        engine.close()  # it was so already
        with pytest.raises(RuntimeError, match="the engine is closed"):
            engine.ping()
        with pytest.raises(RuntimeError, match="the engine is closed"):
            next(iter(entered))
        entered.close()


def test_an_engine_that_is_forgotten_ends_its_thread() -> None:
    peer = Peer(ONE)
    with peer.engine as fake:
        engine = Engine(fake.host)
        stream = engine.containers.logs("web", follow=True).__enter__()
        iterator = iter(stream)
        assert next(iterator).payload
        del engine, stream, iterator
        gc.collect()
        assert peer.gone.wait(10)


def test_garbage_in_a_cycle_waits_for_nothing(recwarn: pytest.WarningsRecorder) -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        iterator = iter(engine.containers.logs("web", follow=True))
        assert next(iterator).payload
        knot: list[object] = [iterator]
        knot.append(knot)
        del iterator, knot
        # Collected in the thread of the loop itself, which could not wait for itself.
        engine._portal.call(gc.collect)
        assert peer.gone.wait(10)
    assert not recwarn.list


def test_a_stream_that_was_entered_and_forgotten_is_closed() -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        stream = engine.events().__enter__()
        assert peer.asked.wait(10)  # before that it may be writing, and find the socket closed
        del stream
        assert peer.gone.wait(10)


# --- threads ------------------------------------------------------------------------------------


def test_threads_share_an_engine() -> None:
    with FakeEngine(logs=log([ONE] * 50)) as fake, Engine(fake.host) as engine:
        counts: list[int] = []

        def work() -> None:
            for _ in range(5):
                counts.append(sum(1 for _ in engine.containers.logs("web")))
                assert engine.containers.inspect("web").name == "/web"

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert counts == [50] * 40
        assert [t.name for t in threading.enumerate()].count("lobtail") == 1
        assert fake.requests.count("/_ping") == 1


def test_a_reader_that_waits_keeps_no_other_from_asking() -> None:
    go = threading.Event()
    answers = {"/logs": log([ONE], await_event(go), chunk(ONE), b"0\r\n\r\n")}
    with FakeEngine(answers=answers) as fake, Engine(fake.host) as engine:
        found: list[int] = []
        stream = engine.containers.logs("web", follow=True)
        reader = threading.Thread(target=lambda: found.extend(1 for _ in stream))
        reader.start()
        assert engine.containers.inspect("web").name == "/web"
        go.set()
        reader.join(10)
        assert sum(found) == 2


def test_calls_from_its_own_loop_are_refused() -> None:
    with FakeEngine() as fake, Engine(fake.host) as engine:
        engine.ping()
        errors: list[BaseException] = []

        def call() -> None:
            try:
                engine.ping()
            except RuntimeError as exc:
                errors.append(exc)

        engine._portal.call(call)
        assert "from its own event loop" in str(errors[0])


def test_too_many_open_files_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with FakeEngine() as fake, Engine(fake.host) as engine:
        with monkeypatch.context() as patch:
            patch.setattr("asyncio.events.new_event_loop", fail)
            with pytest.raises(LobtailError, match=r"^no event loop can be made: Too many open"):
                engine.ping()
        assert engine.ping().api_version == "1.45"


def test_an_engine_that_asks_nothing_has_no_thread() -> None:
    before = threading.active_count()
    with Engine("unix:///nonexistent") as engine:
        stream = engine.containers.logs("web")
        stream.close()
        assert isinstance(stream, LogStream)
        assert isinstance(engine.images, Images)
        assert threading.active_count() == before


# --- the portal ---------------------------------------------------------------------------------


def test_closing_while_others_ask() -> None:
    async def answer() -> int:
        return 1

    portal = BlockingPortal()
    portal.run(answer)
    ended = threading.Barrier(5)

    def ask() -> None:
        try:
            while True:
                portal.run(answer)
        except RuntimeError:
            ended.wait(10)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    portal.close()
    ended.wait(10)
    for thread in threads:
        thread.join(10)


def test_errors_do_not_wait_for_the_collector() -> None:
    class RefusedError(Exception):
        pass

    async def fail() -> None:
        raise RefusedError

    portal = BlockingPortal()
    gc.disable()
    try:
        try:
            portal.run(fail)
        except RefusedError as exc:
            seen = weakref.ref(exc)
        until(lambda: seen() is None, "the error is gone")
    finally:
        gc.enable()
        portal.close()


def test_what_is_forwarded() -> None:
    async def add(a: int, *, b: int) -> int:
        return a + b

    async def fail() -> None:
        raise ValueError("no")

    portal = BlockingPortal()
    assert portal.run(add, 1, b=2) == 3
    with pytest.raises(ValueError, match="no"):
        portal.run(fail)
    assert portal.call(lambda: 7) == 7
    portal.close()
    assert portal.call(lambda: 8) == 8
    portal.later(fail)  # it has ended: nothing happens
    BlockingPortal().close()

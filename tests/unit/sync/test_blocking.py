"""The blocking face against a fake engine: ends, threads, forks, signals, garbage."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from faults.fake_engine import (
    Connection,
    Ended,
    FakeEngine,
    Script,
    await_event,
    chunk,
    frame,
    json_answer,
    log,
    stall,
    tell,
)
from lobtail import ConfigError, ConnectError, EngineError, Line, LobtailError, Stream
from lobtail.portal import Portal
from lobtail.sync import Engine, Images, LogStream, tail_files
from support.engines import until

SRC = Path(__file__).parents[3] / "src"
ONE = frame(1, b"one\n")
EVENT = b'{"Type":"container","Action":"start","Actor":{"ID":"x"},"timeNano":5}\n'


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "lobtail":
            thread.join(10)
    assert threading.active_count() == before


class Peer:
    """An engine whose log never ends; ``gone`` is set when the client has closed it."""

    def __init__(self, *frames: bytes) -> None:
        self.gone = threading.Event()
        self.asked = threading.Event()
        steps: list[Script] = []
        for target in ("/logs", "/events", "/stats"):
            body = frames if target == "/logs" else (EVENT,)
            steps.append(log(body, tell(self.asked), self._until_gone))
        answers = dict(zip(("/logs", "/events", "/stats"), steps, strict=True))
        self.engine = FakeEngine(answers=answers)

    def _until_gone(self, connection: Connection) -> None:
        try:
            while connection.sock.recv(65536):
                pass
        finally:
            self.gone.set()
        raise Ended


# --- what it gives ------------------------------------------------------------------------------


def test_answers_and_errors() -> None:
    answers = {"/nope/json": json_answer({"message": "No such"}, 404)}
    with FakeEngine(answers=answers) as fake, Engine(fake.host) as engine:
        assert engine.ping().api_version == "1.45"
        assert engine.inspect("web").name == "/web"
        assert engine.timeout == 60.0
        assert engine.endpoint.url == fake.host
        with pytest.raises(EngineError, match="No such") as caught:
            engine.inspect("nope")
        assert caught.value.status == 404
        with pytest.raises(ConfigError):
            engine.logs("web", since="yesterday")
    with pytest.raises(ConfigError):
        Engine("nonsense://")
    with Engine("unix:///nonexistent") as engine, pytest.raises(ConnectError):
        engine.list()


def test_frames_and_chunks() -> None:
    with FakeEngine(logs=log([ONE, frame(2, b"two\n")])) as fake, Engine(fake.host) as engine:
        stream = engine.logs("web")
        found = [frame for frames in stream for frame in frames]
        assert [(f.stream, f.payload) for f in found] == [
            (Stream.STDOUT, b"one\n"),
            (Stream.STDERR, b"two\n"),
        ]
        assert stream.container.name == "/web"
        assert b"".join(engine.logs("web").chunks()) == ONE + frame(2, b"two\n")
        with engine.logs("web") as opened:
            assert opened.multiplexed
            assert [f.payload for frames in opened.runs() for f in frames] == [b"one\n", b"two\n"]
        with pytest.raises(RuntimeError, match="has been read"):
            next(iter(stream))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(b'{"log":"hi\\n","stream":"stdout","time":"2026-11-24T01:02:03Z"}\n' * 3)
    assert [item.text for item in tail_files(str(path)).lines() if isinstance(item, Line)] == [
        "hi"
    ] * 3
    with tail_files(str(path)) as tail:
        assert len(tail.found) == 1
        assert sum(len(batch) for batch in tail) == 3
    assert len(tail.found) == 1


# --- ends ---------------------------------------------------------------------------------------


def read_one(stream: object) -> None:
    for _ in stream:  # type: ignore[attr-defined]
        break


@pytest.mark.parametrize(
    "open_stream",
    [
        lambda engine: engine.logs("web", follow=True),
        lambda engine: engine.logs("web", follow=True).runs(),
        lambda engine: engine.logs("web", follow=True).chunks(),
        lambda engine: engine.events(),
        lambda engine: engine.events().batches(),
        lambda engine: engine.stats("web"),
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
        stream = engine.logs("web", follow=True)
        found: list[int] = []
        reader = threading.Thread(target=lambda: found.extend(len(f) for f in stream))
        reader.start()
        assert peer.asked.wait(10)
        stream.close()
        reader.join(10)
        assert not reader.is_alive()
        assert peer.gone.wait(10)
        assert sum(found) <= 1


def test_closing_before_the_iteration_begins_ends_it() -> None:
    with Peer(ONE).engine as fake, Engine(fake.host) as engine:
        for stream in (engine.logs("web", follow=True), engine.events()):
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
                for _ in engine.logs("web", follow=True):
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
        stream = engine.logs("web", follow=True).__enter__()
        iterator = iter(stream)
        assert next(iterator)
        del engine, stream, iterator
        gc.collect()
        assert peer.gone.wait(10)


def test_garbage_in_a_cycle_waits_for_nothing(recwarn: pytest.WarningsRecorder) -> None:
    peer = Peer(ONE)
    with peer.engine as fake, Engine(fake.host) as engine:
        iterator = iter(engine.logs("web", follow=True))
        assert next(iterator)
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
        engine.events().__enter__()
        assert peer.gone.wait(10)


# --- threads ------------------------------------------------------------------------------------


def test_threads_share_an_engine() -> None:
    with FakeEngine(logs=log([ONE] * 50)) as fake, Engine(fake.host) as engine:
        counts: list[int] = []

        def work() -> None:
            for _ in range(5):
                counts.append(sum(len(frames) for frames in engine.logs("web")))
                assert engine.inspect("web").name == "/web"

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
        stream = engine.logs("web", follow=True)
        reader = threading.Thread(target=lambda: found.extend(len(frames) for frames in stream))
        reader.start()
        assert engine.inspect("web").name == "/web"
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
        stream = engine.logs("web")
        stream.close()
        assert isinstance(stream, LogStream)
        assert isinstance(engine.images, Images)
        assert threading.active_count() == before


# --- processes ----------------------------------------------------------------------------------


def run(code: str, *, wait: Callable[[subprocess.Popen[str]], None] | None = None) -> str:
    """Run a program; what it may not do is to say anything on stderr. Return its stdout."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    try:
        if wait is not None:
            wait(process)
        stdout, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert stderr == ""
    assert process.returncode == 0
    return stdout


def test_after_a_fork_it_is_refused() -> None:
    code = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of any fork with threads
from lobtail.sync import Engine
engine = Engine({host!r})
engine.ping()
stream = engine.logs("web", follow=True)
iterator = iter(stream)
next(iterator)
pid = os.fork()
if pid == 0:
    for call in (engine.ping, stream.close, engine.close, lambda: next(iterator)):
        try:
            call()
        except RuntimeError as exc:
            assert "cannot be used after a fork" in str(exc), exc
        else:
            raise SystemExit(3)
    with Engine({host!r}) as other:
        print(other.ping().api_version, flush=True)
    raise SystemExit(0)
_, status = os.waitpid(pid, 0)
assert status == 0, status
assert engine.inspect("web").name == "/web"
engine.close()
"""
    with Peer(ONE).engine as fake:
        assert run(code.format(host=fake.host)) == "1.45\n"


def test_an_engine_that_has_not_begun_can_go_through_a_fork() -> None:
    code = """
import os
from lobtail.sync import Engine
engine = Engine({host!r})
pid = os.fork()
os.write(1, engine.ping().api_version.encode() + b"\\n")
engine.close()
if pid:
    assert os.waitpid(pid, 0)[1] == 0
"""
    with FakeEngine() as fake:
        assert run(code.format(host=fake.host)) == "1.45\n1.45\n"


@pytest.mark.parametrize("how", ["pass", "del engine, iterator", "import sys; sys.exit()"])
def test_a_program_ends_without_a_word(how: str) -> None:
    code = """
from lobtail.sync import Engine
engine = Engine({host!r})
engine.ping()
iterator = iter(engine.logs("web", follow=True))
assert next(iterator)
entered = engine.events().__enter__()
{how}
"""
    peer = Peer(ONE)
    with peer.engine as fake:
        run(code.format(host=fake.host, how=how))
        assert peer.gone.wait(10)


@pytest.mark.parametrize(
    "wait",
    [
        "for frames in engine.logs('web', follow=True): print('here', flush=True)",
        "print('here', flush=True); engine.wait('web')",
        "print('here', flush=True)\n    with engine.logs('silent'): pass",
    ],
    ids=["iterating", "asking", "entering"],
)
def test_ctrl_c_is_heard_at_once(wait: str) -> None:
    # Shells have what runs in the background ignore SIGINT, and children inherit that.
    code = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from lobtail.sync import Engine
engine = Engine({{host!r}})
engine.ping()
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", engine.inspect("web").name)
"""
    asked = threading.Event()
    silent = [tell(asked), stall]
    answers = {
        "/silent/json": json_answer({"Id": "silent", "Name": "/silent"}),
        "/silent/logs": silent,
        "/wait": silent,
        "/logs": log([ONE], tell(asked), stall),
    }

    def interrupt(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)

    with FakeEngine(answers=answers) as fake:
        assert run(code.format(host=fake.host), wait=interrupt) == "interrupted /web\n"


# --- the portal ---------------------------------------------------------------------------------


def test_closing_while_others_ask() -> None:
    async def answer() -> int:
        return 1

    portal = Portal()
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

    portal = Portal()
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

    portal = Portal()
    assert portal.run(add, 1, b=2) == 3
    with pytest.raises(ValueError, match="no"):
        portal.run(fail)
    assert portal.call(lambda: 7) == 7
    portal.close()
    assert portal.call(lambda: 8) == 8
    portal.later(fail)  # it has ended: nothing happens
    Portal().close()

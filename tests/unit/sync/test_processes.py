"""The blocking face in programs of its own: forks, ends, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.fake_engine import FakeEngine, frame, json_answer, log, stall, tell
from support.peer import Peer

SRC = Path(__file__).parents[3] / "src"
ONE = frame(1, b"one\n")


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
stream = engine.containers.logs("web", follow=True)
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
assert engine.containers.inspect("web").name == "/web"
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
iterator = iter(engine.containers.logs("web", follow=True))
assert next(iterator).payload
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
        "for frame in engine.containers.logs('web', follow=True): print('here', flush=True)",
        "print('here', flush=True); engine.containers.wait('web')",
        "print('here', flush=True)\n    with engine.containers.logs('silent'): pass",
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
    print("interrupted", engine.containers.inspect("web").name)
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

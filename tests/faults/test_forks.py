"""A fork of lobtail, as most tests have it, does what a new process does."""

from __future__ import annotations

import pytest

from faults.command import environment, popen
from faults.fake_engine import FakeEngine, frame, log, stall
from faults.fake_host import FakeHost
from support.engines import Result, finish
from support.forked import Run, can_fork
from support.shop import db, web

LINES = [frame(1, b"2024-05-01T11:59:59.5Z one\n"), frame(2, b"two\n")]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("logs", "-t", "web"), 0),
        (("logs", b"\xff"), 0),
        (("logs", "--since", "lately", "web"), 2),
        (("tail", "web"), 1),
        (("--help",), 0),
    ],
)
def test_it_writes_the_same(args: tuple[str | bytes, ...], code: int) -> None:
    with FakeEngine(log(LINES)) as engine:
        new = finish(popen(engine.host, *args))
        fork = Result(*Run(args, environment(engine.host)).finish())
    assert fork == new
    assert fork.code == code


def test_its_times_are_those_of_its_own_zone() -> None:
    args = ("tail", "--no-follow", "-t", "--color=always")
    with FakeHost(web(), db()) as engine:
        for zone in ("Asia/Kolkata", "America/Lima"):
            env = {"TZ": zone}
            fork = Result(*Run(args, environment(engine.host, env)).finish())
            assert fork == finish(popen(engine.host, *args, env=env))
            assert fork.code == 0


def test_what_python_looks_at_needs_a_new_process() -> None:
    env = environment("")
    assert can_fork(env)
    assert can_fork({**env, "TZ": "UTC", "LOBTAIL_TAIL_GREP": "x"})
    for name in ("PYTHONUTF8", "LC_ALL", "LANG"):
        assert not can_fork({**env, name: "other"})


def test_one_that_does_not_end_is_killed() -> None:
    with (
        FakeEngine(log([frame(1, b"one\n")], stall)) as engine,
        pytest.raises(AssertionError, match="did not end; it wrote b'one"),
    ):
        Run(["logs", "-f", "web"], environment(engine.host), timeout=1).finish()

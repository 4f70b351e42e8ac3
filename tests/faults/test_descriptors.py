"""Too few file descriptors: one line, wherever they run out."""

from __future__ import annotations

import pytest

from faults.command import popen
from faults.fake_engine import FakeEngine, frame, log
from faults.fake_host import Box, FakeHost, line
from support.engines import LOBTAIL, Result, finish

WORDS = "too many open files; raise the limit with 'ulimit -n'"


def with_limit(count: int, host: str, *args: str, **env: str) -> Result:
    """Run `lobtail ARGS` with at most so many descriptors."""
    shell = ["sh", "-c", f'ulimit -n {count} && exec "$@"', "sh"]
    return finish(popen(host, *args, env=env, program=[*shell, *LOBTAIL]))


@pytest.mark.parametrize(
    "args",
    [
        ("logs", "-f", "web"),
        ("tail", "--no-follow"),
        ("ps",),
        ("frames", "web"),
        ("doctor",),
        ("attach", "--no-stdin", "web"),
        ("exec", "web", "true"),
        ("service", "logs", "web"),
    ],
    ids=" ".join,
)
def test_case_few_descriptors(args: tuple[str, ...]) -> None:
    result = with_limit(5, "unix:///nowhere", *args)
    assert result == Result(b"", f"lobtail: cannot start: {WORDS}\n".encode(), 1)


def test_logs_without_follow_need_only_a_connection() -> None:
    with FakeEngine(log([frame(1, b"one\n")])) as engine:
        assert with_limit(5, engine.host, "logs", "web") == Result(b"one\n", b"", 0)


@pytest.mark.parametrize("count", [6, 8, 9, 10, 12])
def test_case_few_descriptors_as_they_run_out(count: int) -> None:
    boxes = [Box(f"c{i}", [line(f"of {i}")], driver="journald") for i in range(8)]
    with FakeHost(*boxes) as host:
        result = with_limit(count, host.host, "tail", "--no-follow", "-o", "raw")
    said = result.stderr.decode()
    assert result.code in (0, 1)
    for word in ("Traceback", "never awaited", "Exception ignored"):
        assert word not in said
    if result.code:
        assert len([text for text in said.splitlines() if text.startswith("lobtail: ")]) == 1
        assert "too many open files" in said.lower()
    else:
        assert sorted(result.stdout.split(b"\n")[:-1]) == [b"of %d" % i for i in range(8)]

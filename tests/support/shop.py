"""Three containers that a test scripts, for `lobtail tail`."""

from __future__ import annotations

from typing import Any

from faults.command import lobtail
from faults.fake_host import Box, FakeHost, line
from support.engines import Result

COMPOSE = "com.docker.compose"


def web() -> Box:
    labels = {f"{COMPOSE}.project": "shop", f"{COMPOSE}.service": "web", "tier": "front"}
    history = [
        line('{"level":"info","msg":"GET /","status":200}', 1),
        line('{"level":"info","msg":"GET /health","status":200}', 3),
        line('{"level":"error","msg":"GET /pay","status":502}', 5, 2),
        line('{"level":"info","msg":"GET /","status":200}', 7),
    ]
    return Box("web", history, labels=labels, image="nginx:1.27")


def db() -> Box:
    history = [line(f"LOG: checkpoint {i}", 2 * i) for i in range(1, 5)]
    return Box("db", [*history, line("WARNING: slow query", 9)])


def idle() -> Box:
    return Box("old", [line("long ago", 0)], running=False)


def texts(result: Result) -> list[str]:
    return result.stdout.decode().splitlines()


def history(*args: str, boxes: tuple[Box, ...] | None = None, **more: Any) -> Result:
    """Run `lobtail tail --no-follow -o raw ARGS` on the three containers."""
    with FakeHost(*(boxes or (web(), db(), idle()))) as engine:
        return lobtail(engine.host, "tail", "--no-follow", "-o", "raw", *args, **more)


ALL = [
    '{"level":"info","msg":"GET /","status":200}',
    "LOG: checkpoint 1",
    '{"level":"info","msg":"GET /health","status":200}',
    "LOG: checkpoint 2",
    '{"level":"error","msg":"GET /pay","status":502}',
    "LOG: checkpoint 3",
    '{"level":"info","msg":"GET /","status":200}',
    "LOG: checkpoint 4",
    "WARNING: slow query",
]
WEB, DB = [ALL[i] for i in (0, 2, 4, 6)], [ALL[i] for i in (1, 3, 5, 7, 8)]

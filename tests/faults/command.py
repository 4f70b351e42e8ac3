"""Run the real command line, as users do, against an engine that a test scripts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from support.engines import LOBTAIL, Result, docker_cli, finish
from support.forked import Run, can_fork

# How lobtail is told to bear no longer silence than a second, where a test is about silence.
IMPATIENT = {"LOBTAIL_TIMEOUT": "1"}

# What the fixture `run_here` is: `lobtail` below, without a process of its own.
RunHere: TypeAlias = Callable[..., Result]


def environment(host: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which only `host` names an engine."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "LOBTAIL_"))}
    # No docker configuration of the user's may name a context.
    kept["HOME"] = "/nonexistent"
    return {**kept, **({"DOCKER_HOST": host} if host else {}), **(extra or {})}


def popen(host: str, *args: str | bytes, **more: Any) -> subprocess.Popen[bytes]:
    """Start `lobtail ARGS`, outputs in pipes unless `more` says otherwise.

    Unbuffered: what stays in a buffer behind `readline` is missed by `finish`.
    """
    env = environment(host, more.pop("env", None))
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    return subprocess.Popen([*more.pop("program", LOBTAIL), *args], env=env, **{**pipes, **more})


def lobtail(host: str, *args: str | bytes, **more: Any) -> Result:
    """Run `lobtail ARGS` to its end."""
    env = environment(host, more.get("env"))
    if more.keys() <= {"env"} and can_fork(env):
        return Result(*Run(args, env).finish())
    return finish(popen(host, *args, **more))


def docker(host: str, *args: str, **more: Any) -> Result:
    """Run `docker ARGS` to its end."""
    return finish(popen(host, *args, program=[docker_cli()], **more))


def line_of(result: Result) -> str:
    """Return the one line on stderr of a command that failed as it should."""
    assert result.code == 1, result
    text = result.stderr.decode()
    assert text.endswith("\n"), result
    assert len(text.splitlines()) == 1, result
    assert "Traceback" not in text, result
    return text.removesuffix("\n")

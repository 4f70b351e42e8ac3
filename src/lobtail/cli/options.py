"""What the commands share: docker's way of writing flags, the host, running the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from itertools import takewhile
from typing import Any, TypeVar

import click

from lobtail.engine.client import TIMEOUT, EngineClient
from lobtail.errors import ConfigError

__all__ = ["DockerCommand", "engine_arguments", "host_option", "make_engine", "run"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

# strconv.ParseBool
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class DockerCommand(click.Command):
    """A command whose boolean flags may have a value, as docker's: ``--follow=false``, ``-f=0``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Replace flags with a value by what click understands."""
        flags = {
            name: param.name
            for param in self.params
            if isinstance(param, click.Option) and param.is_flag
            for name in param.opts
        }
        plain: list[str] = []
        for i, arg in enumerate(args):
            if arg == "--":
                plain += args[i:]
                break
            name, equals, value = arg.partition("=")
            if not (equals and name in flags):
                plain.append(arg)
            elif value in _TRUE:
                plain.append(name)
            elif value in _FALSE:  # docker lets the last one hold
                kept = (_without(flags[name], p, flags) for p in plain)
                plain = [p for p in kept if p is not None]
            else:
                raise click.UsageError(f"{name} takes true or false, not {value!r}", ctx)
        return super().parse_args(ctx, plain)


def _without(flag: str, arg: str, flags: dict[str, str]) -> str | None:
    """Return ``arg`` without ``flag``, which may be one of its letters (``-ft``)."""
    if flags.get(arg) == flag:
        return None
    if arg.startswith("--") or not arg.startswith("-"):
        return arg
    letters = list(takewhile(lambda letter: f"-{letter}" in flags, arg[1:]))
    kept = [letter for letter in letters if flags[f"-{letter}"] != flag]
    rest = "".join(kept) + arg[1 + len(letters) :]
    return f"-{rest}" if rest or not letters else None


def host_option(function: F) -> F:
    """Add ``--host`` to a command; it may also stand before the command's name, as docker's."""
    return click.option("-H", "--host", metavar="HOST", help="The engine, as before the command.")(
        function
    )


def make_engine(host: str | None) -> EngineClient:
    """Return the engine that the command line or the environment names."""
    return EngineClient(**engine_arguments(host))


def engine_arguments(host: str | None) -> dict[str, Any]:
    """Return what to make an ``EngineClient`` or one of its kind with."""
    context = click.get_current_context()
    host = host or context.find_root().obj
    return {"host": host, "timeout": _timeout(), "origin": "--host"}


def _timeout() -> float:
    value = os.environ.get("LOBTAIL_TIMEOUT")
    if not value:
        return TIMEOUT
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"LOBTAIL_TIMEOUT is no number of seconds: {value!r}")
    return seconds


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` in an event loop of its own."""
    return asyncio.run(main)

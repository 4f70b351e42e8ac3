"""What the commands share: which engine, how long to wait for it, running the event loop."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lobtail.cli.docker_argv import DockerCommand
from lobtail.cli.engines import ChosenEngines, chosen, host_option, short_context_option
from lobtail.engine.client import TIMEOUT, EngineClient
from lobtail.engine.config.docker_config import read_config
from lobtail.errors import ConfigError, LobtailError
from lobtail.terminal.output import TOO_MANY_FILES, print_status

if TYPE_CHECKING:
    import asyncio

    from lobtail.engine.config.endpoint import Endpoint

__all__ = [
    "DockerCommand",
    "distinct_engine_arguments",
    "engine_arguments",
    "every_engine_arguments",
    "host_option",
    "load_asyncio",
    "make_engine",
    "run",
    "short_context_option",
]

T = TypeVar("T")

_LONGEST: Final = 365 * 86400.0
# A selector, two pairs of sockets, and a connection.
_DESCRIPTORS: Final = 6

Host = str | tuple[str, ...] | None
"""What ``host_option`` gives a command: what to hand on."""


def make_engine(host: Host) -> EngineClient:
    """Return the engine that the command line or the environment names.

    Raises:
        ConfigError: it cannot be used, or several are named.
    """
    return EngineClient(**engine_arguments(host))


def engine_arguments(host: Host) -> dict[str, Any]:
    """Return what to make an ``EngineClient`` or one of its kind with."""
    _tell_of_settings(print_status)
    arguments = distinct_engine_arguments(host)
    if len(arguments) > 1:
        named = map(_name, arguments)
        command = click.get_current_context().command_path
        raise ConfigError(f"'{command}' reads one engine, and {' and '.join(named)} are given")
    return arguments[0]


def distinct_engine_arguments(
    host: Host, tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Return what to make each of the engines with that are named, each engine once.

    ``tell`` is called with a line about docker's settings that cannot be used, and about another
    name of an engine.

    Raises:
        ConfigError: one of them cannot be used.
    """
    every = every_engine_arguments(host)
    _tell_of_settings(tell)
    if len(every) == 1:
        return every
    distinct: list[tuple[Endpoint, dict[str, Any]]] = []
    for arguments in every:
        endpoint = EngineClient(**arguments).endpoint
        known = (first for one, first in distinct if one.leads_where(endpoint))
        if (first := next(known, None)) is None:
            distinct.append((endpoint, arguments))
        elif (name := _name(arguments)) != (called := _name(first)):
            tell(f"lobtail: {name} is the engine that {called} is, too; it is read once")
    return [arguments for _, arguments in distinct]


def _tell_of_settings(tell: Callable[[str], None]) -> None:
    if warning := read_config(os.environ).warning:
        tell(f"WARNING: {warning}")


def _name(arguments: dict[str, Any]) -> str:
    return str(arguments.get("host") or arguments.get("context"))


def every_engine_arguments(host: Host) -> list[dict[str, Any]]:
    """Return what to make each of the engines with that are named; at least one."""
    given = chosen(click.get_current_context(), host)
    shared = {"timeout": _timeout(), "tls": _tls(given)}
    named = [{"context": name, "origin": "--context"} for name in given.contexts if name]
    named += [{"host": name, "origin": "--host"} for name in given.hosts]
    if shared["tls"] is not None and any(map(_may_have_tls, named)):
        # Contexts say it themselves, and of several engines others may need none.
        return [
            {**shared, **each} if _may_have_tls(each) else {**shared, **each, "tls": None}
            for each in named
        ]
    return [{**shared, **each} for each in named or [{}]]


def _may_have_tls(named: dict[str, Any]) -> bool:
    host = named.get("host")
    return host is not None and not host.startswith(("unix:", "ssh:", "/", "./"))


def _tls(given: ChosenEngines) -> Any:
    if not given.says_tls:
        return None
    from lobtail.engine.config.tls import resolve_tls

    tls = resolve_tls(
        os.environ,
        tls=given.tls,
        verify=given.tlsverify,
        ca=given.tlscacert,
        cert=given.tlscert,
        key=given.tlskey,
    )
    return False if tls is None else tls


def _timeout() -> float:
    value = os.environ.get("LOBTAIL_TIMEOUT")
    if not value:
        return TIMEOUT
    try:
        # float() alone would take 1_0 and the digits of other scripts.
        seconds = float(value) if value.isascii() and "_" not in value else 0.0
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"LOBTAIL_TIMEOUT is no number of seconds: {value[:40]!r}")
    return min(seconds, _LONGEST)  # sockets refuse what lasts longer than the universe


def load_asyncio() -> None:
    """Load asyncio, once all engines are known: without ssl, where none of them speaks TLS.

    ssl takes a third of the time, and asyncio has its own way without it
    (docs/decisions/072-start.md). A client whose engine speaks TLS has loaded what that needs.
    """
    if not {"asyncio", "ssl", "lobtail.engine.config.tls"} & sys.modules.keys():
        # How Python is told that there is no such module.
        sys.modules["ssl"] = None  # type: ignore[assignment]
        try:
            import asyncio  # noqa: F401
        finally:
            del sys.modules["ssl"]


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` in an event loop of its own.

    SystemExit, which a signal raises anywhere, leaves the loop as it is: what was cut off in its
    midst may never end, so there is nobody to wait for. ``lobtail.cli.entry`` exits then.
    """
    load_asyncio()
    import asyncio

    try:
        _reserve_descriptors()
    except OSError as exc:
        main.close()
        raise LobtailError(f"cannot start: {TOO_MANY_FILES}") from exc
    runner = asyncio.Runner()
    try:
        with _waking(runner.get_loop()):
            result = runner.run(main)
    except SystemExit:
        signal.setitimer(signal.ITIMER_REAL, 0)  # it was heard
        if ssh := sys.modules.get("lobtail.engine.net.ssh"):
            ssh.end_all()
        raise
    except BaseException:
        runner.close()
        raise
    runner.close()
    return result


def _reserve_descriptors() -> None:
    """Raise OSError where there are too few descriptors for an event loop and a connection.

    asyncio would leave half a loop behind, whose finaliser complains.
    """
    taken: list[int] = []
    try:
        while len(taken) < _DESCRIPTORS:
            taken.append(os.dup(2))
    finally:
        for fd in taken:
            os.close(fd)


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have signals wake the loop.

    One that comes between Python's last look for signals and the loop's falling asleep would else
    be heard when something happens: in a silent container's log, never.
    """
    import socket

    woken, waker = socket.socketpair()
    with woken, waker:
        waker.setblocking(False)
        loop.add_reader(woken, woken.recv, 4096)
        before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(woken)

"""The options that say which engine is meant, before the command and behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import click

__all__ = ["ChosenEngines", "chosen", "global_options", "host_option", "short_context_option"]

F = TypeVar("F", bound=Callable[..., Any])

# Where a command keeps what its own --context says.
_CONTEXTS: Final = "lobtail.contexts"


class ChosenEngines(NamedTuple):
    """What the command line says of the engine."""

    hosts: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    tls: bool | None = None
    tlsverify: bool | None = None
    tlscacert: str | None = None
    tlscert: str | None = None
    tlskey: str | None = None

    @property
    def says_tls(self) -> bool:
        """Whether any of the options for TLS is given."""
        return any(value is not None for value in self[2:])


def global_options(function: F) -> F:
    """Add the options that stand before the command."""
    options = (
        click.option(
            "-c",
            "--context",
            "contexts",
            multiple=True,
            metavar="NAME",
            help="The docker context of the engine; may be given several times.",
        ),
        click.option(
            "-H",
            "--host",
            "hosts",
            multiple=True,
            metavar="HOST",
            help="The engine: unix:///path, tcp://HOST:PORT or ssh://USER@HOST; may be given "
            "several times.  [default: DOCKER_HOST, DOCKER_CONTEXT, the current context, "
            "unix:///var/run/docker.sock, Podman's socket]",
        ),
        click.option("--tls/--no-tls", default=None, help="Use TLS; implied by --tlsverify."),
        click.option(
            "--tlscacert", metavar="PATH", help="Trust only certificates signed by this authority."
        ),
        click.option("--tlscert", metavar="PATH", help="Our certificate."),
        click.option("--tlskey", metavar="PATH", help="The key of our certificate."),
        click.option(
            "--tlsverify/--no-tlsverify", default=None, help="Use TLS and verify the engine."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def host_option(function: F) -> F:
    """Add ``--host`` and ``--context`` to a command; they may also stand before its name."""
    return _host(_context("-c", "--context")(function))


def short_context_option(function: F) -> F:
    """Add ``--host`` and ``-c`` to a command whose ``--context`` is something else."""
    return _host(_context("-c")(function))


_host = click.option(
    "-H", "--host", multiple=True, metavar="HOST", help="The engine, as before the command."
)


def _context(*names: str) -> Callable[[F], F]:
    # Kept aside: a command hands its host on, and need not know that there are contexts.
    return click.option(
        *names,
        "docker_context",
        multiple=True,
        expose_value=False,
        metavar="NAME",
        help="The docker context of the engine, as before the command.",
        callback=_keep,
    )


def _keep(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> None:
    ctx.meta[_CONTEXTS] = value


def chosen(ctx: click.Context, host: str | tuple[str, ...] | None) -> ChosenEngines:
    """Return what the command line says; ``host`` is what stands behind the command.

    What stands behind the command takes the place of what stands before it.
    """
    given = ctx.find_root().obj
    before = given if isinstance(given, ChosenEngines) else ChosenEngines()
    hosts = (host,) if isinstance(host, str) else tuple(host or ())
    contexts = ctx.meta.get(_CONTEXTS, ())
    if hosts or contexts:
        return before._replace(hosts=hosts, contexts=contexts)
    return before

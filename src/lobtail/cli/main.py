"""The ``lobtail`` command: finds the subcommand, and turns every end into an exit code.

===== ==========================================================================
code  meaning
===== ==========================================================================
0     done
1     the engine refused, could not be reached, or the connection broke; ``tail`` without
      follow: what was named is not there; or no line for ``--until-match``
2     the command line cannot be used; nothing was connected to
4     ``tail --fail-on`` found its line
124   the time of ``tail --timeout`` is over
130   SIGINT; 143 SIGTERM; 141 (by the signal itself) where stdout was closed
===== ==========================================================================
"""

from __future__ import annotations

import errno
import gc
import os
import signal
from importlib import import_module
from typing import Any

import click

from lobtail._version import __version__
from lobtail.cli.docker_argv import DockerArgv
from lobtail.cli.engines import ChosenEngines, global_options
from lobtail.errors import ConfigError, LobtailError, QueryError
from lobtail.terminal.output import TOO_MANY_FILES, OutputClosed, OutputError, print_status

__all__ = ["cli", "run"]

# name → module; imported only when the command runs, so that `logs` starts as fast as it can.
_COMMANDS = {
    "attach": "lobtail.cli.attach",
    "config": "lobtail.cli.config",
    "doctor": "lobtail.cli.doctor",
    "exec": "lobtail.cli.exec",
    "frames": "lobtail.cli.frames",
    "completion": "lobtail.cli.completion",
    "logs": "lobtail.cli.logs",
    "plugin": "lobtail.cli.plugin",
    "ps": "lobtail.cli.ps",
    "service": "lobtail.cli.service",
    "tail": "lobtail.cli.tail",
    "ui": "lobtail.cli.ui",
}
# What completion asks for; nobody is told of it.
_HIDDEN = {
    "__complete": "lobtail.cli.complete",
    "__engine": "lobtail.cli.complete_engine",
}


class _Commands(click.Group):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, DockerArgv(self, ctx).read(args))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        # click knows the names of commands that are loaded, and here none is.
        if name not in _COMMANDS and name not in _HIDDEN and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {name!r}.{_nearest(name)}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _COMMANDS.get(cmd_name) or _HIDDEN.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        if not gc.isenabled():  # since `cli.entry` began
            gc.freeze()  # what was imported stays
            gc.enable()
        return command


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    match get_close_matches(name, sorted(_COMMANDS)):
        case []:
            return ""
        case [only]:
            return f" Did you mean {only!r}?"
        case several:
            return f" (Did you mean one of: {', '.join(map(repr, sorted(several)))}?)"


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'lobtail COMMAND --help' explains a command.",
)
@global_options
@click.version_option(__version__, message="lobtail %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Tail the logs of Docker and Podman containers as they were written."""
    ctx.obj = ChosenEngines(**given)


def run(program: str = "lobtail") -> int:
    """Run the command line; return the exit code. ``program`` is what usage texts call it."""
    _occupy_standard_descriptors()
    try:
        result = cli.main(standalone_mode=False, prog_name=program)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        return _usage(exc)
    except click.Abort:
        return 130
    except ConfigError as exc:
        # A fault in a query is shown below its message, each on a line of its own.
        for line in f"lobtail: {exc}".split("\n" if isinstance(exc, QueryError) else "\0"):
            print_status(line)
        return 2
    except LobtailError as exc:
        print_status(_line(exc))
        return 1
    except OutputClosed:
        _die_of(signal.SIGPIPE)
        return 141  # where SIGPIPE is blocked
    except OutputError as exc:
        print_status(f"lobtail: {exc}")
        return 1
    except OSError as exc:
        # A module that cannot be loaded, or click's own output, --help and --version.
        full = exc.errno in (errno.EMFILE, errno.ENFILE)
        why = TOO_MANY_FILES if full else f"cannot write to stdout: {exc.strerror}"
        print_status(f"lobtail: {why}")
        return 1
    return result if isinstance(result, int) else 0


def _usage(exc: click.ClickException) -> int:
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        for line in exc.format_message().splitlines():
            print_status(line)
        return 2
    message = exc.format_message().replace("\n\t", " ")  # click lists choices one a line
    print_status(f"lobtail: {message}")
    context = getattr(exc, "ctx", None)
    if context is not None:
        print_status(f"Try '{context.command_path} --help'.")
    return 2


def _line(exc: LobtailError) -> str:
    """Return an error as docker words it where it is the engine's, else with our name in front."""
    text = str(exc)
    if text.startswith(_DOCKERS_WORDS):
        return text
    return f"lobtail: {text}"


_DOCKERS_WORDS = (
    "Error response from daemon: ",
    "error from daemon in stream: ",
    "no such task or service: ",
    "tty service logs only supported ",
)


def _occupy_standard_descriptors() -> None:
    """Keep sockets from becoming a stdout or stderr that the caller has closed (``>&-``)."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:  # open() takes the lowest free number; the wrong mode keeps it unusable
            os.open(os.devnull, os.O_RDONLY if fd else os.O_WRONLY)


def _die_of(number: signal.Signals) -> None:
    """End as a program does that leaves the signal alone, so that shells see what they expect."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)

"""``lobtail logs``: what ``docker container logs`` does, byte for byte, and the truth on cuts."""

from __future__ import annotations

from typing import Any

import click

from lobtail.cli.logs_run import LogsRun, Wanted
from lobtail.cli.options import DockerCommand, host_option, make_engine, run
from lobtail.engine.client import EngineClient
from lobtail.errors import ConfigError
from lobtail.terminal.output import Output

__all__ = ["command"]

# As in lobtail.follow.options, which need not be loaded for the API.
_SOURCES = ("auto", "api", "files")


@click.command(
    "logs", cls=DockerCommand, short_help="Show the logs of a container, as docker does."
)
@click.argument("container", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what the container writes.")
@click.option(
    "-n",
    "--tail",
    default="all",
    metavar="N",
    show_default=True,
    help="Begin N lines before the end.",
)
@click.option("-t", "--timestamps", is_flag=True, help="Put the time in front of each line.")
@click.option(
    "--since",
    metavar="TIME",
    help="Begin at a time (42m, 1d, yesterday, '2026-11-30 04:10', 1500000000.5).",
)
@click.option("--until", metavar="TIME", help="Stop behind a time; the forms of --since.")
@click.option("--details", is_flag=True, help="Show the attributes that the log driver keeps.")
@click.option(
    "--raw",
    is_flag=True,
    help="Let escape sequences act on the terminal. Pipes and files always get the very bytes.",
)
@click.option(
    "--source",
    type=click.Choice(_SOURCES),
    default="auto",
    show_default=True,
    help="Where the log comes from: the engine's API, or its files where they can be read.",
)
@click.option(
    "--file",
    metavar="PATH",
    help="Read a log file, or a container's folder, without an engine; instead of CONTAINER.",
)
@click.option("--verbose", is_flag=True, help="Say on stderr which source serves, and why.")
@host_option
def command(
    container: str | None, raw: bool, host: tuple[str, ...], file: str | None, **options: Any
) -> None:
    """Show the logs of CONTAINER: its stdout on stdout, its stderr on stderr.

    A drop-in for 'docker container logs': the same bytes, the same exit code. Unlike it, a log
    that ends because the connection broke is an error, and a terminal is only ever coloured.
    """
    if container is None and file is None:
        raise click.MissingParameter(
            ctx=click.get_current_context(), param_type="argument", param_hint="'CONTAINER'"
        )
    if container is not None and file is not None:
        raise ConfigError("name a container or --file, not both")
    wanted = Wanted.build(raw=raw, **options)
    out, err = Output.stdout(raw=raw), Output.stderr(raw=raw)
    show = LogsRun(wanted, out, err)
    signalled = False
    try:
        if file is not None:
            show.show_file(file)
        else:
            assert container is not None
            engine = make_engine(host)
            if wanted.follow or not _show_at_once(show, engine, container):
                run(show.show(engine, container))
    except SystemExit:
        signalled = True
        raise
    finally:
        out.finish(wait=not signalled)
        err.finish(wait=not signalled)


def _show_at_once(show: LogsRun, engine: EngineClient, container: str) -> bool:
    if engine.endpoint.kind != "unix":
        return False
    from lobtail.engine.blocking import BlockingClient

    return show.show_at_once(BlockingClient.like(engine), container)

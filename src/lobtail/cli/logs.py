"""``lobtail logs``: what ``docker container logs`` does, byte for byte, and the truth on cuts."""

from __future__ import annotations

import click

from lobtail.cli.options import DockerCommand, host_option, make_engine, run
from lobtail.cli.output import Output
from lobtail.core.frames import Stream
from lobtail.engine.client import EngineClient
from lobtail.engine.logs import LogStream
from lobtail.engine.pace import Pace

__all__ = ["command"]


@click.command(
    "logs", cls=DockerCommand, short_help="Show the logs of a container, as docker does."
)
@click.argument("container")
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
    help="Begin at a time (2013-01-02T13:23:37Z, 2013-01-02, 1500000000.5) or so long ago (42m).",
)
@click.option("--until", metavar="TIME", help="Stop behind a time; the forms of --since.")
@click.option("--details", is_flag=True, help="Show the attributes that the log driver keeps.")
@click.option(
    "--raw",
    is_flag=True,
    help="Let escape sequences act on the terminal. Pipes and files always get the very bytes.",
)
@host_option
def command(
    container: str,
    follow: bool,
    tail: str,
    timestamps: bool,
    since: str | None,
    until: str | None,
    details: bool,
    raw: bool,
    host: str | None,
) -> None:
    """Show the logs of CONTAINER: its stdout on stdout, its stderr on stderr.

    A drop-in for 'docker container logs': the same bytes, the same exit code. Unlike it, a log
    that ends because the connection broke is an error, and a terminal is only ever coloured.
    """
    engine = make_engine(host)
    stream = engine.logs(
        container,
        follow=follow,
        tail=tail,
        since=since,
        until=until,
        timestamps=timestamps,
        details=details,
    )
    out, err = Output.stdout(raw=raw), Output.stderr(raw=raw)
    signalled = False
    try:
        run(_copy(engine, stream, out, err))
    except SystemExit:
        signalled = True
        raise
    finally:
        out.finish(wait=not signalled)
        err.finish(wait=not signalled)


async def _copy(engine: EngineClient, stream: LogStream, out: Output, err: Output) -> None:
    stderr = Stream.STDERR
    pace = Pace()
    async with engine, stream:
        async for frames in stream.runs():
            size = 0
            for frame in frames:
                (err if frame.stream is stderr else out).write(frame.payload)
                size += len(frame.payload)
            pace.rest(size)

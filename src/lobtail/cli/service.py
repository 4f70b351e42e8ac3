"""``lobtail service logs``: what ``docker service logs`` does, byte for byte."""

from __future__ import annotations

from typing import Any

import click

from lobtail.cli.options import DockerCommand, host_option, make_engine, run
from lobtail.cli.service_run import ServiceLogsRun, ServiceWanted
from lobtail.terminal.output import Output

__all__ = ["command"]


@click.group("service", short_help="Show the logs of a swarm's services.")
def command() -> None:
    """Show the logs of services of a swarm, which the engine must manage."""


@command.command("logs", cls=DockerCommand, short_help="Show the logs of a service or a task.")
@click.argument("service", metavar="SERVICE|TASK")
@click.option("-f", "--follow", is_flag=True, help="Go on with what the tasks write.")
@click.option(
    "-n",
    "--tail",
    default="all",
    metavar="N",
    show_default=True,
    help="Begin N lines before the end, of each task.",
)
@click.option("-t", "--timestamps", is_flag=True, help="Put the time in front of each line.")
@click.option(
    "--since",
    metavar="TIME",
    help="Begin at a time (42m, 1d, yesterday, '2026-11-30 04:10', 1500000000.5).",
)
@click.option("--until", metavar="TIME", help="Stop behind a time; the forms of --since.")
@click.option("--details", is_flag=True, help="Show the attributes that the log driver keeps.")
@click.option("--no-resolve", is_flag=True, help="Name services and nodes by their IDs.")
@click.option("--no-task-ids", is_flag=True, help="Leave the IDs of tasks out.")
@click.option("--no-trunc", is_flag=True, help="Show the IDs of tasks in full.")
@click.option(
    "--raw",
    is_flag=True,
    help="Show what was written and nothing before it; on a terminal, let escape sequences act.",
)
@host_option
def logs(service: str, host: str | None, **options: Any) -> None:
    """Show the logs of all tasks of SERVICE, or of one TASK, wherever in the swarm they run.

    A drop-in for 'docker service logs': the same bytes, the same exit code. In front of each line
    stand the service, the number and the ID of the task, and its node. Lines of different tasks
    come in no order; 'lobtail tail --service SERVICE' sorts them by time.
    """
    wanted = ServiceWanted.build(**options)
    out, err = Output.stdout(raw=wanted.raw), Output.stderr(raw=wanted.raw)
    show = ServiceLogsRun(make_engine(host), wanted, out, err)
    signalled = False
    try:
        run(show.show(service))
    except SystemExit:
        signalled = True
        raise
    finally:
        out.finish(wait=not signalled)
        err.finish(wait=not signalled)

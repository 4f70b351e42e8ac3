"""``lobtail tail``: the options. What they ask for is checked in ``tail_settings``."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from lobtail.cli.defaults import load_defaults, settable, variable_of
from lobtail.cli.options import DockerCommand, engine_arguments, host_option
from lobtail.render.formats import FORMATS
from lobtail.render.stamps import STAMP_STYLES

__all__ = ["command"]


class _TailCommand(DockerCommand):
    """Takes defaults from the file and the environment, and ``-t`` with or without a form."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        # Read before the options are, so that those find their defaults.
        with click.Context(self, info_name=info_name, parent=parent) as probe:
            extra["default_map"] = load_defaults(self, probe)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give ``-t`` and ``--timestamps`` the form that they have without one."""
        end = args.index("--") if "--" in args else len(args)
        plain: list[str] = []
        for arg in args[:end]:
            if match := _BARE.fullmatch(arg):
                plain += [match[1]] if match[1] else []
                plain.append("--timestamps=rfc3339")
            else:
                plain.append(arg)
        return super().parse_args(ctx, plain + args[end:])


# -t may stand behind other letters that take no value: -ft.
_BARE: Final = re.compile(r"--timestamps|(?:(-[fa]+)|-)t")


class _Text(click.types.StringParamType):
    """A text; where several may be given, an environment variable has one a line."""

    envvar_list_splitter = "\n"


_COUNT: Final = click.IntRange(min=0)
_TEXT: Final = _Text()


@click.command(
    "tail", cls=_TailCommand, short_help="Show many containers as one stream, in time order."
)
@click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
# Which containers
@click.option(
    "-l",
    "--label",
    "labels",
    multiple=True,
    type=_TEXT,
    metavar="KEY[=VALUE]",
    help="With this label.",
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    type=_TEXT,
    metavar="NAME",
    help="Of this compose project.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    type=_TEXT,
    metavar="NAME",
    help="Of this compose service.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    type=_TEXT,
    metavar="IMAGE",
    help="Of this image; a glob may be given.",
)
@click.option(
    "-E",
    "--exclude-container",
    "excluded",
    multiple=True,
    type=_TEXT,
    metavar="SELECTOR",
    help="Not these containers.",
)
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that do not run.")
# Which part of their logs
@click.option(
    "-f",
    "--follow/--no-follow",
    default=True,
    show_default=True,
    help="Go on with what they write, through restarts and re-creation.",
)
@click.option(
    "-n",
    "--tail",
    metavar="N",
    help="Begin N lines before the end of each log, or 'all'  "
    "[default: 10; all with --no-follow or --since]",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Begin at a time (2013-01-02T13:23:37Z, 2013-01-02, 1500000000.5) or so long ago (42m).",
)
@click.option("--until", metavar="TIME", help="Stop behind a time; the forms of --since.")
# Which lines
@click.option(
    "-i",
    "--include",
    multiple=True,
    type=_TEXT,
    metavar="REGEX",
    help="Lines in which one of these is found.",
)
@click.option(
    "-e",
    "--exclude",
    multiple=True,
    type=_TEXT,
    metavar="REGEX",
    help="Not lines in which one is found.",
)
@click.option(
    "-g",
    "--grep",
    multiple=True,
    type=_TEXT,
    metavar="TEXT",
    help="Lines that have one of these texts in them.",
)
@click.option(
    "-w",
    "--where",
    multiple=True,
    type=_TEXT,
    metavar="QUERY",
    help="Lines for which this holds: 'level>=warn and status>=500 and not /health/'.",
)
@click.option("--level", metavar="LEVEL", help="Lines of this level or a worse one.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Lines of one stream only.")
@click.option(
    "-A", "--after", type=_COUNT, metavar="N", help="And N lines of the container after each."
)
@click.option("-B", "--before", type=_COUNT, metavar="N", help="And N lines before each.")
@click.option("-C", "--context", type=_COUNT, metavar="N", help="And N lines before and after.")
# How they look
@click.option(
    "-o",
    "--output",
    type=click.Choice(FORMATS),
    default="pretty",
    show_default=True,
    help="The format.",
)
@click.option(
    "--template", metavar="TEMPLATE", help="A format of your own: '{time} {container} {text}'."
)
@click.option(
    "-t",
    "--timestamps",
    type=click.Choice(STAMP_STYLES),
    metavar="[=FORM]",
    help="Show times: rfc3339 (without a FORM), short or relative.",
)
@click.option(
    "--timezone",
    default="local",
    show_default=True,
    metavar="ZONE",
    help="The zone of the times: local, UTC, +02:00 or Europe/Berlin.",
)
@click.option(
    "--highlight", multiple=True, type=_TEXT, metavar="REGEX", help="Highlight what this finds."
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Use colours; NO_COLOR and FORCE_COLOR hold for auto.",
)
@click.option(
    "--prefix/--no-prefix", default=None, help="Name the container  [default: not with -o raw]"
)
@click.option(
    "--marks/--no-marks",
    default=True,
    show_default=True,
    help="Show what happens to containers, and where lines may be missing.",
)
@click.option(
    "--merge-window",
    default="50ms",
    show_default=True,
    metavar="DURATION",
    help="How long a live line may wait for older ones; 0 gives the order of arrival.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Let escape sequences act on the terminal. Pipes and files always get the very bytes.",
)
# When to end
@click.option(
    "--until-match", metavar="REGEX", help="Exit with 0 at a line in which this is found."
)
@click.option("--fail-on", metavar="REGEX", help="Exit with 4 at a line in which this is found.")
@click.option("--timeout", metavar="DURATION", help="Exit with 124 after so long a time.")
@click.option(
    "--max-lines", type=click.IntRange(min=1), metavar="N", help="Exit with 0 after N lines."
)
@host_option
def command(host: str | None, **options: Any) -> int:
    """Show the lines of all containers that are selected, in time order, each line once.

    A SELECTOR is a name, the beginning of an ID, a glob (web-*) or a /regex/. Without one, and
    without --label, --project, --service and --image, all that run.
    """
    from lobtail.api import Engine
    from lobtail.cli.tail_run import TailRun
    from lobtail.cli.tail_settings import make_settings

    settings = make_settings(**options)
    return TailRun(Engine(**engine_arguments(host)), settings).run()


for _key, _option in settable(command).items():
    _option.envvar = variable_of(_key)

"""``lobtail tail``: the options. What they ask for is checked in ``tail_settings``."""

from __future__ import annotations

import os
import re
from typing import Any, ClassVar, Final

import click
from click.core import ParameterSource

from lobtail.cli.defaults import key_of, load_defaults, origin_of, settable, variable_of
from lobtail.cli.options import (
    DockerCommand,
    distinct_engine_arguments,
    load_asyncio,
    short_context_option,
)
from lobtail.engine.client import EngineClient
from lobtail.errors import ConfigError, QueryError
from lobtail.flags import with_flags
from lobtail.follow.options import SOURCES
from lobtail.render.fields import FIELD_STYLES
from lobtail.render.formats import FORMATS
from lobtail.render.stamps import STAMP_STYLES
from lobtail.terminal.output import print_status

__all__ = ["command"]


# What --help shows under each heading, by parameter.
_SECTIONS: Final = {
    "Which containers": ("labels", "projects", "services", "images", "excluded", "everything"),
    "Which part of their logs": ("follow", "tail", "since", "until", "stream"),
    "Which lines": (
        "grep",
        "include",
        "exclude",
        "where",
        "level",
        "after",
        "before",
        "context",
        "group",
    ),
    "How they look": (
        *(
            "output",
            "template",
            "fields",
            "columns",
            "timestamps",
            "timezone",
            "color",
            "highlight",
            "prefix",
        ),
        *("marks", "raw", "merge_window"),
    ),
    "When to end": ("until_match", "fail_on", "max_lines", "timeout"),
    "Where from": ("source", "files", "verbose"),
}


class _TailCommand(DockerCommand):
    """Takes defaults from the file and the environment, and ``-t`` with or without a form."""

    bare: ClassVar = {"timestamps": ("rfc3339", (*STAMP_STYLES, "none"))}

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the defaults before the options, so that those find them."""
        # --help is for those whose file is broken, too.
        if not {"-h", "--help"} & set(args):
            with click.Context(self, info_name=info_name, parent=parent) as probe:
                extra["default_map"] = load_defaults(self, probe)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say of a bad value from the environment which variable has it."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as exc:
            option = exc.param
            name = variable_of(key_of(option)) if isinstance(option, click.Option) else ""
            if not isinstance(option, click.Option) or origin_of(ctx, option) != name:
                raise
            if option.is_flag:
                raise ConfigError(f"{name} is true or false, not {os.environ[name]!r}") from exc
            raise ConfigError(f"{name}: {exc.message}") from exc

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options by what they are about."""
        left = {param.name or "": param for param in self.get_params(ctx)}
        sections = {title: [left.pop(name) for name in names] for title, names in _SECTIONS.items()}
        for title, params in (*sections.items(), ("Other", [*left.values()])):
            options = (param for param in params if isinstance(param, click.Option))
            records = [option.get_help_record(ctx) for option in options]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])


class _Text(click.types.StringParamType):
    """A text; where several may be given, an environment variable has one a line."""

    envvar_list_splitter = "\n"


class _Count(click.types.IntParamType):
    """A number of lines, at least ``least``."""

    def __init__(self, least: int) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number that a text is."""
        text = str(value)
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            hint = ""
            if param is not None and param.name == "context":
                hint = "; a docker context is -c, or --context before the command"
            self.fail(f"{text!r} is no number of lines{hint}", param, ctx)
        if int(text) < self._least:
            self.fail(f"{text} is less than {self._least}", param, ctx)
        return int(text)


class _Stamps(click.types.StringParamType):
    """How times look; a file or a variable may also say true or false."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the form; None for none."""
        text = str(value).lower()
        if text in ("none", "false", "0"):
            return None
        if text in ("true", "1"):
            return STAMP_STYLES[0]
        if text not in STAMP_STYLES:
            self.fail(f"{value!r} is not one of {', '.join(STAMP_STYLES)} and none", param, ctx)
        return text


_COUNT: Final = _Count(0)
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
    help="With this label; of several, with all.",
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    type=_TEXT,
    metavar="NAME",
    help="Of this compose project, or stack of a swarm.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    type=_TEXT,
    metavar="NAME",
    help="Of this service, of compose or of a swarm.",
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
@click.option("--all/--no-all", "-a", "everything", help="Also those that do not run.")
# Which part of their logs
@click.option(
    "--follow/--no-follow",
    "-f",
    default=True,
    show_default=True,
    help="Go on with what they write, through restarts and re-creation.",
)
@click.option(
    "-n",
    "--tail",
    metavar="N",
    help="Begin N lines before the end of each log; with 'all' at its beginning.  "
    "[default: 10; all with --no-follow or --since]",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Begin at a time (42m, 1d, yesterday, '2026-11-30 04:10', 1500000000.5).",
)
@click.option(
    "--until", metavar="TIME", help="Stop behind a time, and end when it has come; as --since."
)
@click.option(
    "--stream",
    type=click.Choice(["both", "stdout", "stderr"]),
    default="both",
    show_default=True,
    help="Only what was written to one stream.",
)
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
@click.option(
    "--group/--no-group",
    default=True,
    show_default=True,
    help="Treat lines that belong together, such as a stack trace, as one.",
)
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
    "--fields",
    type=click.Choice(FIELD_STYLES),
    default="compact",
    show_default=True,
    help="How -o pretty shows JSON and logfmt lines.",
)
@click.option(
    "--columns",
    multiple=True,
    type=_TEXT,
    metavar="FIELD",
    help="Show these fields in columns: res.statusCode,reqId.",
)
@click.option(
    "-t",
    "--timestamps",
    type=_Stamps(),
    metavar="[=FORM]",
    help="Show times: rfc3339 (without a FORM), short, relative or none.",
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
    "--prefix/--no-prefix",
    default=None,
    help="Name the container in front of its lines.  [default: not with -o raw]",
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
    "--raw/--no-raw",
    help="Let escape sequences act on the terminal. Pipes and files always get the very bytes.",
)
# When to end
@click.option(
    "--until-match",
    metavar="REGEX",
    help="Exit 0 on the first line matching REGEX, 1 once all containers have stopped.",
)
@click.option("--fail-on", metavar="REGEX", help="Exit with 4 at a line in which this is found.")
@click.option("--timeout", metavar="DURATION", help="Exit with 124 after so long: 30s, 1m30s.")
@click.option("--max-lines", type=_Count(1), metavar="N", help="Exit with 0 after N lines.")
# Where from
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="auto",
    show_default=True,
    help="Where logs come from: the engine's API, or its files where they can be read.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=_TEXT,
    metavar="PATH",
    help="Read log files without an engine: a log, a folder, what -o json has saved.",
)
@click.option("--verbose/--no-verbose", help="Say on stderr which source serves, and why.")
@short_context_option
def command(host: tuple[str, ...], **options: Any) -> int:
    """Show the lines of all containers that are selected, in time order, each line once.

    A SELECTOR is a name, the beginning of an ID, a glob (web-*) or a /regex/; a name may be that of
    a compose service, or of a service of a swarm, whose tasks are read wherever they run. Without a
    SELECTOR, and without --label, --project, --service and --image, all that run. With --file, it
    is one more path.
    """
    context = click.get_current_context()
    named: list[dict[str, Any]] = []
    if not options["files"]:
        named = distinct_engine_arguments(host, print_status)
    elif (
        options["follow"] and context.get_parameter_source("follow") is ParameterSource.COMMANDLINE
    ):
        raise ConfigError("--follow needs an engine; --file reads a log to its end")
    else:
        options["follow"] = False
    # What follows loads the event loop, and that depends on whether an engine speaks TLS.
    for each in named:
        EngineClient(**each)
    load_asyncio()
    from lobtail.api import Engine
    from lobtail.cli.tail_run import TailRun
    from lobtail.cli.tail_settings import make_settings

    engines = [Engine(**each) for each in named]
    try:
        settings = make_settings(**settled(context, options))
    except ConfigError as exc:
        raise _with_origin(context, exc) from exc
    return TailRun(engines, settings).run()


def settled(context: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options without those that others, from nearer to the user, replace.

    A template on the command line replaces an output in the file, and the other way round; the
    same is true of ``--context``, and ``--before`` and ``--after``.
    """

    def rank(name: str) -> int:
        source = context.get_parameter_source(name)
        return _RANKS.index(source) if source in _RANKS else -1

    kept = dict(options)
    if options["template"] is not None:
        if rank("template") == rank("output"):
            raise ConfigError("--template is a format of its own: give it or --output, not both")
        if rank("template") < rank("output"):
            kept["template"] = None
    for name in ("before", "after"):
        if rank("context") > rank(name):
            kept[name] = None
    return kept


_RANKS: Final = (
    ParameterSource.DEFAULT_MAP,
    ParameterSource.ENVIRONMENT,
    ParameterSource.COMMANDLINE,
)


def _with_origin(context: click.Context, error: ConfigError) -> ConfigError:
    """Return an error about an option that says where that was set, if not on the command line."""
    text = with_flags(str(error))
    if not (found := _OPTION.search(text)):
        return error
    option = settable(command).get(found[1])
    if option is None or not (origin := origin_of(context, option)):
        return error
    if isinstance(error, QueryError):
        return QueryError(f"{error.message} ({origin})", error.query, error.position)
    return ConfigError(f"{text} ({origin})")


_OPTION: Final = re.compile(r"--([a-z-]+)")


for _key, _option in settable(command).items():
    _option.envvar = variable_of(_key)

"""``lobtail ui``: the terminal client."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import click

from lobtail.cli.defaults import load_continuations, load_defaults, load_keys
from lobtail.cli.options import DockerCommand, distinct_engine_arguments, host_option, run
from lobtail.errors import ConfigError, LobtailError
from lobtail.terminal.output import print_status

__all__ = ["command"]


class _UiCommand(DockerCommand):
    """Takes defaults from the table ``[ui]`` of the configuration file."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the defaults, then the command line."""
        # --help is for those whose file is broken, too.
        if not {"-h", "--help"} & set(args):
            with click.Context(self, info_name=info_name, parent=parent) as probe:
                extra["default_map"] = load_defaults(self, probe)
        return super().make_context(info_name, args, parent, **extra)


@click.command("ui", cls=_UiCommand, short_help="The terminal client: containers and their logs.")
@click.argument("selectors", metavar="[SELECTOR]...", nargs=-1)
@click.option(
    "-l", "--label", "labels", multiple=True, metavar="KEY[=VALUE]", help="With this label."
)
@click.option(
    "--project", "projects", multiple=True, metavar="NAME", help="Of this compose project."
)
@click.option(
    "--service", "services", multiple=True, metavar="NAME", help="Of this compose service."
)
@click.option("--image", "images", multiple=True, metavar="IMAGE", help="Of this image.")
@click.option(
    "-E", "--exclude-container", "exclude", multiple=True, metavar="SELECTOR", help="Not these."
)
@click.option("-a", "--all/--no-all", "everything", help="Also those that do not run.")
@click.option(
    "-t",
    "--timestamps",
    type=click.Choice(("short", "full", "relative", "off")),
    default="short",
    help="How times are shown first.  [default: short]",
)
@click.option(
    "--timezone",
    metavar="ZONE",
    default="local",
    help="The zone of the times: local, UTC, +02:00 or Europe/Berlin.  [default: local]",
)
@click.option("--wrap/--no-wrap", help="Wrap long lines from the start.")
@click.option(
    "--fields",
    type=click.Choice(("compact", "raw")),
    default="compact",
    help="Show JSON lines as message and fields, or as written.  [default: compact]",
)
@click.option(
    "--histogram/--no-histogram", default=True, help="Show the rate of lines.  [default: histogram]"
)
@click.option(
    "--theme",
    type=click.Choice(("dark", "light")),
    default="dark",
    help="The colours to begin with; NO_COLOR takes all away.  [default: dark]",
)
@click.option("--read-only/--no-read-only", help="Only look: forbid all that changes something.")
@host_option
def command(host: str | None, **options: Any) -> int:
    """Look at containers and their logs, and steer them.

    With SELECTORs, as for 'lobtail tail', it begins with the log of those.
    """
    try:
        from lobtail.tui.app import ClientSettings, run_app
        from lobtail.tui.engine_group import EngineGroup
        from lobtail.tui.reading_thread import ReadingThread
        from lobtail.tui.state.keymap import check_keymap
        from lobtail.tui.state.target import Target
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("textual", "rich"):
            raise
        raise ConfigError("the terminal UI needs: pip install 'lobtail[tui]'") from exc
    from lobtail.api import Engine
    from lobtail.engine.config.endpoint import labels

    criteria = {
        key: options[key] for key in ("labels", "projects", "services", "images", "exclude")
    }
    target = Target(names=options["selectors"], everything=options["everything"], **criteria)
    looks = ("timestamps", "timezone", "wrap", "fields", "histogram", "theme", "read_only")
    settings = ClientSettings(
        keys=check_keymap(load_keys()), **{key: options[key] for key in looks}
    )
    arguments = distinct_engine_arguments(host, print_status)
    engines = [Engine(**each) for each in arguments]
    names = labels([engine.endpoint for engine in engines]) if len(engines) > 1 else [""]
    words = [_words(each) for each in arguments]
    readers = [partial(Engine, **each) for each in arguments]
    fleet = EngineGroup(
        dict(zip(names, engines, strict=True)),
        dict(zip(names, words, strict=True)),
        ReadingThread(dict(zip(names, readers, strict=True))),
        continuations=load_continuations(),
    )
    # What cannot be used is said before the screen is taken.
    settings.check()
    fleet.check(*target.names, **target.arguments())
    if not (os.isatty(0) and os.isatty(1)):
        raise ConfigError("lobtail ui needs a terminal: stdin and stdout are none")
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise ConfigError("lobtail ui needs a terminal that can do more than TERM says")
    code, fault = run(run_app(fleet, target, settings))
    if fault:
        raise LobtailError(fault)
    return code


def _words(arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the options that name an engine."""
    if arguments.get("context"):
        return ("-c", str(arguments["context"]))
    return ("-H", str(arguments["host"])) if arguments.get("host") else ()

"""``lobtail config``: which settings hold, and where each comes from."""

from __future__ import annotations

from typing import Any

import click

from lobtail.cli.defaults import config_path, origin_of, settable
from lobtail.cli.options import DockerCommand
from lobtail.render.table import table
from lobtail.terminal.output import Output

__all__ = ["command"]


@click.command("config", cls=DockerCommand, short_help="Show the settings that hold, and why.")
def command() -> None:
    """Show what 'lobtail tail' does without options, and what says so.

    Settings come from the environment (LOBTAIL_TAIL_OUTPUT for --output), then from [tail] in
    ~/.config/lobtail/config.toml. The command line comes before both.
    """
    from lobtail.cli.tail import command as tail

    context = tail.make_context("tail", [], parent=click.get_current_context().parent)
    path = config_path()
    rows = [
        (key, _shown(context.params[option.name or ""]), origin_of(context, option) or "default")
        for key, option in settable(tail).items()
    ]
    found = "" if path.exists() else " (there is none)"
    text = f"File: {path}{found}\n\n" + table(("SETTING", "VALUE", "FROM"), rows)
    Output.stdout().write(text.encode("utf-8", "surrogateescape"))


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

"""Defaults from the config file and the environment, and ``lobtail config``, which shows them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lobtail.cli.output import Output
from lobtail.errors import ConfigError

__all__ = ["command", "config_path", "defaults"]

_SOURCES = {
    click.core.ParameterSource.ENVIRONMENT: "environment",
    click.core.ParameterSource.DEFAULT_MAP: "file",
}


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the config file is looked for (XDG Base Directory)."""
    folder = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    return Path(folder, "lobtail", "config.toml")


def defaults(command: click.Command, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the defaults that the config file has for ``command``: its table ``[tail]``.

    Keys are the long options, such as ``merge-window = "0"`` or ``exclude = ["GET /health"]``.

    Raises:
        ConfigError: the file cannot be read, or has an unknown key.
    """
    path = config_path(environ)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read {path}: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path} is not TOML: {exc}") from exc
    section = table.get(command.name or "", {})
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {command.name} is not a table: write [{command.name}]")
    known = {long_name(param): param.name for param in command.params if long_name(param)}
    chosen: dict[str, Any] = {}
    for key, value in section.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            raise ConfigError(
                f"{path}: [{command.name}] has no option {key!r}; "
                f"'lobtail {command.name} --help' lists them"
            )
        chosen[name] = value
    return chosen


def long_name(param: click.Parameter) -> str:
    """Return the long option of ``param`` without its dashes; nothing for an argument."""
    if not isinstance(param, click.Option):
        return ""
    return next((opt[2:] for opt in param.opts if opt.startswith("--")), "")


@click.command("config", short_help="Show the defaults that hold, and where they came from.")
def command() -> None:
    """Show each option of 'lobtail tail': its value and where that came from.

    An option on the command line comes first, then LOBTAIL_TAIL_OPTION in the environment, then
    the table [tail] of the config file, then the built-in default.
    """
    from lobtail.cli.tail import command as tail

    path = config_path(os.environ)
    state = "" if path.exists() else " (there is none)"
    lines = [f"# config file: {path}{state}\n"]
    context = tail.make_context("tail", [], parent=click.get_current_context().parent)
    for param in tail.params:
        name = long_name(param)
        if not name or param.name is None or name in ("help", "host"):
            continue
        source = context.get_parameter_source(param.name)
        origin = _SOURCES.get(source, "default") if source is not None else "default"
        if origin == "environment":
            origin = f"LOBTAIL_TAIL_{param.name.upper()}"
        lines.append(f"{name:18} {_shown(context.params[param.name]):24} {origin}\n")
    Output.stdout().write("".join(lines).encode())


def _shown(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)

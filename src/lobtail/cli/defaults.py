"""Defaults for options: the user's configuration file, and the environment.

The command line comes first, then ``LOBTAIL_TAIL_*``, then ``[tail]`` (and ``[ui]``) in
``$XDG_CONFIG_HOME/lobtail/config.toml`` (``~/.config`` without that variable; ``LOBTAIL_CONFIG``
names another file). Keys are the long names of the options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from lobtail.errors import ConfigError
from lobtail.regular import read_regular

__all__ = [
    "config_path",
    "key_of",
    "load_continuations",
    "load_defaults",
    "load_keys",
    "origin_of",
    "settable",
    "variable_of",
]

# TOML 1.0, section "Integer".
_BITS: Final = 63
_TABLES = ("tail", "ui", "entries")

# What has no default of ours, by parameter.
_DOCKERS = ("help", "host", "docker_context")


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the configuration file is, or would be."""
    environ = os.environ if environ is None else environ
    if given := environ.get("LOBTAIL_CONFIG"):
        return Path(given)
    # The XDG base directory specification: a relative path is to be ignored.
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else Path(environ.get("HOME", "~")) / ".config"
    return folder / "lobtail" / "config.toml"


def settable(command: click.Command) -> dict[str, click.Option]:
    """Return the options that may have a default, by their keys in the file.

    All but the engine: that is docker's to say, by DOCKER_HOST and DOCKER_CONTEXT.
    """
    return {
        key_of(param): param
        for param in command.params
        if isinstance(param, click.Option) and param.name not in _DOCKERS
    }


def variable_of(key: str) -> str:
    """Return the environment variable of an option of ``lobtail tail``."""
    return f"LOBTAIL_TAIL_{key.upper().replace('-', '_')}"


def key_of(option: click.Option) -> str:
    """Return the key of an option: its first long name, without the dashes."""
    return next(name for name in option.opts if name.startswith("--")).removeprefix("--")


def origin_of(ctx: click.Context, option: click.Option) -> str:
    """Return the variable or the file that an option's value comes from; empty for others."""
    source = ctx.get_parameter_source(option.name or "")
    if source is ParameterSource.ENVIRONMENT:
        return variable_of(key_of(option))
    return str(config_path()) if source is ParameterSource.DEFAULT_MAP else ""


def load_defaults(command: click.Command, ctx: click.Context) -> dict[str, Any]:
    """Return what the file says for a command, by parameter name, checked as click would.

    Raises:
        ConfigError: the file cannot be read, or says what the command does not know.
    """
    path = config_path()
    table = _read(path)
    for name, value in table.items():
        if name not in _TABLES:
            tables = "[tail], [ui] and [entries]"
            raise ConfigError(f"{path}: {name!r} is not known; there are {tables}")
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {name} should be a table: [{name}]")
    options = settable(command)
    defaults: dict[str, Any] = {}
    for key, value in table.get(command.name or "", {}).items():
        if key == "keys" and command.name == "ui":
            continue  # a table of its own
        option = options.get(key)
        if option is None:
            raise ConfigError(f"{path}: [{command.name}] has no {key!r}; {_instead(key, options)}")
        defaults[option.name or key] = _checked(path, option, key, value, ctx)
    return defaults


def load_keys() -> dict[str, Any]:
    """Return what the file says in ``[ui.keys]``, unchecked.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = config_path()
    keys = _read(path).get("ui", {}).get("keys", {})
    if not isinstance(keys, dict):
        raise ConfigError(f"{path}: ui.keys should be a table: [ui.keys]")
    return keys


def load_continuations() -> tuple[str, ...]:
    """Return what the file says in ``[entries]``: regexes of lines that continue another.

    Raises:
        ConfigError: the file cannot be read, or they are none.
    """
    path = config_path()
    table = _read(path).get("entries", {})
    for key in table:
        if key != "continues":
            raise ConfigError(f"{path}: [entries] has no {key!r}; there is continues")
    given = table.get("continues", [])
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise ConfigError(f"{path}: entries.continues takes regexes, not {given!r}")
    for text in texts:
        from lobtail.query.patterns import compile_pattern

        compile_pattern(text, f"{path}: entries.continues")
    return tuple(texts)


def _instead(key: str, options: Mapping[str, click.Option]) -> str:
    from difflib import get_close_matches

    if close := get_close_matches(key, options, 1):
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(sorted(options))}"


def _read(path: Path) -> dict[str, Any]:
    # Only those who have a file need the parser.
    try:
        data = read_regular(path)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}") from exc
    import tomllib

    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is no TOML: {exc}") from exc
    except RecursionError as exc:
        raise ConfigError(f"{path} is no TOML: it is nested too deeply") from exc
    except ValueError as exc:  # of thousands of digits
        raise _too_large(path) from exc
    left: list[Any] = [table]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int) and value.bit_length() > _BITS:
            raise _too_large(path)  # Python converts it, and then cannot show it
    return table


def _too_large(path: Path) -> ConfigError:
    return ConfigError(f"{path} is no TOML: a number is larger than {_BITS} bits hold")


def _checked(path: Path, option: click.Option, key: str, value: Any, ctx: click.Context) -> Any:
    """Return a value as click wants it: a list for options that may be repeated."""
    if isinstance(value, list) != option.multiple:
        value = [value] if option.multiple else value
    if isinstance(value, dict) or (isinstance(value, list) and not option.multiple):
        raise ConfigError(f"{path}: {key} takes one value, not {value!r}")
    if option.is_flag and not isinstance(value, bool):
        raise ConfigError(f"{path}: {key} is true or false, not {value!r}")
    if isinstance(value, bool) and not option.is_flag and option.name != "timestamps":
        raise ConfigError(f"{path}: {key} takes a value, not {str(value).lower()}")
    if not option.is_flag:
        value = list(map(str, value)) if option.multiple else str(value)
    try:
        option.type_cast_value(ctx, value)
    except click.BadParameter as exc:
        raise ConfigError(f"{path}: {key}: {exc.message}") from exc
    return value

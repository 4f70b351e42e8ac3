"""Variables for a command's environment: ``--env`` and files of them, as docker reads them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lobtail.errors import ConfigError
from lobtail.regular import SETTINGS

__all__ = ["read_variables"]


def read_variables(files: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return variables as ``NAME=VALUE``, those of files first; a bare ``NAME`` takes one away.

    A name without a value stands for the variable of our own environment; where there is none, it
    counts only on the command line (docker/cli, ``opts/env.go`` and ``pkg/kvfile``).

    Raises:
        ConfigError: a file cannot be read, or a variable has no name.
    """
    variables = [variable for path in files for variable in _of_file(path)]
    for variable in given:
        name, equals, _ = variable.partition("=")
        if not name:
            raise ConfigError(f"--env {variable!r} names no variable: write NAME=VALUE")
        here = None if equals else os.environ.get(name)
        variables.append(variable if here is None else f"{name}={here}")
    return variables


def _of_file(path: str) -> list[str]:
    try:
        # As docker's, it may be a pipe, such as a shell makes of <(…).
        with Path(path).open("rb") as file:
            data = file.read(SETTINGS + 1)
    except OSError as exc:
        raise ConfigError(f"--env-file {path}: {exc.strerror or exc}") from exc
    if len(data) > SETTINGS:
        raise ConfigError(f"--env-file {path}: larger than {SETTINGS >> 20} MiB")
    variables = []
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        where = f"--env-file {path}, line {number}"
        try:
            # What stands behind the value belongs to it, but for the end of a line of DOS.
            line = raw.removesuffix(b"\r").decode().lstrip()
        except UnicodeDecodeError as exc:
            raise ConfigError(f"{where}: it is not UTF-8") from exc
        if not line or line.startswith("#"):
            continue
        name, equals, _ = line.partition("=")
        if not name:
            raise ConfigError(f"{where}: {line!r} names no variable")
        if " " in name or "\t" in name:
            raise ConfigError(f"{where}: there is a blank in the name {name!r}")
        if equals:
            variables.append(line)
        elif (here := os.environ.get(name)) is not None:
            variables.append(f"{name}={here}")
    return variables

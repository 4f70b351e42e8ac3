"""What ``lobtail attach`` and ``lobtail exec`` have in common."""

from __future__ import annotations

import os
from typing import Final

import click

from lobtail.engine.config.docker_config import read_config
from lobtail.engine.streams.detach import parse_detach_keys
from lobtail.terminal.output import print_status

__all__ = [
    "GRACE",
    "detach_keys_option",
    "find_detach_keys",
    "raw_option",
    "refuse_input",
    "tell_detached",
]

# How long a process may take to end after its output has: engines tell of one before the other.
GRACE: Final = 10.0


detach_keys_option = click.option(
    "--detach-keys",
    default="",
    metavar="KEYS",
    help="What to type to leave a process with a TTY alone: keys such as a, ctrl-p and DEL, commas "
    "between them.  [default: detachKeys in docker's config.json, else ctrl-p,ctrl-q]",
)
raw_option = click.option(
    "--raw", is_flag=True, help="Without a TTY: let escape sequences act on our terminal."
)


def find_detach_keys(option: str) -> str:
    """Return the keys that the command line names, or else docker's configuration, or nothing.

    Raises:
        ConfigError: they cannot be used.
    """
    if option:
        parse_detach_keys(option, "--detach-keys")
        return option
    config = read_config(os.environ)
    parse_detach_keys(config.detach_keys, f"detachKeys in {config.path}")
    return config.detach_keys


def refuse_input(*, stdin: bool, tty: bool) -> bool:
    """Tell the user, and return True, if a terminal is to be joined to what is none."""
    if stdin and tty and not os.isatty(0):
        print_status("the input device is not a TTY")
        return True
    return False


def tell_detached() -> None:
    """Say why the session ends, in docker's words."""
    print_status("read escape sequence")

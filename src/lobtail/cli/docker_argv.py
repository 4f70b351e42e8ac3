"""Docker's way of writing options, where click's is another."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import ClassVar

import click

__all__ = ["DockerArgv", "DockerCommand"]

# strconv.ParseBool
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


class DockerCommand(click.Command):
    """A command that reads options as docker's does, where click does not.

    Boolean flags may have a value, ``--follow=false``, ``-tf=0``, and the last of several holds; an
    equals sign may stand behind a letter, ``-n=5``.
    """

    bare: ClassVar[Mapping[str, tuple[str, Container[str]]]] = {}
    """Options that need no value, by parameter: what they mean without one, and which values may
    follow their letter directly (``-tshort``)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write the options in the forms that click understands."""
        return super().parse_args(ctx, DockerArgv(self, ctx).read(args))


class DockerArgv:
    """Reads a command line word by word; what it does not know it leaves to click."""

    def __init__(self, command: click.Command, ctx: click.Context) -> None:
        self._ctx = ctx
        self._bare: Mapping[str, tuple[str, Container[str]]] = getattr(command, "bare", {})
        options = [param for param in command.params if isinstance(param, click.Option)]
        self._options = {name: option for option in options for name in option.opts}
        self._others = {name: option for option in options for name in option.secondary_opts}
        self._read: list[tuple[click.Option | None, str]] = []

    def read(self, args: list[str]) -> list[str]:
        """Return the words for click."""
        left = iter(args)
        for arg in left:
            # What stands behind the name of a command is that command's: lobtail's own, or one that
            # is to be executed.
            word = arg == "-" or not arg.startswith("-")
            if arg == "--" or (word and not self._ctx.allow_interspersed_args):
                self._add(None, arg, *left)
            elif arg.startswith("--"):
                self._long(arg, left)
            elif arg.startswith("-") and len(arg) > 1:
                self._short(arg, left)
            else:
                self._add(None, arg)
        return [word for _, word in self._read]

    def _long(self, arg: str, left: Iterator[str]) -> None:
        name, equals, value = arg.partition("=")
        option = self._options.get(name)
        if option is None:
            self._add(self._others.get(name), arg)
        elif option.is_flag:
            self._flag(option, name, value if equals else "true")
        elif equals:
            self._add(option, arg)
        elif bare := self._bare.get(option.name or ""):
            self._add(option, name, bare[0])
        else:
            self._add(option, name, *islice(left, 1))

    def _short(self, arg: str, left: Iterator[str]) -> None:
        """Take letters apart: -ftn5, -f=false, -n=5."""
        letters = arg[1:]
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            option = self._options.get(name)
            if option is None:
                self._add(None, name + letters)
                return
            given, value = letters.startswith("="), letters.removeprefix("=")
            if option.is_flag:
                self._flag(option, name, value if given else "true")
                if given:
                    return
                continue
            if bare := self._bare.get(option.name or ""):
                if not given and value not in bare[1]:
                    self._add(option, name, bare[0])
                    continue
                self._add(option, name, value)
            elif letters:
                self._add(option, name, value)
            else:
                self._add(option, name, *islice(left, 1))
            return

    def _flag(self, option: click.Option, name: str, value: str) -> None:
        if value in _TRUE:
            self._add(option, name)
        elif value not in _FALSE:
            raise click.UsageError(f"{name} takes true or false, not {value!r}", self._ctx)
        elif option.secondary_opts:
            self._add(option, option.secondary_opts[0])
        else:  # click knows no other way to say that it is not there
            self._read = [(of, word) for of, word in self._read if of is not option]

    def _add(self, option: click.Option | None, *words: str) -> None:
        self._read += [(option, word) for word in words]

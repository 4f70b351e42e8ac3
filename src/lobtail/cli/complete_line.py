"""Which place of a command line the last word is in: a command, an option, or somebody's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click

__all__ = ["CompletionPoint", "find_place"]

# What an option's value is, by its parameter or its long name; its type says it where that is a
# choice or a path.
_OF_OPTION: Final = {
    "contexts": "context",
    "docker_context": "context",
    "dir": "dir",
    "exclude-container": "container",
    "file": "file",
    "image": "image",
    "label": "label",
    "level": "level",
    "project": "project",
    "service": "service",
    "timestamps": "stamps",
    "timezone": "zone",
    "tlscacert": "file",
    "tlscert": "file",
    "tlskey": "file",
}
# The options behind a command that say which engine is meant, by parameter.
_ENGINES: Final = ("host", "docker_context")
# What an argument is, by its name. Only what runs can be attached to.
_OF_ARGUMENT: Final = {
    "container": "container",
    "selectors": "container",
    "service": "swarm service",
}
_RUNNING_ONLY: Final = ("attach", "exec")


@dataclass
class CompletionPoint:
    """Where the last word stands.

    ``kind`` is ``commands``, ``options``, what a value is (``container``, ``file``, …), or empty
    where nothing is known of it. ``before`` is the part of the word that stays (``--stream=``),
    ``word`` the part to be completed.
    """

    command: click.Command
    context: click.Context
    kind: str = ""
    type: click.ParamType[Any] | None = None
    before: str = ""
    word: str = ""
    used: set[str] = field(default_factory=set)
    """The options that are there, by parameter."""
    arguments: list[str] = field(default_factory=list)
    root: list[str] = field(default_factory=list)
    """The words in front of the first command."""
    hosts: list[str] = field(default_factory=list)
    """The words behind a command that say which engine is meant."""


def find_place(words: list[str], root: click.Command | None = None) -> CompletionPoint:
    """Return where the last of ``words`` stands; they are what follows ``lobtail``."""
    if root is None:
        from lobtail.cli.main import cli

        root = cli
    return _Reader(root).read(words)


class _Reader:
    def __init__(self, root: click.Command) -> None:
        self._place = CompletionPoint(
            root, click.Context(root, info_name="lobtail", resilient_parsing=True)
        )
        self._pending: click.Option | None = None
        self._raw = False  # only arguments follow
        self._enter(root)

    def read(self, words: list[str]) -> CompletionPoint:
        """Read all words but the last, then look at that."""
        for word in words[:-1]:
            if not self._read(word):
                return self._place
        self._last(words[-1])
        return self._place

    def _enter(self, command: click.Command) -> None:
        place = self._place
        if command is not place.command:
            place.context = click.Context(
                command, parent=place.context, info_name=command.name, resilient_parsing=True
            )
            place.command = command
        place.used = set()
        self._options: dict[str, click.Option] = {}
        for option in command.get_params(place.context):
            if isinstance(option, click.Option):
                names = (*option.opts, *option.secondary_opts)
                self._options |= dict.fromkeys(names, option)
        self._bare: Mapping[str, object] = getattr(command, "bare", {})

    def _read(self, word: str) -> bool:
        """Read a word; return False if nothing can be said of what follows it."""
        place = self._place
        in_root = place.context.parent is None
        if self._pending is not None:
            self._value(self._pending, word)
            self._pending = None
        elif self._raw or not word.startswith("-") or word == "-":
            if isinstance(place.command, click.Group):
                found = place.command.get_command(place.context, word)
                if found is None:
                    return False
                self._enter(found)
                return True
            place.arguments.append(word)
            settings = place.command.context_settings
            self._raw = self._raw or settings.get("allow_interspersed_args") is False
        elif word == "--":
            self._raw = True
        else:
            option, _, value = self._split(word)
            if option is not None and value is None:
                self._pending = option
            elif option is not None and value is not None:
                self._value(option, value)
        if in_root:
            place.root.append(word)
        return True

    def _value(self, option: click.Option, value: str) -> None:
        if option.name in _ENGINES and self._place.context.parent is not None:
            self._place.hosts += [option.opts[0], value]

    def _split(self, word: str) -> tuple[click.Option | None, str, str | None]:
        """Return the option of a word whose value is due, what stands before it, and the value.

        The value is None where it is the next word. Options without a value only count as used.
        """
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            option = self._use(name)
            if option is None or option.is_flag:
                return None, "", None
            if equals:
                return option, f"{name}=", value
            return (None, "", None) if option.name in self._bare else (option, "", None)
        for at, letter in enumerate(word[1:], 1):
            option = self._use(f"-{letter}")
            rest = word[at + 1 :]
            if option is None or (option.is_flag and rest.startswith("=")):
                break
            if option.is_flag or (option.name in self._bare and not rest.startswith("=")):
                continue
            value = rest.removeprefix("=")
            return option, word.removesuffix(value), value if rest else None
        return None, "", None

    def _use(self, name: str) -> click.Option | None:
        option = self._options.get(name)
        if option is not None and option.name:
            self._place.used.add(option.name)
        return option

    def _last(self, word: str) -> None:
        place = self._place
        place.word = word
        if self._pending is not None:
            self._of_option(self._pending)
        elif word.startswith("-") and not self._raw:
            used = set(place.used)
            option, before, value = self._split(word)
            if option is not None and value is not None:
                place.before, place.word = before, value
                self._of_option(option)
            else:
                # What is being written is not there yet.
                place.used = used
                place.kind = "options"
        elif isinstance(place.command, click.Group):
            place.kind = "commands"
        else:
            self._of_argument()

    def _of_option(self, option: click.Option) -> None:
        name = next((name for name in option.opts if name.startswith("--")), "").removeprefix("--")
        self._place.kind = _OF_OPTION.get(option.name or "") or _OF_OPTION.get(name, "")
        self._of_type(option)

    def _of_argument(self) -> None:
        place = self._place
        arguments = [one for one in place.command.params if isinstance(one, click.Argument)]
        left = len(place.arguments)
        for argument in arguments:
            if argument.nargs < 0 or left < argument.nargs:
                place.kind = _OF_ARGUMENT.get(argument.name or "", "")
                if place.kind == "container" and place.command.name in _RUNNING_ONLY:
                    place.kind = "running"
                self._of_type(argument)
                return
            left -= argument.nargs

    def _of_type(self, param: click.Parameter) -> None:
        self._place.type = param.type
        if isinstance(param.type, (click.Path, click.File)):
            only_folders = isinstance(param.type, click.Path) and not param.type.file_okay
            self._place.kind = "dir" if only_folders else "file"

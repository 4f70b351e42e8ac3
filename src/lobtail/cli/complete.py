"""``lobtail __complete SHELL WORD…``: what may stand in the place of the last word.

The scripts that ``lobtail completion`` prints ask this at each Tab. Options and commands are those
that click knows; how words are read is docker's way (``cli.options``), for which click's own
completion has no eye. Whatever goes wrong, nothing is said: a Tab must not disturb the line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from lobtail.cli.complete_bash import Last, split
from lobtail.cli.complete_line import CompletionPoint, find_place
from lobtail.errors import LobtailError
from lobtail.terminal.output import Output

if TYPE_CHECKING:
    from lobtail.cli.complete_engine import Listed

__all__ = ["Candidate", "candidates", "command"]

_SHELLS: Final = ("bash", "zsh", "fish", "cobra")


class Candidate(NamedTuple):
    """A word that may stand there; ``more`` if it goes on, so that no blank is to follow."""

    word: str
    help: str = ""
    more: bool = False


@click.command(
    "__complete",
    hidden=True,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(shell: str, words: tuple[str, ...]) -> None:
    """Print the words that may stand in the place of the last one, in the shell's form."""
    last: Last | None = None
    read = list(words) or [""]
    if shell == "bash":
        read, last = split(*read[:2])
    elif shell == "fish":
        read[-1:] = split("", f"lobtail {read[-1]}")[0]
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        place = find_place(read)
        # bash has no room for help, and to have it of all commands takes loading all.
        found = list(candidates(place, helped=shell != "bash"))
    text = _cobra(place, found) if shell == "cobra" else _lines(place, found, last)
    Output.stdout().write(text.encode("utf-8", "surrogateescape"))


def _lines(place: CompletionPoint, found: list[Candidate], last: Last | None = None) -> str:
    """Return a line for each: its kind, its word and its help, between tabs.

    The kinds are ``word``, ``part`` (goes on), and ``file`` and ``dir``, for which the shell looks
    itself; their word is what stands in front of the path. ``last`` is what bash takes for the word
    to be replaced.
    """
    if place.kind in ("file", "dir"):
        return f"{place.kind}\t{place.before}\t\n"
    lines = []
    for item in found:
        word = place.before + item.word
        if last is not None:
            word = last.replaced(word)
        lines.append(f"{'part' if item.more else 'word'}\t{word}\t{item.help}\n")
    return "".join(lines)


def _cobra(place: CompletionPoint, found: list[Candidate]) -> str:
    """Return what plugins of the docker CLI answer: cobra's words and, at the end, directives.

    spf13/cobra, ``completions.go``: 2 is no blank behind the word, 4 no files, 16 folders only.
    """
    directive = {"file": 0, "dir": 16}.get(place.kind, 4)
    if found and all(item.more for item in found):
        directive |= 2
    words = [f"{place.before}{item.word}\t{item.help}\n" for item in found]
    return "".join(words) + f":{directive}\n"


def candidates(place: CompletionPoint, *, helped: bool = True) -> Iterator[Candidate]:
    """Yield what may stand at a place and begins as what stands there."""
    seen: set[str] = set()
    with suppress(LobtailError, click.ClickException, OSError, ValueError):
        for item in _all(place, helped):
            # A line is a candidate in the answer, so none with control characters can be one.
            fits = item.word.startswith(place.word) and item.word.isprintable()
            if fits and item.word not in seen:
                seen.add(item.word)
                yield item._replace(help=" ".join(item.help.split()))


def _all(place: CompletionPoint, helped: bool) -> Iterable[Candidate]:
    if place.kind == "commands":
        return _commands(place, helped)
    if place.kind == "options":
        return _options(place)
    if isinstance(place.type, click.Choice):
        return map(Candidate, place.type.choices)
    return _KINDS[place.kind](place) if place.kind in _KINDS else ()


def _commands(place: CompletionPoint, helped: bool) -> Iterator[Candidate]:
    group = place.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(place.context):
        found = group.get_command(place.context, name) if helped else None
        yield Candidate(name, found.get_short_help_str(100) if found else "")


def _options(place: CompletionPoint) -> Iterator[Candidate]:
    for option in place.command.get_params(place.context):
        if not isinstance(option, click.Option) or option.hidden:
            continue
        if option.name in place.used and not option.multiple:
            continue
        names = [*option.opts, *option.secondary_opts]
        # Letters only where no more than a dash is there: two would come for everything else.
        long = [name for name in names if name.startswith("--")]
        for name in (long or names) if place.word != "-" else names:
            yield Candidate(name, (option.help or "").split("  [")[0])


# --- what an engine has -------------------------------------------------------------------------


def _listed(place: CompletionPoint) -> list[Listed]:
    from lobtail.cli.complete_engine import listed

    return listed(place)


def _containers(place: CompletionPoint) -> Iterator[Candidate]:
    given = set(place.arguments)
    for item in sorted(_listed(place), key=lambda item: (not item.running, item.name)):
        if item.name not in given:
            yield Candidate(item.name, f"{item.image}, {item.state}")


def _running(place: CompletionPoint) -> Iterator[Candidate]:
    return (Candidate(item.name, item.image) for item in _listed(place) if item.running)


def _images(place: CompletionPoint) -> Iterator[Candidate]:
    return (Candidate(item.image) for item in _listed(place))


def _labels(place: CompletionPoint) -> Iterator[Candidate]:
    for item in _listed(place):
        for name, value in sorted(item.labels.items()):
            if "=" in place.word:
                yield Candidate(f"{name}={value}")
            else:
                yield Candidate(f"{name}=", more=True)


def _labelled(*labels: str) -> Callable[[CompletionPoint], Iterator[Candidate]]:
    def values(place: CompletionPoint) -> Iterator[Candidate]:
        listed = list(_listed(place))
        found = {item.labels[label] for item in listed for label in labels if label in item.labels}
        return map(Candidate, sorted(found))

    return values


def _swarm_services(place: CompletionPoint) -> Iterator[Candidate]:
    from lobtail.cli.complete_engine import services

    return map(Candidate, sorted(services(place)))


def _services(place: CompletionPoint) -> Iterator[Candidate]:
    """Yield those of compose, and those of a swarm whether a container runs here or not."""
    yield from _labelled("com.docker.compose.service")(place)
    yield from _swarm_services(place)


# --- what else there is -------------------------------------------------------------------------


def _contexts(_: CompletionPoint) -> Iterator[Candidate]:
    from lobtail.engine.config.contexts import DEFAULT, list_contexts

    yield Candidate(DEFAULT)
    for name, host in list_contexts(os.environ):
        yield Candidate(name, host)


def _levels(_: CompletionPoint) -> Iterator[Candidate]:
    from lobtail.model.levels import Level

    return (Candidate(level.name.lower()) for level in sorted(Level))


def _zones(_: CompletionPoint) -> Iterator[Candidate]:
    import zoneinfo

    return map(Candidate, ["local", "UTC", *sorted(zoneinfo.available_timezones())])


def _stamps(_: CompletionPoint) -> Iterator[Candidate]:
    from lobtail.render.stamps import STAMP_STYLES

    return map(Candidate, [*STAMP_STYLES, "none"])


_KINDS: Final[dict[str, Callable[[CompletionPoint], Iterable[Candidate]]]] = {
    "container": _containers,
    "running": _running,
    "image": _images,
    "label": _labels,
    "project": _labelled("com.docker.compose.project", "com.docker.stack.namespace"),
    "service": _services,
    "swarm service": _swarm_services,
    "context": _contexts,
    "level": _levels,
    "zone": _zones,
    "stamps": _stamps,
}

"""Whole logs read by several programs in turn: time, CPU and memory of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchkit.engine import Bench
from benchkit.process import run
from benchkit.report import Row

SINKS = {False: "/dev/null", True: "pipe"}


@dataclass(frozen=True)
class Figure:
    """A row, and what of a program's `Usage` it takes; of which sink, or None for all."""

    row: Row
    usage: str
    pipe: bool | None = None


def in_turn(commands: dict[str, list[str]], turn: int) -> list[tuple[str, list[str]]]:
    """Return all commands by client; who goes first changes with the turn."""
    listed = list(commands.items())
    first = turn % len(listed)
    return listed[first:] + listed[:first]


def read(
    bench: Bench,
    commands: dict[str, list[str]],
    rounds: int,
    figures: Sequence[Figure],
    sinks: Sequence[bool] = (False,),
) -> list[Row]:
    """Run each command `rounds` times into each sink, interleaved; fill and return the rows."""
    for turn in range(rounds):
        for pipe in sinks:
            for client, command in in_turn(commands, turn):
                usage = run(command, bench.env, pipe=pipe)
                for figure in figures:
                    if figure.pipe in (None, pipe):
                        figure.row.add(client, getattr(usage, figure.usage))
    return [figure.row for figure in figures]

"""What programs write: entries with their lines, levels and fields, and logs mixed of them.

``tests/data/programs/README.md`` describes the files.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from functools import cache
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FOLDER", "Entry", "Program", "Written", "mixed", "programs", "unescape"]

FOLDER: Final = Path(__file__).parents[1] / "data" / "programs"

_HEAD: Final = re.compile(r"=== (unknown|trace|debug|info|warn|error|fatal)( stderr)?(?: \+(\d+))?")
_MS: Final = 1_000_000
_START_NS: Final = 1_714_564_800_000 * _MS  # 2024-05-01T12:00:00Z


@dataclass(frozen=True)
class Entry:
    """Lines that belong together, and what is known of them."""

    level: str
    """A name of ``Level``, in small letters."""
    lines: tuple[bytes, ...]
    stderr: bool = False
    gap_ms: int = 0
    """The least time from the entry before it in the same log."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Expected values by dotted path; ``message`` is the message, whatever its key is called."""

    @property
    def text(self) -> bytes:
        return b"\n".join(self.lines)


@dataclass(frozen=True)
class Program:
    """A program: the name of its file, its title, where its format is documented, its entries."""

    name: str
    title: str
    format: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Written:
    """A line of a mixed log."""

    container: str
    """The program's name and a number: ``redis-3``."""
    stderr: bool
    time_ns: int
    raw: bytes
    entry: int
    """Lines with the same number, and no others, are one entry."""
    level: str
    """That of the entry."""


def unescape(text: str) -> bytes:
    return text.replace("<ESC>", "\x1b").replace("<TAB>", "\t").replace("<SP>", " ").encode()


def _entry(head: re.Match[str], lines: list[str]) -> Entry:
    fields = {}
    while lines[0].startswith("=: "):
        path, value = lines.pop(0)[3:].split(" ", 1)
        fields[path] = json.loads(value)
    level, stderr, gap = head.groups()
    return Entry(level, tuple(map(unescape, lines)), bool(stderr), int(gap or 0), fields)


def _read(path: Path) -> Program:
    preamble, _, body = path.read_text("utf-8").partition("\n\n")
    about = dict(line.split(": ", 1) for line in preamble.splitlines())
    entries: list[tuple[re.Match[str], list[str]]] = []
    for line in body.removesuffix("\n").split("\n"):
        if head := _HEAD.fullmatch(line):
            entries.append((head, []))
        else:
            entries[-1][1].append(line)
    read = tuple(_entry(head, lines) for head, lines in entries)
    return Program(path.stem, about["program"], about["format"], read)


@cache
def programs() -> tuple[Program, ...]:
    """Return all programs, by name."""
    return tuple(map(_read, sorted(FOLDER.glob("*.txt"))))


def mixed(
    count: int = 10_000, *, seed: int = 0, containers: int = 100, single: float = 0.85
) -> list[Written]:
    """Return the lines of `count` entries of many containers, in the order of their times.

    Each container runs one program. About `single` of the entries have a single line. Within a
    log half of the entries come as fast as the lines of one do, others seconds later. Equal
    arguments give equal logs.
    """
    chance = random.Random(seed)
    every = programs()
    share = [count // containers + (n < count % containers) for n in range(containers)]
    numbers = iter(range(count))
    logs = [
        list(_log(every[n % len(every)], f"-{n}", size, chance, single, numbers))
        for n, size in enumerate(share)
    ]
    return list(merge(*logs, key=attrgetter("time_ns")))


def _log(
    program: Program,
    suffix: str,
    size: int,
    chance: random.Random,
    single: float,
    numbers: Iterator[int],
) -> Iterator[Written]:
    short = [entry for entry in program.entries if len(entry.lines) == 1]
    long = [entry for entry in program.entries if len(entry.lines) > 1]
    time_ns = _START_NS + chance.randrange(1000 * _MS)
    for _ in range(size):
        entry = chance.choice(short if short and (not long or chance.random() < single) else long)
        pause = chance.choice((0, 0, 1, 2, 20, 99, 150, 1000, 5000))
        time_ns += max(pause, entry.gap_ms) * _MS + chance.randrange(1, 999_999)
        number = next(numbers)
        for raw in entry.lines:
            time_ns += chance.randrange(200_000)
            yield Written(program.name + suffix, entry.stderr, time_ns, raw, number, entry.level)

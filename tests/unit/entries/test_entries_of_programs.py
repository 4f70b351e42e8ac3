"""What 79 programs write becomes the entries that they meant."""

from __future__ import annotations

from collections import defaultdict

import pytest

from lobtail.entries.grouper import Grouper
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item, Line
from support.programs import Program, Written, mixed, programs

# What the documents say (docs/entries.md): of single lines at most so many are joined to others,
# and of entries of several lines so many are not found as they are.
MOST_JOINED = 0.01
MOST_MISSED = 0.006


def grouped(written: list[Written]) -> list[list[int]]:
    """Return for each entry that is found those that its lines are really of."""
    containers: dict[str, ContainerRef] = {}
    origin: dict[int, int] = {}
    items: list[Item] = []
    for each in written:
        name = each.container
        ref = containers.setdefault(name, ContainerRef(name, name))
        stream = Stream.STDERR if each.stderr else Stream.STDOUT
        items.append(Line(ref, stream, each.time_ns, each.raw))
        origin[id(items[-1])] = each.entry
    grouper, found = Grouper(), list[Item]()
    for start in range(0, len(items), 1000):
        found += grouper.feed(items[start : start + 1000], 0)
    found += grouper.flush()
    by_stamp = {(i.container.id, i.time_ns): origin[id(i)] for i in items if isinstance(i, Line)}
    entries = [entry for entry in found if isinstance(entry, Line)]
    return [[by_stamp[each.container.id, each.time_ns] for each in e.lines] for e in entries]


@pytest.mark.parametrize("seed", range(3))
def test_a_mixed_log_is_grouped_as_it_was_written(seed: int) -> None:
    written = mixed(10_000, seed=seed)
    sizes: defaultdict[int, int] = defaultdict(int)
    for each in written:
        sizes[each.entry] += 1
    right = {lines[0] for lines in grouped(written) if lines == [lines[0]] * sizes[lines[0]]}
    single = {entry for entry, size in sizes.items() if size == 1}
    several = set(sizes) - single
    assert len(single) > 8000
    assert len(several) > 1000
    assert len(single - right) <= MOST_JOINED * len(single)
    assert len(several - right) <= MOST_MISSED * len(several)


@pytest.mark.parametrize(
    "program", [pytest.param(program, id=program.name) for program in programs()]
)
def test_each_entry_is_one_with_its_level(program: Program) -> None:
    ref = ContainerRef(program.name, program.name)
    for entry in program.entries:
        # What is usual for a container is known from its other lines.
        singles = [
            each for each in program.entries if len(each.lines) == 1 and each.stderr == entry.stderr
        ]
        stream = Stream.STDERR if entry.stderr else Stream.STDOUT
        before = [Line(ref, stream, n * 10**9, each.lines[0]) for n, each in enumerate(singles)]
        lines = [Line(ref, stream, 10**12 + n, raw) for n, raw in enumerate(entry.lines)]
        grouper = Grouper()
        *_, found = grouper.feed([*before, *lines], 0) + grouper.flush()
        assert isinstance(found, Line)
        assert [line.raw for line in found.lines] == list(entry.lines)
        assert found.level.name.lower() == entry.level

"""The entries of real programs: that they say what they are to say."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from lobtail.model.fields import lookup, parse_fields
from support.programs import Entry, mixed, programs

ENTRIES = [entry for program in programs() for entry in program.entries]
JSON = [entry for entry in ENTRIES if entry.fields and entry.text[:1] == b"{"]


def test_many_programs_are_known() -> None:
    assert len(programs()) >= 60
    assert len(ENTRIES) >= 400


def test_an_entry_has_lines() -> None:
    for entry in ENTRIES:
        assert entry.lines[0]
        assert not any(b"\n" in line or b"\r" in line for line in entry.lines)


@pytest.mark.parametrize("entry", JSON)
def test_the_fields_of_json_are_found(entry: Entry) -> None:
    fields = parse_fields(entry.text)
    for path, value in entry.fields.items():
        if path == "message":
            assert value in fields.values()
        else:
            assert lookup(fields, path) == value


def test_a_mixed_log_is_in_order_and_the_same_each_time() -> None:
    written = mixed(2000, seed=3)
    assert written == mixed(2000, seed=3) != mixed(2000, seed=4)
    assert all(one.time_ns <= other.time_ns for one, other in pairwise(written))


def test_the_entries_of_a_mixed_log_are_those_of_its_programs() -> None:
    every = {program.name: program.entries for program in programs()}
    logs = defaultdict(list)
    for line in mixed(2000, containers=90):
        logs[line.container].append(line)
    assert len(logs) == 90
    sizes: Counter[bool] = Counter()
    for container, lines in logs.items():
        entries = defaultdict(list)
        for line in lines:
            entries[line.entry].append(line)
        known = {entry.lines: entry for entry in every[container.rpartition("-")[0]]}
        last_ns = 0
        for parts in entries.values():
            entry = known[tuple(part.raw for part in parts)]
            assert {(part.stderr, part.level) for part in parts} == {(entry.stderr, entry.level)}
            assert parts[0].time_ns - last_ns >= entry.gap_ms * 1_000_000
            last_ns = parts[-1].time_ns
            sizes[len(parts) == 1] += 1
    assert sizes.total() == 2000
    assert sizes[True] > 1500

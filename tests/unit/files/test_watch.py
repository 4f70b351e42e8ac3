"""A look at a log file tells whether it was truncated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lobtail.files import FileWatch, open_log
from support.log_files import START, Message, json_record


def records(first: int, count: int) -> bytes:
    numbers = range(first, first + count)
    return b"".join(json_record(Message(b"%03d" % n, time_ns=START + n)) for n in numbers)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x-json.log"
    path.write_bytes(records(1, 10))
    return path


def watch(path: Path) -> FileWatch:
    with open_log(path) as files:
        found = files.watch()
    assert found is not None
    return found


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_log_that_grows(path: Path) -> None:
    watched = watch(path)
    for first in (11, 12, 13):
        assert not watched.look()
        append(path, records(first, 1))
    assert not watched.look()


@pytest.mark.parametrize("size", [0, 1, 300])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_case_truncated_log(path: Path, size: int, count: int) -> None:
    watched = watch(path)
    append(path, records(11, 5))
    assert not watched.look()
    os.truncate(path, size)
    append(path, records(100, count))
    assert watched.look()
    assert not watched.look()
    append(path, records(200, 1))
    assert not watched.look()


def test_a_log_that_began_empty(path: Path) -> None:
    os.truncate(path, 0)
    with open_log(path, "json-file") as files:
        watched = files.watch()
    assert watched is not None
    assert not watched.look()
    append(path, records(1, 1))
    assert not watched.look()
    os.truncate(path, 0)
    assert watched.look()


def test_a_log_that_is_rotated_or_removed_was_not_truncated(path: Path) -> None:
    watched = watch(path)
    path.rename(path.with_name(path.name + ".1"))
    assert not watched.look()
    append(path, records(20, 3))
    assert not watched.look()
    os.truncate(path, 10)
    assert watched.look()
    path.unlink()
    assert not watched.look()

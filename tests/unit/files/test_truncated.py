"""Files that are truncated while they are read: what is gone is told, by every way of reading."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from lobtail.files import Damage, LogFiles, SkippedRecords, open_log
from lobtail.files import log_file as part_module
from lobtail.files.select import JsonFilter, LocalFilter
from lobtail.model.frames import Frame
from lobtail.model.records import Record
from lobtail.query.literals import Literals
from support.log_files import START, WRITERS, Message, compressed
from support.records import text_of

DRIVERS = ["json-file", "local", "k8s-file"]
COUNT = 2000
Item = list[Record] | list[Frame] | Damage | SkippedRecords

READERS: dict[str, Callable[[LogFiles], Iterator[Item]]] = {
    "all": lambda files: files.messages(),
    "bytes": lambda files: files.runs(),
    "details": lambda files: files.messages(details=True),
    "last": lambda files: files.messages(tail=COUNT - 10),
    "since": lambda files: files.messages(since=START + 10),
    "search": lambda files: files.messages(wanted=Literals((("number",),))),
    "context": lambda files: files.messages(wanted=Literals((("99",),)), context=(1, 1)),
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_module, "BLOCK", 4096)
    monkeypatch.setattr(JsonFilter, "window", 4096)
    monkeypatch.setattr(LocalFilter, "window", 4096)


def records(driver: str, first: int = 0, count: int = COUNT) -> bytes:
    """Return records of one size, so that those of another time stand at the same places."""
    numbers = range(first, first + count)
    batch = (Message(b"number %06d" % i, time_ns=START + i) for i in numbers)
    return b"".join(map(WRITERS[driver], batch))


def shown(items: Iterable[Item]) -> bytes:
    return b"".join(
        f.payload if isinstance(f, Frame) else text_of(f)
        for item in items
        if isinstance(item, list)
        for f in item
    )


def damages(items: Iterable[Item]) -> list[Damage]:
    return [item for item in items if isinstance(item, Damage)]


@pytest.mark.parametrize("how", READERS)
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("to", ["nothing", "a part", "other records"])
def test_case_truncated_while_read(driver: str, how: str, to: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(records(driver))
    with open_log(path, driver) as files:
        reading = READERS[how](files)
        items: list[Item] = [next(reading)]
        os.truncate(path, 20_000 if to == "a part" else 0)
        if to == "other records":
            with path.open("ab") as file:
                file.write(records(driver, 500_000, COUNT + 1000))
        items += reading
        assert files.truncated == [str(path)]
    (damage,) = damages(items)
    assert damage.reason == "the file was truncated while it was read"
    assert b"number 50" not in shown(items)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("how", ["last", "since"])
def test_truncated_before_a_place_is_looked_for(driver: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(records(driver))
    with open_log(path, driver) as files:
        os.truncate(path, 0)
        items = list(READERS[how](files))
    assert [damage.reason for damage in damages(items)] == [
        "the file was truncated while it was read"
    ]


@pytest.mark.parametrize("how", ["all", "search", "last"])
def test_a_compressed_file_that_is_truncated(how: str, tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(records("json-file", COUNT, 10))
    old = tmp_path / "x-json.log.1.gz"
    old.write_bytes(compressed(os.urandom(0) + records("json-file", 0, 20_000)))
    with open_log(path) as files:
        os.truncate(old, 1000)
        items = list(READERS[how](files))
    if how != "last":  # there was enough behind it
        assert "cut off" in damages(items)[0].reason
    assert b"number 002009" in shown(items)


def test_a_file_that_grows_is_not_truncated(tmp_path: Path) -> None:
    path = tmp_path / "x-json.log"
    path.write_bytes(records("json-file"))
    with open_log(path) as files:
        reading = files.messages()
        first = next(reading)
        with path.open("ab") as file:
            file.write(records("json-file", COUNT))
        items = [first, *reading]
        assert files.truncated == []
    assert damages(items) == []
    assert shown(items).count(b"number") == COUNT

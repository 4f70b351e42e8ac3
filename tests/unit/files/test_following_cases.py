"""What befalls a log that is followed: cut shorter, removed, damaged, refused."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lobtail.errors import LogFileError
from lobtail.files import Damage, LogTail, MissingRecords, chain, open_log
from lobtail.files.records import BLOCK, MAX_RECORD
from support.log_files import START, WRITERS, Message, compressed
from support.rotating import Writer, numbers, opened, record

DRIVERS = ("json-file", "local", "k8s-file")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x-json.log"


def kinds(items: list[int | MissingRecords | Damage]) -> list[int | str]:
    return [item if isinstance(item, int) else type(item).__name__ for item in items]


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_goes_on_behind_what_the_log_holds(path: Path, driver: str) -> None:
    writer = Writer(path, driver)
    with opened(writer) as tail:
        assert tail.path == str(path)
        writer.write(2)
        assert numbers(tail) == [1, 2]
    writer.write(3000)
    for cut in range(len(record(3003, driver))):
        writer.begin(cut)
        with open_log(path, driver) as files:
            held = sum(len(batch) for batch in files.messages() if isinstance(batch, list))
            tail = files.tail()
        # A json-file record is whole without its newline.
        whole = driver == "json-file" and len(writer.half) == 1
        if driver != "k8s-file":
            assert held == writer.count - 1 + whole
        with tail:
            assert numbers(tail) == []
            writer.end()
            assert numbers(tail) == ([] if whole else [writer.count])
            assert numbers(tail) == []
        assert numbers(tail) == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_byte_by_byte(path: Path, driver: str) -> None:
    writer = Writer(path, driver)
    with opened(writer) as tail:
        for number in range(1, 6):
            writer.begin(0)
            found = []
            for i in range(len(writer.half)):
                found += numbers(tail)
                assert not found or (driver == "json-file" and len(writer.half) == 1), i
                writer.log.write(writer.half[:1])
                writer.half = writer.half[1:]
            assert found + numbers(tail) == [number]


def calls_of(tail: LogTail) -> tuple[list[str], list[int | MissingRecords | Damage]]:
    """Read, and say which calls of the system that took."""
    calls: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: Any, **options: Any) -> Any:
            calls.append(name)
            return call(*args, **options)

        return count

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "listdir", "stat", "fstat", "pread"):
            patch.setattr(os, name, counted(name, getattr(os, name)))
        items = numbers(tail)
    return calls, items


def test_nothing_is_opened_while_nothing_is_rotated(path: Path) -> None:
    writer = Writer(path, "json-file")
    writer.write(10)
    writer.rotate()
    with opened(writer) as tail:
        assert calls_of(tail) == (["fstat", "stat"], [])
        writer.write(3)
        calls, items = calls_of(tail)
        assert items == [11, 12, 13]
        assert sorted(calls) == ["fstat", "fstat", "pread", "stat", "stat"]
        writer.rotate()
        writer.write(1)
        calls, items = calls_of(tail)
        assert items == [14]
        assert calls.count("open") == 1
        assert "listdir" not in calls
        assert len(calls) < 20


@pytest.mark.parametrize("driver", DRIVERS)
def test_details(path: Path, driver: str) -> None:
    attrs = {} if driver == "k8s-file" else {"tag": "a b"}
    message = Message(b"text", attrs=attrs)
    path.write_bytes(WRITERS[driver](message))
    with open_log(path, driver) as files, files.tail(details=True) as tail:
        with path.open("ab") as file:
            file.write(WRITERS[driver](message) * 3)
        assert list(tail.read()) == [[message.record(details=True)] * 3]


@pytest.mark.parametrize("driver", DRIVERS)
def test_more_than_a_block_and_more_files_than_are_held(path: Path, driver: str) -> None:
    writer = Writer(path, driver, files=200)
    with opened(writer) as tail:
        writer.write(10_000, size=30)
        batches = list(tail.read())
        assert len(batches) > 2
        assert sum(len(batch) for batch in batches if isinstance(batch, list)) == 10_000
        writer.write(1, size=2 * BLOCK)
        writer.write(1)
        assert numbers(tail) == [10_001, 10_002]
        for _ in range(chain.MAX_HELD + 10):
            writer.write()
            writer.rotate()
        assert numbers(tail) == list(range(10_003, writer.count + 1))


@pytest.mark.parametrize("driver", ["json-file", "k8s-file"])
def test_a_record_that_is_too_long(path: Path, driver: str) -> None:
    writer = Writer(path, driver)
    with opened(writer) as tail:
        writer.begin(MAX_RECORD + BLOCK, size=2 * MAX_RECORD)
        assert set(kinds(numbers(tail))) == {"Damage"}
        writer.end()
        writer.write()
        items = kinds(numbers(tail))
        assert items[-1] == 2
        assert set(items[:-1]) <= {"Damage"}


def test_it_may_be_left_at_any_time(path: Path) -> None:
    writer = Writer(path, "json-file")
    with opened(writer) as tail:
        for _ in range(4):
            writer.write(4)
            writer.log.write(b"damage\n")
            writer.rotate()
        found: list[str] = []
        while True:
            item = next(tail.read(), None)
            if item is None:
                break
            found.append(type(item).__name__)
        assert found == ["list", "Damage"] * 4


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("driver", DRIVERS)
def test_damage(path: Path, driver: str, compress: bool) -> None:
    """Records before and behind it come; a file that ends in mid-record is damaged there."""
    writer = Writer(path, driver, compress=compress)
    with opened(writer) as tail:
        writer.write(3)
        writer.log.write(bytes(100) + b"\n" * (driver != "local"))
        writer.write(3)
        assert kinds(numbers(tail)) == [1, 2, 3, "Damage", 4, 5, 6]
        for late in (False, True):
            writer.write()
            writer.log.write(record(0, driver)[:20])
            if not late:
                assert numbers(tail) == [writer.count]
            writer.log.rotate()
            if late:
                writer.write()
                writer.log.rotate()
            writer.write()
            items = numbers(tail)
            last = writer.count
            before = [last - 2] if late else []
            between = [last - 1] if late else []
            assert kinds(items) == [*before, "Damage", *between, last]
            damage = next(item for item in items if isinstance(item, Damage))
            assert damage.size == 20


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_log_that_is_cut_shorter(path: Path, driver: str) -> None:
    writer = Writer(path, driver)
    writer.write(5)
    with opened(writer) as tail:
        writer.write(5)
        os.truncate(path, 0)
        assert kinds(numbers(tail)) == ["MissingRecords"]
        assert numbers(tail) == []
        writer.write(2)
        assert numbers(tail) == [11, 12]
        os.truncate(path, 0)
        writer.write(1)
        assert kinds(numbers(tail)) == ["MissingRecords", 13]
        writer.begin(20)
        assert numbers(tail) == []
        os.truncate(path, path.stat().st_size - 20)  # only the half-written record
        writer.half = b""
        assert numbers(tail) == []
        writer.write(1)
        assert numbers(tail) == [15]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("kept", [0, 2])
@pytest.mark.parametrize("read_between", [False, True])
def test_case_truncated_log_that_grows_past_its_old_size(
    path: Path, driver: str, kept: int, read_between: bool
) -> None:
    def write(first: int, last: int) -> None:
        batch = (Message(b"%d" % n, time_ns=START + n) for n in range(first, last))
        with path.open("ab") as file:
            file.write(b"".join(map(WRITERS[driver], batch)))

    size = len(WRITERS[driver](Message(b"10", time_ns=START + 10)))
    write(10, 15)
    with open_log(path, driver) as files:
        tail = files.tail()
    with tail:
        write(15, 20)
        assert numbers(tail) == [15, 16, 17, 18, 19]
        os.truncate(path, kept * size)
        expected = kinds(numbers(tail)) if read_between else []
        write(20, 40)
        assert expected + kinds(numbers(tail)) == ["MissingRecords", *range(20, 40)]
        write(40, 42)
        assert numbers(tail) == [40, 41]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_a_log_that_is_removed(tmp_path: Path, compress: bool, whole: bool) -> None:
    """What is held comes; the older files that a removal has not come to yet are not read again."""
    folder = tmp_path / "container"
    folder.mkdir()
    writer = Writer(folder / "x", "json-file", compress=compress)
    for _ in range(3):
        writer.write(2)
        writer.rotate()
    writer.write(2)
    with opened(writer) as tail:
        writer.write(2)
        assert numbers(tail) == [9, 10]
        writer.write(2)
        if whole:
            shutil.rmtree(folder)
        else:
            writer.log.path.unlink()
        assert numbers(tail) == [11, 12]
        assert numbers(tail) == []
        assert not tail.hold()


def test_a_log_that_somebody_else_replaces(path: Path) -> None:
    writer = Writer(path, "json-file")
    writer.write(2)
    with opened(writer) as tail:
        writer.write(1)
        path.rename(path.with_name("elsewhere"))
        assert numbers(tail) == [3]
        path.write_bytes(record(4, "json-file", generation=1))
        assert kinds(numbers(tail)) == ["MissingRecords", 4]


def test_a_rotated_file_that_somebody_removes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(path, "json-file")
    with opened(writer) as tail:
        for _ in range(3):
            writer.write(2)
            writer.rotate()
        writer.write(2)
        path.with_name(path.name + ".2").unlink()
        # It may be a rotation that takes its time.
        assert numbers(tail) == [1, 2]
        assert numbers(tail) == []
        monkeypatch.setattr(chain, "ROTATION_S", 0)
        assert kinds(numbers(tail)) == ["MissingRecords", 5, 6, 7, 8]


def test_copies_that_are_not_the_engines(path: Path) -> None:
    """A held file that was compressed in another way is known by its first record."""
    writer = Writer(path, "json-file")
    with opened(writer) as tail:
        writer.write(2)
        assert numbers(tail) == [1, 2]
        writer.rotate()
        old = path.with_name(path.name + ".1")
        data = old.read_bytes()
        old.unlink()
        gz = path.with_name(path.name + ".1.gz")
        gz.write_bytes(compressed(data + b"\n"))
        os.utime(gz, ns=(START, START))
        writer.write(1)
        assert kinds(numbers(tail)) == ["MissingRecords", 3]


def before(
    patch: pytest.MonkeyPatch, call: str, path: Path, action: Callable[[], object], times: int = 1
) -> Callable[[], bool]:
    """Have ``action`` done before the ``times``-th call for ``path``; return what tells if it was.

    What it does itself does not count.
    """
    really = getattr(os, call)
    calls = 0

    def acted(name: object, *args: Any, **options: Any) -> Any:
        nonlocal calls
        if str(name) == str(path):
            calls += 1
            if calls == times:
                action()
        return really(name, *args, **options)

    patch.setattr(os, call, acted)
    return lambda: calls >= times


@pytest.mark.parametrize("compress", [False, True])
def test_written_and_rotated_between_the_end_and_the_look_at_the_name(
    path: Path, monkeypatch: pytest.MonkeyPatch, compress: bool
) -> None:
    writer = Writer(path, "json-file", compress=compress)
    with opened(writer) as tail:
        writer.write()
        assert numbers(tail) == [1]

        def action() -> None:
            writer.write()
            writer.rotate()
            writer.write()

        acted = before(monkeypatch, "stat", path, action)
        assert numbers(tail) == [2, 3]
        assert acted()


def test_a_copy_that_is_not_whole_takes_the_number_that_was_free(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(path, "json-file", compress=True)
    first, second = (path.with_name(f"{path.name}.{i}.gz") for i in (1, 2))
    with opened(writer) as tail:
        writer.write()
        assert numbers(tail) == [1]
        writer.rotate()
        writer.write()
        writer.log.begin()
        while not second.exists():
            writer.log.step()

        def action() -> None:
            while not first.exists() or first.stat().st_size < 20:
                writer.log.step()

        # It is looked at once in search of the held file's copy, and then for what follows it.
        acted = before(monkeypatch, "stat", first, action, times=2)
        assert numbers(tail) == [2]
        assert acted()
        writer.log.finish()
        writer.write()
        assert numbers(tail) == [3]


def test_what_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(path, "json-file")
    writer.write(2)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    gz = path.with_name(path.name + ".1.gz")
    gz.write_bytes(compressed(path.read_bytes()))
    with open_log(gz) as files, pytest.raises(LogFileError, match="compressed"):
        files.tail()
    with opened(writer) as tail:
        writer.write(2)
        writer.rotate()
        writer.write(1)

        def denied(*_: object) -> int:
            raise PermissionError(13, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", denied)
            with pytest.raises(LogFileError, match="permission denied"):
                tail.hold()
            reading = tail.read()
            assert isinstance(next(reading), list)
            with pytest.raises(LogFileError, match="permission denied"):
                next(reading)
        # Nothing is lost by that: what was held has come with the error.
        assert numbers(tail) == [5]
        writer.rotate()
        assert tail.hold()
        writer.write(1)
        writer.rotate()
        writer.write(1)

        def too_many(*_: object) -> int:
            raise OSError(errno.EMFILE, "Too many open files", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", too_many)
            assert not tail.hold()
            reading = tail.read()
            assert isinstance(next(reading), list)
            with pytest.raises(LogFileError, match="Too many"):
                next(reading)
        assert numbers(tail) == [7]
    assert isinstance(tail, LogTail)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("how", ["moved", "replaced by a copy"])
def test_a_file_that_somebody_takes_away_from_the_engine(path: Path, driver: str, how: str) -> None:
    def records(first: int, last: int) -> bytes:
        batch = (Message(b"%d" % n, time_ns=START + n) for n in range(first, last))
        return b"".join(map(WRITERS[driver], batch))

    with path.open("ab", buffering=0) as engine:
        engine.write(records(1, 6))
        with open_log(path, driver) as files:
            tail = files.tail()
        with tail:
            if how == "moved":
                path.rename(path.with_name("elsewhere"))
                path.touch()
            else:
                copy = path.with_name("copy")
                shutil.copy(path, copy)
                copy.replace(path)
            assert kinds(numbers(tail)) == ["MissingRecords"]
            engine.write(records(6, 8))
            assert numbers(tail) == [6, 7]
            with path.open("ab") as other:  # and the engine has opened it after all
                other.write(records(8, 9))
            assert numbers(tail) == [8]
            engine.write(records(9, 10))
            assert numbers(tail) == [9]

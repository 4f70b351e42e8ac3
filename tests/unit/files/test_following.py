"""Files that are followed through rotations: every record once, or a mark where it is missing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lobtail.files import Damage, LogTail, Lost, open_log
from support.log_files import START, WRITERS, Message
from support.rotating import RotatingLog

DRIVERS = ("json-file", "local", "k8s-file")


def record(number: int, driver: str, size: int = 0, generation: int = 0) -> bytes:
    # Stamps that are equal, in two files one after another, or a bit older than the one before.
    moment = START + generation // 2 * 1000 - number % 3 // 2 * 25
    return WRITERS[driver](Message(b"%d" % number + b"x" * size, time_ns=moment))


def numbers(tail: LogTail) -> list[int | Lost | Damage]:
    out: list[int | Lost | Damage] = []
    for item in tail.read():
        if isinstance(item, list):
            out += [int(frame.payload[31:].rstrip(b"x\n")) for frame in item]
        else:
            out.append(item)
    return out


class Writer:
    """Writes numbered records to a log, and knows in which of its files each stands."""

    def __init__(self, path: Path, driver: str, **options: int) -> None:
        self.log = RotatingLog(path, **options)  # type: ignore[arg-type]
        self.driver = driver
        self.count = 0
        self.half = b""
        self.where: list[tuple[int, int]] = []

    def write(self, count: int = 1, size: int = 0) -> None:
        for _ in range(count):
            self.begin(0, size)
            self.end()

    def begin(self, cut: int, size: int = 0) -> None:
        """Write the first bytes of a record."""
        self.end()
        self.count += 1
        data = record(self.count, self.driver, size, self.log.generation)
        cut = min(cut, len(data) - 1)
        self.log.write(data[:cut])
        self.half = data[cut:]

    def end(self) -> None:
        """Write the others."""
        if self.half:
            self.log.write(self.half)
            self.half = b""
            self.where.append((self.count, self.log.generation))

    def rotate(self) -> None:
        self.end()
        self.log.rotate()


def opened(writer: Writer, **options: bool) -> LogTail:
    with open_log(writer.log.path, writer.driver) as files:
        return files.tail(**options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x-json.log"


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 5)),
        st.tuples(st.just("half"), st.integers(0, 60)),
        st.tuples(st.just("end"), st.just(0)),
        st.tuples(st.just("rotate"), st.integers(1, 4)),
        st.tuples(st.just("begin"), st.just(0)),
        st.tuples(st.just("step"), st.integers(1, 4)),
        st.tuples(st.just("hold"), st.just(0)),
        st.tuples(st.just("read"), st.just(0)),
    ),
    max_size=40,
)


@given(
    ACTIONS,
    st.sampled_from(DRIVERS),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_whatever_happens_between_two_readings(
    actions: list[tuple[str, int]], driver: str, files: int, compress: bool, unlink: bool
) -> None:
    """What was there when it was read comes once and in order; what was not, is marked.

    A mark may also stand where the file that was read last is gone: that the next one follows it
    is not known then.
    """
    folder = tempfile.mkdtemp()
    try:
        writer = Writer(
            Path(folder) / "x", driver, files=files, compress=compress, unlink_one=unlink
        )
        writer.write(2)
        tail = opened(writer)
        with tail:
            Checked(writer, tail).run([*actions, ("read", 0)])
    finally:
        shutil.rmtree(folder)


class Checked:
    """Carries actions out, and holds what is read against what was written."""

    def __init__(self, writer: Writer, tail: LogTail) -> None:
        self.writer = writer
        self.tail = tail
        self.done = writer.count
        self.held = {writer.log.generation}
        """The files that the reader has open."""
        self.marks: dict[int, bool] = {}
        """Before which of them a mark must, or may, stand."""

    def run(self, actions: list[tuple[str, int]]) -> None:
        writer, log = self.writer, self.writer.log
        for action, count in actions:
            if action == "write":
                writer.write(count)
            elif action == "half":
                writer.begin(count)
            elif action == "end":
                writer.end()
            elif action == "rotate":
                for _ in range(count):
                    writer.write()
                    writer.rotate()
            elif action == "begin":
                writer.end()
                log.begin()
            elif action == "step":
                for _ in range(count):
                    log.step()
            elif action == "hold":
                log.finish()
                self.tail.hold()
                self.look()
            else:
                self.read()
        writer.end()
        log.finish()
        self.read()
        assert numbers(self.tail) == []

    def look(self) -> None:
        """Note what the reader finds."""
        last = max(self.held)
        kept = self.writer.log.kept
        new = sorted(number for number in kept if number > last)
        if new and (new[0] > last + 1 or last not in kept):
            self.marks[new[0]] = new[0] > last + 1
        self.held.update(new)

    def read(self) -> None:
        items = numbers(self.tail)
        self.look()
        if self.writer.log.busy:
            # Where a rotation has left a hole for the moment, the reader waits for its end.
            self.writer.log.finish()
            items += numbers(self.tail)
            self.look()
        pending = iter(items)
        item = next(pending, None)
        for generation in sorted(self.held):
            must = self.marks.pop(generation, None)
            if must is not None:
                event(f"mark: {must}")
                if must or isinstance(item, Lost):
                    assert isinstance(item, Lost)
                    item = next(pending, None)
            for number, where in self.writer.where:
                if where == generation and number > self.done:
                    assert item == number
                    self.done = number
                    item = next(pending, None)
        assert item is None
        self.held = {max(self.held)}

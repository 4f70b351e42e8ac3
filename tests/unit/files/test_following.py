"""Files that are followed through rotations: every record once, or a mark where it is missing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import event, given, settings
from hypothesis import strategies as st

from lobtail.files import Damage, LogTail, MissingRecords
from support.chance import examples
from support.rotating import Writer, numbers, opened

DRIVERS = ("json-file", "local", "k8s-file")


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
@settings(deadline=None, max_examples=examples(300))
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


class Racing:
    """A writer that goes on, by some system calls, before each one of the reader."""

    CALLS = ("stat", "fstat", "open", "pread", "listdir")

    def __init__(self, writer: Writer, schedule: list[int], records: int) -> None:
        self.writer = writer
        self.records = records
        self._schedule = cycle([*schedule, 1])
        self._inside = False

    @property
    def done(self) -> bool:
        return self.writer.count == self.records and not self.writer.log.busy

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in self.CALLS:
                raced = self._raced(getattr(os, name))
                stack.enter_context(mock.patch.object(os, name, raced))
            yield

    def _raced(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def raced(*args: Any, **options: Any) -> Any:
            if not self._inside:
                self._inside = True
                try:
                    for _ in range(next(self._schedule)):
                        self._go_on()
                finally:
                    self._inside = False
            return call(*args, **options)

        return raced

    def _go_on(self) -> None:
        if self.writer.log.busy:
            self.writer.log.step()
        elif self.writer.count < self.records:
            self.writer.write()
            self.writer.log.begin()


@given(
    st.lists(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 4, 8, 18]), max_size=30),
    st.sampled_from([2, 3, 4, 16]),
    st.booleans(),
    st.integers(0, 10),
)
@settings(deadline=None, max_examples=examples(200))
def test_a_writer_between_the_readers_calls(
    schedule: list[int], files: int, compress: bool, holds: int
) -> None:
    folder = tempfile.mkdtemp()
    try:
        writer = Writer(Path(folder) / "x", "json-file", files=files, compress=compress)
        writer.write()
        race = Racing(writer, schedule, records=15)
        items: list[int | MissingRecords | Damage] = []
        with opened(writer) as tail:
            with race.running():
                for _ in range(holds):
                    tail.hold()
                while not race.done:
                    items += numbers(tail)
            items += numbers(tail)
    finally:
        shutil.rmtree(folder)
    found = [item for item in items if isinstance(item, int)]
    if files == 16:
        assert items == list(range(2, 16))
    last, marked = 1, False
    for item in items:
        if isinstance(item, int):
            assert item > last
            assert item == last + 1 or marked
            last, marked = item, False
        else:
            marked = True
    # The last record's file is still there.
    assert found[-1] == race.records


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
                if must or isinstance(item, MissingRecords):
                    assert isinstance(item, MissingRecords)
                    item = next(pending, None)
            for number, where in self.writer.where:
                if where == generation and number > self.done:
                    assert item == number
                    self.done = number
                    item = next(pending, None)
        assert item is None
        self.held = {max(self.held)}

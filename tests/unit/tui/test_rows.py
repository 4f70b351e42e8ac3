"""The store and its rows: whatever is added and dropped, they are what a plain filter says."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lobtail.model.frames import Stream
from lobtail.model.items import Gap, Item, Line
from lobtail.tui.state.rows import Rows
from lobtail.tui.state.store import LOSS, OVERHEAD, Store
from support.chance import examples
from unit.tui.items import REF, line


def has_seven(item: Item, level: int) -> bool:
    return level >= 7 or b"7" in getattr(item, "raw", b"")


class RowsMachine(RuleBasedStateMachine):
    """Rows that are scanned now and then, beside a list that is filtered whole."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.rows = Rows(self.store, has_seven)
        self.all = Rows(self.store, None)
        self.expected: list[tuple[int, Item]] = []
        self.next = 0
        self.before = -1

    @rule(count=st.integers(0, 30))
    def append(self, count: int) -> None:
        items = [line(str(self.next + i), self.next + i) for i in range(count)]
        self.expected += [(self.next + i, item) for i, item in enumerate(items)]
        self.next += count
        self.store.append(items)

    @rule(count=st.integers(0, 30))
    def prepend(self, count: int) -> None:
        if self.expected and self.expected[0][0] != self.store.first:
            return
        items = [line(f"-{i}", -i) for i in range(count)]
        first = self.store.first - count
        self.expected = [(first + i, item) for i, item in enumerate(items)] + self.expected
        self.store.prepend(items)

    @rule(count=st.integers(0, 40))
    def drop_oldest(self, count: int) -> None:
        count = min(count, len(self.store))
        self.store.drop_oldest(count)
        del self.expected[:count]
        self.rows.fit()

    @rule(count=st.integers(0, 40))
    def drop_newest(self, count: int) -> None:
        count = min(count, len(self.store))
        self.store.drop_newest(count)
        if count:
            del self.expected[-count:]
            self.next = self.store.end
        self.rows.fit()

    @rule(most=st.integers(1, 25))
    def scan(self, most: int) -> None:
        self.rows.scan(most)

    @rule()
    def scan_all(self) -> None:
        while self.rows.scan(7):
            pass
        assert self.rows.complete
        wanted = [number for number, item in self.expected if has_seven(item, 0)]
        assert [self.rows.number(i) for i in range(len(self.rows))] == wanted

    @invariant()
    def rows_are_wanted_items(self) -> None:
        numbers = [self.rows.number(i) for i in range(len(self.rows))]
        held = dict(self.expected)
        assert numbers == sorted(set(numbers))
        assert all(has_seven(held[number], 0) for number in numbers)
        assert len(self.rows.levels) == len(numbers)
        assert all(
            self.rows.number(self.rows.index(n)) == n and self.rows.holds(n) for n in numbers
        )

    @invariant()
    def store_is_what_was_put_in(self) -> None:
        assert [self.store.item(number) for number, _ in self.expected] == [
            item for _, item in self.expected
        ]
        assert len(self.all) == len(self.store.levels) == len(self.expected)
        assert self.store.size == sum(
            OVERHEAD + len(item.raw) for _, item in self.expected if isinstance(item, Line)
        )


TestRows = RowsMachine.TestCase
TestRows.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)


def test_a_store_is_bounded_in_items() -> None:
    store = Store(max_items=100)
    for number in range(500):
        store.append([line("x", number)])
        store.drop_oldest(store.excess())
        assert len(store) <= 100
    assert store.end == 500
    assert store.items[-1].time_ns == 499


def test_a_store_is_bounded_in_bytes() -> None:
    store = Store(max_bytes=100_000)
    for number in range(50):
        store.append([Line(REF, Stream.STDOUT, number, b"x" * 9000)])
        store.drop_oldest(store.excess())
        assert store.size <= 100_000
    store.append([Line(REF, Stream.STDOUT, 50, b"x" * 200_000)])
    assert store.excess(newest=True) >= 1
    store.drop_oldest(store.excess())
    assert store.size <= 100_000


def test_levels_say_which_marks_are_losses() -> None:
    store = Store()
    store.append([line("ERROR: x", 1), line("plain", 2), Gap(REF, 3)])
    assert list(store.levels) == [5, 0, LOSS]


def test_a_time_is_found() -> None:
    store = Store()
    store.append([line("a", 10), Line(REF, Stream.STDOUT, None, b"b"), line("c", 30)])
    assert store.number_at(5) == 0
    assert store.number_at(30) == 2
    assert store.number_at(31) == 3
    assert store.time(1) == 10
    assert store.time(99) == 30

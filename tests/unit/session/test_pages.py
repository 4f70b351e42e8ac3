"""Logs that are read backwards, page by page: each line once, whatever the stamps are like."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.model.entries import Entry, expand, make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line
from lobtail.session.pages import Beginning, History, Page, PageSearch, Span, whole_seconds_in

MS = 1_000_000
S = 1_000_000_000
T0 = 1_700_000_000 * S
FIRST_NS = T0 - S

# How long after the last line the next one is written.
PAUSES = (0, 0, 0, 2_000, MS, 20 * MS, 300 * MS, 1100 * MS, 70 * S)
# How far a stamp lies behind the last one's: streams are stamped by goroutines of their own.
BACK = (0, 0, 0, 3_000, 7_000)
# Most lines are like others.
TEXTS = (b"", b"", b"x", b"y")


class Container:
    """A log: its lines in the order of the engine, and when each was written."""

    def __init__(self, name: str, *, whole_seconds: bool) -> None:
        self.ref = ContainerRef(name * 64, name, host=name)
        self.whole_seconds = whole_seconds
        self.lines: list[Line] = []
        self.times: list[int] = []

    def write(self, time_ns: int, text: bytes) -> None:
        stamp = time_ns // S * S if self.whole_seconds else time_ns
        self.lines.append(Line(self.ref, Stream.STDOUT, stamp, text))
        self.times.append(time_ns)

    def read(self, span: Span) -> list[Line]:
        """Return what an engine sends: from the first line in time to the first one beyond it."""
        numbers = range(len(self.lines))
        first = next((i for i in numbers if self.times[i] >= span.since_ns), len(self.lines))
        end = next((i for i in numbers[first:] if self.times[i] > span.until_ns), len(self.lines))
        return self.lines[first:end]


def merged(logs: list[list[Line]]) -> list[Item]:
    """Merge logs by time as ``session.merge`` does, keeping the order within each."""
    keyed: list[tuple[int, Item]] = []
    for lines in logs:
        keys = accumulate((line.time_ns or 0 for line in lines), max)
        keyed += zip(keys, lines, strict=True)
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]


class Reader:
    """Holds the end of logs, and puts pages in front of it."""

    def __init__(self, containers: list[Container], tail: int) -> None:
        self.containers = containers
        held = merged([container.lines[-tail:] for container in containers])
        self.whole_seconds = whole_seconds_in(held)
        # What stands before the moment from which on all are whole is read again.
        cut = [c.lines[-tail].time_ns or 0 for c in containers if len(c.lines) >= tail]
        self.since_ns: int | None = max(cut, default=None)
        edge = self.since_ns or 0
        while held and (held[0].time_ns or 0) < edge:
            del held[0]
        self.items = held
        self.spans = 0

    def beginning(self) -> Beginning:
        assert self.since_ns is not None
        reach = Beginning.reach_ns(self.since_ns, whole_seconds=self.whole_seconds)
        first = [item for item in self.items if (item.time_ns or 0) <= reach]
        return Beginning(self.since_ns, first, whole_seconds=self.whole_seconds)

    def search(self, count: int, guess_ns: int) -> Page:
        search = PageSearch(self.beginning(), count=count, first_ns=FIRST_NS, guess_ns=guess_ns)
        return self.found(search)

    def found(self, search: PageSearch) -> Page:
        while (span := search.span) is not None:
            self.spans += 1
            items = merged([container.read(span) for container in self.containers])
            self.whole_seconds = self.whole_seconds or whole_seconds_in(items)
            for at in range(0, len(items), 3):
                if not search.take(items[at : at + 3]):
                    break
            search.end()
        return search.page

    def put_in_front(self, page: Page) -> None:
        self.items[:0] = page.items
        self.since_ns = page.since_ns

    def check(self) -> None:
        """See that each line is there once, in its order."""
        for container in self.containers:
            ours = [id(item) for item in self.items if item.container is container.ref]
            assert ours == [id(line) for line in container.lines]


def newest(page: Page, count: int) -> Page:
    """Cut a page anywhere, as a window is cut that has no room for all."""
    if len(page.items) <= count:
        return page
    items = page.items[-count:]
    return Page(items, items[0].time_ns)


@st.composite
def logs(draw: st.DrawFn) -> list[Container]:
    count = draw(st.integers(1, 3))
    containers = [
        Container("abc"[i], whole_seconds=draw(st.booleans(), label="whole seconds"))
        for i in range(count)
    ]
    now = T0
    writes = st.tuples(
        st.integers(0, count - 1),
        st.sampled_from(PAUSES),
        st.sampled_from(BACK),
        st.sampled_from(TEXTS),
    )
    for number, pause, back, text in draw(st.lists(writes, max_size=120)):
        now += pause
        containers[number].write(now - back, text)
    return containers


@settings(max_examples=500)
@given(logs(), st.integers(1, 20), st.data())
def test_page_by_page_each_line_comes_once(
    containers: list[Container], tail: int, data: st.DataObject
) -> None:
    reader = Reader(containers, tail)
    while reader.since_ns is not None:
        count = data.draw(st.integers(1, 30), label="count")
        page = reader.search(count, data.draw(st.sampled_from((1, MS, S, 3600 * S))))
        if data.draw(st.booleans(), label="exactly so many"):
            page = newest(page, count)
        assert page.items or page.since_ns is None
        reader.put_in_front(page)
    reader.check()


@settings(max_examples=300)
@given(logs(), st.integers(1, 30))
def test_a_history_is_read_from_its_end_to_its_beginning(
    containers: list[Container], size: int
) -> None:
    reader = Reader(containers, 1)
    reader.items = []
    history = History(T0 + 86_400 * S, size=size, first_ns=FIRST_NS)
    sizes = []
    while True:
        while (search := history.search()) is not None:
            history.take(reader.found(search))
        if not (page := history.page()):
            break
        sizes.append(len(page))
        reader.items[:0] = page
    reader.check()
    assert set(sizes[:-1]) <= {size}


def written(*times_and_texts: tuple[int, str], name: str = "a", whole: bool = False) -> Container:
    container = Container(name, whole_seconds=whole)
    for time_ns, text in times_and_texts:
        container.write(T0 + time_ns, text.encode())
    return container


def all_read(reader: Reader, count: int, guess_ns: int = S) -> Reader:
    """Read to the beginning, at most so many items a page."""
    while reader.since_ns is not None:
        reader.put_in_front(newest(reader.search(count, guess_ns), count))
    reader.check()
    return reader


def test_equal_lines_at_one_time_are_told_apart_by_their_number() -> None:
    container = written((0, "a"), *[(5 * MS, "b")] * 7, (6 * MS, "c"))
    for tail in range(1, 9):
        for count in range(1, 9):
            all_read(Reader([container], tail), count)


def test_of_equal_lines_the_last_are_those_that_are_held() -> None:
    # All of one second, as Podman has it.
    texts = ("a", "", "b", "", "c", "", "d")
    container = written(*((i * 90 * MS, text) for i, text in enumerate(texts)), whole=True)
    for tail in range(1, 7):
        for count in range(1, 7):
            all_read(Reader([container], tail), count)


def test_others_whose_lines_have_the_same_whole_second() -> None:
    one = written((100 * MS, "1"), (300 * MS, "3"), name="a", whole=True)
    two = written((200 * MS, "2"), (400 * MS, "4"), name="b", whole=True)
    exact = written((50 * MS, "0"), (700 * MS, "5"), name="c")
    for tail in (1, 2):
        for count in (1, 2, 3):
            all_read(Reader([one, two, exact], tail), count)


def test_a_log_that_was_silent_for_long_is_found_in_few_steps() -> None:
    reader = Reader([written((0, "old"), (86_400 * S, "new"))], 1)
    assert [item.time_ns for item in reader.search(10, MS).items] == [T0]
    assert reader.spans < 15


def test_a_span_with_too_much_is_read_in_parts() -> None:
    container = written(*((i * MS, str(i)) for i in range(5000)))
    reader = all_read(Reader([container], 10), 100, guess_ns=3600 * S)
    assert reader.spans < 120


@pytest.mark.parametrize("whole", [False, True])
def test_many_lines_that_are_held_are_not_taken_for_too_many_older_ones(whole: bool) -> None:
    old, busy = written((0, "old"), name="a", whole=whole), Container("b", whole_seconds=whole)
    for i in range(500):
        busy.write(T0 + 100 * S + i * MS, b"%d" % i)
    reader = Reader([old, busy], 600)
    # As after a page that begins at a time rather than at a line.
    reader.since_ns = T0 + 100 * S
    reader.items = [*busy.lines]
    assert all_read(reader, 10, guess_ns=1000 * S).spans < 15
    reader = Reader([old, busy], 600)
    reader.since_ns = T0 + 100 * S + 100 * MS
    reader.items = [*busy.lines[100:]]
    assert all_read(reader, 10, guess_ns=1000 * S).spans < 80


def test_what_does_not_pass_the_filter_does_not_matter() -> None:
    # All is held, but of what is older only some is read.
    container = written(*((i * MS, str(i)) for i in range(100)))
    reader = Reader([container], 30)
    beginning = reader.beginning()
    older = [line for line in container.lines if int(line.raw) % 50 == 49]
    assert [line.raw for line in beginning.older(older) if isinstance(line, Line)] == [b"49"]


def test_what_is_held_ends_before_what_is_read() -> None:
    lines = written(*((i * MS, str(i)) for i in range(30))).lines
    beginning = Beginning(T0 + 10 * MS, lines[10:14], whole_seconds=False)
    assert beginning.older(lines) == lines[:10]


def test_an_entry_that_a_page_has_cut_is_joined() -> None:
    lines = written(*((i * MS, str(i)) for i in range(6))).lines
    rest = make_entry(lines[3:])
    beginning = Beginning(T0 + 3 * MS, [rest], whole_seconds=False)
    whole, grown = beginning.divide([lines[0], make_entry(lines[1:])])
    assert whole == [lines[0]]
    [(held, entry)] = grown
    assert held is rest
    assert [line.raw for line in entry.lines] == [b"1", b"2", b"3", b"4", b"5"]
    assert [line.continues for line in entry.lines] == [False, True, True, True, True]


def test_of_an_entry_only_lines_come_that_are_not_held() -> None:
    lines = written(*((i * MS, str(i)) for i in range(6))).lines
    # Of what is held nothing begins with the first line that the entry has as well.
    beginning = Beginning(T0 + 3 * MS, [make_entry(lines[2:])], whole_seconds=False)
    beginning_of_two = Beginning(T0 + 3 * MS, [*lines[2:4], *lines[4:]], whole_seconds=False)
    whole, grown = beginning.divide([make_entry(lines)])
    assert (whole, [len(entry.lines) for _, entry in grown]) == ([], [6])
    whole, grown = beginning_of_two.divide([make_entry(lines)])
    assert (whole, [len(entry.lines) for _, entry in grown]) == ([], [3])
    whole, grown = Beginning(T0 + 6 * MS, lines[4:], whole_seconds=False).divide(
        [make_entry(lines[:4]), make_entry(lines[4:])]
    )
    assert (len(whole), grown) == (1, [])


def grouped(items: list[Item]) -> list[Item]:
    """Make entries of lines that begin with a letter and those behind them."""
    made: list[list[Line]] = []
    for item in items:
        assert isinstance(item, Line)
        if made and item.raw.startswith(b" ") and made[-1][0].container == item.container:
            made[-1].append(item)
        else:
            made.append([item])
    return [make_entry(lines) for lines in made]


@pytest.mark.parametrize("tail", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 3, 10])
def test_pages_of_entries_have_each_line_once(tail: int, count: int) -> None:
    texts = ["a", " 1", " 2", "b", "c", " 3", "d", " 4", " 5", " 6", " 7", "e"] * 3
    container = written(*((i * 20 * MS, f"{text}{i}") for i, text in enumerate(texts)))
    held = grouped(list(container.lines[-tail:]))
    since: int | None = held[0].time_ns
    while since is not None:
        reach = Beginning.reach_ns(since, whole_seconds=False)
        first = [item for item in held if (item.time_ns or 0) <= reach]
        beginning = Beginning(since, first, whole_seconds=False)
        search = PageSearch(beginning, count=count, first_ns=FIRST_NS, guess_ns=90 * MS)
        while (span := search.span) is not None:
            search.take(grouped(list(container.read(span))))
            search.end()
        for before, entry in search.page.grown:
            held[next(i for i, item in enumerate(held) if item is before)] = entry
        held[:0] = search.page.items
        since = search.page.since_ns
    assert [line.raw for line in expand(held) if isinstance(line, Line)] == [
        line.raw for line in container.lines
    ]
    assert [len(item.lines) for item in held if isinstance(item, Line)] == [
        len(item.lines) for item in grouped(list(container.lines)) if isinstance(item, Line)
    ]
    assert any(type(item) is Entry for item in held)


def test_marks_come_once() -> None:
    lines = written((0, "a"), (S, "b"), (2 * S, "c")).lines
    ref = lines[0].container
    lost, held = Gap(ref, T0 + S // 2, "lost"), Gap(ref, T0 + S, "held")
    items: list[Item] = [lines[0], lost, lines[1], held, lines[2]]
    beginning = Beginning(T0 + S, items[2:], whole_seconds=False)
    assert beginning.older(items) == items[:2]


def test_where_nothing_is_held_near_the_beginning_nothing_is_read_twice() -> None:
    assert Beginning(T0, whole_seconds=True).until_ns == T0

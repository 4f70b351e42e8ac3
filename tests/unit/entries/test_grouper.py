"""Lines become entries: by their looks, in time, in order, and within bounds."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from lobtail.entries.grouper import MAX_LINES, MAX_SIZE, WAIT_NS, Grouper
from lobtail.model.entries import Entry, make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line
from lobtail.query.patterns import compile_pattern

MS = 1_000_000
A = ContainerRef("a" * 64, "a")
B = ContainerRef("b" * 64, "b")


def line(text: str, ms: float = 0, container: ContainerRef = A, *, err: bool = False) -> Line:
    stream = Stream.STDERR if err else Stream.STDOUT
    return Line(container, stream, round(ms * MS), text.encode())


def texts(items: list[Item]) -> list[list[str]]:
    return [[each.text for each in item.lines] for item in items if isinstance(item, Line)]


def group(*lines: Line) -> list[list[str]]:
    grouper = Grouper()
    return texts(grouper.feed(list(lines), 0) + grouper.flush())


NEXT = "2024-05-01 12:00:01 INFO next"
TRACE = ["2024-05-01 12:00:00 ERROR no stock", "java.lang.E: x", "\tat a.B.c(B.java:1)"]


class TestWhatBelongs:
    def test_a_trace_is_one_entry_with_its_head_and_level(self) -> None:
        grouper = Grouper()
        (entry,) = grouper.feed([line(text) for text in TRACE], 0) + grouper.flush()
        assert isinstance(entry, Entry)
        assert entry.head.text == TRACE[0]
        assert [each.text for each in entry.lines] == TRACE
        assert entry.text == "\n".join(TRACE)
        assert entry.level.name == "ERROR"
        assert [each.continues for each in entry.lines] == [False, True, True]

    @pytest.mark.parametrize(
        "rest",
        [
            [
                "\tat a.B.c(B.java:1)",
                "\tat a.B.d(B.java:2)",
                "Caused by: java.io.E: x",
                "\t... 3 more",
            ],
            ['  File "/app/a.py", line 3, in f', "    g()", "ValueError: x"],
            ["    at accept (/app/server.js:12:11)", "    at node:internal/main:1:2"],
        ],
    )
    def test_the_rest_of_a_trace_is_one_entry(self, rest: list[str]) -> None:
        """What is read may begin within it."""
        behind = ["2024-05-01 12:00:00 INFO ready"]
        assert group(*map(line, [*rest, *behind])) == [rest, behind]

    def test_a_line_alone_is_itself(self) -> None:
        alone = line("ready")
        grouper = Grouper()
        assert [*grouper.feed([alone], 0), *grouper.flush()][0] is alone
        assert alone.lines == (alone,)
        assert alone.head is alone

    def test_lines_that_come_later_do_not_belong(self) -> None:
        assert group(line("x", 0), line("  y", 100), line("  z", 200.1)) == [["x", "  y"], ["  z"]]

    def test_lines_of_unknown_time_may_belong(self) -> None:
        lines = [Line(A, Stream.STDOUT, None, text) for text in (b"x", b"  y")]
        assert group(*lines) == [["x", "  y"]]

    def test_containers_and_streams_do_not_mix(self) -> None:
        lines = [line(TRACE[0]), line("one", 0, B), line("out", 0, err=True)]
        lines += [line(TRACE[1]), line("  two", 0, B), line(TRACE[2])]
        assert group(*lines) == [TRACE, ["one", "  two"], ["out"]]

    def test_the_carriage_returns_of_a_tty_are_left_out_of_text_and_rules(self) -> None:
        grouper = Grouper()
        lines: list[Item] = [line(text) for text in ("{\r", '  "a": 1\r', "}\r", "next\r")]
        entry, _ = grouper.feed(lines, 0) + grouper.flush()
        assert isinstance(entry, Line)
        assert entry.raw == b'{\n  "a": 1\n}'
        assert entry.lines[0].raw == b"{\r"

    def test_a_mark_ends_what_its_container_wrote(self) -> None:
        grouper = Grouper()
        items: list[Item] = [line("x"), Gap(A, None, "lost"), line("  y")]
        assert texts(grouper.feed(items, 0) + grouper.flush()) == [["x"], ["  y"]]

    def test_rules_of_the_user_come_first(self) -> None:
        grouper = Grouper([compile_pattern(r"^\+\+ ", "continues")])
        lines: list[Item] = [line(text) for text in ("x", "++ y", "z")]
        assert texts(grouper.feed(lines, 0) + grouper.flush()) == [["x", "++ y"], ["z"]]

    def test_an_entry_stays_what_it_is(self) -> None:
        saved = make_entry([line("x"), line("y")])
        assert group(saved, line("  z")) == [["x", "y"], ["  z"]]

    @pytest.mark.parametrize("text", ["  ✓ Ready", "next", "2024-05-01 12:00:01 INFO x", "{}"])
    def test_others_begin_anew(self, text: str) -> None:
        assert (
            group(line("12:00:00 listening"), line("plain"), line(text))
            == [
                ["12:00:00 listening"],
                ["plain"],
                [text],
            ]
            or text == "next"
        )

    def test_blank_lines_alone_make_no_entry(self) -> None:
        assert group(line("1"), line(""), line("2"), line(""), line(" ")) == [
            *(["1"], [""], ["2"], [""], [" "]),
        ]
        trace = [*TRACE[:2], "", TRACE[2], ""]
        assert group(*map(line, trace)) == [trace]


class TestPlainText:
    """Lines without time and level, where the others have them."""

    def test_belongs_where_all_other_lines_have_times(self) -> None:
        stamped = [line(f"2024-05-01 12:00:00 INFO {n}", 200 * n) for n in range(20)]
        *_, last, after = group(*stamped, line("more", 3801), line("2024-05-01 12:00:09 x", 3802))
        assert last == ["2024-05-01 12:00:00 INFO 19", "more"]
        assert after == ["2024-05-01 12:00:09 x"]

    def test_stands_for_itself_where_lines_have_none(self) -> None:
        plain = [line(f"request {n}", n) for n in range(20)]
        assert group(*plain) == [[f"request {n}"] for n in range(20)]

    def test_nothing_plain_continues_json(self) -> None:
        lines = [line(f'{{"level":"error","msg":"{n}"}}', n) for n in range(20)]
        assert len(group(*lines, line("ready", 20))) == 21


class TestTime:
    def test_the_last_line_waits_for_100_ms(self) -> None:
        grouper = Grouper()
        assert texts(grouper.feed([line("x"), line("y")], 5)) == [["x"]]
        assert grouper.due_ns() == 5 + WAIT_NS
        assert grouper.feed([], 4 + WAIT_NS) == []
        assert texts(grouper.feed([], 5 + WAIT_NS)) == [["y"]]
        assert grouper.due_ns() is None

    def test_without_a_wait_what_comes_together_is_an_entry(self) -> None:
        grouper = Grouper(wait_ns=0)
        whole, alone = grouper.feed([line(text) for text in [*TRACE, NEXT]], 7)
        assert texts([whole, alone]) == [TRACE, [NEXT]]
        assert grouper.due_ns() is None

    def test_what_is_held_waits_longer(self) -> None:
        grouper = Grouper()
        assert grouper.feed([line(text) for text in TRACE[:2]], 0, held=True) == []
        assert grouper.feed([], 10 * WAIT_NS, held=True) == []
        assert grouper.feed([line(TRACE[2])], 20 * WAIT_NS, held=True) == []
        assert texts(grouper.feed([], 30 * WAIT_NS)) == [TRACE]

    def test_a_continuation_in_the_next_batch_belongs(self) -> None:
        grouper = Grouper()
        assert grouper.feed([line(TRACE[0])], 0) == []
        assert grouper.feed([line(TRACE[1])], 50 * MS) == []
        assert grouper.feed([line(TRACE[2])], 140 * MS) == []
        assert grouper.due_ns() == 140 * MS + WAIT_NS
        assert texts(grouper.feed([line("2024-05-01 12:00:01 INFO x")], 150 * MS)) == [TRACE]

    def test_what_is_behind_an_open_entry_waits_with_it_in_order(self) -> None:
        grouper = Grouper()
        assert grouper.feed([line("a1", 0), line("b1", 1, B), line("b2", 2, B)], 0) == []
        assert [item.text for item in grouper.waiting() if isinstance(item, Line)] == [
            *("a1", "b1", "b2")
        ]
        assert texts(grouper.feed([line("a2", 3)], 0)) == [["a1"], ["b1"]]

    def test_younger_stamps_end_an_entry(self) -> None:
        grouper = Grouper()
        grouper.feed([line("a1", 0)], 0)
        assert texts(grouper.feed([line("b1", 101, B)], 0)) == [["a1"]]

    def test_stamps_of_another_host_tell_nothing(self) -> None:
        grouper = Grouper()
        grouper.feed([line("a1", 0)], 0)
        far = ContainerRef("c" * 64, "c", host="far")
        assert grouper.feed([line("c1", 101, far)], 0) == []


class TestBounds:
    def test_an_entry_has_at_most_1000_lines(self) -> None:
        many = [line("x"), *(line(f"  {n}") for n in range(2 * MAX_LINES))]
        assert [len(each) for each in group(*many)] == [MAX_LINES, MAX_LINES, 1]

    def test_an_entry_has_at_most_1_mib(self) -> None:
        part = "  " + "x" * 300_000
        sizes = [sum(map(len, each)) for each in group(line("x"), *[line(part)] * 7)]
        assert len(sizes) == 3
        assert max(sizes) < MAX_SIZE

    def test_a_large_batch_does_not_cut_the_last_entry(self) -> None:
        grouper = Grouper()
        many = [line(f"2024-05-01 12:00:00 INFO {i}") for i in range(20_000)]
        found = grouper.feed([*many, line("odd"), *map(line, TRACE[:2])], 0)
        found += grouper.feed([line(TRACE[2])], 0) + grouper.flush()
        assert texts(found)[-1] == TRACE

    def test_stamps_of_whole_seconds_do_not_hold_back_everything(self) -> None:
        grouper = Grouper()
        grouper.feed([line("first", 0, B)], 0)
        out = [len(grouper.feed([line(f"x {n}", 0) for n in range(1000)], 0)) for _ in range(20)]
        assert sum(out) >= 10_000


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_or_reordered_however_it_is_cut(seed: int) -> None:
    """Each line comes out once, and those of a stream in their order."""
    chance = random.Random(seed)
    heads = ("2024-05-01 12:00:00 INFO x", "plain", "", "  in", "\tat x", '{"a":1}', "{", "}")
    lines = [
        line(
            chance.choice(heads),
            n * chance.choice((0.1, 30)),
            chance.choice((A, B)),
            err=chance.random() < 0.3,
        )
        for n in range(400)
    ]
    grouper, left, out = Grouper(), iter(lines), []
    now = 0
    while batch := list(islice(left, chance.randrange(1, 60))):
        now += chance.randrange(80 * MS)
        out += grouper.feed(list[Item](batch), now)
    out += grouper.flush()
    assert grouper.waiting() == []
    for container in (A, B):
        for stream in (Stream.STDOUT, Stream.STDERR):
            came = [
                each.raw
                for item in out
                if isinstance(item, Line) and item.container is container and item.stream == stream
                for each in item.lines
            ]
            sent = [x.raw for x in lines if x.container is container and x.stream == stream]
            assert came == sent

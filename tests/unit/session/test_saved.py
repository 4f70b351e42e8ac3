"""What `lobtail tail -o json` has saved is tailed again: all of it, or what is asked for."""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lobtail import tail_files
from lobtail.errors import LogFileError
from lobtail.files import Damage, open_log
from lobtail.model.entries import make_entry
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Dropped, Gap, Item, Line, Removed, Started, Stopped
from lobtail.model.records import Record, record_of
from lobtail.render.json import JsonFormatter
from lobtail.render.style import Style
from support.any_items import any_items
from support.chance import examples
from support.golden import GOLDEN
from support.items import DB, ITEMS, OLD_ITEMS, START_NS, WEB, line
from support.records import text_of

SECOND = 10**9


def saved(*items: Item) -> bytes:
    return b"".join(chunk.data for chunk in JsonFormatter(Style()).render([*items]))


def file(folder: Path, data: bytes, name: str = "saved.jsonl") -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def tail(*paths: str, group: bool = False, **options: Any) -> list[Item]:
    async def read() -> list[Item]:
        async with tail_files(*paths, group=group, **options) as stream:
            return [item async for item in stream]

    return asyncio.run(read())


def found(*paths: str, **options: Any) -> list[ContainerRef]:
    async def look() -> list[ContainerRef]:
        async with tail_files(*paths, **options) as stream:
            return stream.found

    return asyncio.run(look())


def raws(items: list[Item]) -> list[bytes]:
    return [item.raw for item in items if isinstance(item, Line)]


def at(seconds: int, text: str, container: ContainerRef = WEB, **more: Any) -> Line:
    return line(text.encode(), container, time_ns=START_NS + seconds * SECOND, **more)


def test_all_items_come_back_in_their_order(tmp_path: Path) -> None:
    path = file(tmp_path, saved(*ITEMS))
    assert tail(path) == [*ITEMS]
    assert saved(*tail(path)) == (GOLDEN / "json.txt").read_bytes()
    assert set(map(str, found(path))) == {str(item.container) for item in ITEMS}


def test_version_1_is_read_and_written_as_version_2(tmp_path: Path) -> None:
    first = tail(file(tmp_path, (GOLDEN / "json-1.txt").read_bytes()))
    assert len(first) == len(OLD_ITEMS)
    again = tail(file(tmp_path, saved(*first)))
    assert again == first


@settings(max_examples=examples(30))
@given(any_items.filter(bool))
def test_any_items_come_back(items: list[Item]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), saved(*items))
        assert tail(path) == items


def test_blocks_are_no_borders(tmp_path: Path) -> None:
    """Containers are known in all blocks of a file, and in all of its rotated files."""
    items: list[Item] = [
        at(i // 100, f"line {i} " + "x" * (i % 90), (WEB, DB)[i % 2]) for i in range(9000)
    ]
    data = saved(*items)
    assert len(data) > 8 << 18
    assert tail(file(tmp_path, data)) == items
    half = data.index(b"\n", len(data) // 2) + 1
    file(tmp_path, gzip.compress(data[:half]), "saved.jsonl.1.gz")
    assert tail(file(tmp_path, data[half:])) == items


def test_a_compressed_file(tmp_path: Path) -> None:
    assert tail(file(tmp_path, gzip.compress(saved(*ITEMS)), "saved.jsonl.gz")) == [*ITEMS]


def test_each_container_has_its_last_lines(tmp_path: Path) -> None:
    items: list[Item] = [
        Started(WEB, START_NS),
        at(0, "web 1"),
        at(1, "db 1", DB),
        at(2, "web 2"),
        Gap(WEB, None, "between"),
        at(3, "web 3", stderr=True),
        Stopped(WEB, START_NS + 4 * SECOND, 0),
    ]
    path = file(tmp_path, saved(*items))
    assert tail(path, tail=2) == items[2:]
    assert tail(path, tail=1) == [items[2], *items[4:]]
    assert tail(path, tail=9) == items
    assert tail(path, tail=0) == []
    # As for an engine, the lines of both streams are counted.
    assert raws(tail(path, tail=1, streams=(Stream.STDOUT,))) == [b"db 1"]


def test_a_span_of_time(tmp_path: Path) -> None:
    items: list[Item] = [
        at(0, "before"),
        line(b"before, too", time_ns=None),
        at(10, "first"),
        Gap(WEB, None, "why"),
        at(5, "late", DB, late=True),
        at(20, "last"),
        line(b"with the last", time_ns=None),
        at(21, "behind"),
        line(b"behind, too", time_ns=None),
        at(15, "late, and in the span", DB, late=True),
    ]
    path = file(tmp_path, saved(*items))
    since, until = START_NS + 10 * SECOND, START_NS + 20 * SECOND
    assert tail(path, since=since) == [*items[2:4], *items[5:]]
    assert tail(path, until=until) == [*items[:7], items[9]]
    assert tail(path, since=since, until=until) == [*items[2:4], *items[5:7], items[9]]


def test_streams_levels_and_queries(tmp_path: Path) -> None:
    items: list[Item] = [
        at(0, "ERROR a"),
        at(1, "info b", DB),
        at(2, "WARN c", stderr=True),
        Gap(DB, None, "g"),
    ]
    path = file(tmp_path, saved(*items))
    assert tail(path, streams=(Stream.STDERR,)) == items[2:]
    assert tail(path, level="warn") == [items[0], *items[2:]]
    assert tail(path, where="container==app-db-1") == items[1:2] + items[3:]
    assert tail(path, where="label.tier==front and /a$/") == [items[0], items[3]]


def test_containers_are_chosen(tmp_path: Path) -> None:
    many = [at(i // 100, f"line {i} " + "x" * 90) for i in range(3000)]
    last = at(99, "db", replace(DB, labels={"tier": "back"}))
    items: list[Item] = [*many, Gap(WEB, None, "why"), last, Removed(DB, START_NS + 100 * SECOND)]
    path = file(tmp_path, saved(*items))
    assert tail(path, labels=("tier=back",)) == items[-2:-1], "its first block has none of it"
    assert tail(path, labels=("tier",)) == items[:-1]
    assert tail(path, projects=("app",)) == items
    assert tail(path, services=("db",)) == items[-2:]
    assert tail(path, images=("web",)) == items[:-2]
    assert tail(path, exclude=("app-web-*",)) == items[-2:]
    assert tail(path, services=("db",), tail=1) == items[-2:]
    assert tail(path, services=("nobody",)) == []
    assert found(path, services=("db",)) == [DB]
    assert found(path, services=("nobody",)) == []


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    one: list[Item] = [at(0, "a"), at(2, "c"), Gap(WEB, None, "here"), at(4, "e")]
    two = [at(1, "b", DB), at(3, "d", DB)]
    paths = [file(tmp_path, saved(*one), "one.jsonl"), file(tmp_path, saved(*two), "two.jsonl")]
    expected = [one[0], two[0], *one[1:3], two[1], one[3]]
    assert tail(*paths) == expected
    assert found(*paths) == [WEB, DB]


# --- damage ---------------------------------------------------------------------------------------


def gap(path: str, offset: int, size: int, reason: str) -> Gap:
    ref = ContainerRef(path, Path(path).name)
    return Gap(ref, None, Damage(path, offset, size, reason).words)


@pytest.mark.parametrize(
    "damage",
    [
        b"garbage\n",
        b'{"v":9}\n',
        b"\n[]\n\n{}\n",
        b"[" * 100_000 + b"\n",
        b"\xff\x00\n",
        b"x" * 99999 + b"\n",
    ],
)
def test_damage_is_a_gap_in_its_place(tmp_path: Path, damage: bytes) -> None:
    head, rest = saved(at(0, "before"), at(1, "db", DB)), saved(at(2, "behind", DB))
    path = file(tmp_path, head + damage + rest)
    before, db, lost, behind = tail(path)
    assert [before, db, behind] == [at(0, "before"), at(1, "db", DB), at(2, "behind", DB)]
    size = len(damage.lstrip(b"\n"))
    assert lost == gap(path, len(head) + len(damage) - size, size, "this is no record")


def test_a_run_of_nul_bytes_is_a_gap(tmp_path: Path) -> None:
    head, rest = saved(at(0, "before")), saved(at(1, "behind"))
    path = file(tmp_path, head + bytes(100_000) + b"\n" + rest)
    before, lost, behind = tail(path)
    assert raws([before, behind]) == [b"before", b"behind"]
    assert isinstance(lost, Gap)
    assert "NUL" in lost.reason


@pytest.mark.parametrize("cut", [1, 50, 150])
def test_a_torn_last_line_is_a_gap(tmp_path: Path, cut: int) -> None:
    head, last = saved(at(0, "before")), saved(at(1, "behind"))
    path = file(tmp_path, head + last[:cut])
    before, lost = tail(path)
    assert before == at(0, "before")
    assert lost == gap(path, len(head), cut, "the record is cut off")


def test_a_last_line_may_lack_its_newline(tmp_path: Path) -> None:
    assert tail(file(tmp_path, saved(at(0, "a"), at(1, "b"))[:-1])) == [at(0, "a"), at(1, "b")]


def test_a_half_written_line_of_a_file_that_grows_is_not_there_yet(tmp_path: Path) -> None:
    head, last = saved(at(0, "before")), saved(at(1, "behind"))
    path = file(tmp_path, head + last[:40])
    with open_log(path) as files, Path(path).open("ab") as writer:
        writer.write(last[40:80])
        writer.flush()
        assert list(files.items()) == [[at(0, "before")]]


def test_damage_before_what_is_asked_for_is_not_told(tmp_path: Path) -> None:
    path = file(tmp_path, saved(at(0, "a")) + b"garbage\n" + saved(at(1, "b"), at(2, "c")))
    assert tail(path, tail=1) == [at(2, "c")]
    assert tail(path, since=START_NS + SECOND) == [at(1, "b"), at(2, "c")]


@pytest.mark.parametrize("byte", [b"\x01", b"\xff", b"x", "\u202e".encode()])
def test_the_longest_lines_come_back(tmp_path: Path, byte: bytes) -> None:
    raw = byte * ((1 << 20) // len(byte))
    items: list[Item] = [line(raw, partial=True), line(raw + b"\r"), at(1, "short")]
    assert tail(file(tmp_path, saved(*items))) == items


def test_what_is_longer_than_any_line_is_a_gap(tmp_path: Path) -> None:
    data = saved(at(0, "a")) + b'{"v":2,"x":"' + b"x" * (20 << 20) + b'"}\n' + saved(at(1, "b"))
    before, *lost, behind = tail(file(tmp_path, data))
    assert raws([before, behind]) == [b"a", b"b"]
    assert lost
    assert all(isinstance(item, Gap) for item in lost)


# --- what is one of them --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["any.name", "web-json.log"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    assert tail(file(tmp_path, saved(*ITEMS), name)) == [*ITEMS]
    assert tail(file(tmp_path, saved(at(0, "a")), name)) == [at(0, "a")]
    assert tail(file(tmp_path, saved(at(0, "x" * 9000)), name)) == [at(0, "x" * 9000)]


def test_keys_in_another_order(tmp_path: Path) -> None:
    objects = [json.loads(each) for each in saved(at(0, "a"), at(1, "b", DB)).splitlines()]
    data = "".join(json.dumps(each, sort_keys=True) + "\n" for each in objects)
    assert tail(file(tmp_path, data.encode(), "any.name")) == [at(0, "a"), at(1, "b", DB)]


@pytest.mark.parametrize("name", ["saved.jsonl", "saved.ndjson", "saved.json"])
def test_an_empty_file_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    assert tail(file(tmp_path, b"", name)) == []
    assert found(file(tmp_path, b"", name)) == []


def test_other_json_is_none(tmp_path: Path) -> None:
    with pytest.raises(LogFileError, match="lobtail tail -o json"):
        tail(file(tmp_path, b'{"v":2,"msg":"x"}\n{"line":"x"}\n'))


# --- lobtail logs ---------------------------------------------------------------------------------


def messages(path: str, **options: Any) -> list[Record | Damage]:
    with open_log(path) as files:
        assert files.driver == "lobtail"
        batches = list(files.messages(**options))
    return [
        frame
        for batch in batches
        for frame in (batch if isinstance(batch, list) else [batch])
        if isinstance(frame, Record | Damage)
    ]


def test_as_messages(tmp_path: Path) -> None:
    part = replace(at(1, "part\r", stderr=True), partial=True, raw_details=b"a=1")
    items: list[Item] = [
        Started(WEB, 0),
        at(0, "one"),
        part,
        line(b"no time", time_ns=None),
        Gap(WEB, None, "rotated"),
        Dropped(WEB, None, 3),
        at(2, "end", DB, unterminated=True),
    ]
    path = file(tmp_path, saved(*items))
    stamp = b"2024-05-01T12:00:0%d.123456789Z "
    first, second, third, lost, dropped, last = messages(path)
    assert first == record_of(Stream.STDOUT, b"2024-05-01T11:59:59.123456789Z one\n")
    assert second == record_of(Stream.STDERR, stamp % 0 + b"part\r")
    assert third == record_of(Stream.STDOUT, b"0001-01-01T00:00:00.000000000Z no time\n")
    assert last == record_of(Stream.STDOUT, stamp % 1 + b"end")
    assert isinstance(lost, Damage)
    assert lost.reason == "lines may be missing here: rotated"
    assert isinstance(dropped, Damage)
    assert dropped.reason == "3 lines dropped"
    assert messages(path, details=True)[1] == record_of(
        Stream.STDERR, stamp % 0 + b"a=1 part\r", details=True
    )
    assert messages(path, tail=1) == [lost, dropped, last]
    assert messages(path, since=START_NS + 2 * SECOND) == [lost, dropped, last]


def test_messages_that_came_late_are_in_the_span(tmp_path: Path) -> None:
    path = file(tmp_path, saved(at(0, "a"), at(9, "b"), at(1, "c", late=True), at(2, "d")))
    found = messages(path, until=START_NS + SECOND)
    assert [text_of(each) for each in found if isinstance(each, Record)] == [b"a\n", b"c\n"]


@settings(max_examples=examples(30))
@given(any_items.filter(bool), st.booleans())
def test_any_items_are_messages(items: list[Item], details: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = file(Path(folder), saved(*items))
        frames = [each for each in messages(path, details=details) if isinstance(each, Record)]
    assert len(frames) == len(raws(items))


def test_entries_come_back_as_such(tmp_path: Path) -> None:
    """They do not depend on the looks of their lines, nor on where a read ends."""
    ref = ContainerRef("1" * 64, "web")
    lines = [Line(ref, Stream.STDOUT, n * 10**9, b"%d" % n) for n in range(4)]
    entry = make_entry(lines[1:3])
    path = file(tmp_path, saved(lines[0], entry, lines[3]))
    assert tail(path, group=True) == [lines[0], entry, lines[3]]
    assert tail(path) == [lines[0], *entry.lines, lines[3]]
    assert [item.continues for item in tail(path) if isinstance(item, Line)] == [
        *(False, False, True, False)
    ]

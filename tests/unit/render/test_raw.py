"""The raw format: the bytes of lines on stdout, marks on stderr."""

from __future__ import annotations

import re

import pytest

from lobtail.model.items import Gap, Item, Line, Started
from lobtail.render.raw import RawFormatter
from lobtail.render.stamps import find_zone
from lobtail.render.style import Chunk, Style
from support.golden import golden
from support.items import DB, EVIL, HOSTILE, ITEMS, NOW_NS, START_NS, WEB, line

SGR = re.compile(rb"\x1b\[[0-9;:]*m")


def render(style: Style, *items: Item) -> tuple[bytes, bytes]:
    """Return what goes to stdout and what to stderr."""
    chunks = RawFormatter(style).render(list(items), NOW_NS)
    out = b"".join(chunk.data for chunk in chunks if not chunk.stderr)
    err = b"".join(chunk.data for chunk in chunks if chunk.stderr)
    return out, err


def test_golden_on_stdout() -> None:
    golden("raw.txt", render(Style(), *ITEMS)[0])


def test_golden_with_all_options() -> None:
    style = Style(prefix=True, timestamps="rfc3339", zone=find_zone("Europe/Berlin"))
    out, err = render(style, *ITEMS)
    golden("raw-options.txt", out + err)


def test_golden_on_stderr() -> None:
    golden("raw-stderr.txt", render(Style(), *ITEMS)[1])


def test_lines_and_marks_come_in_their_order() -> None:
    chunks = RawFormatter(Style()).render(
        [line(b"1"), line(b"2", DB, stderr=True), Started(WEB, 0), Started(DB, 0), line(b"3")]
    )
    assert chunks == [
        Chunk(b"1\n2\n"),
        Chunk(b"-- app-web-1: started\n-- app-db-1: started\n", stderr=True),
        Chunk(b"3\n"),
    ]


def test_nothing_gives_nothing() -> None:
    assert RawFormatter(Style()).render([]) == []


def test_marks_can_be_left_out() -> None:
    items: list[Item] = [line(b"1"), Started(WEB, 0), line(b"2")]
    assert RawFormatter(Style(marks=False)).render(items) == [Chunk(b"1\n2\n")]


def test_nothing_is_coloured_or_highlighted_or_said_about_a_line() -> None:
    style = Style(color=True, highlight=(re.compile("x"),))
    odd = line(b"ERROR: x", partial=True, unterminated=True, late=True)
    assert render(style, odd) == (b"ERROR: x\n", b"")


def test_only_marks_have_a_colour_of_ours() -> None:
    out, err = render(Style(color_stderr=True, safe=True), *ITEMS)
    lines = [item.raw for item in ITEMS if isinstance(item, Line)]
    assert out.count(b"\x1b[") == sum(len(SGR.findall(raw)) for raw in lines) + 1  # a reset
    assert err.count(b"\x1b[") == 2 * err.count(b"\n")


def test_the_time_comes_first_then_the_name() -> None:
    style = Style(prefix=True, timestamps="short")
    out, _ = render(style, line(b"x"), line(b"y", DB, time_ns=None))
    assert out == b"11:59:59.123 app-web-1 x\n- app-db-1 y\n"


def test_row_11_empty_lines_and_every_cr_are_kept() -> None:
    raws = [b"", b"\r", b"a\r", b"1%\r2%\r\r"]
    assert render(Style(), *map(line, raws))[0] == b"\n\r\na\r\n1%\r2%\r\r\n"


def test_row_12_bytes_are_kept_in_a_pipe() -> None:
    raws = [item.raw for item in ITEMS if isinstance(item, Line)]
    assert render(Style(), *ITEMS)[0] == b"\n".join(raws) + b"\n"


def test_row_12_bytes_behind_a_time_and_a_name_are_kept_too() -> None:
    for raw in (*HOSTILE, b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00"):
        out, _ = render(Style(prefix=True, timestamps="rfc3339"), line(raw))
        assert out == b"2024-05-01T11:59:59.123456789Z app-web-1 " + raw + b"\n"


@pytest.mark.parametrize("raw", HOSTILE)
@pytest.mark.parametrize("prefix", [None, True])
def test_row_13_on_a_terminal_nothing_hostile_acts(raw: bytes, prefix: bool | None) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    evil = type(EVIL)(raw.hex() * 8, name, host=name)
    lines = line(b"x" + raw, evil), line(raw, evil, stderr=True)
    out, err = render(Style(safe=True, prefix=prefix), *lines, Gap(evil, START_NS, name))
    for shown in (out, err):
        assert all(text.isprintable() for text in SGR.sub(b"", shown).decode().split("\n"))
        assert raw not in shown


def test_row_13_marks_do_not_act_wherever_stdout_goes() -> None:
    err = render(Style(), *ITEMS)[1].decode()
    assert all(text.isprintable() for text in err.split("\n"))


def test_row_13_on_a_terminal_a_colour_ends_with_its_line() -> None:
    out, _ = render(Style(safe=True), line(b"\x1b[31mred\r"), line(b"x"))
    assert out == b"\x1b[31mred\x1b[0m\nx\n"


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        *("##vso[task.complete]", "::set-output name=x::y", "<script>alert(1)</script>"),
        *("javascript:x", "[link=http://x]Rich[/link]", "[bold red]x[/]", "{time} %s $HOME"),
    ],
)
def test_row_14_text_that_is_a_command_elsewhere_is_shown_as_text(safe: bool, text: str) -> None:
    assert render(Style(safe=safe), line(text.encode()))[0].decode() == text + "\n"

"""The pretty format, as people see it."""

from __future__ import annotations

import re

import pytest

from lobtail.model.items import Gap, Item, Removed, Started
from lobtail.model.levels import Level
from lobtail.render.colors import LEVELS, RESET, Colors, sgr
from lobtail.render.pretty import PrettyFormatter
from lobtail.render.style import Style
from lobtail.render.table import width
from support.golden import golden
from support.items import DB, EVIL, HOSTILE, ITEMS, NOW_NS, START_NS, WEB, WIDE, line

SGR = re.compile(rb"\x1b\[[0-9;:]*m")


def render(style: Style, *items: Item) -> bytes:
    chunks = PrettyFormatter(style).render(list(items), NOW_NS)
    assert [chunk.stderr for chunk in chunks] == [False] * bool(items)
    return b"".join(chunk.data for chunk in chunks)


def text_of(style: Style, *items: Item) -> str:
    return render(style, *items).decode()


def test_golden_in_a_pipe() -> None:
    golden("pretty.txt", render(Style(), *ITEMS))


def test_golden_with_colour_in_a_pipe() -> None:
    golden("pretty-color.txt", render(Style(color=True), *ITEMS))


def test_golden_on_a_terminal() -> None:
    style = Style(
        color=True,
        color_stderr=True,
        safe=True,
        timestamps="short",
        highlight=(re.compile("o [a-z]+"), re.compile("its own")),
    )
    golden("pretty-terminal.txt", render(style, *ITEMS))


def test_nothing_gives_nothing() -> None:
    assert PrettyFormatter(Style()).render([]) == []


def test_every_item_is_one_line() -> None:
    for style in (Style(), Style(safe=True), Style(color=True), Style(color=True, safe=True)):
        shown = render(style, *ITEMS)
        assert shown.count(b"\n") == len(ITEMS)
        assert shown.endswith(b"\n")


def test_how_items_are_batched_does_not_change_them() -> None:
    style = Style(color=True, safe=True, timestamps="relative", highlight=(re.compile("o+"),))
    containers = [item.container for item in ITEMS]
    whole, single = PrettyFormatter(style), PrettyFormatter(style)
    whole.expect(containers)
    single.expect(containers)
    one = [chunk for item in ITEMS for chunk in single.render([item], NOW_NS)]
    assert b"".join(chunk.data for chunk in one) == whole.render(list(ITEMS), NOW_NS)[0].data


def test_lines_and_marks_stand_in_one_column() -> None:
    # Not splitlines: U+2028 and its like are no ends of lines here.
    shown = text_of(Style(timestamps="short", safe=True), *ITEMS).removesuffix("\n").split("\n")
    assert {width(re.split("[│─]", text)[0]) for text in shown} == {len("12:34:56.789 ") + 28 + 2}


def test_no_line_passes_for_a_mark() -> None:
    fake = line("app-web-1  ─ stopped".encode())
    lines = text_of(Style(), fake, Started(WEB, 0)).splitlines()
    assert [re.split("[│─]", text)[0] + text[14] for text in lines] == [
        *("app-web-1     │", "app-web-1     ─")
    ]


def test_without_a_prefix_lines_are_bare_and_marks_still_name_their_container() -> None:
    shown = text_of(Style(prefix=False), line(b"x"), line(b"y", DB), Removed(DB, 0))
    assert shown == "x\ny\n─ app-db-1: removed\n"


def test_marks_can_be_left_out() -> None:
    assert text_of(Style(marks=False), Started(WEB, 0), line(b"x")) == "app-web-1     │ x\n"
    assert PrettyFormatter(Style(marks=False)).render([Started(WEB, 0)]) == []


def test_containers_that_are_expected_make_the_column_before_they_come() -> None:
    formatter = PrettyFormatter(Style())
    formatter.expect([WEB, WIDE])
    assert formatter.render([line(b"x", WIDE)])[0].data.decode() == "データ-1      │ x\n"


def test_a_wide_name_further_on_in_a_batch_widens_its_first_line_too() -> None:
    short, long = text_of(Style(), line(b"x", DB), line(b"y", WEB)).splitlines()
    assert short.index("│") == long.index("│")


def test_a_container_that_comes_again_has_its_colour_again() -> None:
    formatter = PrettyFormatter(Style(color=True))
    before = formatter.render([line(b"x")])[0].data
    formatter.render([Removed(WEB, 0), line(b"y", DB)])
    assert formatter.render([line(b"x")])[0].data == before


@pytest.mark.parametrize(
    ("raw", "level"),
    [(b"WARN: x", Level.WARN), (b"[error] x", Level.ERROR), (b"level=fatal", Level.FATAL)],
)
def test_the_text_has_the_colour_of_its_level(raw: bytes, level: Level) -> None:
    assert render(Style(color=True, prefix=False), line(raw)) == (
        LEVELS[level] + raw + RESET + b"\n"
    )


def test_a_line_with_colours_of_its_own_keeps_those() -> None:
    raw = b"\x1b[32mERROR: x\x1b[0m"
    assert render(Style(color=True, prefix=False), line(raw)) == raw + b"\n"


def test_matches_keep_the_colour_of_the_level() -> None:
    style = Style(color=True, prefix=False, highlight=(re.compile("disk"),))
    shown = render(style, line(b"ERROR: disk full"))
    on = LEVELS[Level.ERROR]
    assert shown == on + b"ERROR: \x1b[7mdisk\x1b[27m full" + RESET + b"\n"


def test_matches_are_not_shown_without_colour() -> None:
    style = Style(prefix=False, highlight=(re.compile("x"),))
    assert render(style, line(b"x")) == b"x\n"


def test_a_match_in_what_is_not_utf8_keeps_the_bytes() -> None:
    style = Style(color=True, prefix=False, highlight=(re.compile("x"),))
    assert render(style, line(b"\xffx\xe2\x82")) == b"\xff\x1b[7mx\x1b[27m\xe2\x82\n"


def test_the_name_has_its_own_colour() -> None:
    on = sgr(Colors().of("app-web-1"))
    shown = render(Style(color=True), line(b"x"))
    assert shown == on + "app-web-1     │ ".encode() + RESET + b"x\n"


def test_colours_of_a_line_end_before_the_words_about_it() -> None:
    shown = render(Style(color=True, prefix=False), line(b"\x1b[31mred", unterminated=True))
    assert shown.startswith(b"\x1b[31mred\x1b[0m\x1b[")


def test_without_colour_nothing_of_ours_is_an_escape_sequence() -> None:
    ours = [item for item in ITEMS if b"\x1b" not in getattr(item, "raw", b"")]
    assert b"\x1b" not in render(Style(timestamps="short"), *ours)


def test_times_count_from_now() -> None:
    style = Style(timestamps="relative", prefix=False)
    assert text_of(style, line(b"x"), line(b"y", time_ns=None)) == " -1m30s x\n      - y\n"


def test_row_12_bytes_are_kept_in_a_pipe() -> None:
    raws = [*HOSTILE, b"\x00", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80"]
    for raw in raws:
        assert render(Style(prefix=False), line(raw)) == raw + b"\n"
        assert raw in render(Style(color=True), line(raw))


@pytest.mark.parametrize("raw", HOSTILE)
@pytest.mark.parametrize("timestamps", [None, "rfc3339"])
@pytest.mark.parametrize("color", [False, True])
def test_row_13_on_a_terminal_nothing_hostile_acts(
    raw: bytes, timestamps: None, color: bool
) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    evil = type(EVIL)(raw.hex() * 8, name, host=name)
    style = Style(safe=True, color=color, timestamps=timestamps, highlight=(re.compile("."),))
    shown = render(
        style, line(b"x" + raw, evil), line(raw, evil, stderr=True), Gap(evil, START_NS, name)
    )
    # Printable is what takes a place and does nothing else: no control, no bidi, nothing unseen.
    assert all(text.isprintable() for text in SGR.sub(b"", shown).decode().split("\n"))
    assert raw not in shown


def test_row_13_a_colour_cannot_reach_the_next_prefix() -> None:
    style = Style(safe=True)
    shown = render(style, line(b"\x1b[8;31mhidden", EVIL), line(b"x"))
    assert b"hidden\x1b[0m\n" in shown


@pytest.mark.parametrize("style", [Style(), Style(safe=True), Style(color=True, safe=True)])
@pytest.mark.parametrize(
    "text",
    [
        *("##vso[task.complete]", "::set-output name=x::y", "<script>alert(1)</script>"),
        *("javascript:x", "[link=http://x]Rich[/link]", "[bold red]x[/]", "{time} %s $HOME"),
    ],
)
def test_row_14_text_that_is_a_command_elsewhere_is_shown_as_text(style: Style, text: str) -> None:
    assert SGR.sub(b"", render(style, line(text.encode()))).decode() == f"app-web-1     │ {text}\n"

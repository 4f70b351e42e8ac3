"""The name of the container before its lines: steady, in its colour, and harmless."""

from __future__ import annotations

import re

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef
from lobtail.render.colors import DIM, PALETTE, RESET, Colors, sgr
from lobtail.render.prefix import MAX_WIDTH, Prefixes, fit, shown_name
from lobtail.render.table import width

OUT, ERR = Stream.STDOUT, Stream.STDERR


def named(name: str, number: int = 1, host: str = "") -> ContainerRef:
    return ContainerRef(f"{number:064x}", name, host=host)


def out(prefixes: Prefixes, name: str, number: int = 1) -> str:
    return prefixes.line(named(name, number), OUT).decode()


def test_a_line_of_stderr_and_a_mark_are_told_apart_also_without_colour() -> None:
    prefixes = Prefixes(color=False)
    web = named("web1")
    assert prefixes.line(web, OUT).decode() == "web1  │ "
    assert prefixes.line(web, ERR).decode() == "web1 e│ "
    assert prefixes.mark(web) == "web1  ─ "


def test_the_name_has_its_colour_and_the_text_behind_it_none() -> None:
    prefixes = Prefixes(color=True)
    web = named("web1")
    on = next(sgr(color) for color in PALETTE if prefixes.line(web, OUT).startswith(sgr(color)))
    assert prefixes.line(web, OUT) == on + "web1  │ ".encode() + RESET
    assert prefixes.line(web, ERR) == on + b"web1 " + DIM + b"e" + on + "│ ".encode() + RESET


def test_names_that_are_expected_share_one_width_from_the_first_line_on() -> None:
    prefixes = Prefixes(color=False)
    prefixes.expect([named("a"), named("app-web-1", 2)])
    assert out(prefixes, "a") == "a" + " " * 13 + "│ "
    assert out(prefixes, "app-web-1", 2) == "app-web-1" + " " * 5 + "│ "


def test_the_width_grows_in_steps_and_never_shrinks() -> None:
    prefixes = Prefixes(color=False)
    widths = []
    for number, length in enumerate([1, 4, 5, 8, 3, 9, 1]):
        widths.append(out(prefixes, "n" * length, number).index("│"))
    assert widths == [6, 6, 10, 10, 10, 14, 14]


def test_a_prefix_that_was_made_before_grows_with_the_others() -> None:
    prefixes = Prefixes(color=False)
    web = named("web", 1)
    assert prefixes.line(web, OUT).decode() == "web   │ "
    prefixes.expect([named("longer", 2)])
    assert not prefixes.has_made(web)
    assert prefixes.line(web, OUT).decode() == "web       │ "
    assert prefixes.has_made(web)


def test_a_container_that_was_renamed_has_its_new_name() -> None:
    prefixes = Prefixes(color=False)
    assert out(prefixes, "old", 1).startswith("old")
    assert out(prefixes, "new", 1).startswith("new")


def test_a_container_without_a_name_has_its_short_id() -> None:
    assert shown_name(named("", 0xABC)) == "0" * 12


def test_the_host_stands_before_the_name() -> None:
    assert shown_name(named("web", host="build-7")) == "build-7/web"
    prefixes = Prefixes(color=False)
    assert prefixes.line(named("web", host="h"), OUT).decode() == "h/web     │ "


def test_one_name_on_two_hosts_has_two_colours() -> None:
    prefixes = Prefixes(color=True)
    one, two = named("web", 1, "a"), named("web", 2, "b")
    assert prefixes.line(one, OUT).split(b"m")[0] != prefixes.line(two, OUT).split(b"m")[0]


@pytest.mark.parametrize("name", ["データ", "한국어", "größe", "e\u0301te\u0301", "ไทยที่"])
def test_wide_and_combining_characters_keep_the_column(name: str) -> None:
    prefixes = Prefixes(color=False)
    prefixes.expect([named(name, 1), named("plain", 2)])
    before = out(prefixes, name, 1).partition("│")[0]
    plain = out(prefixes, "plain", 2).partition("│")[0]
    assert width(before) == width(plain)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        *(("abc", 3), ("größe", 5), ("日本", 4), ("e\u0301", 1), ("", 0)),
        *(("ไทยที่", 4), ("❤", 1), ("👩", 2), ("\ufe0f", 0), ("\u20dd", 0)),
    ],
)
def test_columns_are_counted_as_terminals_do(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("name", "columns", "shown"),
    [
        ("short", 10, "short"),
        ("exactly-10", 10, "exactly-10"),
        ("project-service-12", 10, "proje…e-12"),
        ("project-service-12", 11, "proje…ce-12"),
        ("日本語日本語", 10, "日本…本語"),
        ("日本語日本語", 8, "日本…語"),
        ("ab", 1, "…"),
        ("abc", 2, "a…"),
    ],
)
def test_a_long_name_loses_its_middle(name: str, columns: int, shown: str) -> None:
    assert fit(name, columns) == shown


@pytest.mark.parametrize("unit", ["a", "日", "e\u0301", "日a"])
@pytest.mark.parametrize("columns", range(1, 12))
def test_what_is_cut_fits_and_no_accent_changes_its_letter(unit: str, columns: int) -> None:
    shown = fit(unit * 20, columns)
    assert columns - 1 <= width(shown) <= columns
    assert "…\u0301" not in shown


def test_replicas_of_a_long_name_stay_apart_in_the_widest_column() -> None:
    prefixes = Prefixes(color=False)
    names = [f"a-project-with-a-long-name-worker-{number}" for number in range(1, 25)]
    shown = [out(prefixes, name, number) for number, name in enumerate(names)]
    assert len(set(shown)) == len(names)
    assert {width(prefix) for prefix in shown} == {MAX_WIDTH + 4}


@pytest.mark.parametrize("color", [False, True])
def test_row_13_no_name_acts(color: bool) -> None:
    prefixes = Prefixes(color=color)
    evil = named("e\x1b[2J\x9b\x07\r\n\u202e", host="\x1b]0;h")
    for text in (prefixes.line(evil, OUT), prefixes.line(evil, ERR), prefixes.mark(evil).encode()):
        plain = re.sub(rb"\x1b\[[0-9;]*m", b"", text).decode()
        assert plain.isprintable()
        assert plain.startswith("␛]0;h/e␛[2J")
        assert "<U+202E>" in plain


def test_a_name_that_is_released_comes_back_in_its_colour() -> None:
    prefixes = Prefixes(color=True)
    before = prefixes.line(named("web", 1), OUT)
    prefixes.release(named("web", 1))
    assert not prefixes.has_made(named("web", 1))
    assert prefixes.line(named("web", 2), OUT) == before


def test_prefixes_that_are_remembered_are_bounded() -> None:
    prefixes = Prefixes(color=False)
    for number in range(5000):
        out(prefixes, "web", number)
    assert len(prefixes._lines) <= 4096


def test_a_name_that_another_container_still_has_keeps_its_colour_to_itself() -> None:
    # As compose does: the new container comes under the name before the old one is removed.
    prefixes = Prefixes(color=True)
    for number in range(len(PALETTE)):
        prefixes.line(named(f"n{number}", number), OUT)
    color = prefixes.line(named("n0", 1000), OUT).split(b"m")[0]
    assert sgr(Colors().of("new")) != color + b"m", "of its own it has another"
    prefixes.release(named("n0", 0))
    assert not prefixes.line(named("new", 2000), OUT).startswith(color + b"m")
    # Only when the second is gone, too, is the colour free for any name.
    prefixes.release(named("n0", 1000))
    assert prefixes.line(named("newer", 2001), OUT).startswith(color + b"m")

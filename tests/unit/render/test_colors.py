"""Which colours there are, who gets which, and when there are none."""

from __future__ import annotations

import re

import pytest

from lobtail.errors import ConfigError
from lobtail.model.levels import Level
from lobtail.render import colors
from lobtail.render.colors import DIM, LEVELS, PALETTE, Colors, sgr, use_color

STEPS = (0, 95, 135, 175, 215, 255)  # of xterm's cube


def rgb(color: int) -> tuple[int, int, int]:
    assert 16 <= color <= 255, "the first 16 are the theme's"
    if color >= 232:
        grey = 8 + 10 * (color - 232)
        return grey, grey, grey
    red, rest = divmod(color - 16, 36)
    green, blue = divmod(rest, 6)
    return STEPS[red], STEPS[green], STEPS[blue]


def luminance(color: int) -> float:
    """As WCAG 2 defines it."""
    parts = [
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in rgb(color)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def color_in(sequence: bytes) -> int:
    match = re.fullmatch(rb"\x1b\[(?:1;)?38;5;([0-9]+)m", sequence)
    assert match
    return int(match[1])


@pytest.mark.parametrize(
    "color",
    sorted({*PALETTE, *(color_in(on) for on in (DIM, *LEVELS.values()))}),
)
def test_every_colour_is_readable_on_black_and_on_white(color: int) -> None:
    on_black = (luminance(color) + 0.05) / 0.05
    on_white = 1.05 / (luminance(color) + 0.05)
    assert on_black >= 3
    assert on_white >= 3


def test_no_container_has_the_colour_of_an_error_or_of_a_grey() -> None:
    taken = {color_in(on) for on in (DIM, LEVELS[Level.ERROR], LEVELS[Level.FATAL])}
    assert not taken & set(PALETTE)
    assert len(set(PALETTE)) == len(PALETTE)


def test_bold_is_part_of_the_sequence() -> None:
    assert sgr(160) == b"\x1b[38;5;160m"
    assert sgr(160, bold=True) == b"\x1b[1;38;5;160m"


def test_graver_levels_are_told_apart_and_info_has_the_terminals_own_colour() -> None:
    assert len({LEVELS[Level.WARN], LEVELS[Level.ERROR], LEVELS[Level.FATAL], DIM}) == 4
    assert Level.INFO not in LEVELS
    assert Level.UNKNOWN not in LEVELS


@pytest.mark.parametrize("pattern", ["app-web-{}", "{}", "web", "größe-{}", "a/b/{}"])
def test_as_many_names_as_colours_have_one_each(pattern: str) -> None:
    names = sorted({pattern.format(number) for number in range(1, len(PALETTE) + 1)})
    table = Colors()
    assert len({table.of(name) for name in names}) == len(names)


def test_a_name_has_the_same_colour_in_every_session() -> None:
    # Also with other names before it, as long as none has its colour.
    alone = Colors().of("app-web-1")
    other = next(name for name in map(str, range(99)) if Colors().of(name) != alone)
    table = Colors()
    table.of(other)
    assert table.of("app-web-1") == alone


def test_the_colour_of_a_name_does_not_depend_on_the_interpreter() -> None:
    # Pinned: hash() would be another in each process, and a new palette a new look for everyone.
    assert [Colors().of(name) for name in ("app-web-1", "db")] == [105, 28]


def test_a_name_keeps_its_colour_whatever_comes_after_it() -> None:
    table = Colors()
    first = table.of("first")
    for number in range(len(PALETTE) * 3):
        table.of(f"n{number}")
    assert table.of("first") == first


def test_a_released_name_comes_back_in_its_colour() -> None:
    table = Colors()
    color = table.of("web")
    table.release("web")
    for number in range(len(PALETTE) - 1):
        assert table.of(f"n{number}") != color
    assert table.of("web") == color


def test_when_all_are_given_away_that_of_a_name_which_is_gone_is_shared_first() -> None:
    table = Colors()
    for number in range(len(PALETTE)):
        table.of(f"n{number}")
    table.release("n7")
    assert table.of("new") == table.of("n7")


def test_when_all_are_in_use_the_fewest_share_one() -> None:
    table = Colors()
    given = [table.of(f"n{number}") for number in range(3 * len(PALETTE))]
    assert {given.count(color) for color in PALETTE} == {3}


def test_to_release_twice_or_what_is_not_known_changes_nothing() -> None:
    table = Colors()
    names = [f"n{number}" for number in range(len(PALETTE))]
    before = [table.of(name) for name in names]
    table.release("never seen")
    table.release("n0")
    table.release("n0")
    assert [table.of(name) for name in names] == before
    # All are in use again, so nobody is favoured: the next round shares each colour once.
    assert {table.of(f"m{number}") for number in range(len(PALETTE))} == set(PALETTE)


def test_the_names_that_are_remembered_are_bounded() -> None:
    table = Colors()
    for number in range(colors.MAX_NAMES + 500):
        table.of(f"n{number}")
    assert len(table._places) == colors.MAX_NAMES
    assert sum(table._known) == sum(table._live) == colors.MAX_NAMES


def test_of_those_that_are_gone_no_more_are_remembered_either() -> None:
    table = Colors()
    for number in range(colors.MAX_NAMES + 500):
        table.of(f"n{number}")
        table.release(f"n{number}")
    assert len(table._gone) == len(table._places) == colors.MAX_NAMES
    assert table._live == [0] * len(PALETTE)


@pytest.mark.parametrize(
    ("choice", "environ", "isatty", "expected"),
    [
        ("always", {}, False, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {}, True, False),
        ("never", {"FORCE_COLOR": "1"}, True, False),
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "xterm-256color"}, True, True),
        ("auto", {"TERM": "xterm-256color"}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": "0"}, True, False),  # any value, says no-color.org
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "3"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"FORCE_COLOR": "false"}, True, False),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"FORCE_COLOR": ""}, True, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_whether_to_colour(
    choice: str, environ: dict[str, str], isatty: bool, expected: bool
) -> None:
    assert use_color(choice, environ, isatty) is expected


@pytest.mark.parametrize("choice", ["", "yes", "ALWAYS"])
def test_another_choice_is_refused_by_name(choice: str) -> None:
    with pytest.raises(ConfigError, match=f"auto, always or never, not {choice!r}"):
        use_color(choice, {}, True)

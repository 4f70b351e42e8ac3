"""What marks and flags are called."""

from __future__ import annotations

import pytest

from lobtail.model.items import Dropped, Gap, Mark, Removed, Resumed, Started, Stopped
from lobtail.model.levels import Level
from lobtail.render.colors import DIM, LEVELS, RESET
from lobtail.render.stamps import Stamper
from lobtail.render.words import dim, flag_words, mark_line, mark_words
from support.items import DB, EVIL, REMOTE, START_NS, WEB, line


class Paused(Mark, frozen=True):
    kind = "paused\x1b[2J"


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Started(WEB, 0), "started"),
        (Stopped(WEB, 0), "stopped"),
        (Stopped(WEB, 0, 0), "stopped, exit code 0"),
        (Stopped(WEB, 0, 137, oom=True), "stopped, exit code 137, out of memory"),
        (Stopped(WEB, 0, oom=True), "stopped, out of memory"),
        (Removed(WEB, 0), "removed"),
        (Gap(WEB, 0), "lines may be missing here"),
        (Gap(WEB, 0, "the log was rotated"), "lines may be missing here: the log was rotated"),
        (Resumed(WEB, 0), "resumed"),
        (Resumed(WEB, 0, "the engine restarted"), "resumed: the engine restarted"),
        (Dropped(WEB, 0, 1), "1 line dropped"),
        (Dropped(WEB, 0, 0), "0 lines dropped"),
        (Dropped(WEB, 0, 12_345), "12345 lines dropped"),
        (Mark(WEB, 0), "mark"),
    ],
)
def test_each_mark_has_its_words(mark: Mark, words: str) -> None:
    assert mark_words(mark) == words


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Gap(WEB, 0, "a\x1b[2J\nb"), "lines may be missing here: a␛[2J␊b"),
        (Resumed(WEB, 0, "\u202ex\x9b"), r"resumed: <U+202E>x\x9b"),
        (Paused(WEB, 0), "paused␛[2J"),
    ],
)
def test_row_13_nothing_in_a_mark_acts(mark: Mark, words: str) -> None:
    assert mark_words(mark) == words


def test_a_mark_on_stderr_names_its_container() -> None:
    mark = Dropped(REMOTE, None, 3)
    shown = mark_line(mark, color=False, stamper=None, now_ns=0)
    assert shown == b"-- build-7/a-rather-long-name-of-a-worker-17: 3 lines dropped\n"


def test_a_mark_on_stderr_has_its_time_where_lines_have_it() -> None:
    shown = mark_line(Started(DB, START_NS), color=False, stamper=Stamper("short"), now_ns=0)
    assert shown == b"11:59:59.123 -- app-db-1: started\n"
    shown = mark_line(Started(DB, None), color=False, stamper=Stamper("short"), now_ns=0)
    assert shown == b"- -- app-db-1: started\n"


def test_row_13_the_name_in_a_mark_does_not_act() -> None:
    shown = mark_line(Started(EVIL, 0), color=False, stamper=None, now_ns=0)
    assert shown.decode() == "-- evil␛[2J␛]0;x␇␊<U+202E>eman: started\n"


def test_with_colour_the_newline_stands_behind_the_reset() -> None:
    shown = mark_line(Started(WEB, 0), color=True, stamper=None, now_ns=0)
    assert shown == DIM + b"-- app-web-1: started" + RESET + b"\n"


@pytest.mark.parametrize("mark", [Gap(WEB, 0), Dropped(WEB, 0, 3)])
def test_a_loss_of_lines_has_the_colour_of_a_warning(mark: Mark) -> None:
    shown = mark_line(mark, color=True, stamper=None, now_ns=0)
    assert shown.startswith(LEVELS[Level.WARN] + b"-- app-web-1: ")


@pytest.mark.parametrize(
    ("partial", "unterminated", "late", "words"),
    [
        (False, False, False, ""),
        (True, False, False, " ⟨goes on⟩"),
        (False, True, False, " ⟨no newline⟩"),
        (False, False, True, " ⟨late⟩"),
        (True, False, True, " ⟨goes on, late⟩"),
        (False, True, True, " ⟨no newline, late⟩"),
    ],
)
def test_each_flag_has_its_words(partial: bool, unterminated: bool, late: bool, words: str) -> None:
    assert flag_words(line(b"", partial=partial, unterminated=unterminated, late=late)) == words


def test_dim_text_is_always_bytes() -> None:
    assert dim("⟨x⟩", color=False) == "⟨x⟩".encode()
    assert dim("\ud800", color=True) == DIM + b"?" + RESET

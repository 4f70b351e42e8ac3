"""Row 13 of the catalogue of bad input: on a terminal only SGR colour acts."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobtail.model.sanitize import Sanitizer, safe_lines, sanitize
from lobtail.model.sgr import MAX_SGR, colors_after

# Every rule, and every cut in it, is within reach of this alphabet.
PIECES = st.sampled_from(
    [
        *(bytes([byte]) for byte in b"\x00\x07\t\n\r\x1b[]0123456789;:m>?\\aJ\x7f\x80\x9b\xff"),
        *(char.encode() for char in "é\x9b\xad\u061c\u200b\u202e\u2028\ufeff€👩\U000e0041"),
        *(b"\xe2", b"\xe2\x80", b"\xf0\x9f", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"),
        *(b"\x1b[", b"\x1b[31m", b"\x1b[0m", b"\x1b[38;5;", b"\r\n", b"\x1b]0;", b"0" * 60),
        *(b"\x1b]8;;", b"\x1b]8;;http://x\x1b\\", b"\x1b]8;id=1;", b"\x1b\\", b"\x1b[K"),
        *(char.encode() for char in "\u200c\u200d\ufe0f👩❤क\u094dی"),
    ]
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=200)

ACTS = re.compile(r"\x1b\[[0-9;:]{0,61}m|[\t\n]")
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
JOINED = re.compile("(?<=[^\x00-\xff])[\u200c\u200d]")
LINK = re.compile(r"\x1b\]8;[ -:<-~]{0,256};[ -~]{0,2083}(?:\x1b\\|\x07)")


def whole(data: bytes) -> bytes:
    sanitizer = Sanitizer()
    return sanitizer.feed(data) + sanitizer.flush()


def check(data: bytes, expected: bytes) -> None:
    """Fed whole, byte by byte, and in two parts at every cut, the output is the same."""
    assert whole(data) == expected
    single = Sanitizer()
    out = b"".join(single.feed(data[i : i + 1]) for i in range(len(data))) + single.flush()
    assert out == expected
    for cut in range(1, len(data)):
        sanitizer = Sanitizer()
        parts = sanitizer.feed(data[:cut]), sanitizer.feed(data[cut:]), sanitizer.flush()
        assert b"".join(parts) == expected


@pytest.mark.parametrize(
    "data",
    [
        "plain ASCII\n\ttab\n",
        "Größe — „schön“ 12 °C … €  日本語 e\u0301 👩🏽 ❤\ufe0f\n",
        "\x1b[31mred\x1b[m \x1b[1;38;5;208morange\x1b[0m \x1b[38:2::1:2:3mcolons\x1b[0m\n",
        "\x1b[" + "1;" * 30 + "1m64 bytes\x1b[0m",
        "\ufffd already replaced, \ue000 private",
    ],
)
def test_row_13_text_and_colour_pass_untouched(data: str) -> None:
    check(data.encode(), data.encode())


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x1b[2J\x1b[H", "␛[2J␛[H"),
        (b"\x1b[?1049h", "␛[?1049h"),
        (b"\x1b[>4;2m\x1b[?4m", "␛[>4;2m␛[?4m"),  # xterm's keyboard modes and their query
        (b"\x1b[1 m\x1b[31\x00m", "␛[1 m␛[31␀m"),
        (b"\x1b]0;title\x07", "␛]0;title␇"),
        (b"\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
        (b"\x1b]0;never ended\n\x1b[31mnext\x1b[0m", "␛]0;never ended\n\x1b[31mnext\x1b[0m"),
        (b"\x1bP$qm\x1b\\", "␛P$qm␛\\"),  # DECRQSS: the terminal would type the answer
        (b"\x1bc", "␛c"),
        (b"\x1b\x1b[31mx", "␛\x1b[31mx\x1b[0m"),
        (b"\x1b[\x1b[31mx", "␛[\x1b[31mx\x1b[0m"),
        (b"\x1b[3\n1m", "␛[3\n1m"),  # over two lines
        (b"\x1b[" + b"1" * 62 + b"m", "␛[" + "1" * 62 + "m"),  # 65 bytes
        (b"\x1b", "␛"),
        (b"\x1b[31", "␛[31"),
    ],
)
def test_row_13_other_escape_sequences_are_shown(data: bytes, shown: str) -> None:
    check(data, shown.encode())


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x00\x07\x08\x0b\x0c\x1f\x7f", "␀␇␈␋␌␟␡"),
    ],
)
def test_row_13_controls_are_shown_as_pictures(data: bytes, shown: str) -> None:
    check(data, shown.encode())


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x9b2J", r"\x9b2J"),
        ("\x9b31m\x85\x9d".encode(), r"\x9b31m\x85\x9d"),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"\xc0\xaf", r"\xc0\xaf"),  # overlong
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),  # surrogate
        (b"\xf4\x90\x80\x80", r"\xf4\x90\x80\x80"),  # beyond U+10FFFF
        (b"\xe2\x80", r"\xe2\x80"),
        (b"\xe2\x80x\xf0\x9f\x91\n", "\\xe2\\x80x\\xf0\\x9f\\x91\n"),
        (b"\xe2\xe2\x82\xac", "\\xe2€"),
    ],
)
def test_row_13_c1_and_bytes_that_are_not_utf8_are_shown_in_hex(data: bytes, shown: str) -> None:
    check(data, shown.encode())


@pytest.mark.parametrize(
    "code",
    [
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x2028, 0x2029, 0x3164, 0xFEFF, 0xFFA0, 0xFFF0),
        *(0x1BCA0, 0x1D173, 0x1D17A, 0xE0000, 0xE0001, 0xE0041, 0xE007F, 0xE0080, 0xE0FFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFFF9, 0xFFFC),
    ],
)
def test_row_13_invisible_characters_are_named(code: int) -> None:
    text = f"a{chr(code)}b"
    check(text.encode(), f"a<U+{code:04X}>b".encode())
    assert sanitize(text) == f"a<U+{code:04X}>b"


def test_row_13_text_is_not_held_back_by_what_is_open_after_it() -> None:
    held_back = (b"\r", b"\x1b", b"\x1b[", b"\x1b[38;5", b"\xe2", b"\xe2\x82", b"\xf0\x9f\x91")
    for held in (*held_back, b"\x1b]8;;http://x", b"\xe2\x80\x8d", b"\xe2\x80\x8c\xf0"):
        sanitizer = Sanitizer()
        assert sanitizer.feed(b"before" + held) == b"before"
        assert sanitizer.feed(b"") == b""
        assert sanitizer.feed(b"\nafter") == whole(held + b"\nafter")
        assert sanitizer.flush() == b""


def test_row_13_an_open_sequence_is_held_up_to_its_limit_only() -> None:
    sanitizer = Sanitizer()
    assert sanitizer.feed(b"\x1b[" + b"1" * (MAX_SGR - 3)) == b""
    assert sanitizer.feed(b"1") == "␛[".encode() + b"1" * (MAX_SGR - 2)
    assert sanitizer.feed(b"m") == b"m"


@given(STREAMS, st.lists(st.integers(0, 400), max_size=6))
def test_row_13_any_bytes_at_any_cuts_come_out_safe(data: bytes, cuts: list[int]) -> None:
    sanitizer = Sanitizer()
    edges = [0, *sorted(cuts), len(data)]
    parts = [sanitizer.feed(data[a:b]) for a, b in pairwise(edges) if a <= b]
    parts.append(sanitizer.flush())
    shown = b"".join(parts)
    assert not INVISIBLE.search(ACTS.sub("", JOINED.sub("", shown.decode())))
    assert whole(shown) == shown
    if b"\r" not in data.replace(b"\r\n", b""):
        assert shown == whole(data)


@given(st.lists(PIECES.filter(lambda piece: piece != b"\r"), max_size=40).map(b"".join))
def test_row_13_nothing_but_links_is_dropped(data: bytes) -> None:
    # A mark is never shorter than what it stands for, in columns.
    data = data.replace(b"\r", b"")
    text = LINK.sub("", data.decode(errors="surrogateescape"))
    assert len(whole(data).decode()) >= len(text)


@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_lines_come_out_as_they_would_alone(data: bytes) -> None:
    assert safe_lines(data) == b"\n".join(
        map(safe_lines, data.replace(b"\r\n", b"\n").split(b"\n"))
    )


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"get   0%\rget  50%\rget 100%\n", "get 100%\n"),
        (b"10%\r20%\r\n", "20%\n"),
        (b"10%\r20%\r\r\n", "20%\n"),
        (b"10%\r20%\r", "20%"),
        (b"\r\r\n\r", "\n"),
        (b"\rlast", "last"),
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b"10%\r   \rdone\n", "done\n"),
        # Erased by the program, as pip, git and cargo do.
        (b"10%\r\x1b[Kdone\n", "done\n"),
        (b"10%\x1b[K\rdone\x1b[K\n", "done\n"),
        (b"10%\x1b[2K\rdone\n", "done\n"),
        (b"10%\r\x1b[2Kdone\n", "done\n"),
        (b"10%\r\x1b[K\n", "\n"),
        # Colours go on, as on a terminal.
        (b"\x1b[32m10%\r20%\x1b[0m\n", "\x1b[32m20%\x1b[0m\n"),
        (b"\x1b[32m10%\x1b[0m\r20%\n", "20%\n"),
        (b"\x1b[32m10%\r20%\r\x1b[0m\n", "\x1b[32m20%\x1b[0m\n"),
        (b"\x1b[32m\x1b[1m10%\r\x1b[39m20%\x1b[0m\n", "\x1b[32m\x1b[1m\x1b[39m20%\x1b[0m\n"),
        # What acts is shown there too.
        (b"10%\r\x1b[2J20%\x07\n", "␛[2J20%␇\n"),
    ],
)
def test_case_terminal_text_progress_bars_are_their_last_state(data: bytes, shown: str) -> None:
    assert whole(data) == safe_lines(data) == shown.encode()


def test_a_bar_whose_beginning_was_given_out_goes_on_after_a_mark() -> None:
    sanitizer = Sanitizer()
    assert sanitizer.feed(b"10%") == b"10%"
    assert sanitizer.feed(b"\r20%\r30%") == "␍30%".encode()
    assert sanitizer.feed(b"!\r") == b"!"
    assert sanitizer.feed(b"\n40%\r50%\r\n") == b"\n50%\n"


def test_no_cr_goes_back_over_what_is_kept() -> None:
    sanitizer = Sanitizer()
    sanitizer.keep(rb"[^ ]*+ ")
    assert sanitizer.feed(b"12:00 10%\r20%\n12:01 x\r\n") == b"12:00 20%\n12:01 x\n"


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👩🏽\u200d🚀 🏴\u200d☠\ufe0f",
        "می\u200cخواهم",
        "ക\u0d4d\u200d ക്\u200cഷ",
        "क्\u200dष",
        "ශ්\u200dරී",
    ],
)
def test_case_terminal_text_joiners_are_text_where_they_shape_it(text: str) -> None:
    check(text.encode(), text.encode())
    assert sanitize(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("pay\u200dpal", "web\u200c-1", "\u200d", "a\u200d👩", "👩\u200da", "👩\u200d", "\u200dم"),
        *("م\u200c", "م\u200c\u200cم", "👩\u200c👩", "日\u200d本", "1\ufe0f\u200d👩"),
    ],
)
def test_case_terminal_text_joiners_that_only_hide_are_shown(text: str) -> None:
    shown = text.replace("\u200d", "<U+200D>").replace("\u200c", "<U+200C>")
    check(text.encode(), shown.encode())
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"see \x1b]8;;https://x.org/?a=1;b=2\x1b\\docs\x1b]8;;\x1b\\ now", "see docs now"),
        (b"\x1b]8;id=a:b=c;file:///x\x07\x1b[4mdocs\x1b[0m\x1b]8;;\x07", "\x1b[4mdocs\x1b[0m"),
        (b"\x1b]8;;\x1b\\", ""),
        # What a link holds together is no sequence when it is gone.
        (b"\x1b\x1b]8;;\x07[2J", "␛[2J"),
        (b"\x1b[3\x1b]8;;\x071m", "␛[31m"),
        ("👩\u200d\x1b]8;;\x07👩".encode(), "👩<U+200D>👩"),
        # No links.
        (b"\x1b]8;;http://x", "␛]8;;http://x"),
        (b"\x1b]8;;http://x\x1b", "␛]8;;http://x␛"),
        (b"\x1b]8;;http://x\n\x1b\\", "␛]8;;http://x\n␛\\"),
        (b"\x1b]8;;http://x\x1b[2J\x07", "␛]8;;http://x␛[2J␇"),
        (b"\x1b]8;http://x\x07", "␛]8;http://x␇"),
        (b"\x1b]80;;x\x07", "␛]80;;x␇"),
        (b"\x1b]8;;" + b"x" * 2084 + b"\x07", "␛]8;;" + "x" * 2084 + "␇"),
    ],
)
def test_case_terminal_text_a_link_is_its_text(data: bytes, shown: str) -> None:
    if len(data) < 200:
        check(data, shown.encode())
    assert whole(data) == safe_lines(data) == shown.encode()


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x1b[31mred\nand on\n", "\x1b[31mred\x1b[0m\n\x1b[31mand on\x1b[0m\n"),
        (b"\x1b[31mred\r\n\x1b[0mplain", "\x1b[31mred\x1b[0m\n\x1b[31m\x1b[0mplain"),
        (b"\x1b[31mred\x1b[39m\nplain\n", "\x1b[31mred\x1b[39m\nplain\n"),
        (b"\x1b[1;4mx\x1b[22m\ny", "\x1b[1;4mx\x1b[22m\x1b[0m\n\x1b[4my\x1b[0m"),
        (b"\x1b[0mx\n", "\x1b[0mx\n"),
        (b"\x1b[31m\n\nx", "\x1b[31m\x1b[0m\n\n\x1b[31mx\x1b[0m"),
        (b"\x1b[31m", "\x1b[31m\x1b[0m"),
    ],
)
def test_colours_end_with_their_line_and_resume_with_the_next(data: bytes, shown: str) -> None:
    check(data, shown.encode())


def test_row_13_names_are_one_line_in_which_nothing_acts() -> None:
    assert sanitize("web-1") == "web-1"
    assert sanitize("größe 日本") == "größe 日本"
    assert sanitize("a\tb\r\nc\x1b[31md\x1b[0m") == "a␉b␍␊c␛[31md␛[0m"
    assert sanitize("\ud800 \udc9b \x9b") == r"<U+D800> \x9b \x9b"
    assert sanitize("") == ""


@given(st.text(st.characters(codec=None)))
def test_row_13_any_name_comes_out_safe(name: str) -> None:
    shown = sanitize(name)
    shown.encode()
    assert not INVISIBLE.search(JOINED.sub("", shown))
    assert sanitize(shown) == shown


@pytest.mark.parametrize(
    "unit",
    [
        b"\x1b",
        b"\x1b[",
        b"\x1b[" + b"1" * 61,
        b"\x1b[" + b"1;" * 40,
        b"\x1b[m",
        b"\x9b",
        b"\xe2\x80",
        b"\xf0\x9f",
        b"\r",
        b"\r\n",
        b"\x00a",
        b"1",
        "\u202e".encode(),
    ],
)
def test_row_13_a_megabyte_of_one_thing_takes_linear_time(unit: bytes) -> None:
    def seconds(size: int) -> float:
        data = unit * (size // len(unit))
        start = time.process_time()
        whole(data)
        return time.process_time() - start

    # Eight times the data may take sixteen times as long; quadratic would be 64.
    small = min(seconds(1 << 17) for _ in range(3))
    assert any(seconds(1 << 20) < 16 * small + 0.05 for _ in range(3))


COLORED = st.sampled_from(
    [
        *(
            b"\x1b[%bm" % code
            for code in b"0  00 1 2 3 4 7 9 22 23 24 27 29 31 39 97 44 49".split(b" ")
        ),
        *(b"\x1b[1;31m", b"\x1b[31;0m", b"\x1b[38;5;1m", b"\x1b[4:3m", b"\x1b[4:0m"),
        *(b"\n", b"\n", b"\n", b"x"),
    ]
)


@given(st.lists(COLORED, max_size=30).map(b"".join))
def test_each_line_has_the_colours_that_it_would_have_and_leaves_none_on(data: bytes) -> None:
    on, expected = b"", []
    for line in data.split(b"\n"):
        shown = on + line if line else b""
        on = colors_after(b"".join(re.findall(rb"\x1b\[[0-9;:]*m", shown))) if line else on
        expected.append(shown + b"\x1b[0m" if on and line else shown)
    check(data, b"\n".join(expected))

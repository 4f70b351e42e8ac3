"""Whatever the lines, names, format, template and highlight: on a terminal only colours act.

The output is read by a strict reader of its own, which shares no code with what it judges.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobtail.model.frame_inspector import WireFrame
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Gap, Item, Line, Stopped
from lobtail.model.sanitize import Sanitizer, safe_lines, sanitize
from lobtail.render.formats import make_formatter
from lobtail.render.frames import as_json, as_text
from lobtail.render.stamps import STAMP_STYLES
from lobtail.render.style import Formatter, Style
from lobtail.render.table import table
from support.chance import examples
from support.items import NOW_NS, START_NS, line

# --- the reader -----------------------------------------------------------------------------------

_SWITCHES_OFF: Final = {
    **dict.fromkeys((1, 2), 22),
    **dict.fromkeys((4, 21), 24),
    7: 27,
    8: 28,
    **dict.fromkeys((*range(30, 39), *range(90, 98)), 39),
    **dict.fromkeys((*range(40, 49), *range(100, 108)), 49),
    58: 59,
}
_VARIATIONS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def read(data: bytes) -> list[str]:
    """Return the lines that a terminal shows; fail at anything that acts on it but SGR."""
    text = data.decode()  # strict: surrogates and broken bytes fail
    assert not text or text.endswith("\n")
    lines, shown, on = [], "", set[int]()
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character == "\n":
            assert not on, f"a style is left on after {shown!r}"
            _check_joiners(shown)
            lines.append(shown)
            shown = ""
        elif character == "\x1b":
            assert text[at : at + 1] == "[", f"ESC acts after {shown!r}"
            end = at + 1
            while text[end] in "0123456789;:":
                end += 1
            assert text[end] == "m", f"ESC acts after {shown!r}"
            assert end - at < 64
            _switch(on, text[at + 1 : end])
            at = end + 1
        else:
            kind = unicodedata.category(character)
            assert character in "\t\u200c\u200d" or kind[0] != "C" or kind == "Co", repr(character)
            assert kind not in ("Zl", "Zp"), repr(character)
            shown += character
    assert not on
    return lines


def _check_joiners(text: str) -> None:
    for match in re.finditer("[\u200c\u200d]", text):
        before = _VARIATIONS.sub("", text[: match.start()])[-1:]
        after = text[match.end() : match.end() + 1]
        assert before, f"a joiner begins {text!r}"
        assert _is_shaped(before), f"a joiner hides in {text!r}"
        # At the end of a word only a virama takes one.
        assert unicodedata.combining(before) == 9 or (after and _is_shaped(after))


def _is_shaped(character: str) -> bool:
    return ord(character) > 0x5FF and unicodedata.category(character)[0] in "LMS"


def _switch(on: set[int], parameters: str) -> None:
    codes = [part.split(":") for part in parameters.split(";")]
    while codes:
        first, *rest = codes.pop(0)
        code = int(first or 0)
        if code == 0:
            on.clear()
        elif code in (38, 48, 58) and not rest and codes:
            system = int(codes.pop(0)[0] or 0)
            del codes[: {5: 1, 2: 3}.get(system, 0)]
            on.add(_SWITCHES_OFF[code])
        elif rest == ["0"] and code == 4:
            on.discard(24)
        elif code in _SWITCHES_OFF:
            on.add(_SWITCHES_OFF[code])
        else:
            on.discard(code)


@pytest.mark.parametrize(
    "data",
    [
        *(b"\x1b[2J\n", b"\x1b]0;x\x07\n", b"\x1bc\n", b"\x1b\n", b"a\rb\n", b"a\r\n", b"\x07\n"),
        *(b"\x9b2J\n", b"\xff\n", "\x9b\n".encode(), "\u202e\n".encode(), "a\u200db\n".encode()),
        *(b"\x1b[31mred\n", b"\x1b[31m", b"\x1b[38;5;0mred\n", b"\x1b[0;7mx\n", b"no newline"),
    ],
)
def test_the_reader_is_strict(data: bytes) -> None:
    with pytest.raises((AssertionError, UnicodeDecodeError)):
        read(data)


# --- what comes from containers -------------------------------------------------------------------

_PIECES: Final = (
    *(
        b"a",
        b"b 1",
        b"error",
        b" ",
        b"\t",
        b"0",
        b"m",
        b"[",
        b"J",
        b";",
        b"\\",
        b'"',
        b"{",
        b"=",
        b"|",
    ),
    *(
        b"\x1b",
        b"\x1b[",
        b"\x1b[2J",
        b"\x1b[3",
        b"1m",
        b"\x1b[31m",
        b"\x1b[7m",
        b"\x1b[8m",
        b"\x1b[0m",
    ),
    *(b"\x1b[m", b"\x1b[1;4;38;5;0m", b"\x1b[4:3m", b"\x1b[38:2::1:2:3m", b"\x1b[39m", b"\x1b[?4m"),
    *(
        b"\x1b[" + b"1;" * 40 + b"m",
        b"\x1b[K",
        b"\x1b[2K",
        b"\x1b[6n",
        b"\x1bc",
        b"\x1b(0",
        b"\x0e",
    ),
    *(b"\x1b]0;title\x07", b"\x1b]52;c;eA==\x1b\\", b"\x1b]8;;http://x\x1b\\", b"\x1b]8;;\x07"),
    *(
        b"\x1b]8;;",
        b"\x1b]8;",
        b"\x1b\\",
        b"\x07",
        b"\x08",
        b"\r",
        b"\n",
        b"\x7f",
        b"\x00",
        b"\x0b",
    ),
    *(b"\x1bP$qm\x1b\\", b"\x1bP", b"\x9b2J", b"\x90", b"\x9c", b"\xff", b"\xe2\x80", b"\xf0\x9f"),
    *(b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"),
    *(
        text.encode()
        for text in (
            *("\x9b2J", "\x9d0;x\x9c", "\x85", "\u202e", "\u2066", "\u200b", "\u200c", "\u200d"),
            *("\ufeff", "\u2028", "\xad", "\u061c", "\u3164", "\U000e0041", "\U0001d173"),
            *(
                "é",
                "\u0301",
                "日本",
                "👩",
                "❤\ufe0f",
                "🏽",
                "👩\u200d👧",
                "می\u200cخ",
                "क\u094d\u200d",
                "ﷺ",
            ),
        )
    ),
)
RAWS: Final = st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join)
# What a program wrote as text: a field of JSON, a label, a name of another's making.
_NAMES: Final = st.builds(
    lambda raw, end: raw.decode("utf-8", "surrogateescape") + end,
    RAWS,
    st.sampled_from(["", "", "\ud800", "\udfff", "\u2029"]),
)


@st.composite
def _containers(draw: st.DrawFn) -> ContainerRef:
    name, image, host = draw(_NAMES), draw(_NAMES), draw(st.just("") | _NAMES)
    labels = {"k": draw(_NAMES)}
    return ContainerRef(draw(st.sampled_from("abc")) * 64, name, image, name, image, labels, host)


@st.composite
def _items(draw: st.DrawFn) -> list[Item]:
    containers = draw(st.lists(_containers(), min_size=1, max_size=2))
    items: list[Item] = []
    for raw in draw(st.lists(RAWS, min_size=1, max_size=5)):
        kind = draw(st.sampled_from(["text"] * 4 + ["json", "logfmt", "gap", "stopped"]))
        container = draw(st.sampled_from(containers))
        text = raw.decode("utf-8", "replace")
        flags = draw(st.sampled_from([{}, {"late": True}, {"partial": True, "unterminated": True}]))
        if kind == "gap":
            items.append(Gap(container, START_NS, text))
        elif kind == "stopped":
            items.append(Stopped(container, None, 137, oom=True))
        else:
            if kind == "json":
                raw = json.dumps({"x": text, "y": [text]}).encode()
            elif kind == "logfmt":
                raw = b'x="' + raw + b'" level=error'
            items.append(line(raw, container, stderr=draw(st.booleans()), **flags))
    return items


_SPECS: Final = st.builds(
    lambda align, least, most: f":{align}{least}{most}" if align + least + most else "",
    st.sampled_from(["", "<", ">", "^", "*^", "日>", "\u0301<", "\x1b>", "\u202e<"]),
    st.sampled_from(["", "", "1", "7", "020", "40"]),
    st.sampled_from(["", "", ".0", ".1", ".3", ".9", ".20"]),
)
_FIELDS: Final = st.sampled_from(
    ["text"] * 5 + ["time", "container", "image", "host", "level", "id", "label.k", ".x", ".y"]
)
_TEMPLATES: Final = st.lists(
    st.builds(lambda name, spec: f"{{{name}{spec}}}", _FIELDS, _SPECS)
    | st.sampled_from(
        [
            "",
            " ",
            "J",
            "[2J",
            "\x1b[",
            "\x1b[1m",
            "\x1b]8;;x\x07",
            r"\n",
            r"\t",
            "\x9b",
            "\r",
            "\u202e",
        ]
    ),
    min_size=1,
    max_size=6,
).map("".join)
_PATTERNS: Final = st.lists(
    st.sampled_from(["", ".", "a", "error|b", "m+", r"\W+", ".*", r"\[", "日|👩", "(?<=a).", "$"]),
    max_size=2,
).map(lambda patterns: tuple(map(re.compile, patterns)))


@st.composite
def _formatters(draw: st.DrawFn) -> Formatter:
    style = Style(
        safe=True,
        color=draw(st.booleans()),
        color_stderr=draw(st.booleans()),
        prefix=draw(st.sampled_from([None, True, False])),
        timestamps=draw(st.sampled_from([None, *STAMP_STYLES])),
        highlight=draw(_PATTERNS),
    )
    if draw(st.booleans()):
        return make_formatter("pretty", style, draw(_TEMPLATES))
    return make_formatter(draw(st.sampled_from(["pretty", "raw", "json"])), style)


@settings(max_examples=examples(200))
@given(_formatters(), _items())
def test_case_template_cut_nothing_but_colour_acts_and_none_is_left_on(
    formatter: Formatter, items: list[Item]
) -> None:
    for chunk in formatter.render(items, NOW_NS):
        # Also each chunk alone: stdout and stderr may be one terminal.
        read(chunk.data)


@given(st.lists(RAWS, max_size=4), st.lists(st.integers(1, 30), max_size=8))
def test_case_template_cut_a_stream_cut_anywhere_leaves_no_style_on(
    raws: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(raw + b"\n" for raw in raws)
    sanitizer, parts, at = Sanitizer(), [], 0
    for size in cuts:
        parts.append(sanitizer.feed(data[at : at + size]))
        at += size
    parts += sanitizer.feed(data[at:]), sanitizer.flush()
    read(b"".join(parts))


@given(_NAMES, RAWS)
def test_names_tables_and_frames_act_on_nothing(name: str, raw: bytes) -> None:
    assert len(read(sanitize(name).encode() + b"\n")) == 1
    assert len(read(table(("A", "B"), [(name, "x"), ("y", name)]).encode())) == 3
    frame = WireFrame(0, b"\1\0\0\0\0\0\0\1", len(raw), raw)
    assert len(read(as_text(frame).encode())) == 1
    # JSON is written as it is; a terminal gets it through the same protection as a log.
    assert len(read(safe_lines(as_json(frame).encode()))) == 1


@given(st.lists(RAWS.map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=5))
def test_each_line_is_one_line_and_stands_behind_its_prefix(raws: list[bytes]) -> None:
    container = ContainerRef("f" * 64, "web")
    lines: list[Item] = [Line(container, Stream.STDOUT, START_NS, raw) for raw in raws]
    (chunk,) = make_formatter("pretty", Style(safe=True, color=True)).render(lines, NOW_NS)
    shown = read(chunk.data)
    assert len(shown) == len(raws)
    assert all(text.startswith("web   │ ") for text in shown)

r"""Make log text safe for a terminal: colour acts, everything else is shown.

A log line is written by whatever runs in the container, so it may contain sequences that clear the
screen, set the clipboard, make the terminal type an answer, or reorder what the reader sees. Only
SGR sequences (``ESC [ digits ; : … m``, at most 64 bytes), LF and TAB pass. The rest is *shown*,
since what a container printed is evidence:

=================================================  ==========================================
C0 controls, an ESC without SGR                    their control picture: ``␛``, ``␇``
DEL                                                ``␡``
C1 controls (U+0080–9F), bytes that aren't UTF-8   ``\x9b``
bidi, zero-width, other invisible characters       ``<U+202E>``
=================================================  ==========================================

Three things that programs write for the reader's sake read as they were meant:

- A lone CR goes back to the beginning of the line, so a progress bar is its last state. CR LF is
  a newline.
- A hyperlink (``ESC ] 8 ; … ; URL ST text ESC ] 8 ; ; ST``) is its text.
- ZWJ and ZWNJ are text where they shape what is seen: in emoji, and in the scripts whose letters
  they join or part. Anywhere else they only make two texts differ that look the same, and are
  shown like other invisible characters.

What follows a refused ESC is plain text and is judged like any other, so nothing waits for the
end of an OSC or DCS string, which may never come; a hyperlink is short. ``ESC [ > 4 ; 2 m`` and
``ESC [ ? 4 m`` end in ``m`` but configure the keyboard; they are not SGR.

The marks are plain text. A container can print ``␛`` itself: a mark says that nothing acted here,
not that an ESC stood here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from lobtail.model.sgr import PARAMETERS, RESET, colors_after

__all__ = ["INVISIBLE", "Sanitizer", "safe_lines", "sanitize"]

# --- what is unsafe -------------------------------------------------------------------------------

# Without LF and TAB, and without ESC, whose fate depends on what follows.
_CONTROLS: Final = r"\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f"
# What Unicode calls default ignorable: soft hyphen, fillers, direction marks, bidi embeddings and
# isolates, invisible operators, BOM, tags, … Line and paragraph separators as well, and interlinear
# annotation. Variation selectors pass: emoji, Han and Mongolian text need them.
_INVISIBLE: Final = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufeff\uffa0\ufff0-\ufffb"
)
# Beyond the BMP a class is a list of ranges that is gone through for each character, so there is
# one range, from the first to the last that is invisible, and what is visible between them.
_FAR: Final = r"\U0001bca0-\U000e0fff"
_FAR_VISIBLE: Final = (
    r"\U0001bca4-\U0001d172\U0001d17b-\U000dffff\U000e0100-\U000e01ef"  # the last: selectors
)
# "surrogateescape" decodes the byte 0x9b that is not UTF-8 as U+DC9B. Other surrogates come only
# from a str that was made elsewhere.
_SURROGATES: Final = r"\ud800-\udfff"
_NEAR: Final = _CONTROLS + _INVISIBLE + _SURROGATES
_UNSAFE_CHARACTER: Final = rf"[{_NEAR}{_FAR}](?<![{_FAR_VISIBLE}])"

# --- joiners --------------------------------------------------------------------------------------

# Arabic and its neighbours; the scripts of India, Tibet and South-East Asia; Mongolian; Arabic
# presentation forms; the same beyond the BMP, and Adlam. Latin, Greek, Cyrillic, Hangul and Han
# letters do not change beside a joiner.
_SHAPED: Final = (
    r"\u0620-\u08ff\u0900-\u109f\u1700-\u180d\u180f-\u1cff\ua800-\ua8ff\ua930-\uaaff\uabc0-\uabff"
    r"\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
# A letter without its vowel: a joiner after it chooses its form, also at the end of a word.
_VIRAMA: Final = (
    r"\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u1039\u17d2\u1b44"
)
_PICTURES: Final = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    r"\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINERS: Final = r"\u200c\u200d"
INVISIBLE: Final = rf"[\x7f-\x9f{_INVISIBLE}{_JOINERS}{_FAR}](?<![{_FAR_VISIBLE}])"
"""A regex for a character that cannot be seen, and is no C0 control."""
_JOINED: Final = (
    rf"[{_JOINERS}](?:(?<=[{_SHAPED}].)(?=[{_SHAPED}])|(?<=[{_VIRAMA}].)"
    rf"|(?:(?<=[{_PICTURES}]\u200d)|(?<=[{_PICTURES}]\ufe0f\u200d))(?=[{_PICTURES}]))"
)
_LOOSE: Final = rf"(?!{_JOINED})[{_JOINERS}]"
_MAY_BE_JOINED: Final = rf"[{_SHAPED}{_VIRAMA}]\Z|[{_PICTURES}]\ufe0f?\Z"

# --- hyperlinks -----------------------------------------------------------------------------------

# The limits that VTE has; addresses and parameters are ASCII without controls.
_LINK_END: Final = r"\]8;[ -:<-~]{0,256};[ -~]{0,2083}(?:\x1b\\|\x07)"
_MAX_LINK: Final = 2400

# --- in one go ------------------------------------------------------------------------------------

# They take 10 ms to compile, and plain text needs none of them.


@cache
def _unsafe() -> re.Pattern[str]:
    # Runs, so that a megabyte of one bad byte costs few calls; bounded, so that a run's match state
    # is. The look past an ESC is bounded too, which keeps all of it linear.
    return re.compile(
        rf"(\x1b{_LINK_END})"
        rf"|(?:{_UNSAFE_CHARACTER}|{_LOOSE}|\x1b(?!\[{PARAMETERS}m|{_LINK_END})){{1,256}}+"
    )


@cache
def _unsafe_name() -> re.Pattern[str]:
    return re.compile(rf"(?:[\t\n\x1b]|{_UNSAFE_CHARACTER}|{_LOOSE}){{1,256}}+")


@cache
def _safe() -> re.Pattern[str]:
    # One pass over text that is wholly safe. Possessive: it never goes back.
    return re.compile(
        rf"(?:[^\x1b{_JOINERS}{_NEAR}{_FAR}]++|[{_FAR_VISIBLE}]++|\x1b\[{PARAMETERS}m|{_JOINED})*+"
    )


# The bytes that stand in no unsafe character of valid UTF-8: all but the controls and some lead
# bytes. Deleting them is by far the fastest test for text that has nothing to look at.
_PLAIN: Final = bytes(
    set(b"\t\n") | set(range(0x20, 0x100)) - set(b"\x7f\xc2\xcd\xd8\xe1\xe2\xef\xf3")
)
# Those of kana and of emoji lead to a few as well, which have to be looked for. U+3164 by its last
# byte: in Japanese the first is everywhere.
_FILLER: Final = re.compile(rb"\xa4(?<=\xe3\x85\xa4)")
_FORMATS: Final = ("\U0001bca0".encode()[:3], "\U0001d173".encode()[:3])
_NO_COLOR: Final = re.compile(rb"\x1b(?!\[%bm)" % PARAMETERS.encode())


def _is_plain(data: bytes) -> bool:
    """Tell whether UTF-8 holds nothing to look at but ESC."""
    if data.translate(None, _PLAIN).strip(b"\x1b"):
        return False
    return data.isascii() or not (
        _FILLER.search(data) or (b"\xf0" in data and any(map(data.count, _FORMATS)))
    )


@cache
def _marks() -> dict[int, str]:
    # Most logs need none of these, and they take 10 ms to make.
    marks = {code: chr(0x2400 + code) for code in range(0x20)}
    marks[0x7F] = "\u2421"
    marks.update({code: f"\\x{code:02x}" for code in range(0x80, 0xA0)})
    invisible = re.compile(rf"{INVISIBLE}|[{_SURROGATES}]")
    planes = (range(0xA0, 0x10000), range(0x1BC00, 0x1D200), range(0xE0000, 0xE1000))
    codes = (code for plane in planes for code in plane)
    marks.update({code: f"<U+{code:04X}>" for code in codes if invisible.match(chr(code))})
    marks.update({0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)})
    return marks


def _mark(match: re.Match[str]) -> str:
    return "" if match.lastindex else match[0].translate(_marks())


def sanitize(text: str) -> str:
    """Return a name, label or message as one line of text in which nothing acts.

    All of it is shown: colours, line breaks, tabs and hyperlinks, too.
    """
    if text.isascii() and text.isprintable():
        return text
    return _unsafe_name().sub(_mark, text)


def safe_lines(lines: bytes) -> bytes:
    """Return whole lines of a log, made safe: valid UTF-8, each line as if it stood alone.

    Colours are not ended; that is for those who know what follows a line.
    """
    if b"\r" in lines:
        lines = _last_states(lines, _NO_HEAD, begun=False)
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        text = lines.decode(errors="surrogateescape")
    else:
        if _is_plain(lines) and not _NO_COLOR.search(lines):
            return lines
    shown = _shown(text)
    return lines if shown is text else shown.encode()


def _shown(text: str) -> str:
    safe = _safe().match(text)
    assert safe is not None
    return text if safe.end() == len(text) else _unsafe().sub(_mark, text)


# --- progress bars --------------------------------------------------------------------------------

_NO_HEAD: Final = re.compile(b"")
_SGR: Final = re.compile(rb"\x1b\[%bm" % PARAMETERS.encode())
# Erase from the cursor on, and all of the line.
_ERASE_REST: Final = re.compile(rb"\x1b\[0?K")
_ERASE_LINE: Final = re.compile(rb".*\x1b\[[12]K", re.DOTALL)
_ONLY_SGR: Final = re.compile(rb"(?:%b)*+" % _SGR.pattern)


def _last_states(data: bytes, head: re.Pattern[bytes], *, begun: bool) -> bytes:
    """Reduce lines that go back to their beginnings, by a lone CR, to what is seen of them.

    A CR LF becomes LF. What ``head`` matches at the beginning of a line stays. With ``begun``, the
    beginning of the first line is on the screen already, and a lone CR shows where it goes on.
    """
    data = data.replace(b"\r\n", b"\n")
    if b"\r" not in data:
        return data
    lines = data.split(b"\n")
    for i, line in enumerate(lines):
        if b"\r" not in line:
            continue
        if i or not begun:
            kept = head.match(line)
            start = kept.end() if kept else 0
            lines[i] = line[:start] + _last_state(line[start:])
        else:
            shown, _, line = line.partition(b"\r")
            state = _last_state(line)
            lines[i] = shown + state if _ONLY_SGR.fullmatch(state) else b"\r" + state
    return b"\n".join(lines)


def _last_state(line: bytes) -> bytes:
    """Return what was written last over the beginning of a line, in the colours that it has."""
    *states, last = line.split(b"\r")
    colors: list[bytes] = []
    # A CR at the end of a line, or before a reset, is followed by nothing that is seen.
    while states and _ONLY_SGR.fullmatch(last):
        colors.append(last)
        last = states.pop()
    before = b"\r".join(states)
    if erased := _ERASE_LINE.match(last):
        before += last[: erased.end()]
        last = last[erased.end() :]
    kept = colors_after(b"".join(_SGR.findall(before)))
    return b"".join((kept, _ERASE_REST.sub(b"", last), *reversed(colors)))


# --- streams --------------------------------------------------------------------------------------

# A sequence that more bytes could complete; a UTF-8 character likewise.
_OPEN_SEQUENCE: Final = re.compile(
    rb"\x1b(?:\[%b)?|\x1b\](?:8(?:;[ -:<-~]{0,256}(?:;[ -~]{0,2083}\x1b?)?)?)?"
    % PARAMETERS.encode()
)
_OPEN_CHARACTER: Final = re.compile(
    rb"(?:[\xc2-\xdf]"
    rb"|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef][\x80-\xbf]?|\xed[\x80-\x9f]?"
    rb"|\xf0(?:[\x90-\xbf][\x80-\xbf]?)?|[\xf1-\xf3](?:[\x80-\xbf]{1,2})?"
    rb"|\xf4(?:[\x80-\x8f][\x80-\xbf]?)?)\Z"
)
_JOINER_BYTES: Final = tuple(character.encode() for character in "\u200c\u200d")
# What a joiner, and the variation selector before one, are judged by is the character before.
_GOES_ON: Final = (*_JOINER_BYTES, "\ufe0f".encode())

_RESET: Final = RESET.encode()


@cache
def _settled() -> re.Pattern[bytes]:
    """Return a pattern of lines that leave no colour on, which takes all of them in one pass.

    Each sequence in them is a reset, or ends with the next one, or a reset comes after it. It is
    found out one by one what other lines leave on.
    """
    text = r"[^\x1b\n]*+"
    pairs = "|".join(
        rf"(?:{on})m{text}\x1b\[(?:0?|{off})m"
        for on, off in (
            ("[39][0-7]", 39),
            ("[12]", 22),
            ("4[0-7]|10[0-7]", 49),
            *((str(code), 20 + code) for code in (3, 4, 7, 9)),
        )
    )
    to_reset = rf"(?:{PARAMETERS}m{text}\x1b\[(?!0?m))*+{PARAMETERS}m{text}\x1b\[0?m"
    line = rf"{text}(?:\x1b\[(?:0?m|{pairs}|{to_reset}){text})*+(?:\n|\Z)"
    return re.compile(rf"(?:{line})*+".encode())


class Sanitizer:
    """Sanitise one stream of bytes, cut anywhere, for a terminal.

    The output is valid UTF-8. Colours end with their line and resume with the next, so that what
    others write in between has none of them. Wherever the input is cut, the output is the same,
    with one exception: where a lone CR follows text that was given out before, a ``␍`` shows it.

    Use one for each stream; it keeps less than 3 KiB of what may still become a sequence or a
    character. Call :meth:`flush` when the stream has ended, not between reads.
    """

    __slots__ = ("_before", "_begun", "_colors", "_head", "_held")

    def __init__(self) -> None:
        self._head = _NO_HEAD
        self._held = b""
        self._begun = False  # whether a part of the line has been given out
        self._before = b""  # the end of what has been given out
        self._colors = b""  # what switches on those that are on

    def keep(self, head: bytes) -> None:
        """Keep what this regex matches at the beginnings of lines, such as their time."""
        self._head = re.compile(head)

    def feed(self, data: bytes) -> bytes:
        """Return what of ``data`` can be judged now, made safe. Text is never held back."""
        if self._held:
            data = self._held + data
        start = _start_of_open_end(data)
        self._held = data[start:]
        return self._make_safe(data[:start])

    def flush(self) -> bytes:
        """Return what was held back, made safe as the end of the stream; colours end here."""
        data, self._held = self._held, b""
        safe = self._make_safe(data)
        return safe + _RESET if self._colors and self._begun else safe

    def _make_safe(self, data: bytes) -> bytes:
        if not data:
            return data
        begun, before = self._begun, self._before
        self._begun, self._before = data[-1] != 10, (before + data[-8:])[-8:]
        if b"\r" in data:
            data = _last_states(data, self._head, begun=begun)
        try:
            text = data.decode()
            plain = _is_plain(data)
        except UnicodeDecodeError:
            text = data.decode(errors="surrogateescape")
            plain = False
        if plain and not self._colors and (b"\x1b" not in data or _settled().fullmatch(data)):
            return data
        if not plain or _NO_COLOR.search(data):
            context = ""
            if data.startswith(_GOES_ON):
                joined = re.search(_MAY_BE_JOINED, before.decode(errors="surrogateescape"))
                context = joined[0] if joined else ""
            data = _shown(context + text)[len(context) :].encode()
        return self._end_colors(data, begun=begun)

    def _end_colors(self, data: bytes, *, begun: bool) -> bytes:
        """Switch colours off before each newline, and on again after it."""
        parts: list[bytes] = []
        done = 0
        while done < len(data):
            if not self._colors and (settled := _settled().match(data, done)) and settled[0]:
                parts.append(settled[0])
                done = settled.end()
                continue
            line, newline, _ = data[done : data.find(b"\n", done) + 1 or len(data)].partition(b"\n")
            goes_on = begun and not done
            if line or goes_on:  # else the colours wait for a text
                resumed = b"" if goes_on else self._colors
                self._colors = colors_after(self._colors + b"".join(_SGR.findall(line)))
                parts += resumed, line, _RESET if self._colors and newline else b""
            parts.append(newline)
            done += len(line) + len(newline)
        return b"".join(parts)


def _start_of_open_end(data: bytes) -> int:
    """Return where the bytes begin at the end of ``data`` that only the next bytes can judge."""
    size = len(data)
    if data.endswith(b"\r"):
        return size - 1
    escape = data.rfind(b"\x1b", max(0, size - _MAX_LINK))
    if escape >= 0:
        # An ESC may be the end of a hyperlink that began with the ESC before it.
        link = data.rfind(b"\x1b", max(0, size - _MAX_LINK), escape)
        for start in (link, escape):
            if start >= 0 and _OPEN_SEQUENCE.fullmatch(data, start):
                return start
    end = size
    if size and data[-1] >= 0x80:
        if character := _OPEN_CHARACTER.search(data, max(0, size - 3)):
            end = character.start()
        if data.endswith(_JOINER_BYTES, 0, end):
            return end - 3
    return end

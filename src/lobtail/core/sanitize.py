r"""Make log text safe for a terminal: colour acts, everything else is shown.

A log line is written by whatever runs in the container, so it may hold sequences that clear the
screen, set the clipboard, make the terminal type an answer, or reorder what the reader sees. Only
SGR sequences (``ESC [ digits ; : … m``, at most 64 bytes), LF, TAB and CR LF pass. The rest is
*shown*, never dropped, since what a container printed is evidence:

=================================================  ==========================================
C0 controls, a CR without LF, an ESC without SGR   their control picture: ``␛``, ``␍``, ``␇``
DEL                                                ``␡``
C1 controls (U+0080–9F), bytes that aren't UTF-8   ``\x9b``
bidi, zero-width, other invisible characters       ``<U+202E>``
=================================================  ==========================================

What follows a refused ESC is plain text and is judged like any other, so nothing waits for the
end of an OSC or DCS string, which may never come. ``ESC [ > 4 ; 2 m`` and ``ESC [ ? 4 m`` end in
``m`` but configure the keyboard; they are not SGR.

ZWJ and ZWNJ (U+200C, U+200D) are shown as well, although emoji families and Persian words hold
them: two names that differ by one of them look equal, and a reader who greps for what is seen
must not miss. The cost is a visible mark in such text; pipes, files and ``--raw`` have its bytes.

The marks are plain text. A container can print ``␛`` itself: a mark says that nothing acted here,
not that an ESC stood here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

__all__ = ["MAX_SGR", "Sanitizer", "sanitize"]

# True-colour foreground, background and underline with all attributes stay below 64 bytes. It
# bounds what is held back between feeds, and how far a look past an ESC goes.
MAX_SGR: Final = 64
_PARAMETERS: Final = rf"[0-9;:]{{0,{MAX_SGR - 3}}}"

# Without CR and ESC, whose fate depends on what follows.
_CONTROLS: Final = r"\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f"
# Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width and direction marks, line
# and paragraph separators, bidi embeddings, invisible operators, isolates, deprecated formatting,
# BOM, interlinear annotation, tags. Variation selectors pass: emoji and Han text need them.
_INVISIBLE: Final = (
    r"\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f"
)
# "surrogateescape" decodes the byte 0x9b that is not UTF-8 as U+DC9B. Other surrogates come only
# from a str that was made elsewhere.
_SURROGATES: Final = r"\ud800-\udfff"
_UNSAFE_CHARACTERS: Final = _CONTROLS + _INVISIBLE + _SURROGATES

# Runs, so that a megabyte of one bad byte costs few calls; bounded, so that a run's match state
# is. The look past an ESC is bounded too, which keeps all of it linear.
_UNSAFE: Final = re.compile(
    rf"(?:[{_UNSAFE_CHARACTERS}]|\r(?!\n)|\x1b(?!\[{_PARAMETERS}m)){{1,256}}+"
)
_UNSAFE_NAME: Final = re.compile(rf"[\t\n\r\x1b{_UNSAFE_CHARACTERS}]{{1,256}}+")
_UNSAFE_NAME_SGR: Final = re.compile(
    rf"(?:[\t\n\r{_UNSAFE_CHARACTERS}]|\x1b(?!\[{_PARAMETERS}m)){{1,256}}+"
)
# One pass over text that is wholly safe. Possessive: it never goes back.
_SAFE: Final = re.compile(rf"(?:[^\r\x1b{_UNSAFE_CHARACTERS}]++|\r\n|\x1b\[{_PARAMETERS}m)*+")

# The bytes that stand in no unsafe character of valid UTF-8: all but the controls and six lead
# bytes. Deleting them is by far the fastest test for text that has nothing to look at.
_PLAIN: Final = bytes(set(b"\t\n") | set(range(0x20, 0x100)) - set(b"\x7f\xc2\xd8\xe1\xe2\xef\xf3"))

# An SGR sequence that more bytes could complete; a UTF-8 character likewise.
_OPEN_SGR: Final = re.compile(rf"\x1b(?:\[{_PARAMETERS})?".encode())
_OPEN_CHARACTER: Final = re.compile(
    rb"(?:[\xc2-\xdf]"
    rb"|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef][\x80-\xbf]?|\xed[\x80-\x9f]?"
    rb"|\xf0(?:[\x90-\xbf][\x80-\xbf]?)?|[\xf1-\xf3](?:[\x80-\xbf]{1,2})?"
    rb"|\xf4(?:[\x80-\x8f][\x80-\xbf]?)?)\Z"
)


@cache
def _marks() -> dict[int, str]:
    # Most logs need none of these, and they take 10 ms to make.
    marks = {code: chr(0x2400 + code) for code in range(0x20)}
    marks[0x7F] = "\u2421"
    marks.update({code: f"\\x{code:02x}" for code in range(0x80, 0xA0)})
    invisible = re.compile(f"[{_INVISIBLE}{_SURROGATES}]")
    planes = (range(0xA0, 0x10000), range(0xE0000, 0xE0080))
    codes = (code for plane in planes for code in plane)
    marks.update({code: f"<U+{code:04X}>" for code in codes if invisible.match(chr(code))})
    marks.update({0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)})
    return marks


def _mark(match: re.Match[str]) -> str:
    return match[0].translate(_marks())


class Sanitizer:
    """Sanitise one stream of bytes, cut anywhere, for a terminal.

    The output is valid UTF-8 and the same wherever the input was cut. Use one for each stream:
    the state is what may still become an SGR sequence, a character or a CR LF, < 64 bytes. Call
    :meth:`flush` when the stream has ended, not between reads.
    """

    __slots__ = ("_held", "_sgr_active")

    def __init__(self) -> None:
        self._held = b""
        self._sgr_active = False

    @property
    def sgr_active(self) -> bool:
        """Tell whether the last SGR given out left an attribute on; ``ESC [ m`` ends it.

        Going back by halves (``39``, ``22``) counts as on: a reset too many does no harm.
        """
        return self._sgr_active

    def feed(self, data: bytes) -> bytes:
        """Return what of ``data`` can be judged now, made safe. Text is never held back."""
        if self._held:
            data = self._held + data
        start = _start_of_open_end(data)
        self._held = data[start:]
        return self._make_safe(data[:start])

    def flush(self) -> bytes:
        """Return what was held back, made safe as the end of the stream."""
        data, self._held = self._held, b""
        return self._make_safe(data)

    def _make_safe(self, data: bytes) -> bytes:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode(errors="surrogateescape")
        else:
            if not data.translate(None, _PLAIN):
                return data
        safe = _SAFE.match(text)
        assert safe is not None
        if safe.end() != len(text):
            data = _UNSAFE.sub(_mark, text).encode()
        # All that begins with ESC is a whole SGR by now, and the last one decides.
        escape = data.rfind(b"\x1b")
        if escape >= 0:
            self._sgr_active = _leaves_attributes(data[escape + 2 : data.index(b"m", escape)])
        return data


def sanitize(text: str, *, sgr: bool = False) -> str:
    """Return a name, label or message as one line of text in which nothing acts.

    Line breaks and tabs are shown too. With ``sgr``, colour sequences pass.
    """
    if text.isascii() and text.isprintable():
        return text
    return (_UNSAFE_NAME_SGR if sgr else _UNSAFE_NAME).sub(_mark, text)


def _start_of_open_end(data: bytes) -> int:
    """Return where the bytes begin at the end of ``data`` that only the next bytes can judge."""
    size = len(data)
    if data.endswith(b"\r"):
        return size - 1
    escape = data.rfind(b"\x1b", max(0, size - MAX_SGR + 1))
    if escape >= 0 and _OPEN_SGR.fullmatch(data, escape):
        return escape
    if size and data[-1] >= 0x80:
        character = _OPEN_CHARACTER.search(data, max(0, size - 3))
        if character:
            return character.start()
    return size


def _leaves_attributes(parameters: bytes) -> bool:
    """Tell whether an SGR with these parameters leaves an attribute on."""
    active = False
    fields = iter(parameters.split(b";"))
    for field in fields:
        if field in (b"38", b"48", b"58"):
            # A colour's own numbers follow: the 0 of 38;5;0 is black, not a reset.
            for _ in range({b"5": 1, b"2": 3}.get(next(fields, b""), 0)):
                next(fields, b"")
            active = True
        else:
            active = field.strip(b"0") != b""
    return active

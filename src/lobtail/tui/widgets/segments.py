"""Turn text with colours into Rich segments, cut into rows of a width.

What comes here has been made safe (``model.sanitize``): the only sequences in it are SGR.
Attributes that hide text (conceal) or disturb (blink) are left out; all else is shown as it was
meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from lobtail.render.columns import cut as cut_text

__all__ = ["PLAIN", "cut", "mark_spans", "segments_of", "text_of", "width_of", "window"]

PLAIN: Final = Style()
_SGR: Final = re.compile(r"\x1b\[([0-9;:]*)m")
_TAB: Final = 8
_NEVER: Final = 1 << 62

_ON: Final = {
    1: Style(bold=True),
    2: Style(dim=True),
    3: Style(italic=True),
    4: Style(underline=True),
    7: Style(reverse=True),
    9: Style(strike=True),
    21: Style(underline2=True),
    22: Style(bold=False, dim=False),
    23: Style(italic=False),
    24: Style(underline=False, underline2=False),
    27: Style(reverse=False),
    29: Style(strike=False),
    39: Style(color="default"),
    49: Style(bgcolor="default"),
    **{30 + n: Style(color=Color.from_ansi(n)) for n in range(8)},
    **{90 + n: Style(color=Color.from_ansi(8 + n)) for n in range(8)},
    **{40 + n: Style(bgcolor=Color.from_ansi(n)) for n in range(8)},
    **{100 + n: Style(bgcolor=Color.from_ansi(8 + n)) for n in range(8)},
}


def segments_of(text: str, base: Style = PLAIN) -> list[Segment]:
    """Return ``text`` as segments, ``base`` where it has no colours of its own; tabs are blanks."""
    if "\x1b" not in text:
        return [Segment(_without_tabs(text, 0)[0], base)] if text else []
    segments: list[Segment] = []
    style, column = base, 0
    for i, piece in enumerate(_SGR.split(text)):
        if i % 2:
            style = _after(piece, style, base)
        elif piece:
            shown, column = _without_tabs(piece, column)
            segments.append(Segment(shown, style))
    return segments


def _without_tabs(text: str, column: int) -> tuple[str, int]:
    if "\t" not in text:
        return text, column + cell_len(text)
    parts: list[str] = []
    for i, part in enumerate(text.split("\t")):
        if i:
            blanks = _TAB - column % _TAB
            parts.append(" " * blanks)
            column += blanks
        parts.append(part)
        column += cell_len(part)
    return "".join(parts), column


@lru_cache(4096)
def _after(parameters: str, style: Style, base: Style) -> Style:
    """Return the style behind an SGR with these parameters."""
    # Of 4:3 (a curly underline) the kind is lost; 38:2::1:2:3 is a colour as with semicolons.
    fields = iter(_fields(parameters))
    for code in fields:
        if code in (38, 48, 58):
            color = _color(fields)
            if color is not None and code != 58:
                style += Style(color=color) if code == 38 else Style(bgcolor=color)
        elif code == 0:
            style = base
        else:
            style += _ON.get(code, PLAIN)
    return style


def _fields(parameters: str) -> list[int]:
    codes: list[int] = []
    for field in parameters.split(";"):
        parts = field.split(":")
        if len(parts) > 2 and parts[0] in ("38", "48", "58"):
            if parts[1] == "2" and len(parts) > 5:
                del parts[2]  # the colour space
            codes += [_number(part) for part in parts]
        elif len(parts) == 2 and parts[0] == "4":
            codes.append(24 if parts[1] == "0" else 4)
        else:
            codes.append(_number(parts[0]))
    return codes


def _number(text: str) -> int:
    return min(int(text), 65535) if text else 0


def _color(fields: Iterable[int]) -> Color | None:
    fields = iter(fields)
    kind = next(fields, None)
    if kind == 5:
        number = next(fields, 0)
        return Color.from_ansi(number) if number < 256 else None
    if kind == 2:
        red, green, blue = (next(fields, 0) for _ in range(3))
        return Color.from_rgb(red, green, blue) if max(red, green, blue) < 256 else None
    return None


def text_of(segments: Iterable[Segment]) -> str:
    """Return the text of segments."""
    return "".join(segment.text for segment in segments)


def width_of(segments: Iterable[Segment]) -> int:
    """Return the columns that segments take."""
    return sum(segment.cell_length for segment in segments)


def mark_spans(
    segments: list[Segment], spans: list[tuple[int, int]], style: Style, *, under: bool = False
) -> list[Segment]:
    """Return the segments with ``style`` over (or under) spans of characters.

    Spans are sorted and apart; there may be thousands of both, so each is looked at once.
    """
    marked: list[Segment] = []
    left = iter(spans)
    start, stop = next(left, (_NEVER, _NEVER))
    at = 0  # characters before this segment
    for text, own, _ in segments:
        done = 0
        while done < len(text):
            while stop <= at + done:
                start, stop = next(left, (_NEVER, _NEVER))
            low = min(max(start - at, done), len(text))
            if low > done:
                marked.append(Segment(text[done:low], own))
            high = min(stop - at, len(text))
            if high > low:
                base = own or PLAIN
                marked.append(Segment(text[low:high], style + base if under else base + style))
            done = max(low, high)
        at += len(text)
    return marked


def window(segments: list[Segment], left: int, columns: int) -> list[Segment]:
    """Return what is seen of a row in so many columns, with ``left`` of them scrolled out.

    Half a wide character is a blank.
    """
    seen: list[Segment] = []
    for segment in segments:
        if columns <= 0:
            break
        taken = segment.cell_length
        if left >= taken:
            left -= taken
            continue
        if left:
            segment = segment.split_cells(left)[1]
            taken, left = taken - left, 0
        if taken > columns:
            if segment.text.isascii():
                segment = Segment(segment.text[:columns], segment.style)
            else:
                segment = segment.split_cells(columns)[0]
        seen.append(segment)
        columns -= taken
    return seen


def cut(segments: list[Segment], width: int) -> list[list[Segment]]:
    """Cut segments into rows of at most ``width`` columns: one row at least."""
    rows: list[list[Segment]] = [[]]
    left = width
    for text, style, _ in segments:
        while text:
            taken = _fitting(text, left)
            if not taken and left < width:
                rows.append([])
                left = width
                continue
            taken = taken or 1  # a wide character in a narrow column
            rows[-1].append(Segment(text[:taken], style))
            left -= cell_len(text[:taken])
            text = text[taken:]
            if text:
                rows.append([])
                left = width
    return rows


def _fitting(text: str, columns: int) -> int:
    """Return how many characters fit into so many columns."""
    if columns <= 0:
        return 0
    if text.isascii():
        return min(len(text), columns)
    # What is drawn as one, as a family of emoji, stays together.
    taken = len(cut_text(text, columns))
    while cell_len(text[:taken]) > columns:
        taken -= 1
    return taken

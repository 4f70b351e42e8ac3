r"""The user's own format: ``{time} {container} {text}``.

A field stands in braces, and after a colon how many columns it takes at least and at most
(``{container:<20.20}``, as in Python). ``{{`` and ``}}`` are braces; ``\t``, ``\n`` and ``\\`` are
what they are elsewhere. The fields are ``FIELDS``, ``label.KEY``, and with a dot in front the
fields of JSON and logfmt lines: ``{.user.id}``. What is missing is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter as Braces
from typing import Final, NamedTuple, TypeAlias

from lobtail.errors import QueryError
from lobtail.model.entries import lines_of
from lobtail.model.fields import MISSING, lookup, value_text
from lobtail.model.items import Line, Mark
from lobtail.model.sanitize import safe_lines, sanitize
from lobtail.render.columns import cut, pad
from lobtail.render.stamps import Stamper
from lobtail.render.style import Chunk, Formatter, Style
from lobtail.render.text import contained, encoded, take_text
from lobtail.render.words import mark_line

__all__ = ["FIELDS", "TemplateFormatter"]

_Getter: TypeAlias = Callable[[Line], str]

_PLAIN: Final[dict[str, _Getter]] = {
    "container": lambda line: line.container.name,
    "id": lambda line: line.container.id,
    "image": lambda line: line.container.image,
    "project": lambda line: line.container.project,
    "service": lambda line: line.container.service,
    "host": lambda line: line.container.host,
    "stream": lambda line: line.stream.name.lower(),
    "level": lambda line: line.level.name.lower() if line.level else "",
}
FIELDS: Final = ("time", *_PLAIN, "text")

_SPEC: Final = re.compile(r"(?:(.?)([<>^]))?(0?)([0-9]{1,4})?(?:\.([0-9]{1,4}))?")
_ESCAPE: Final = re.compile(r"\\([nt\\])")
_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\"}


class _Part(NamedTuple):
    """A field, what stands before it, and the columns that it takes."""

    literal: str
    get: _Getter | None = None
    least: int | None = None
    most: int | None = None
    align: str = "<"
    fill: str = " "
    natural: bool = True
    """It takes the columns that it needs."""

    def sized(self, value: str) -> str:
        """Return a value cut and padded as it is wanted."""
        if self.most is not None:
            value = cut(value, self.most)
        return value if self.least is None else pad(value, self.least, self.align, self.fill)


class TemplateFormatter(Formatter):
    """Writes lines as ``template`` has them, and marks to stderr as the raw format does.

    On a terminal the fields are made safe before they are cut or padded, the text keeping its
    colours, and so is what stands between them.

    Raises:
        QueryError: the template cannot be used; its ``position`` says where.
    """

    def __init__(self, style: Style, template: str) -> None:
        super().__init__(style)
        self._stamper = Stamper(style.timestamps or "rfc3339", style.zone)
        self._now_ns = 0
        self._parts: list[_Part] = []
        try:
            pieces = list(Braces().parse(template))
        except ValueError as exc:
            at = max(template.rfind("{"), template.rfind("}"))
            raise QueryError(f"--template: {_reason(exc)}", template, max(at, 0)) from exc
        at = 0
        for literal, name, spec, conversion in pieces:
            text = self._safe_literal(_ESCAPE.sub(lambda match: _ESCAPES[match[1]], literal))
            if name is None:
                self._parts.append(_Part(text))
                continue
            at = template.index("{" + name, at) + 1
            size = _SPEC.fullmatch(spec or "")
            if conversion or size is None:
                fault = f"!{conversion}" if conversion else f":{spec}"
                raise QueryError(
                    f"--template: {fault} is no width; say for instance {{{name}:<20}}",
                    template,
                    at + len(name),
                )
            fill, align, zero, least, most = size.groups()
            part = _Part(
                text,
                self._getter(name, template, at),
                None if least is None else int(least),
                None if most is None else int(most),
                align or "<",
                self._safe_literal(fill or zero or " "),
                natural=least is None and most is None,
            )
            self._parts.append(part)

        self._colored = style.safe and any("\x1b" in part.literal for part in self._parts)

    def _safe_literal(self, text: str) -> str:
        if not self.style.safe:
            return text
        return safe_lines(encoded(text)).decode()

    def _getter(self, name: str, template: str, at: int) -> _Getter | None:
        """Return what takes a field out of a line; None for the text, which comes separately."""
        if name == "text":
            return _TEXT
        if name == "time":
            return lambda line: self._stamper.show(line.time_ns, self._now_ns)
        if name.startswith(".") and len(name) > 1:
            path = name[1:]
            return lambda line: _shown(lookup(line.fields, path))
        if name.startswith("label.") and len(name) > 6:
            key = name[6:]
            return lambda line: line.container.labels.get(key, "")
        if name in _PLAIN:
            return _PLAIN[name]
        raise QueryError(
            f"--template: there is no field {name or 'without a name'}; there are "
            f"{', '.join(FIELDS)}, label.KEY, and .KEY for a field of JSON and logfmt lines",
            template,
            at,
        )

    def _lines(self, lines: list[Line], now_ns: int) -> bytes:
        lines = lines_of(lines)
        self._now_ns = now_ns
        safe = self.style.safe
        texts = take_text(lines, safe=safe, contain=safe)
        shown: list[str] = []
        for line, raw in zip(lines, texts, strict=True):
            for part in self._parts:
                shown.append(part.literal)
                get = part.get
                if get is None:
                    continue
                if get is _TEXT:
                    # What is not UTF-8 goes through as it is.
                    value = raw.decode("utf-8", "surrogateescape")
                else:
                    value = get(line)
                    value = sanitize(value) if safe else value
                shown.append(value if part.natural else part.sized(value))
            shown.append("\n")
        data = encoded("".join(shown))
        # Fields end their colours themselves.
        if self._colored:
            return b"\n".join(map(contained, data.split(b"\n")))
        return data

    def _mark(self, mark: Mark, now_ns: int) -> Chunk:
        stamper = self.style.stamper()
        color = self.style.color_stderr
        return Chunk(mark_line(mark, color=color, stamper=stamper, now_ns=now_ns), stderr=True)


def _text(line: Line) -> str:
    return line.text


_TEXT: Final[_Getter] = _text


def _shown(value: object) -> str:
    if value is MISSING or value is None:
        return ""
    return value_text(value)


def _reason(exc: ValueError) -> str:
    """Return what is wrong with the braces; Python's words are about its own formats."""
    if "expected '}'" in str(exc) or "Single '{'" in str(exc) or "unmatched" in str(exc):
        return "a { has no }; write {{ for a brace"
    return "a } has no {; write }} for a brace"

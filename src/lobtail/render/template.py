r"""The user's own format: ``{time} {container} {text}``.

In braces stands a field, and behind a colon how it is padded or cut (``{container:<20.20}``, as in
Python). ``{{`` and ``}}`` are braces, ``\t``, ``\n`` and ``\\`` what they are elsewhere. The
fields are ``FIELDS``, ``label.KEY``, and with a dot in front the fields of JSON and logfmt lines:
``{.user.id}``. What is not there is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter as Braces
from typing import Final, TypeAlias

import msgspec

from lobtail.core.fields import MISSING, lookup
from lobtail.core.model import Line, Mark
from lobtail.core.sanitize import sanitize
from lobtail.errors import QueryError
from lobtail.render.stamps import Stamper
from lobtail.render.style import Chunk, Formatter, Style
from lobtail.render.text import take_text
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

_SPEC: Final = re.compile(r"(.?[<>^])?([0-9]{1,4})?(\.[0-9]{1,4})?")
_ESCAPE: Final = re.compile(r"\\([nt\\])")
_ESCAPES: Final = {"n": "\n", "t": "\t", "\\": "\\"}


class TemplateFormatter(Formatter):
    """Writes lines as ``template`` has them, and marks to stderr as the raw format does.

    On a terminal what the fields hold is made safe, the text keeping its colours.

    Raises:
        QueryError: the template cannot be used; its ``position`` says where.
    """

    def __init__(self, style: Style, template: str) -> None:
        super().__init__(style)
        self._stamper = Stamper(style.timestamps or "rfc3339", style.zone)
        self._now_ns = 0
        self._parts: list[tuple[str, _Getter | None, str]] = []
        try:
            pieces = list(Braces().parse(template))
        except ValueError as exc:
            at = max(template.rfind("{"), template.rfind("}"))
            raise QueryError(f"--template: {_reason(exc)}", template, max(at, 0)) from exc
        at = 0
        for literal, name, spec, conversion in pieces:
            text = _ESCAPE.sub(lambda match: _ESCAPES[match[1]], literal)
            if name is None:
                self._parts.append((text, None, ""))
                continue
            at = template.index("{" + name, at) + 1
            if conversion or not _SPEC.fullmatch(spec or ""):
                fault = f"!{conversion}" if conversion else f":{spec}"
                raise QueryError(
                    f"--template: {fault} is no width; say for instance {{{name}:<20}}",
                    template,
                    at + len(name),
                )
            self._parts.append((text, self._getter(name, template, at), spec or ""))

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
        self._now_ns = now_ns
        safe = self.style.safe
        texts = take_text(lines, safe=safe, contain=safe)
        shown: list[str] = []
        for line, raw in zip(lines, texts, strict=True):
            for literal, get, spec in self._parts:
                shown.append(literal)
                if get is None:
                    continue
                if get is _TEXT:
                    # What is not UTF-8 goes through as it is.
                    value = raw.decode("utf-8", "surrogateescape")
                else:
                    value = get(line)
                    value = sanitize(value) if safe else value
                shown.append(format(value, spec) if spec else value)
            shown.append("\n")
        return "".join(shown).encode("utf-8", "surrogateescape")

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
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _reason(exc: ValueError) -> str:
    """Return what is wrong with the braces; Python's words are about its own formats."""
    if "expected '}'" in str(exc) or "Single '{'" in str(exc) or "unmatched" in str(exc):
        return "a { has no }; write {{ for a brace"
    return "a } has no {; write }} for a brace"

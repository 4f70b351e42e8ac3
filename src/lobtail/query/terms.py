"""The terms of a query: what is asked of a line, as values and as predicates.

A term knows how to test a line. Queries are trees of terms; other readers of a query than the test
itself, such as a search in files, can look at what the terms say.
"""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from lobtail.model.fields import MISSING, lookup, value_text
from lobtail.model.frames import Stream
from lobtail.model.items import Line
from lobtail.model.levels import Level
from lobtail.query.time_arguments import parse_duration

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern

__all__ = [
    "And",
    "Compare",
    "Contains",
    "Exists",
    "Matches",
    "Not",
    "Or",
    "Predicate",
    "Subject",
    "Term",
    "Value",
    "leaves",
    "patterns_of",
    "visible_text",
]

Predicate: TypeAlias = Callable[[Line], bool]

_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_NUMBER: Final = re.compile(
    r"[+-]?[0-9]{1,400}+(\.[0-9]{1,400}+)?+([eE][+-]?[0-9]{1,4}+)?+|(NaN|[+-]?Infinity)"
)

ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}


def visible_text(line: Line) -> str:
    """Return the text of a line as a reader sees it: without the sequences that colour it."""
    text = line.text
    return _SGR.sub("", text) if "\x1b" in text else text


class Subject(msgspec.Struct, frozen=True):
    """What of a line a term is about.

    ``kind`` is one of ``KINDS``; ``path`` is the key of a label or the dotted path of a field of
    the line, else empty.
    """

    kind: str
    path: str = ""

    def getter(self) -> Callable[[Line], Any]:
        """Return what takes it out of a line; MISSING or None where it is not there."""
        path = self.path
        if self.kind == "field":
            return lambda line: lookup(line.fields, path)
        if self.kind == "label":
            return lambda line: line.container.labels.get(path, MISSING)
        return _GETTERS[self.kind]


_GETTERS: Final[dict[str, Callable[[Line], Any]]] = {
    "container": lambda line: line.container.name,
    "image": lambda line: line.container.image,
    "project": lambda line: line.container.project,
    "service": lambda line: line.container.service,
    "stream": lambda line: line.stream,
    "level": lambda line: line.level,
    "time": lambda line: line.time_ns,
    "text": visible_text,
}
KINDS: Final = (*_GETTERS, "label", "field")


class Value(msgspec.Struct, frozen=True):
    """What something is compared with. ``quoted`` makes a text of what looks like more."""

    text: str
    quoted: bool = False

    @property
    def number(self) -> int | float | None:
        """The number that it is, or None."""
        return None if self.quoted else _number(self.text)

    @property
    def glob(self) -> re.Pattern[str] | None:
        """The pattern of whole values that it is, or None."""
        if self.quoted or not set(self.text) & {"*", "?"}:
            return None
        return re.compile(translate(self.text))


class And(msgspec.Struct, frozen=True):
    """All of ``terms`` hold."""

    terms: tuple[Term, ...]

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        first, *rest = (term.predicate() for term in self.terms)
        if len(rest) == 1:
            second = rest[0]
            return lambda line: first(line) and second(line)
        return lambda line: first(line) and all(holds(line) for holds in rest)


class Or(msgspec.Struct, frozen=True):
    """One of ``terms`` holds."""

    terms: tuple[Term, ...]

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        predicates = [term.predicate() for term in self.terms]
        return lambda line: any(holds(line) for holds in predicates)


class Not(msgspec.Struct, frozen=True):
    """``term`` does not hold."""

    term: Term

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        holds = self.term.predicate()
        return lambda line: not holds(line)


class Exists(msgspec.Struct, frozen=True):
    """The line has such a thing."""

    subject: Subject

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        get = self.subject.getter()
        absent = (None, "", Level.UNKNOWN)
        if self.subject.kind in ("field", "label"):
            return lambda line: get(line) is not MISSING
        return lambda line: get(line) not in absent


class Matches(msgspec.Struct, frozen=True):
    """A regex is found in the subject."""

    subject: Subject
    pattern: Pattern

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        get, is_in, may_be_in = self.subject.getter(), self.pattern.is_in, self.pattern.may_be_in
        if self.subject.kind != "text":
            return lambda line: is_in(_text(get(line)).encode("utf-8", "surrogatepass"))

        def found(line: Line) -> bool:
            # Nearly always no, and then nothing has to be decoded.
            raw = line.raw
            if not may_be_in(raw) and b"\x1b" not in raw:
                return False
            if raw.isascii() and b"\x1b" not in raw:
                return is_in(raw.removesuffix(b"\r"))
            return is_in(visible_text(line).encode())

        return found


class Contains(msgspec.Struct, frozen=True):
    """A text is part of the subject."""

    subject: Subject
    text: str

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        get, text = self.subject.getter(), self.text
        if self.subject.kind != "text":
            return lambda line: text in _text(get(line))
        if "\x1b" in text or "\ufffd" in text or "\r" in text:
            return lambda line: text in visible_text(line)
        raw = text.encode("utf-8", "surrogatepass")

        def contains(line: Line) -> bool:
            # Nearly always no, and then nothing has to be decoded.
            return raw in line.raw or (b"\x1b" in line.raw and text in visible_text(line))

        return contains


class Compare(msgspec.Struct, frozen=True):
    """The subject is ``operator`` (``=``, ``<``, ``<=``, ``>``, ``>=``) than ``value``.

    ``value`` is a ``Value``, or for a level, a stream or a time what the line has: ``Level``,
    ``Stream``, nanoseconds. What is not there is neither equal nor greater nor less.
    """

    subject: Subject
    operator: str
    value: Value | Level | Stream | int

    def predicate(self) -> Predicate:
        """Return what tests a line."""
        get, value = self.subject.getter(), self.value
        if isinstance(value, Value):
            test = _equals(value) if self.operator == "=" else _ordered(self.operator, value)
            return lambda line: test(get(line))
        if self.operator == "=":
            return lambda line: bool(get(line) == value)
        compare = ORDER[self.operator]
        # A line without a level or a time is on neither side of one.
        if self.operator in (">", ">=") and isinstance(value, Level) and value:
            return lambda line: compare(get(line), value)
        absent = None if self.subject.kind == "time" else Level.UNKNOWN
        return lambda line: get(line) != absent and compare(get(line), value)


Leaf: TypeAlias = Exists | Matches | Contains | Compare
Term: TypeAlias = And | Or | Not | Leaf


def leaves(term: Term) -> Iterator[Leaf]:
    """Yield the terms of a tree that ask something of a line themselves."""
    todo = [term]
    while todo:
        match todo.pop():
            case And(terms=terms) | Or(terms=terms):
                todo += reversed(terms)
            case Not(term=negated):
                todo.append(negated)
            case leaf:
                yield leaf


def patterns_of(terms: Iterable[Term]) -> list[Pattern]:
    """Return the regexes in ``terms``."""
    found = (leaf for term in terms for leaf in leaves(term))
    return [leaf.pattern for leaf in found if isinstance(leaf, Matches)]


def _equals(value: Value) -> Callable[[Any], bool]:
    text, number, glob = value.text, value.number, value.glob
    constant = None if value.quoted else {"true": True, "false": False}.get(text, MISSING)

    def equals(found: Any) -> bool:
        if found is MISSING:
            return False
        if isinstance(found, str):
            if glob is not None:
                return glob.fullmatch(found) is not None
            return found == text or (number is not None and _number(found) == number)
        if isinstance(found, bool):
            return found is constant
        if isinstance(found, int | float):
            # NaN is not equal to itself.
            return found == number or (number != number and found != found)
        if isinstance(found, list):
            return any(map(equals, found))
        return found is None and text == "null" and not value.quoted

    return equals


def _ordered(operator: str, value: Value) -> Callable[[Any], bool]:
    """Compare as numbers, as durations such as 1.5s, or as texts, as the value is one."""
    compare = ORDER[operator]
    number = value.number
    if number is not None:

        def with_number(found: Any) -> bool:
            if isinstance(found, str):
                found = _number(found)
            return isinstance(found, int | float) and compare(found, number)

        return with_number
    duration = None if value.quoted else _duration(value.text)
    if duration is not None:

        def with_duration(found: Any) -> bool:
            nanoseconds = _duration(found) if isinstance(found, str) else None
            return nanoseconds is not None and compare(nanoseconds, duration)

        return with_duration
    return lambda found: isinstance(found, str) and compare(found, value.text)


def _number(text: str) -> int | float | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return float(text) if any(match.groups()) else int(text)


def _duration(text: str) -> int | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def _text(found: Any) -> str:
    """Return as text what a pattern is looked for in; empty where there is nothing."""
    return "" if found is MISSING or found is None else value_text(found)

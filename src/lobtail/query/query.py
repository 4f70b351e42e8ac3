"""The filter language, the same on every face of lobtail.

::

    level>=warn and service=api and status>=500 and not /health/

=========================== =====================================================================
``NAME = VALUE``            equal; also ``!=``, ``<``, ``<=``, ``>``, ``>=``
``NAME ~ /RE/``             the regex is found; ``!~`` is not; ``/RE/i`` ignores case
``NAME contains VALUE``     the text is a part of it
``NAME in (A, B)``          one of several; ``not in``
``has NAME``                it is there at all
``/RE/``, ``"text"``        short for ``text ~ /RE/`` and ``text contains "text"``
``word``                    the same as ``"word"``, but for the names below
``two words``               each of them is found, in any order
``not``, ``and``, ``or``    in this order of strength, with parentheses
=========================== =====================================================================

``NAME`` is ``container``, ``image``, ``project``, ``service``, ``stream``, ``level``, ``time``,
``text`` or ``label.KEY``; any other is a field of a JSON or logfmt line, by its dotted path. A dot
in front (``.level``) makes a field of every name. ``!=``, ``!~`` and ``not in`` also hold where
the thing is not there. Without quotes, a value with ``*`` or ``?`` is a glob for the whole, a
number is compared as one, and so is a duration (``took>1.5s``).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from lobtail.errors import ConfigError, QueryError
from lobtail.model.frames import Stream
from lobtail.model.levels import Level
from lobtail.model.timestamps import Zone
from lobtail.query.patterns import Pattern, compile_pattern
from lobtail.query.terms import (
    KINDS,
    And,
    Compare,
    Contains,
    Exists,
    Matches,
    Not,
    Or,
    Subject,
    Term,
    Value,
    patterns_of,
)
from lobtail.query.time_arguments import parse_time_argument

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

    from lobtail.query.plan import Plan

__all__ = ["Query"]

_GRAMMAR: Final = r"""
    ?start: _any
    _any: either
    ?either: both (_OR both)*
    ?both: one (_AND one)*
    ?one: _NOT one -> negation
        | "(" _any ")" -> group
        | (REGEX | STRING | NAME | BARE)+ -> texts
        | _HAS NAME -> exists
        | NAME OPERATOR value -> compare
        | NAME MATCH pattern -> match
        | NAME _CONTAINS value -> contains
        | NAME _IN "(" value ("," value)* ")" -> among
        | NAME _NOT _IN "(" value ("," value)* ")" -> not_among
    ?value: STRING | WORD
    ?pattern: REGEX | STRING | WORD

    _AND.3: /and\b/i | "&&"
    _OR.3: /or\b/i | "||"
    _NOT.3: /not(?![\w.@$\/-])/i | /!(?![=~])/
    _HAS.3: /has\b(?=\s+[\w.@$])/i
    _IN.3: /in\b/i
    _CONTAINS.3: /contains\b/i
    OPERATOR: "<=" | ">=" | "!=" | "==" | "=" | "<" | ">"
    MATCH.2: "!~" | "=~" | "~"
    NAME: /\.?[A-Za-z_@$][\w@$\/-]*(\.([\w@$\/-]+|"[^"]*"))*/
    REGEX.2: /\/(\\.|[^\/\\])+\/i?/
    STRING.2: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
    BARE.-1: /[^\W_][^\s()"',<>=!~&|]*/
    WORD: /[^\s()"',<>=!~&|][^\s()"',]*/
    %ignore /\s+/
"""

_WORDS: Final = {
    "NAME": "the name of a field",
    "REGEX": "a /regex/",
    "STRING": 'a "text"',
    "WORD": "a value",
    "OPERATOR": "a comparison (=, !=, <, <=, >, >=)",
    "MATCH": "~",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "_AND": "and",
    "_OR": "or",
    "_IN": "in",
    "_CONTAINS": "contains",
    "$END": "the end",
}
_NAME: Final = re.compile(r"\.?[\w@$][\w@$./-]*")
# What no text has that somebody types without quotes.
_NO_WORDS: Final = re.compile(r"""[=<>~&|()"'/]""")
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}

# More than anybody types; the parser's time grows with the one, the test's stack with the other.
MAX_LENGTH: Final = 10_000
MAX_DEPTH: Final = 100
# What a glob costs grows with its length times the text's: 0.4 s for a line of 1 MiB.
MAX_GLOB: Final = 250


class Query:
    """A query, ready to test lines.

    ``now_ns`` (since the epoch) and ``local_offset`` are what times such as ``time>10m`` and
    ``time>2026-01-02`` count from; the offset is in seconds east of UTC, or a function that gives
    it for a Unix second, for zones with summer time.

    Raises:
        QueryError: it cannot be read.
    """

    def __init__(self, text: str, *, now_ns: int = 0, local_offset: int | Zone = 0) -> None:
        self.text = text
        self.term = _Reader(text, now_ns, local_offset).read()
        """The tree of terms (``query.terms``)."""
        self.matches = self.term.predicate()
        """Tell whether a line matches."""

    @classmethod
    def of(cls, term: Term, text: str = "") -> Self:
        """Return the query that a term is by itself; ``text`` is how it is shown."""
        query = cls.__new__(cls)
        query.text, query.term, query.matches = text, term, term.predicate()
        return query

    def plan(self) -> Plan:
        """Return what it demands of lines, in parts that sources can use."""
        # Those who only test lines need none.
        from lobtail.query.plan import plan_of

        return plan_of(self.term)

    @property
    def unsearched(self) -> int:
        """How many times a line was too long to be searched to its end for a large regex."""
        return sum(pattern.unsearched for pattern in patterns_of([self.term]))

    def __repr__(self) -> str:
        return f"Query({self.text!r})"


class _Reader:
    """Makes terms of one query; every error knows where in it the fault is."""

    def __init__(self, text: str, now_ns: int, local_offset: int | Zone) -> None:
        self._text = text
        self._now = now_ns
        self._offset = local_offset

    def read(self) -> Term:
        if len(self._text) > MAX_LENGTH:
            self._fail(f"a query has at most {MAX_LENGTH} characters", 0)
        if not self._text.strip():
            self._fail("the query is empty; say for instance level>=warn", 0)
        return self._term(self._parse())

    def _parse(self) -> Tree[Token]:
        from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

        try:
            return _parser().parse(self._text)
        except UnexpectedToken as exc:
            if exc.token.type == "$END":
                self._fail(self._expected(exc.expected, ended=True), len(self._text.rstrip()))
            at, names, found = exc.token.start_pos or 0, exc.expected, exc.token.type
        except UnexpectedCharacters as exc:
            at, names, found = exc.pos_in_stream, exc.allowed or set(), ""
        except UnexpectedInput:  # pragma: no cover - there is no third kind
            self._fail("the query cannot be read", 0)
        message = self._misplaced(at, found, names) or self._expected(names)
        raise QueryError(message, self._text, at)

    def _misplaced(self, at: int, found: str, names: set[str]) -> str:
        """Say what may be meant where words or conditions stand side by side; else nothing."""
        text = self._text.strip()
        if not _NO_WORDS.search(text):
            return f'to look for this text, put it in quotes: "{text}"'
        before = self._text[:at].split()
        if found in ("OPERATOR", "MATCH") and len(before) > 1 and _NAME.fullmatch(before[-1]):
            return f"and or or is missing before {before[-1]}"
        # What follows a condition is neither the end nor what joins it to another.
        if "_AND" in names and "OPERATOR" not in names and found not in ("RPAR", "COMMA"):
            return "and or or is expected here; a value with blanks needs quotes"
        return ""

    def _expected(self, names: set[str], *, ended: bool = False) -> str:
        words = [word for name, word in _WORDS.items() if name in names and name != "$END"]
        what = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
        if not what:
            return "the query should end here"
        fault = f"{what} {'is missing at the end' if ended else 'is expected here'}"
        # What people type who only look for some words.
        hint = "; to look for a text, put it in quotes" if "OPERATOR" in names else ""
        return fault + hint

    def _fail(self, message: str, at: int | None) -> NoReturn:
        raise QueryError(message, self._text, at or 0)

    # --- from trees to terms ------------------------------------------------------------------

    def _term(self, tree: Any, depth: int = 0) -> Term:
        if depth > MAX_DEPTH:
            self._fail("the query is nested too deeply", 0)
        children = tree.children
        match tree.data:
            case "group":
                return self._term(children[0], depth + 1)
            case "either":
                return Or(tuple(self._term(child, depth + 1) for child in children))
            case "both":
                return And(tuple(self._term(child, depth + 1) for child in children))
            case "negation":
                return self._negation(children[0], depth + 1)
            case "texts":
                return self._texts(children)
            case "exists":
                return Exists(self._subject(children[0]))
            case "compare":
                return self._compare(*children)
            case "match":
                name, operator, pattern = children
                found = Matches(self._textual(name), self._pattern(pattern))
                return Not(found) if operator == "!~" else found
            case "contains":
                return Contains(self._textual(children[0]), self._value(children[1]).text)
        name, *values = children
        either = Or(tuple(self._equal(name, value) for value in values))
        return Not(either) if tree.data == "not_among" else either

    def _negation(self, child: Any, depth: int) -> Term:
        if child.data == "texts" and len(child.children) > 1:
            # Is it the line without all of them, or without the first but with the others?
            words = self._said(child.children)
            self._fail(f'say not ({words}), or not "…" for a text', child.children[1].start_pos)
        return Not(self._term(child, depth))

    def _texts(self, tokens: list[Token]) -> Term:
        """Return the term for texts and regexes that stand alone: all must be found."""
        terms = tuple(self._bare(token, tokens) for token in tokens)
        return And(terms) if len(terms) > 1 else terms[0]

    def _bare(self, token: Token, among: list[Token]) -> Term:
        if token.type == "REGEX":
            return Matches(Subject("text"), self._pattern(token))
        if token.type == "NAME":
            subject = self._subject(token)
            # Not a text that somebody looks for, but a term that was not written to its end.
            unfinished = subject.kind != "field" or token.startswith(".")
            if len(among) > 1 and (unfinished or token.lower() == "not"):
                text = self._said(among)
                self._fail(f'to look for this text, put it in quotes: "{text}"', token.start_pos)
            if unfinished:
                self._fail(
                    f"say what {token} is to be, as in has {token}; "
                    "to look for a text, put it in quotes",
                    token.end_pos,
                )
        return Contains(Subject("text"), self._value(token).text)

    def _said(self, tokens: list[Token]) -> str:
        """Return what was written from the first to the last of ``tokens``."""
        return self._text[tokens[0].start_pos or 0 : tokens[-1].end_pos]

    def _compare(self, name: Token, operator: Token, value: Token) -> Term:
        if operator in ("=", "==", "!="):
            equal = self._equal(name, value)
            return Not(equal) if operator == "!=" else equal
        subject = self._subject(name)
        if subject.kind == "stream":
            self._fail("a stream is equal to stdout or stderr, or it is not", operator.start_pos)
        ending = operator.startswith("<")
        return Compare(subject, str(operator), self._operand(subject, value, ending=ending))

    def _equal(self, name: Token, value: Token) -> Term:
        subject = self._subject(name)
        operand = self._operand(subject, value)
        if isinstance(operand, Value) and len(operand.text) > MAX_GLOB and operand.glob is not None:
            self._fail(f"a glob has at most {MAX_GLOB} characters", value.start_pos)
        return Compare(subject, "=", operand)

    def _operand(
        self, subject: Subject, token: Token, *, ending: bool = False
    ) -> Value | Level | Stream | int:
        value = self._value(token)
        try:
            if subject.kind == "level":
                return Level.parse(value.text)
            if subject.kind == "time":
                option = "until" if ending else "since"
                return parse_time_argument(
                    value.text, now_ns=self._now, local_offset=self._offset, option=option
                )
        except ConfigError as exc:
            fault = str(exc).removeprefix("invalid value for `since`: ")
            self._fail(fault.removeprefix("invalid value for `until`: "), token.start_pos)
        if subject.kind != "stream":
            return value
        if value.text not in ("stdout", "stderr"):
            self._fail("a stream is stdout or stderr", token.start_pos)
        return Stream.STDOUT if value.text == "stdout" else Stream.STDERR

    def _textual(self, name: Token) -> Subject:
        subject = self._subject(name)
        if subject.kind in ("level", "stream", "time"):
            self._fail(f"a {subject.kind} can be compared, not searched", name.start_pos)
        return subject

    def _subject(self, name: Token) -> Subject:
        if name.startswith("."):
            return Subject("field", _path(name[1:]))
        kind, dot, rest = name.partition(".")
        if kind == "label":
            if not rest:
                self._fail("say which label: label.KEY", name.start_pos)
            return Subject("label", _path(rest))
        if kind in KINDS and not dot and kind != "field":
            return Subject(str(kind))
        return Subject("field", _path(name))

    def _value(self, token: Token) -> Value:
        if token.type != "STRING":
            return Value(str(token))
        return Value(_ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1]), quoted=True)

    def _pattern(self, token: Token) -> Pattern:
        """Compile a regex; what is wrong in it is pointed at in the query."""
        start, ignore_case = token.start_pos or 0, False
        if token.type == "REGEX":
            body, _, letters = token[1:].rpartition("/")
            start += 1
            ignore_case = bool(letters)
        elif token.type == "STRING":
            body = self._value(token).text
            start += 1
        else:
            body = str(token)
        try:
            # For regexes, \/ means the same as /.
            return compile_pattern(body, "where", ignore_case=ignore_case)
        except QueryError as exc:
            message = exc.message.removeprefix("where: ")
            raise QueryError(message, self._text, start + exc.position) from exc
        except ConfigError as exc:
            raise QueryError(str(exc).removeprefix("where: "), self._text, start) from exc


def _path(name: str) -> str:
    return name.replace('"', "")


@cache
def _parser() -> Lark:
    # It takes 30 to 50 ms to import, which only those pay who ask for something.
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)

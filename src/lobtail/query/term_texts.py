"""Derive from patterns and queries the texts that a line must contain to be wanted.

Conservative: what is returned holds for every line that matches; without a text nothing is known.

Queries look at a line's *visible* text, without the sequences that colour it. A text may so be
found where the line's bytes have such a sequence in its midst: an escape character is always one
of the alternatives. A field's value is found in the line's bytes unless something in it is escaped,
so a backslash is another. A level can be told in some fifty ways, one of them the two digits
``40`` (``model.levels``): to look for all of them takes longer than to look at every line, so no
texts are derived for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from lobtail.query.literals import Literals
from lobtail.query.terms import And, Compare, Contains, Matches, Or, Subject, Term, Value

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern

__all__ = ["literals_of", "literals_of_term"]

# More alternatives than this are not worth looking for.
MANY: Final = 16

_NONE: Final = Literals()
_ESCAPE: Final = "\x1b"
_UNSURE: Final = re.compile("[\ufffd\ud800-\udfff]+")
# In the text of a field, and in one that is no string but was written anew.
_IN_STRING: Final = re.compile('[\x00-\x1f\x7f"\\\\/\ufffd\ud800-\udfff]+')
_IN_VALUE: Final = re.compile('[\x00-\x1f\x7f"\\\\/,:{}\\[\\]\ufffd\ud800-\udfff]+')
_NUMBER: Final = frozenset("0123456789.eE+-")


def literals_of(pattern: Pattern) -> tuple[str, ...] | None:
    """Return texts of which every match of ``pattern`` contains one; None if there are none."""
    from lobtail.query.regex_texts import texts_of_regex

    found = texts_of_regex(pattern.pattern, ignore_case=pattern.ignore_case)
    return found.texts if found else None


def literals_of_term(term: Term) -> Literals:
    """Return the condition of a line for which ``term`` of a query holds."""
    match term:
        case And(terms=terms):
            return Literals(tuple(g for part in terms for g in literals_of_term(part).groups))
        case Or(terms=terms):
            return _either(terms)
        case Contains(subject=subject, text=text):
            return _of_subject(subject, (text,))
        case Matches(subject=subject, pattern=pattern):
            return _of_subject(subject, literals_of(pattern))
        case Compare(subject=subject, operator="=", value=Value() as value):
            return _of_value(subject, value)
        case _:
            return _NONE


def _either(terms: Iterable[Term]) -> Literals:
    union: list[str] = []
    for term in terms:
        condition = literals_of_term(term)
        if not condition.groups:
            return _NONE
        union += max(condition.groups, key=_score)
    texts = tuple(dict.fromkeys(union))
    return Literals((texts,)) if len(texts) <= MANY else _NONE


def _of_subject(subject: Subject, texts: tuple[str, ...] | None) -> Literals:
    if texts is None or subject.kind not in ("text", "field"):
        return _NONE
    if subject.kind == "text":
        return _visible(texts)
    parts = [max(_IN_VALUE.split(text), key=len) for text in texts]
    # Numbers are written anew: 5e2 is 500.0.
    if any(set(part) <= _NUMBER for part in parts):
        return _NONE
    return Literals(((*parts, "\\", _ESCAPE),))


def _of_value(subject: Subject, value: Value) -> Literals:
    """Return the condition of a line whose field, or whole text, equals a value."""
    if subject.kind not in ("text", "field") or value.number is not None:
        return _NONE
    text = value.text
    if value.glob is not None:
        if "[" in text:
            return _NONE
        text = max(re.split("[*?]+", text), key=len)
    if subject.kind == "text":
        return _visible((text,))
    part = max(_IN_STRING.split(text), key=len)
    return Literals(((part, "\\", _ESCAPE),)) if part else _NONE


def _visible(texts: tuple[str, ...]) -> Literals:
    if not all(_UNSURE.sub("", text) for text in texts):
        return _NONE
    return Literals(((*texts, _ESCAPE),))


def _score(texts: Iterable[str]) -> int:
    lengths = [len(text) for text in texts if text not in ("\\", _ESCAPE)]
    return min(lengths, default=0) - len(lengths)

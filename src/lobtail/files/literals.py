"""Derive from patterns and queries the texts that a line must contain to be wanted.

Conservative: what is returned holds for every line that matches; None says that nothing is known.

Queries look at a line's *visible* text, without the sequences that colour it. A text may so be
found where the line's bytes have such a sequence in its midst: an escape character is always one
of the alternatives. A field's value is found in the line's bytes unless something in it is escaped,
so a backslash is another. A level can be told in some fifty ways, one of them the two digits
``40`` (``core.levels``): to look for all of them takes longer than to look at every line, so no
texts are derived for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any, Final

from lobtail.core.terms import And, Compare, Contains, Matches, Or, Subject, Term, Value
from lobtail.files.values import Literals

__all__ = ["literals_of", "literals_of_term", "literals_of_text"]

# More alternatives than this are not worth looking for.
MANY: Final = 16

_ESCAPE: Final = "\x1b"
_UNSURE: Final = re.compile("[\ufffd\ud800-\udfff]+")
# In the text of a field, and in one that is no string but was written anew.
_IN_STRING: Final = re.compile('[\x00-\x1f\x7f"\\\\/\ufffd\ud800-\udfff]+')
_IN_VALUE: Final = re.compile('[\x00-\x1f\x7f"\\\\/,:{}\\[\\]\ufffd\ud800-\udfff]+')
_NUMBER: Final = frozenset("0123456789.eE+-")


def literals_of_text(text: str) -> Literals:
    """Return the condition of a line whose visible text contains ``text``."""
    return _visible((text,))


def literals_of_pattern(pattern: re.Pattern[str]) -> Literals:
    """Return the condition of a line in whose visible text ``pattern`` is found."""
    return _visible(literals_of(pattern))


def literals_of(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Return texts of which every match of ``pattern`` contains one; None if there are none."""
    try:
        tree = sre_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        found = _best(tree, tree.state.flags)
    except (re.error, RecursionError):
        return None
    return found


def literals_of_term(term: Term) -> Literals | None:
    """Return the condition of a line for which ``term`` of a query holds."""
    match term:
        case And(terms=terms):
            groups = [g for part in terms if (c := literals_of_term(part)) for g in c.groups]
            return Literals(tuple(groups)) if groups else None
        case Or(terms=terms):
            return _either(terms)
        case Contains(subject=subject, text=text):
            return _of_subject(subject, (text,))
        case Matches(subject=subject, pattern=pattern):
            return _of_subject(subject, literals_of(pattern))
        case Compare(subject=subject, operator="=", value=Value() as value):
            return _of_value(subject, value)
        case _:
            return None


def _either(terms: Iterable[Term]) -> Literals | None:
    union: list[str] = []
    for term in terms:
        condition = literals_of_term(term)
        if condition is None or not condition.groups:
            return None
        union += max(condition.groups, key=_score)
    texts = tuple(dict.fromkeys(union))
    return Literals((texts,)) if len(texts) <= MANY else None


def _of_subject(subject: Subject, texts: tuple[str, ...] | None) -> Literals | None:
    if texts is None:
        return None
    if subject.kind == "text":
        return _visible(texts) if all(texts) else None
    if subject.kind != "field":
        return None
    parts = [max(_IN_VALUE.split(text), key=len) for text in texts]
    # Numbers are written anew: 5e2 is 500.0.
    if any(set(part) <= _NUMBER for part in parts):
        return None
    return Literals(((*parts, "\\", _ESCAPE),))


def _of_value(subject: Subject, value: Value) -> Literals | None:
    """Return the condition of a line whose field, or whole text, equals a value."""
    if subject.kind not in ("text", "field") or value.number is not None:
        return None
    text = value.text
    if value.glob is not None:
        if "[" in text:
            return None
        text = max(re.split("[*?]+", text), key=len)
    if subject.kind == "text":
        return _visible((text,)) if text else None
    part = max(_IN_STRING.split(text), key=len)
    return Literals(((part, "\\", _ESCAPE),)) if part else None


def _visible(texts: tuple[str, ...] | None) -> Literals:
    if texts is None or not all(_UNSURE.sub("", text) for text in texts):
        return Literals()
    return Literals(((*texts, _ESCAPE),))


def _score(texts: Iterable[str]) -> int:
    lengths = [len(text) for text in texts if text not in ("\\", _ESCAPE)]
    return min(lengths, default=0) - len(lengths)


def _best(nodes: Any, flags: int) -> tuple[str, ...] | None:
    """Return the most telling of the groups that a sequence of a pattern gives."""
    groups: list[tuple[str, ...]] = []
    run: list[str] = []

    def flush() -> None:
        groups.extend([(text,) for text in _UNSURE.split("".join(run)) if text])
        run.clear()

    def walk(nodes: Any, flags: int) -> None:
        for operator, argument in nodes:
            if operator is sre.LITERAL and _is_itself(chr(argument), flags):
                run.append(chr(argument))
            elif operator is sre.AT:
                pass  # takes no room: what stands on both its sides is together
            elif operator is sre.SUBPATTERN:
                _, added, removed, inner = argument
                walk(inner, (flags | added) & ~removed)
            else:
                flush()
                group = _of_node(operator, argument, flags)
                if group is not None:
                    groups.append(group)

    walk(nodes, flags)
    flush()
    groups = [group for group in groups if all(group) and len(group) <= MANY]
    return max(groups, key=_score) if groups else None


def _of_node(operator: Any, argument: Any, flags: int) -> tuple[str, ...] | None:
    if operator is sre.BRANCH:
        union: list[str] = []
        for branch in argument[1]:
            group = _best(branch, flags)
            if group is None:
                return None
            union += group
        return tuple(dict.fromkeys(union))
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, _, body = argument
        return _best(body, flags) if least else None
    if operator is sre.ATOMIC_GROUP:
        return _best(argument, flags)
    return None


def _is_itself(character: str, flags: int) -> bool:
    """Say whether no other character matches where this one stands in a pattern."""
    if not flags & re.IGNORECASE:
        return True
    # Beyond ASCII some have more than two forms: the Kelvin sign is a k to ``re``.
    return character.isascii() and not character.isalpha()

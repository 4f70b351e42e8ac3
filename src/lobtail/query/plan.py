"""What a query demands of a line, split into the parts that a source of logs can use.

``stream=stderr and time>10m and container=web and "timeout"`` is tested of lines in the end. But a
container that is not ``web`` need not be opened, older lines need not be asked for, and files can
be searched for the text. Each part is a demand by itself: no line for which the query holds is
left out by any of them. A level is not looked for in bytes (``query.term_texts``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Line
from lobtail.model.levels import Level
from lobtail.query.literals import Literals
from lobtail.query.term_texts import literals_of_term
from lobtail.query.terms import And, Compare, Not, Or, Predicate, Subject, Term, leaves

__all__ = ["Plan", "plan_of"]

_CONTAINER: Final = frozenset(("container", "image", "project", "service", "label"))
_STREAM: Final = frozenset(("stream",))
_LEVEL: Final = frozenset(("level",))
_TEXT: Final = frozenset(("text",))

_NOBODY: Final = ContainerRef("", "")
_ALL: Final = frozenset(Stream)


class Plan(msgspec.Struct, frozen=True):
    """The demands of one or several queries; all of them must be met. Without any: every line."""

    containers: Term | None = None
    """What is demanded of the container alone."""
    since_ns: int | None = None
    """The earliest time of a line, which must have one then."""
    until_ns: int | None = None
    """The latest."""
    streams: frozenset[Stream] = _ALL
    level: Level = Level.UNKNOWN
    """The least."""
    literals: Literals = Literals()
    """What a line must contain."""
    residual: Term | None = None
    """What is left to be tested of a line that all of this admits; None if nothing is."""
    context: tuple[int, int] | None = None
    """How many lines before and behind each wanted one are wanted, too."""

    def may_come_from(self, container: ContainerRef) -> bool:
        """Tell whether a line of ``container`` can be wanted at all."""
        if self.containers is None:
            return True
        return self.containers.predicate()(Line(container, Stream.STDOUT, None, b""))

    @property
    def asks_for_image(self) -> bool:
        """Whether a container's image counts, for which engines have other words in lists."""
        terms = () if self.containers is None else leaves(self.containers)
        return any(leaf.subject.kind == "image" for leaf in terms)

    @property
    def is_narrow(self) -> bool:
        """Whether a source may leave out lines that are not wanted."""
        bounded = self.since_ns is not None or self.until_ns is not None
        some = self.containers is not None or self.streams != _ALL
        return bounded or some or bool(self.literals.groups)

    def predicates(self) -> list[Predicate]:
        """Return what lines are to be tested with, the cheapest first: all must hold.

        Sources leave out what they can, but not all that the plan excludes.
        """
        tests: list[Predicate] = []
        if self.streams != _ALL:
            streams = self.streams
            tests.append(lambda line: line.stream in streams)
        if self.since_ns is not None or self.until_ns is not None:
            tests.append(_within(self.since_ns, self.until_ns))
        if self.containers is not None:
            tests.append(self.containers.predicate())
        rest = [*_conjuncts(self.residual)]
        # To look for a text is cheaper than to find the level, and that cheaper than the fields.
        texts = [term for term in rest if _is_about(term, _TEXT)]
        tests += [term.predicate() for term in texts]
        if self.level is not Level.UNKNOWN:
            tests.append(Compare(Subject("level"), ">=", self.level).predicate())
        tests += [term.predicate() for term in rest if term not in texts]
        return tests


def plan_of(*terms: Term, context: tuple[int, int] | None = None) -> Plan:
    """Return what ``terms`` demand, which must all hold."""
    whole = [each for term in terms for each in _conjuncts(term)]
    if not whole:
        return Plan(context=context)
    both = And(tuple(whole))
    streams = _demand(both, _STREAM)
    levels = _demand(both, _LEVEL)
    holds = None if levels is None else levels.predicate()
    accepted = [level for level in Level if holds is None or holds(_of_level(level))]
    since, until = _span(both) or (None, None)
    # Which levels hold is known of a range of them only, and of lines with a time only.
    ranged = accepted == [level for level in Level if level >= min(accepted, default=level)]
    rest = [
        term
        for term in whole
        if not (
            _is_about(term, _CONTAINER)
            or _is_about(term, _STREAM)
            or (_is_about(term, _LEVEL) and ranged and accepted)
            or _is_span(term)
        )
    ]
    return Plan(
        containers=_demand(both, _CONTAINER),
        since_ns=since,
        until_ns=until,
        streams=_ALL if streams is None else _accepted_streams(streams),
        level=min(accepted, default=Level.FATAL),
        literals=literals_of_term(both),
        residual=_all_of(rest),
        context=context,
    )


def _conjuncts(term: Term | None) -> Iterator[Term]:
    match term:
        case None:
            return
        case And(terms=terms):
            for each in terms:
                yield from _conjuncts(each)
        case _:
            yield term


def _all_of(terms: Sequence[Term]) -> Term | None:
    return And(tuple(terms)) if len(terms) > 1 else next(iter(terms), None)


def _is_about(term: Term, kinds: frozenset[str]) -> bool:
    return all(leaf.subject.kind in kinds for leaf in leaves(term))


def _demand(term: Term, kinds: frozenset[str], *, negated: bool = False) -> Term | None:
    """Return what follows from ``term`` for subjects of some kinds alone; None for nothing.

    For a term about nothing else it is the same term.
    """
    match term:
        case Not(term=inner):
            return _demand(inner, kinds, negated=not negated)
        case And(terms=terms) | Or(terms=terms):
            parts = [_demand(each, kinds, negated=negated) for each in terms]
            known = [part for part in parts if part is not None]
            if isinstance(term, And) != negated:  # all of them hold
                return _all_of(known)
            if len(known) < len(parts):
                return None
            return Or(tuple(known)) if len(known) > 1 else known[0]
        case leaf:
            if leaf.subject.kind not in kinds:
                return None
            return Not(leaf) if negated else leaf


def _accepted_streams(term: Term) -> frozenset[Stream]:
    holds = term.predicate()
    return frozenset(each for each in Stream if holds(Line(_NOBODY, each, None, b"")))


def _of_level(level: Level) -> Line:
    line = Line(_NOBODY, Stream.STDOUT, None, b"")
    force_setattr(line, "_cache", {"level": level})
    return line


_Span = tuple[int | None, int | None]


def _span(term: Term) -> _Span | None:
    """Return the first and the last time of lines for which ``term`` holds; None if unknown."""
    match term:
        case And(terms=terms):
            spans = [span for each in terms if (span := _span(each)) is not None]
            if not spans:
                return None
            since = max((first for first, _ in spans if first is not None), default=None)
            return since, min((last for _, last in spans if last is not None), default=None)
        case Or(terms=terms):
            known = [_span(each) or (None, None) for each in terms]
            firsts = [first for first, _ in known if first is not None]
            lasts = [last for _, last in known if last is not None]
            return (
                min(firsts) if len(firsts) == len(known) else None,
                max(lasts) if len(lasts) == len(known) else None,
            )
        case Compare(subject=Subject(kind="time"), operator=operator, value=int() as value):
            return {
                "=": (value, value),
                ">": (value + 1, None),
                ">=": (value, None),
                "<": (None, value - 1),
                "<=": (None, value),
            }[operator]
        case _:
            # Also of what is negated: not time<10m holds of lines without a time.
            return None


def _is_span(term: Term) -> bool:
    return isinstance(term, Compare) and term.subject.kind == "time"


def _within(since_ns: int | None, until_ns: int | None) -> Predicate:
    def holds(line: Line) -> bool:
        time_ns = line.time_ns
        return (
            time_ns is not None
            and (since_ns is None or time_ns >= since_ns)
            and (until_ns is None or time_ns <= until_ns)
        )

    return holds

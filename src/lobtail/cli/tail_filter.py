"""Which lines ``lobtail tail`` shows: the options of its filters, made into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import ConfigError, QueryError
from lobtail.model.levels import Level
from lobtail.query.filter import LineFilter
from lobtail.render.stamps import local

__all__ = ["FILTERS", "Filtering", "make_filter", "make_matcher", "make_pattern"]

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern
    from lobtail.query.query import Query
    from lobtail.query.terms import Contains, Matches, Predicate, Term

FILTERS: Final = ("include", "exclude", "grep", "where", "level", "after", "before", "context")


class Filtering(NamedTuple):
    """Which lines are shown."""

    wanted: LineFilter
    terms: tuple[Term, ...]
    """What is asked of them beside the level; all must hold."""
    context: tuple[int, int]
    """How many lines before and behind each are shown, too."""

    def needed(self, *ends: Term | None) -> Query | None:
        """Return the query for lines that are shown, or for which one of ``ends`` holds.

        None if all lines are needed.
        """
        if not self.terms:
            return None
        from lobtail.query.query import Query
        from lobtail.query.terms import And, Or

        shown = And(self.terms)
        looked_for = tuple(end for end in ends if end is not None)
        return Query.of(Or((shown, *looked_for)) if looked_for else shown)


def make_filter(
    now_ns: int,
    *,
    include: Sequence[str],
    exclude: Sequence[str],
    grep: Sequence[str],
    where: Sequence[str],
    level: str | None,
    after: int | None,
    before: int | None,
    context: int | None,
) -> Filtering:
    """Make one filter of what the options ask for.

    Raises:
        ConfigError: an option cannot be used.
    """
    terms: list[Term] = []
    if grep:
        terms.append(_one_of([_contains(text) for text in grep]))
    if include:
        terms.append(_one_of([_matches(text, "--include") for text in include]))
    if exclude:
        terms.append(_not(_one_of([_matches(text, "--exclude") for text in exclude])))
    terms += [_query(text, now_ns).term for text in where]
    around = _first(before, context), _first(after, context)
    least = Level.UNKNOWN if level is None else _level(level)
    wanted = LineFilter(*_predicates(terms, least), before=around[0], after=around[1])
    return Filtering(wanted, tuple(terms), around)


def make_matcher(text: str | None, option: str) -> Matches | None:
    """Return the term that a regex is found in a line."""
    return None if text is None else _matches(text, option)


# What a query or a pattern needs is loaded where there is one.


def _predicates(terms: Sequence[Term], least: Level) -> list[Predicate]:
    if not terms:
        return [lambda line: line.level >= least] if least else []
    from lobtail.query.plan import plan_of
    from lobtail.query.terms import Compare, Subject

    at_least = [Compare(Subject("level"), ">=", least)] if least else []
    return plan_of(*terms, *at_least).predicates()


def _contains(text: str) -> Contains:
    from lobtail.query.terms import Contains, Subject

    return Contains(Subject("text"), text)


def make_pattern(text: str, option: str) -> Pattern:
    """Compile a regex that ``option`` gives."""
    from lobtail.query.patterns import compile_pattern

    return compile_pattern(text, option)


def _matches(text: str, option: str) -> Matches:
    from lobtail.query.terms import Matches, Subject

    return Matches(Subject("text"), make_pattern(text, option))


def _one_of(terms: Sequence[Term]) -> Term:
    from lobtail.query.terms import Or

    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _query(text: str, now_ns: int) -> Query:
    if not text.strip():
        raise ConfigError("--where is empty; say for instance 'level>=warn'")
    from lobtail.query.query import Query

    try:
        return Query(text, now_ns=now_ns, local_offset=local)
    except QueryError as exc:
        raise QueryError(f"--where: {exc.message}", exc.query, exc.position) from exc


def _level(name: str) -> Level:
    try:
        return Level.parse(name)
    except ConfigError as exc:
        raise ConfigError(f"--level: {exc}") from exc


def _not(term: Term) -> Term:
    from lobtail.query.terms import Not

    return Not(term)


def _first(own: int | None, shared: int | None) -> int:
    """Return ``-A`` or ``-B``, which come before ``-C``, as grep has it."""
    return own if own is not None else shared or 0

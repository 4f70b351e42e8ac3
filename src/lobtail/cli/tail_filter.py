"""Which lines ``lobtail tail`` shows: the options of its filters, made into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from lobtail.errors import ConfigError, QueryError
from lobtail.model.items import Line
from lobtail.model.levels import Level
from lobtail.query.filter import LineFilter
from lobtail.render.stamps import local
from lobtail.sources.base import Search

__all__ = ["FILTERS", "Filtering", "make_filter", "make_matcher", "make_pattern"]

if TYPE_CHECKING:
    from lobtail.query.patterns import Pattern
    from lobtail.query.query import Query
    from lobtail.query.terms import Contains, Matches, Predicate, Term

FILTERS: Final = ("include", "exclude", "grep", "where", "level", "after", "before", "context")


class Filtering(NamedTuple):
    """Which lines are shown."""

    wanted: LineFilter
    search: Search | None
    """What files can be searched for instead of being read."""
    terms: tuple[Term, ...]
    """All that is asked of lines, for words about it."""


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
    # The cheapest first: each sees only what those before it let pass.
    required: list[Term] = []
    if grep:
        required.append(_one_of([_contains(text) for text in grep]))
    if include:
        required.append(_one_of([_matches(text, "--include") for text in include]))
    predicates = [term.predicate() for term in required]
    if level is not None:
        predicates.append(_at_least(_level(level)))
    terms = list(required)
    if exclude:
        excluded = _one_of([_matches(text, "--exclude") for text in exclude])
        terms.append(excluded)
        found = excluded.predicate()
        predicates.append(lambda line: not found(line))
    queries = [_query(text, now_ns) for text in where]
    predicates += [query.matches for query in queries]
    required += [query.term for query in queries]
    terms += [query.term for query in queries]
    around = (_first(before, context), _first(after, context))
    wanted = LineFilter(*predicates, before=around[0], after=around[1])
    return Filtering(wanted, _search(required, around if any(around) else None), tuple(terms))


def make_matcher(text: str | None, option: str) -> Matches | None:
    """Return the term that a regex is found in a line."""
    return None if text is None else _matches(text, option)


def _search(required: Sequence[Term], around: tuple[int, int] | None) -> Search | None:
    if not required:
        return None
    from lobtail.query.term_texts import literals_of_term
    from lobtail.query.terms import And

    texts = literals_of_term(And(tuple(required)))
    return Search(texts, around) if texts else None


# What a query or a pattern needs is loaded where there is one.


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


def _at_least(level: Level) -> Predicate:
    def holds(line: Line) -> bool:
        return line.level >= level

    return holds


def _first(own: int | None, shared: int | None) -> int:
    """Return ``-A`` or ``-B``, which come before ``-C``, as grep has it."""
    return own if own is not None else shared or 0

"""Compile a user's regex, and refuse one that could keep us busy for ever.

Python's ``re`` backtracks: ``(a+)+b`` tries 2^n ways to read n letters before it gives up, so one
line would stop everything. What makes it so is known as *exponential ambiguity*: a loop that can
read the same text in two ways and come back to the same place. It is found before anything runs,
on the automaton of the pattern (Glushkov's: one state for each character of the pattern), as
Weideman et al., "Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers by
Using Ambiguity of NFA" (CIAA 2016), describe.

A loop with nothing behind it that could fail is harmless, and allowed. Loops one behind the other
(``.*a.*b``) take time by a power of the line's length, and are allowed as well: they end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from itertools import product
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any, Final, NamedTuple, TypeAlias

from lobtail.errors import ConfigError, QueryError

__all__ = ["compile_pattern"]

# A counted repeat of more than this is taken for a loop: (a+){20} is as good as endless.
MANY: Final = 8
# Pairs of steps that are compared before a pattern is refused as too large to be judged.
MAX_WORK: Final = 500_000

# Characters are told apart up to U+00FF. Of all others, one bit each stands for the spaces, the
# digits, the rest of what words are made of, and the rest.
_SPACES: Final = 1 << 256
_DIGITS: Final = 1 << 257
_LETTERS: Final = 1 << 258
_OTHER: Final = _SPACES | _DIGITS | _LETTERS | 1 << 259
_ALL: Final = (1 << 260) - 1

_LOOPS: Final = "it can read the same text in many ways, and would try all of them"
_LARGE: Final = "it is too large to be judged"


def compile_pattern(text: str, what: str, *, flags: int = 0) -> re.Pattern[str]:
    """Compile the regex ``text``; ``what`` names where it was given, such as ``--include``.

    Raises:
        QueryError: it is no regex, or some line would keep it busy for ever.
        ConfigError: it is too deep or too large.
    """
    try:
        pattern = re.compile(text, flags)
        tree = sre_parser.parse(text, flags)
    except re.error as exc:
        raise QueryError(f"{what}: no regex: {exc.msg}", text, exc.pos or 0) from exc
    except (RecursionError, OverflowError) as exc:
        raise ConfigError(f"{what}: the regex is too deep or too large") from exc
    if reason := _judge(tree, tree.state.flags):
        where = _culprit(text, flags)
        fault = f"{what}: the regex could take for ever on one line: {reason}"
        raise QueryError(fault, text, where)
    return pattern


def _culprit(text: str, flags: int) -> int:
    """Return where the smallest group begins that is at fault on its own; 0 if none is."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for i, character in enumerate(text):
        if character == "(":
            opened.append(i)
        elif character == ")" and opened:
            start = opened.pop()
            repeat = re.match(r"[*+?]|\{[0-9,]+\}", text[i + 1 :])
            piece = text[start : i + 1] + (repeat[0] if repeat else "")
            try:
                # Something that can fail behind it, for else it would be harmless.
                tree = sre_parser.parse(piece + "$", flags)
            except (re.error, RecursionError):
                continue
            if repeat and _judge(tree, tree.state.flags):
                found.append((len(piece), start))
    return min(found, default=(0, 0))[1]


def _judge(tree: Any, flags: int) -> str:
    """Return why a pattern could take for ever; nothing if it cannot."""
    try:
        automaton = _Automaton(flags)
        fragment = automaton.sequence(tree)
        if automaton.is_ambiguous(fragment.last.keys()):
            return _LOOPS
        for part, part_flags in automaton.apart:
            # What a look-around or an atomic group holds must be matched before anything else.
            inner = _Automaton(part_flags)
            inner.sequence(part)
            if inner.is_ambiguous(frozenset()):
                return _LOOPS
            automaton.apart += inner.apart
    except (_TooLarge, RecursionError):
        return _LARGE
    return ""


class _TooLarge(Exception):  # noqa: N818 - a verdict, not an error
    pass


_Ways: TypeAlias = Mapping[int, int]
"""For each state, in how many ways one can get there without reading; 2 means several."""


class _Fragment(NamedTuple):
    """A part of a pattern: the states it may begin and end with, and in how many ways empty."""

    first: _Ways
    last: _Ways
    empty: int


_EMPTY: Final = _Fragment({}, {}, 1)


def _sum(*parts: _Ways) -> _Ways:
    total: dict[int, int] = {}
    for part in parts:
        for state, ways in part.items():
            total[state] = min(2, total.get(state, 0) + ways)
    return total


def _times(part: _Ways, ways: int) -> _Ways:
    return {state: min(2, n * ways) for state, n in part.items()} if ways else {}


class _Automaton:
    """Glushkov's automaton of a pattern: ``reads[i]`` is the set of characters of state ``i``."""

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.reads: list[int] = []
        self.follow: list[set[int]] = []
        self.doubled: set[tuple[int, int]] = set()
        """Steps that can be made in two ways: the loops of ``(a*)*`` are one step each."""
        self.apart: list[tuple[Any, int]] = []

    # --- building ---------------------------------------------------------------------------

    def sequence(self, nodes: Iterable[Any]) -> _Fragment:
        whole = _EMPTY
        for operator, argument in nodes:
            whole = self._joined(whole, self._node(operator, argument))
        return whole

    def _node(self, operator: Any, argument: Any) -> _Fragment:
        if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY):
            return self._state(_characters(operator, argument, self.flags))
        if operator is sre.BRANCH:
            return self._either([self.sequence(branch) for branch in argument[1]])
        if operator is sre.SUBPATTERN:
            before, self.flags = self.flags, (self.flags | argument[1]) & ~argument[2]
            inner = self.sequence(argument[3])
            self.flags = before
            return inner
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeated(*argument)
        if operator in (sre.ATOMIC_GROUP, sre.POSSESSIVE_REPEAT):
            least, body = (1, argument)
            if operator is sre.POSSESSIVE_REPEAT:
                least, _, body = argument
            self.apart.append((body, self.flags))
            # Never entered again once it is done: to what stands around it, it is one step.
            state = self._state(_ALL)
            return state if least else state._replace(empty=1)
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            self.apart.append((argument[1], self.flags))
            return self._state(0)
        if operator is sre.AT:
            # It reads nothing, but can fail; at the beginning that costs nothing.
            return _EMPTY if argument in _BEGINNINGS else self._state(0)
        if operator is sre.GROUPREF_EXISTS:
            _, yes, no = argument
            return self._either([self.sequence(yes), self.sequence(no or ())])
        return self._state(_ALL)  # a reference to a group

    def _state(self, reads: int) -> _Fragment:
        self.reads.append(reads)
        self.follow.append(set())
        if len(self.reads) > 20_000:
            raise _TooLarge
        state = {len(self.reads) - 1: 1}
        return _Fragment(state, state, 0)

    def _link(self, sources: _Ways, targets: _Ways) -> None:
        if len(sources) * len(targets) > MAX_WORK:
            raise _TooLarge
        for source, source_ways in sources.items():
            known = self.follow[source]
            for target, target_ways in targets.items():
                if target in known or source_ways * target_ways > 1:
                    self.doubled.add((source, target))
            known.update(targets)

    def _joined(self, left: _Fragment, right: _Fragment) -> _Fragment:
        self._link(left.last, right.first)
        return _Fragment(
            _sum(left.first, _times(right.first, left.empty)),
            _sum(right.last, _times(left.last, right.empty)),
            min(2, left.empty * right.empty),
        )

    @staticmethod
    def _either(branches: list[_Fragment]) -> _Fragment:
        return _Fragment(
            _sum(*(branch.first for branch in branches)),
            _sum(*(branch.last for branch in branches)),
            min(2, sum(branch.empty for branch in branches)),
        )

    def _repeated(self, least: int, most: Any, body: Any) -> _Fragment:
        if most is not sre.MAXREPEAT and most <= MANY:
            # A few copies of a few: what matters is that they can follow one another.
            whole = _EMPTY
            for _ in range(min(int(most), 2)):
                whole = self._joined(whole, self.sequence(body))
        else:
            whole = self.sequence(body)
            self._link(whole.last, whole.first)
        # No repetition at all is one way to be empty, an empty repetition another.
        return whole._replace(empty=min(2, whole.empty + (least == 0)))

    # --- judging ----------------------------------------------------------------------------

    def is_ambiguous(self, last: Set[int]) -> bool:
        """Tell whether a loop can read the same text in two ways, and fail behind it.

        ``last`` are the states in which the pattern has matched: from there nothing can fail.
        """
        for loop in self._loops():
            if not last.isdisjoint(loop):
                continue
            if any(pair[0] in loop and pair[1] in loop for pair in self.doubled):
                return True
            if len(loop) > 1 and self._parts_and_meets(loop):
                return True
        return False

    def _parts_and_meets(self, loop: set[int]) -> bool:
        """Tell whether two different ways through a loop lead from one state back to it."""
        budget = MAX_WORK
        steps = {state: [t for t in self.follow[state] if t in loop] for state in loop}
        # Pairs of states that two readers of the same text can be in, both begun at one state.
        reached: dict[tuple[int, int], list[tuple[int, int]]] = {}
        todo = [(state, state) for state in loop]
        seen = set(todo)
        while todo:
            pair = todo.pop()
            budget -= len(steps[pair[0]]) * len(steps[pair[1]])
            if budget < 0:
                raise _TooLarge
            for target in product(steps[pair[0]], steps[pair[1]]):
                if self.reads[target[0]] & self.reads[target[1]]:
                    reached.setdefault(target, []).append(pair)
                    if target not in seen:
                        seen.add(target)
                        todo.append(target)
        # Back from equal pairs: a pair of different states that leads to one is on such a way,
        # and all states of the loop reach one another.
        todo = [pair for pair in seen if pair[0] == pair[1]]
        meeting = set(todo)
        while todo:
            for pair in reached.get(todo.pop(), ()):
                if pair not in meeting:
                    if pair[0] != pair[1]:
                        return True
                    meeting.add(pair)
                    todo.append(pair)
        return False

    def _loops(self) -> list[set[int]]:
        """Return the sets of states that reach one another (Tarjan, without recursion)."""
        index: dict[int, int] = {}
        low: dict[int, int] = {}
        stack: list[int] = []
        on_stack: set[int] = set()
        loops = []
        for root in range(len(self.reads)):
            if root in index:
                continue
            work = [(root, iter(self.follow[root]))]
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
            while work:
                state, targets = work[-1]
                for target in targets:
                    if target not in index:
                        index[target] = low[target] = len(index)
                        stack.append(target)
                        on_stack.add(target)
                        work.append((target, iter(self.follow[target])))
                        break
                    if target in on_stack:
                        low[state] = min(low[state], index[target])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[state])
                    if low[state] == index[state]:
                        loop: set[int] = set()
                        while not loop or state not in loop:
                            loop.add(stack.pop())
                        on_stack -= loop
                        if len(loop) > 1 or state in self.follow[state]:
                            loops.append(loop)
        return loops


_BEGINNINGS: Final = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)


def _category(escape: str, others: int) -> int:
    pattern = re.compile(escape)
    return sum(1 << i for i in range(256) if pattern.match(chr(i))) | others


_DIGIT: Final = _category(r"\d", _DIGITS)
_SPACE: Final = _category(r"\s", _SPACES)
_WORD: Final = _category(r"\w", _DIGITS | _LETTERS)
_CATEGORIES: Final = {
    sre.CATEGORY_DIGIT: _DIGIT,
    sre.CATEGORY_NOT_DIGIT: _ALL & ~_DIGIT,
    sre.CATEGORY_SPACE: _SPACE,
    sre.CATEGORY_NOT_SPACE: _ALL & ~_SPACE,
    sre.CATEGORY_WORD: _WORD,
    sre.CATEGORY_NOT_WORD: _ALL & ~_WORD,
}


def _characters(operator: Any, argument: Any, flags: int) -> int:
    """Return a set of characters, rather too large than too small."""
    if operator is sre.ANY:
        return _ALL if flags & re.DOTALL else _ALL & ~(1 << 10)
    if operator is sre.LITERAL:
        return _literal(argument, flags)
    if operator is sre.NOT_LITERAL:
        return _ALL & ~(_literal(argument, flags) & ~_OTHER)
    negated, found, inexact = False, 0, 0
    for kind, value in argument:
        if kind is sre.NEGATE:
            negated = True
        elif kind is sre.LITERAL:
            found |= _literal(value, flags)
            inexact |= found & _OTHER
        elif kind is sre.RANGE:
            for code in range(value[0], min(value[1], 255) + 1):
                found |= _literal(code, flags)
            if value[1] > 255:
                found |= _OTHER
                inexact |= _OTHER
        elif kind is sre.CATEGORY:
            found |= _CATEGORIES[value]
    # One character of a kind does not exclude the others of that kind.
    return _ALL & ~found | inexact if negated else found


def _literal(code: int, flags: int) -> int:
    found = _bit(chr(code))
    if flags & re.IGNORECASE:
        for other in (chr(code).lower(), chr(code).upper()):
            found |= _bit(other[0])
    return found


def _bit(character: str) -> int:
    code = ord(character)
    if code < 256:
        return 1 << code
    for kind, others in ((str.isspace, _SPACES), (str.isdecimal, _DIGITS), (str.isalnum, _LETTERS)):
        if kind(character):
            return others
    return 1 << 259

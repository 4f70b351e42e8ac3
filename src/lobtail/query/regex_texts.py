"""Find the texts that every match of a regex contains, so that bytes can be searched first.

Conservative: None says that nothing is known. The syntax is RE2's (``query.patterns``); a regex
that was not compiled may give anything, but raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["MANY", "Texts", "texts_of_regex"]

# More alternatives than this are not worth looking for.
MANY: Final = 16
_DEEPEST: Final = 100

_UNSURE: Final = re.compile("[\ufffd\ud800-\udfff]+")
_REPEAT: Final = re.compile(r"(?:[*+?]|\{([0-9]+)(?:,[0-9]*)?\}|\{,[0-9]+\})\??")
_GROUP: Final = re.compile(r"\((?:\?(?:P?<\w+>|([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])))?")
_SET: Final = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*+\]")
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})"
    r"|([bBAzZ])|([dDsSwWC]|[pP](?:\{[^}]*\}|[\s\S]))|([aftnrv])|([^A-Za-z0-9]))"
)
_CONTROLS: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}


class Texts(NamedTuple):
    """Texts of which every match contains one."""

    texts: tuple[str, ...]
    exact: bool
    """Whether each of them is a match by itself, wherever it stands."""


def texts_of_regex(pattern: str, *, ignore_case: bool = False, fold: bool = False) -> Texts | None:
    """Return texts of which every match of ``pattern`` contains one; None if nothing is known.

    With ``fold`` they are in small letters, and contained in what is matched once its ASCII letters
    are made small: for texts that are ASCII altogether.
    """
    try:
        return _Reader(pattern, ignore_case=ignore_case, fold=fold).read()
    except _UnknownError:
        return None


def _best(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the most telling of groups of texts."""
    worth = [group for group in groups if group and all(group) and len(group) <= MANY]
    return max(worth, key=_score) if worth else None


def _score(texts: tuple[str, ...]) -> int:
    return min(map(len, texts)) - len(texts)


class _UnknownError(Exception):
    """There is something in the pattern that is not understood here."""


class _Part(NamedTuple):
    """What a part of a pattern contains: exactly ``text``, or else one of ``texts``."""

    text: str | None = None
    texts: tuple[str, ...] | None = None


_NOTHING: Final = _Part("")
_ANYTHING: Final = _Part()


class _Reader:
    def __init__(self, pattern: str, *, ignore_case: bool, fold: bool) -> None:
        self._pattern = pattern
        self._pos = 0
        self._ignore_case = ignore_case
        self._fold = fold
        self._depth = 0
        self._exact = True

    def read(self) -> Texts | None:
        part = self._alternatives()
        if self._pos < len(self._pattern):
            raise _UnknownError
        texts = _best([(part.text,)]) if part.text is not None else part.texts
        return Texts(texts, self._exact) if texts else None

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._pattern.startswith("|", self._pos):
            self._pos += 1
            parts.append(self._sequence())
        if len(parts) == 1:
            return parts[0]
        union: list[str] = []
        for part in parts:
            texts = (part.text,) if part.text is not None else part.texts
            if texts is None:
                return _ANYTHING
            union += texts
        return _Part(texts=_best([tuple(dict.fromkeys(union))]))

    def _sequence(self) -> _Part:
        """Return what a sequence contains: its text, or the most telling of its parts."""
        groups: list[tuple[str, ...]] = []
        run, whole = "", True
        while self._pos < len(self._pattern) and self._pattern[self._pos] not in "|)":
            part = self._part()
            repeat = _REPEAT.match(self._pattern, self._pos)
            if repeat is not None:
                self._pos = repeat.end()
                part = _repeated(part, repeat)
            elif part.text is not None:
                run += part.text
                continue
            # What stands before and behind it need not be together.
            groups += [(text,) for text in _UNSURE.split(run)]
            if part.text is not None:
                groups += [(text,) for text in _UNSURE.split(part.text)]
            elif part.texts is not None:
                groups.append(part.texts)
            run, whole = "", False
        if whole and not _UNSURE.search(run):
            return _Part(run)
        self._exact = False
        groups += [(text,) for text in _UNSURE.split(run)]
        return _Part(texts=_best(groups))

    def _part(self) -> _Part:
        character = self._pattern[self._pos]
        if character == "(":
            return self._group()
        if character == "[":
            match = _SET.match(self._pattern, self._pos)
            if match is None:
                raise _UnknownError
            self._pos = match.end()
            inner = match[0][1:-1]
            return self._literal(inner) if len(inner) == 1 and inner != "^" else _ANYTHING
        if character == "\\":
            return self._escape()
        self._pos += 1
        if character in "^$":
            self._exact = False
            return _NOTHING
        return _ANYTHING if character == "." else self._literal(character)

    def _group(self) -> _Part:
        match = _GROUP.match(self._pattern, self._pos)
        if match is None or self._pattern.startswith("(?", self._pos) > ("?" in match[0]):
            raise _UnknownError
        self._pos = match.end()
        on, off, end = match.groups()
        before = self._ignore_case
        if end is not None:
            self._ignore_case = ("i" in on or before) and "i" not in (off or "")
        if end == ")":  # for the rest of the group around it
            return _NOTHING
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnknownError
        part = self._alternatives()
        self._depth -= 1
        if not self._pattern.startswith(")", self._pos):
            raise _UnknownError
        self._pos += 1
        self._ignore_case = before
        return part

    def _escape(self) -> _Part:
        match = _ESCAPE.match(self._pattern, self._pos)
        if match is None:  # also \Q, behind which nothing means what it does elsewhere
            raise _UnknownError
        self._pos = match.end()
        *codes, place, kind, control, itself = match.groups()
        if place:
            self._exact = False
            return _NOTHING
        if kind:
            return _ANYTHING
        code = next(filter(None, codes), None)
        if code is not None and int(code, 16) > 0x10FFFF:
            raise _UnknownError
        return self._literal(chr(int(code, 16)) if code else itself or _CONTROLS[control])

    def _literal(self, character: str) -> _Part:
        """Return a character as a text, unless others match where it stands."""
        if self._fold:
            # Beyond ASCII some have more than two forms: the Kelvin sign is a k, too.
            return _Part(character.lower()) if character.isascii() else _ANYTHING
        if self._ignore_case and (character.isalpha() or not character.isascii()):
            return _ANYTHING
        return _Part(character)


def _repeated(part: _Part, repeat: re.Match[str]) -> _Part:
    least = int(repeat[1]) if repeat[1] and len(repeat[1]) < 9 else repeat[0][0] == "+"
    return part if least else _ANYTHING

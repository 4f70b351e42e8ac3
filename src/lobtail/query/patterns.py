r"""A user's regex: every place that takes one compiles it here, and searches with what it gets.

The engine is RE2, which reads a text once and never backtracks: what a search costs grows with the
line's length times the pattern's size, whatever the pattern. The syntax is RE2's as well, known
from Go, Loki and stern: no look-around, no back-references; ``\w``, ``\d``, ``\s`` and ``\b``
know ASCII, ``\pL`` is any letter. What Python spells differently is translated (``\Z``,
``\u00e4``, ``{,3}``).

A large pattern on a very long line could still take seconds, and nothing interrupts a search. So a
line is searched up to ``Pattern.reach`` bytes; lines that go on behind it are counted.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from lobtail.errors import ConfigError, QueryError
from lobtail.query.regex_texts import Texts, texts_of_regex

__all__ = ["Found", "Pattern", "as_pattern", "compile_pattern"]

# Bytes of a line times instructions of a pattern that one search may take. The slowest patterns
# take 10 ns for each: 0.2 s, the time that Ctrl-C may have to wait.
MAX_WORK: Final = 20_000_000
# To show all matches of a line several searches are made, and Ctrl-C is heard between them.
MAX_WORK_OF_ALL: Final = 10 * MAX_WORK
# Instructions of a pattern; a larger one would see less of a line than most lines have.
MAX_SIZE: Final = 10_000
# More texts than this are looked for all at once.
MANY: Final = 6
# More characters than anybody types; what compiles a pattern takes its time and memory from them.
MAX_LENGTH: Final = 20_000


class Found(NamedTuple):
    """Where a pattern is found in a text, in characters."""

    first: int
    last: int

    def start(self) -> int:
        """Return where it begins."""
        return self.first

    def end(self) -> int:
        """Return where it ends."""
        return self.last

    def span(self) -> tuple[int, int]:
        """Return both."""
        return self.first, self.last


class Pattern:
    """A compiled regex; made by ``compile_pattern``.

    ``pattern`` is its text, ``ignore_case`` whether it was to ignore case from the outside.
    """

    __slots__ = ("_exact", "_search", "ignore_case", "may_be_in", "pattern", "reach", "unsearched")

    def __init__(self, pattern: str, compiled: Any, *, ignore_case: bool) -> None:
        self.pattern = pattern
        self.ignore_case = ignore_case
        self.reach = min(MAX_WORK // max(compiled.programsize, 1), 1 << 20)
        """How many bytes of a line are searched."""
        self.unsearched = 0
        """In how many lines nothing was found so far as they were searched, but they go on."""
        texts = texts_of_regex(pattern, ignore_case=ignore_case)
        self.may_be_in = _quick_test(texts) if texts else _folded_test(pattern)
        """Tell quickly whether it can be found in UTF-8 text at all."""
        self._exact = texts is not None and texts.exact
        self._search = compiled.search

    def __repr__(self) -> str:
        return f"Pattern({self.pattern!r})"

    def is_in(self, data: bytes) -> bool:
        """Tell whether it is found in UTF-8 text."""
        if not self.may_be_in(data):
            return False
        if self._exact:
            return True
        if len(data) <= self.reach:
            return self._search(data) is not None
        if self._search(data, 0, self.reach) is not None:
            return True
        self.unsearched += 1
        return False

    def search(self, text: str) -> Found | None:
        """Return where it is found first in ``text``; None if it is not."""
        data = text.encode("utf-8", "surrogatepass")
        return next(self._all(data), None) if self.is_in(data) else None

    def finditer(self, text: str) -> Iterator[Found]:
        """Yield where it is found in ``text``, one behind the other, as far as time allows."""
        data = text.encode("utf-8", "surrogatepass")
        return self._all(data) if self.may_be_in(data) else iter(())

    def _all(self, data: bytes) -> Iterator[Found]:
        plain = data.isascii()
        pos, stop = 0, min(len(data), self.reach)
        work = MAX_WORK_OF_ALL // MAX_WORK * self.reach
        done = characters = 0  # how many characters so many bytes are
        while pos <= stop and work > 0:
            match = self._search(data, pos, stop)
            if match is None:
                break
            start, end = match.span()
            if plain:
                yield Found(start, end)
            else:
                first = characters + _count(data[done:start])
                done, characters = end, first + _count(data[start:end])
                yield Found(first, characters)
            work -= stop - pos
            pos = end
            if start == end:
                pos += 1
                while pos < stop and data[pos] & 0xC0 == 0x80:  # in the midst of a character
                    pos += 1
        if pos <= stop < len(data) or work <= 0:
            self.unsearched += 1


def _quick_test(texts: Texts) -> Callable[[bytes], object]:
    """Return what looks for texts without which a pattern is not found.

    Most lines hold none, and to look for it takes a fraction of a search.
    """
    needles = tuple(text.encode() for text in texts.texts)
    if len(needles) == 1:
        needle = needles[0]
        return lambda data: needle in data
    if len(needles) > MANY:
        return _any_of(texts.texts).search

    def found(data: bytes) -> bool:
        for needle in needles:  # noqa: SIM110 - any() takes as long as three of them
            if needle in data:
                return True
        return False

    return found


def _folded_test(pattern: str) -> Callable[[bytes], object]:
    """Return the same for a pattern that ignores case, wherever it does."""
    texts = texts_of_regex(pattern, fold=True)
    if texts is None:
        return lambda _: True
    found = _any_of(texts.texts, re.IGNORECASE).search
    # Beyond ASCII letters have other forms than these.
    return lambda data: found(data) or not data.isascii()


def _any_of(texts: tuple[str, ...], flags: int = 0) -> re.Pattern[bytes]:
    return re.compile(b"|".join(re.escape(text.encode()) for text in texts), flags)


def _count(data: bytes) -> int:
    return len(data.decode("utf-8", "surrogatepass"))


def compile_pattern(text: str, what: str, *, ignore_case: bool = False) -> Pattern:
    """Compile the regex ``text``; ``what`` names where it was given, such as ``--include``.

    Raises:
        QueryError: it is no regex, or has something that RE2 does not.
        ConfigError: it is too large.
    """
    if len(text) > MAX_LENGTH:
        raise ConfigError(f"{what}: the regex is longer than {MAX_LENGTH} characters")
    if _HUGE_REPEAT.search(text):
        raise ConfigError(f"{what}: {_TOO_LARGE}")
    # Loaded by those who give a regex.
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = not ignore_case
    try:
        # ^ and $ are a line's: an entry may have many.
        compiled = re2.compile(f"(?m){_translated(text)}", options)
    except re2.error as exc:
        raise _fault(text, what, _words(exc)) from None
    except UnicodeEncodeError:
        raise ConfigError(f"{what}: the regex is not valid text") from None
    if compiled.programsize > MAX_SIZE:
        raise ConfigError(f"{what}: {_TOO_LARGE}")
    return Pattern(text, compiled, ignore_case=ignore_case)


def as_pattern(regex: str | re.Pattern[str], what: str) -> Pattern:
    """Compile a regex, also one that a program compiled with ``re`` for itself.

    Raises:
        QueryError: it is no regex, or has something that RE2 does not.
        ConfigError: it is too large.
    """
    if isinstance(regex, str):
        return compile_pattern(regex, what)
    if regex.flags & re.VERBOSE:
        raise ConfigError(f"{what}: RE2 has no verbose regexes (re.VERBOSE)")
    letters = "".join(letter for letter, flag in _FLAGS if regex.flags & flag)
    return compile_pattern(f"(?{letters}){regex.pattern}" if letters else regex.pattern, what)


_FLAGS: Final = (("i", re.IGNORECASE), ("m", re.MULTILINE), ("s", re.DOTALL))
_TOO_LARGE: Final = "the regex is too large; repeat less, or give several"
# RE2 takes a number of so many digits for a text.
_HUGE_REPEAT: Final = re.compile(r"(?<!\\)\{[0-9]{9,}(?:,[0-9]*)?\}")

# --- from Python's spelling to RE2's ------------------------------------------------------------

_ESCAPES: Final = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(Z)|([_\x80-\U0010ffff])|[\s\S])"
)
_REPEATS: Final = re.compile(r"\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*+\]|\{,([0-9]+)\}")


def _translated(text: str) -> str:
    if "\\" in text:
        text = _ESCAPES.sub(_escape, text)
    if "{," in text:
        text = _REPEATS.sub(lambda match: f"{{0,{match[1]}}}" if match[1] else match[0], text)
    return text


def _escape(match: re.Match[str]) -> str:
    code, long_code, end, itself = match.groups()
    if code or long_code:
        return f"\\x{{{code or long_code}}}"
    return "\\z" if end else itself or match[0]


# --- what is wrong with it ----------------------------------------------------------------------

_ABSENT: Final = (
    (re.compile(r"\(\?<?[=!]"), "RE2 has no look-around; a query has 'not'"),
    (re.compile(r"\(\?P="), "RE2 has no back-references"),
    (re.compile(r"\(\?>"), "RE2 has no atomic groups, and needs none; use (?:…)"),
    (re.compile(r"\(\?\("), "RE2 has no conditions"),
    (re.compile(r"\(\?#"), "RE2 has no comments"),
    (re.compile(r"(?:[*+?]|\{[0-9,]+\})(\+)"), "RE2 has no possessive repeats, and needs none"),
    (re.compile(r"\\[1-9]"), "RE2 has no back-references"),
)
_ESCAPED: Final = re.compile(r"\\[^1-9]")


def _words(exc: Exception) -> str:
    words = exc.args[0] if exc.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def _fault(text: str, what: str, words: str) -> ConfigError:
    """Return the error for a regex that RE2 refuses with ``words``."""
    # Escapes are blanked, or "\(?=" were a look-ahead.
    bare = _ESCAPED.sub("  ", text)
    for form, reason in _ABSENT:
        if match := form.search(bare):
            return QueryError(f"{what}: unsupported regex: {reason}", text, match.start())
    if "too large" in words or "repeat count" in words or "nesting depth" in words:
        return ConfigError(f"{what}: {_TOO_LARGE}")
    # Python says where the fault is, if it sees one too.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(text)
        except re.error as exc:
            return QueryError(f"{what}: invalid regex: {exc.msg}", text, exc.pos or 0)
        except (RecursionError, OverflowError):
            return ConfigError(f"{what}: {_TOO_LARGE}")
    part = words.partition(": ")[2]
    if words.startswith("invalid repetition size"):
        words = "RE2 repeats at most 1000 times, nested repeats multiplied"
    return QueryError(f"{what}: invalid regex: {words}", text, max(0, text.find(part)))

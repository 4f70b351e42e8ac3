"""How bash sees the line that is completed: quotes, and where the word begins that it replaces.

bash hands a completion function words that it has split at ``=`` and ``:`` as well, and replaces
only what stands behind the last of these. So the script gives us the line itself.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Last", "split"]

_SPECIAL: Final = re.compile(r"""[\s"'\\$`!*?\[\](){}<>|&;#~]""")
_BLANK: Final = " \t\n"


class Last(NamedTuple):
    """The last word: how many of its characters bash leaves alone, and its open quote."""

    kept: int
    quote: str

    def replaced(self, word: str) -> str:
        """Return what is to take the place of what bash replaces, for the whole word."""
        rest = word[self.kept :]
        return rest if self.quote else _SPECIAL.sub(r"\\\g<0>", rest)


def split(breaks: str, line: str = "") -> tuple[list[str], Last]:
    """Return the words behind the command of a line that ends at the cursor, and the last one.

    ``breaks`` are the characters of ``COMP_WORDBREAKS``. Quotes and backslashes are taken off; what
    bash would expand stays as it is.
    """
    words: list[str] = []
    word: list[str] | None = None
    kept, quote = 0, ""
    characters = iter(line)
    for c in characters:
        if not quote and c in _BLANK:
            if word is not None:
                words.append("".join(word))
            word, kept = None, 0
            continue
        if word is None:
            word = []
        if c == quote:
            quote = ""
        elif not quote and c in "'\"":
            quote, kept = c, len(word)
        elif c == "\\" and quote != "'":
            word += next(characters, "")
        else:
            word.append(c)
            if not quote and c in breaks:
                kept = len(word)
    words.append("".join(word or ()))
    return words[1:] or [""], Last(kept, quote)

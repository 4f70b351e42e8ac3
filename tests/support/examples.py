"""What the pages show: the commands, what those print, and the Python.

A command is a line of an indented block, or of one that is fenced as ``console`` or ``sh``, that
begins with a known program or with ``$ ``; a backslash at its end goes on. Behind a ``$ `` line
stands what it prints. ``…`` is what is different each time. Nothing of a block that is fenced as
``text`` is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Block", "Command", "blocks", "commands", "pages", "shows"]

ROOT: Final = Path(__file__).parents[2]

# Of these, a line needs no prompt to be a command.
_PROGRAMS: Final = re.compile(r"(?:lobtail|docker|curl|source) ")
_FENCE: Final = re.compile(r" *```(\w*)")
# As in 'lobtail tail [OPTIONS] [SELECTOR]...'.
_SYNOPSIS: Final = re.compile(r"\[OPTIONS\]|\[[A-Z]+\]|\.\.\.$")


@dataclass(frozen=True)
class Block:
    """A piece of a page that is set as it is; ``kind`` is its language, or ``indented``."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command, and the lines that it prints, if the page shows them."""

    text: str
    line: int
    shown: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """Return the pages for users."""
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    found: list[Block] = []
    kind, text, start, before = "", "", 0, ""
    for number, line in enumerate([*page.read_text().splitlines(), ""], 1):
        fence = _FENCE.match(line)
        if kind not in ("", "indented"):  # in a fence
            if fence:
                found.append(Block(kind, text, start))
                kind = ""
            else:
                text += line + "\n"
            continue
        if kind == "indented" and line and not line.startswith("    "):
            found.append(Block(kind, text.rstrip("\n") + "\n", start))
            kind = ""
        if fence:
            kind, text, start = fence[1] or "text", "", number + 1
        elif kind == "indented":
            text += line[4:] + "\n"
        elif line.startswith("    ") and not before:
            kind, text, start = "indented", line[4:] + "\n", number
        before = line
    if kind == "indented":
        found.append(Block(kind, text.rstrip("\n") + "\n", start))
    return found


def commands(page: Path) -> list[Command]:
    """Return the commands of a page in their order."""
    found: list[Command] = []
    for block in blocks(page):
        if block.kind not in ("indented", "console", "sh"):
            continue
        lines = list(enumerate(block.text.splitlines(), block.line))
        current: Command | None = None
        while lines:
            number, line = lines.pop(0)
            prompted = line.startswith("$ ")
            if not prompted and (current is not None or not _PROGRAMS.match(line)):
                if current is not None:
                    current.shown.append(line)
                continue
            text = line.removeprefix("$ ")
            while text.endswith("\\") and lines:
                text += "\n" + lines.pop(0)[1]
            command = Command(text, number)
            if not _SYNOPSIS.search(text.split(" #")[0].rstrip()):
                found.append(command)
            # Without a prompt nothing tells what is printed from the next command.
            current = command if prompted else None
    return found


_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def shows(shown: list[str], printed: str) -> bool:
    """Tell whether what was printed is what a page shows; times differ, and ``…`` is anything."""
    while shown and not shown[-1].strip():
        shown = shown[:-1]
    pattern = ""
    for line in shown:
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
            continue
        # How wide columns are depends on what stands in them.
        words = [
            re.escape(_STAMP.sub("\0", word)).replace("\0", _STAMP.pattern) for word in line.split()
        ]
        pattern += r"[ ]*" + r"[ ]+".join(words).replace("…", ".*") + r"[ ]*\n"
    return re.search(f"^{pattern}", printed + "\n", re.MULTILINE) is not None

"""The table of levels in the documents is made from the lines of programs; run this to write it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from lobtail.model.levels import Level, detect_level
from support.programs import Program, programs

PAGE: Final = Path(__file__).parents[3] / "docs" / "levels.md"
HEADING: Final = "## What programs write\n\n"
_WIDTH: Final = 100
_RANKS: Final = {level.name.lower(): level for level in Level}


def _shown(raw: bytes) -> str:
    """Return a line as code in a table's cell."""
    text = re.sub(r"\s+", " ", re.sub(r"\x1b\[[\d;]*m", "", raw.decode())).strip()
    text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}".replace("|", r"\|")


def _rows(program: Program) -> list[str]:
    """Return a row for each level that a line of the program shows by itself."""
    lines: dict[str, bytes] = {}
    for entry in program.entries:
        line = entry.lines[0]
        if entry.level != "unknown" and detect_level(line) is _RANKS[entry.level]:
            best = lines.setdefault(entry.level, line)
            if best[:1] == b"{" != line[:1]:  # text is read with more ease
                lines[entry.level] = line
    shown = sorted(lines, key=_RANKS.__getitem__)
    names = [f"[{program.title}]({program.format})", *[""] * len(shown)]
    return [
        f"| {name} | {level} | {_shown(lines[level])} |"
        for name, level in zip(names, shown, strict=False)
    ]


def table() -> str:
    rows = [
        row
        for program in sorted(programs(), key=lambda p: p.title.lower())
        for row in _rows(program)
    ]
    return "\n".join(["| program | level | line |", "| --- | --- | --- |", *rows]) + "\n"


def test_the_documents_have_all_programs() -> None:
    assert PAGE.read_text().endswith(HEADING + table()), "run this file to write the table anew"


def test_the_names_of_levels_in_the_documents_are_names() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert {name for name, _ in rows} == _RANKS.keys() - {"unknown"}
    for name, others in rows:
        assert {Level.parse(other) for other in others.split(", ")} == {_RANKS[name]}


if __name__ == "__main__":
    page = PAGE.read_text()
    PAGE.write_text(page[: page.index(HEADING)] + HEADING + table())

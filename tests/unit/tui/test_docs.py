"""The table of keys in the documents is that of the code."""

from __future__ import annotations

import sys
from pathlib import Path

from lobtail.tui.state.keys import KEYS, TITLES, shown_keys

PAGE = Path(__file__).parents[3] / "docs" / "ui.md"


def shown(keys: str) -> str:
    return f"`{shown_keys(keys, '` `')}`"


def tables() -> str:
    parts = []
    for where, title in TITLES.items():
        rows = [f"| {shown(k.keys)} | `{k.name}` | {k.words} |" for k in KEYS if k.where == where]
        parts.append(
            "\n".join([f"### {title}", "", "| keys | name | does |", "| --- | --- | --- |", *rows])
        )
    return "\n\n".join(parts)


def test_the_documents_have_all_keys() -> None:
    assert tables() in PAGE.read_text(), "run this file to write the tables anew"


if __name__ == "__main__":
    text = PAGE.read_text()
    start = text.index("KEYTABLE") if "KEYTABLE" in text else text.index("### ")
    end = start + len("KEYTABLE") if "KEYTABLE" in text else text.index("\n\nNames are those")
    PAGE.write_text(text[:start] + tables() + text[end:])
    sys.exit(0)

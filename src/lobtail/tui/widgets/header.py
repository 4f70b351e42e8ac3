"""The line at the top: which engine, whether it answers, what runs there."""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from lobtail.core.sanitize import sanitize

__all__ = ["HeaderLine"]


class HeaderLine(Static):
    """Says where one is."""

    DEFAULT_CSS = """
    HeaderLine { height: 1; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._said: tuple[object, ...] = ()

    def show(
        self, *, about: str, error: str, connected: bool, running: int, total: int, read_only: bool
    ) -> None:
        """Say something else, if it is something else."""
        said = (about, error, connected, running, total, read_only, self.size.width)
        if said == self._said:
            return
        self._said = said
        left = Text(no_wrap=True)
        left.append("lobtail", "bold")
        if error:
            left.append("  ✗ ", "bold red")
            left.append(f"no connection, trying again: {sanitize(error)}", "red")
        elif connected:
            left.append("  ● ", "green")
            left.append(sanitize(about))
        else:
            left.append("  … connecting", "dim")
        right = Text(f"  {running} of {total} run", "dim") if total else Text()
        if read_only:
            right.append("  read-only", "bold yellow")
        room = max(self.size.width - 2 - right.cell_len, 0)
        left.truncate(room, overflow="ellipsis")
        gap = " " * (room - left.cell_len)
        self.update(Content.from_rich_text(Text.assemble(left, gap, right)))

"""What keeps a log from being read, in full, while there is none of it to be seen."""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from lobtail.model.sanitize import sanitize

__all__ = ["ErrorBanner"]


class ErrorBanner(Static):
    """Says what is the matter; takes no room while all is well."""

    DEFAULT_CSS = """
    ErrorBanner { height: auto; padding: 1 2; background: $background; display: none; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._said = ""

    def show(self, error: str) -> None:
        """Say something else, or nothing."""
        if error != self._said:
            self._said = error
            text = Text.assemble(("✗ ", "bold red"), sanitize(error), ("  Trying again …", "dim"))
            self.update(Content.from_rich_text(text))
            self.display = bool(error)

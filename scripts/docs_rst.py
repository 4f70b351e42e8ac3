"""For the site: docstrings mark a literal block by `::`, which Markdown would show."""

from typing import Any

import griffe


class Literal(griffe.Extension):
    """Takes the mark away; the block is indented, as Markdown wants it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object that was loaded."""
        if obj.docstring is not None:
            lines = obj.docstring.value.split("\n")
            obj.docstring.value = "\n".join(line for line in lines if line.strip() != "::")

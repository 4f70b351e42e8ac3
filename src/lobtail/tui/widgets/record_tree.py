"""A tree of names and values, in which nothing acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from lobtail.core.sanitize import sanitize
from lobtail.tui.state.record import Node

__all__ = ["RecordTree"]

_MOST = 4000
_COLORS = {"str": "green", "number": "cyan", "word": "magenta"}


class RecordTree(Tree[Node]):
    """Shows nodes; what is open stays open when others of the same names are shown."""

    DEFAULT_CSS = """
    RecordTree { height: 1fr; padding: 0 1; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__("")
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = True

    def show(self, nodes: Iterable[Node], opened: Callable[[Node], bool]) -> None:
        """Show other nodes, with those that are ``opened`` open."""
        at = self.cursor_line
        self.clear()
        for node in nodes:
            self._put(self.root, node, opened)
        self.root.expand()
        self.cursor_line = max(at, 0)

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        found = self.cursor_node
        return found.data if found is not None else None

    def _put(self, parent: TreeNode[Node], node: Node, opened: Callable[[Node], bool]) -> None:
        label = Text(sanitize(node.name), style="bold" if node.children else "")
        if node.value:
            label.append(": ", style="dim")
            label.append(sanitize(node.value)[:_MOST], style=_COLORS.get(node.kind, ""))
        if not node.children:
            parent.add_leaf(label, node)
            return
        branch = parent.add(label, node, expand=opened(node))
        for child in node.children:
            self._put(branch, child, opened)

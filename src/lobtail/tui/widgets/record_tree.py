"""A tree of names and values, in which nothing acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from lobtail.model.sanitize import sanitize
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

    def action_first(self) -> None:
        """Go to the first node."""
        self.cursor_line = 0

    def action_last(self) -> None:
        """Go to the last node that is seen."""
        self.cursor_line = self.last_line

    def action_open(self) -> None:
        """Open the node under the cursor; go to its first child if it is open."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if node.is_expanded:
            self.action_cursor_down()
        else:
            node.expand()

    def action_close(self) -> None:
        """Close the node under the cursor; go to what it is in if there is nothing to close."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.move_cursor(node.parent)

    def _put(self, parent: TreeNode[Node], node: Node, opened: Callable[[Node], bool]) -> None:
        label = Text(sanitize(node.name), style="bold" if node.children else "")
        if node.value:
            label.append(": ", style="dim")
            value = node.value.expandtabs(4) if node.kind == "line" else node.value
            label.append(sanitize(value)[:_MOST], style=_COLORS.get(node.kind, ""))
        if not node.children:
            parent.add_leaf(label, node)
            return
        branch = parent.add(label, node, expand=opened(node))
        for child in node.children:
            self._put(branch, child, opened)

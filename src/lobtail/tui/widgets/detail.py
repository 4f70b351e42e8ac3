"""A line looked at closely: its whole text, and what is known of it as a tree."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from lobtail.core.model import Item, Line
from lobtail.core.sanitize import sanitize
from lobtail.render.words import mark_words
from lobtail.tui.state.record import Node, record_of, term_for
from lobtail.tui.widgets.drawing import safe_text
from lobtail.tui.widgets.record_tree import RecordTree
from lobtail.tui.widgets.segments import segments_of

__all__ = ["Detail"]

_MOST = 4000


class Detail(Vertical):
    """Shows one item. ``Filtered`` asks for lines with a value, or for those without it."""

    DEFAULT_CSS = """
    Detail {
        height: 45%; min-height: 8; display: none;
        border-top: solid $primary; background: $surface;
    }
    Detail.open { display: block; }
    Detail .text { height: auto; max-height: 4; padding: 0 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "keep", "filter by this", tooltip="show only lines with this value"),
        Binding("F,minus", "leave_out", "filter it out", tooltip="hide lines with this value"),
        Binding("y", "copy", "copy", tooltip="copy the value"),
        Binding("escape,q", "close", "close"),
    ]

    class Filtered(Message):
        """A field was turned into a filter."""

        def __init__(self, term: str) -> None:
            super().__init__()
            self.term = term

    def __init__(self, back: Widget) -> None:
        super().__init__()
        self._back = back

    def compose(self) -> ComposeResult:
        """Make the text and the tree."""
        yield Static(classes="text", markup=False)
        yield RecordTree()

    @property
    def fields(self) -> RecordTree:
        """The tree of what is known."""
        return self.query_one(RecordTree)

    def show(self, item: Item) -> None:
        """Look at an item."""
        if isinstance(item, Line):
            text = safe_text(item)[:_MOST]
            shown = Text.assemble(*((s.text, s.style or Style()) for s in segments_of(text)))
        else:
            shown = Text(mark_words(item))
        self.query_one(".text", Static).update(Content.from_rich_text(shown))
        self.fields.show(record_of(item), lambda node: node.name not in ("container", "labels"))
        self.add_class("open")

    @property
    def _node(self) -> Node | None:
        return self.fields.node

    def action_keep(self) -> None:
        """Show only lines with the value under the cursor."""
        if self._node is not None and (term := term_for(self._node)):
            self.post_message(self.Filtered(term))
        else:
            self.app.bell()

    def action_leave_out(self) -> None:
        """Show only lines without it."""
        if self._node is not None and (term := term_for(self._node, without=True)):
            self.post_message(self.Filtered(term))
        else:
            self.app.bell()

    def action_copy(self) -> None:
        """Copy the value."""
        if self._node is not None:
            self.app.copy_to_clipboard(sanitize(self._node.value or self._node.name))

    def action_close(self) -> None:
        """Hide."""
        self.remove_class("open")
        self.screen.set_focus(self._back)

"""A line looked at closely: its whole text, and what is known of it as a tree."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from lobtail.model.items import Item, Line
from lobtail.model.sanitize import sanitize
from lobtail.render.words import mark_words
from lobtail.tui.state.record import Node, record_of, term_for
from lobtail.tui.widgets.bindings import bindings_of
from lobtail.tui.widgets.drawing import beginning, safe_text
from lobtail.tui.widgets.record_tree import RecordTree
from lobtail.tui.widgets.segments import segments_of

__all__ = ["Detail"]

_MOST: Final = 4000
# Characters of what was copied that are said.
_SAID: Final = 60


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
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("fields")]

    class Filtered(Message):
        """A field was turned into a filter."""

        def __init__(self, term: str) -> None:
            super().__init__()
            self.term = term

    class Stepped(Message):
        """Another line is to be looked at, so many further on."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

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
            text = beginning(safe_text(item.head), _MOST)  # all lines are among its fields
            shown = Text.assemble(*((s.text, s.style or Style()) for s in segments_of(text)))
        else:
            shown = Text(mark_words(item))
        self.query_one(".text", Static).update(Content.from_rich_text(shown))
        self.fields.show(record_of(item), lambda node: node.name not in ("container", "labels"))
        self.add_class("open")

    @property
    def _node(self) -> Node | None:
        return self.fields.node

    def action_field_down(self) -> None:
        """Go to the next field."""
        self.fields.action_cursor_down()

    def action_field_up(self) -> None:
        """Go to the previous field."""
        self.fields.action_cursor_up()

    def action_field_top(self) -> None:
        """Go to the first field."""
        self.fields.action_first()

    def action_field_end(self) -> None:
        """Go to the last field."""
        self.fields.action_last()

    def action_field_open(self) -> None:
        """Open what has fields of its own."""
        self.fields.action_open()

    def action_field_close(self) -> None:
        """Close it, or go to what it is in."""
        self.fields.action_close()

    def action_next_line(self) -> None:
        """Look at the next line."""
        self.post_message(self.Stepped(1))

    def action_previous_line(self) -> None:
        """Look at the previous line."""
        self.post_message(self.Stepped(-1))

    def action_keep(self) -> None:
        """Show only lines with the value under the cursor."""
        self._filter(without=False)

    def action_leave_out(self) -> None:
        """Show only lines without it."""
        self._filter(without=True)

    def _filter(self, *, without: bool) -> None:
        node = self._node
        if node is not None and (term := term_for(node, without=without)):
            self.post_message(self.Filtered(term))
        elif node is not None:
            self._say(f"{sanitize(node.name)} has no value to filter by: go to one of its fields")

    def action_copy_value(self) -> None:
        """Copy the value."""
        if self._node is not None:
            text = sanitize(self._node.value or self._node.name)
            self.app.copy_to_clipboard(text)
            self._say(f"copied {text[:_SAID]}{'…' if len(text) > _SAID else ''}")

    def _say(self, words: str) -> None:
        self.notify(words, timeout=2, markup=False)

    def action_close_fields(self) -> None:
        """Hide."""
        self.remove_class("open")
        self.screen.set_focus(self._back)

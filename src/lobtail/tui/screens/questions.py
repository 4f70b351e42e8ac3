"""Screens over the screen: a question, a menu, all keys, the progress of a pull."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from lobtail.model.sanitize import sanitize
from lobtail.tui.state.keys import TITLES, keys_of, shown_keys

__all__ = ["ConfirmScreen", "HelpScreen", "MenuScreen"]

_HELP_WIDTH: Final = 84
_BOX = """
    {name} {{ align: center middle; background: $background 60%; }}
    {name} > .box {{
        width: {width}; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 1 2;
    }}
    {name}.-low > .box {{ max-width: 100%; max-height: 100%; padding: 0 1; }}
"""


class ConfirmScreen(ModalScreen[bool]):
    """Asks whether something is to be done by which something is lost."""

    DEFAULT_CSS = (
        _BOX.format(name="ConfirmScreen", width="60")
        + """
    ConfirmScreen Horizontal { height: auto; align-horizontal: center; margin-top: 1; }
    ConfirmScreen Button { margin: 0 2; min-width: 12; }
    ConfirmScreen.-low Horizontal { margin-top: 0; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q,ctrl+c", "answer(False)", "no"),
        Binding("left,right,h,l,tab", "app.focus_next", "other"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = sanitize(question)

    def compose(self) -> ComposeResult:
        """Put the question and its answers together."""
        with Vertical(classes="box"):
            yield Static(Content(self._question), markup=False)
            with Horizontal():
                yield Button("Yes (y)", variant="error", id="yes", compact=True)
                yield Button("No (n)", variant="primary", id="no", compact=True)

    def on_mount(self) -> None:
        """Let Enter mean no until somebody says otherwise."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer."""
        self.dismiss(answer)


class MenuScreen(ModalScreen[str]):
    """Lets one of several things be chosen; gives its name, or nothing."""

    DEFAULT_CSS = (
        _BOX.format(name="MenuScreen", width="74")
        + """
    MenuScreen OptionList, MenuScreen OptionList:focus {
        height: auto; max-height: 20; background: $surface; border: none; padding: 0;
    }
    MenuScreen .title { text-style: bold; margin-bottom: 1; }
    MenuScreen.-low > .box { height: 100%; }
    MenuScreen.-low OptionList, MenuScreen.-low OptionList:focus { height: 1fr; }
    MenuScreen.-low .title { margin-bottom: 0; max-height: 1; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,x,ctrl+c", "leave", "close"),
        Binding("j", "move(1)", "down"),
        Binding("k", "move(-1)", "up"),
    ]

    def __init__(self, title: str, options: list[tuple[str, str, str]]) -> None:
        """``options`` are names, keys, and words."""
        super().__init__()
        self._title = sanitize(title)
        self._choices = options

    def compose(self) -> ComposeResult:
        """Put title and options together."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="title", markup=False)
            yield OptionList(
                *(
                    Option(Text.assemble((f"{key:>10}  ", "bold cyan"), words), id=name)
                    for name, key, words in self._choices
                ),
                markup=False,
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the choice."""
        self.dismiss(event.option_id or "")

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss("")

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        options = self.query_one(OptionList)
        (options.action_cursor_down if step > 0 else options.action_cursor_up)()


class HelpScreen(ModalScreen[None]):
    """Lists the keys, those of the part with the focus first; ``/`` searches them."""

    DEFAULT_CSS = (
        _BOX.format(name="HelpScreen", width=str(_HELP_WIDTH))
        + """
    HelpScreen VerticalScroll { height: auto; max-height: 100%; }
    HelpScreen Input { height: 1; border: none; padding: 0; background: $surface; display: none; }
    HelpScreen Input:focus { border: none; }
    HelpScreen Input.open { display: block; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,ctrl+c", "leave", "close"),
        Binding("slash", "search", "search"),
        Binding("enter", "read", "read on"),
        Binding("j", "scroll(1)", "down"),
        Binding("k", "scroll(-1)", "up"),
    ]

    def __init__(self, keymap: dict[str, str], first: str) -> None:
        """Make the screen; the part called ``first`` in ``TITLES`` comes first."""
        super().__init__()
        self._keymap = keymap
        self._first = first
        self._table = Static(markup=False)
        self._search = Input(compact=True, placeholder="search the keys")
        self._scroll = VerticalScroll(self._table, can_focus=True)

    def compose(self) -> ComposeResult:
        """Put the parts together."""
        with Vertical(classes="box"):
            yield self._search
            yield self._scroll

    def on_mount(self) -> None:
        """Show all keys."""
        self._scroll.focus()
        self._show()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._show()

    def on_input_changed(self) -> None:
        """Show what is searched."""
        self._show()

    def _show(self) -> None:
        # Border, padding and the scrollbar take the rest.
        columns = min(_HELP_WIDTH, self.app.size.width * 95 // 100) - 7
        parts = sorted(TITLES, key=lambda where: (where != self._first, where != "app"))
        text = help_text(parts, self._search.value, self._keymap, columns)
        self._table.update(Content.from_rich_text(text))

    def action_search(self) -> None:
        """Search the keys while typing."""
        self._search.add_class("open")
        self._search.focus()

    def action_read(self) -> None:
        """Go on with what has been found."""
        self._scroll.focus()

    def on_input_submitted(self) -> None:
        """Go on with what has been found."""
        self._scroll.focus()

    def action_leave(self) -> None:
        """Clear the search, or close."""
        if self._search.has_class("open"):
            self._search.value = ""
            self._search.remove_class("open")
            self._scroll.focus()
        else:
            self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Scroll."""
        self._scroll.scroll_relative(y=3 * step, animate=False)


def help_text(parts: Sequence[str], search: str, keymap: Mapping[str, str], columns: int) -> Text:
    """Return the keys of some parts in which all words of ``search`` are found."""
    words = search.lower().split()
    room = 26 if columns >= 60 else 16
    text, found = Text(), False
    text.append(f"/ search   Esc {'clear' if words else 'close'}\n\n", "dim")
    for where in parts:
        rows = []
        for key in keys_of(where):
            keys = shown_keys(keymap.get(key.name, key.keys))
            said = f"{TITLES[where]} {keys} {key.name} {key.words}".lower()
            if all(word in said for word in words):
                rows.append((keys, key.words))
        if not rows:
            continue
        text.append(f"{TITLES[where]}\n", "bold cyan")
        for keys, said in rows:
            first, *more = textwrap.wrap(said, max(columns - room, 10))
            gap = " " * (room - len(keys) - 2) if len(keys) < room - 2 else f"\n{'':{room}}"
            text.append(f"  {keys}", "bold").append(f"{gap}{first}\n")
            for line in more:
                text.append(f"{'':{room}}{line}\n")
        text.append("\n")
        found = True
    if not found:
        text.append("no match")
    return text

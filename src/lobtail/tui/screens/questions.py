"""Screens over the screen: a question, a menu, all keys, the progress of a pull."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from lobtail.core.sanitize import sanitize
from lobtail.tui.state.keys import TITLES, keys_of, shown_keys

__all__ = ["ConfirmScreen", "HelpScreen", "MenuScreen"]

_BOX = """
    {name} {{ align: center middle; background: $background 60%; }}
    {name} > .box {{
        width: {width}; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 1 2;
    }}
"""


class ConfirmScreen(ModalScreen[bool]):
    """Asks whether something is to be done by which something is lost."""

    DEFAULT_CSS = (
        _BOX.format(name="ConfirmScreen", width="60")
        + """
    ConfirmScreen Horizontal { height: auto; align-horizontal: center; margin-top: 1; }
    ConfirmScreen Button { margin: 0 2; min-width: 12; }
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
    """Shows all keys."""

    DEFAULT_CSS = (
        _BOX.format(name="HelpScreen", width="84")
        + """
    HelpScreen VerticalScroll { height: auto; max-height: 100%; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,ctrl+c", "leave", "close"),
        Binding("j", "scroll(1)", "down"),
        Binding("k", "scroll(-1)", "up"),
    ]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """Write the table."""
        text = Text()
        for where, title in TITLES.items():
            text.append(f"{title}\n", "bold cyan")
            for key in keys_of(where):
                keys = shown_keys(self._keymap.get(key.name, key.keys))
                text.append(f"  {keys:<24}", "bold")
                text.append(f" {key.words}\n")
            text.append("\n")
        with Vertical(classes="box"), VerticalScroll(can_focus=True):
            yield Static(Content.from_rich_text(text), markup=False)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=3 * step, animate=False)

"""A line to type into, at the bottom of the screen: searches, filters, times, names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from lobtail.model.sanitize import sanitize
from lobtail.tui.widgets.bindings import press

__all__ = ["Ask", "Prompt"]


# What the keys do that move and delete in a line of text.
_EDITING: Final = {binding.key: binding.action for binding in Binding.make_bindings(Input.BINDINGS)}
# What keys do also while something is typed.
_ALWAYS: Final = ("quit", "suspend")
# Columns around title, text and hint, and for the cursor.
_BETWEEN: Final = 8


class Ask(msgspec.Struct, kw_only=True):
    """What is asked for, and what to do with the answer."""

    title: str
    text: str = ""
    hint: str = ""
    note: Callable[[str], str] = lambda _: ""
    """Called with each text that is right; what it means, to be said below it."""
    typed: Callable[[str], str] = lambda _: ""
    """Called with each text, and with the answer; returns what is wrong with it, or nothing."""
    live: bool = False
    """Whether ``typed`` applies the text at once, so that a click elsewhere keeps it."""
    done: Callable[[str], object]
    """Called with the answer; not as long as something is wrong with it."""
    left: Callable[[], object] = lambda: None
    """Called when the question is given up."""


class _Field(Input):
    """The text; the prompt types into it."""

    def put(self, text: str) -> None:
        """Put a text where the cursor is, or in place of what is selected."""
        if self.selection.is_empty:
            self.insert_text_at_cursor(text)
        else:
            self.replace(text, *self.selection)

    def on_blur(self, _event: events.Blur) -> None:
        """Close the question when the focus has gone elsewhere."""
        # The terminal's own window may lose the focus while somebody copies what to type.
        if self.app.app_focus and self.screen.focused is not self:
            self.post_message(Prompt.Deserted())


class Prompt(Widget):
    """Asks one thing at a time; hidden otherwise.

    While it asks, the application gives it every key (``take_key``) as soon as the key comes: none
    waits in a queue, from where it could get to another widget after the focus has moved.
    """

    class Deserted(Message):
        """The focus is no longer in the prompt."""

    DEFAULT_CSS = """
    Prompt { layer: over; dock: bottom; height: auto; display: none; background: $surface; }
    Prompt Horizontal { height: 1; }
    Prompt .title {
        width: auto; padding: 0 1;
        background: $primary; color: $background; text-style: bold;
    }
    Prompt Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $surface; }
    Prompt Input:focus { border: none; }
    Prompt .hint {
        width: auto; max-width: 60%; padding: 0 1; color: $text-muted;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    Prompt .fault { height: auto; padding: 0 1; color: $text-error; display: none; }
    Prompt .fault.there { display: block; }
    Prompt .fault.note { color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ask: Ask | None = None
        self._before: Widget | None = None
        self._history: dict[str, list[str]] = {}
        self._recalled = 0
        self._judged = ""
        self._field = _Field(compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Make the line."""
        with Horizontal():
            yield Static(classes="title", markup=False)
            yield self._field
            yield Static(classes="hint", markup=False)
        yield Static(classes="fault", markup=False)

    @property
    def open(self) -> bool:
        """Whether something is asked."""
        return self._ask is not None

    def ask(self, ask: Ask) -> None:
        """Ask something."""
        if self._ask is None:
            self._before = self.screen.focused
        self._ask = ask
        self._recalled = 0
        self.display = True
        self.query_one(".title", Static).update(Content(ask.title))
        field = self._field
        with field.prevent(Input.Changed):
            field.value = ask.text
        field.cursor_position = len(ask.text)
        # At once: what is typed next is for this field.
        self.screen.set_focus(field)
        self._judge(ask.text)

    async def take_key(self, event: events.Key) -> None:
        """Do what a key means to the prompt; a key that it does not know does nothing."""
        ask, field = self._ask, self._field
        if ask is None:
            return
        self.screen.set_focus(field)
        key = event.key
        if key == "enter":
            self._submit(ask, field.value)
        elif key in ("escape", "ctrl+c"):
            self._close()
            ask.left()
        elif key in ("up", "down"):
            self._recall(ask.title, 1 if key == "up" else -1)
        elif event.is_printable and event.character is not None:
            field.put(event.character)
        elif key in _EDITING:
            await field.run_action(_EDITING[key])
        elif (active := self.screen.active_bindings.get(key)) and active.binding.id in _ALWAYS:
            await press(self.app, key)

    def take_paste(self, text: str) -> None:
        """Type the first line of what is pasted."""
        if lines := text.splitlines():
            self._field.put(lines[0])

    def desert(self) -> None:
        """Close without an answer; what has been applied while typing stays."""
        ask = self._ask
        if ask is None:
            return
        if ask.live:
            self._remember(ask.title, self._field.value)
        self._close()
        if not ask.live:
            ask.left()

    def on_prompt_deserted(self, event: Deserted) -> None:
        """Close unless the focus is back."""
        event.stop()
        if self.open and self.screen.focused is not self._field:
            self.desert()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try the text that is typed: the newest one, however many keys have come since."""
        event.stop()
        if self._field.value != self._judged:
            self._judge(self._field.value)

    def _judge(self, text: str) -> str:
        """Have a text tried; return, and show, what is wrong with it."""
        if self._ask is None:
            return ""
        self._judged = text
        fault = self._ask.typed(text)
        line = self.query_one(".fault", Static)
        note = self._ask.note(text) if text.strip() and not fault else ""
        line.set_class(bool(fault or note), "there")
        line.set_class(bool(note), "note")
        lines = "\n".join(map(sanitize, (fault or note).split("\n")))
        line.update(Content.from_rich_text(Text(lines)))
        hint = self.query_one(".hint", Static)
        hint.update(Content(self._ask.hint))
        # What is typed needs the room more than the words on what could be.
        taken = cell_len(self._ask.title) + cell_len(text) + cell_len(self._ask.hint) + _BETWEEN
        hint.display = taken <= self.screen.size.width
        return fault

    def _submit(self, ask: Ask, text: str) -> None:
        if self._judge(text):
            return
        self._remember(ask.title, text)
        self._close()
        ask.done(text)

    def _close(self) -> None:
        self._ask = None
        self.display = False
        if self.screen.focused in (None, self._field):
            back = self._before
            self.screen.set_focus(back if back is not None and back.is_attached else None)
        self._before = None

    def _remember(self, title: str, text: str) -> None:
        known = self._history.setdefault(title, [])
        if text and (not known or known[-1] != text):
            known.append(text)
            del known[:-100]

    def _recall(self, title: str, step: int) -> None:
        known = self._history.get(title, [])
        self._recalled = min(max(self._recalled + step, 0), len(known))
        field = self._field
        field.value = known[-self._recalled] if self._recalled else ""
        field.cursor_position = len(field.value)

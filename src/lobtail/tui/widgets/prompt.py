"""A line to type into, at the bottom of the screen: searches, filters, times, names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from lobtail.core.sanitize import sanitize
from lobtail.tui.widgets.bindings import press

__all__ = ["Ask", "Prompt"]


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
    done: Callable[[str], object]
    """Called with the answer; not as long as something is wrong with it."""
    left: Callable[[], object] = lambda: None
    """Called when the question is given up."""


class _Field(Input):
    """The text. Keys are dealt with in the order in which they come, however fast."""

    async def _on_key(self, event: events.Key) -> None:
        prompt = self.parent and self.parent.parent
        assert isinstance(prompt, Prompt)
        if not prompt.open:
            # Typed ahead, when the answer was on its way.
            again = events.Key(event.key, event.character)
            event.stop()
            event.prevent_default()
            self.app.post_message(again)
        elif not event.is_printable:
            event.stop()
            event.prevent_default()
            if not prompt.take_key(event.key):
                # Here, not when it has gone up to the application: letters behind it are waiting.
                await press(self.app, event.key)


class Prompt(Widget):
    """Asks one thing at a time; hidden otherwise."""

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

    def compose(self) -> ComposeResult:
        """Make the line."""
        with Horizontal():
            yield Static(classes="title", markup=False)
            yield _Field(compact=True, select_on_focus=False)
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
        field = self.query_one(_Field)
        with field.prevent(Input.Changed):
            field.value = ask.text
        field.cursor_position = len(ask.text)
        # At once: what is typed next is for this field.
        self.screen.set_focus(field)
        self._judge(ask.text)

    def take_key(self, key: str) -> bool:
        """Do what a key means to the prompt; tell whether it means something."""
        ask = self._ask
        if ask is None:
            return False
        if key == "enter":
            self._submit(ask, self.query_one(_Field).value)
        elif key in ("escape", "ctrl+c"):
            self._close()
            ask.left()
        elif key in ("up", "down"):
            self._recall(ask.title, 1 if key == "up" else -1)
        else:
            return False
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try the text that is typed."""
        event.stop()
        self._judge(event.value)

    def _judge(self, text: str) -> str:
        """Have a text tried; return, and show, what is wrong with it."""
        if self._ask is None:
            return ""
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
        if self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self._before = None

    def _remember(self, title: str, text: str) -> None:
        known = self._history.setdefault(title, [])
        if text and (not known or known[-1] != text):
            known.append(text)
            del known[:-100]

    def _recall(self, title: str, step: int) -> None:
        known = self._history.get(title, [])
        self._recalled = min(max(self._recalled + step, 0), len(known))
        field = self.query_one(_Field)
        field.value = known[-self._recalled] if self._recalled else ""
        field.cursor_position = len(field.value)

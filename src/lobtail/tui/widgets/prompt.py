"""A line to type into, at the bottom of the screen: searches, filters, times, names."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from lobtail.core.sanitize import sanitize

__all__ = ["Ask", "Prompt"]


class Ask(msgspec.Struct, kw_only=True):
    """What is asked for, and what to do with the answer."""

    title: str
    text: str = ""
    hint: str = ""
    typed: Callable[[str], str] = lambda _: ""
    """Called with each text; returns what is wrong with it, or nothing."""
    done: Callable[[str], object]
    """Called with the answer; not as long as something is wrong with it."""
    left: Callable[[], object] = lambda: None
    """Called when the question is given up."""


class Prompt(Widget):
    """Asks one thing at a time; hidden otherwise."""

    DEFAULT_CSS = """
    Prompt { height: auto; display: none; background: $surface; }
    Prompt Horizontal { height: 1; }
    Prompt .title {
        width: auto; padding: 0 1;
        background: $primary; color: $background; text-style: bold;
    }
    Prompt Input { height: 1; border: none; padding: 0 1; background: $surface; }
    Prompt Input:focus { border: none; }
    Prompt .hint { width: auto; padding: 0 1; color: $text-muted; }
    Prompt .fault { height: auto; padding: 0 1; color: $text-error; display: none; }
    Prompt .fault.there { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ask: Ask | None = None
        self._before: Widget | None = None
        self._history: dict[str, list[str]] = {}
        self._recalled = 0
        self._fault = ""

    def compose(self) -> ComposeResult:
        """Make the line."""
        with Horizontal():
            yield Static(classes="title", markup=False)
            yield Input(compact=True, select_on_focus=False)
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
        self.query_one(".hint", Static).update(Content(ask.hint))
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = ask.text
        field.cursor_position = len(ask.text)
        # At once: what is typed next is for this field.
        self.screen.set_focus(field)
        self._judge(ask.typed(ask.text))

    def _judge(self, fault: str) -> None:
        self._fault = fault
        line = self.query_one(".fault", Static)
        line.set_class(bool(fault), "there")
        lines = "\n".join(map(sanitize, fault.split("\n")))
        line.update(Content.from_rich_text(Text(lines)))

    def _close(self) -> None:
        self._ask = None
        self.display = False
        if self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self._before = None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try the text that is typed."""
        event.stop()
        if self._ask is not None:
            self._judge(self._ask.typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer, unless something is wrong with it."""
        event.stop()
        ask = self._ask
        if ask is None or self._fault:
            return
        self._remember(ask.title, event.value)
        self._close()
        ask.done(event.value)

    def on_key(self, event: events.Key) -> None:
        """Give up, or take up an earlier answer."""
        ask = self._ask
        if ask is None:
            return
        if event.key == "escape":
            event.stop()
            self._close()
            ask.left()
        elif event.key in ("up", "down"):
            event.stop()
            self._recall(ask.title, 1 if event.key == "up" else -1)

    def _remember(self, title: str, text: str) -> None:
        known = self._history.setdefault(title, [])
        if text and (not known or known[-1] != text):
            known.append(text)
            del known[:-100]

    def _recall(self, title: str, step: int) -> None:
        known = self._history.get(title, [])
        self._recalled = min(max(self._recalled + step, 0), len(known))
        field = self.query_one(Input)
        field.value = known[-self._recalled] if self._recalled else ""
        field.cursor_position = len(field.value)

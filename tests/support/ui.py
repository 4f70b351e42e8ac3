"""`lobtail ui` on a terminal: what its lists, questions and notices say."""

from __future__ import annotations

import os
from collections.abc import Mapping

from support.engines import LOBTAIL, TestEngine
from support.screen import Screen

PANELS = {"projects": "1", "containers": "2", "images": "3", "volumes": "4", "networks": "5"}
# A notice's left edge, and how wide the text beside it is.
_EDGE, _WIDTH = "▌", 58


class Ui(Screen):
    """The terminal client, on a screen so wide that notices hide nothing of the lists."""

    def __init__(self, *args: str, env: Mapping[str, str], engines: tuple[str, ...] = ()) -> None:
        env = {**env, "LOBTAIL_CONFIG": os.devnull, "TERM": "xterm-256color"}
        super().__init__([*LOBTAIL, *engines, "ui", *args], env, columns=160, rows=50)

    @property
    def notices(self) -> list[str]:
        """The notices that are shown, each as one line."""
        found: list[list[str]] = [[]]
        for line in self.text.split("\n"):
            at = line.find(_EDGE)
            words = line[at + 1 : at + 1 + _WIDTH].strip() if at >= 0 else ""
            if words:
                found[-1].append(words)
            elif found[-1]:
                found.append([])
        return [" ".join(each) for each in found if each]

    def said(self, *parts: str) -> str:
        """Wait for a notice with all these parts; return it. There may be only one like it.

        Long words are broken anywhere, so spaces do not count.
        """
        wanted = [squeezed(part) for part in parts]

        def fitting() -> list[str]:
            return [n for n in self.notices if all(part in squeezed(n) for part in wanted)]

        self.until(lambda _: fitting())
        notices = fitting()
        assert len(notices) <= 1, notices
        return notices[0] if notices else ""

    def has(self, *parts: str) -> str:
        """Wait until the screen shows all these texts, however far apart their words are."""

        def shown(text: str) -> bool:
            flat = " ".join(text.split())
            return all(part in flat for part in parts)

        return self.until(shown)

    def lacks(self, *parts: str) -> str:
        """Wait until no list shows any of these."""
        return self.until(lambda _: not any(part in self.lists for part in parts))

    @property
    def lists(self) -> str:
        """The rows at the left; not their titles, in which filters stand."""
        lines = [line.partition("▎")[0] for line in self.text.split("\n") if "▎" in line]
        return "\n".join(line for line in lines if "──" not in line)

    def rows(self, *parts: str) -> None:
        """Wait until the lists show all these."""
        self.until(lambda _: all(part in self.lists for part in parts))

    def open(self, panel: str, wanted: str = "") -> None:
        """Go to a list, and show only what has a text in its name."""
        self.press(PANELS[panel])
        if wanted:
            self.press("/")
            self.has(f"filter {panel}:")
            self.press("ctrl+u", wanted)
            self.has(f"filter {panel}: {wanted}")
            self.press("enter")
            self.until(lambda text: f"filter {panel}:" not in text)

    def until_drawn(self, words: bytes, *keys: str) -> None:
        """Press keys, and wait until words are drawn that may have been on the screen before."""
        before = len(self.raw)
        self.press(*keys)
        self.until(lambda _: words in self.raw[before:])

    def show_all(self) -> None:
        """Let go of the filter of the containers, and show the log of all that run."""
        if self.notices:  # the first one takes those away
            self.press("escape")
            self.until(lambda _: not self.notices)
        self.press("escape")
        self.rows("✱ All running")
        # A letter that comes at once with an escape is taken for one with Alt.
        self.press("j", "g")

    def answer(self, question: str, key: str) -> None:
        """Wait for a question, and answer it."""
        words = question.split()
        # Lists and logs show beside it; its lines are inside the box.
        self.until(lambda _: " ".join(words) in self.question)
        self.press(key)
        self.until(lambda _: not self.question)

    @property
    def question(self) -> str:
        """What is asked, or nothing."""
        box = self.box
        return box if "Yes (y)" in box else ""

    @property
    def box(self) -> str:
        """What is in the box over the screen, or nothing."""
        inside = [line.split("│")[1] for line in self.text.split("\n") if line.count("│") >= 2]
        return " ".join(" ".join(inside).split())

    def quit(self) -> None:
        """Quit, and see that all is as it was."""
        self.press("q")
        assert self.wait() == 0
        self.assert_restored()
        self.assert_harmless()


def ui(engine: TestEngine, *args: str) -> Ui:
    """Start the client on an engine."""
    return Ui(*args, env=engine.env())


def squeezed(text: str) -> str:
    """Return a text without spaces."""
    return "".join(text.split())

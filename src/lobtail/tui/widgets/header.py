"""The line at the top: which engine, whether it answers, what runs there."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from lobtail.model.sanitize import sanitize
from lobtail.tui.engine_monitor import EngineMonitor

__all__ = ["HeaderLine"]


class HeaderLine(Static):
    """Says where one is."""

    DEFAULT_CSS = """
    HeaderLine { height: 1; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._said: tuple[object, ...] = ()
        self.pulls: dict[tuple[str, str], str] = {}
        """What is being pulled, by engine and reference, and how much of it has come."""

    def show(self, watches: Mapping[str, EngineMonitor], *, read_only: bool) -> None:
        """Say something else, if it is something else."""
        states = [(name, w.about, w.error, w.connected, w.silence) for name, w in watches.items()]
        inventories = [watch.inventory for watch in watches.values()]
        running = sum(inventory.running for inventory in inventories)
        total = sum(len(inventory.containers) for inventory in inventories)
        pulls = [(name.rpartition("/")[2], words) for (_, name), words in self.pulls.items()]
        said = (*states, *pulls, running, total, read_only, self.size.width)
        if said == self._said:
            return
        self._said = said
        left = Text(no_wrap=True)
        left.append("lobtail", "bold")
        # What does not answer comes first: it must not be cut off. The reasons come last.
        for name, about, error, connected, silence in sorted(
            states, key=lambda state: (not state[2], not state[4])
        ):
            called = f"{sanitize(name)}: " if name else ""
            if error:
                left.append("  ✗ ", "bold red")
                left.append(f"{called}no connection, trying again", "red")
            elif silence:
                left.append("  ✗ ", "bold red")
                left.append(f"{called}not answering for {silence} s", "red")
                left.append("" if name else f"  {sanitize(about)}")
            elif connected:
                left.append("  ● ", "green")
                left.append(sanitize(name or about))
            else:
                left.append(f"  … {called}connecting", "dim")
        for _, _, error, _, _ in states:
            left.append(f": {sanitize(error)}" if error else "", "red")
        right = Text()
        for name, words in pulls:
            right.append(f"  ⇣ {sanitize(name)} {words}".rstrip(), "cyan")
        # What was known of an engine that is away is not known any more.
        run = (
            "running when last seen" if any(watch.away for watch in watches.values()) else "running"
        )
        right.append(f"  {running} of {total} {run}" if total else "", "dim")
        if read_only:
            right.append("  read-only", "bold yellow")
        room = max(self.size.width - 2 - right.cell_len, 0)
        left.truncate(room, overflow="ellipsis")
        gap = " " * (room - left.cell_len)
        self.update(Content.from_rich_text(Text.assemble(left, gap, right)), layout=False)

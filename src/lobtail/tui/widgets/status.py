"""The line below a log: whether it follows, what is hidden, where one is."""

from __future__ import annotations

from typing import Final, NamedTuple

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from lobtail.model.sanitize import sanitize
from lobtail.tui.state.inventory import size_words

__all__ = ["LogStatus", "LogStatusLine"]


# Columns that are left to a long filter beside the count of its lines.
_LEAST: Final = 30


class LogStatus(NamedTuple):
    """What the line says."""

    following: bool = True
    ended: bool = False
    """Whether nothing is going to follow, as the container does not run."""
    unseen: int = 0
    more_unseen: bool = False
    """Whether there are more than were counted."""
    late: int = 0
    """Seconds that what is shown is behind what is written."""
    loading: bool = False
    working: bool = False
    error: str = ""
    task: str = ""
    """What goes on beside the log."""
    filter: str = ""
    search: str = ""
    hit: int = 0
    hits: int = 0
    searched: bool = False
    """Whether more was searched for the filter than the lines that are held."""
    reach: int = 0
    """Bytes of long lines that filter and search have looked at; 0 where they saw all."""
    rows: int = 0
    lines: int = 0
    rate: int = 0
    time: str = ""
    selected: int = 0


class LogStatusLine(Static):
    """Shows a ``LogStatus``; what matters most stands to the left."""

    DEFAULT_CSS = """
    LogStatusLine { height: 1; background: $surface; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown: LogStatus | None = None
        self._columns = 0

    def show(self, status: LogStatus) -> None:
        """Say something else, if it is something else."""
        if status == self._shown and self.size.width == self._columns:
            return
        self._shown, self._columns = status, self.size.width
        left, columns = self._left(status), self._columns - 2
        forms = self._right(status)
        right = next((form for form in forms if left.cell_len + form.cell_len <= columns), None)
        if right is None:
            # How many lines a filter leaves says more than the end of a long one.
            count = forms[-1]
            right = count if status.filter and columns - count.cell_len >= _LEAST else Text()
        room = columns - right.cell_len
        if left.cell_len > room:
            left.truncate(max(room, 0), overflow="ellipsis")
        gap = " " * max(room - left.cell_len, 0)
        self.update(Content.from_rich_text(Text.assemble(left, gap, right)), layout=False)

    @staticmethod
    def _left(status: LogStatus) -> Text:
        text = Text(no_wrap=True)
        if status.following and status.ended:
            text.append("■ stopped", "bold")
        elif status.following:
            text.append("▼ following", "bold green")
        else:
            text.append("‖ paused", "bold yellow")
            if status.unseen:
                more = "+" if status.more_unseen else ""
                text.append(f"  {status.unseen:,}{more} new", "yellow")
        if status.late:
            text.append(f"  {status.late:,} s behind", "bold yellow")
        if status.error:
            text.append(f"  ✗ {sanitize(status.error)}", "bold red")
        if status.task:
            text.append(f"  {sanitize(status.task)}", "bold cyan")
        if status.selected:
            text.append(f"  {status.selected:,} selected", "bold cyan")
        if status.reach:
            text.append(f"  long lines searched to {size_words(status.reach)}", "bold yellow")
        if status.search:
            count = f"{status.hit:,}/" if status.hit else ""
            more = "…" if status.working else ""
            text.append(f"  /{sanitize(status.search)}", "bold")
            text.append(f" {count}{status.hits:,}{more}", "yellow" if status.hits else "red")
        if status.filter:
            text.append(f"  where {sanitize(status.filter)}", "cyan")
        if status.loading:
            text.append("  loading older lines …", "dim")
        return text

    @staticmethod
    def _right(status: LogStatus) -> list[Text]:
        """Return what stands to the right, from the longest form to the shortest."""
        filtered = bool(status.filter)
        rows, lines = f"{status.rows:,}", f"{status.lines:,}"
        if status.searched:
            long, short = f"  {rows} found", f"  {rows}"
        elif filtered:
            long, short = f"  {rows} of {lines} lines", f"  {rows}/{lines}"
        else:
            long, short = f"  {lines} lines", f"  {lines}"
        rate = f"  {status.rate:,}/s" if status.rate else ""
        whole = f"  {status.time}" if status.time else ""
        clock = f"  {status.time[11:]}" if status.time else ""
        forms = (
            (long + rate, whole),
            (long, whole),
            (long, clock),
            (short, clock),
            (short, "") if filtered else ("", clock),
        )
        return [Text.assemble((count, "dim"), moment, no_wrap=True) for count, moment in forms]

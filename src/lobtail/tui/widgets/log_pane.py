"""The keys of a log: each does one thing with its view, its filter or its feed."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.binding import BindingType

from lobtail.errors import ConfigError
from lobtail.model.frames import Stream
from lobtail.model.levels import Level
from lobtail.model.sanitize import sanitize
from lobtail.model.timestamps import format_rfc3339
from lobtail.render.stamps import find_zone, utc
from lobtail.tui.state.filters import Filter, join_query
from lobtail.tui.state.target import command_for
from lobtail.tui.widgets.bindings import bindings_of
from lobtail.tui.widgets.copying import copy_selection
from lobtail.tui.widgets.detail import Detail
from lobtail.tui.widgets.histogram_bar import HistogramBar
from lobtail.tui.widgets.log_body import LogBody
from lobtail.tui.widgets.log_questions import LogQuestions
from lobtail.tui.widgets.saving import Saving

__all__ = ["LogPane"]

_LEVELS: Final = (Level.UNKNOWN, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)
_STREAMS: Final = (None, Stream.STDOUT, Stream.STDERR)


class LogPane(LogBody):
    """The log of some containers, and what one can do with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("log")]

    _saving: Saving | None = None

    @property
    def questions(self) -> LogQuestions:
        """What it asks."""
        return LogQuestions(self)

    # --- moving -----------------------------------------------------------------------------

    def action_down(self) -> None:
        """Move the cursor on."""
        self.view.move(1)

    def action_up(self) -> None:
        """Move the cursor back."""
        self.view.move(-1)

    def action_half_page_down(self) -> None:
        """Scroll on."""
        self.view.page(0.5)

    def action_half_page_up(self) -> None:
        """Scroll back."""
        self.view.page(-0.5)

    def action_page_down(self) -> None:
        """Scroll on by a page."""
        self.view.page(1)

    def action_page_up(self) -> None:
        """Scroll back by a page."""
        self.view.page(-1)

    def action_top(self) -> None:
        """Go to the first line of the log, reading it from there if it is not held."""
        self.jump_ns = None
        if self.feed is not None and self.model.since_ns is not None:
            self.view.follow(False)
            self.feed.look(following=False, near_end=True)
            self.feed.begin_at_start()
        self.view.go_to_top()

    def action_end(self) -> None:
        """Go to the newest line and follow, reading anew if it is not held."""
        self.jump_ns = None
        filtered = self.model.whole_from is not None
        if self.feed is not None and (self.model.detached or self.feed.behind or filtered):
            self.feed.begin_at_end()
        self.view.follow(True)
        self.touch()

    def action_left(self) -> None:
        """Scroll to the left."""
        self.view.shift(-1)

    def action_right(self) -> None:
        """Scroll to the right."""
        self.view.shift(1)

    def action_half_left(self) -> None:
        """Scroll to the left by half a screen."""
        self.view.shift_half(-1)

    def action_half_right(self) -> None:
        """Scroll to the right by half a screen."""
        self.view.shift_half(1)

    def action_line_start(self) -> None:
        """Show the beginning of lines; from beside the log, go there."""
        if self.view.has_focus:
            self.view.shift_to_start()
        else:
            self.screen.set_focus(self.view)

    def action_line_end(self) -> None:
        """Show the end of the line."""
        self.view.shift_to_end()

    def action_pause(self) -> None:
        """Stay here, or follow again."""
        if self.view.view.following:
            self.view.follow(False)
        else:
            self.action_end()

    def _point(self, found: bool, what: str) -> None:
        if not found:
            self._say(f"no {what} that way")

    def _say(self, words: str) -> None:
        self.notify(words, timeout=2, markup=False)

    def action_next_error(self) -> None:
        """Point at the next error."""
        self._point(self.view.next_error(1), "error")

    def action_previous_error(self) -> None:
        """Point at the previous error, among older lines if need be."""
        self.seeking.begin(lambda: self.view.next_error(-1), "no error that way")

    def action_next_mark(self) -> None:
        """Point at the next mark."""
        self._point(self.view.next_mark(1), "mark")

    def action_previous_mark(self) -> None:
        """Point at the previous mark."""
        self._point(self.view.next_mark(-1), "mark")

    def action_next_hit(self) -> None:
        """Point at the next hit of the search."""
        self._point_at_hit(1)

    def action_previous_hit(self) -> None:
        """Point at the previous hit, among older lines if need be."""
        self._point_at_hit(-1)

    def _point_at_hit(self, step: int) -> None:
        pattern = self.model.pattern
        if pattern is None:
            self._say("nothing is searched: / asks what")
            return
        older = step < 0 and self.model.since_ns is not None
        if older or not self.view.next_hit(step):
            self.seek_hit()
        elif self.view.wrapped:
            self._say(
                "search wrapped: " + ("from the first on" if step > 0 else "from the last back")
            )

    def seek_hit(self) -> None:
        """Point at the nearest hit before this line, among older lines if need be."""
        if self.model.pattern is not None:
            self.seeking.begin(
                self.view.older_hit, f"not found: {sanitize(self.model.pattern.pattern)}"
            )

    # --- what is shown ----------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask what to search."""
        self.questions.search()

    def action_highlight(self) -> None:
        """Ask what to show in colour."""
        self.questions.highlight()

    def action_filter(self) -> None:
        """Ask for a query."""
        self.questions.filter()

    def action_jump(self) -> None:
        """Ask for a time."""
        self.questions.jump()

    def action_save(self) -> None:
        """Ask what to save, and where."""
        if self._saving is None:
            self._saving = Saving(self)
        self._saving.ask()

    def action_context(self) -> None:
        """Show the line that is pointed at among all others, or go back to the filter."""
        here = self.view.cursor_item
        wanted, self.beyond = self.beyond, None
        if wanted is not None:
            self.set_filter(wanted)
        elif self.model.filter and here is not None:
            self.view.follow(False)
            wanted = self.model.filter
            self.set_filter(Filter())
            self.beyond = wanted
        else:
            self.notify("nothing is hidden", timeout=2, markup=False)

    def action_level(self) -> None:
        """Show only graver lines, step by step."""
        self._step_level(1)

    def action_level_back(self) -> None:
        """Show less grave lines, step by step."""
        self._step_level(-1)

    def _step_level(self, step: int) -> None:
        at = _LEVELS.index(self.model.filter.level) if self.model.filter.level in _LEVELS else 0
        self.refilter(level=_LEVELS[(at + step) % len(_LEVELS)])

    def action_stream(self) -> None:
        """Show one stream, the other, or both."""
        at = _STREAMS.index(self.model.filter.stream)
        self.refilter(stream=_STREAMS[(at + 1) % len(_STREAMS)])

    def action_wrap(self) -> None:
        """Wrap long lines, or not."""
        self.view.set_look(wrap=not self.view.look.wrap)

    def action_fields(self) -> None:
        """Show structured lines as message and fields, or as they were written."""
        self.view.set_look(fields=self.view.look.next_fields().fields)

    def action_timestamps(self) -> None:
        """Show times in another way."""
        self.view.set_look(stamp=self.view.look.next_stamp().stamp)

    def action_zone(self) -> None:
        """Show times in UTC, or in the chosen zone."""
        chosen = self._zone if self._zone is not utc else find_zone("local")
        self.view.set_look(zone=self.view.look.other_zone(chosen).zone)
        self.touch()

    def action_names(self) -> None:
        """Show the containers' names, or not."""
        self.view.set_look(names=not self.view.look.names)

    def action_histogram(self) -> None:
        """Show the histogram, or not."""
        shown = self.bar.display
        self.bar.set_class(shown, "hidden")
        self.bar.set_class(not shown, "asked")
        self._bars_at = 0
        self.touch()

    def action_fold(self) -> None:
        """Unfold the entry that is pointed at, or fold it."""
        if not self.view.fold():
            self._say("this is a single line")

    def action_fold_all(self) -> None:
        """Unfold all entries, or fold all."""
        self.view.fold_all()
        self._say("all entries are " + ("unfolded" if self.view.folding.unfolds else "folded"))

    def action_detail(self) -> None:
        """Look at the line closely."""
        item = self.view.cursor_item
        if item is not None:
            self.view.follow(False)
            self.detail.show(item)
            self.screen.set_focus(self.detail.fields)

    # --- taking away -------------------------------------------------------------------------

    def action_select(self) -> None:
        """Select lines from here on."""
        self.view.select_lines()

    def action_copy(self) -> None:
        """Copy what is selected, as it is shown."""
        self._copy(bare=False)

    def action_copy_text(self) -> None:
        """Copy the text of what is selected."""
        self._copy(bare=True)

    def _copy(self, *, bare: bool) -> None:
        text, count = copy_selection(self.view, bare=bare)
        if count:
            self.app.copy_to_clipboard(text)
            self.view.clear_selection()
            self._say(f"copied {count:,} line{'s' if count > 1 else ''}")

    def action_command(self) -> None:
        """Show the command that shows the same, and copy it."""
        if self.feed is not None and self.fleet is not None:
            target = self.feed.target
            words = self.fleet.engine_words(target.host)
            stamps = self.view.look.stamp
            command = command_for(
                target, self.model.filter, engine=words, part=self._part, stamps=stamps
            )
            self.app.copy_to_clipboard(command)
            self.notify(sanitize(command), title="Copied", timeout=8, markup=False)

    @property
    def _part(self) -> tuple[str, ...]:
        """The options of ``lobtail tail`` that say which part of the log is held."""
        model, store = self.model, self.model.store
        since = model.since_ns
        if since is None and self.feed is not None and not self.feed.settled and store.items:
            since = store.time(store.first)
        part = ["--tail", "all"] if since is None else ["--since", format_rfc3339(since)]
        until = store.time(store.end - 1) if model.detached and store.items else None
        return tuple(part) if until is None else (*part, "--until", format_rfc3339(until))

    async def action_back(self) -> None:
        """Clear the selection, the search or the filter; with nothing to clear, leave the log."""
        if self.view.clear_selection() or self.seeking.stop():
            return
        if self.beyond is not None:
            self.action_context()
        elif self.model.pattern is not None:
            self.search("")
        elif self.view.look.highlight is not None:
            self.view.set_look(highlight=None)
        elif self.model.filter:
            self.set_filter(Filter())
        else:
            # At once: by a message the focus might be taken from what the next key has opened.
            await self.run_action("screen.leave_log")

    # --- messages ----------------------------------------------------------------------------

    def on_log_canvas_moved(self) -> None:
        """Say where one is now."""
        if self.detail.has_class("open") and not isinstance(self.app.focused, HistogramBar):
            item = self.view.cursor_item
            if item is not None and not self.view.view.following:
                self.detail.show(item)
        self.touch()
        self.show_status()  # an answer to a key is not to wait for the next frame

    def on_log_view_opened(self) -> None:
        """Look at a line closely."""
        self.action_detail()

    def on_histogram_bar_chosen(self, event: HistogramBar.Chosen) -> None:
        """Jump to a time."""
        self.view.go_to_time(event.time_ns)

    def on_detail_stepped(self, event: Detail.Stepped) -> None:
        """Look at another line."""
        self.view.move(event.lines)

    def on_detail_filtered(self, event: Detail.Filtered) -> None:
        """Add a field to the filter."""
        wanted = self.model.filter
        query = join_query(wanted.query, event.term)
        try:
            self.refilter(query=query)
        except ConfigError as exc:
            self.notify(str(exc), severity="error", markup=False)

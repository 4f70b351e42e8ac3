"""The log of some containers with all that belongs to it: histogram, view, detail, status."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from lobtail.errors import ConfigError
from lobtail.model.items import Item, Line, forget_parsed
from lobtail.model.levels import Level
from lobtail.model.sanitize import sanitize
from lobtail.query.field_watch import FieldWatch
from lobtail.render.prefix import shown_name
from lobtail.render.stamps import Stamper, Zone, local
from lobtail.tui.log_loader import NEAR, LogLoader
from lobtail.tui.state.filters import Filter, make_pattern
from lobtail.tui.state.log import ALL, Log
from lobtail.tui.state.target import Target
from lobtail.tui.state.view_options import ViewOptions
from lobtail.tui.state.viewport import ABOVE, BELOW, ScreenRow
from lobtail.tui.state.visits import Visit, Visits
from lobtail.tui.widgets.detail import Detail
from lobtail.tui.widgets.error_banner import ErrorBanner
from lobtail.tui.widgets.histogram_bar import HistogramBar
from lobtail.tui.widgets.log_view import LogView
from lobtail.tui.widgets.palette import LogColors
from lobtail.tui.widgets.seeking import Seeking
from lobtail.tui.widgets.status import LogStatus, LogStatusLine

if TYPE_CHECKING:
    from lobtail.tui.engine_group import EngineGroup

__all__ = ["LogBody"]

# Times a second that the screen is drawn anew at most.
_FRAMES: Final = 20
# The part of a processor's time from which on it is drawn less often, and then: in seconds.
_BUSY: Final = 0.4
_BUSY_REST: Final = 0.09
# Rows above the screen that are there before somebody scrolls to them.
_AHEAD: Final = 1000
# Lines that are looked at for the fields that a filter names.
_SAMPLE: Final = 1000
# Seconds that a filter is not changed before older lines are read for it.
_REST: Final = 0.7
# Rows below which there is no histogram unless it is asked for.
_LOW: Final = 16
# Seconds that filter and search work before keys have their turn.
_TURN: Final = 0.008


class LogBody(Vertical):
    """Shows the log of a target; ``open`` says whose."""

    DEFAULT_CSS = """
    LogBody { height: 1fr; }
    LogBody.low HistogramBar { display: none; }
    LogBody.low HistogramBar.asked { display: block; }
    LogBody HistogramBar.hidden { display: none; }
    LogBody.low Detail { height: 50%; min-height: 3; }
    LogBody.low Detail .text { max-height: 1; }
    """

    def __init__(
        self,
        look: ViewOptions,
        *,
        zone: Zone = local,
        histogram: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.model = Log()
        self.feed: LogLoader | None = None
        self.fleet: EngineGroup | None = None
        self.view = LogView(self.model, id="log")
        self.view.look = look
        self.bar = HistogramBar(self.model)
        self.bar.zone = look.zone
        self._histogram = histogram
        self.detail = Detail(self.view)
        self._status = LogStatusLine()
        self._banner = ErrorBanner()
        self._zone = zone
        self._dirty = True
        self._worker: asyncio.Task[None] | None = None
        self.beyond: Filter | None = None
        """The filter that is suspended while a line is shown among all others."""
        self._rate = (0.0, 0, 0)
        self._bars_at = self._drawn_at = self._filtered_at = 0.0
        self._anchor: int | None = None
        self._known = 0
        self.seeking = Seeking(self)
        self._spent = (0.0, 0.0)
        self._rest = 0.0
        self.jump_ns: int | None = None
        """The time to go to as soon as lines of it have come."""
        self._kept: Filter | None = None
        self.visits = Visits()
        """How logs were left."""
        self.field_hint = ""
        """That the filter names a field that no line has, where nothing is shown."""
        self._silence = 0
        """For how many seconds an engine of these containers has not answered."""
        self._ending = ""
        """How the container ended, if it is one that does not run."""
        self.beside = ""
        """What goes on beside the log, to be said below it."""

    def compose(self) -> ComposeResult:
        """Put the parts together."""
        self.bar.set_class(not self._histogram, "hidden")
        yield self.bar
        yield self._banner
        yield self.view
        yield self.detail
        yield self._status

    def on_mount(self) -> None:
        """Begin to draw."""
        self.set_interval(1 / _FRAMES, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        """Leave most of a few rows to the log."""
        self.set_class(event.size.height < _LOW, "low")

    async def on_unmount(self) -> None:
        """End what goes on behind the screen."""
        if self._worker is not None:
            self._worker.cancel()
        if self.feed is not None:
            await self.feed.aclose()

    # --- whose log --------------------------------------------------------------------------

    def open(self, fleet: EngineGroup, target: Target) -> None:
        """Show the log of other containers."""
        if self.feed is not None:
            if self.feed.target == target:
                return
            self.leave()
            closing = asyncio.create_task(self.feed.aclose())
            closing.add_done_callback(lambda _: None)
        self.detail.remove_class("open")
        self.seeking.stop()
        self.beyond = None
        self.fleet = fleet
        self._known, self.view.names = 0, ()
        self._ending, self.view.ended = "", False
        self.feed = LogLoader(fleet, target, self.model)
        self.view.set_look(names=not target.single)
        self.view.follow(True)
        self.jump_ns = None
        self._come_back(target)
        if self.model.filter and self.model.filter != self._kept:
            # Once for each filter: somebody may go through many containers with it.
            self.notify(
                f"still only lines where {sanitize(self.filter_words)}: Esc in the log shows all",
                markup=False,
            )
        self._kept = self.model.filter

    def leave(self, *, for_good: bool = False) -> None:
        """Remember the place in this log; before the end of all, the filter, too."""
        if self.feed is not None:
            place = None if self.view.view.following else self.view.here_ns
            wanted = (self.beyond or self.model.filter) if for_good else Filter()
            self.visits.leave(Visit(self.feed.target, wanted, place))

    def _come_back(self, target: Target) -> None:
        """Read the log from where it was left, or its end."""
        assert self.feed is not None
        visit = self.visits.come_back(target)
        if visit is not None and visit.filter and not self.model.filter:
            with suppress(ConfigError):  # another version may have written it
                self.model.set_filter(visit.filter, time.time_ns(), local)
        if visit is None or visit.time_ns is None:
            self.feed.begin_at_end()
            return
        self._read_from(visit.time_ns)
        if visit.before:
            self.notify(f"back at {_moment(visit.time_ns, self.view.look.zone)}: End follows")

    def touch(self) -> None:
        """Say that something has changed; it is drawn with the next frame."""
        self._dirty = True

    def _draw_soon(self) -> None:
        """Draw with the next frame, however busy it is."""
        self._dirty = True
        self._drawn_at = 0.0

    def set_colors(self, colors: LogColors) -> None:
        """Draw in other colours."""
        self.view.set_colors(colors)
        self.bar.palette = colors
        self.bar.refresh()

    def set_filter(self, wanted: Filter) -> None:
        """Show other lines.

        Raises:
            QueryError: the query cannot be read; nothing is changed.
        """
        view, model, feed = self.view, self.model, self.feed
        here = None if view.view.following else view.view.cursor
        time_ns = None if here is None else model.store.time(here)
        changed = wanted != model.filter
        self.seeking.stop()
        # Of what stands there only what passes the last filter is held.
        lost = model.whole_from is not None and (here is None or here < model.whole_from)
        model.set_filter(wanted, time.time_ns(), local)
        view.selection = None
        if changed and feed is not None:
            feed.forget_older()
            if lost and time_ns is not None:
                self._read_from(time_ns)
            elif lost and not model.store.items:
                feed.begin_at_end()
        self._work()
        self._note_fields()
        self._anchor = here
        self._filtered_at = time.monotonic()
        self._draw_soon()

    def search(self, text: str) -> None:
        """Search for a regex; nothing for no text.

        Raises:
            ConfigError: it cannot be used.
        """
        self.model.set_search(make_pattern(text))
        self.seeking.stop()
        self._work()
        self._draw_soon()

    # --- drawing ----------------------------------------------------------------------------

    def _work(self) -> None:
        """Filter and search, a little at once and the rest behind the screen."""
        if self.model.work() and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work_on())

    async def _work_on(self) -> None:
        begun = time.monotonic()
        while self.model.work():
            if time.monotonic() - begun > _TURN:
                self.touch()
                await asyncio.sleep(_TURN / 4)
                begun = time.monotonic()
        self.touch()

    def _tick(self) -> None:
        relative = self.view.look.stamp == "relative"
        now = time.monotonic()
        due = now - self._rate[0] >= 1
        if due:
            received = self.model.received
            self._rate = (now, received, received - self._rate[1] if self._rate[0] else 0)
            self._set_pace(now)
            self._ask_engine()
            self._note_fields()
        self._note_changes()
        if not (self._dirty or due or self.seeking.active):
            return
        if self._dirty and not due and now - self._drawn_at < self._rest:
            return
        drawn, self._dirty = self._dirty, False
        if drawn:
            self._drawn_at = now
            self._work()
            self._jump_if_there()
            self._know_names()
            self._stay()
            self.view.edges = self._edges
            self.view.came()
        elif relative:
            self.view.refresh()
        self.seeking.go_on()
        self._look()
        if now - self._bars_at > 0.25:
            self._bars_at = now
            self._draw_bars()
        self.show_status()

    def _note_changes(self) -> None:
        """See whether something has come, or the words above or below the lines are others."""
        if self.feed is not None and self.feed.changed.is_set():
            self.feed.changed.clear()
            self._dirty = True
        self._dirty = self._dirty or self._edges != self.view.edges

    def _know_names(self) -> None:
        """Have names shortened so that they differ from all others that may come."""
        known = self.feed.containers if self.feed is not None else []
        if len(known) != self._known:
            self._known = len(known)
            self.view.names = tuple(dict.fromkeys(map(shown_name, known)))

    def _ask_engine(self) -> None:
        """See whether the engine answers, and whether the container has ended."""
        if self.fleet is None or self.feed is None:
            return
        words = self.fleet.ending(self.feed.target, time.time_ns())
        silence = self.fleet.silence(self.feed.target)
        if (words, silence) != (self._ending, self._silence):
            self._ending, self._silence = words, silence
            self.view.ended = bool(words)
            self._dirty = True

    def _note_fields(self) -> None:
        """See whether nothing is shown because the filter names a field that no line has."""
        model, hint = self.model, ""
        if model.query is not None and not model.rows:
            # Of the newest lines only: each has to be parsed.
            newest = model.store.items[-_SAMPLE:]
            watch = FieldWatch([model.query.term])
            watch.see(newest)
            for item in newest:
                if isinstance(item, Line):
                    forget_parsed(item)
            more = len(newest) < len(model.store) or model.since_ns is not None
            hint = sanitize("; ".join(watch.hints(only_similar=more)))
        if hint != self.field_hint and (hint or model.rows or model.query is None):
            self.field_hint = hint
            self._dirty = True

    def _set_pace(self, now: float) -> None:
        """Draw less often while there is much to do: nobody reads lines that pass so quickly.

        What a key changes is drawn at once all the same.
        """
        (then, before), spent = self._spent, time.process_time()
        self._spent = (now, spent)
        busy = (spent - before) / (now - then) > _BUSY
        self._rest = _BUSY_REST if busy else 0.0

    def _stay(self) -> None:
        """Point at the same line as before another filter, as soon as that has got there."""
        here, view = self._anchor, self.view
        if here is None:
            return
        if view.view.following or view.view.cursor != here:
            self._anchor = None  # somebody has moved meanwhile
        elif self.model.rows.has_reached(here):
            self._anchor = None
            view.go_to(here)

    def _draw_bars(self) -> None:
        if self.bar.display:
            self.bar.zone = self.view.look.zone
            self.bar.changed(self.view.span)

    def _look(self) -> None:
        """Tell the feed where somebody looks, so that it brings what is seen next."""
        feed, view = self.feed, self.view
        if feed is None:
            return
        feed.look(following=view.view.following, near_end=self._near_end())
        # Of a filter that is still being typed not all is read.
        rests = time.monotonic() - self._filtered_at > _REST
        near = view.at_top or view.rows_above < _AHEAD
        if near and not view.view.following and self.model.complete and rests:
            feed.ask_for_older()

    def _near_end(self) -> bool:
        """Tell whether the end of what is held is near, and nothing on screen would go for it."""
        span, store = self.view.span, self.model.store
        if span is None:
            return not self.model.filter
        return store.end - span[1] < NEAR and span[0] - store.first > NEAR

    def show_status(self) -> None:
        """Say below the log what is shown of it."""
        model, view, feed = self.model, self.view, self.feed
        here = view.here_ns
        hits = model.hits
        hit = 0
        if hits is not None and view.view.cursor is not None and hits.holds(view.view.cursor):
            hit = hits.index(view.view.cursor) + 1
        zone = view.look.zone
        self._banner.show(feed.error if feed is not None and not model.store.items else "")
        self._status.show(
            LogStatus(
                following=view.view.following,
                ended=bool(self._ending),
                unseen=view.view.unseen(model.rows),
                more_unseen=model.detached or model.store.full,
                late=feed.late_ns // 1_000_000_000 if feed and view.view.following else 0,
                loading=feed is not None and feed.loading,
                working=not model.complete,
                error=self._fault,
                task=self.beside,
                filter=self.filter_words,
                search=model.pattern.pattern if model.pattern else "",
                hit=hit,
                hits=len(hits) if hits is not None else 0,
                searched=model.whole_from is not None,
                reach=model.reach,
                rows=len(model.rows),
                lines=len(model.store),
                rate=self._rate[2],
                time=_moment(here, zone),
                selected=len(view.selected_items()) if view.selection is not None else 0,
            )
        )

    @property
    def _fault(self) -> str:
        """Say why nothing comes; nothing while all is well."""
        if self._silence:
            return f"not answering for {self._silence} s"
        # The log of a container that does not run has to end.
        return "" if self.feed is None or self._ending else self.feed.error

    @property
    def filter_words(self) -> str:
        """Say what is hidden."""
        wanted = self.beyond or self.model.filter
        words = []
        if wanted.level:
            graver = "" if wanted.level is Level.FATAL else "+"
            words.append(f"{wanted.level.name.lower()}{graver}")
        if wanted.stream is not None:
            words.append(wanted.stream.name.lower())
        if wanted.query:
            words.append(wanted.query)
        return " ".join(words) + (" (suspended)" if self.beyond is not None else "")

    @property
    def _edges(self) -> dict[ScreenRow, str]:
        return {ABOVE: self._above, BELOW: self._below}

    @property
    def _below(self) -> str:
        """Words for what stands below the newest line."""
        return "newer lines follow: End shows the newest" if self.model.detached else self._ending

    @property
    def _above(self) -> str:
        """Words for what stands above the oldest line."""
        feed, log = self.feed, self.model
        if feed is None:
            return ""
        if not feed.settled:
            if feed.error:
                return "no log yet"
            if self._silence:
                return f"the engine has not answered for {self._silence} s"
            return self._why_nothing(feed) if feed.empty else "loading …"
        if log.since_ns is None:
            if self.field_hint and not log.rows:
                return self.field_hint
            hidden = len(log.store) if not log.rows and log.complete else 0
            if hidden:
                return f"the filter hides all {hidden:,} lines: Esc shows them"
            return "the log begins here"
        dropped = f"{log.dropped:,} lines were let go of; " if log.dropped else ""
        return "loading older lines …" if feed.loading else f"{dropped}older lines: scroll up"

    def _why_nothing(self, feed: LogLoader) -> str:
        """Say why there is no line."""
        target = feed.target
        if feed.found:
            return "no such line" if self.model.whole_from == ALL else "nothing written yet"
        if target.names:
            return f"no container is called {sanitize(' or '.join(target.names))}"
        return "there is no such container" if target != Target() else "no container runs"

    def _jump_if_there(self) -> None:
        if self.jump_ns is not None and self.model.rows:
            time_ns, self.jump_ns = self.jump_ns, None
            self.view.go_to_time(time_ns)

    # --- for those who have it do something

    def go_to_time(self, time_ns: int) -> None:
        """Point at the first line at or behind a time, reading the log from there if need be."""
        model = self.model
        held = model.store.time(model.store.end - 1) if model.store.items else None
        later = model.detached and held is not None and time_ns > held
        earlier = model.since_ns is not None and time_ns < model.since_ns
        if earlier or later:
            self._read_from(time_ns)
        else:
            self.view.go_to_time(time_ns)

    def _read_from(self, time_ns: int) -> None:
        if self.feed is not None:
            self.view.follow(False)
            self.feed.look(following=False, near_end=True)
            self.feed.begin_at_time(time_ns)
            self.jump_ns = time_ns

    def shown_items(self) -> list[Item]:
        """Return all items that are shown, or those that are selected."""
        if self.view.selection is not None:
            return self.view.selected_items()
        rows, store = self.model.rows, self.model.store
        return [store.item(rows.number(index)) for index in range(len(rows))]

    def refilter(self, **changes: object) -> None:
        """Change a part of the filter."""
        self.beyond = None
        self.set_filter(msgspec.structs.replace(self.model.filter, **changes))


def _moment(time_ns: int | None, zone: Zone) -> str:
    if time_ns is None:
        return ""
    return Stamper("rfc3339", zone).show(time_ns, 0)[:19].replace("T", " ")

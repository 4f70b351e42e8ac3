"""How far what is shown is behind what is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Self, cast

import pytest

from lobtail.errors import ConnectError
from lobtail.follow.position import KnownLines, Positions
from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef, Item
from lobtail.model.levels import Level
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.log_loader import LogLoader
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.log import Log
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.status import LogStatus, LogStatusLine
from unit.tui.hurried import run_hurried
from unit.tui.items import line

S = 1_000_000_000
NOW = 1_700_000_000 * S


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> LogLoader:
    monkeypatch.setattr("lobtail.tui.log_loader.time.time_ns", lambda: NOW)
    return LogLoader(cast(EngineGroup, None), Target(), Log())


def test_lines_that_come_later_and_later_are_behind(feed: LogLoader) -> None:
    feed._note_delay([line("a", NOW - S // 10)])
    assert (feed.late_ns, feed.behind) == (0, False)
    feed._note_delay([line("b", NOW - 12 * S)])
    assert round(feed.late_ns / S) == 12
    assert feed.behind
    feed._note_delay([line("c", NOW - 2 * S)])  # Podman's stamps are no finer
    assert (feed.late_ns, feed.behind) == (0, False)


def test_the_clock_of_an_engine_may_be_wrong(feed: LogLoader) -> None:
    slow = ContainerRef(id="1" * 64, name="a", host="slow")
    fast = ContainerRef(id="2" * 64, name="b", host="fast")
    for _ in range(2):
        feed._note_delay([line("a", NOW - 90 * S, slow)])
        assert feed.late_ns == 0
        feed._note_delay([line("b", NOW + 90 * S, fast)])
        assert feed.late_ns == 0


def test_it_is_said() -> None:
    said = LogStatusLine._left(LogStatus(late=1234)).plain
    assert said == "▼ following  1,234 s behind"
    assert "behind" not in LogStatusLine._left(LogStatus()).plain


def test_engines_are_asked_for_what_passes_the_filter() -> None:
    log = Log()
    feed = LogLoader(cast(EngineGroup, None), Target(), log)
    assert feed.filter_arguments() == {}
    log.set_filter(Filter("refused", Level.WARN, Stream.STDERR), 0, 0)
    wanted = feed.filter_arguments()
    assert (wanted["level"], wanted["streams"]) == (Level.WARN, (Stream.STDERR,))
    assert wanted["where"].matches(line("connection refused", 1))
    assert not wanted["where"].matches(line("connected", 1))
    # What is left unsearched for the filter is so wherever it is looked at.
    assert wanted["where"] is log.query


class BrokenTail:
    """Gives some items, then breaks."""

    found: Sequence[ContainerRef] = ()

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def batches(self) -> AsyncIterator[list[Item]]:
        if self._items:
            yield self._items
        raise ConnectError("gone")


class BrokenEngines:
    """Engines of which each tail breaks: one after another gives what is in the list."""

    def __init__(self, *batches: list[Item]) -> None:
        self._batches = [*batches]
        self.asked: list[dict[str, Any]] = []

    def tail(self, _target: Target, **arguments: Any) -> BrokenTail:
        self.asked.append(arguments)
        return BrokenTail(self._batches.pop(0) if self._batches else [])


def read(engines: BrokenEngines, log: Log, begin: Callable[[LogLoader], None]) -> None:
    """Read until each tail has been asked for, and another one."""

    async def main() -> None:
        feed = LogLoader(cast(EngineGroup, engines), Target(), log)
        begin(feed)
        while engines._batches or len(engines.asked) < 2:
            feed.changed.clear()
            await feed.changed.wait()
        await feed.aclose()

    run_hurried(main())


def test_what_broke_off_is_gone_on_with_where_the_window_ends() -> None:
    first = [line("a", NOW - S), line("b", NOW)]
    engines, log = BrokenEngines([*first]), Log()
    read(engines, log, LogLoader.begin_at_start)
    assert log.store.items == first
    begun, resumed = engines.asked[:2]
    assert begun["tail"] == "all"
    assert (resumed["since"], "tail" in resumed) == (NOW - 1050 * S // 1000, False)
    (known,) = (KnownLines(log) for log in Positions.load(resumed["position"]).logs.values())
    assert known.filter([line("a", NOW - S), line("b", NOW), line("b", NOW)]) == [line("b", NOW)]


def test_the_last_lines_are_asked_for_again_as_long_as_not_all_have_come() -> None:
    engines, log = BrokenEngines([line("a", NOW)], []), Log()
    read(engines, log, LogLoader.begin_at_end)
    assert not log.store.items
    assert engines.asked[0] == engines.asked[1] == {"follow": True, "tail": 500}

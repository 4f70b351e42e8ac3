"""How far what is shown is behind what is written."""

from __future__ import annotations

from typing import cast

import pytest

from lobtail.model.frames import Stream
from lobtail.model.items import ContainerRef
from lobtail.model.levels import Level
from lobtail.tui.engine_group import EngineGroup
from lobtail.tui.log_loader import LogLoader
from lobtail.tui.state.filters import Filter
from lobtail.tui.state.log import Log
from lobtail.tui.state.target import Target
from lobtail.tui.widgets.status import LogStatus, LogStatusLine
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

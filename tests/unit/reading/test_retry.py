"""Which ends of streams are failures."""

from __future__ import annotations

import asyncio

import pytest

from lobtail.retry import STAYED, Failures


class Clock:
    """Stands in for the event loop, whose time a test chooses."""

    now = 0.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


def test_streams_that_end_at_once_are_counted(clock: Clock) -> None:
    failures = Failures()
    for count in range(1, 7):
        failures.answered()
        clock.now += STAYED / 2
        assert failures.failed() == count


def test_a_stream_that_stayed_begins_the_count_anew(clock: Clock) -> None:
    failures = Failures()
    assert [failures.failed(), failures.failed()] == [1, 2]
    failures.answered()
    clock.now += STAYED
    assert failures.stayed
    assert failures.failed() == 1
    clock.now += STAYED
    assert failures.failed() == 2, "what was refused did not stay"


def test_success_begins_the_count_anew(clock: Clock) -> None:
    failures = Failures()
    assert [failures.failed(), failures.failed(succeeded=True), failures.failed()] == [1, 1, 2]

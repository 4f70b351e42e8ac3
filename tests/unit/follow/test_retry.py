"""Which ends of streams are failures."""

from __future__ import annotations

from lobtail.follow.intake import Clock
from lobtail.retry import STAYED, Failures


def test_streams_that_end_at_once_are_counted() -> None:
    clock = Clock()
    failures = Failures(clock.monotonic)
    for count in range(1, 7):
        failures.answered()
        clock.seconds += STAYED / 2
        assert failures.failed() == count


def test_a_stream_that_stayed_begins_the_count_anew() -> None:
    clock = Clock()
    failures = Failures(clock.monotonic)
    assert [failures.failed(), failures.failed()] == [1, 2]
    failures.answered()
    clock.seconds += STAYED
    assert failures.stayed
    assert failures.failed() == 1
    clock.seconds += STAYED
    assert failures.failed() == 2, "what was refused did not stay"


def test_success_begins_the_count_anew() -> None:
    clock = Clock()
    failures = Failures(clock.monotonic)
    assert [failures.failed(), failures.failed(succeeded=True), failures.failed()] == [1, 1, 2]

"""No test of the blocking face leaves a thread behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "lobtail":
            thread.join(10)
    assert threading.active_count() == before

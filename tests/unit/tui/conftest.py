"""What the client reads is scripted."""

from __future__ import annotations

import pytest

from unit.tui import scripted


@pytest.fixture(autouse=True)
def _scripted_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobtail.tui.engine_group.open_tail", scripted.open_tail)

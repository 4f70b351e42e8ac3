"""What somebody may have meant."""

from __future__ import annotations

import pytest

from lobtail.query.nearest import nearest

NAMES = {"orders", "shop-orders-1", "payments", "web", "Gateway"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("orderz", "orders"),
        ("order", "orders"),
        ("Orders", "orders"),
        ("gateway", "Gateway"),
        ("pay", "payments"),
        ("orders-1", "orders"),
        ("nope", None),
        ("x", None),
        ("", None),
    ],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, NAMES) == expected


def test_nothing_is_near_to_nothing() -> None:
    assert nearest("web", set()) is None

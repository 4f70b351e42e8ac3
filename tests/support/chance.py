"""How often random tests try."""

from __future__ import annotations

from hypothesis import settings


def examples(count: int) -> int:
    """Return how many of `count` are tried: all in `make test`, a tenth in `make check`."""
    return count * settings().max_examples // 100

"""Run tasks together: none is left behind, and what fails is heard of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["supervised"]


@asynccontextmanager
async def supervised() -> AsyncIterator[asyncio.TaskGroup]:
    """Give a ``TaskGroup`` that raises what failed first; what fails later is due to that."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None

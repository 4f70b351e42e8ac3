"""A thousand containers at once: every line, and no more histories open than is promised."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from faults.command import lobtail
from faults.fake_engine import Connection, Script, stall, tell
from faults.fake_host import Box, FakeHost, line
from lobtail import Engine
from lobtail.session.inbox import CONNECTIONS

COUNT = 1000
LINES = 5


class CountingHost(FakeHost):
    """Counts the histories that are open at the same time."""

    def __init__(self, *boxes: Box) -> None:
        super().__init__(*boxes)
        self._changed = threading.Condition()
        self.open = self.most = self.asked = 0

    def _script(self, target: str) -> Script:
        script = super()._script(target)
        path, _, query = target.partition("?")
        if not path.endswith("/logs") or "follow=1" in query:
            return script
        # Who has got the end may open the next before we count.
        return [self._enter, *script[:-1], self._leave, script[-1]]

    def _enter(self, connection: Connection) -> None:
        with self._changed:
            self.open += 1
            self.asked += 1
            self.most = max(self.most, self.open)
            self._changed.notify_all()
            # As many as are ever open are to be open together, but for the last ones.
            self._changed.wait_for(
                lambda: self.open >= CONNECTIONS or self.asked > COUNT - CONNECTIONS, timeout=1
            )

    def _leave(self, connection: Connection) -> None:
        with self._changed:
            self.open -= 1


@pytest.mark.timeout(120)
def test_row_17_a_thousand_containers_started_together() -> None:
    boxes = [
        Box(f"c{i}", [line(f"{i} {n}", n) for n in range(LINES)], driver="journald")
        for i in range(COUNT)
    ]
    with CountingHost(*boxes) as host:
        result = lobtail(host.host, "tail", "-o", "raw", "--max-lines", str(COUNT * LINES))
    assert result.code == 0
    assert result.stderr == b""
    shown = Counter(result.stdout.decode().splitlines())
    assert shown == Counter(f"{i} {n}" for i in range(COUNT) for n in range(LINES))
    assert host.most == CONNECTIONS


def test_a_beginning_that_is_given_up_leaves_no_task() -> None:
    asked = threading.Event()

    async def main(host: str) -> set[asyncio.Task[None]]:
        async with Engine(host) as engine:
            task = asyncio.create_task(engine.tail().__aenter__())
            await asyncio.to_thread(asked.wait, 30)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    with FakeHost(answers={"/containers/json": [tell(asked), stall]}) as host:
        assert asyncio.run(main(host.host)) == set()

"""A log that was truncated, on an engine whose streams and last lines stay away from then on."""

from __future__ import annotations

import asyncio
import os

import pytest

from faults.fake_engine import LAST, Connection, Script, chunk, json_answer, log_head, stall
from faults.fake_host import Box, FakeHost, line
from lobtail import Engine, Gap, Item, Line
from lobtail.cli.logs_run import LogsRun, Wanted
from lobtail.engine.client import EngineClient
from lobtail.follow import truncated
from lobtail.terminal.output import Output


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK", "LONGEST_BY_API", "GRACE", "POLL"):
        monkeypatch.setattr(truncated, name, 0.05)
    monkeypatch.setattr(truncated, "PERIOD", 0.0)


class TruncatingHost(FakeHost):
    """Its container's log begins anew when ``truncate`` is called; streams know nothing of it."""

    def __init__(self) -> None:
        self.box = Box("web", number=1)
        super().__init__(self.box)
        self.frames = [line(f"old {i}", i) for i in range(5)]
        self.is_truncated = False

    def truncate(self) -> None:
        self.is_truncated = True
        self.frames = [line("new 0", 100)]

    def _script(self, target: str) -> Script:
        path, _, query = target.partition("?")
        if path.endswith("/web/json"):
            return json_answer(self.box.inspect())
        if not path.endswith("/logs"):
            return super()._script(target)
        follow = "follow=1" in query
        if self.is_truncated and (follow or "tail=all" not in query):
            return [log_head(), stall] if follow else [log_head(), LAST]
        if self.is_truncated:
            return [log_head(), self._send_all, LAST]
        return [log_head(), *map(chunk, self.frames), stall if follow else LAST]

    def _send_all(self, connection: Connection) -> None:
        connection.send(b"".join(map(chunk, self.frames)))
        self.frames.append(line(f"new {len(self.frames)}", 100 + len(self.frames)))


def test_case_truncated_log_by_api() -> None:
    items: list[Item] = []

    def texts() -> list[str]:
        return [item.text for item in items if isinstance(item, Line)]

    async def main(host: TruncatingHost) -> None:
        async with asyncio.timeout(30), Engine(host.host) as engine, engine.tail("web") as tail:
            async for batch in tail.batches():
                items.extend(batch)
                if len(texts()) == 5:
                    host.truncate()
                if "new 5" in texts():
                    return

    with TruncatingHost() as host:
        asyncio.run(main(host))
    assert texts()[:11] == [*(f"old {i}" for i in range(5)), *(f"new {i}" for i in range(6))]
    gaps = [item.reason for item in items if isinstance(item, Gap)]
    assert gaps == ["the engine's stream went silent"]


def test_case_truncated_log_whose_end_the_engine_does_not_find() -> None:
    async def main(host: TruncatingHost) -> list[Item]:
        async with (
            Engine(host.host) as engine,
            engine.tail("web", tail=2, follow=False) as tail,
        ):
            return [item async for item in tail]

    with TruncatingHost() as host:
        host.truncate()
        host.frames = [line(f"new {i}", i) for i in range(7)]
        items = asyncio.run(main(host))
    assert [item.text for item in items if isinstance(item, Line)] == ["new 5", "new 6"]


def test_case_truncated_log_that_logs_follows_by_api(capfd: pytest.CaptureFixture[str]) -> None:
    wanted = Wanted.build(
        follow=True,
        tail="all",
        timestamps=False,
        since=None,
        until=None,
        details=False,
        source="api",
        verbose=False,
        raw=True,
    )

    async def main(host: TruncatingHost) -> list[bytes]:
        shown = asyncio.StreamReader()
        end, ours = os.pipe()
        with os.fdopen(end, "rb") as pipe, os.fdopen(ours, "wb") as file:
            reading, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(shown), pipe
            )
            out = Output(file.fileno(), "stdout", safe=False)
            showing = asyncio.create_task(
                LogsRun(wanted, out, out).show(EngineClient(host.host), "web")
            )
            async with asyncio.timeout(30):
                lines = [await shown.readline() for _ in range(5)]
                host.truncate()
                lines += [await shown.readline() for _ in range(3)]
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            reading.close()
        return lines

    with TruncatingHost() as host:
        lines = asyncio.run(main(host))
    assert lines == [*(b"old %d\n" % i for i in range(5)), *(b"new %d\n" % i for i in range(3))]
    told = capfd.readouterr().err
    assert told.count("lines may be missing here: the engine's stream went silent") == 1

"""The engine is killed under its running containers, again and again.

What a dying engine had read from a container and not written yet is lost before anybody can read
it. So the measure is what the engine retains: each of those lines once, in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.process import runs
from lobtail import Engine
from lobtail.model.items import Gap, Item, Line, Started, Stopped
from support.engines import LAB, SHORT, TestEngine, until
from support.numbered import numbers_of

KILLS = 3
COUNT = 4000


class MortalEngine(TestEngine):
    """A private dockerd whose containers outlive it."""

    def __init__(self, suite: str, folder: Path) -> None:
        command = [sys.executable, str(LAB), "up", suite, "--dir", str(folder)]
        command += ["--owner", str(os.getpid())]
        host = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        super().__init__(suite, host)
        self._folder = folder
        pid = self._pid()
        self._command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]
        self._environ = dict(entry.split(b"=", 1) for entry in environ)
        (folder / "daemon.json").write_text(json.dumps({"live-restore": True}))
        os.kill(pid, signal.SIGHUP)
        until(
            lambda: self.docker("info", "--format", "{{.LiveRestoreEnabled}}") == "true", "reload"
        )

    def _pid(self) -> int:
        return int((self._folder / "dockerd.pid").read_text())

    def kill_and_restart(self) -> None:
        pid = self._pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not runs(pid), "dockerd's end")
        (self._folder / "dockerd.pid").unlink()
        with (self._folder / "dockerd.log").open("ab") as log:
            child = subprocess.Popen(
                self._command, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        child.returncode = 0  # the lab ends it
        until(lambda: self.docker("version", "--format", "x", check=False) == "x", "dockerd")

    def down(self) -> None:
        subprocess.run([sys.executable, str(LAB), "down", "--dir", str(self._folder)], check=True)


def _ends(items: list[Item]) -> int:
    last = (b"o%d" % COUNT, b"e%d" % COUNT)
    return sum(isinstance(item, Line) and item.raw in last for item in items)


@pytest.fixture(params=["bookworm", "trixie"])
def mortal(request: pytest.FixtureRequest) -> Iterator[MortalEngine]:
    folder = Path(tempfile.mkdtemp(prefix="lt", dir=SHORT))
    engine = MortalEngine(request.param, folder)
    yield engine
    engine.down()


@pytest.mark.timeout(120)
def test_row_6_the_engine_is_killed_while_containers_write(mortal: MortalEngine) -> None:
    script = (
        f"i=0; while [ $i -lt {COUNT} ]; do a=$((i+1)); i=$((i+20));"
        "seq $a $i | sed s/^/o/; seq $a $i | sed s/^/e/ >&2; usleep 30000; done; sleep 1000"
    )
    names = [mortal.start(script) for _ in range(2)]

    async def collect() -> list[Item]:
        items: list[Item] = []
        lines = kills = 0
        killing: asyncio.Task[None] | None = None
        async with (
            asyncio.timeout(90),
            Engine(mortal.host) as client,
            client.tail(*names, tail="all") as tail,
        ):
            async for batch in tail.batches():
                items += batch
                lines += sum(isinstance(item, Line) for item in batch)
                idle = killing is None or killing.done()
                if idle and kills < KILLS and lines > (kills + 1) * COUNT // 2:
                    kills += 1
                    killing = asyncio.create_task(asyncio.to_thread(mortal.kill_and_restart))
                if idle and _ends(items) == 2 * len(names):
                    break
        assert killing is not None
        await killing
        assert kills == KILLS
        return items

    items = asyncio.run(collect())
    for name in names:
        retained = mortal.run("docker", "logs", name)
        for prefix, stream in ((b"o", retained.stdout), (b"e", retained.stderr)):
            assert numbers_of(items, name, prefix) == [int(x[1:]) for x in stream.splitlines()]
    # The containers ran on: whatever the engine did, their runs did not end.
    assert not any(isinstance(item, (Started, Stopped)) for item in items)
    assert not any(isinstance(item, Gap) and "known" in item.reason for item in items)

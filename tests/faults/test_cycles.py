"""Nothing is left of streams that were opened and closed, in either face."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchkit.cycling import Held
from faults.fake_engine import LAST, Connection, FakeEngine, frame, json_answer, log, stall
from support.engines import ROOT

CYCLES = 500
LINE = frame(1, b"2026-11-24T01:02:03.000000001Z here\n")
WEB = [{"Id": "4f" * 32, "Names": ["/web"], "State": "running"}]


def follow(connection: Connection) -> None:
    """End a history, and keep what is followed open."""
    if "follow=1" not in connection.requests[-1]:
        connection.send(LAST)
    else:
        stall(connection)


@pytest.mark.parametrize("what", ["logs", "tail", "sync.logs", "sync.tail"])
def test_nothing_is_left(what: str) -> None:
    inspect = {
        "Id": "4f" * 32,
        "Name": "/web",
        "State": {"Running": True, "StartedAt": "2026-11-24T01:02:03Z"},
    }
    answers = {
        "/info": json_answer({"SystemTime": "2026-11-24T01:02:03Z"}),
        "/containers/json": json_answer(WEB),
        "/events": log([], stall),
        "/logs": log([LINE], follow),
    }
    with FakeEngine(answers=answers, inspect=inspect) as fake:
        command = [sys.executable, "-W", "error", "-m", "benchkit.cycling"]
        done = subprocess.run(
            [*command, fake.host, "web", str(CYCLES), what],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    early, late = (Held(**held) for held in json.loads(done.stdout))
    assert late.fds <= early.fds
    assert late.threads <= early.threads
    assert late.tasks <= early.tasks
    # What is kept of a cycle, were it but one object, would show in so many.
    assert late.blocks - early.blocks < CYCLES

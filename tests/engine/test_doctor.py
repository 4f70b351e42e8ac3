"""`lobtail doctor` on real engines: what it says is what docker says, and what is so."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lobtail.engine.known_issues import parse_version
from support.engines import LOBTAIL, TestEngine

GIVEN = os.environ.get("LOBTAIL_TEST_HOST", "")


def report(engine: TestEngine) -> dict[str, Any]:
    result = engine.run("lobtail", "doctor", "--json")
    assert (result.code, result.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["healthy"] is True
    return found


def test_the_engine_is_what_docker_says(any_engine: TestEngine) -> None:
    (found,) = report(any_engine)["engines"]
    said = json.loads(any_engine.docker("version", "--format", "{{json .Server}}"))
    assert found["version"] == said["Version"]
    assert found["newest_api"] == said["ApiVersion"]
    assert found["name"] == ("Podman" if any_engine.suite == "podman" else "Docker")
    assert (found["endpoint"], found["origin"]) == (any_engine.host, "DOCKER_HOST")
    assert abs(found["clock_ms"]) < 1000 + found["clock_doubt_ms"]
    assert 0 < found["answer_ms"] < 5000


def test_how_logs_are_kept(engine: TestEngine) -> None:
    lossy = engine.start("sleep 60", "--log-opt", "mode=non-blocking", "--log-opt", "max-size=1m")
    mute = engine.start("sleep 60", "--log-driver", "none")
    small = ("max-size=1m", "max-file=3", "compress=true")
    engine.start("sleep 60", *(word for option in small for word in ("--log-opt", option)))
    full = report(engine)
    (found,) = full["engines"]
    assert found["containers"] == len(engine.docker("ps", "-aq").splitlines())
    assert found["running"] == len(engine.docker("ps", "-q").splitlines())
    assert sum(found["drivers"].values()) == found["looked_at"] == found["containers"]
    if engine.suite != "given":  # the lab's engines are on this machine, and we are root
        assert found["files"] >= 2
    warnings = {
        finding["text"] for finding in found["about_containers"] if finding["grade"] == "warning"
    }
    assert any(lossy in text and "non-blocking" in text for text in warnings)
    assert any(lossy in text and "max-file=1" in text for text in warnings)
    assert any(mute in text and "'none'" in text for text in warnings)

    bugs = {bug["name"]: bug for bug in found["bugs"]}
    old = parse_version(found["version"]) < (23, 0)
    assert ("since-compressed" in bugs) is old
    assert ("rotation-skips" in bugs) is not old
    if old:
        assert bugs["since-compressed"]["concerns"] >= 1
        assert bugs["follow-duplicates"]["concerns"] >= 2


@pytest.mark.skipif(GIVEN != "", reason="files of an engine that was given are not ours to lock")
def test_files_that_may_not_be_read(engine: TestEngine) -> None:
    name = engine.ended("doctor", "echo hello")
    folder = Path(engine.root, "containers")
    mode = folder.stat().st_mode
    # Of root without this power, too: the engine keeps it.
    without = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    without += ["--inh-caps", "-dac_override,-dac_read_search"]
    folder.chmod(0)
    try:
        command = [*without, *LOBTAIL, "doctor", "--json"]
        done = subprocess.run(command, env=engine.env(), capture_output=True, check=True)
    finally:
        folder.chmod(mode)
    (found,) = json.loads(done.stdout)["engines"]
    assert found["files"] == 0
    # One reason, however many containers.
    (note,) = [
        finding["text"]
        for finding in found["about_containers"]
        if "ID-json.log: permission denied" in finding["text"]
    ]
    assert note.startswith("read by the API: ")
    assert name in note or " more" in note


def test_the_text_can_be_pasted(any_engine: TestEngine) -> None:
    result = any_engine.run("lobtail", "doctor")
    text = result.stdout.decode()
    assert (result.code, result.stderr) == (0, b"")
    assert text.startswith("lobtail ")
    assert f"\nEngine: {any_engine.host} (DOCKER_HOST)\n" in text
    assert text.endswith("\nAll is well.\n")
    assert "\x1b" not in text


def test_several_engines_one_of_them_down(engine: TestEngine) -> None:
    hosts = ("-H", engine.host, "-H", "unix:///nowhere/docker.sock")
    result = engine.run("lobtail", *hosts, "doctor", "--json")
    assert result.code == 1
    up, down = json.loads(result.stdout)["engines"]
    assert up["version"]
    assert [finding["grade"] for finding in down["findings"]] == ["error"]

"""`lobtail doctor` when things are broken: it says what, ends soon, and never with a traceback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from faults.command import IMPATIENT, lobtail
from faults.fake_engine import Connection, FakeEngine, Script, answer, cut, json_answer, stall
from faults.fake_host import Box, FakeHost

VERSION = json_answer(
    {"Version": "28.1.0", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "linux"}
)


def info(ahead: float) -> Script:
    def tell(connection: Connection) -> None:
        # The time of the answer: to begin lobtail takes a while on a busy machine.
        now = datetime.now(UTC) + timedelta(seconds=ahead)
        said = {"SystemTime": now.isoformat(), "DockerRootDir": "/var/lib/docker"}
        for data in json_answer(said):
            assert isinstance(data, bytes)
            connection.send(data)

    return [tell]


def doctor(host: str, *args: str, **env: str) -> tuple[int, dict[str, Any]]:
    result = lobtail(host, "doctor", "--json", *args, env={**IMPATIENT, **env})
    assert result.stderr == b""
    return result.code, json.loads(result.stdout)


def texts(report: dict[str, Any], grade: str) -> list[str]:
    engines = report["engines"]
    found = [finding for engine in engines for finding in engine["findings"]]
    found += [finding for engine in engines for finding in engine["about_containers"]]
    return [
        finding["text"]
        for finding in found + report["here"]["findings"]
        if finding["grade"] == grade
    ]


def test_paths_that_are_no_text() -> None:
    # As a shell hands on $'\xff'.
    code, report = doctor("unix:///nowhere/\udcff", LOBTAIL_CONFIG="/x\udcff")
    assert code == 1
    assert report["here"]["settings"] == "/x\ufffd"
    assert "unix:///nowhere/\ufffd" in texts(report, "error")[0]


def test_no_engine() -> None:
    code, report = doctor("unix:///nowhere/docker.sock")
    assert (code, report["healthy"]) == (1, False)
    (text,) = texts(report, "error")
    assert "unix:///nowhere/docker.sock (DOCKER_HOST)" in text
    shown = lobtail("unix:///nowhere/docker.sock", "doctor")
    assert shown.code == 1
    assert b"  ERROR cannot connect" in shown.stdout
    assert shown.stdout.endswith(b"\nSomething is broken: see ERROR above.\n")


@pytest.mark.parametrize(
    ("host", "words"),
    [("bogus://x", "bogus://x"), ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1")],
)
def test_an_endpoint_that_cannot_be(host: str, words: str) -> None:
    code, report = doctor(host)
    assert code == 1
    assert words in texts(report, "error")[0]


def test_a_context_that_is_not_there() -> None:
    code, report = doctor("", "--context", "nosuch")
    assert code == 1
    assert "no docker context 'nosuch'" in texts(report, "error")[0]


HTML = answer("<html><title>502</title>", 502, "Bad Gateway")


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("/_ping", [stall]),
        ("/_ping", HTML),
        ("/version", [cut]),
        ("/version", answer("{")),
        ("/info", [stall]),
        ("/info", json_answer({"message": "no"}, 500, "no")),
        ("/info", answer("{")),
        ("/containers/json", [stall]),
        ("/containers/json", HTML),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_engine_that_fails_half_way(path: str, script: Script) -> None:
    answers = {path: script} | {
        end: good for end, good in {"/version": VERSION, "/info": info(0)}.items() if end != path
    }
    with FakeHost(Box("web"), answers=answers) as engine:
        code, report = doctor(engine.host)
        refused = path == "/info" and not texts(report, "error")
        assert code == (0 if refused else 1)
        assert texts(report, "note" if refused else "error")
        # What was found out before is told.
        assert report["engines"][0]["endpoint"] == engine.host


def test_a_container_that_the_engine_says_nothing_of() -> None:
    answers = {"/version": VERSION, "/info": info(0), "/0001" + "f" * 60 + "/json": [stall]}
    with FakeHost(Box("web"), Box("db"), answers=answers) as engine:
        code, report = doctor(engine.host)
    assert code == 1
    assert "has not answered" in texts(report, "error")[0]


@pytest.mark.parametrize(("ahead", "said"), [(0, False), (-300, True), (300, True)])
def test_a_clock_that_is_wrong(ahead: float, said: bool) -> None:
    with FakeHost(answers={"/version": VERSION, "/info": info(ahead)}) as engine:
        code, report = doctor(engine.host)
    assert code == 0
    warned = [text for text in texts(report, "warning") if "clock" in text]
    assert bool(warned) is said
    if said:
        assert ("ahead of" in warned[0]) is (ahead > 0)
    assert abs(report["engines"][0]["clock_ms"] - ahead * 1000) < 5000


def test_logs_that_cannot_be_read() -> None:
    boxes = (
        Box("plain"),
        Box("nothing", driver="none"),
        Box("far-1", driver="fluentd"),
        Box("far-2", driver="fluentd"),
    )
    with FakeHost(*boxes, answers={"/version": VERSION, "/info": info(0)}) as engine:
        code, report = doctor(engine.host)
    assert code == 0
    (found,) = report["engines"]
    assert found["drivers"] == {"json-file": 1, "none": 1, "fluentd": 2}
    assert (found["containers"], found["looked_at"], found["files"]) == (4, 4, 0)
    assert texts(report, "warning") == ["the log driver 'none' keeps nothing to be read: nothing"]
    notes = texts(report, "note")
    assert "the log driver fluentd sends logs elsewhere: far-1, far-2" in notes
    assert any(note.startswith("read by the API: plain: the engine does not say") for note in notes)


def test_names_do_not_act_on_a_terminal() -> None:
    box = Box("nice\x1b]0;owned\x07", driver="none")
    with FakeHost(box, answers={"/version": VERSION, "/info": info(0)}) as engine:
        shown = lobtail(engine.host, "doctor").stdout
    assert b"\x1b" not in shown
    assert "nice␛]0;owned".encode() in shown


def test_an_engine_too_new() -> None:
    version = json_answer({"Version": "99.0.0", "ApiVersion": "1.99", "MinAPIVersion": "1.90"})
    with FakeEngine(api="1.99", answers={"/version": version}) as engine:
        code, report = doctor(engine.host)
    assert code == 1
    assert any("1.90 to 1.99" in text for text in texts(report, "error"))


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[tail]\ntial = 5\n")
    with FakeHost(answers={"/version": VERSION, "/info": info(0)}) as engine:
        code, report = doctor(engine.host, LOBTAIL_CONFIG=str(file))
        assert code == 1
        assert str(file) in texts(report, "error")[0]
        code, report = doctor(engine.host, LOBTAIL_TAIL_OUTPUT="xml")
        assert code == 1
        assert "LOBTAIL_TAIL_OUTPUT" in texts(report, "error")[0]


def test_secrets_are_not_told() -> None:
    env = {"DOCKER_AUTH_CONFIG": "secret", "DOCKER_API_VERSION": "1.41", "LOBTAIL_TAIL_TAIL": "5"}
    with FakeHost(answers={"/version": VERSION, "/info": info(0)}) as engine:
        result = lobtail(engine.host, "doctor", env=env)
    assert b"secret" not in result.stdout
    assert b"DOCKER_API_VERSION=1.41" in result.stdout
    assert b"LOBTAIL_TAIL_TAIL=5" in result.stdout


def test_an_engine_that_stalls_is_not_waited_for_long() -> None:
    with FakeEngine(answers={"/_ping": [stall]}) as engine:
        result = lobtail(engine.host, "doctor")
    assert result.code == 1
    assert b"has not answered for 5 s" in result.stdout
